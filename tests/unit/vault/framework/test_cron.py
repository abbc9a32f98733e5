"""When schedules fall due."""

import re
from datetime import UTC, datetime

import pytest

from sandboxd.vault.framework.cron import NANOSECONDS, named, next_after

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
    found = next_after(named(schedule), NEW_YEAR)
    assert datetime.fromtimestamp(found // NANOSECONDS, UTC).isoformat()[:16] == expected


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("*/20 22 * * *", "2026-01-01T22:00"),
        ("50/5 * * * *", "2026-01-01T00:50"),  # N/step goes up to the highest
        ("5,3 1-2 * * *", "2026-01-01T01:03"),
        ("0 0 */2 * fri", "2026-01-02T00:00"),  # a step is no "any": the date or the weekday
        ("0 0 * JAN Sat", "2026-01-03T00:00"),
        ("TZ=Asia/Tokyo 0 12 * * *", "2026-01-01T12:00"),  # as in the real server, the zone does not count
    ],
)
def test_ranges_steps_and_lists_are_those_of_the_library(schedule, expected):
    found = next_after(schedule, NEW_YEAR)
    assert datetime.fromtimestamp(found // NANOSECONDS, UTC).isoformat()[:16] == expected


def test_the_next_moment_is_later_than_the_one_that_is_given():
    assert next_after("0 0 1 1 *", NEW_YEAR) > NEW_YEAR
    assert next_after("0 0 1 1 *", NEW_YEAR - 1) == NEW_YEAR


@pytest.mark.parametrize(
    ("schedule", "text"),
    [
        ("", "empty spec string"),
        ("x", "expected exactly 5 fields, found 1: [x]"),
        ("* * * * * *", "expected exactly 5 fields, found 6: [* * * * * *]"),
        ("@daily", "parser does not accept descriptors: @daily"),
        ("TZ=Nowhere/Land 0 0 * * *", "provided bad location Nowhere/Land: unknown time zone Nowhere/Land"),
        ("a * * * *", 'failed to parse int from a: strconv.Atoi: parsing "a": invalid syntax'),
        ("0 0 L * *", 'failed to parse int from L: strconv.Atoi: parsing "L": invalid syntax'),
        ("0 0 * * 1#2", 'failed to parse int from 1#2: strconv.Atoi: parsing "1#2": invalid syntax'),
        ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
        ("1/2/3 * * * *", "too many slashes: 1/2/3"),
        ("61 * * * *", "end of range (61) above maximum (59): 61"),
        ("* * * * 7", "end of range (7) above maximum (6): 7"),
        ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
        ("5-3 * * * *", "beginning of range (5) beyond end of range (3): 5-3"),
        ("*/0 * * * *", "step of range should be a positive number: */0"),
        ("0 0 30 2 *", 'the moment of "0 0 30 2 *" never comes'),
    ],
)
def test_what_is_no_schedule_is_refused(schedule, text):
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        next_after(schedule, NEW_YEAR)


def test_a_number_too_large_for_go_is_refused():
    with pytest.raises(ValueError, match="value out of range"):
        next_after(f"{'9' * 30} * * * *", NEW_YEAR)
