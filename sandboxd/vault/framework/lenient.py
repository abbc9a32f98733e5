"""Lenient decoding of what clients send: "10" is a number, 1 is true, and the rest is refused in Go's words.

Each function raises ValueError with the real server's text. Source: OpenBao's framework (field types) as observed on a
running 2.7.2.
"""

import re
from collections.abc import Callable
from typing import Any, TypeVar

from sandboxd.vault.durations import parse_moment, parse_seconds
from sandboxd.vault.framework.numbers import Number

T = TypeVar("T")

_GO_TYPES: tuple[tuple[type, str], ...] = (
    (bool, "bool"),
    (str, "string"),
    (int, "json.Number"),
    (float, "json.Number"),
    (Number, "json.Number"),
    (list, "[]interface {}"),
    (tuple, "[]string"),  # a field given several times in the query
    (dict, "map[string]interface {}"),
)

_TRUE, _FALSE = ("1", "t", "T", "TRUE", "true", "True"), ("0", "f", "F", "FALSE", "false", "False", "")
_INTEGER = re.compile(r"[+-]?(0[xX](_?[0-9a-fA-F])+|0[bB](_?[01])+|0[oO]?(_?[0-7])*|[1-9](_?[0-9])*)\Z")
_NAME = re.compile(r"\w(([\w\-.]+)?\w)?\Z", re.ASCII)
_LIMIT = 1 << 63


def go_type(value: object) -> str:
    """What the real server calls the type of a decoded JSON value."""
    return next((name for kind, name in _GO_TYPES if isinstance(value, kind)), "<nil>")


def _unconvertible(expected: str, value: object, at: str = "") -> ValueError:
    return ValueError(f"'{at}' expected type '{expected}', got unconvertible type '{go_type(value)}'")


def decode_string(value: Any, at: str = "") -> str:
    """Text, also from a number or a boolean."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, int | Number):
        return str(value)
    raise _unconvertible("string", value, at)


def decode_lower(value: Any) -> str:
    """Text in lower case."""
    return decode_string(value).lower()


def decode_name(value: Any) -> str:
    """Text that can be a name. Raises ValueError when it cannot."""
    text = decode_string(value)
    if not _NAME.match(text):
        raise ValueError("field does not match the formatting rules")
    return text


def decode_int(value: Any, at: str = "", name: str = "int") -> int:
    """A whole number of 64 bits, also from text ("10", "0x0a") or a boolean."""
    if isinstance(value, bool):
        return int(value)
    if value is None:
        return 0
    if isinstance(value, str | Number):
        text = str(value) or "0"
        if not _INTEGER.match(text):
            raise ValueError(f"'{at}' cannot parse value as '{name}': strconv.ParseInt: invalid syntax")
        digits = text.lstrip("+-")
        octal = len(digits) > 1 and digits[0] == "0" and (digits[1].isdigit() or digits[1] == "_")
        value = (-1 if text[0] == "-" else 1) * int(digits.replace("_", ""), 8 if octal else 0)
    if not isinstance(value, int):
        raise _unconvertible(name, value, at)
    if not -_LIMIT <= value < _LIMIT:
        raise ValueError(f"'{at}' cannot parse value as '{name}': strconv.ParseInt: value out of range")
    return value


def decode_int64(value: Any) -> int:
    """As `decode_int`, under the name of its kind."""
    return decode_int(value, name="int64")


def decode_bool(value: Any, at: str = "") -> bool:
    """A boolean, also from 1, "t", "true" and their opposites; empty text is false."""
    if isinstance(value, bool):
        return value
    if value is None:
        return False
    if isinstance(value, str | int | Number):
        text = str(value)
        if text in _TRUE:
            return True
        if text in _FALSE:
            return False
        raise ValueError(f"'{at}' cannot parse value as 'bool': strconv.ParseBool: invalid syntax")
    raise _unconvertible("bool", value, at)


def decode_float(value: Any) -> float:
    """A number, also from text or a boolean."""
    if value is None:
        return 0.0
    if isinstance(value, bool | int):
        return float(value)
    if isinstance(value, str | Number):
        try:
            return float(str(value) or "0")
        except ValueError:
            raise ValueError("'' cannot parse value as 'float64': strconv.ParseFloat: invalid syntax") from None
    raise _unconvertible("float64", value)


def decode_map(value: Any, at: str = "") -> dict[str, Any]:
    """An object, also from a list of objects (merged)."""
    if isinstance(value, dict):
        return value
    if value is None:
        return {}
    if isinstance(value, list):
        merged: dict[str, Any] = {}
        for index, item in enumerate(value):
            merged.update(decode_map(item, f"{at}[{index}]"))
        return merged
    raise _unconvertible("map[string]interface {}", value, at)


def decode_items(value: Any) -> list[Any]:
    """A list of whatever; a single value is a list of one."""
    if value is None or (isinstance(value, str) and not value):
        return []
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, dict):
        return [value] if value else []
    return [value]


class KeyPairError(ValueError):
    """An item of a list of pairs has no `=`; `decode` knows the field's name, which the text ends with."""

    def __init__(self, index: int) -> None:
        super().__init__(f"invalid key pair at index {index}")


