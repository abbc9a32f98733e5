"""A JSON decoder with the real server's limits and its words for what is wrong.

The fast decoder reads nearly everything; this one is asked when it fails, when a body may hit a limit, or when a
number's spelling would be lost. Texts and rules were observed on a running OpenBao 2.7.2 (Go's JSON decoder).
"""

import re
from typing import Any, NoReturn

from sandboxd.vault.framework.numbers import Number
from sandboxd.vault.gotext import quote

MAX_DEPTH = 10_000
LONG_NUMBER = 309  # digits that a number in range cannot have
MAP = "map[string]interface {}"
MAX_STRINGS = 1_000
MAX_MEMORY = 32 * 1024 * 1024 + 512 * 1024  # bytes, as the real server estimates what a body takes

_SPACE = re.compile(r"[ \t\n\r]*")
_PLAIN = re.compile(r'[^"\\\x00-\x1f]*')
_HEX = re.compile(r"[0-9a-fA-F]*")
_SIMPLE_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_LITERALS = {"t": ("true", True), "f": ("false", False), "n": ("null", None)}
_BASE_COST = 16
_COSTS = {"{": 72, "[": 24}
_UNSET = object()


class TooComplex(ValueError):
    """The body passes one of the real server's limits."""


class Decoder:
    """Decodes one body.

    Args:
        text: the body; bytes that are no UTF-8 as lone surrogates.
        max_strings: how many strings, keys included, a body may hold; 0 for any number.
    """

    def __init__(self, text: str, max_strings: int = MAX_STRINGS) -> None:
        self._text = text
        self._at = 0
        self._max_strings = max_strings
        self._strings = 0
        self._memory = 0

    def decode(self) -> Any:
        """The first value of the body, or None for an empty one; what follows it must be JSON too.

        Raises ValueError with the real server's text.
        """
        self._skip()
        if self._at == len(self._text):
            return None
        value = self._value()
        self._skip()
        while self._at < len(self._text):
            start = self._at
            try:
                self._value()
            except EOFError:
                break  # a second value may be cut short: nobody reads it
            self._skip()
            if self._at == start:
                break
        return value

    def _value(self) -> Any:
        # `stack` holds the open containers, `keys` the pending key of each (`_UNSET` in arrays).
        stack: list[Any] = []
        keys: list[Any] = []
        result: Any = _UNSET
        while True:
            value: Any = _UNSET
            char = self._peek()
            if char in "{[":
                self._open(char, len(stack))
                stack.append({} if char == "{" else [])
                keys.append(_UNSET)
                self._skip()
                closing = "}" if char == "{" else "]"
                if self._peek() == closing:
                    self._at += 1
                    value = stack.pop()
                    keys.pop()
                else:
                    if char == "{":
                        keys[-1] = self._key()
                    continue
            else:
                value = self._scalar(char)
            while True:
                if not stack:
                    result = value
                    break
                top = stack[-1]
                if isinstance(top, dict):
                    top[keys[-1]] = value
                else:
                    top.append(value)
                self._skip()
                char, closing = self._peek(), "}" if isinstance(top, dict) else "]"
                if char == closing:
                    self._at += 1
                    value = stack.pop()
                    keys.pop()
                    continue
                if char != ",":
                    where = "after object key:value pair" if isinstance(top, dict) else "after array element"
                    self._invalid(char, where)
                self._at += 1
                self._skip()
                if self._peek() in "}]":
                    self._invalid(",", "looking for beginning of value")
                if isinstance(top, dict):
                    keys[-1] = self._key()
                break
            if result is not _UNSET:
                return result

    def _open(self, char: str, depth: int) -> None:
        if depth >= MAX_DEPTH:
            raise ValueError("exceeded max depth")
        self._spend(_BASE_COST + _COSTS[char])
        self._at += 1

    def _key(self) -> str:
        char = self._peek()
        if char != '"':
            if char in "tfn-0123456789[{":
                if char not in "[{":
                    self._scalar(char)
                raise ValueError("object member name must be a string")
            self._invalid(char, "looking for beginning of value")
        key = self._string()
        self._skip()
        char = self._peek()
        if char != ":":
            self._invalid(char, "after object key")
        self._at += 1
        self._skip()
        char = self._peek()
        if char == "}":
            raise ValueError("missing value after object key")
        if char == "]":
            self._invalid(char, "after object key:value pair")
        return key

    def _scalar(self, char: str) -> Any:
        if char == '"':
            return self._string()
        if char in _LITERALS:
            return self._literal(*_LITERALS[char])
        if char in "-0123456789":
            return self._number()
        return self._invalid(char, "looking for beginning of value")

    def _literal(self, word: str, value: bool | None) -> bool | None:
        for expected in word:
            char = self._peek()
            if char != expected:
                self._invalid(char, f"in literal {word} (expecting '{expected}')")
            self._at += 1
        self._spend(_BASE_COST + 1)
        return value

    def _number(self) -> int | Number:
        start, text = self._at, self._text

        def digits() -> None:
            if self._peek() not in "0123456789":
                self._invalid(self._peek(), "in numeric literal")
            while self._at < len(text) and text[self._at] in "0123456789":
                self._at += 1

        if text[self._at] == "-":
            self._at += 1
        if self._peek() == "0":
            self._at += 1
        else:
            digits()
        if self._at < len(text) and text[self._at] == ".":
            self._at += 1
            digits()
        if self._at < len(text) and text[self._at] in "eE":
            self._at += 1
            if self._peek() in "+-":
                self._at += 1
            digits()
        spelled = text[start : self._at]
        self._spend(_BASE_COST + 8)
        if spelled.lstrip("-").isdecimal() and spelled != "-0" and len(spelled) < LONG_NUMBER:
            return int(spelled)
        if float(spelled) in (float("inf"), float("-inf")):
            raise ValueError(f"json: cannot unmarshal number {spelled} into Go value of type float64")
        return Number(spelled)

    def _string(self) -> str:
        self._at += 1
        parts: list[str] = []
        while True:
            found = _PLAIN.match(self._text, self._at)
            assert found is not None
            parts.append(found.group())
            self._at = found.end()
            char = self._peek()
            if char == '"':
                self._at += 1
                break
            if char != "\\":
                self._invalid(char, "in string")
            parts.append(self._escape())
        value = "".join(parts)
        if not value.isascii():
            value = value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        self._strings += 1
        self._spend(_BASE_COST + 16 + len(value.encode()))
        if self._max_strings and self._strings > self._max_strings:
            raise TooComplex("exceeded maximum number of strings")
        return value

    def _escape(self) -> str:
        start = self._at
        self._at += 1
        char = self._peek()
        self._at += 1
        if char in _SIMPLE_ESCAPES:
            return _SIMPLE_ESCAPES[char]
        if char != "u":
            raise ValueError(f"invalid escape sequence {self._sequence(start, 2)} in string")
        code = self._hex(start)
        if 0xD800 <= code < 0xDC00 and self._text.startswith("\\u", self._at):
            mark = self._at
            self._at += 2
            low = self._hex(mark)
            if 0xDC00 <= low < 0xE000:
                return chr(0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00))
            self._at = mark
        return "\ufffd" if 0xD800 <= code < 0xE000 else chr(code)

    def _hex(self, start: int) -> int:
        digits = self._text[self._at : self._at + 4]
        if _HEX.fullmatch(digits) is None:
            raise ValueError(f"invalid escape sequence {self._sequence(start, 6)} in string")
        if len(digits) < 4:
            raise EOFError("unexpected EOF")
        self._at += 4
        return int(digits, 16)

    def _sequence(self, start: int, size: int) -> str:
        """So many bytes as Go's %#q shows them."""
        cut = self._text[start : start + size].encode("utf-8", "surrogateescape")[:size]
        text = cut.decode("utf-8", "surrogateescape")
        if text.isprintable() and "`" not in text:
            return f"`{text}`"
        return quote(text)

    def _skip(self) -> None:
        found = _SPACE.match(self._text, self._at)
        assert found is not None
        self._at = found.end()

    def _peek(self) -> str:
        if self._at >= len(self._text):
            raise EOFError("unexpected EOF")
        return self._text[self._at]

    def _spend(self, cost: int) -> None:
        self._memory += cost
        if self._memory > MAX_MEMORY:
            raise TooComplex("exceeded maximum estimated memory limits")

    def _invalid(self, char: str, where: str) -> NoReturn:
        shown = {"'": "\\'", "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\b": "\\b", "\f": "\\f"}.get(char)
        if shown is None:
            code = ord(char)
            if 0xDC80 <= code <= 0xDCFF:  # a byte that is no UTF-8
                code -= 0xDC00
            escape = f"\\x{code:02x}" if code < 0x80 or code != ord(char) else f"\\u{code:04x}"
            shown = char if char.isprintable() else escape if code < 0x10000 else f"\\U{code:08x}"
        raise ValueError(f"invalid character '{shown}' {where}")


def decode_object(body: bytes, *, max_strings: int = MAX_STRINGS, target: str = MAP) -> dict[str, Any] | None:
    """The object that a body holds, or None for an empty one or `null`.

    Args:
        max_strings: how many strings it may hold; 0 for any number.
        target: Go's name for what the real server decodes it into, which its refusal shows.

    Raises ValueError with the whole text of the real server's refusal.
    """
    try:
        value = Decoder(body.decode("utf-8", "surrogateescape"), max_strings).decode()
    except TooComplex as error:
        raise ValueError(f"refused JSON input due to high complexity: {error}") from None
    except (ValueError, EOFError) as error:
        raise ValueError(f"failed to decode JSON input: {error}") from None
    if value is None or isinstance(value, dict):
        return value
    kind = (
        "array"
        if isinstance(value, list)
        else "string"
        if isinstance(value, str)
        else "bool"
        if isinstance(value, bool)
        else "number"
    )
    raise ValueError(f"failed to decode JSON input: json: cannot unmarshal {kind} into Go value of type {target}")
