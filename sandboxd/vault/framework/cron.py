"""Cron schedules: when something is to happen, as minute, hour, day of the month, month and day of the week, in UTC.

As Vault's `rotation_schedule`: five fields of numbers, names, ranges, steps and lists. A day is meant when its date or
its weekday is, where both are given. Fixtures may also say `@hourly`, `@daily`, `@weekly`, `@monthly` or `@yearly`
(`named`), which Vault does not take.

Source: the cron library that Vault's scheduler uses, for what it takes and its texts. A time zone in front is checked
and does not count, as there. What never comes is refused here; there it is taken, and never happens.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from sandboxd.vault.gotext import quote

NANOSECONDS = 1_000_000_000
MINUTE = 60 * NANOSECONDS
MOST_YEARS = 5  # that are looked through for the next moment
_NAMED = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


class _Bounds(NamedTuple):
    low: int
    high: int
    names: Mapping[str, int] = {}


def _numbered(names: str, first: int) -> dict[str, int]:
    return {name: number for number, name in enumerate(names.split(), first)}


_FIELDS = (
    _Bounds(0, 59),
    _Bounds(0, 23),
    _Bounds(1, 31),
    _Bounds(1, 12, _numbered("jan feb mar apr may jun jul aug sep oct nov dec", 1)),
    _Bounds(0, 6, _numbered("sun mon tue wed thu fri sat", 0)),
)


class _Field(NamedTuple):
    """The numbers that are meant, and whether that is any, as far as days are concerned."""

    numbers: frozenset[int]
    any: bool


class Schedule(NamedTuple):
    """A schedule that was read."""

    minutes: _Field
    hours: _Field
    days: _Field
    months: _Field
    weekdays: _Field  # 0 is Sunday

    def on(self, day: date) -> bool:
        """Whether it has moments on a day."""
        if day.month not in self.months.numbers:
            return False
        dated, named = day.day in self.days.numbers, day.isoweekday() % 7 in self.weekdays.numbers
        return (dated and named) if self.days.any or self.weekdays.any else (dated or named)


def named(schedule: str) -> str:
    """A schedule with its name, if it is one, written out."""
    return _NAMED.get(schedule, schedule)


def next_after(schedule: str, moment: int) -> int:
    """The first moment of a schedule after another one, in nanoseconds since 1970.

    Raises ValueError for a schedule that is none, or whose moment never comes (the 30th of February).
    """
    found = parse(schedule)
    start = datetime.fromtimestamp((moment // MINUTE + 1) * 60, UTC)
    day = start.date()
    last = date(day.year + MOST_YEARS, 12, 31)
    while day <= last:
        if found.on(day):
            first = (start.hour, start.minute) if day == start.date() else (0, 0)
            times = ((hour, minute) for hour in sorted(found.hours.numbers) for minute in sorted(found.minutes.numbers))
            time = next((time for time in times if time >= first), None)
            if time is not None:
                return int(datetime(day.year, day.month, day.day, *time, tzinfo=UTC).timestamp()) * NANOSECONDS
        day += timedelta(days=1)
    raise ValueError(f"the moment of {quote(schedule)} never comes")


@lru_cache(maxsize=256)
def parse(schedule: str) -> Schedule:
    """Read a schedule. Raises ValueError with the library's text."""
    if not schedule:
        raise ValueError("empty spec string")
    if schedule.startswith(("TZ=", "CRON_TZ=")):
        zone, _, schedule = schedule.partition("=")[2].partition(" ")
        _check_zone(zone)
    if schedule.startswith("@"):
        raise ValueError(f"parser does not accept descriptors: {schedule}")
    fields = schedule.split()
    if len(fields) != len(_FIELDS):
        raise ValueError(f"expected exactly {len(_FIELDS)} fields, found {len(fields)}: [{' '.join(fields)}]")
    return Schedule(*map(_field, fields, _FIELDS))


def _check_zone(zone: str) -> None:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(zone or "UTC")
    except (ValueError, OSError, LookupError):
        raise ValueError(f"provided bad location {zone}: unknown time zone {zone}") from None


def _field(text: str, bounds: _Bounds) -> _Field:
    found = [_range(each, bounds) for each in text.split(",") if each]
    return _Field(frozenset[int]().union(*(each.numbers for each in found)), any(each.any for each in found))


def _range(text: str, bounds: _Bounds) -> _Field:
    limits, *steps = text.split("/")
    low, *highs = limits.split("-")
    anything = low in ("*", "?")
    if anything:
        start, end = bounds.low, bounds.high
    else:
        if len(highs) > 1:
            raise ValueError(f"too many hyphens: {text}")
        start = _number(low, bounds.names)
        end = _number(highs[0], bounds.names) if highs else start
    if len(steps) > 1:
        raise ValueError(f"too many slashes: {text}")
    step = 1
    if steps:
        step = _number(steps[0])
        end = end if highs else bounds.high
    if start < bounds.low:
        raise ValueError(f"beginning of range ({start}) below minimum ({bounds.low}): {text}")
    if end > bounds.high:
        raise ValueError(f"end of range ({end}) above maximum ({bounds.high}): {text}")
    if start > end:
        raise ValueError(f"beginning of range ({start}) beyond end of range ({end}): {text}")
    if step == 0:
        raise ValueError(f"step of range should be a positive number: {text}")
    return _Field(frozenset(range(start, end + 1, step)), anything and step == 1)


def _number(text: str, names: Mapping[str, int] = {}) -> int:
    known = names.get(text.lower())
    if known is not None:
        return known
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not (digits.isascii() and digits.isdigit()):
        raise ValueError(f"failed to parse int from {text}: strconv.Atoi: parsing {quote(text)}: invalid syntax")
    if len(digits.lstrip("0")) > 18:
        raise ValueError(f"failed to parse int from {text}: strconv.Atoi: parsing {quote(text)}: value out of range")
    number = int(text)
    if number < 0:
        raise ValueError(f"negative number ({number}) not allowed: {text}")
    return number