def decode_strings(value: Any) -> tuple[str, ...]:
    """Texts, from a list or a single one; blanks around them are dropped."""
    return tuple(item.strip() for item in _each(decode_items(value), decode_string))


def _each(items: list[Any], decode_item: Callable[[Any, str], T]) -> tuple[T, ...]:
    """All items decoded. Raises ValueError that tells of all that failed."""
    found: list[T] = []
    errors: list[str] = []
    for index, item in enumerate(items):
        try:
            found.append(decode_item(item, f"[{index}]"))
        except ValueError as error:
            errors.append(str(error))
    if errors:
        raise ValueError("decoding failed due to the following error(s):\n\n" + "\n".join(errors))
    return tuple(found)


def _old_string(value: Any, at: str) -> str:
    # The library behind comma lists words this differently from the one behind the other kinds.
    if isinstance(value, dict | list):
        shown = _go_value(value)
        expected = f"'{at}' expected type 'string', got unconvertible type '{go_type(value)}', value: '{shown}'"
        raise ValueError(f"1 error(s) decoding:\n\n* {expected}")
    return decode_string(value)


def _go_value(value: Any) -> str:
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{_go_value(value[key])}" for key in sorted(value)) + "]"
    if isinstance(value, list):
        return "[" + " ".join(map(_go_value, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return "<nil>" if value is None else str(value)


def decode_comma_list(value: Any) -> tuple[str, ...]:
    """Texts, from a list or from text with commas; blanks around them are dropped."""
    if isinstance(value, str):
        return tuple(item.strip() for item in value.split(",")) if value else ()
    return tuple(_old_string(item, f"[{index}]").strip() for index, item in enumerate(decode_items(value)))


def decode_comma_ints(value: Any) -> tuple[int, ...]:
    """Whole numbers, from a list or from text with commas."""
    items = value.split(",") if isinstance(value, str) and value else decode_items(value)
    return _each(items, decode_int)


def decode_pairs(value: Any) -> dict[str, str]:
    """Texts by name, from an object or from texts with `=`."""
    try:
        decoded = decode_map(value)
        return {key: decode_string(item, f"[{key}]") for key, item in decoded.items()}
    except ValueError:
        pass
    pairs: dict[str, str] = {}
    for index, item in enumerate([value] if value == "" else decode_items(value)):
        try:
            key, equals, rest = decode_string(item, f"[{index}]").partition("=")
        except ValueError as error:
            raise ValueError(f"decoding failed due to the following error(s):\n\n{error}") from None
        if not equals or not key:
            raise KeyPairError(index)
        pairs[key] = rest
    return pairs


def decode_seconds(value: Any) -> int | None:
    """A duration in seconds, not a negative one; None for none."""
    if value is None:
        return None
    seconds = parse_seconds(_text(value))
    if seconds < 0:
        raise ValueError(f"cannot provide negative value '{seconds}'")
    return seconds


def decode_signed_seconds(value: Any) -> int | None:
    """A duration in seconds; None for none."""
    return None if value is None else parse_seconds(_text(value))


def decode_moment(value: Any) -> int | None:
    """A moment in nanoseconds since 1970; None for none."""
    return None if value is None else parse_moment(_text(value))


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, Number) else value


def decode_headers(value: Any) -> dict[str, tuple[str, ...]]:
    """Values by the name of a header, from an object, its JSON in base64, or texts with `:`."""
    decoded = value if isinstance(value, dict) else {}
    if isinstance(value, str) and value:
        from base64 import b64decode

        import msgspec

        try:
            raw = b64decode(value, validate=True)
        except ValueError:
            raw = value.encode()
        try:
            decoded = msgspec.json.decode(raw, type=dict[str, Any])
        except msgspec.DecodeError as error:
            raise ValueError(str(error)) from None
    elif isinstance(value, list):
        decoded = {}
        for item in value:
            key, colon, rest = item.partition(":") if isinstance(item, str) else ("", "", "")
            if not colon or not key:
                raise ValueError('invalid key pair ""')
            decoded.setdefault(key, []).append(rest)
    found: dict[str, tuple[str, ...]] = {}
    for key, group in decoded.items():
        canonical = "-".join(part[:1].upper() + part[1:].lower() for part in key.split("-"))
        items = group if isinstance(group, list) else [group]
        if not all(isinstance(item, str | int | Number) and not isinstance(item, bool) for item in items):
            raise ValueError(f"received non-string value for header key:{key}")
        found[canonical] = found.get(canonical, ()) + tuple(map(str, items))
    return found
