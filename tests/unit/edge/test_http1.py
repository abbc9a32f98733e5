"""Connections over loopback to an application that echoes, waits or fails. Expected bytes are OpenBao 2.7.2's."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from sandboxd.edge import http1
from sandboxd.edge.http1 import Server
from sandboxd.edge.messages import Answer, Incoming

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

START = 1_767_225_600
PATIENCE = 10.0
GET = b"GET /v1/a HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /v1/a HTTP/1.1\r\nHost: localhost\r\n"


class Echo:
    """Answers with method, target and body; a target with `slow` waits for `go`, one with `bad` raises."""

    def __init__(self) -> None:
        self.asked: list[Incoming] = []
        self.go = asyncio.Event()

    async def answer(self, incoming: Incoming) -> Answer:
        self.asked.append(incoming)
        if "slow" in incoming.target:
            await self.go.wait()
        if "bad" in incoming.target:
            raise RuntimeError("hunter2")
        if "big" in incoming.target:
            return Answer(200, b"x" * 4_000_000)
        if "none" in incoming.target:
            return Answer(204)
        if "last" in incoming.target:
            return Answer(400, b"{}", close=True)
        if "then" in incoming.target:
            return Answer(200, b"{}", (("Date", "Thu, 02 Jan 2020 00:00:00 GMT"),))
        if "moved" in incoming.target:
            return Answer(307, b"", (("Location", "/v1/b"),), content_type="")
        return Answer(200, f"{incoming.method} {incoming.target} ".encode() + incoming.body)


class Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, *parts: bytes) -> None:
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()
            await asyncio.sleep(0)

    async def head(self) -> bytes:
        return await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), PATIENCE)

    async def answer(self) -> tuple[str, bytes]:
        """The status line and the body of the next answer."""
        head = await self.head()
        lines = head.decode().split("\r\n")
        length = next((int(line[16:]) for line in lines if line.startswith("Content-Length: ")), 0)
        return lines[0], await asyncio.wait_for(self.reader.readexactly(length), PATIENCE)

    async def rest(self) -> bytes:
        """All up to the end of the connection."""
        return await asyncio.wait_for(self.reader.read(), PATIENCE)


class Setting:
    """A server, its application, and connections to it."""

    def __init__(self, server: Server, app: Echo, port: int) -> None:
        self.server, self.app, self.port = server, app, port
        self.clients: list[Client] = []

    async def connect(self) -> Client:
        client = Client(*await asyncio.open_connection("127.0.0.1", self.port))
        self.clients.append(client)
        return client


@asynccontextmanager
async def serving(guard=lambda incoming: None) -> AsyncIterator[Setting]:
    app = Echo()
    server = Server(app, lambda: START, guard)
    listening = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    setting = Setting(server, app, listening.sockets[0].getsockname()[1])
    try:
        yield setting
    finally:
        app.go.set()
        listening.close()
        await server.close(patience=1.0)
        for client in setting.clients:
            client.writer.close()


async def until(condition) -> None:
    """Let the event loop work until something holds."""
    for _ in range(10_000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came to hold")


async def test_an_answer_has_the_real_servers_headers_in_its_order():
    async with serving() as setting:
        client = await setting.connect()
        await client.send(GET + b"\r\n")
        assert await client.head() == (
            b"HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Type: application/json\r\n"
            b"Strict-Transport-Security: max-age=31536000; includeSubDomains\r\n"
            b"Date: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Length: 10\r\n\r\n"
        )


async def test_a_connection_serves_many_requests():
    async with serving() as setting:
        client = await setting.connect()
        for _ in range(3):
            await client.send(GET + b"\r\n")
            assert await client.answer() == ("HTTP/1.1 200 OK", b"GET /v1/a ")
        assert len(setting.server.connections) == 1


async def test_requests_sent_at_once_are_answered_in_their_order():
    async with serving() as setting:
        client = await setting.connect()
        await client.send(b"".join(f"GET /{n} HTTP/1.1\r\nHost: a\r\n\r\n".encode() for n in range(200)))
        assert [(await client.answer())[1] for _ in range(200)] == [f"GET /{n} ".encode() for n in range(200)]


async def test_a_slow_answer_holds_back_the_ones_behind_it():
    async with serving() as setting:
        client = await setting.connect()
        await client.send(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n" + GET + b"\r\n")
        await until(lambda: setting.app.asked)
        await client.send(b"GET /third HTTP/1.1\r\nHost: a\r\n\r\n")
        setting.app.go.set()
        assert [(await client.answer())[1] for _ in range(3)] == [b"GET /slow ", b"GET /v1/a ", b"GET /third "]


async def test_one_slow_connection_does_not_hold_back_another():
    async with serving() as setting:
        slow, quick = await setting.connect(), await setting.connect()
        await slow.send(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        await until(lambda: setting.app.asked)
        await quick.send(GET + b"\r\n")
        assert await quick.answer() == ("HTTP/1.1 200 OK", b"GET /v1/a ")


async def test_a_client_that_sends_without_end_is_no_longer_read_until_it_is_answered():
    async with serving() as setting:
        client = await setting.connect()
        await client.send(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n" + (GET + b"\r\n") * (http1.MANY + 5))
        await until(lambda: setting.app.asked)
        (connection,) = setting.server.connections
        await until(lambda: len(connection._queue) > http1.MANY)
        assert not connection._transport.is_reading()
        setting.app.go.set()
        for _ in range(http1.MANY + 6):
            await client.answer()
        assert connection._transport.is_reading()


async def test_a_head_may_come_byte_by_byte():
    async with serving() as setting:
        client = await setting.connect()
        await client.send(*(bytes([byte]) for byte in GET + b"\r\n"))
        assert await client.answer() == ("HTTP/1.1 200 OK", b"GET /v1/a ")


async def test_a_body_may_come_in_pieces():
    async with serving() as setting:
        client = await setting.connect()
        await client.send(POST + b"Content-Length: 6\r\n\r\nab", b"cd", b"ef" + GET + b"\r\n")
        assert await client.answer() == ("HTTP/1.1 200 OK", b"POST /v1/a abcdef")
        assert await client.answer() == ("HTTP/1.1 200 OK", b"GET /v1/a ")


async def test_a_chunked_body_may_come_in_pieces():
    async with serving() as setting:
        client = await setting.connect()
        await client.send(POST + b"Transfer-Encoding: chunked\r\n\r\n2", b"\r\nab\r", b"\n4\r\ncdef\r\n0\r\n", b"\r\n")
        assert await client.answer() == ("HTTP/1.1 200 OK", b"POST /v1/a abcdef")


async def test_a_large_body_takes_no_long_time():
    async with serving() as setting:
        client = await setting.connect()
        body = b"x" * (16 << 20)
        await client.send(POST + b"Content-Length: %d\r\n\r\n" % len(body), body)
        _, answer = await client.answer()
        assert len(answer) == len(body) + len("POST /v1/a ")


async def test_a_client_that_waits_is_told_to_send_its_body():
    async with serving() as setting:
        client = await setting.connect()
        await client.send(POST + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        assert await client.head() == b"HTTP/1.1 100 Continue\r\n\r\n"
        await client.send(b"abc")
        assert await client.answer() == ("HTTP/1.1 200 OK", b"POST /v1/a abc")


async def test_a_client_that_waits_is_told_so_after_the_answers_before():
    async with serving() as setting:
        client = await setting.connect()
        await client.send(
            b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n" + POST + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n"
        )
        await until(lambda: setting.app.asked)
        setting.app.go.set()
        assert (await client.answer())[1] == b"GET /slow "
        assert await client.head() == b"HTTP/1.1 100 Continue\r\n\r\n"
        await client.send(b"abc")
        assert await client.answer() == ("HTTP/1.1 200 OK", b"POST /v1/a abc")


async def test_another_expectation_fails_and_ends_the_connection():
    async with serving() as setting:
        client = await setting.connect()
        await client.send(GET + b"Expect: x\r\n\r\n")
        assert (await client.rest()).startswith(b"HTTP/1.1 417 Expectation Failed\r\nConnection: close\r\n")


async def test_an_old_client_gets_one_answer():
    async with serving() as setting:
        client = await setting.connect()
        await client.send(b"GET /v1/a HTTP/1.0\r\n\r\n")
        answer = await client.rest()
        assert answer.startswith(b"HTTP/1.0 200 OK\r\n")
        assert b"Connection:" not in answer


async def test_an_old_client_may_keep_its_connection_and_is_told_so():
    async with serving() as setting:
        client = await setting.connect()
        for _ in range(2):
            await client.send(b"GET /none HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            head = await client.head()
            assert head.startswith(b"HTTP/1.0 204 No Content\r\n")
            assert head.endswith(b"Connection: keep-alive\r\n\r\n")


async def test_a_client_that_asks_to_close_gets_its_answer_and_nothing_more():
    async with serving() as setting:
        client = await setting.connect()
        await client.send(GET + b"Connection: close\r\n\r\n" + GET + b"\r\n")
        answer = await client.rest()
        assert answer.count(b"HTTP/1.1 200 OK") == 1
        assert b"\r\nConnection: close\r\n" in answer


async def test_an_answer_may_end_the_connection():
    async with serving() as setting:
        client = await setting.connect()
        await client.send(b"GET /last HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = await client.rest()
        assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
        assert b"\r\nConnection: close\r\n" in answer


async def test_the_answer_to_a_head_has_no_body_but_its_length():
    async with serving() as setting:
        client = await setting.connect()
        await client.send(b"HEAD /v1/a HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"\r\nContent-Length: 11\r\n" in await client.head()
        await client.send(GET + b"\r\n")
        assert await client.answer() == ("HTTP/1.1 200 OK", b"GET /v1/a ")


async def test_an_answer_without_content_has_no_length():
    async with serving() as setting:
        client = await setting.connect()
        await client.send(b"DELETE /none HTTP/1.1\r\nHost: a\r\n\r\n")
        head = await client.head()
        assert head.startswith(b"HTTP/1.1 204 No Content\r\n")
        assert b"Content-Length" not in head


async def test_headers_of_an_answer_are_sorted():
    async with serving() as setting:
        client = await setting.connect()
        await client.send(b"GET /moved HTTP/1.1\r\nHost: a\r\nX-Vault-Namespace: n\xc3\xa9\r\n\r\n")
        assert (await client.head()).startswith(
            b"HTTP/1.1 307 Temporary Redirect\r\nCache-Control: no-store\r\nLocation: /v1/b\r\n"
            b"Strict-Transport-Security: max-age=31536000; includeSubDomains\r\nX-Vault-Namespace: n\xc3\xa9\r\nDate: "
        )


async def test_an_answer_can_have_a_date_of_its_own():
    async with serving() as setting:
        client = await setting.connect()
        await client.send(b"GET /then HTTP/1.1\r\nHost: a\r\n\r\n")
        head = await client.head()
        assert b"\r\nDate: Thu, 02 Jan 2020 00:00:00 GMT\r\n" in head
        assert head.count(b"Date: ") == 1


async def test_what_is_no_http_is_refused_plainly():
    async with serving() as setting:
        client = await setting.connect()
        await client.send(b"nonsense\r\n")
        assert await client.rest() == (
            b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
            b"400 Bad Request"
        )


async def test_a_broken_request_is_refused_after_the_answers_before_it():
    async with serving() as setting:
        client = await setting.connect()
        await client.send(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n" + GET + b"bad header\r\n\r\n")
        await until(lambda: setting.app.asked)
        setting.app.go.set()
        assert (await client.answer())[1] == b"GET /slow "
        assert (await client.rest()).startswith(b"HTTP/1.1 400 Bad Request\r\n")


async def test_a_head_that_is_too_large_is_refused_while_the_client_is_still_sending():
    async with serving() as setting:
        client = await setting.connect()
        await client.send(GET + b"X: " + b"a" * 1_100_000)
        assert (await client.rest()).startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")


async def test_a_body_that_is_too_large_is_refused_at_its_head():
    async with serving() as setting:
        client = await setting.connect()
        await client.send(POST + b"Content-Length: 33554433\r\n\r\nabc")
        status, body = await client.answer()
        assert status == "HTTP/1.1 413 Request Entity Too Large"
        assert body == b'{"errors":["http: request body too large"]}\n'
        assert not setting.app.asked


async def test_a_chunked_body_that_grows_too_large_is_refused(monkeypatch):
    monkeypatch.setattr(http1, "MAX_BODY", 10)
    async with serving() as setting:
        client = await setting.connect()
        await client.send(POST + b"Transfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n6\r\nabcdef\r\n0\r\n\r\n")
        assert (await client.answer())[0] == "HTTP/1.1 413 Request Entity Too Large"
        assert not setting.app.asked


async def test_a_broken_chunk_is_an_error_of_the_server():
    async with serving() as setting:
        client = await setting.connect()
        await client.send(POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n")
        answer = await client.rest()
        assert answer.startswith(b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\nDate: ")
        assert answer.endswith(b'{"errors":["invalid byte in chunk length"]}\n')


async def test_a_client_may_stop_sending_and_still_read_its_answers():
    async with serving() as setting:
        client = await setting.connect()
        await client.send(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n" + GET + b"\r\n")
        client.writer.write_eof()
        await until(lambda: setting.app.asked)
        setting.app.go.set()
        answer = await client.rest()
        assert answer.count(b"HTTP/1.1 200 OK") == 2
        assert answer.endswith(b"GET /v1/a ")


async def test_a_body_that_ends_early_is_an_error():
    async with serving() as setting:
        client = await setting.connect()
        await client.send(POST + b"Content-Length: 9\r\n\r\nabc")
        client.writer.write_eof()
        assert (await client.rest()).endswith(b'{"errors":["unexpected EOF"]}\n')
        assert not setting.app.asked


async def test_a_head_that_ends_early_is_a_bad_request():
    async with serving() as setting:
        client = await setting.connect()
        await client.send(GET)
        client.writer.write_eof()
        assert (await client.rest()).endswith(b"\r\n\r\n400 Bad Request")


async def test_a_client_that_sends_nothing_hears_nothing():
    async with serving() as setting:
        client = await setting.connect()
        client.writer.write_eof()
        assert await client.rest() == b""


async def test_empty_lines_after_a_body_are_forgiven():
    async with serving() as setting:
        client = await setting.connect()
        await client.send(POST + b"Content-Length: 1\r\n\r\na\r\n" + GET + b"\r\n")
        assert [(await client.answer())[1] for _ in range(2)] == [b"POST /v1/a a", b"GET /v1/a "]


async def test_a_client_that_goes_away_is_forgotten_and_its_request_carried_out():
    async with serving() as setting:
        client = await setting.connect()
        await client.send(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n" + GET + b"\r\n")
        await until(lambda: setting.app.asked)
        client.writer.transport.abort()
        setting.app.go.set()
        await until(lambda: not setting.server.connections)


async def test_a_client_that_does_not_read_is_answered_no_more_until_it_does():
    async with serving() as setting:
        client = await setting.connect()
        client.reader._transport.pause_reading()
        count = 20
        await client.send(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n" * count)
        (connection,) = setting.server.connections
        await until(lambda: connection._paused)
        assert len(setting.app.asked) < count
        client.reader._transport.resume_reading()
        for _ in range(count):
            await client.answer()


async def test_the_guard_is_asked_before_the_application():
    async with serving(lambda incoming: Answer(403, b"no") if incoming.target == "/no" else None) as setting:
        client = await setting.connect()
        await client.send(b"GET /no HTTP/1.1\r\nHost: a\r\n\r\n" + GET + b"\r\n")
        assert await client.answer() == ("HTTP/1.1 403 Forbidden", b"no")
        assert await client.answer() == ("HTTP/1.1 200 OK", b"GET /v1/a ")
        assert len(setting.app.asked) == 1


@pytest.mark.parametrize("target", ["/bad", "/slow-bad"])
async def test_an_error_nobody_foresaw_is_answered_and_told_of_without_values(target, caplog):
    async with serving() as setting:
        client = await setting.connect()
        setting.app.go.set() if "slow" not in target else None
        await client.send(f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode() + GET + b"\r\n")
        await until(lambda: setting.app.asked)
        setting.app.go.set()
        assert await client.answer() == ("HTTP/1.1 500 Internal Server Error", b'{"errors":["internal error"]}\n')
        assert await client.answer() == ("HTTP/1.1 200 OK", b"GET /v1/a ")
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "RuntimeError" in record.getMessage()
    assert 'raise RuntimeError("hunter2")' in record.getMessage()  # the line of code, which is ours
    assert record.getMessage().count("hunter2") == 1


async def test_closing_finishes_what_is_being_answered_and_what_waits_in_line():
    async with serving() as setting:
        client = await setting.connect()
        await client.send(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n" + GET + b"\r\n")
        await until(lambda: setting.app.asked)
        closing = asyncio.ensure_future(setting.server.close())
        await asyncio.sleep(0)
        setting.app.go.set()
        answer = await client.rest()
        await closing
        assert answer.count(b"HTTP/1.1 200 OK") == 2
        assert answer.count(b"Connection: close") == 1


async def test_closing_lets_a_request_come_in_that_has_begun():
    async with serving() as setting:
        client = await setting.connect()
        await client.send(POST + b"Content-Length: 4\r\n\r\nab")
        (connection,) = setting.server.connections
        await until(lambda: connection._body is not None)
        closing = asyncio.ensure_future(setting.server.close())
        await asyncio.sleep(0)
        await client.send(b"cd")
        answer = await client.rest()
        await closing
        assert answer.endswith(b"POST /v1/a abcd")
        assert b"Connection: close" in answer


async def test_closing_ends_idle_connections_at_once():
    async with serving() as setting:
        client = await setting.connect()
        await client.send(GET + b"\r\n")
        await client.answer()
        await asyncio.wait_for(setting.server.close(), PATIENCE)
        assert await client.rest() == b""


async def test_closing_does_not_wait_for_ever():
    async with serving() as setting:
        client = await setting.connect()
        await client.send(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        await until(lambda: setting.app.asked)
        await asyncio.wait_for(setting.server.close(patience=0.01), PATIENCE)
        assert await client.rest() == b""


async def test_an_idle_connection_ends_after_a_while(monkeypatch):
    monkeypatch.setattr(http1, "KEEP_ALIVE", 0.01)
    async with serving() as setting:
        client = await setting.connect()
        await client.send(GET + b"\r\n")
        assert await client.answer() == ("HTTP/1.1 200 OK", b"GET /v1/a ")
        assert await client.rest() == b""


async def test_a_request_that_never_comes_in_whole_ends_the_connection(monkeypatch):
    monkeypatch.setattr(http1, "READ_PATIENCE", 0.01)
    async with serving() as setting:
        client = await setting.connect()
        await client.send(POST + b"Content-Length: 4\r\n\r\nab")
        assert await client.rest() == b""
