"""Which saves of a fixture are noticed."""

from __future__ import annotations

import asyncio
import os
from types import SimpleNamespace

import pytest

from sandboxd.cli import saved

PATIENCE = 20.0


class Place:
    """A fixture's file, and a sandbox that counts how often it is applied again."""

    def __init__(self, folder, monkeypatch) -> None:
        self.file = folder / "fixture.yaml"
        self.file.write_text("sandbox: one\n")
        self.applied = asyncio.Queue()
        monkeypatch.setattr(saved, "reload", self._reload)
        self.sandbox = SimpleNamespace(files=lambda: (self.file,))

    async def _reload(self, _sandbox) -> None:
        self.applied.put_nowait(self.file.read_text())

    def watch(self, since: int) -> asyncio.Task:
        return asyncio.create_task(saved.watch(self.sandbox, since))

    async def next(self) -> str:
        return await asyncio.wait_for(self.applied.get(), PATIENCE)


@pytest.fixture
def place(tmp_path, monkeypatch) -> Place:
    return Place(tmp_path, monkeypatch)


async def ended(task: asyncio.Task) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_what_was_saved_before_it_was_watched_is_noticed(place):
    task = place.watch(since=place.file.stat().st_ctime_ns - 1)
    assert await place.next() == "sandbox: one\n"
    await ended(task)


async def test_what_is_saved_later_is_noticed(place):
    task = place.watch(since=place.file.stat().st_ctime_ns)
    await asyncio.sleep(0)
    place.file.write_text("sandbox: other\n")
    assert await place.next() == "sandbox: other\n"
    await ended(task)


async def test_a_file_that_takes_its_place_is_noticed_whatever_its_age(place):
    task = place.watch(since=place.file.stat().st_ctime_ns)
    await asyncio.sleep(0)
    new = place.file.with_suffix(".new")
    new.write_text("sandbox: new\n")
    os.utime(new, (1, 1))
    new.rename(place.file)
    assert await place.next() == "sandbox: new\n"
    await ended(task)


async def test_each_save_is_applied_once(place, monkeypatch):
    monkeypatch.setattr(saved, "LOOK", 10)
    task = place.watch(since=place.file.stat().st_ctime_ns - 1)
    await place.next()
    os.utime(place.file, (4e9, 4e9))  # and has a date far in the future
    await place.next()
    place.file.write_text("sandbox: last\n")
    assert await place.next() == "sandbox: last\n"
    assert place.applied.empty()
    await ended(task)
