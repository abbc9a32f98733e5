"""JSON that comes as text, in a field or from an upstream, and the Go types that the real server reads it into.

A **shape** says what is expected: `TEXT`, `ListOf` or `MapOf` a shape, or a `Struct`, whose fields are found in any
case of letters, and whose other fields do not count. `null` is the zero value of whatever is expected.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

_BLANK = " \t\r\n"
_SAYS: tuple[tuple[str, str], ...] = (
    ("Expecting value", "looking for beginning of value"),
    ("Illegal trailing comma", "looking for beginning of value"),
    ("Expecting property name", "looking for beginning of object key string"),
    ("Expecting ':'", "after object key"),
    ("Invalid control character", "in string literal"),
    ("Invalid \\escape", "in string escape code"),
    ("Invalid \\uXXXX", "in \\u hexadecimal character escape"),
)
_KINDS: tuple[tuple[type, str], ...] = (
    (bool, "bool"),
    (int, "number"),
    (float, "number"),
    (str, "string"),
    (list, "array"),
    (dict, "object"),
)
_HEX = re.compile(r"[0-9a-fA-F]*")


@dataclass(frozen=True)
class Text:
    """A string."""

    type: str = "string"


TEXT = Text()


@dataclass(frozen=True)
class MapOf:
    """A map from string to a shape."""

    item: "Shape"

    @property
    def type(self) -> str:
        """What Go calls it."""
        return f"map[string]{self.item.type}"


@dataclass(frozen=True)
class ListOf:
    """A slice of a shape."""

    item: "Shape"

    @property
    def type(self) -> str:
        """What Go calls it."""
        return f"[]{self.item.type}"


@dataclass(frozen=True)
class Struct:
    """A struct.

    Args:
        type: its name, with its package.
        fields: the shapes of its fields, by their names in JSON, which are in lower case.
    """

    type: str
    fields: Mapping[str, "Shape"]


Shape = Text | MapOf | ListOf | Struct


def unmarshal(text: str, shape: Shape) -> Any:
    """The first value of a JSON text as the shape has it; what comes after it does not count.

    Raises ValueError with the text of Go's decoder.
    """
    faults: list[str] = []
    value = _shaped(first_value(text), shape, "", faults)
    if faults:
        raise ValueError(faults[0])
    return value


def first_value(text: str) -> Any:
    """The first value of a JSON text. Raises ValueError with the text of Go's decoder."""
    start = len(text) - len(text.lstrip(_BLANK))
    if start == len(text):
        raise ValueError("EOF")
    try:
        value, _ = _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        _refuse(text, error)
    except RecursionError:
        raise ValueError("exceeded max depth") from None
    return value


def _constant(name: str) -> NoReturn:
    raise ValueError(f"invalid character '{name[0]}' {_SAYS[0][1]}")


_DECODER = json.JSONDecoder(parse_constant=_constant)


def _refuse(text: str, error: json.JSONDecodeError) -> NoReturn:
    """Say what is wrong in Go's words."""
    at = error.pos
    if error.msg.startswith("Illegal trailing comma"):
        at += 1 + len(text[at + 1 :]) - len(text[at + 1 :].lstrip(_BLANK))
    elif error.msg.startswith("Invalid \\escape"):
        at += 1
    elif error.msg.startswith("Invalid \\uXXXX"):
        found = _HEX.match(text, at + 1)
        assert found is not None
        at = found.end()
    if at >= len(text) or error.msg.startswith("Unterminated string"):
        raise ValueError("unexpected EOF") from None
    where = next((words for start, words in _SAYS if error.msg.startswith(start)), "")
    if not where:  # Expecting ',' delimiter
        where = "after object key:value pair" if _in_object(text[:at]) else "after array element"
    raise ValueError(f"invalid character {_shown(text[at])} {where}") from None


def _in_object(text: str) -> bool:
    """Whether what ends here is within an object rather than an array."""
    depth = 0
    for sign in reversed(re.sub(r'"(?:[^"\\]|\\.)*"', "", text)):
        depth += (sign in "}]") - (sign in "{[")
        if depth < 0:
            return sign == "{"
    return False


def _shown(char: str) -> str:
    named = {"'": "\\'", "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(char)
    if named is None and not char.isprintable():
        named = f"\\x{ord(char):02x}"
    return f"'{named or char}'"


def _shaped(value: Any, shape: Shape, path: str, faults: list[str]) -> Any:
    """The value in its shape; what does not fit is noted, and is the zero value."""
    if isinstance(shape, Text):
        return value if isinstance(value, str) else _misfit(value, shape, path, faults, "")
    if isinstance(shape, ListOf):
        if not isinstance(value, list):
            return _misfit(value, shape, path, faults, [])
        return [_shaped(item, shape.item, f"{path}.{index}", faults) for index, item in enumerate(value)]
    if not isinstance(value, dict):
        _misfit(value, shape, path, faults, None)
        value = {}
    if isinstance(shape, MapOf):
        return {key: _shaped(item, shape.item, f"{path}.{_escaped(key)}", faults) for key, item in value.items()}
    found = {name: _shaped(None, inner, "", faults) for name, inner in shape.fields.items()}
    for key, item in value.items():
        name = key.lower()
        if name in found and item is not None:
            found[name] = _shaped(item, shape.fields[name], f"{path}.{name}", faults)
    return found


def _misfit(value: Any, shape: Shape, path: str, faults: list[str], zero: Any) -> Any:
    if value is not None:
        kind = next(name for each, name in _KINDS if isinstance(value, each))
        target = f"struct field {path}" if path else "value"
        faults.append(f"json: cannot unmarshal {kind} into Go {target} of type {shape.type}")
    return zero


def _escaped(key: str) -> str:
    """A key as the path of an error has it."""
    return key.replace("~", "~0").replace("/", "~1")
