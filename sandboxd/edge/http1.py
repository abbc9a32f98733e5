"""HTTP/1.1 connections, one answer after the other.

What comes in is read by `parse`; what goes out is written here, with the headers of the real server in its order. A
request that is whole is answered in the same turn of the event loop; one that has to wait becomes a task, and what the
client sent behind it waits in line.
"""

import asyncio
import contextlib
import ssl
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import NamedTuple, Protocol, cast

from sandboxd.edge.conduct import Ending, reset
from sandboxd.edge.decode import MAX_BODY
from sandboxd.edge.encode import encode_errors
from sandboxd.edge.messages import Answer, Incoming
from sandboxd.edge.parse import (
    BAD_REQUEST,
    CHUNKED,
    HEAD_LIMIT,
    Body,
    Broken,
    BrokenBody,
    Chunked,
    Head,
    Sized,
    broken,
    find_end,
    parse_head,
    too_large,
)
from sandboxd.edge.tasks import Ready, begin
from sandboxd.edge.watching import Watch, Watcher
from sandboxd.edge.writing import written
from sandboxd.vault.reporting import report
from sandboxd.vault.waiting import spawn

LINGER = 0.5  # seconds that a client may go on sending what was refused, so that it gets to read why
KEEP_ALIVE = 300.0  # seconds that an idle connection is kept, as the real server does
READ_PATIENCE = 30.0  # seconds that a request may take to come in, as the real server does
MANY = 64  # requests in line on one connection, beyond which no more is read from it
TOO_LARGE = Answer(413, encode_errors(("http: request body too large",)), standard=False, close=True)
INTERNAL_ERROR = Answer(500, encode_errors(("internal error",)))
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


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
        self.watcher: Watcher | None = None
        """Told of all connections that are made from now on."""
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
        """Finish what is being read or answered, then close all connections. `patience` is in seconds."""
        for connection in list(self.connections):
            connection.finish()
        if self.connections:
            self._empty = asyncio.Event()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._empty.wait(), patience)
        for connection in list(self.connections):
            connection.abort()


class Refusal(NamedTuple):
    """What is sent instead of an answer before the connection ends. Stands in line like a request."""

    head: Head | None
    answer: Answer | bytes


