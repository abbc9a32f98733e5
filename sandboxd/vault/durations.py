"""Durations and points in time, read and written as the real server does.

A **duration** on the wire is a number of seconds (`3600`), the same as text (`"3600"`), days (`"7d"`), or Go's own
notation (`"1h30m"`, `"1.5s"`, `"250ms"`). Days stand alone: `"1d12h"` is refused. A **moment** is RFC 3339 text or
seconds since 1970. Inside, both are whole nanoseconds or seconds, as the names say.

Error texts are those of the real server (Go's `time` and `strconv` packages and HashiCorp's `parseutil`), since
clients get to see them.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from sandboxd.vault.gotext import quote

NANOSECOND = 1
MICROSECOND = 1_000
MILLISECOND = 1_000_000
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

ZERO_TIME = "0001-01-01T00:00:00Z"
"""How the real server writes a moment that was never set."""

_UNITS = {
    "ns": NANOSECOND,
    "us": MICROSECOND,
    "µs": MICROSECOND,  # U+00B5, the micro sign
    "μs": MICROSECOND,  # U+03BC, the Greek letter
    "ms": MILLISECOND,
    "s": SECOND,
    "m": MINUTE,
    "h": HOUR,
}
_MIN_INT64, _MAX_INT64 = -(1 << 63), (1 << 63) - 1
_INTEGER = re.compile(r"[+-]?[0-9]+")
_TERM = re.compile(r"([0-9]*)(?:\.([0-9]*))?([^0-9.]*)", re.DOTALL)
_MOMENT = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{1,2}):([0-9]{2}):([0-9]{2})"
    r"(?:[.,]([0-9]+))?(?:Z|([+-])([0-9]{2}):([0-9]{2}))"
)
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 (UTC throughout; a naive one formats without its offset)


def parse_seconds(value: Any) -> int:
    """Return the whole seconds of a duration sent by a client, truncated towards zero.

    Takes None and "" (both 0), an int, text, or a float, which the server refuses for want of a unit. Raises ValueError
    with the real server's text, to which the server often adds the field's name in front.
    """
    if type(value) is int and -9_000_000_000 < value < 9_000_000_000:
        return value
    nanoseconds = parse_nanoseconds(value)
    return nanoseconds // SECOND if nanoseconds >= 0 else -(-nanoseconds // SECOND)


def parse_nanoseconds(value: Any) -> int:
    """Return the nanoseconds of a duration sent by a client; takes and raises what `parse_seconds` does."""
    if value is None or value == "":
        return 0
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("could not parse duration from input")
    # The server keeps the text of JSON numbers, so it reads them by the rules for text.
    text = value if isinstance(value, str) else repr(value)
    try:
        seconds = parse_integer(text)
    except ValueError:
        if text.endswith("d"):
            return _times(parse_integer(text[:-1]), DAY)
        return parse_duration(text)
    return _times(seconds, SECOND)


def parse_integer(text: str) -> int:
    """Return the 64-bit integer written in `text`, as Go's strconv.ParseInt; raise ValueError with its text."""
    if not _INTEGER.fullmatch(text):
        raise ValueError(f"strconv.ParseInt: parsing {quote(text)}: invalid syntax")
    # Python refuses to read thousands of digits at once; twenty tell already that it is too much.
    digits = text.lstrip("+-").lstrip("0")
    number = int(digits[:20] or "0") * (-1 if text[0] == "-" else 1)
    if not _MIN_INT64 <= number <= _MAX_INT64:
        raise ValueError(f"strconv.ParseInt: parsing {quote(text)}: value out of range")
    return number


