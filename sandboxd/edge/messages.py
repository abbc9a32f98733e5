"""What the edge hands on: a request as it came over HTTP, and an answer as it goes out."""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sandboxd.edge.conduct import Conduct
    from sandboxd.vault.faults import Trouble
    from sandboxd.vault.nodes import Node

CONTROL = "/_sandboxd/v1/"
"""What the paths of the control API begin with."""

FAULT = "x-sandboxd-fault"
"""The header by which a request asks for a fault of its own, where that is allowed."""

FORWARD_AUTH = f"{CONTROL}forward-auth"
"""Where proxies ask whether a credential is valid."""


class Incoming(NamedTuple):
    """A request as it came. `target` is path and query as sent; header names are in lower case.

    `trouble` is what goes wrong with it on purpose, `node` the node of a cluster that got it.
    """

    method: str
    target: str
    headers: dict[str, tuple[str, ...]]
    body: bytes
    remote_address: str
    remote_port: int
    client_certificates: tuple[bytes, ...] = ()
    tls: bool = False
    trouble: "Trouble | None" = None
    node: "Node | None" = None


class Answer(NamedTuple):
    """An answer as it goes out. `headers` come on top of the ones that all answers have, but a Date replaces theirs."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = "application/json"
    standard: bool = True  # whether it has the headers that all answers have
    close: bool = False  # whether the connection ends with it
    conduct: "Conduct | None" = None  # how it goes out, where that is to go wrong
    reason: str = ""  # the words behind the status, where they are not the usual ones
