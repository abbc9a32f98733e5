"""Cron schedules: when something is to happen, as minute, hour, day of the month, month and day of the week, in UTC.

As in Vault's `rotation_schedule`: five fields, names of months and days, or one of `@hourly`, `@daily`, `@weekly`,
`@monthly`, `@yearly`. A day is meant when its date or its weekday is, if both are given.
"""

from datetime import UTC, datetime

NANOSECONDS = 1_000_000_000
_NAMED = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


def next_after(schedule: str, moment: int) -> int:
    """The first moment of a schedule after another one, in nanoseconds since 1970.

    Raises ValueError for a schedule that is none, or whose moment never comes (the 30th of February).
    """
    from cronsim import CronSim, CronSimError

    fields = _NAMED.get(schedule, schedule)
    if len(fields.split()) != 5:
        found_fields = fields.split()
        raise ValueError(f"expected exactly 5 fields, found {len(found_fields)}: [{' '.join(found_fields)}]")
    try:
        found = next(CronSim(fields.upper().replace("?", "*"), datetime.fromtimestamp(moment // NANOSECONDS, UTC)))
    except CronSimError as error:
        raise ValueError(f"{schedule!r} is no cron schedule: {error}") from None
    except StopIteration:
        raise ValueError(f"the moment of {schedule!r} never comes") from None
    return int(found.timestamp()) * NANOSECONDS