def parse_duration(text: str) -> int:
    """Return the nanoseconds that Go's notation means (`"1h30m"`, `"-1.5s"`), as Go's time.ParseDuration.

    Raises ValueError with Go's text: `time: invalid duration "x"`, `time: missing unit in duration "5"`,
    `time: unknown unit "d" in duration "1d2h"`.
    """
    invalid = ValueError(f"time: invalid duration {_quote_for_time(text)}")
    rest = text[1:] if text[:1] in ("-", "+") else text
    if rest == "0":
        return 0
    if not rest:
        raise invalid
    total = 0
    while rest:
        term = _TERM.match(rest)
        if term is None or not (term[1] or term[2]) or len(term[1].lstrip("0")) > 19:
            raise invalid
        number, fraction, unit = term[1], term[2], term[3]
        if int(number or "0") > 1 << 63:
            raise invalid
        if not unit:
            raise ValueError(f"time: missing unit in duration {_quote_for_time(text)}")
        if unit not in _UNITS:
            raise ValueError(f"time: unknown unit {_quote_for_time(unit)} in duration {_quote_for_time(text)}")
        total += int(number or "0") * _UNITS[unit]
        if fraction:
            # Go takes as many digits as fit its integers, and rounds as floats do.
            significant = fraction[:19] if int(fraction[:19]) <= 1 << 63 else fraction[:18]
            total += int(float(int(significant)) * (float(_UNITS[unit]) / 10 ** len(significant)))
        if total > 1 << 63:
            raise invalid
        rest = rest[term.end() :]
    if text[0] == "-":
        return -total
    if total > _MAX_INT64:
        raise invalid
    return total


def format_duration(seconds: float) -> str:
    """Return a duration as Go's Duration.String writes it: `"768h0m0s"`, `"1.5s"`, `"0s"`."""
    return format_nanoseconds(seconds * SECOND if isinstance(seconds, int) else round(seconds * SECOND))


def format_nanoseconds(nanoseconds: int) -> str:
    """Return a duration of nanoseconds as Go's Duration.String writes it, down to `"250ms"` and `"1ns"`."""
    if nanoseconds == 0:
        return "0s"
    sign, rest = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    if rest < SECOND:
        name = "ns" if rest < MICROSECOND else "µs" if rest < MILLISECOND else "ms"
        return f"{sign}{_decimal(rest, _UNITS[name])}{name}"
    minutes, rest = divmod(rest, MINUTE)
    hours, minutes = divmod(minutes, 60)
    lead = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{sign}{lead}{_decimal(rest, SECOND)}s"


def rfc3339(nanoseconds: int) -> str:
    """Return a moment, given in nanoseconds since 1970, as UTC in Go's RFC3339Nano: no trailing zeros in the fraction.

    Raises OverflowError outside the years 1 to 9999.
    """
    seconds, fraction = divmod(nanoseconds, SECOND)
    text = (_EPOCH + timedelta(seconds=seconds)).isoformat()
    return f"{text}.{fraction:09d}".rstrip("0") + "Z" if fraction else f"{text}Z"


def parse_moment(value: Any) -> int:
    """Return the nanoseconds since 1970 of an absolute time sent by a client, as parseutil.ParseAbsoluteTime.

    Takes RFC 3339 text (any offset, with a fraction or without), or seconds since 1970 as int or text. Raises
    ValueError with the real server's text.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("could not parse time from input type")
    if not isinstance(value, str):
        return parse_integer(repr(value)) * SECOND
    try:
        return _moment(match) if (match := _MOMENT.fullmatch(value)) else parse_integer(value) * SECOND
    except ValueError:
        raise ValueError("could not parse string as date and time") from None


def _moment(match: re.Match[str]) -> int:
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    fraction = (match[7] or "")[:9].ljust(9, "0")
    offset = 0
    if match[8]:
        hours, minutes = int(match[9]), int(match[10])
        if hours > 24 or minutes > 60:  # Go lets both ends in
            raise ValueError("offset out of range")
        offset = (hours * 60 + minutes) * (-1 if match[8] == "-" else 1)
    date = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    return (int(date.timestamp()) - offset * 60) * SECOND + int(fraction)


def _times(number: int, unit: int) -> int:
    result = number * unit
    if not _MIN_INT64 <= result <= _MAX_INT64:
        raise ValueError("multiplication of durations resulted in overflow, one operand may be too large")
    return result


def _decimal(number: int, unit: int) -> str:
    """`number / unit` without the zeros at the end of its fraction; `unit` is a power of ten."""
    whole, fraction = divmod(number, unit)
    if not fraction:
        return str(whole)
    return f"{whole}.{fraction:0{len(str(unit)) - 1}d}".rstrip("0")


def _quote_for_time(text: str) -> str:
    """Quote as Go's time package does: bytes outside printable ASCII in hexadecimal, one by one."""
    quoted = "".join(
        chr(byte) if 0x20 <= byte < 0x80 else f"\\x{byte:02x}"
        for byte in text.replace("\\", "\\\\").replace('"', '\\"').encode()
    )
    return f'"{quoted}"'
