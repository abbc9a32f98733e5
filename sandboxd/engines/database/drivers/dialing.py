"""Dialing databases on this machine, and telling of it as Go's `net` package does.

Only loopback addresses and Unix sockets are dialed, whatever a name is resolved to.
"""

import asyncio
import contextlib
import importlib
import os
import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from types import ModuleType
from weakref import WeakValueDictionary

from sandboxd.engines.database.plugin import PluginError, sanitized
from sandboxd.vault.framework.loopback import is_loopback

CONNECT_LIMIT = 5.0  # seconds for a connection to be there
LIMIT = 10.0  # seconds for all that a plugin does at once: nobody is to wait for a database that is stuck
CLOSE_LIMIT = 1.0  # seconds for a connection to end in good order
DEADLINE = "context deadline exceeded"

_UNTRUSTED = frozenset({2, 18, 19, 20, 21, 27})  # OpenSSL's codes for a chain that ends at no known authority
_EXPIRED = 10
_OTHER_NAME = (62, 64)
_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE")
_turns: "WeakValueDictionary[tuple[int, str, str], asyncio.Lock]" = WeakValueDictionary()


@contextlib.asynccontextmanager
async def turn(mount: str, name: str) -> AsyncIterator[None]:
    """Work with one connection (`config/<name>` of a mount) while nobody else does.

    The real plugin has such a lock as well; PostgreSQL refuses concurrent grants on the same objects. Raises
    PluginError when the wait takes too long.
    """
    key = (id(asyncio.get_running_loop()), mount, name)
    lock = _turns.get(key)
    if lock is None:
        lock = _turns[key] = asyncio.Lock()
    try:
        async with asyncio.timeout(LIMIT):
            await lock.acquire()
    except TimeoutError:
        raise PluginError(DEADLINE) from None
    try:
        yield
    finally:
        lock.release()


@contextlib.asynccontextmanager
async def limited(timed_out: str, hidden: Mapping[str, str] | None = None) -> AsyncIterator[None]:
    """Work for no longer than `LIMIT`.

    Raises PluginError: with `timed_out` when it took too long, and without what is `hidden` (see `sanitized`).
    """
    try:
        async with asyncio.timeout(LIMIT):
            yield
    except TimeoutError:
        raise PluginError(timed_out) from None
    except PluginError as error:
        raise PluginError(sanitized(error.text, hidden or {})) from None


@contextlib.contextmanager
def prefixed(before: str) -> Iterator[None]:
    """Put words before the text of each PluginError within."""
    try:
        yield
    except PluginError as error:
        raise PluginError(before + error.text) from None


def driver(module: str, extra: str) -> ModuleType:
    """Import a driver. Raises PluginError, which names what to install, when it is missing."""
    try:
        return importlib.import_module(module)
    except ImportError:
        raise PluginError(
            f"to reach this database sandboxd needs the Python package {module}, which comes with the extra "
            f"{extra}: pip install 'sandboxd[{extra}]'"
        ) from None


async def addresses(host: str) -> tuple[str, ...]:
    """The loopback addresses of a host that `check_loopback` let pass. Raises OSError when it has none."""
    if host != "localhost":
        return (host.removeprefix("[").removesuffix("]"),)
    answers = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    found = tuple(dict.fromkeys(str(entry[4][0]) for entry in answers if is_loopback(str(entry[4][0]))))
    if not found:
        raise socket.gaierror(socket.EAI_NONAME, "localhost has no loopback address")
    return found


def joined(host: str, port: int) -> str:
    """A host and a port as Go writes them (`net.JoinHostPort`)."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def split(address: str, default_port: str) -> tuple[str, str]:
    """A host and its port, the brackets of an IPv6 address gone."""
    if address.startswith("["):
        host, _, rest = address[1:].partition("]")
        return host, rest.removeprefix(":") or default_port
    host, colon, port = address.rpartition(":")
    return (host, port) if colon and ":" not in host else (address, default_port)


def reason(error: OSError) -> str:
    """What Go calls the fault that an operating system's call met."""
    if isinstance(error, TimeoutError):
        return "i/o timeout"
    text = os.strerror(error.errno) if error.errno else str(error)
    return text[:1].lower() + text[1:]


