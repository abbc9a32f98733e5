"""JSON texts that are taken whole, as Go's `json.Unmarshal` and `json.Compact` take them.

Where more text after the first value does not count, `gojson` is what reads it.
"""

import json
import math
import re
from typing import Any

from sandboxd.vault.framework.gojson import EARLY_END, first_value
from sandboxd.vault.gotext import quote

_BLANKS_OR_TEXT = re.compile(r'[ \t\r\n]+|"(?:[^"\\]|\\.)*"', re.DOTALL)


def whole(text: str) -> Any:
    """The value of a JSON text. Raises ValueError with the text of Go's decoder."""
    try:
        first_value(text)
    except ValueError as error:
        ended = str(error) in ("EOF", EARLY_END)
        raise ValueError("unexpected end of JSON input" if ended else str(error)) from None
    start = len(text) - len(text.lstrip(" \t\r\n"))
    value, end = _DECODER.raw_decode(text, start)
    rest = text[end:].lstrip(" \t\r\n")
    if rest:
        shown = "\\'" if rest[0] == "'" else '"' if rest[0] == '"' else quote(rest[0])[1:-1]
        raise ValueError(f"invalid character '{shown}' after top-level value")
    return value


def compact(text: str) -> str:
    """A JSON text without the blanks between its values. Raises ValueError with the text of Go's decoder."""
    whole(text)
    return _BLANKS_OR_TEXT.sub(lambda found: found[0] if found[0][0] == '"' else "", text)


def _number(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"json: cannot unmarshal number {text} into Go value of type float64")
    return value


def _integer(text: str) -> float:
    return _number(text) if len(text) > 300 else int(text)


_DECODER = json.JSONDecoder(parse_float=_number, parse_int=_integer)
