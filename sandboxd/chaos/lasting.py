"""What goes with a fault: who waits until it ends, and what is kept for as long as it lasts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol, TypeVar, cast

K = TypeVar("K", bound="Kept")


class Kept(Protocol):
    """Something that is kept for as long as a fault lasts."""

    def close(self) -> None:
        """The fault has ended."""


class Lasting:
    """What goes with faults, by their ids."""

    def __init__(self) -> None:
        self._held: dict[str, set[asyncio.Future[bool]]] = {}
        self._kept: dict[str, Kept] = {}

    async def hold(self, id_: str, seconds: float | None) -> bool:
        """Wait so many seconds, None for as long as the fault lasts.

        Gives whether the time has passed: False when the fault ended before.
        """
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[bool] = loop.create_future()
        held = self._held.setdefault(id_, set())
        held.add(ended)
        timer = None if seconds is None else loop.call_later(seconds, _passed, ended)
        try:
            return await ended
        finally:
            held.discard(ended)
            if timer is not None:
                timer.cancel()

    def keep(self, id_: str, make: Callable[[], K]) -> K:
        """What a fault needs while it lasts: made when it is first asked for, closed when the fault ends."""
        found = self._kept.get(id_)
        if found is None:
            found = self._kept[id_] = make()
        return cast("K", found)

    def keeps(self, id_: str) -> bool:
        """Whether something is kept for a fault."""
        return id_ in self._kept

    def end(self, id_: str) -> None:
        """The fault has ended."""
        kept = self._kept.pop(id_, None)
        if kept is not None:
            kept.close()
        for waiting in self._held.pop(id_, ()):
            if not waiting.done():
                waiting.set_result(False)


def _passed(waiting: asyncio.Future[bool]) -> None:
    if not waiting.done():
        waiting.set_result(True)
