"""JSON that comes as text, in a field or from an upstream, and the Go types that the real server reads it into.

A **shape** says what is expected: `TEXT`, `ListOf` or `MapOf` a shape, or a `Struct`, whose fields are found in any
case of letters, and whose other fields do not count. `null` is the zero value of whatever is expected.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

DEEPEST = 100  # levels of nesting; 10,000 in Go, whose stack grows
EARLY_END = "unexpected EOF"
_BLANKS = re.compile(r"[ \t\r\n]*")
_PLAIN = re.compile(r'[^"\\\x00-\x1f]*')
_DIGITS = re.compile(r"[0-9]*")
_HEX = re.compile(r"[0-9a-fA-F]{4}")
_ESCAPES: Final = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_LITERALS: Final[Mapping[str, tuple[str, bool | None]]] = {
    "t": ("true", True),
    "f": ("false", False),
    "n": ("null", None),
}
_SHOWN: Final = {"'": "\\'", "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_KINDS: tuple[tuple[type, str], ...] = (
    (bool, "bool"),
    (int, "number"),
    (float, "number"),
    (str, "string"),
    (list, "array"),
    (dict, "object"),
)


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
    reader = _Reader(text)
    reader.skip()
    if reader.at == len(text):
        raise ValueError("EOF")
    return reader.value(0)


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def skip(self) -> None:
        found = _BLANKS.match(self.text, self.at)
        assert found is not None
        self.at = found.end()

    def char(self) -> str:
        if self.at >= len(self.text):
            raise ValueError(EARLY_END)
        return self.text[self.at]

    def next(self) -> str:
        """The next character that is no blank."""
        self.skip()
        return self.char()

    def invalid(self, where: str) -> ValueError:
        char = self.char()
        shown = _SHOWN.get(char, char)
        if shown == char and not char.isprintable():
            code = ord(char)
            shown = f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
        return ValueError(f"invalid character '{shown}' {where}")

    def value(self, depth: int) -> Any:
        char = self.next()
        if char in "{[" and depth >= DEEPEST:
            raise ValueError("exceeded max depth")
        if char == "{":
            return self.object(depth)
        if char == "[":
            return self.array(depth)
        if char == '"':
            return self.string()
        if char in _LITERALS:
            return self.literal(*_LITERALS[char])
        if char in "-0123456789":
            return self.number()
        raise self.invalid("looking for beginning of value")

    def object(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        self.at += 1
        if self.next() == "}":
            self.at += 1
            return found
        while True:
            if self.next() != '"':
                raise self.invalid("looking for beginning of object key string")
            key = self.string()
            if self.next() != ":":
                raise self.invalid("after object key")
            self.at += 1
            found[key] = self.value(depth + 1)
            if self.ended("}", "after object key:value pair"):
                return found

    def array(self, depth: int) -> list[Any]:
        found: list[Any] = []
        self.at += 1
        if self.next() == "]":
            self.at += 1
            return found
        while True:
            found.append(self.value(depth + 1))
            if self.ended("]", "after array element"):
                return found

    def ended(self, closing: str, where: str) -> bool:
        """Whether an object or array ends here, rather than going on after a comma."""
        char = self.next()
        if char not in (closing, ","):
            raise self.invalid(where)
        self.at += 1
        return char == closing

    def literal(self, word: str, value: bool | None) -> bool | None:
        for expected in word:
            if self.char() != expected:
                raise self.invalid(f"in literal {word} (expecting '{expected}')")
            self.at += 1
        return value

    def number(self) -> float:
        start = self.at
        self.at += self.char() == "-"
        if self.char() == "0":
            self.at += 1
        else:
            self.digits()
        if self.text.startswith(".", self.at):
            self.at += 1
            self.digits()
        if self.text[self.at : self.at + 1] in ("e", "E"):
            self.at += 1
            self.at += self.char() in "+-"
            self.digits()
        return float(self.text[start : self.at])

    def digits(self) -> None:
        found = _DIGITS.match(self.text, self.at)
        assert found is not None
        if not found[0]:
            raise self.invalid("in numeric literal")
        self.at = found.end()

    def string(self) -> str:
        self.at += 1
        parts: list[str] = []
        while True:
            found = _PLAIN.match(self.text, self.at)
            assert found is not None
            parts.append(found[0])
            self.at = found.end()
            char = self.char()
            if char == '"':
                self.at += 1
                return "".join(parts).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
            if char != "\\":
                raise self.invalid("in string")
            parts.append(self.escape())

    def escape(self) -> str:
        start = self.at
        self.at += 1
        char = self.char()
        self.at += 1
        if char in _ESCAPES:
            return _ESCAPES[char]
        size = 6 if char == "u" else 2
        digits = _HEX.match(self.text, self.at) if char == "u" else None
        if digits is not None:
            self.at = digits.end()
            return chr(int(digits[0], 16))
        cut = self.text[start : start + size]
        if char == "u" and re.fullmatch(r"\\u[0-9a-fA-F]*", cut):
            raise ValueError(EARLY_END)
        raise ValueError(f"invalid escape sequence `{cut}` in string")


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
    for key, item in value.items():
        name = key.lower()
        if name in found and item is not None:
            found[name] = _shaped(item, shape.fields[name], f"{path}.{name}", faults)
    return found


def _misfit(value: Any, shape: Shape, path: str, faults: list[str], zero: Any, *, listed: bool) -> Any:
    if value is not None:
        kind = next(name for each, name in _KINDS if isinstance(value, each))
        # An item of an array is named by its place alone.
        target = "Go value" if not path else path if listed else f"Go struct field {path}"
        faults.append(f"json: cannot unmarshal {kind} into {target} of type {shape.type}")
    return zero


def _escaped(key: str) -> str:
    """A key as the path of an error has it."""
    return key.replace("~", "~0").replace("/", "~1")
