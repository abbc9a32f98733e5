"""The measures of a drill: numbers, from what was seen and when it was seen. Nothing here judges.

A **retry** is a call for the same as one before it that went badly, with the same token; a connection on which nothing
was asked is one too, after another such. A **kind** of call is what a call asks for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from statistics import median

import msgspec

from sandboxd.chaos.drill.watch import Call, Course, Look, Watched

APART = 60.0
"""Seconds after which a call is no retry any more of the one before."""
GROWTH = 1.5
"""How much longer later pauses are than the first ones where they grow."""
MEANT = 0.1
"""Seconds: what is shorter is no pause that somebody meant."""
UNEVEN = 0.05
"""How far the factor from one pause to the next is off, as a share of what is usual, where chance has a part in it."""
HOUSEKEEPING = frozenset(("login", "renew", "revoke"))
"""What is asked when it is needed, and not again because it once failed."""


class Retries(msgspec.Struct, frozen=True, kw_only=True):
    """How an app asked again. `pauses` are those of the longest row of retries, in seconds."""

    count: int = 0
    pauses: tuple[float, ...] = ()
    grows: bool = False
    jitter: bool = False

    @property
    def pause(self) -> float:
        """The pause in the middle, by length."""
        return median(self.pauses) if self.pauses else 0.0


class Peak(msgspec.Struct, frozen=True, kw_only=True):
    """The most calls in any second, and when that was."""

    count: int = 0
    at: float = 0.0


class Again(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of call that went badly in the outage, and how long after its end it went well; None for never."""

    what: str
    after: float | None


class Stale(msgspec.Struct, frozen=True, kw_only=True):
    """For how long an app went on with a secret that had changed; `noticed` is False where it never read it anew."""

    path: str
    seconds: float
    noticed: bool


class Shares(msgspec.Struct, frozen=True, kw_only=True):
    """The share of its time that the app was well, by its health URL."""

    before: float
    during: float
    after: float


class Measures(msgspec.Struct, frozen=True, kw_only=True):
    """What a drill measured. Times are in seconds.

    `noticed` is the time from the beginning of the outage to the first sign that the app met it, `recovered` the time
    from its end until the app was well; None for never. `idle` are connections on which nothing was asked.
    """

    requests: int
    during: int
    struck: int
    lost: int
    idle: int
    calm: Peak
    peak: Peak
    noticed: float | None
    recovered: float | None
    again: tuple[Again, ...]
    retries: Retries
    stale: tuple[Stale, ...]
    reread: int
    logins: int
    available: Shares | None


def measure(seen: Watched, course: Course) -> Measures:
    """The measures of what was seen."""
    calls = sorted((call for call in seen.calls if call.at <= course.stopped), key=lambda call: call.at)
    during = [call for call in calls if course.begin <= call.at < course.end]
    later = [call for call in calls if call.at >= course.begin]
    back = tuple(_again(calls, course))
    return Measures(
        requests=len(calls),
        during=len(during),
        struck=sum(1 for call in calls if call.struck),
        lost=sum(1 for call in calls if call.outcome in ("lost", "left")),
        idle=sum(1 for _ in _idle(seen, course)),
        calm=peak(call.at for call in calls if call.at < course.begin),
        peak=peak(call.at for call in later),
        noticed=_noticed(seen, during, course),
        recovered=_recovered(seen.looks, back, course),
        again=back,
        retries=_retries(seen, later, course),
        stale=tuple(_stale(seen, calls, course)),
        reread=sum(1 for call in later if call.operation == "read" and call.outcome == "good"),
        logins=sum(1 for call in later if call.operation == "login"),
        available=_available(seen.looks, course),
    )


def peak(moments: Iterable[float]) -> Peak:
    """The most moments in any second."""
    found, window = Peak(), deque[float]()
    for moment in sorted(moments):
        window.append(moment)
        while window[0] <= moment - 1:
            window.popleft()
        if len(window) > found.count:
            found = Peak(count=len(window), at=window[0])
    return found


def by_key(calls: Iterable[Call]) -> dict[str, list[Call]]:
    """Calls by what they ask for, in their order."""
    found: dict[str, list[Call]] = {}
    for call in calls:
        found.setdefault(call.key, []).append(call)
    return found


def rows(calls: Sequence[Call]) -> Iterator[list[Call]]:
    """Rows of calls for the same, of which each but the last went badly and was followed by the next as a retry."""
    for same in by_key(calls).values():
        row = same[:1]
        for before, call in pairwise(same):
            if before.bad and call.at - (before.until or before.at) < APART:
                row.append(call)
                continue
            if len(row) > 1:
                yield row
            row = [call]
        if len(row) > 1:
            yield row


