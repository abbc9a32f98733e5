"""Durations and moments. Expected values and texts: OpenBao 2.7.2 (`sys/mounts/.../tune`, `auth/token/create`)."""

import pytest

from sandboxd.vault import durations
from sandboxd.vault.durations import SECOND


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, 0),
        ("", 0),
        (0, 0),
        ("0", 0),
        ("-0", 0),
        (3600, 3600),
        (-5, -5),
        ("90", 90),
        ("+90", 90),
        ("-5", -5),
        ("1h30m", 5400),
        ("-5m", -300),
        ("1d", 86400),
        ("0d", 0),
        ("-1d", -86400),
        ("1.5s", 1),
        ("-1.5s", -1),
        (".5s", 0),
        ("5.s", 5),
        ("+5s", 5),
        ("1us", 0),
        ("1µs", 0),
        ("1\u03bcs", 0),
        ("2562047h47m16.854775807s", 9223372036),
        ("-9223372036854775808ns", -9223372036),
    ],
)
def test_a_clients_duration_is_read_as_seconds(value, seconds):
    assert durations.parse_seconds(value) == seconds


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x", 'time: invalid duration "x"'),
        ("h", 'time: invalid duration "h"'),
        ("-", 'time: invalid duration "-"'),
        ("+", 'time: invalid duration "+"'),
        (".s", 'time: invalid duration ".s"'),
        ("-.s", 'time: invalid duration "-.s"'),
        (" 5", 'time: invalid duration " 5"'),
        ("<b>", 'time: invalid duration "<b>"'),
        ('"q"', r'time: invalid duration "\"q\""'),
        ("é", r'time: invalid duration "\xc3\xa9"'),
        ("2d12h", 'time: unknown unit "d" in duration "2d12h"'),
        ("1x", 'time: unknown unit "x" in duration "1x"'),
        ("1h ", 'time: unknown unit "h " in duration "1h "'),
        ("1e3", 'time: unknown unit "e" in duration "1e3"'),
        ("0x10", 'time: unknown unit "x" in duration "0x10"'),
        ("1_000", 'time: unknown unit "_" in duration "1_000"'),
        ("5\n", r'time: unknown unit "\x0a" in duration "5\x0a"'),
        ("1h\0", r'time: unknown unit "h\x00" in duration "1h\x00"'),
        ("1d\\", r'time: unknown unit "d\\" in duration "1d\\"'),
        ("1.5", 'time: missing unit in duration "1.5"'),
        ("1h1", 'time: missing unit in duration "1h1"'),
        (1.5, 'time: missing unit in duration "1.5"'),
        (1.0, 'time: missing unit in duration "1.0"'),
        ("99999999999999999999", 'time: invalid duration "99999999999999999999"'),
        (99999999999999999999, 'time: invalid duration "99999999999999999999"'),
        ("3000000h", 'time: invalid duration "3000000h"'),
        ("9223372036854775808ns", 'time: invalid duration "9223372036854775808ns"'),
        ("2562047h47m16.854775808s", 'time: invalid duration "2562047h47m16.854775808s"'),
        ("d", 'strconv.ParseInt: parsing "": invalid syntax'),
        ("1.5d", 'strconv.ParseInt: parsing "1.5": invalid syntax'),
        ("10000000000", "multiplication of durations resulted in overflow, one operand may be too large"),
        (10000000000, "multiplication of durations resulted in overflow, one operand may be too large"),
        ("9223372036854775807", "multiplication of durations resulted in overflow, one operand may be too large"),
        ("1000000000000d", "multiplication of durations resulted in overflow, one operand may be too large"),
        (True, "could not parse duration from input"),
        ([5], "could not parse duration from input"),
        ({}, "could not parse duration from input"),
    ],
)
def test_a_bad_duration_is_refused_in_the_servers_words(value, text):
    with pytest.raises(ValueError, match=r".") as caught:
        durations.parse_seconds(value)
    assert str(caught.value) == text


def test_a_duration_of_thousands_of_digits_is_refused_like_any_other():
    with pytest.raises(ValueError, match="time: invalid duration"):
        durations.parse_seconds("9" * 10_000)


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1.000000001s", 1_000_000_001),
        ("1m0.5s", 60_500_000_000),
        ("250ms", 250_000_000),
        # from the tests of Go's own time package
        ("0.3333333333333333333h", 1_200_000_000_000),
        ("9007199254.740993ms", (1 << 53) + 1),
        ("9223372036.854775807s", (1 << 63) - 1),
        ("0.100000000000000000000h", 360_000_000_000),
        ("0.830103483285477580700h", 2_988_372_539_827),
        ("39h9m14.425s", 140_954_425_000_000),
    ],
)
def test_gos_notation_is_read_to_the_nanosecond(text, nanoseconds):
    assert durations.parse_duration(text) == nanoseconds


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (1, "1s"),
        (60, "1m0s"),
        (3600, "1h0m0s"),
        (2764800, "768h0m0s"),
        (5400.25, "1h30m0.25s"),
        (1.5, "1.5s"),
        (-90, "-1m30s"),
        (0.25, "250ms"),
        (0.0015, "1.5ms"),
    ],
)
def test_a_duration_is_written_as_go_writes_it(seconds, text):
    assert durations.format_duration(seconds) == text


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [(1, "1ns"), (1100, "1.1µs"), (2_200_000, "2.2ms"), (-(1 << 63), "-2562047h47m16.854775808s")],
)
def test_a_duration_below_a_second_takes_the_smaller_unit(nanoseconds, text):
    assert durations.format_nanoseconds(nanoseconds) == text


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1795577128671868010, "2026-11-25T03:25:28.67186801Z"),
        (1795577128677550475, "2026-11-25T03:25:28.677550475Z"),
        (1893456000 * SECOND + 500_000_000, "2030-01-01T00:00:00.5Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (-62135596800 * SECOND, durations.ZERO_TIME),
    ],
)
def test_a_moment_is_written_without_zeros_at_the_end(nanoseconds, text):
    assert durations.rfc3339(nanoseconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5, "1970-01-01T00:00:05Z"),
        ("5", "1970-01-01T00:00:05Z"),
        ("-5", "1969-12-31T23:59:55Z"),
        ("2030-01-01T00:00:00Z", "2030-01-01T00:00:00Z"),
        ("2030-01-01T0:00:00Z", "2030-01-01T00:00:00Z"),
        ("2030-01-01T00:00:00.123456789123+01:00", "2029-12-31T23:00:00.123456789Z"),
        ("2030-01-01T00:00:00,5Z", "2030-01-01T00:00:00.5Z"),
        ("2030-01-01T00:00:00+24:00", "2029-12-31T00:00:00Z"),
        ("2030-01-01T00:00:00+24:60", "2029-12-30T23:00:00Z"),
    ],
)
def test_a_clients_moment_is_read_with_its_offset(value, text):
    assert durations.rfc3339(durations.parse_moment(value)) == text


@pytest.mark.parametrize(
    "value",
    [
        "",
        "x",
        "1e5",
        "2030-01-01",
        "2030-01-01T00:00:00",
        "2030-01-01T00:00:00.Z",
        "2030-01-01t00:00:00z",
        "2030-02-30T00:00:00Z",
        "2030-01-01T24:00:00Z",
        "2030-01-01T00:00:60Z",
        "2030-01-01T00:00:00+25:00",
    ],
)
def test_a_bad_moment_is_refused_in_the_servers_words(value):
    with pytest.raises(ValueError, match=r"^could not parse string as date and time$"):
        durations.parse_moment(value)
