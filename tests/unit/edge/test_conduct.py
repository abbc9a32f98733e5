"""Answers that go out wrongly, seen from a raw socket. Time is a hold that notes what it was asked for."""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import asynccontextmanager

import pytest

from sandboxd.edge.conduct import Cut, Instead, Late, Never, Pieces, broken_chunks, head_size
from sandboxd.edge.http1 import Server
from sandboxd.edge.messages import Answer
from sandboxd.edge.tls import make_files, server_context
from sandboxd.vault.clock import Clock

PATIENCE = 5.0  # seconds; nothing waits for as long unless it is broken
BIG = 5_000_000


class Hold:
    """Notes how long it is asked to wait; passes at once, or when `go` is set, as `passed` says."""

    def __init__(self, *, at_once: bool = True) -> None:
        self.asked: list[float | None] = []
        self.go = asyncio.Event()
        self.passed = True
        if at_once:
            self.go.set()

    async def __call__(self, seconds: float | None) -> bool:
        self.asked.append(seconds)
        await asyncio.sleep(0)  # as any wait does, it lets others work
        await self.go.wait()
        return self.passed


class Struck:
    """Has every request to `/bad` answered by a conduct; all others well."""

    def __init__(self, conduct, body: bytes) -> None:
        self.conduct, self.body = conduct, body

    async def answer(self, incoming):
        if incoming.target == "/none":
            return Answer(204, conduct=self.conduct)
        if incoming.target == "/bad":
            return Answer(200, self.body, conduct=self.conduct)
        return Answer(200, incoming.target.encode())


class Place:
    def __init__(self, server: Server, port: int, files) -> None:
        self.server, self.port = server, port
        self.tls = ssl.create_default_context(cafile=str(files.ca)) if files else None
        self.writers: list[asyncio.StreamWriter] = []

    async def connect(self):
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.port, ssl=self.tls, server_hostname="localhost" if self.tls else None
        )
        self.writers.append(writer)
        return reader, writer

    async def all_of(self, *requests: bytes) -> bytes:
        """All that comes until the connection closes."""
        reader, writer = await self.connect()
        writer.write(b"".join(requests))
        return await asyncio.wait_for(reader.read(), PATIENCE)


def request(target: str, *, method: str = "GET", version: str = "1.1", close: bool = False) -> bytes:
    end = "Connection: close\r\n" if close else ""
    return f"{method} {target} HTTP/{version}\r\nHost: localhost\r\n{end}\r\n".encode()


@asynccontextmanager
async def place(conduct, body: bytes = b"0123456789", files=None):
    server = Server(Struck(conduct, body), lambda: 0, lambda incoming: None)
    listening = await asyncio.get_running_loop().create_server(
        server, "127.0.0.1", 0, ssl=server_context(files.certificate, files.key) if files else None
    )
    found = Place(server, listening.sockets[0].getsockname()[1], files)
    try:
        yield found
    finally:
        listening.close()
        await server.close(patience=0)
        for writer in found.writers:
            writer.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return make_files(tmp_path_factory.mktemp("tls"), ["localhost"], Clock())


