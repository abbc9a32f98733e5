"""JSON that comes as text, in a field or from an upstream, and the Go types that the real server reads it into.

A **shape** says what is expected: `TEXT`, `ListOf` or `MapOf` a shape, or a `Struct`, whose fields are found in any
case of letters, and whose other fields do not count. `null` is the zero value of whatever is expected.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandboxd.vault.framework.jsonscan import DIGITS, LITERALS, EarlyEnd, Scanner, kind_of

DEEPEST = 100  # levels of nesting; 10,000 in Go, whose stack grows
EARLY_END = str(EarlyEnd())


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
    scanner = Scanner(text)
    scanner.skip()
    if scanner.ended():
        raise ValueError("EOF")
    return _value(scanner, 0)


def _value(scanner: Scanner, depth: int) -> Any:
    char = scanner.next()
    if char in "{[" and depth >= DEEPEST:
        raise ValueError("exceeded max depth")
    if char == "{":
        return _object(scanner, depth)
    if char == "[":
        return _array(scanner, depth)
    if char == '"':
        return scanner.string()
    if char in LITERALS:
        return scanner.literal()
    if char == "-" or char in DIGITS:
        return float(scanner.number())
    raise scanner.invalid("looking for beginning of value")


def _object(scanner: Scanner, depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    scanner.at += 1
    if scanner.next() == "}":
        scanner.at += 1
        return found
    while True:
        if scanner.next() != '"':
            raise scanner.invalid("looking for beginning of object key string")
        key = scanner.string()
        if scanner.next() != ":":
            raise scanner.invalid("after object key")
        scanner.at += 1
        found[key] = _value(scanner, depth + 1)
        if _closed(scanner, "}", "after object key:value pair"):
            return found


def _array(scanner: Scanner, depth: int) -> list[Any]:
    found: list[Any] = []
    scanner.at += 1
    if scanner.next() == "]":
        scanner.at += 1
        return found
    while True:
        found.append(_value(scanner, depth + 1))
        if _closed(scanner, "]", "after array element"):
            return found


def _closed(scanner: Scanner, closing: str, where: str) -> bool:
    """Whether an object or array ends here, rather than going on after a comma."""
    char = scanner.next()
    if char not in (closing, ","):
        raise scanner.invalid(where)
    scanner.at += 1
    return char == closing


def _shaped(value: Any, shape: Shape, path: str, faults: list[str], *, listed: bool = False) -> Any:
    """The value in its shape; what does not fit is noted, and is the zero value."""
    if isinstance(shape, Text):
        return value if isinstance(value, str) else _misfit(value, shape, path, faults, "", listed=listed)
    if isinstance(shape, ListOf):
        if not isinstance(value, list):
            return _misfit(value, shape, path, faults, [], listed=listed)
        return [_shaped(item, shape.item, f"{path}.{index}", faults, listed=True) for index, item in enumerate(value)]
    if not isinstance(value, dict):
        _misfit(value, shape, path, faults, None, listed=listed)
        value = {}
    if isinstance(shape, MapOf):
        return {key: _shaped(item, shape.item, f"{path}.{_escaped(key)}", faults) for key, item in value.items()}
    found = {name: _shaped(None, inner, "", faults) for name, inner in shape.fields.items()}
    place = path or shape.type.rpartition(".")[2]  # a struct that is all of the text lends its name to the path
    for key, item in value.items():
        name = key.lower()
        if name in found and item is not None:
            found[name] = _shaped(item, shape.fields[name], f"{place}.{name}", faults)
    return found


def _misfit(value: Any, shape: Shape, path: str, faults: list[str], zero: Any, *, listed: bool) -> Any:
    if value is not None:
        # An item of an array is named by its place alone.
        target = "Go value" if not path else path if listed else f"Go struct field {path}"
        faults.append(f"json: cannot unmarshal {kind_of(value)} into {target} of type {shape.type}")
    return zero


def _escaped(key: str) -> str:
    """A key as the path of an error has it."""
    return key.replace("~", "~0").replace("/", "~1")
