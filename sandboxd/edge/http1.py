"""HTTP/1.1 connections, one answer after the other.

A plain request (a head that came whole, a body of known length) is read by hand: a secret's read should cost
little more than its parsing, and a sandbox should start without loading a web framework. Anything else (chunked
bodies, `Expect`, HTTP/1.0, broken requests) goes to aiohttp's parser, loaded when it is first needed. Refusals of
broken HTTP have the texts of Go's server.
"""

import asyncio
import contextlib
import re
import ssl
from collections import deque
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

from sandboxd.edge.decode import MAX_BODY
from sandboxd.edge.encode import encode_errors
from sandboxd.edge.messages import Answer, Incoming
from sandboxd.edge.tasks import Ready, begin, spawn

if TYPE_CHECKING:
    from aiohttp.streams import StreamReader

LINGER = 0.5  # seconds that a client may go on sending a body that was refused
TOO_LARGE_METHOD = "too large"
KEEP_ALIVE = 300.0  # seconds that an idle connection is kept, as the real server does
HEADER_LIMIT = 1024 * 1024  # bytes
TOO_LARGE = Answer(413, encode_errors(("http: request body too large",)), standard=False)
_PHRASES = {status.value: status.phrase for status in HTTPStatus} | {413: "Request Entity Too Large"}
_STANDARD = "Strict-Transport-Security: max-age=31536000; includeSubDomains\r\n"
_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_PLAIN = re.compile(rb"%b /[!-~\x80-\xff]* HTTP/1\.1(?:\r\n%b:[ \t]*[^\r\n\x00]*)*" % (_TOKEN, _TOKEN))
_REQUEST_LINE = re.compile(rb"%b [!-~\x80-\xff]+ HTTP/(\d\.\d)" % _TOKEN)
_UNUSUAL = ("transfer-encoding", "expect", "upgrade")


class Head(NamedTuple):
    """The head of a request."""

    method: str
    target: str
    headers: dict[str, tuple[str, ...]]
    close: bool
    old: bool = False  # HTTP/1.0


def parse_head(raw: bytes) -> Head | None:
    """The head of a plain request (without its empty line), or None when it is not plain."""
    if _PLAIN.fullmatch(raw) is None:
        return None
    first, *lines = raw.decode("utf-8", "surrogateescape").split("\r\n")
    method, target, _ = first.split(" ")
    headers: dict[str, tuple[str, ...]] = {}
    for line in lines:
        name, _, value = line.partition(":")
        name, value = name.lower(), value.strip(" \t")
        known = headers.get(name)
        headers[name] = (value,) if known is None else (*known, value)
    if any(name in headers for name in _UNUSUAL) or len(headers.get("host", ())) != 1:
        return None
    close = "connection" in headers and "close" in headers["connection"][0].lower()
    return Head(method, target, headers, close)


class Application(Protocol):
    """Answers requests."""

    async def answer(self, incoming: Incoming) -> Answer:
        """Answer one request."""


class Server:
    """What the connections of one listener share.

    Args:
        now: gives the Date header, in seconds since 1970.
        guard: gives the answer for a request that may not come in, or None.
    """

    def __init__(self, app: Application, now: Callable[[], float], guard: Callable[[Incoming], Answer | None]) -> None:
        self.app = app
        self.guard = guard
        self.connections: set[Connection] = set()
        self._now = now
        self._second = 0
        self._date = ""
        self._empty: asyncio.Event | None = None

    def __call__(self) -> "Connection":
        return Connection(self, asyncio.get_running_loop())

    def date(self) -> str:
        """The moment as HTTP writes it."""
        second = int(self._now())
        if second != self._second:
            from email.utils import formatdate

            self._second, self._date = second, formatdate(second, usegmt=True)
        return self._date

    def gone(self, connection: "Connection") -> None:
        """A connection is closed."""
        self.connections.discard(connection)
        if self._empty is not None and not self.connections:
            self._empty.set()

    async def close(self, patience: float = 5.0) -> None:
        """Finish what is being answered, then close all connections. `patience` is in seconds."""
        for connection in list(self.connections):
            connection.finish()
        if self.connections:
            self._empty = asyncio.Event()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._empty.wait(), patience)
        for connection in list(self.connections):
            connection.abort()