def dial_text(network: str, address: str, error: OSError) -> str:
    """What Go says of a dial that failed."""
    if isinstance(error, socket.gaierror):
        return f"dial {network}: lookup {split(address, '')[0]}: no such host"
    if isinstance(error, TimeoutError) and not error.errno:
        return f"dial {network} {address}: i/o timeout"
    return f"dial {network} {address}: connect: {reason(error)}"


def tls_text(error: ssl.SSLError) -> str:
    """What Go says of a TLS handshake that failed."""
    if not isinstance(error, ssl.SSLCertVerificationError):
        if error.reason in _NO_TLS:
            return "tls: first record does not look like a TLS handshake"
        return f"tls: {(error.reason or 'handshake failure').lower().replace('_', ' ')}"
    if error.verify_code in _UNTRUSTED:
        why = "certificate signed by unknown authority"
    elif error.verify_code == _EXPIRED:
        why = "certificate has expired or is not yet valid"
    elif error.verify_code in _OTHER_NAME:
        # Go lists the names of the certificate, which Python does not give here.
        wanted = error.verify_message.rstrip("'.").rpartition("'")[2]
        why = f"certificate is valid for other names, not {wanted}"
    else:
        why = error.verify_message
    return f"tls: failed to verify certificate: x509: {why}"


class NamedContext(ssl.SSLContext):
    """A TLS context that asks for a name of its own choice, where what is dialed is an address."""

    server_name: str | None = None

    def wrap_bio(  # type: ignore[no-untyped-def]
        self,
        incoming,
        outgoing,
        server_side=False,
        server_hostname=None,
        session=None,
    ) -> ssl.SSLObject:
        """See `ssl.SSLContext`, which asyncio calls here."""
        return super().wrap_bio(incoming, outgoing, server_side, self.server_name or server_hostname, session)


async def dial_tcp(host: str, port: str, network: str = "tcp") -> socket.socket:
    """A socket connected to the first address of a host that answers. Raises PluginError with Go's words.

    Args:
        host: empty for this machine.
        port: a number, or the name of a service.
        network: "tcp", or "tcp4" or "tcp6" for addresses of that family alone.
    """
    number = _port(port, network)
    try:
        async with asyncio.timeout(CONNECT_LIMIT):
            found = await addresses(host or "localhost")
    except OSError as error:
        raise PluginError(dial_text(network, joined(host, number), error)) from None
    fitting = [address for address in found if network == "tcp" or (":" in address) == (network == "tcp6")]
    if not fitting:
        raise PluginError(f"dial {network}: address {host}: no suitable address found")
    faults: list[str] = []
    for address in fitting:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        try:
            made = await _connected(family, (address, number))
        except OSError as error:
            faults.append(dial_text(network, joined(host and address, number), error))
        else:
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return made
    raise PluginError(faults[0])


async def dial_unix(path: str) -> socket.socket:
    """A socket connected to the one at a path. Raises PluginError with Go's words."""
    try:
        return await _connected(socket.AF_UNIX, path)
    except OSError as error:
        raise PluginError(dial_text("unix", path, error)) from None


def _port(text: str, network: str) -> int:
    if not text.removeprefix("-").isdecimal() or not text.isascii():
        try:
            return socket.getservbyname(text, "tcp") if text else 0
        except OSError:
            raise PluginError(f"dial {network}: lookup {network}/{text}: unknown port") from None
    if len(text) > 5 or not 0 <= int(text) <= 0xFFFF:
        raise PluginError(f"dial {network}: address {text}: invalid port")
    return int(text)


async def _connected(family: int, address: "tuple[str, int] | str") -> socket.socket:
    """A connected socket, in blocking mode. Raises OSError."""
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setblocking(False)
    try:
        async with asyncio.timeout(CONNECT_LIMIT):
            await asyncio.get_running_loop().sock_connect(made, address)
    except BaseException:
        made.close()
        raise
    made.setblocking(True)
    return made
