"""The tokens of a JSON text, with Go's words for what is wrong with them.

How tokens make values, and what is said of one in the wrong place, is left to whoever scans: Go's decoder differs
there between a stream of tokens (bodies of requests) and a value that is read at once (`gojson`).

Source: the texts of a running OpenBao 2.7.2.
"""

import re
from collections.abc import Mapping
from typing import Final

from sandboxd.vault.gotext import quote

DIGITS: Final = "0123456789"
LITERALS: Final[Mapping[str, tuple[str, bool | None]]] = {
    "t": ("true", True),
    "f": ("false", False),
    "n": ("null", None),
}
"""The words that are values, by their first letters."""

_BLANKS = re.compile(r"[ \t\r\n]*")
_PLAIN = re.compile(r'[^"\\\x00-\x1f]*')
_DIGITS = re.compile(rf"[{DIGITS}]*")
_HEX = re.compile(r"[0-9a-fA-F]*")
_KINDS: Final = ((bool, "bool"), (str, "string"), (list, "array"), (dict, "object"))
_ESCAPES: Final = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class EarlyEnd(ValueError):
    """The text ends within a value."""

    def __init__(self) -> None:
        super().__init__("unexpected EOF")


class Scanner:
    """A text (bytes that are no UTF-8 as surrogate escapes), and how far it was read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def skip(self) -> None:
        """Go past blanks."""
        found = _BLANKS.match(self.text, self.at)
        assert found is not None
        self.at = found.end()

    def ended(self) -> bool:
        """Whether nothing is left."""
        return self.at >= len(self.text)

    def char(self) -> str:
        """The character that is reached. Raises EarlyEnd."""
        if self.at >= len(self.text):
            raise EarlyEnd
        return self.text[self.at]

    def next(self) -> str:
        """The next character that is no blank, which is reached then. Raises EarlyEnd."""
        self.skip()
        return self.char()

    def invalid(self, where: str) -> ValueError:
        """What is wrong with the character that is reached."""
        return invalid(self.char(), where)

    def literal(self) -> bool | None:
        """One of the `LITERALS`. Raises ValueError."""
        word, value = LITERALS[self.char()]
        for expected in word:
            if self.char() != expected:
                raise self.invalid(f"in literal {word} (expecting '{expected}')")
            self.at += 1
        return value

    def number(self) -> str:
        """A number as it is spelled. Raises ValueError."""
        start = self.at
        self.at += self.char() == "-"
        if self.char() == "0":
            self.at += 1
        else:
            self._digits()
        if self.text.startswith(".", self.at):
            self.at += 1
            self._digits()
        if self.text.startswith(("e", "E"), self.at):
            self.at += 1
            self.at += self.char() in "+-"
            self._digits()
        return self.text[start : self.at]

    def _digits(self) -> None:
        found = _DIGITS.match(self.text, self.at)
        assert found is not None
        if not found[0]:
            raise self.invalid("in numeric literal")
        self.at = found.end()

    def string(self) -> str:
        """The text of a string; what is no character is the sign for that. Raises ValueError."""
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
                break
            if char != "\\":
                raise self.invalid("in string")
            parts.append(self._escape())
        value = "".join(parts)
        return value if value.isascii() else value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")

    def _escape(self) -> str:
        start = self.at
        self.at += 1
        char = self.char()
        self.at += 1
        if char in _ESCAPES:
            return _ESCAPES[char]
        if char != "u":
            raise self._bad_escape(start, 2)
        code = self._hex(start)
        if 0xD800 <= code < 0xDC00 and self.text.startswith("\\u", self.at):
            second = self.at
            self.at += 2
            low = self._hex(second)
            if 0xDC00 <= low < 0xE000:
                return chr(0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00))
            self.at = second
        return "\ufffd" if 0xD800 <= code < 0xE000 else chr(code)

    def _hex(self, start: int) -> int:
        digits = self.text[self.at : self.at + 4]
        if _HEX.fullmatch(digits) is None:
            raise self._bad_escape(start, 6)
        if len(digits) < 4:
            raise EarlyEnd
        self.at += 4
        return int(digits, 16)

    def _bad_escape(self, start: int, size: int) -> ValueError:
        """What is wrong with an escape of so many bytes."""
        data = self.text[start : start + size].encode("utf-8", "surrogateescape")[:size]
        text = data.decode("utf-8", "surrogateescape")
        plain = text.isprintable() and not any(char in text for char in "` \ufffd")
        return ValueError(f"invalid escape sequence {f'`{text}`' if plain else quote(text)} in string")


def invalid(char: str, where: str) -> ValueError:
    """What is wrong with a character that is where it must not be."""
    shown = {"'": "\\'", '"': '"'}.get(char) or quote(char)[1:-1]
    return ValueError(f"invalid character '{shown}' {where}")


def kind_of(value: object) -> str:
    """What errors call the kind of a value, which is not null."""
    return next((name for kind, name in _KINDS if isinstance(value, kind)), "number")