def _idle(seen: Watched, course: Course) -> Iterator[float]:
    """When there were connections on which nothing was asked."""
    return (line.opened for line in seen.lines if not line.calls and course.begin <= line.opened < course.stopped)


def _retries(seen: Watched, calls: Sequence[Call], course: Course) -> Retries:
    found = [
        [call.at - (before.until or before.at) for before, call in pairwise(row) if call.accessor == before.accessor]
        for row in rows(calls)
    ]
    empty = sorted(_idle(seen, course))
    if len(empty) > 1:
        found.append([later - earlier for earlier, later in pairwise(empty)])
    if not any(found):
        return Retries()
    pauses = [round(max(pause, 0.0), 3) for pause in max(found, key=len)]
    return Retries(
        count=sum(map(len, found)), pauses=tuple(pauses), grows=grows(pauses), jitter=len(pauses) > 2 and uneven(pauses)
    )


def grows(pauses: Sequence[float]) -> bool:
    """Whether later pauses are longer than the first ones."""
    if len(pauses) < 2:
        return False
    half = (len(pauses) + 1) // 2
    first, last = median(pauses[: len(pauses) - half]), median(pauses[-half:])
    return last >= MEANT and last >= GROWTH * first


def uneven(pauses: Sequence[float]) -> bool:
    """Whether chance has a part in pauses: without it each is as long as the one before, or longer by one factor."""
    factors = [later / max(earlier, 0.001) for earlier, later in pairwise(pauses)]
    return any(all(abs(factor - usual) > UNEVEN * usual for usual in (1.0, factors[0])) for factor in factors)


def _noticed(seen: Watched, during: Sequence[Call], course: Course) -> float | None:
    signs = [call.at for call in during if call.struck or call.bad]
    signs += [look.at for look in seen.looks if course.begin <= look.at < course.end and not look.well]
    signs += [moment for moment in _idle(seen, course) if moment < course.end]
    return min(signs) - course.begin if signs else None


def _again(calls: Sequence[Call], course: Course) -> Iterator[Again]:
    for key, same in by_key(calls).items():
        if same[0].operation in HOUSEKEEPING:
            continue
        if not any(call.bad and course.begin <= call.at < course.end for call in same):
            continue
        if not any(call.outcome == "good" for call in same):
            continue  # it never went well, so what went wrong was not the outage
        late = [call.until for call in same if call.outcome == "good" and call.until and call.until >= course.end]
        if late:
            yield Again(what=key, after=min(late) - course.end)
        elif not any(call.outcome == "good" and call.at >= course.begin for call in same) or _worse(same):
            yield Again(what=key, after=None)
        else:
            yield Again(what=key, after=0.0)


def _worse(same: Sequence[Call]) -> bool:
    return same[-1].bad


def _recovered(looks: Sequence[Look], back: Sequence[Again], course: Course) -> float | None:
    later = [look for look in looks if look.at >= course.begin]
    if later:
        red = [look.at for look in later if not look.well]
        if not red:
            return 0.0
        green = [look.at for look in later if look.well and look.at > red[-1]]
        return max(0.0, min(green) - course.end) if green else None
    if any(each.after is None for each in back):
        return None
    return max((each.after for each in back if each.after is not None), default=0.0)


def _stale(seen: Watched, calls: Sequence[Call], course: Course) -> Iterator[Stale]:
    for change in seen.changes:
        if change.undone or not course.begin <= change.at < course.end:
            continue
        same = [call for call in calls if call.path == change.path and call.operation == "read"]
        if not any(call.at < change.at and call.outcome == "good" for call in same):
            continue
        back = [each.at for each in seen.changes if each.undone and each.path == change.path and each.at > change.at]
        limit = min([course.stopped, *back])
        read = [call.until for call in same if change.at <= call.at < limit and call.until and _told(call)]
        yield Stale(path=change.path, seconds=(read[0] if read else limit) - change.at, noticed=bool(read))


def _told(call: Call) -> bool:
    """Whether the answer told of the secret as it is, or that it is gone."""
    return call.end == "whole" and (call.status < 400 or call.status == 404)


def _available(looks: Sequence[Look], course: Course) -> Shares | None:
    if not looks:
        return None
    return Shares(
        before=_share(looks, course.ready, course.begin),
        during=_share(looks, course.begin, course.end),
        after=_share(looks, course.end, course.stopped),
    )


def _share(looks: Sequence[Look], begin: float, end: float) -> float:
    """The share of a time that looks found the app well: each counts up to the next one."""
    if end <= begin:
        return 1.0
    well, at, state = 0.0, begin, True
    for look in looks:
        if look.at >= end:
            break
        if look.at > begin:
            well += look.at - at if state else 0
            at = look.at
        state = look.well
    return (well + (end - at if state else 0)) / (end - begin)