class Connection(asyncio.Protocol):
    """One client connection."""

    def __init__(self, server: Server, loop: asyncio.AbstractEventLoop) -> None:
        self._server = server
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._buffer = b""  # the beginning of a head
        self._head: Head | None = None  # its body is not whole yet
        self._body: Body | None = None
        self._last = ""  # the method of the last request
        self._queue: deque[tuple[Head, bytes] | Refusal | bytes] = deque()
        self._busy = False  # a request is being answered
        self._paused = False  # the client does not read what it was sent
        self._deaf = False  # nothing more is read
        self._finishing = False  # the connection ends when all that came in is answered
        self._timer: asyncio.TimerHandle | None = None
        self._peer: tuple[str, int] = ("", 0)
        self._certificates: tuple[bytes, ...] = ()
        self._tls = False
        self._playing: asyncio.Task[None] | None = None  # the answer that goes out wrongly
        self._forsaken = False  # and no byte of it ever does
        self._watch: Watch | None = None

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
        if self._server.watcher is not None:
            self._watch = self._server.watcher.opened(*self._peer)
        self._timer = self._loop.call_later(KEEP_ALIVE, self.abort)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- named by asyncio
        """Forget a connection that is gone."""
        self._transport = None
        self._deaf = True
        self._queue.clear()
        self._server.gone(self)
        self._stop_timer()
        if self._playing is not None:
            self._playing.cancel()
        if self._watch is not None:
            self._watch.closed()

    def data_received(self, data: bytes) -> None:
        """Read what came in, and answer what is complete."""
        if self._deaf:
            return
        if self._timer is not None and not self._unfinished:
            self._stop_timer()
        try:
            self._read(data)
        except Broken as error:
            self._refuse(None, error.answer)
        except BrokenBody as error:
            self._refuse(self._head, Answer(500, encode_errors((str(error),)), standard=False, close=True))
        if self._timer is not None and not self._unfinished:
            self._stop_timer()
        self._next()
        if self._timer is None and self._unfinished:
            self._timer = self._loop.call_later(READ_PATIENCE, self.abort)

    def _read(self, data: bytes) -> None:
        while data:
            if self._body is None:
                if self._last == "POST":
                    data, self._last = data.lstrip(b"\r\n"), ""  # an old habit of clients, which Go's server forgives
                data = self._buffer + data if self._buffer else data
                end, after = find_end(data)
                if end > HEAD_LIMIT or (end < 0 and len(data) > HEAD_LIMIT):
                    raise too_large()
                if end < 0:
                    self._buffer = data
                    return
                head = parse_head(data[:end])
                self._buffer, data, self._last = b"", data[after:], head.method
                if head.length > MAX_BODY:
                    self._refuse(head, TOO_LARGE)
                    return
                if 0 <= head.length <= len(data):
                    if head.waits:
                        self._queue.append(CONTINUE)
                    self._queue.append((head, data[: head.length]))
                    data = data[head.length :]
                    continue
                self._head, self._body = head, Chunked() if head.length == CHUNKED else Sized(head.length)
                if head.waits:
                    self._queue.append(CONTINUE)
            rest = self._body.feed(data)
            if self._body.size > MAX_BODY:
                self._refuse(self._head, TOO_LARGE)
                return
            if rest is None:
                return
            assert self._head is not None
            self._queue.append((self._head, self._body.whole()))
            self._head = self._body = None
            data = rest
        if len(self._queue) > MANY and self._transport is not None:
            self._transport.pause_reading()

    @property
    def _unfinished(self) -> bool:
        """Whether a request has come in in part."""
        return self._body is not None or bool(self._buffer)

    def _refuse(self, head: Head | None, answer: Answer | bytes) -> None:
        self._deaf = True
        self._buffer, self._head, self._body = b"", None, None
        self._queue.append(Refusal(head, answer))

    def eof_received(self) -> bool:
        """The client will send no more: what it sent is answered, then the connection closes.

        Gives whether the other direction stays open for that, which TLS does not know.
        """
        if self._watch is not None:
            self._watch.hung_up()
        if self._body is not None:
            self._refuse(self._head, Answer(500, encode_errors(("unexpected EOF",)), standard=False, close=True))
        elif self._buffer:
            self._refuse(None, broken(BAD_REQUEST).answer)
        self._deaf = self._finishing = True
        self._next()
        return not self._tls and self._transport is not None and not self._transport.is_closing()

    def begin(self, transport: asyncio.Transport) -> None:
        """Take over a connection that may have been read from already, as one after a TLS handshake."""
        self.connection_made(transport)
        if self._queue or self._unfinished:
            self.data_received(b"")

    def mute(self) -> list[asyncio.Transport]:
        """Hear and say nothing any more; gives the transport, if there still is one, for whoever ends this."""
        transport, self._transport = self._transport, None
        self._deaf = True
        self._queue.clear()
        self._stop_timer()
        if transport is None:
            return []
        with contextlib.suppress(RuntimeError):  # it was not being read from
            transport.pause_reading()
        return [transport]

    def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        if self._transport is not None:
            self._transport.write(data)
            if self._watch is not None:
                self._watch.wrote(len(data))

    def pause_writing(self) -> None:
        """The client reads slowly: answer no more of its requests until it has read."""
        self._paused = True

    def resume_writing(self) -> None:
        """The client has read."""
        self._paused = False
        self._next()

    def finish(self) -> None:
        """Close once all that came in is answered, or at once when nothing did."""
        self._finishing = True
        self._next()

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def reset(self) -> None:
        """Close at once, so that the client gets a reset (RST) for it."""
        if self._transport is not None:
            reset(self._transport)

    def end(self, how: Ending) -> None:
        """An answer has gone out wrongly: go on, close, or reset."""
        self._playing = None
        self._busy = False
        if self._watch is not None:
            self._watch.ended(how)
        if how == "reset" or self._transport is None:
            self.reset()
        elif how == "close":
            self._deaf = True
            self._queue.clear()
            self._transport.close()
        else:
            if self._timer is None and not self._queue:
                self._timer = self._loop.call_later(KEEP_ALIVE, self.abort)
            self._next()

    def _next(self) -> None:
        while self._queue and not self._busy and not self._paused and self._transport is not None:
            item = self._queue.popleft()
            if len(self._queue) == MANY:
                self._transport.resume_reading()
            if isinstance(item, bytes):
                self._transport.write(item)
                continue
            if isinstance(item, Refusal):
                self._send_refusal(item)
                return
            head, body = item
            incoming = Incoming(
                head.method, head.target, head.headers, body, *self._peer, self._certificates, self._tls
            )
            if self._watch is not None:
                self._watch.asked(incoming)
            refused = self._server.guard(incoming)
            if refused is not None:
                self._send(head, refused)
                continue
            self._busy = True
            try:
                found = begin(self._server.app.answer(incoming), "request")
            except Exception as error:  # noqa: BLE001 -- told of in full, but for values
                report(error)
                found = Ready(INTERNAL_ERROR)
            if isinstance(found, Ready):
                self._busy = False
                self._send(head, found.value)
            else:
                found.add_done_callback(partial(self._finished, head))
        done = self._forsaken or not (self._queue or self._busy or self._unfinished)
        if self._finishing and done and self._transport is not None:
            self._transport.close()

    def _finished(self, head: Head, task: "asyncio.Task[Answer]") -> None:
        self._busy = False
        if task.cancelled():
            self.abort()
            return
        error = task.exception()
        if error is not None:
            report(error)
        self._send(head, INTERNAL_ERROR if error is not None else task.result())
        self._next()

    def _send(self, head: Head, answer: Answer) -> None:
        if self._transport is None:
            return
        last = self._finishing and not (self._queue or self._unfinished)
        close = last or head.close or answer.close
        raw = written(head, answer, self._server.date, close=close)
        if self._watch is not None:
            self._watch.answers(answer, len(raw))
        if answer.conduct is not None:
            self._busy, self._forsaken = True, answer.conduct.forsakes
            self._playing = spawn(answer.conduct.play(self, raw, close=close), "an answer that goes wrong")
            return
        self._transport.write(raw)
        if close:
            self._deaf = True
            self._queue.clear()
            self._transport.close()
        elif self._timer is None and not self._queue:
            self._timer = self._loop.call_later(KEEP_ALIVE, self.abort)

    def _send_refusal(self, refusal: Refusal) -> None:
        assert self._transport is not None
        answer = refusal.answer
        if isinstance(answer, Answer):
            assert refusal.head is not None
            answer = written(refusal.head, answer, self._server.date, close=True)
        self._transport.write(answer)
        self._queue.clear()
        if self._finishing:
            self._transport.close()
        else:
            # The client may still be sending: cut off, it would not get to read the answer.
            self._stop_timer()
            if not self._tls:
                self._transport.write_eof()
            self._timer = self._loop.call_later(LINGER, self.abort)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
