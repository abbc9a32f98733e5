"""The porter at a listener: deals with connections before there is a request, and before TLS."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, cast

from sandboxd.chaos.facts import from_address
from sandboxd.chaos.kinds import transport as kinds
from sandboxd.chaos.rules import Strike
from sandboxd.edge.conduct import reset
from sandboxd.edge.tasks import begin

if TYPE_CHECKING:
    from sandboxd.chaos.model import Fault
    from sandboxd.chaos.rules import Active
    from sandboxd.chaos.run import Chaos
    from sandboxd.edge.doors import Listener
    from sandboxd.edge.http1 import Server

ELSEWHERE = "another.host.example"
"""What a certificate with the wrong name is for."""


class Porter:
    """Deals with the connections of one listener.

    Args:
        actives: the faults that are at the door, the first ones first.
    """

    def __init__(self, server: Server, listener: Listener, chaos: Chaos, actives: Sequence[Active]) -> None:
        self.actives = actives
        self._server = server
        self._listener = listener
        self._chaos = chaos
        self._held: set[asyncio.Transport] = set()
        self._contexts: dict[type[Fault], ssl.SSLContext] = {}

    def meet(self) -> asyncio.Protocol:
        """Who waits for the next connection."""
        return _Meeting(self)

    def leave(self) -> None:
        """Go: those who were kept waiting are cut off."""
        for transport in list(self._held):
            reset(transport)
        self._held.clear()

    def gone(self, transport: asyncio.Transport) -> None:
        """Somebody who was kept waiting has left."""
        self._held.discard(transport)

    def came(self, transport: asyncio.Transport) -> None:
        """Decide on a new connection."""
        fault = self._struck(transport)
        if isinstance(fault, kinds.ConnectReset) or (
            isinstance(fault, kinds.ConnectionCap) and fault.beyond == "reset"
        ):
            reset(transport)
        elif isinstance(fault, kinds.ConnectionCap) and fault.beyond == "close":
            transport.close()
        elif isinstance(fault, kinds.ConnectSilent | kinds.TlsStalled | kinds.ConnectionCap):
            self._held.add(transport)
        elif self._listener.tls is None:
            connection = self._server()
            transport.set_protocol(connection)
            connection.connection_made(transport)
        else:
            context = self._listener.tls if fault is None else self._context(type(fault))
            # Begun at once, so that the client's hello is read by TLS, and not by who met it here.
            begin(self._handshake(transport, context), "a TLS handshake")

    def _struck(self, transport: asyncio.Transport) -> Fault | None:
        peer = transport.get_extra_info("peername")
        address = peer[0] if isinstance(peer, tuple) else "127.0.0.1"
        for active in self.actives:
            fault = active.fault
            if not active.on or (fault.address and not from_address(fault.address, address)):
                continue
            if isinstance(fault, kinds.ConnectionCap) and len(self._server.connections) < fault.most:
                continue
            if active.takes():
                self._chaos.rules.remember(Strike(active, active.seen), "connection")
                return fault
        return None

    async def _handshake(self, transport: asyncio.Transport, context: ssl.SSLContext) -> None:
        connection = self._server()
        loop = asyncio.get_running_loop()
        # The client may not like what it is shown, and leave.
        with contextlib.suppress(OSError, ssl.SSLError):
            secured = await loop.start_tls(transport, connection, context, server_side=True)
            if secured is not None:
                connection.begin(secured)

    def _context(self, kind: type[Fault]) -> ssl.SSLContext:
        found = self._contexts.get(kind)
        if found is None:
            found = self._contexts[kind] = bad_context(self._listener, kind, self._chaos)
        return found


def bad_context(listener: Listener, kind: type[Fault], chaos: Chaos) -> ssl.SSLContext:
    """The TLS side of a listener with a certificate that clients must not accept."""
    from sandboxd.edge.authority import Authority, names_for
    from sandboxd.edge.tls import server_context

    clock = chaos.world.clock.beside()  # clients judge certificates by real time
    authority, hosts, period = listener.authority, names_for([listener.host]), None
    if authority is None or kind is kinds.TlsUnknownCa:
        authority = Authority(clock, name="another CA, which nobody trusts")
    if kind is kinds.TlsExpired:
        now, _ = authority.period()
        period = (now - timedelta(days=30), now - timedelta(days=1))
    if kind is kinds.TlsWrongName:
        hosts = [ELSEWHERE]
    chain = b""
    if kind is kinds.TlsCaExpired:
        now, _ = authority.period()
        authority = authority.below((now - timedelta(days=365), now - timedelta(days=1)))
        chain = authority.certificate
    made = authority.issue(hosts, period)
    # OpenSSL takes certificates from files alone.
    with TemporaryDirectory(prefix="sandboxd-") as folder:
        certificate, key = Path(folder, "certificate.pem"), Path(folder, "key.pem")
        certificate.write_bytes(made.certificate + chain)
        key.touch(mode=0o600)
        key.write_bytes(made.key)
        return server_context(certificate, key)


class _Meeting(asyncio.Protocol):
    """Waits for one connection."""

    def __init__(self, porter: Porter) -> None:
        self._porter = porter
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hand it to the porter."""
        self._transport = cast("asyncio.Transport", transport)
        self._porter.came(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- named by asyncio
        """It is gone."""
        if self._transport is not None:
            self._porter.gone(self._transport)
