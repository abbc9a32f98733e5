"""What came in, frozen: the request as every later step sees it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from sandboxd.vault.faults import Trouble

if TYPE_CHECKING:
    from sandboxd.vault.nodes import Node

Operation = Literal[
    "create", "update", "read", "list", "scan", "delete", "patch", "help", "header", "renew", "revoke", "timer"
]

NOTHING: Mapping[str, Any] = MappingProxyType({})


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One request below `/v1/`, decoded.

    `path` is what follows `/v1/`; a LIST's or SCAN's ends in a slash. `data` is the JSON body or, where a verb has
    none, the query. `headers` have lower-case names and all their values. `wrap_ttl` is in seconds, 0 for no wrapping.
    """

    id: str
    operation: Operation
    path: str
    method: str = "GET"
    data: Mapping[str, Any] = NOTHING
    token: str = ""
    namespace: str = ""
    wrap_ttl: int = 0
    wrap_format: str = ""
    headers: Mapping[str, tuple[str, ...]] = NOTHING
    remote_address: str = "127.0.0.1"
    remote_port: int = 0
    body: bytes = b""  # raw, only for what is not JSON (OCSP requests, raft snapshots)
    client_certificates: tuple[bytes, ...] = ()  # DER, leaf first
    inline: bool = False  # its token comes from the login in its own headers, and is kept nowhere
    own: bool = False  # the sandbox's own, and no app's
    trouble: Trouble | None = None  # what goes wrong with it on purpose
    node: "Node | None" = None  # the node that got it; None for a single server

    def header(self, name: str) -> str:
        """The first value of a header (lower-case name), or an empty string."""
        values = self.headers.get(name)
        return values[0] if values else ""
