"""Timers: what is to be done at a moment, whether a client asks or not.

A timer belongs to an **owner**, the UUID of a mount or a name that a part of the sandbox took with `own`, and has a
name of the owner's choice. It is kept in storage until what it stands for is done, so that none is lost when the
process ends. Moments are nanoseconds since 1970.
"""

import heapq
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Any

import msgspec

from sandboxd.vault.clock import NANOSECONDS, Clock
from sandboxd.vault.errors import VaultError
from sandboxd.vault.framework.moments import postponed
from sandboxd.vault.reporting import report
from sandboxd.vault.storage import Storage

RETRY = 10 * NANOSECONDS
PATIENCE = 8  # doublings of it, so that a jump over a month does not try a quarter of a million times
_TIMERS = "core/timer/"

Ring = Callable[[str, str], Awaitable[None] | None]


class Timer(msgspec.Struct, frozen=True):
    """When something is to be done."""

    at: int

    def later(self, by: int) -> "Timer":
        """The same timer, so many nanoseconds later."""
        return postponed(self, by, "at")


class Timers:
    """All timers of a world.

    Attributes:
        ring: is given the owner and name of a timer that goes off, where the owner is a mount.
    """

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock
        self._due: list[tuple[int, str]] = []
        self._failures: dict[str, int] = {}
        self._owners: dict[str, Callable[[str], Awaitable[None] | None]] = {}
        self.ring: Ring = lambda _owner, _name: None

    def own(self, owner: str, ring: Callable[[str], Awaitable[None] | None]) -> "OwnTimers":
        """Take an owner's name for a part of the sandbox; `ring` gets the name of each of its timers that goes off."""
        self._owners[owner] = ring
        return OwnTimers(self, owner)

    def of(self, owner: str) -> "OwnTimers":
        """The timers of one owner."""
        return OwnTimers(self, owner)

    def reload(self) -> None:
        """Read the storage again, after it was restored."""
        self._failures.clear()
        found = ((path, self._storage.get(path)) for path in self._storage.walk(_TIMERS))
        self._due = [(timer.at, path) for path, timer in found if isinstance(timer, Timer)]
        heapq.heapify(self._due)

    def stirs(self, now: int) -> bool:
        """Whether something may be due at a moment: the cheap question before the exact ones."""
        return bool(self._due and self._due[0][0] <= now)

    @property
    def next_due(self) -> int:
        """When the next timer goes off; 0 when none does."""
        while self._due:
            at, path = self._due[0]
            timer = self._storage.get(path)
            if isinstance(timer, Timer) and timer.at == at:
                return at
            heapq.heappop(self._due)  # moved or cancelled meanwhile
        return 0

    @property
    def next_name(self) -> tuple[str, str]:
        """The owner and the name of the timer that goes off next; empty when there is none."""
        owner, _, name = self._due[0][1].removeprefix(_TIMERS).partition("/") if self.next_due else ("", "", "")
        return owner, name

    def take_due(self) -> tuple[int, str]:
        """The moment and place of the timer that is due next, for `fire`; it is due no more."""
        return heapq.heappop(self._due)

    @staticmethod
    def owner(path: str) -> str:
        """Whose timer is kept at a path."""
        return path.removeprefix(_TIMERS).partition("/")[0]

    async def fire(self, at: int, path: str) -> None:
        """Have a timer go off; one whose work fails goes off again later."""
        owner, _, name = path.removeprefix(_TIMERS).partition("/")
        own = self._owners.get(owner)
        try:
            work: Any = self.ring(owner, name) if own is None else own(name)
            if isawaitable(work):
                await work
        except Exception as error:  # noqa: BLE001 -- told of; what is due must not be lost for a fault in one engine
            if not isinstance(error, VaultError):
                report(error)
            failures = self._failures[path] = self._failures.get(path, -1) + 1
            if self._is(path, at):
                self.put(path, self._clock.now_ns() + RETRY * 2 ** min(failures, PATIENCE))
            return
        self._failures.pop(path, None)
        if self._is(path, at):
            self._storage.delete(path)

    def clear(self, owner: str) -> None:
        """Forget the timers of an owner."""
        self._storage.clear(f"{_TIMERS}{owner}/")

    def put(self, path: str, at: int) -> None:
        """Set the timer kept at a path of the storage."""
        self._storage.put(path, Timer(at))
        heapq.heappush(self._due, (at, path))

    def names(self, prefix: str) -> list[str]:
        """What the timers are called whose paths begin with a prefix."""
        return [path[len(prefix) :] for path in self._storage.walk(prefix)]

    def get(self, path: str) -> int:
        """When the timer kept at a path goes off, or 0."""
        timer = self._storage.get(path)
        return timer.at if isinstance(timer, Timer) else 0

    def forget(self, path: str) -> None:
        """Forget the timer kept at a path."""
        self._storage.delete(path)

    def _is(self, path: str, at: int) -> bool:
        return self.get(path) == at


class OwnTimers:
    """The timers of one owner."""

    __slots__ = ("_prefix", "_timers")

    def __init__(self, timers: Timers, owner: str) -> None:
        self._timers = timers
        self._prefix = f"{_TIMERS}{owner}/"

    def set(self, name: str, at: int) -> None:
        """Have it go off at a moment; a timer of that name is moved."""
        self._timers.put(self._prefix + name, at)

    def cancel(self, name: str) -> None:
        """Forget a timer, if there is one."""
        self._timers.forget(self._prefix + name)

    def at(self, name: str) -> int:
        """When a timer goes off; 0 when there is none of that name."""
        return self._timers.get(self._prefix + name)

    def names(self) -> list[str]:
        """The names of all of them."""
        return self._timers.names(self._prefix)
