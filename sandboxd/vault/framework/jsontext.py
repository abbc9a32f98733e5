"""JSON texts that are taken whole, as Go's `json.Unmarshal` and `json.Compact` take them.

Where more text after the first value does not count, `gojson` is what reads it.
"""

import json
import math
import re
from typing import Any

from sandboxd.vault.framework.gojson import EARLY_END, first_value
from sandboxd.vault.framework.jsonscan import invalid
from sandboxd.vault.framework.lenient import go_type

_BLANKS_OR_TEXT = re.compile(r'[ \t\r\n]+|"(?:[^"\\]|\\.)*"', re.DOTALL)


def check(text: str) -> None:
    """Raise ValueError, with the text of Go's decoder, for what is not one JSON value and nothing else."""
    try:
        first_value(text)
    except ValueError as error:
        ended = str(error) in ("EOF", EARLY_END)
        raise ValueError("unexpected end of JSON input" if ended else str(error)) from None
    start = len(text) - len(text.lstrip(" \t\r\n"))
    _, end = _SCANNER.raw_decode(text, start)
    rest = text[end:].lstrip(" \t\r\n")
    if rest:
        raise invalid(rest[0], "after top-level value")


def whole(text: str) -> Any:
    """The value of a JSON text. Raises ValueError with the text of Go's decoder."""
    check(text)
    return _DECODER.decode(text)


def compact(text: str) -> str:
    """A JSON text without the blanks between its values. Raises ValueError with the text of Go's decoder."""
    check(text)
    return _BLANKS_OR_TEXT.sub(lambda found: found[0] if found[0][0] == '"' else "", text)


def misfit(value: Any, kind: str, field: str = "") -> ValueError:
    """The error of Go's decoder for a value that is not of a type, in a field (by its struct) or by itself."""
    found = _KINDS.get(go_type(value), "object")
    target = f"Go struct field {field}" if field else "Go value"
    return ValueError(f"json: cannot unmarshal {found} into {target} of type {kind}")


def _number(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"json: cannot unmarshal number {text} into Go value of type float64")
    return value


def _integer(text: str) -> float:
    return _number(text) if len(text) > 300 else int(text)


_KINDS = {"bool": "bool", "string": "string", "json.Number": "number", "[]interface {}": "array"}
_SCANNER = json.JSONDecoder(parse_float=str, parse_int=str)
_DECODER = json.JSONDecoder(parse_float=_number, parse_int=_integer)