async def until(condition) -> None:
    """Let the event loop work until something holds."""
    for _ in range(10_000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came to hold")


def playing() -> list[asyncio.Task]:
    return [task for task in asyncio.all_tasks() if "play" in task.get_coro().__qualname__]


@pytest.mark.parametrize("make", [lambda hold: Late(hold, 2.0), lambda hold: Pieces(hold, lambda _whole: 50, 0.5)])
async def test_what_is_pipelined_behind_a_late_answer_is_answered_after_it(make):
    hold = Hold()
    async with place(make(hold)) as at:
        got = await at.all_of(request("/a"), request("/bad"), request("/b"), request("/c", close=True))
    bodies = [part.split(b"HTTP/1.1")[0] for part in got.split(b"\r\n\r\n")[1:]]
    assert bodies == [b"/a", b"0123456789", b"/b", b"/c"]
    assert hold.asked


async def test_a_late_answer_waits_as_long_as_it_is_told():
    hold = Hold()
    async with place(Late(hold, 2.5)) as at:
        await at.all_of(request("/bad", close=True))
    assert hold.asked == [2.5]


async def test_a_late_answer_to_http_1_0_closes_the_connection():
    async with place(Late(Hold(), 1)) as at:
        assert (await at.all_of(request("/bad", version="1.0"))).endswith(b"\r\n\r\n0123456789")


async def test_a_late_answer_to_head_has_no_body():
    async with place(Late(Hold(), 1)) as at:
        assert (await at.all_of(request("/bad", method="HEAD", close=True))).endswith(b"\r\n\r\n")


async def test_an_empty_answer_is_a_clean_end_and_nothing_pipelined_is_answered():
    async with place(Cut(lambda _head, _whole: 0, "close")) as at:
        assert await at.all_of(request("/bad"), request("/b")) == b""


async def test_a_reset_in_the_answer_comes_after_its_first_bytes():
    loop = asyncio.get_running_loop()
    async with place(Cut(lambda _head, _whole: 10, "reset")) as at:
        with socket.create_connection(("127.0.0.1", at.port)) as client:
            client.setblocking(False)
            await loop.sock_sendall(client, request("/bad"))
            assert await asyncio.wait_for(loop.sock_recv(client, 100), PATIENCE) == b"HTTP/1.1 2"
            with pytest.raises(ConnectionResetError):
                await asyncio.wait_for(loop.sock_recv(client, 100), PATIENCE)


async def test_a_reset_of_the_request_sends_nothing():
    async with place(Cut(lambda _head, _whole: 0, "reset")) as at:
        with pytest.raises(ConnectionResetError):
            await at.all_of(request("/bad"))


@pytest.mark.parametrize(("target", "method"), [("/none", "GET"), ("/bad", "HEAD")])
async def test_an_answer_without_a_body_is_truncated_within_its_head(target, method):
    async with place(Cut(lambda head, whole: head + (whole - head) // 2, "close")) as at:
        got = await at.all_of(request(target, method=method))
    assert got.endswith(b"\r\n\r")


async def test_a_truncated_answer_promises_more_than_it_has():
    async with place(Cut(lambda head, _whole: head + 4, "close")) as at:
        got = await at.all_of(request("/bad"))
    assert b"Content-Length: 10\r\n" in got
    assert got[head_size(got) :] == b"0123"


async def test_a_malformed_chunk_follows_a_sound_one():
    async with place(Instead(broken_chunks)) as at:
        got = await at.all_of(request("/bad"), request("/b"))
    head, body = got.split(b"\r\n\r\n", 1)
    assert b"Content-Length" not in head
    assert b"Transfer-Encoding: chunked" in head
    assert body.startswith(b"5\r\n01234\r\nlskd")


async def test_a_client_that_hangs_up_on_an_answer_that_never_comes_leaves_nothing():
    hold = Hold(at_once=False)
    async with place(Never(hold)) as at:
        _, writer = await at.connect()
        writer.write(request("/bad"))
        await until(lambda: hold.asked)
        writer.close()
        await until(lambda: not at.server.connections and not playing())
    assert hold.asked == [None]


async def test_a_client_that_hangs_up_on_a_dribble_leaves_nothing():
    hold = Hold()
    async with place(Pieces(hold, lambda _whole: 1, 1.0), b"x" * BIG) as at:
        _, writer = await at.connect()
        writer.write(request("/bad"))
        await until(lambda: hold.asked)
        writer.transport.abort()
        hold.go.clear()
        await until(lambda: not at.server.connections and not playing())


async def test_a_silent_answer_ends_with_a_close_when_its_time_has_passed():
    hold = Hold()
    async with place(Never(hold, 3.0)) as at:
        assert await at.all_of(request("/bad")) == b""
    assert hold.asked == [3.0]


async def test_who_was_never_to_be_answered_is_reset_when_the_fault_ends():
    hold = Hold()
    hold.passed = False
    async with place(Never(hold)) as at:
        with pytest.raises(ConnectionResetError):
            await at.all_of(request("/bad"))


async def test_what_is_left_of_a_dribble_comes_at_once_when_the_fault_ends():
    hold = Hold()
    hold.passed = False
    async with place(Pieces(hold, lambda _whole: 1, 1.0)) as at:
        assert (await at.all_of(request("/bad", close=True))).endswith(b"0123456789")
    assert hold.asked == [1.0]


async def test_closing_the_server_does_not_wait_for_an_answer_that_never_comes():
    hold = Hold(at_once=False)
    async with place(Never(hold)) as at:
        reader, writer = await at.connect()
        writer.write(request("/bad"))
        await until(lambda: hold.asked)
        await at.server.close(patience=PATIENCE)
        assert not at.server.connections
        assert await asyncio.wait_for(reader.read(), PATIENCE) == b""
        await until(lambda: not at.server.connections and not playing())


async def test_closing_the_server_cuts_off_a_late_answer_when_its_patience_is_over():
    hold = Hold(at_once=False)
    async with place(Late(hold, 60.0)) as at:
        reader, writer = await at.connect()
        writer.write(request("/bad"))
        await until(lambda: hold.asked)
        await at.server.close(patience=0.0)
        assert await asyncio.wait_for(reader.read(), PATIENCE) == b""
        await until(lambda: not at.server.connections and not playing())


async def test_a_client_that_only_stops_sending_still_gets_its_late_answer():
    hold = Hold(at_once=False)
    async with place(Late(hold, 60.0)) as at:
        reader, writer = await at.connect()
        writer.write(request("/bad"))
        writer.write_eof()
        await until(lambda: hold.asked)
        hold.go.set()
        assert (await asyncio.wait_for(reader.read(), PATIENCE)).endswith(b"0123456789")


async def test_a_request_that_came_in_parts_may_wait_longer_than_reading_may_take():
    hold = Hold(at_once=False)
    async with place(Late(hold, 60.0)) as at:
        _, writer = await at.connect()
        whole = request("/bad")
        writer.write(whole[:10])
        await until(lambda: any(connection._unfinished for connection in at.server.connections))
        writer.write(whole[10:])
        await until(lambda: hold.asked)
        (connection,) = at.server.connections
        assert connection._timer is None


async def test_five_megabytes_go_out_in_as_many_pieces_as_they_have():
    hold = Hold()
    async with place(Pieces(hold, lambda _whole: 50_000, 0.1, first=False), b"x" * BIG) as at:
        got = await at.all_of(request("/bad", close=True))
    assert len(got) - head_size(got) == BIG
    assert len(hold.asked) == 101


async def test_a_malformed_request_is_refused_and_not_struck():
    hold = Hold()
    async with place(Never(hold)) as at:
        assert (await at.all_of(b"GET /bad\r\n\r\n")).startswith(b"HTTP/1.1 400 ")
    assert hold.asked == []


async def test_a_reset_comes_through_tls_as_a_reset(files):
    async with place(Cut(lambda _head, _whole: 0, "reset"), files=files) as at:
        with pytest.raises(ConnectionResetError):
            await at.all_of(request("/bad"))


async def test_a_late_answer_comes_through_tls(files):
    async with place(Pieces(Hold(), lambda _whole: 7, 1.0), files=files) as at:
        assert (await at.all_of(request("/bad", close=True))).endswith(b"0123456789")


async def test_a_client_that_hangs_up_through_tls_leaves_nothing(files):
    hold = Hold(at_once=False)
    async with place(Never(hold), files=files) as at:
        _, writer = await at.connect()
        writer.write(request("/bad"))
        await until(lambda: hold.asked)
        writer.transport.abort()
        await until(lambda: not at.server.connections and not playing())
