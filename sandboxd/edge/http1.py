"""HTTP/1.1 connections: aiohttp's parser in front, one answer after the other behind.

It is thinner than aiohttp's own server, since a secret's read should cost little more than its parsing; refusals of
broken HTTP have the texts of Go's server.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Protocol, cast

from aiohttp import http_exceptions
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_parser import HttpRequestParser, RawRequestMessage
from aiohttp.streams import StreamReader

from sandboxd.edge.decode import MAX_BODY
from sandboxd.edge.encode import encode_errors
from sandboxd.edge.messages import Answer, Incoming
from sandboxd.edge.tasks import Ready, begin, spawn

KEEP_ALIVE = 300.0  # seconds that an idle connection is kept, as the real server does
HEADER_LIMIT = 1024 * 1024  # bytes
_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_PHRASES |= {413: "Request Entity Too Large", 472: "status code 472", 473: "status code 473"}
_STANDARD = "Strict-Transport-Security: max-age=31536000; includeSubDomains\r\n"


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

    def __call__(self) -> "Connection":
        return Connection(self, asyncio.get_running_loop())

    def date(self) -> str:
        """The moment as HTTP writes it."""
        second = int(self._now())
        if second != self._second:
            from email.utils import formatdate

            self._second, self._date = second, formatdate(second, usegmt=True)
        return self._date

    async def close(self, patience: float = 5.0) -> None:
        """Finish what is being answered, then close all connections. `patience` is in seconds."""
        for connection in list(self.connections):
            connection.finish()
        loop = asyncio.get_running_loop()
        end = loop.time() + patience
        while self.connections and loop.time() < end:
            await asyncio.sleep(0.01)
        for connection in list(self.connections):
            connection.abort()


class Connection(BaseProtocol):
    """One client connection."""

    __slots__ = (
        "_busy",
        "_certificates",
        "_closing",
        "_idle",
        "_parser",
        "_peer",
        "_queue",
        "_server",
        "_tls",
    )  # fmt: skip

    def __init__(self, server: Server, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._server = server
        self._parser = HttpRequestParser(
            self, loop, 2**16, max_line_size=HEADER_LIMIT, max_field_size=HEADER_LIMIT, auto_decompress=False
        )
        self._queue: deque[tuple[RawRequestMessage, Any]] = deque()
        self._busy = False
        self._closing = False
        self._idle: asyncio.TimerHandle | None = None
        self._peer: tuple[str, int] = ("", 0)
        self._certificates: tuple[bytes, ...] = ()
        self._tls = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take over a new connection."""
        super().connection_made(transport)
        peer = transport.get_extra_info("peername")
        self._peer = (peer[0], peer[1]) if isinstance(peer, tuple) else ("127.0.0.1", 0)
        tls = transport.get_extra_info("ssl_object")
        if isinstance(tls, ssl.SSLObject):
            self._tls = True
            certificate = tls.getpeercert(binary_form=True)
            self._certificates = (certificate,) if certificate else ()
        self._server.connections.add(self)
        self._wait()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget a connection that is gone."""
        super().connection_lost(exc)
        self._server.connections.discard(self)
        if self._idle is not None:
            self._idle.cancel()
        for _message, payload in self._queue:
            if isinstance(payload, StreamReader) and not payload.is_eof():
                payload.set_exception(ConnectionResetError("the client went away"))

    def data_received(self, data: bytes) -> None:
        """Parse what came in, and answer what is complete."""
        if self._closing:
            return
        try:
            messages, _upgraded, _tail = self._parser.feed_data(data)
        except http_exceptions.HttpProcessingError as error:
            self._bad(error)
            return
        if messages:
            if self._idle is not None:
                self._idle.cancel()
                self._idle = None
            self._queue.extend(cast("Any", messages))
        if not self._busy:
            self._next()

    def eof_received(self) -> None:
        """The client will send no more."""
        self._closing = not self._busy

    def finish(self) -> None:
        """Close after the answer under way, or at once when there is none."""
        self._closing = True
        if not self._busy and self.transport is not None:
            self.transport.close()

    def abort(self) -> None:
        """Close at once."""
        if self.transport is not None:
            self.transport.abort()

    def _wait(self) -> None:
        self._idle = self._loop.call_later(KEEP_ALIVE, self.finish)

    def _next(self) -> None:
        while self._queue and not self._busy and self.transport is not None:
            message, payload = self._queue.popleft()
            if isinstance(payload, StreamReader) and not payload.is_eof():
                self._busy = True
                spawn(self._with_body(message, payload), "request with a body")
                return
            body = b""
            if isinstance(payload, StreamReader):
                body = payload.read_nowait(-1)
            self._run(message, body)

    async def _with_body(self, message: RawRequestMessage, payload: StreamReader) -> None:
        if message.headers.get("Expect", "").lower() == "100-continue" and self.transport is not None:
            cast("asyncio.Transport", self.transport).write(b"HTTP/1.1 100 Continue\r\n\r\n")
        parts: list[bytes] = []
        size = 0
        try:
            while not payload.is_eof():
                part = await payload.readany()
                size += len(part)
                if size > MAX_BODY:
                    self._closing = True
                    too_large = Answer(413, encode_errors(("http: request body too large",)), standard=False)
                    self._done(message, too_large)
                    return
                parts.append(part)
        except (ConnectionError, http_exceptions.HttpProcessingError, OSError):
            self.abort()
            return
        self._busy = False
        self._run(message, b"".join(parts))
        self._next()

    def _run(self, message: RawRequestMessage, body: bytes) -> None:
        headers: dict[str, tuple[str, ...]] = {}
        for raw_name, raw_value in message.raw_headers:
            name = raw_name.decode("latin-1").lower()
            value = raw_value.decode("utf-8", "surrogateescape")
            known = headers.get(name)
            headers[name] = (value,) if known is None else (*known, value)
        incoming = Incoming(message.method, message.path, headers, body, *self._peer, self._certificates, self._tls)
        if len(headers.get("host", ())) != 1 and message.version >= (1, 1):
            missing = ": missing required Host header" if "host" not in headers else ""
            self._plain(400, f"Bad Request{missing}")
            return
        refused = self._server.guard(incoming)
        if refused is not None:
            self._done(message, refused)
            return
        self._busy = True
        found = begin(self._server.app.answer(incoming), "request")
        if isinstance(found, Ready):
            self._done(message, found.value)
        else:
            found.add_done_callback(lambda task: self._finished(message, task))

    def _finished(self, message: RawRequestMessage, task: "asyncio.Task[Answer]") -> None:
        if task.cancelled() or self.transport is None:
            self.abort()
            return
        error = task.exception()
        if error is not None:
            self.abort()
            raise error
        self._done(message, task.result())
        self._next()

    def _done(self, message: RawRequestMessage, answer: Answer) -> None:
        self._busy = False
        if self.transport is None:
            return
        close = self._closing or message.should_close
        cast("asyncio.Transport", self.transport).write(self._bytes(message, answer, close))
        if close:
            self.transport.close()
        elif not self._queue and self._idle is None:
            self._wait()

    def _bytes(self, message: RawRequestMessage, answer: Answer, close: bool) -> bytes:
        status, body, headers, kind, standard = answer
        if headers or not standard:
            lines = dict(headers)
            if standard:
                lines["Cache-Control"] = "no-store"
                lines["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
            if kind:
                lines["Content-Type"] = kind
            text = "".join(f"{name}: {lines[name]}\r\n" for name in sorted(lines))
        elif kind:
            text = f"Cache-Control: no-store\r\nContent-Type: {kind}\r\n{_STANDARD}"
        else:
            text = f"Cache-Control: no-store\r\n{_STANDARD}"
        namespace = message.headers.get("X-Vault-Namespace") if "X-Vault-Namespace" in message.headers else None
        if namespace and standard:
            text += f"X-Vault-Namespace: {namespace}\r\n"
        length = "" if status in (204, 304) else f"Content-Length: {len(body)}\r\n"
        version = "1.1" if message.version >= (1, 1) else "1.0"
        ending = "Connection: close\r\n" if close and version == "1.1" else ""
        phrase = _PHRASES.get(status, f"status code {status}")
        head = f"HTTP/{version} {status} {phrase}\r\n{text}Date: {self._server.date()}\r\n{length}{ending}\r\n"
        raw = head.encode("latin-1", "replace")
        return raw if message.method == "HEAD" or status in (204, 304) else raw + body

    def _bad(self, error: http_exceptions.HttpProcessingError) -> None:
        if isinstance(error, http_exceptions.LineTooLong):
            self._plain(431, "Request Header Fields Too Large")
        elif isinstance(error, http_exceptions.InvalidHeader):
            self._plain(400, "Bad Request: invalid header name")
        else:
            self._plain(400, "Bad Request")

    def _plain(self, status: int, phrase: str) -> None:
        self._closing = True
        if self.transport is not None:
            text = f"{status} {phrase}"
            head = f"HTTP/1.1 {text}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n{text}"
            cast("asyncio.Transport", self.transport).write(head.encode())
            self.transport.close()
