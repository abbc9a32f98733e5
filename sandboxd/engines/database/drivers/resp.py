"""Connections to Redis and Valkey: their protocol (RESP 2), and the words of radix, the Go client.

The protocol is so small that a client of its own costs less than a driver, and leaves errors as the server sends them.

Source: radix 4.1; the words were captured from OpenBao.
"""

import asyncio
import ssl
from dataclasses import dataclass, field
from typing import Any

from sandboxd.engines.database.drivers.dialing import CLOSE_LIMIT, DEADLINE, dial_tcp, tls_text
from sandboxd.engines.database.plugin import PluginError
from sandboxd.vault.gotext import quote

TIMED_OUT = f"waiting for response from Conn: {DEADLINE}"

_ANSWERED = "response returned from Conn: "
_LONGEST = 1 << 20  # bytes of one line or text that are read


class ServerError(PluginError):
    """The server answered with an error."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """Where a server is, and who to be there."""

    host: str
    port: str
    username: str
    password: str = field(repr=False)
    context: ssl.SSLContext | None = None  # None: unencrypted


class Connection:
    """One connection, on which one command runs after another. All methods raise PluginError with radix's words."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def command(self, *words: str) -> Any:
        """Run a command. A text or number is given as such, a missing one as None, a missing array as an empty one.

        Raises ServerError with the server's words when it refuses.
        """
        parts = [word.encode("utf-8", "surrogateescape") for word in words]
        self._writer.write(
            b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts),
        )
        try:
            await self._writer.drain()
            return await self._answer()
        except (asyncio.IncompleteReadError, ConnectionError):
            raise PluginError(f"{_ANSWERED}EOF") from None
        except (asyncio.LimitOverrunError, ValueError):
            raise PluginError(f"{_ANSWERED}malformed resp") from None

    async def close(self) -> None:
        """End the connection, with or without the server's part in it."""
        self._writer.close()
        try:
            async with asyncio.timeout(CLOSE_LIMIT):
                await self._writer.wait_closed()
        except OSError:
            self._writer.transport.abort()

    async def _answer(self) -> Any:
        line = (await self._reader.readuntil(b"\n")).rstrip(b"\r\n")
        kind, rest = line[:1], line[1:]
        if kind == b"-":
            raise ServerError(_ANSWERED + rest.decode("utf-8", "replace"))
        if kind == b"+":
            return rest.decode("utf-8", "replace")
        if kind == b":":
            return int(rest)
        if kind == b"$":
            size = int(rest)
            if size < 0:
                return None
            if size > _LONGEST:
                raise ValueError("longer than any answer that is asked for")
            return (await self._reader.readexactly(size + 2))[:size].decode("utf-8", "replace")
        if kind == b"*":
            return [await self._answer() for _ in range(int(rest))]
        shown = quote((rest + b"\n").decode("utf-8", "surrogateescape"))
        raise PluginError(f"{_ANSWERED}malformed resp {shown}")


async def connect(server: Server) -> Connection:
    """Connect and log in. Raises PluginError."""
    made = await dial_tcp(server.host, server.port)
    made.setblocking(False)
    try:
        reader, writer = await asyncio.open_connection(
            sock=made,
            limit=_LONGEST,
            ssl=server.context,
            server_hostname=server.host or "localhost" if server.context else None,
        )
    except ssl.SSLError as error:
        raise PluginError(tls_text(error)) from None
    except OSError:
        raise PluginError("EOF") from None
    connection = Connection(reader, writer)
    try:
        if server.password:
            await connection.command("AUTH", *filter(None, (server.username,)), server.password)
    except BaseException:
        await connection.close()
        raise
    return connection
