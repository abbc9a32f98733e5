"""The timeline: what the passing of time brings about, in order.

Leases expire and timers go off. What is due is done before each request, and in a jump of the clock, however far, at
the moment that it was due: the clock stops there, the thing is done, and the clock goes on.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from sandboxd.vault.clock import NANOSECONDS, Clock, ClockState
from sandboxd.vault.errors import VaultError
from sandboxd.vault.lease_entry import LeaseEntry
from sandboxd.vault.leases import Leases
from sandboxd.vault.reporting import report
from sandboxd.vault.storage import Storage
from sandboxd.vault.timers import Timers
from sandboxd.vault.waiting import spawn

BREATH = 200
"""Things done in a jump before requests get their turn."""
CLOCK = "core/sandboxd/clock"
"""Where the storage has how the clock was moved."""


class Timeline:
    """The course of a world's time.

    Args:
        commit: keeps what was written.
        slow: tells of a lease, or of the owner of a timer, whether something that may take long is behind it. Requests
            do not wait for that, but jumps do.
    """

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        leases: Leases,
        timers: Timers,
        commit: Callable[[], None],
        slow: Callable[[LeaseEntry | str], bool],
    ) -> None:
        self._slow = slow
        self._storage = storage
        self._clock = clock
        self._leases = leases
        self._timers = timers
        self._commit = commit
        self._jumping = asyncio.Lock()

    def reload(self) -> None:
        """Set the clock as the storage has it."""
        state = self._storage.get(CLOCK)
        if isinstance(state, ClockState):
            self._clock.restore(state)
        else:
            self._clock.resume()

    def take_up(self, moment: int) -> int:
        """Go on from a moment at which the storage was left, which it has just become again.

        A clock that had been moved goes on from there, another one with real time. Gives the nanoseconds by which it is
        later than then.
        """
        state = self._storage.get(CLOCK)
        if isinstance(state, ClockState):
            self._storage.put(CLOCK, ClockState(self._clock.real_ns(), moment, state.scale))
        self.reload()
        return max(0, self._clock.now_ns() - moment)

    @property
    def jumping(self) -> asyncio.Lock:
        """Is held while the clock moves forward step by step."""
        return self._jumping

    @property
    def next_due(self) -> int:
        """When something is to be done next, in nanoseconds since 1970; 0 for never."""
        lease, timer = self._leases.next_due, self._timers.next_due
        return min(lease, timer) if lease and timer else lease or timer

    @property
    def next_moment(self) -> int:
        """When something is to be done or told next, in nanoseconds since 1970; 0 for never."""
        return self._next()[0]

    def _next(self) -> tuple[int, str]:
        """When something is to be done next, and what."""
        moments = (
            (self._leases.next_notice, "notice"),
            (self._leases.next_due, "lease"),
            (self._timers.next_due, "timer"),
        )
        return min((each for each in moments if each[0]), default=(0, ""), key=_moment)

    async def catch_up(self) -> None:
        """Do all that is due, in order."""
        done = 0
        while self._leases.stirs(self._clock.now_ns()) or self._timers.stirs(self._clock.now_ns()):
            due, what = self._next()
            if not due or due > self._clock.now_ns():
                return
            await self._do(what, beside=True)
            done += 1
            if done % BREATH == 0:
                await asyncio.sleep(0)

    async def advance(self, seconds: float) -> int:
        """Move the clock forward, and do on the way what comes due; gives the number of these things."""
        async with self._jumping:  # two at once follow one another
            return await self._jump(self._clock.now_ns() + int(seconds * NANOSECONDS))

    async def move_to(self, moment: int) -> int:
        """Move the clock to a moment, and do on the way what comes due; gives the number of these things.

        A moment that has passed, perhaps while another jump was under way, leaves the clock where it is.
        """
        async with self._jumping:
            return await self._jump(max(moment, self._clock.now_ns()))

    async def _jump(self, target: int) -> int:
        scale = self._clock.scale
        done = steps = 0
        try:
            self._clock.freeze()
            while True:
                due, what = self._next()
                if not due or due > target:
                    break
                self._clock.set(max(due, self._clock.now_ns()), 0.0)
                await self._do(what)
                done += what != "notice"
                steps += 1
                if steps % BREATH == 0:
                    self._commit()
                    await asyncio.sleep(0)
            self._clock.set(target, 0.0)
        finally:
            self._clock.set(self._clock.now_ns(), scale)
            self._keep()
            self._commit()
        return done

    async def _do(self, what: str, *, beside: bool = False) -> None:
        """Do what is due next; with `beside`, only begin what may take long."""
        work: Coroutine[Any, Any, None]
        if what == "notice":
            self._leases.give_notice()
            return
        if what == "lease":
            entry = self._leases.take_due()
            if entry is None:
                return
            work, slow = self._leases.expire(entry), beside and self._slow(entry)
        else:
            at, path = self._timers.take_due()
            work, slow = self._timers.fire(at, path), beside and self._slow(self._timers.owner(path))
        if slow:
            spawn(self._apart(work), f"the {what} that was due")
        else:
            await work

    async def _apart(self, work: Coroutine[Any, Any, None]) -> None:
        await work  # what fails of it was told of, and is tried again
        try:
            self._commit()
        except VaultError as error:
            report(error)

    def freeze(self) -> None:
        """Stop the clock."""
        self._clock.freeze()
        self._keep()

    def run(self, scale: float) -> None:
        """Let time pass `scale` times as fast as real time. Raises ValueError unless it is above 0."""
        self._clock.run(scale)
        self._keep()

    def resume(self) -> None:
        """Let time pass as fast as real time again, from the moment that the clock shows."""
        self._clock.run(1.0)
        self._keep()

    def _keep(self) -> None:
        self._storage.put(CLOCK, self._clock.state)


def _moment(due: tuple[int, str]) -> int:
    return due[0]
