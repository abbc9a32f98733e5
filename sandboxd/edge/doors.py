"""Listeners, as doors that can be shut, and what faults do to those who knock.

As long as no fault is at a door, its connections go straight to `http1`. Three kinds of faults are there:

- the port **refuses**: the listener is closed, and its place held by a socket that does not listen;
- it is **unreachable**: nobody gets in line any more, and those who are connected hear nothing;
- a **porter** stands at the door: connections are accepted, and each is let in, or dealt with as a fault says. With TLS
  that is before the handshake.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandboxd.edge.conduct import reset
from sandboxd.vault.errors import Refusal

if TYPE_CHECKING:
    from sandboxd.chaos.model import Fault
    from sandboxd.chaos.rules import Active
    from sandboxd.chaos.run import Chaos
    from sandboxd.edge.authority import Authority
    from sandboxd.edge.http1 import Server
    from sandboxd.edge.nodes import Cluster
    from sandboxd.edge.porter import Porter

BACKLOG = 1024
TRIES = 50
"""How often a port is asked for again that was given up a moment before."""


@dataclass(frozen=True)
class Listener:
    """Where to listen. Port 0 takes a free one.

    `node` is the node of a cluster whose address it is; `authority` has made its certificate, where that is known.
    """

    host: str = "127.0.0.1"
    port: int = 8200
    tls: ssl.SSLContext | None = None
    allowed_hosts: tuple[str, ...] = ()
    node: str = ""
    authority: Authority | None = None


class Door:
    """One listener."""

    def __init__(self, listener: Listener, server: Server) -> None:
        self.listener = listener
        self.server = server
        self.address = ("", 0)
        self._listening: asyncio.Server | None = None
        self._porter: Porter | None = None
        self._holding: list[socket.socket] = []  # what keeps the port while nobody listens
        self._muted: list[asyncio.Transport] = []
        self._state = ""

    async def open(self) -> None:
        """Listen. Raises OSError when the address cannot be had."""
        await self._listen(self.listener.port)
        assert self._listening is not None
        name = self._listening.sockets[0].getsockname()
        self.address = (name[0], name[1])
        self._state = "open"

    async def be(self, state: str, actives: Sequence[Active], chaos: Chaos | None) -> None:
        """Be `open`, `refused`, `unreachable`, or have a `porter` who deals with faults."""
        if state == self._state and (state != "porter" or self._porter is None):
            return
        if state == "porter" and self._state == "porter" and self._porter is not None:
            self._porter.actives = actives
            return
        before, self._state = self._state, state
        if before in ("refused", "unreachable"):
            self._let_go()
        elif state in ("refused", "unreachable") or self.listener.tls is not None:
            await self._close_listener()
        if self._porter is not None:
            self._porter.leave()
            self._porter = None
        if state == "refused":
            await self._hold(backlog=None)
            for connection in list(self.server.connections):
                connection.abort()
        elif state == "unreachable":
            await self._hold(backlog=0)
            for connection in list(self.server.connections):
                self._muted += connection.mute()
        else:
            if state == "porter":
                from sandboxd.edge.porter import Porter

                assert chaos is not None
                self._porter = Porter(self.server, self.listener, chaos, actives)
            if self._listening is None:
                await self._listen(self.address[1])

    async def close(self) -> None:
        """Listen no longer, and end all connections."""
        if self._listening is not None:
            self._listening.close()
        if self._porter is not None:
            self._porter.leave()
        self._let_go()
        await self.server.close()

    async def _listen(self, port: int) -> None:
        loop = asyncio.get_running_loop()
        listener = self.listener
        tls = listener.tls if self._porter is None else None  # a porter comes before the handshake
        for left in range(TRIES, -1, -1):
            try:
                self._listening = await loop.create_server(
                    self._protocol, listener.host, port, ssl=tls, backlog=BACKLOG, reuse_address=True
                )
            except OSError:
                if not left or not self.address[1]:
                    raise
                await asyncio.sleep(0)  # the event loop has not let go of the port yet
            else:
                return

    def _protocol(self) -> asyncio.Protocol:
        return self.server() if self._porter is None else self._porter.meet()

    async def _close_listener(self) -> None:
        if self._listening is not None:
            self._listening.close()
            self._listening = None
            await asyncio.sleep(0)

    async def _hold(self, backlog: int | None) -> None:
        """Keep the port. With a backlog of 0 nobody who knocks gets an answer: the line is filled by ourselves."""
        host, port = self.address
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        place = socket.socket(family, socket.SOCK_STREAM)
        self._holding.append(place)
        place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for left in range(TRIES, -1, -1):
            try:
                place.bind((host, port))
                break
            except OSError:
                if not left:
                    raise
                await asyncio.sleep(0)
        if backlog is None:
            return
        place.listen(backlog)
        for _ in range(backlog + 2):  # Linux lets one more in than the backlog says
            knock = socket.socket(family, socket.SOCK_STREAM)
            knock.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                knock.connect((host, port))
            self._holding.append(knock)

    def _let_go(self) -> None:
        for each in reversed(self._holding):  # those in line first
            each.close()
        self._holding = []
        for transport in self._muted:
            reset(transport)
        self._muted = []


class Doors:
    """The listeners of a sandbox."""

    def __init__(self) -> None:
        self._doors: list[Door] = []
        self._following = asyncio.Lock()

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Where they listen."""
        return [door.address for door in self._doors]

    async def open(self, listener: Listener, server: Server) -> tuple[str, int]:
        """Listen; gives the address. Raises OSError when it cannot be had."""
        door = Door(listener, server)
        await door.open()
        self._doors.append(door)
        return door.address

    def check(self, fault: Fault) -> None:
        """Raise Refusal for a fault that these listeners cannot have."""
        from sandboxd.chaos.doors import OWN_CA, TLS, problem
        from sandboxd.chaos.kinds import kind_name

        told = problem(fault)
        if told:
            raise Refusal(told)
        if not isinstance(fault, TLS):
            return
        if all(door.listener.tls is None for door in self._doors):
            raise Refusal(f"{kind_name(fault)}: this sandbox has no TLS; start it with --tls")
        if isinstance(fault, OWN_CA) and all(door.listener.authority is None for door in self._doors):
            raise Refusal(
                f"{kind_name(fault)}: the listener's certificate is not sandboxd's own, so no other one of its CA can "
                "be made; tls-unknown-ca can"
            )

    async def follow(self, chaos: Chaos | None, cluster: Cluster | None = None) -> None:
        """Do what the faults at the listeners say, and shut the listeners of nodes that are stopped."""
        from sandboxd.chaos.doors import KERNEL
        from sandboxd.chaos.facts import fits
        from sandboxd.chaos.kinds import kind_name

        async with self._following:
            for door in self._doors:
                node = door.listener.node
                names = (node, "leader" if cluster is not None and cluster.leader == node else "")
                faults = [] if chaos is None else chaos.doors_now()
                here = [each for each in faults if not each.fault.node or fits(each.fault.node, *names)]
                shut = next((kind_name(each.fault) for each in here if isinstance(each.fault, KERNEL)), "")
                if cluster is not None and node and cluster.stopped(node):
                    shut = "refused"
                await door.be(shut or ("porter" if here else "open"), here, chaos)

    async def close(self) -> None:
        """Listen no longer, and end all connections. No fault that ends later opens a door again."""
        async with self._following:
            doors, self._doors = self._doors, []
            await asyncio.gather(*(door.close() for door in doors))
