"""Which fault strikes a request: the faults that are on, in order, with their counters.

The first fault that strikes a request wins. One is asked in this order: is the request what it is **aimed** at; is its
time now; do its counts (`after`, `first`, `every`) take this one; does **chance** (`probability`); has it not struck
`times` already. A fault that does not strike leaves the request to the next.

Chance is drawn from a seed and the number of the request among those aimed at, so the same requests under the same seed
are struck the same way, whatever happens in between.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from sandboxd.chaos.chance import Chance
from sandboxd.chaos.delays import parse_delay
from sandboxd.chaos.facts import Seen, aimed
from sandboxd.chaos.kinds import kind_name
from sandboxd.chaos.model import Fault, share
from sandboxd.vault.durations import parse_nanoseconds

if TYPE_CHECKING:
    from sandboxd.vault.clock import Clock

KEPT = 10_000
"""The latest strikes that are kept."""
KEYS = 100_000
"""The different requests that are counted; more have no number of their own."""
NEVER = 1 << 63
"""A moment that does not come, in nanoseconds."""


class Ramp(NamedTuple):
    """How the share of requests that are struck changes: from one factor to another, between two moments (ns)."""

    begin: int
    end: int
    start: float
    stop: float

    def at(self, moment: int) -> float:
        """The factor at a moment."""
        if moment >= self.end or self.end <= self.begin:
            return self.stop
        if moment <= self.begin:
            return self.start
        return self.start + (self.stop - self.start) * (moment - self.begin) / (self.end - self.begin)


class Active:
    """A fault that is on, or that will be when its time comes.

    Args:
        id_: what it is stopped by.
        label: what chance depends on: the same each time that a run is repeated.
        run: the id of the run that it is a part of, or an empty string.
        at: the moment of its start, in nanoseconds, on its own clock; now without.
    """

    def __init__(
        self,
        id_: str,
        fault: Fault,
        clock: Clock,
        chance: Chance,
        *,
        label: str = "",
        run: str = "",
        at: int | None = None,
        ramp: Ramp | None = None,
    ) -> None:
        self.id = id_
        self.label = label or id_
        self.fault = fault
        self.kind = kind_name(fault)
        self.run = run
        self.ramp = ramp
        self.chance = chance
        self.seen = 0
        self.struck = 0
        self._now: Callable[[], int] = clock.real_ns if fault.clock == "real" else clock.now_ns
        start = self._now() if at is None else at
        self.begins = start + parse_nanoseconds(fault.from_)
        lasts = parse_nanoseconds(fault.for_)
        self.ends = self.begins + lasts if lasts else NEVER
        self._share = share(fault.probability)

    @property
    def name(self) -> str:
        """What it is called in counters."""
        return self.fault.name or self.kind

    @property
    def over(self) -> bool:
        """Whether its time has passed."""
        return self.ends != NEVER and self._now() >= self.ends

    @property
    def on(self) -> bool:
        """Whether it is its time."""
        now = self._now()
        return self.begins <= now < self.ends

    @property
    def used_up(self) -> bool:
        """Whether it has struck as often as it may, or seen all that it looks at."""
        fault = self.fault
        return bool((fault.times and self.struck >= fault.times) or (fault.first and self.seen >= fault.first))

    def takes(self) -> bool:
        """Whether it strikes the next request (or connection) of those aimed at, which is counted."""
        fault = self.fault
        if not self.on or (fault.first and self.seen >= fault.first):
            return False
        self.seen += 1
        number = self.seen - fault.after
        if number < 1 or (number - 1) % fault.every or (fault.times and self.struck >= fault.times):
            return False
        wanted = self._share
        if self.ramp is not None:
            wanted *= self.ramp.at(self._now())
        if wanted < 1 and self.chance.number(self.label, self.seen, "strike") >= wanted:
            return False
        self.struck += 1
        return True


class Strike(NamedTuple):
    """A fault that hits a request. `number` tells which of those aimed at it is: chance depends on that."""

    active: Active
    number: int

    @property
    def fault(self) -> Fault:
        """What goes wrong."""
        return self.active.fault

    def draw(self, delay: str | int) -> float:
        """The seconds of a delay of the fault."""
        return parse_delay(delay).draw(self.active.chance.number(self.active.label, self.number, "delay"))

    def bytes(self, size: int) -> bytes:
        """So many random bytes."""
        return self.active.chance.bytes(size, self.active.label, self.number, "bytes")


class Struck(NamedTuple):
    """A strike, as it is remembered. `ordinal`: it was the how many-eth request of that `key`."""

    at: int  # nanoseconds since 1970, in real time
    id: str
    name: str
    kind: str
    run: str
    label: str
    number: int
    key: str
    ordinal: int
    app: str


class Replay(NamedTuple):
    """Strikes that are to happen again, by key and ordinal: the label of the fault, and the number of the strike.

    `base`: how many requests of each key there had been when it began.
    """

    run: str
    base: Mapping[str, int]
    strikes: Mapping[tuple[str, int], tuple[str, int]]


class Rules:
    """The faults that are on, in the order in which they are asked.

    Args:
        clock: of the world.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._active: dict[str, Active] = {}
        self._replays: dict[str, Replay] = {}
        self._counts: dict[str, int] = {}
        self.struck: deque[Struck] = deque(maxlen=KEPT)
        self.on_strike: Callable[[Struck], None] | None = None

    def __iter__(self) -> Iterator[Active]:
        return iter(list(self._active.values()))

    def __len__(self) -> int:
        return len(self._active)

    def get(self, id_: str) -> Active | None:
        """The fault of that id, if it is on."""
        return self._active.get(id_)

    def add(self, active: Active) -> None:
        """Have a fault be asked, after all others."""
        self._active[active.id] = active

    def remove(self, id_: str) -> Active | None:
        """Forget a fault."""
        return self._active.pop(id_, None)

    def counts(self) -> dict[str, int]:
        """How many requests of each key there have been."""
        return dict(self._counts)

    def replay(self, replay: Replay) -> None:
        """Have the faults of a run strike as they did before, and not otherwise."""
        self._replays[replay.run] = replay

    def forget_replay(self, run: str) -> None:
        """The run is over."""
        self._replays.pop(run, None)

    def strike(self, seen: Seen) -> Strike | None:
        """The fault that hits a request, or None. Counts the request."""
        key = seen.key
        ordinal = self._counts.get(key, 0) + 1
        if ordinal > 1 or len(self._counts) < KEYS:
            self._counts[key] = ordinal
        found = self._found(seen, key, ordinal)
        if found is not None:
            self.remember(found, key, ordinal, seen.apps[0] if seen.apps else "")
        return found

    def _found(self, seen: Seen, key: str, ordinal: int) -> Strike | None:
        for replay in self._replays.values():
            label, number = replay.strikes.get((key, ordinal - replay.base.get(key, 0)), ("", 0))
            active = self._active.get(f"{replay.run}/{label}")
            if active is not None:
                active.seen += 1
                active.struck += 1
                return Strike(active, number)
        for active in self._active.values():
            if active.fault.DEPTH != "request" or active.run in self._replays:
                continue
            if active.on and aimed(active.fault, seen) and active.takes():
                return Strike(active, active.seen)
        return None

    def remember(self, strike: Strike, key: str, ordinal: int = 0, app: str = "") -> None:
        """Note a strike: at the how many-eth request of a key, and whose that was."""
        active = strike.active
        struck = Struck(
            at=self._clock.real_ns(),
            id=active.id,
            name=active.name,
            kind=active.kind,
            run=active.run,
            label=active.label,
            number=strike.number,
            key=key,
            ordinal=ordinal,
            app=app,
        )
        self.struck.append(struck)
        if self.on_strike is not None:
            self.on_strike(struck)
