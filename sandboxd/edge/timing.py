"""The sandbox's time, as people see it: where its clock stands, what comes next, and moving it.

Moving the clock does, in order, all that is due on the way: leases expire, tokens die with their children, rotations
happen. Time only moves forward; a reset brings real time back.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

import msgspec

from sandboxd.rotation import describe
from sandboxd.vault.clock import NANOSECONDS
from sandboxd.vault.durations import parse_moment, parse_nanoseconds, rfc3339
from sandboxd.vault.world import World

LATEST = 253_370_764_800 * NANOSECONDS  # the year 9999 in any zone: what time stamps can still show
NEAR = 1.0  # seconds of difference from real time that nobody notices
_HOW_FAR = "say seconds, or a duration such as 90s, 1h30m or 30d"
_SHORT_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?)?")


class BadTime(ValueError):
    """A duration, factor or moment that makes no sense, or that has passed."""


class Next(msgspec.Struct, frozen=True, kw_only=True):
    """What time brings next. `what` is "lease", "token" or "timer"; `name` is a lease's id, or in words what is due."""

    at: str
    what: str
    name: str
    seconds: float


class TimeReport(msgspec.Struct, frozen=True, kw_only=True):
    """The sandbox's time. `offset` is in seconds ahead of real time, `scale` in seconds here in a real one (0: frozen).

    `passed` counts what a jump did on its way. `notes` say what it means that this is not real time.
    """

    now: str
    real: str
    offset: float
    scale: float
    frozen: bool
    next: Next | None = None
    passed: int = 0
    notes: tuple[str, ...] = ()


def report(world: World, passed: int = 0) -> TimeReport:
    """Where a world's clock stands."""
    clock = world.clock
    offset = clock.offset
    return TimeReport(
        now=rfc3339(clock.now_ns()),
        real=rfc3339(clock.real_ns()),
        offset=round(offset, 3),
        scale=clock.scale,
        frozen=clock.scale == 0,
        next=_next(world),
        passed=passed,
        notes=_notes(offset, clock.scale),
    )


async def change(world: World, action: str, value: str = "") -> TimeReport:
    """Move a world's clock: "freeze", "resume", "advance" by a duration, "scale" by a factor, or go "at" a moment.

    Raises BadTime.
    """
    timeline, passed = world.timeline, 0
    if action == "freeze":
        timeline.freeze()
    elif action == "resume":
        timeline.resume()
    elif action == "scale":
        timeline.run(_factor(value))
    elif action == "at":
        target = _moment(value)
        if target < world.clock.now_ns():
            raise BadTime("that moment has passed, and time only moves forward; a reset brings real time back")
        passed = await timeline.move_to(_shown(target))
    else:
        nanoseconds = _duration(value)
        _shown(world.clock.now_ns() + nanoseconds)
        passed = await timeline.advance(nanoseconds / NANOSECONDS)
    world.commit()
    return report(world, passed)


def _shown(moment: int) -> int:
    if moment > LATEST:
        raise BadTime("that is beyond the year 9998, which no time stamp can show")
    return moment


def _duration(text: str) -> int:
    try:
        found = parse_nanoseconds(text)
    except ValueError as error:
        raise BadTime(f"{error}; {_HOW_FAR}") from None
    if not text:
        raise BadTime(_HOW_FAR)
    if found < 0:
        raise BadTime("time only moves forward; a reset brings real time back")
    return found


def _factor(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found <= 1_000_000:
        raise BadTime(
            "say how many seconds pass in a real one: a number above 0, at most 1000000; freeze stops the clock"
        )
    return found


def _moment(text: str) -> int:
    """A moment: RFC 3339, seconds since 1970, or a date with or without a time, in UTC."""
    if _SHORT_MOMENT.fullmatch(text):
        try:
            found = datetime.fromisoformat(text).replace(tzinfo=UTC)
        except ValueError:
            raise BadTime("there is no such date or time") from None
        return int(found.timestamp()) * NANOSECONDS
    try:
        return parse_moment(text)
    except ValueError:
        raise BadTime("say a moment as 2027-06-30, 2027-06-30T09:00 (UTC) or 2027-06-30T09:00:00+02:00") from None


def _next(world: World) -> Next | None:
    due = world.timeline.next_due
    if not due:
        return None
    lease = world.leases.get(world.leases.next_id) if due == world.leases.next_due else None
    if lease is not None:
        what, name = ("lease" if lease.auth is None else "token"), lease.id
    else:
        owner, timer = world.timers.next_name
        mounted = world.mounts.by_uuid(owner)
        what = "timer"
        if mounted is None:
            name = describe(timer)
        else:
            rotates = getattr(mounted.backend, "rotates", ())
            name = f"{'the rotation of ' if rotates else ''}{mounted.mount.path}{timer}"
    return Next(at=rfc3339(due), what=what, name=name, seconds=round((due - world.clock.now_ns()) / NANOSECONDS, 3))


def _notes(offset: float, scale: float) -> tuple[str, ...]:
    if abs(offset) < NEAR and scale == 1.0:
        return ()
    return _NOTES


_NOTES = (
    "Leases, tokens, versions and time stamps follow the sandbox's time; programs that use it follow their own.",
    "TLS: clients judge certificates by real time; one made now may be not yet valid to them, or still be accepted.",
    "JWT: iat, nbf and exp are in the sandbox's time; verify them by it (the Date header has it), or with a leeway.",
)
