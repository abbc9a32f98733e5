"""What faults have answered in good HTTP: by something in front of Vault, by a standby, or by a cache."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from sandboxd.chaos.kinds import http, vault
from sandboxd.edge.decode import first, origin_form
from sandboxd.edge.encode import encode_errors
from sandboxd.edge.messages import Answer
from sandboxd.edge.proxies import page
from sandboxd.vault.durations import parse_nanoseconds

if TYPE_CHECKING:
    from sandboxd.chaos.model import Fault
    from sandboxd.edge.struck import Case

SECOND = 1_000_000_000
_OURS = {name.lower(): name for name in ("Cache-Control", "Content-Type", "Date", "Strict-Transport-Security")}


def _status(case: Case) -> Answer:
    fault: http.Status = case.fault
    body = fault.body.encode() if fault.body else encode_errors(fault.errors)
    # In our spelling, these replace what is there already.
    headers = {_OURS.get(name.lower(), name): value for name, value in fault.headers.items()}
    kind = headers.pop("Content-Type", fault.content_type)
    return Answer(fault.code, body, tuple(headers.items()), kind, standard=not fault.body)


def _proxy_page(case: Case) -> Answer:
    fault: http.ProxyPage = case.fault
    return page(fault.proxy, fault.code, case.strike.bytes(8).hex())


def _throttled(case: Case) -> Answer:
    fault: http.Throttled = case.fault
    seconds = -(-parse_nanoseconds(fault.retry_after) // SECOND)
    headers: list[tuple[str, str]] = [("Retry-After", str(seconds))] if seconds else []
    if fault.limit:
        headers += [
            ("X-RateLimit-Limit", str(fault.limit)),
            ("X-RateLimit-Remaining", "0"),
            ("X-RateLimit-Reset", str(seconds or 1)),
        ]
    return Answer(429, b"Too Many Requests\n", tuple(headers), "text/plain; charset=utf-8", standard=False)


async def _content_type(case: Case) -> Answer:
    return (await case.served())._replace(content_type=case.fault.type)


def _redirect(case: Case) -> Answer:
    """A standby's redirect: it has neither a body nor a type (captured), and is to the same path and query."""
    fault: http.Redirect = case.fault
    incoming = case.incoming
    scheme = "https" if incoming.tls else "http"
    if fault.to == "dead":
        port = case.chaos.lasting.keep(case.strike.active.id, DeadPort).port
        where = f"{scheme}://127.0.0.1:{port}"
    elif fault.to == "leader" and (leader := _leader(case)):
        where = leader
    else:
        where = f"{scheme}://{first(incoming.headers, 'host')}"
    return Answer(307, b"", (("Location", where + origin_form(incoming.target)),), content_type="")


def _leader(case: Case) -> str:
    node, world = case.incoming.node, case.app.world
    if node is not None and node.leader is not None:
        return node.leader.address
    return (world.address or world.settings.api_address).rstrip("/")


class DeadPort:
    """A port of this machine that refuses connections, and that nobody else can take meanwhile."""

    def __init__(self) -> None:
        self._bound = socket.socket()
        self._bound.bind(("127.0.0.1", 0))
        self.port: int = self._bound.getsockname()[1]

    def close(self) -> None:
        """Let go of it."""
        self._bound.close()


async def _stale(case: Case) -> Answer:
    from sandboxd.edge.behind import stale

    return await stale(case)


async def _lagging(case: Case) -> Answer:
    from sandboxd.edge.behind import lagging

    return await lagging(case)


ACTS: Mapping[type[Fault], Callable[[Case], Answer | Awaitable[Answer]]] = {
    http.Status: _status,
    http.ProxyPage: _proxy_page,
    http.Throttled: _throttled,
    http.ContentType: _content_type,
    http.Redirect: _redirect,
    http.Stale: _stale,
    vault.Lagging: _lagging,
}