class Connection(asyncio.Protocol):
    """One client connection."""

    def __init__(self, server: Server, loop: asyncio.AbstractEventLoop) -> None:
        self._server = server
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._waiting: Head | None = None  # its body is not whole yet
        self._length = 0
        self._thorough: Thorough | None = None
        self._queue: deque[tuple[Head, bytes]] = deque()
        self._busy = False
        self._closing = False
        self._idle: asyncio.TimerHandle | None = None
        self._peer: tuple[str, int] = ("", 0)
        self._certificates: tuple[bytes, ...] = ()
        self._tls = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take over a new connection."""
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self._peer = (peer[0], peer[1]) if isinstance(peer, tuple) else ("127.0.0.1", 0)
        tls = transport.get_extra_info("ssl_object")
        if tls is not None:
            self._tls = True
            certificate = cast("ssl.SSLObject", tls).getpeercert(binary_form=True)
            self._certificates = (certificate,) if certificate else ()
        self._server.connections.add(self)
        self._idle = self._loop.call_later(KEEP_ALIVE, self.finish)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection that is gone."""
        self._transport = None
        self._server.gone(self)
        if self._idle is not None:
            self._idle.cancel()
        if self._thorough is not None:
            self._thorough.lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read what came in, and answer what is complete."""
        if self._closing:
            return
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        if self._thorough is not None:
            self._thorough.feed(data)
            return
        self._buffer = self._buffer + data if self._buffer else data
        while self._buffer and self._read_one():
            pass
        if not self._busy:
            self._next()

    def _read_one(self) -> bool:
        """Take one request off the buffer; False when it is not whole, or was given to the thorough parser."""
        head = self._waiting
        if head is None:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0 and len(self._buffer) <= HEADER_LIMIT and b"\n\n" not in self._buffer:
                return False
            head = parse_head(self._buffer[:end]) if 0 <= end <= HEADER_LIMIT else None
            length = "0" if head is None else head.headers.get("content-length", ("0",))[0]
            if head is None or not length.isdecimal() or len(head.headers.get("content-length", ("",))) != 1:
                self._hand_over()
                return False
            self._buffer = self._buffer[end + 4 :]
            self._length = int(length)
            if self._length > MAX_BODY:
                self._closing = True
                self._queue.append((head._replace(close=True, method=TOO_LARGE_METHOD), b""))
                return False
        if len(self._buffer) < self._length:
            self._waiting = head
            return False
        self._waiting = None
        self._queue.append((head, self._buffer[: self._length]))
        self._buffer = self._buffer[self._length :]
        return True

    def _hand_over(self) -> None:
        line = self._buffer.split(b"\n", 1)[0].rstrip(b"\r")
        version = _REQUEST_LINE.fullmatch(line)
        if version is None and len(line) <= HEADER_LIMIT:
            self.refuse_plainly(400, "Bad Request")
            return
        if version is not None and version.group(1) not in (b"1.0", b"1.1"):
            self.refuse_plainly(505, "HTTP Version Not Supported: unsupported protocol version")
            return
        self._thorough = Thorough(self._loop, self)
        buffer, self._buffer = self._buffer, b""
        self._thorough.feed(buffer)

    def take(self, head: Head, body: bytes) -> None:
        """Answer a request that the thorough parser read."""
        self._queue.append((head, body))
        if not self._busy:
            self._next()

    def eof_received(self) -> None:
        """The client will send no more: what it sent is answered, then the connection closes."""
        if self._busy:
            self._closing = True

    def pause_writing(self) -> None:
        """The client reads slowly: answer no more of its requests until it has read."""
        self._busy = True

    def resume_writing(self) -> None:
        """The client has read."""
        self._busy = False
        self._next()

    def finish(self) -> None:
        """Close after the answer under way, or at once when there is none."""
        self._closing = True
        if not self._busy and self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def _next(self) -> None:
        while self._queue and not self._busy and self._transport is not None:
            head, body = self._queue.popleft()
            incoming = Incoming(
                head.method, head.target, head.headers, body, *self._peer, self._certificates, self._tls
            )
            refused = TOO_LARGE if head.method == TOO_LARGE_METHOD else self._server.guard(incoming)
            if refused is not None:
                self._send(head, refused)
                continue
            self._busy = True
            found = begin(self._server.app.answer(incoming), "request")
            if isinstance(found, Ready):
                self._busy = False
                self._send(head, found.value)
            else:
                found.add_done_callback(partial(self._finished, head))

    def _finished(self, head: Head, task: "asyncio.Task[Answer]") -> None:
        self._busy = False
        if task.cancelled() or self._transport is None:
            self.abort()
            return
        error = task.exception()
        if error is not None:
            self.abort()
            raise error
        self._send(head, task.result())
        self._next()

    def _send(self, head: Head, answer: Answer) -> None:
        if self._transport is None:
            return
        close = (self._closing and not self._queue) or head.close or answer.close
        self._transport.write(self._bytes(head, answer, close=close))
        if close:
            self._closing = True
            if head.method == TOO_LARGE_METHOD:
                # The client is still sending: it reads the answer only when it is not cut off.
                self._loop.call_later(LINGER, self.abort)
            else:
                self._transport.close()
        elif not self._queue and self._idle is None:
            self._idle = self._loop.call_later(KEEP_ALIVE, self.finish)

    def _bytes(self, head: Head, answer: Answer, *, close: bool) -> bytes:
        status, body, headers, kind, standard, _ = answer
        namespace = head.headers.get("x-vault-namespace") if standard else None
        if headers or namespace or not standard or not kind:
            lines = dict(headers)
            if standard:
                lines["Cache-Control"] = "no-store"
                lines["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
            if kind:
                lines["Content-Type"] = kind
            if namespace and namespace[0]:
                lines["X-Vault-Namespace"] = namespace[0]
            text = "".join(f"{name}: {lines[name]}\r\n" for name in sorted(lines))
        else:
            text = f"Cache-Control: no-store\r\nContent-Type: {kind}\r\n{_STANDARD}"
        length = "" if status in (204, 304) else f"Content-Length: {len(body)}\r\n"
        ending = "Connection: close\r\n" if close and not head.old else ""
        phrase = _PHRASES.get(status) or f"status code {status}"
        version = "1.0" if head.old else "1.1"
        raw = (f"HTTP/{version} {status} {phrase}\r\n{text}Date: {self._server.date()}\r\n{length}{ending}\r\n").encode(
            "utf-8", "surrogateescape"
        )
        return raw if head.method == "HEAD" or status in (204, 304) else raw + body

    def refuse_plainly(self, status: int, phrase: str) -> None:
        """Refuse what is no HTTP request as Go's server does, and close."""
        self._closing = True
        if self._transport is not None:
            text = f"{status} {phrase}"
            head = f"HTTP/1.1 {text}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n{text}"
            self._transport.write(head.encode())
            self._transport.close()

    def go_on(self) -> None:
        """Tell the client to send its body."""
        if self._transport is not None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")


