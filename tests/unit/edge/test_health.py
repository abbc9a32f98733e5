from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from sandboxd.chaos.drill.watch import Watched
from sandboxd.edge import health as looking
from sandboxd.edge.health import Health

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sandboxd.chaos.drill.watch import Look


class Kept:
    """Keeps what is seen; its clock is counted by whoever asks."""

    def __init__(self) -> None:
        self.seen = Watched()
        self.count = 0

    @property
    def now(self) -> float:
        self.count += 1
        return float(self.count)


@asynccontextmanager
async def answering(raw: bytes) -> AsyncIterator[str]:
    """An app that gives always the same answer; none for no bytes. Gives its URL."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(raw)
        if not raw:
            await reader.read()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/health"
    finally:
        server.close()


async def looked(url: str) -> list[tuple[bool, str]]:
    """What two looks find."""
    return [(look.well, look.note) for look in await looks(url, 2)]


async def moments(url: str) -> list[float]:
    """The moment of the first look, by a clock that goes on by one whenever it is looked at."""
    return [look.at for look in await looks(url, 1)]


async def looks(url: str, count: int) -> list[Look]:
    """The first looks at a URL."""
    kept = Kept()
    async with Health(url, kept):  # type: ignore[arg-type]
        for _ in range(2000):
            if len(kept.seen.looks) >= count:
                break
            await asyncio.sleep(0.005)
    return kept.seen.looks[:count]


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "EVERY", 0.001)


async def test_a_status_below_300_is_well():
    async with answering(b"HTTP/1.1 204 No Content\r\n\r\n") as url:
        assert await looked(url) == [(True, "status 204")] * 2


async def test_another_status_is_not_well():
    async with answering(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n") as url:
        assert await looked(url) == [(False, "status 503")] * 2


async def test_a_look_tells_of_when_the_app_was_well_or_was_asked():
    async with answering(b"HTTP/1.1 204 No Content\r\n\r\n") as url:
        assert await moments(url) == [2.0]
    assert await moments(url) == [1.0]


async def test_redirects_are_not_followed():
    async with answering(b"HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n") as url:
        assert await looked(url) == [(False, "status 302")] * 2


async def test_no_answer_in_time_is_not_well(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(looking, "PATIENCE", 0.02)
    async with answering(b"") as url:
        assert await looked(url) == [(False, "no answer in 0.02 s")] * 2


async def test_nobody_there_is_not_well():
    async with answering(b"") as url:
        pass
    assert await looked(url) == [(False, "connection refused")] * 2


async def test_no_http_is_not_well():
    async with answering(b"hello\r\n\r\n") as url:
        assert not any(well for well, _ in await looked(url))
