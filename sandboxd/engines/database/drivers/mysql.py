"""Connections to MySQL and MariaDB: PyMySQL does the talking, in a thread, and Go's driver lends the words.

The socket is dialed here, and a second handle on it is kept: what has taken too long is ended by shutting it down,
which lets the thread go at once.

Source: go-sql-driver/mysql 1.10; the words were captured from OpenBao.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from sandboxd.engines.database.drivers.dialing import LIMIT, dial_tcp, dial_unix, driver, split, tls_text
from sandboxd.engines.database.drivers.mysql_url import NETWORKS, Settings
from sandboxd.engines.database.plugin import PluginError
from sandboxd.vault.errors import listed

T = TypeVar("T")

_SERVER_ERRORS = range(1000, 2000)  # and from 3000 on; what lies between is PyMySQL's own
_NO_TLS = 2026


class Cursor(Protocol):
    """What is used of PyMySQL's cursors."""

    def execute(self, query: str, args: Sequence[object] | None = None) -> int:
        """Run one statement."""

    def fetchone(self) -> Sequence[object] | None:
        """The next row of what it gave."""

    def close(self) -> None:
        """Drop the rest."""


class Connection(Protocol):
    """What is used of PyMySQL's connections."""

    def connect(self, sock: socket.socket) -> None:
        """Log in over a socket."""

    def cursor(self) -> Cursor:
        """Something to run statements with."""

    def close(self) -> None:
        """End the connection in good order."""


class Session:
    """One connection. All methods raise PluginError with the words of Go's driver."""

    def __init__(self, connection: Connection, handle: socket.socket) -> None:
        self._connection = connection
        self._handle = handle

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Do something with the connection in a thread. Cancelling it breaks the connection."""
        pymysql = driver("pymysql", "mysql")
        try:
            return await asyncio.to_thread(work, self._connection)
        except pymysql.MySQLError as error:
            raise PluginError(text_of(error)) from None
        except asyncio.CancelledError:
            self.abort()
            raise

    def abort(self) -> None:
        """Break the connection off, whatever is being waited for."""
        with contextlib.suppress(OSError):
            self._handle.shutdown(socket.SHUT_RDWR)
        self._handle.close()

    async def close(self) -> None:
        """End the connection."""
        try:
            await self.run(lambda connection: connection.close())
        except PluginError:
            pass  # it is gone already
        finally:
            self.abort()


async def connect(settings: Settings, context: ssl.SSLContext | None, *, server_name: str = "") -> Session:
    """Connect to the first host that answers. Raises PluginError.

    Args:
        context: what the configuration says of TLS; without it the connection string decides.
        server_name: whose certificate is expected; the host's by default.
    """
    pymysql = driver("pymysql", "mysql")
    made, host = await _dial(settings)
    tls = context or _context(settings)
    preferred = settings.tls == "preferred" and context is None
    connection: Connection = pymysql.Connection(
        host=server_name or host,
        user=settings.user,
        password=settings.password.encode(),
        database=settings.database or None,
        charset="utf8mb4",
        autocommit=None,
        defer_connect=True,
        read_timeout=LIMIT,
        write_timeout=LIMIT,
        ssl=None if preferred else tls,
        ssl_disabled=tls is None and not preferred,
    )
    session = Session(connection, made.dup())
    try:
        await session.run(lambda connection: _begin(connection, made, settings))
    except BaseException:
        session.abort()
        made.close()
        raise
    return session


def text_of(error: Exception) -> str:
    """What Go's driver says of an error of PyMySQL."""
    number = error.args[0] if error.args else 0
    if isinstance(number, int) and (number in _SERVER_ERRORS or number >= 3000):
        state = getattr(error, "sqlstate", None)
        return f"Error {number}{f' ({state})' if state else ''}: {error.args[1]}"
    if number == _NO_TLS:
        return "TLS requested but server does not support TLS"
    cause = error.__context__
    return tls_text(cause) if isinstance(cause, ssl.SSLError) else "invalid connection"


def execute(connection: Connection, statement: str) -> None:
    """Run one statement, and drop what it gives."""
    with contextlib.closing(connection.cursor()) as cursor:
        cursor.execute(statement)


def value(connection: Connection, query: str, *args: object) -> object:
    """The first value that a query gives, None when there is none."""
    with contextlib.closing(connection.cursor()) as cursor:
        cursor.execute(query, args or None)
        row = cursor.fetchone()
    return row[0] if row else None


def _begin(connection: Connection, made: socket.socket, settings: Settings) -> None:
    pymysql = driver("pymysql", "mysql")
    connection.connect(made)
    collation = f" COLLATE {settings.collation}" if settings.collation else ""
    for number, charset in enumerate(settings.charsets, 1):
        try:
            execute(connection, f"SET NAMES {charset}{collation}")
            break
        except pymysql.MySQLError:
            if number == len(settings.charsets):
                raise
    if settings.variables:
        execute(connection, "SET " + ", ".join(f"{name} = {value}" for name, value in settings.variables.items()))


def _context(settings: Settings) -> ssl.SSLContext | None:
    if settings.tls == "false":
        return None
    context = ssl.create_default_context()
    if settings.tls != "true":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


async def _dial(settings: Settings) -> tuple[socket.socket, str]:
    """A socket, and the host that it leads to."""
    if settings.network == "unix":
        return await dial_unix(settings.hosts[0]), "localhost"
    if settings.network not in NETWORKS:
        raise PluginError(f"dial {settings.network}: unknown network {settings.network}")
    faults: list[str] = []
    for address in settings.hosts:
        host, port = split(address, "3306")
        try:
            return await dial_tcp(host, port, settings.network), host
        except PluginError as error:
            if len(settings.hosts) == 1:
                raise
            faults.append(f"failed to connect to {address}: {error.text}")
    raise PluginError(listed(faults))
