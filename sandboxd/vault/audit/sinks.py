"""Where audit lines go: the one place of the core that opens files and sockets.

A **sink** takes whole lines. It raises OSError when a line could not be delivered; its text is for the log alone.
"""

import contextlib
import os
import socket
import stat
import sys
from pathlib import Path
from typing import Protocol

from sandboxd.vault.framework.loopback import is_loopback
from sandboxd.vault.gotext import quote

REFUSED = (
    "audit lines are sent to this machine only: a socket audit device needs a loopback address or a UNIX socket, not"
)


class Sink(Protocol):
    """Takes audit lines."""

    def write(self, line: bytes) -> None:
        """Deliver a line. Raises OSError."""

    def reopen(self) -> None:
        """Open anew what may have been moved away, as after log rotation. Raises OSError."""

    def close(self) -> None:
        """Let go of what is open."""


class Discard:
    """Takes lines and forgets them."""

    def write(self, line: bytes) -> None:
        """Forget the line."""

    def reopen(self) -> None:
        """Nothing is open."""

    def close(self) -> None:
        """Nothing is open."""


class Stdout(Discard):
    """The process's standard output."""

    def write(self, line: bytes) -> None:
        """Write the line at once."""
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()


class File:
    """A file that lines are appended to, made with its folders when it is not there.

    Args:
        mode: permissions that the file gets, also when it was there; None leaves them as they are.

    Raises OSError when it cannot be opened, ValueError for a path that no file can have.
    """

    def __init__(self, path: str, mode: int | None) -> None:
        self._path = Path(path)
        self._mode = mode
        self._descriptor: int | None = None
        self._open()

    def write(self, line: bytes) -> None:
        """Append the line; when that fails, once more after opening the file anew."""
        try:
            self._append(line)
        except OSError:
            self.reopen()
            self._append(line)

    def reopen(self) -> None:
        """Open the file anew, by its name."""
        self.close()
        self._open()

    def close(self) -> None:
        """Close the file; the next line opens it again."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _append(self, line: bytes) -> None:
        if self._descriptor is None:
            self._open()
        assert self._descriptor is not None
        while line:
            line = line[os.write(self._descriptor, line) :]

    def _open(self) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_APPEND | os.O_WRONLY | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
        descriptor = os.open(self._path, flags, 0o600 if self._mode is None else self._mode)
        try:
            if self._mode is not None and stat.S_ISREG(os.fstat(descriptor).st_mode):
                self._path.chmod(self._mode)
        except OSError:
            os.close(descriptor)
            raise
        self._descriptor = descriptor


class Socket:
    """A stream or datagram socket on this machine, connected when the first line is written.

    Args:
        kind: Go's name of the network: tcp, udp, unix, and their variants.
        address: `host:port`, or the path of a UNIX socket.
        timeout: seconds that connecting and writing may take.

    Raises ValueError with a clear text for an address elsewhere.
    """

    def __init__(self, kind: str, address: str, timeout: float) -> None:
        self._kind, self._address, self._timeout = kind, address, timeout
        self._socket: socket.socket | None = None
        if not kind.startswith("unix") and not _is_loopback(address):
            raise ValueError(f"{REFUSED} {quote(address)}")

    def write(self, line: bytes) -> None:
        """Send the line; when that fails, once more over a new connection."""
        try:
            self._send(line)
        except OSError as error:
            try:
                self.reopen()
            except OSError as again:
                raise OSError(f"2 errors occurred:\n\t* {error}\n\t* {again}\n\n") from again
            self._send(line)

    def reopen(self) -> None:
        """Connect anew."""
        self.close()
        self._connect()

    def close(self) -> None:
        """Close the connection."""
        connection, self._socket = self._socket, None
        if connection is not None:
            connection.close()

    def _send(self, line: bytes) -> None:
        if self._socket is None:
            self._connect()
        assert self._socket is not None
        self._socket.sendall(line)

    def _connect(self) -> None:
        datagram = self._kind.startswith("udp") or self._kind == "unixgram"
        kind = socket.SOCK_DGRAM if datagram else socket.SOCK_STREAM
        target: str | tuple[str, int] = self._address
        if self._kind.startswith("unix"):
            family: int = getattr(socket, "AF_UNIX", -1)
            if family < 0:
                raise OSError(f"dial {self._kind} {self._address}: unknown network {self._kind}")
        elif self._kind in ("tcp", "tcp4", "tcp6", "udp", "udp4", "udp6"):
            host, _, port = self._address.rpartition(":")
            host = host.strip("[]") or "127.0.0.1"
            family, target = (socket.AF_INET6 if ":" in host else socket.AF_INET), (host, int(port))
        else:
            raise OSError(f"dial {self._kind}: unknown network {self._kind}")
        connection = socket.socket(family, kind)
        connection.settimeout(self._timeout)
        try:
            connection.connect(target)
        except OSError as error:
            connection.close()
            reason = "i/o timeout" if isinstance(error, TimeoutError) else f"connect: {(error.strerror or '').lower()}"
            raise OSError(f"dial {self._kind} {self._address}: {reason}") from error
        self._socket = connection


def _is_loopback(address: str) -> bool:
    host, colon, port = address.rpartition(":")
    host = host.strip("[]")
    if not colon or not port.isdigit() or int(port) > 0xFFFF:
        return False
    return host == "" or is_loopback(host)


def _answers(path: str) -> bool:
    """Whether someone listens at a UNIX socket."""
    family: int = getattr(socket, "AF_UNIX", -1)  # not everywhere
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with contextlib.suppress(OSError), socket.socket(family, kind) as connection:
            connection.connect(path)
            return True
    return False


FACILITIES = (
    *("KERN", "USER", "MAIL", "DAEMON", "AUTH", "SYSLOG", "LPR", "NEWS", "UUCP", "CRON", "AUTHPRIV", "FTP"),
    *(f"LOCAL{number}" for number in range(8)),
)


class Syslog:
    """The system's log. Raises ValueError with the real server's text where there is none, or for a bad facility."""

    def __init__(self, facility: str, tag: str) -> None:
        if facility not in FACILITIES:
            raise ValueError(f"invalid syslog facility: {facility}")
        if not any(map(_answers, ("/dev/log", "/var/run/syslog", "/var/run/log"))):
            raise ValueError("Unix syslog delivery error")
        import syslog

        self._tag = tag
        self._facility: int = getattr(syslog, f"LOG_{facility}", syslog.LOG_AUTH)

    def write(self, line: bytes) -> None:
        """Hand the line to the system's log."""
        import syslog

        syslog.openlog(self._tag, 0, self._facility)
        syslog.syslog(syslog.LOG_INFO, line.decode().rstrip("\n"))

    def reopen(self) -> None:
        """Nothing is open."""

    def close(self) -> None:
        """Nothing is open."""
