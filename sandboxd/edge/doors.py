"""Listeners, as doors that can be shut."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandboxd.chaos.run import Chaos
    from sandboxd.edge.http1 import Server
    from sandboxd.edge.nodes import Cluster

BACKLOG = 1024


@dataclass(frozen=True)
class Listener:
    """Where to listen. Port 0 takes a free one. `node` is the node of a cluster whose address it is."""

    host: str = "127.0.0.1"
    port: int = 8200
    tls: ssl.SSLContext | None = None
    allowed_hosts: tuple[str, ...] = ()
    node: str = ""


class Doors:
    """The listeners of a sandbox."""

    def __init__(self) -> None:
        self._opened: list[tuple[asyncio.AbstractServer, Server]] = []
        self.addresses: list[tuple[str, int]] = []

    async def open(self, listener: Listener, server: Server) -> tuple[str, int]:
        """Listen; gives the address. Raises OSError when it cannot be had."""
        loop = asyncio.get_running_loop()
        found = await loop.create_server(
            server, listener.host, listener.port, ssl=listener.tls, backlog=BACKLOG, reuse_address=True
        )
        self._opened.append((found, server))
        name = found.sockets[0].getsockname()
        self.addresses.append((name[0], name[1]))
        return self.addresses[-1]

    async def follow(self, chaos: Chaos | None, cluster: Cluster | None = None) -> None:
        """Do what the faults at the listeners say, and shut the listeners of nodes that are stopped."""

    async def close(self) -> None:
        """Listen no longer, and end all connections."""
        for listening, _ in self._opened:
            listening.close()
        await asyncio.gather(*(server.close() for _, server in self._opened))
