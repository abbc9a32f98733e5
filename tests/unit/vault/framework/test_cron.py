"""When schedules fall due."""

from datetime import UTC, datetime

import pytest

from sandboxd.vault.framework.cron import NANOSECONDS, next_after

NEW_YEAR = 1_767_225_600 * NANOSECONDS  # a Thursday


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("*/15 * * * *", "2026-01-01T00:15"),
        ("0 * * * *", "2026-01-01T01:00"),
        ("@hourly", "2026-01-01T01:00"),
        ("@daily", "2026-01-02T00:00"),
        ("@weekly", "2026-01-04T00:00"),
        ("@monthly", "2026-02-01T00:00"),
        ("@yearly", "2027-01-01T00:00"),
        ("30 3 * * mon", "2026-01-05T03:30"),
        ("30 3 * * 1", "2026-01-05T03:30"),
        ("0 0 1 feb,mar *", "2026-02-01T00:00"),
        ("0 0 ? * 1-5", "2026-01-02T00:00"),
        ("0 0 29 2 *", "2028-02-29T00:00"),
        ("0 0 15 * fri", "2026-01-02T00:00"),  # the date or the weekday
    ],
)
def test_the_next_moment_of_a_schedule(schedule, expected):
    found = next_after(schedule, NEW_YEAR)
    assert datetime.fromtimestamp(found // NANOSECONDS, UTC).isoformat()[:16] == expected


@pytest.mark.parametrize("schedule", ["", "x", "* * * *", "* * * * * *", "61 * * * *", "0 0 30 2 *", "a b c d e"])
def test_what_is_no_schedule_is_refused(schedule):
    with pytest.raises(ValueError, match=r"fields|cron schedule"):
        next_after(schedule, NEW_YEAR)
