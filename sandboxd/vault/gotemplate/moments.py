"""Go's layouts for points in time: a moment written as the reference moment is written in the layout.

The reference is Mon Jan 2 15:04:05 MST 2006. All is UTC: the sandbox lives in no other zone.
"""

import re
from datetime import UTC, datetime

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
# Longest first, as Go tries them. "Jan" and "Mon" stand alone only where no lower-case letter follows.
_PART = re.compile(
    r"January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|01|02|03|04|05|06|002|2006|__2|_2(?!006)|15|PM|pm"
    r"|Z07:00:00|Z070000|Z07:00|Z0700|Z07|-07:00:00|-070000|-07:00|-0700|-07|[.,]0+(?![0-9])|[.,]9+(?![0-9])|1|2|3|4|5"
)
_OFFSETS = {
    **dict.fromkeys(("Z07:00:00", "Z070000", "Z07:00", "Z0700", "Z07"), "Z"),
    "-07:00:00": "+00:00:00",
    "-070000": "+000000",
    "-07:00": "+00:00",
    "-0700": "+0000",
    "-07": "+00",
}


def format_moment(nanoseconds: int, layout: str) -> str:
    """A moment, in nanoseconds since 1970, in a layout."""
    seconds, fraction = divmod(nanoseconds, 1_000_000_000)
    moment = datetime.fromtimestamp(seconds, UTC)
    return _PART.sub(lambda found: _part(found[0], moment, fraction), layout)


def _part(part: str, moment: datetime, fraction: int) -> str:
    if part[0] in ".,":
        digits = f"{fraction:09}"[: len(part) - 1]
        if part[1] == "0":
            return part[0] + digits.ljust(len(part) - 1, "0")
        digits = digits.rstrip("0")
        return part[0] + digits if digits else ""
    if part in _OFFSETS:
        return _OFFSETS[part]
    hour = moment.hour % 12 or 12
    day = moment.timetuple().tm_yday
    return {
        "January": _MONTHS[moment.month - 1],
        "Jan": _MONTHS[moment.month - 1][:3],
        "1": str(moment.month),
        "01": f"{moment.month:02}",
        "Monday": _WEEKDAYS[moment.weekday()],
        "Mon": _WEEKDAYS[moment.weekday()][:3],
        "MST": "UTC",
        "2": str(moment.day),
        "_2": f"{moment.day:2}",
        "02": f"{moment.day:02}",
        "__2": f"{day:3}",
        "002": f"{day:03}",
        "15": f"{moment.hour:02}",
        "3": str(hour),
        "03": f"{hour:02}",
        "4": str(moment.minute),
        "04": f"{moment.minute:02}",
        "5": str(moment.second),
        "05": f"{moment.second:02}",
        "2006": f"{moment.year:04}",
        "06": f"{moment.year % 100:02}",
        "PM": "PM" if moment.hour >= 12 else "AM",
        "pm": "pm" if moment.hour >= 12 else "am",
    }[part]
