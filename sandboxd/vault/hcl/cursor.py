"""A cursor over the source, and what the two scanners share: positions, slips, numbers, escapes.

The real scanners go on after most errors and the last one they met is what the user gets to see, so how far they read
matters. A **slip** is such an error, remembered until parsing ends.
"""

from typing import ClassVar

from sandboxd.vault.hcl.nodes import Position

DECIMAL = frozenset("0123456789")
OCTAL = frozenset("01234567")
HEX = frozenset("0123456789abcdefABCDEF")
END = ""
"""What reading past the end gives, and reading a NUL."""

_NAMED_ESCAPES = frozenset('abfnrtv\\"')
_CODE_ESCAPES = {"x": 2, "u": 4, "U": 8}


class Cursor:
    """Reads one text, character by character."""

    rereads_bad_code: ClassVar[bool] = False
    """Whether a character that should have been the first digit of an escape is read again, as in JSON."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.slip: tuple[int, str] | None = None
        """The last error: the index of the character it was met at, and its text."""
        self._past_end = 0  # reads beyond the last character; each moves the column on, as in the real scanner
        self._marked = (0, 1, 0)  # an index whose line is known, that line, and where the line starts

    def position(self, index: int) -> Position:
        """Return the line and column of a character; a known end of file lies beyond the last character."""
        seen, line, start = self._marked
        inside = min(index, len(self.text))
        if inside < seen:
            seen, line, start = 0, 1, 0
        breaks = self.text.count("\n", seen, inside)
        if breaks:
            line += breaks
            start = self.text.rfind("\n", seen, inside) + 1
        self._marked = (inside, line, start)
        return Position(line, index - start + 1)

    def _read(self) -> str:
        if self.at >= len(self.text):
            self._past_end += 1
            return END
        char = self.text[self.at]
        self.at += 1
        if char == "\0":
            self._slip("unexpected null character (0x00)")
            return END
        if char == "\ue123":
            self._slip("unicode code point U+E123 reserved for internal use")
            return "\ufffd"
        return char

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def _back(self, char: str) -> None:
        if char != END:
            self.at -= 1

    def _slip(self, text: str) -> None:
        self.slip = (self.at - 1 + self._past_end, text)

    def _fraction(self, char: str) -> str:
        """Read on from the character after a number's whole part: a NUMBER ends there, a FLOAT does not."""
        if char in ("e", "E"):
            self._exponent(char)
            return "FLOAT"
        if char == ".":
            if self._digits(self._peek()) in ("e", "E"):
                self._exponent(self._read())
            return "FLOAT"
        self._back(char)
        return "NUMBER"

    def _exponent(self, char: str) -> None:
        if char in ("e", "E"):
            char = self._read()
            if char in ("-", "+"):
                char = self._read()
            self._digits(char)

    def _digits(self, char: str) -> str:
        """Read on while `char` is a digit; return the first that is none, left unread if a digit was read."""
        if char not in DECIMAL:
            return char
        while char in DECIMAL:
            char = self._read()
        self._back(char)
        return char

    def _escape(self) -> None:
        char = self._read()
        if char in OCTAL:
            self._code(char, OCTAL, 3)
        elif char in _CODE_ESCAPES:
            self._code(self._read(), HEX, _CODE_ESCAPES[char])
        elif char not in _NAMED_ESCAPES:
            self._slip("illegal char escape")

    def _code(self, char: str, digits: frozenset[str], count: int) -> None:
        """Read `count` digits of an escape sequence, `char` being the first, and leave what follows unread."""
        missing = count
        while missing and char in digits:
            char = self._read()
            if char == END:
                break
            missing -= 1
        if missing:
            self._slip("illegal char escape")
        if missing != count or self.rereads_bad_code:
            self._back(char)


def is_letter(char: str) -> bool:
    """Tell whether an identifier may begin with `char`."""
    return char.isalpha() or char == "_"


def is_digit(char: str) -> bool:
    """Tell whether `char` is a digit in any script, as identifiers may hold."""
    return char.isdecimal()