class Thorough:
    """aiohttp's parser, for the rest of a connection on which something unusual was sent."""

    def __init__(self, loop: asyncio.AbstractEventLoop, connection: Connection) -> None:
        from aiohttp.base_protocol import BaseProtocol
        from aiohttp.http_parser import HttpRequestParser

        self._connection = connection
        self._protocol = BaseProtocol(loop)
        self._parser = HttpRequestParser(
            self._protocol,
            loop,
            2**16,
            max_line_size=HEADER_LIMIT,
            max_field_size=HEADER_LIMIT,
            auto_decompress=False,
        )
        self._bodies: list[StreamReader] = []
        self._before: asyncio.Task[None] | None = None

    def feed(self, data: bytes) -> None:
        """Parse what came in."""
        from aiohttp import http_exceptions

        try:
            messages, _, _ = self._parser.feed_data(data)
        except http_exceptions.LineTooLong:
            self._connection.refuse_plainly(431, "Request Header Fields Too Large")
            return
        except http_exceptions.InvalidHeader:
            self._connection.refuse_plainly(400, "Bad Request: invalid header name")
            return
        except http_exceptions.HttpProcessingError as error:
            missing = ": missing required Host header" if "Missing" in error.message else ""
            self._connection.refuse_plainly(400, f"Bad Request{missing}")
            return
        for message, payload in messages:
            self._before = spawn(self._read(message, payload, self._before), "request body")

    def lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        for body in self._bodies:
            if not body.is_eof():
                body.set_exception(exc or ConnectionResetError("the client went away"))

    async def _read(self, message: Any, payload: "StreamReader", before: "asyncio.Task[None] | None") -> None:
        from aiohttp import http_exceptions

        if before is not None:
            await before
        headers: dict[str, tuple[str, ...]] = {}
        for raw_name, raw_value in message.raw_headers:
            name, value = raw_name.decode("latin-1").lower(), raw_value.decode("utf-8", "surrogateescape")
            headers[name] = (*headers.get(name, ()), value)
        old = message.version < (1, 1)
        hosts = len(headers.get("host", ()))
        if hosts > 1 or (hosts == 0 and not old):
            self._connection.refuse_plainly(
                400, "Bad Request" if hosts else "Bad Request: missing required Host header"
            )
            return
        if headers.get("expect", ("",))[0].lower() == "100-continue":
            self._connection.go_on()
        parts: list[bytes] = []
        size = 0
        self._bodies.append(payload)
        head = Head(message.method, message.path, headers, message.should_close, old)
        try:
            while not payload.is_eof():
                part = await payload.readany()
                size += len(part)
                if size > MAX_BODY:
                    self._connection.take(head._replace(method=TOO_LARGE_METHOD, close=True), b"")
                    return
                parts.append(part)
        except (ConnectionError, OSError, http_exceptions.HttpProcessingError):
            self._connection.abort()
            return
        finally:
            self._bodies.remove(payload)
        self._connection.take(head, b"".join(parts))
