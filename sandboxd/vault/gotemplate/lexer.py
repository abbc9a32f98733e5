"""The words of a template: text to tokens.

All tokens are read ahead. What cannot be read becomes one last token of the kind `ERROR` whose text says why: the
parser complains when it gets there, not before.
"""

import re
from enum import Enum, auto
from typing import NamedTuple

from sandboxd.vault.gotext import quote

KEYWORDS = frozenset(("break", "block", "continue", "define", "else", "end", "if", "nil", "range", "template", "with"))
SPACES = " \t\r\n"
_TERMINATORS = SPACES + ".,|:)("
_WORD = re.compile(r"\w*")
_BLANK = re.compile(r"[ \t\r\n]+")
_STRING = re.compile(r'"(?:[^"\\\n]|\\[^\n])*"')
_CHAR = re.compile(r"'(?:[^'\\\n]|\\[^\n])*'")
_RAW = re.compile(r"`[^`]*`")
_NUMBER = re.compile(
    r"[+-]?(?:"
    r"0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?"
    r"|0[oO][0-7_]*(?:\.[0-7_]*)?"
    r"|0[bB][01_]*(?:\.[01_]*)?"
    r"|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?"
    r")i?"
)


class Kind(Enum):
    """What a token is."""

    ERROR = auto()  # its text says what cannot be read
    EOF = auto()
    TEXT = auto()
    LEFT = auto()  # {{
    RIGHT = auto()  # }}
    SPACE = auto()
    KEYWORD = auto()
    IDENTIFIER = auto()
    FIELD = auto()  # .Name
    DOT = auto()
    VARIABLE = auto()  # $name
    BOOL = auto()
    NUMBER = auto()
    COMPLEX = auto()  # 1+2i
    CHARACTER = auto()  # 'a'
    STRING = auto()
    RAW = auto()  # `text`
    DECLARE = auto()  # :=
    ASSIGN = auto()  # =
    PIPE = auto()
    OPEN = auto()
    CLOSE = auto()
    OTHER = auto()  # any other character of ASCII that prints


class Token(NamedTuple):
    """One word of a template."""

    kind: Kind
    text: str
    at: int  # where it starts, in characters
    line: int  # the line that it starts in, from 1

    def __str__(self) -> str:
        """How errors show it."""
        if self.kind is Kind.ERROR:
            return self.text
        if self.kind in (Kind.KEYWORD, Kind.DOT):
            return f"<{self.text}>"
        if len(self.text.encode("utf-8", "surrogateescape")) > 10:
            return f"{quote(self.text[:10])}..."
        return quote(self.text)

    def keyword(self, *names: str) -> bool:
        """Whether it is one of these keywords."""
        return self.kind is Kind.KEYWORD and self.text in names


def tokens(text: str) -> list[Token]:
    """The tokens of a template; the last one is `EOF` or `ERROR`."""
    lexer = _Lexer(text)
    try:
        lexer.read()
    except _Unreadable as error:
        lexer.found.append(Token(Kind.ERROR, str(error), error.at, 1 + text.count("\n", 0, error.at)))
    return lexer.found


class _Unreadable(Exception):
    def __init__(self, text: str, at: int) -> None:
        super().__init__(text)
        self.at = at


def _shown(char: str) -> str:
    """A character as Go's %#U shows it."""
    name = f"U+{ord(char):04X}" if char else "U+FFFFFFFFFFFFFFFF"
    return f"{name} '{char}'" if char.isprintable() and char else name


class _Lexer:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.line = 1
        self.depth = 0  # of parentheses
        self.found: list[Token] = []

    def read(self) -> None:
        while True:
            left = self.text.find("{{", self.at)
            end = len(self.text) if left < 0 else left
            plain = self.text[self.at : end]
            trims = left >= 0 and self._left_trim(left + 2)
            kept = plain.rstrip(SPACES) if trims else plain
            if kept:
                self.found.append(Token(Kind.TEXT, kept, self.at, self.line))
            self.line += plain.count("\n")
            self.at = end
            if left < 0:
                self.found.append(Token(Kind.EOF, "", self.at, self.line))
                return
            inside = left + (4 if trims else 2)
            if self.text.startswith("/*", inside):
                self._comment(inside)
            else:
                self._add(Kind.LEFT, 2)
                self._skip_to(inside)
                self._action()

    def _left_trim(self, at: int) -> bool:
        return self.text.startswith("-", at) and self.text[at + 1 : at + 2] in (*SPACES,)

    def _right(self, at: int) -> int:
        """The length of the right delimiter there, with its trim marker; 0 when there is none."""
        if self.text.startswith("}}", at):
            return 2
        return 4 if self.text.startswith("-}}", at + 1) and self.text[at] in SPACES else 0

    def _skip_to(self, at: int) -> None:
        self.line += self.text.count("\n", self.at, at)
        self.at = at

    def _add(self, kind: Kind, length: int) -> None:
        end = self.at + length
        self.found.append(Token(kind, self.text[self.at : end], self.at, self.line))
        self._skip_to(end)

    def _after_right(self, length: int) -> None:
        """Go past spaces where the right delimiter just read had a trim marker."""
        if length == 4 and (found := _BLANK.match(self.text, self.at)):
            self._skip_to(found.end())

    def _comment(self, at: int) -> None:
        end = self.text.find("*/", at + 2)
        if end < 0:
            raise _Unreadable("unclosed comment", at)
        right = self._right(end + 2)
        if not right:
            raise _Unreadable("comment ends before closing delimiter", at)
        self._skip_to(end + 2 + right)
        self._after_right(right)

    def _action(self) -> None:
        self.depth = 0
        while True:
            right = self._right(self.at)
            if not right:
                self._word()
                continue
            if self.depth:
                raise _Unreadable("unclosed left paren", self.at)
            self._skip_to(self.at + right - 2)
            self._add(Kind.RIGHT, 2)
            self._after_right(right)
            return

    def _word(self) -> None:
        text, at = self.text, self.at
        char = text[at : at + 1]
        if not char:
            raise _Unreadable("unclosed action", at)
        if char in SPACES:
            self._space()
        elif char in _SINGLE:
            self._add(_SINGLE[char], 1)
        elif char in _QUOTED:
            self._quoted(char)
        elif char == ":":
            if text[at + 1 : at + 2] != "=":
                raise _Unreadable("expected :=", at)
            self._add(Kind.DECLARE, 2)
        elif char == "(":
            self._add(Kind.OPEN, 1)
            self.depth += 1
        elif char == ")":
            self.depth -= 1
            if self.depth < 0:
                raise _Unreadable("unexpected right paren", at)
            self._add(Kind.CLOSE, 1)
        elif char == "$":
            self._name(Kind.VARIABLE)
        elif char == "." and not _digit(text[at + 1 : at + 2]):
            self._name(Kind.FIELD)
        elif char in "+-." or _digit(char):
            self._number()
        elif _alphanumeric(char):
            self._identifier()
        elif char.isascii() and char.isprintable():
            self._add(Kind.OTHER, 1)
        else:
            raise _Unreadable(f"unrecognized character in action: {_shown(char)}", at)

    def _space(self) -> None:
        found = _BLANK.match(self.text, self.at)
        assert found is not None
        end = found.end()
        if self._right(end - 1) == 4:  # the last one belongs to a trim marker
            end -= 1
        self._add(Kind.SPACE, end - self.at)

    def _quoted(self, char: str) -> None:
        pattern, kind, name = _QUOTED[char]
        found = pattern.match(self.text, self.at)
        if found is None:
            raise _Unreadable(f"unterminated {name}", self.at)
        self._add(kind, found.end() - self.at)

    def _name(self, kind: Kind) -> None:
        """A `.` or `$`, and the name behind it."""
        end = self._word_end(self.at + 1)
        if end == self.at + 1 and kind is Kind.FIELD:
            kind = Kind.DOT
        self._terminated(end)
        self._add(kind, end - self.at)

    def _identifier(self) -> None:
        end = self._word_end(self.at)
        self._terminated(end)
        word = self.text[self.at : end]
        kind = Kind.KEYWORD if word in KEYWORDS else Kind.BOOL if word in ("true", "false") else Kind.IDENTIFIER
        self._add(kind, end - self.at)

    def _word_end(self, at: int) -> int:
        found = _WORD.match(self.text, at)
        assert found is not None
        return found.end()

    def _terminated(self, at: int) -> None:
        """Refuse what may not follow a name."""
        char = self.text[at : at + 1]
        if char and char not in _TERMINATORS and not self.text.startswith("}}", at):
            raise _Unreadable(f"bad character {_shown(char)}", self.at)

    def _number(self) -> None:
        end = self._number_end(self.at)
        kind = Kind.NUMBER
        if self.text[end : end + 1] in ("+", "-"):
            end = self._number_end(end)
            kind = Kind.COMPLEX
            if self.text[end - 1] != "i":
                raise self._bad_number(end)
        self._add(kind, end - self.at)

    def _number_end(self, at: int) -> int:
        found = _NUMBER.match(self.text, at)
        assert found is not None
        if _alphanumeric(self.text[found.end() : found.end() + 1]):
            raise self._bad_number(found.end() + 1)
        return found.end()

    def _bad_number(self, end: int) -> _Unreadable:
        return _Unreadable(f"bad number syntax: {quote(self.text[self.at : end])}", self.at)


_SINGLE = {"|": Kind.PIPE, "=": Kind.ASSIGN}
_QUOTED = {
    '"': (_STRING, Kind.STRING, "quoted string"),
    "'": (_CHAR, Kind.CHARACTER, "character constant"),
    "`": (_RAW, Kind.RAW, "raw quoted string"),
}


def _digit(char: str) -> bool:
    return char.isascii() and char.isdigit()


def _alphanumeric(char: str) -> bool:
    return char == "_" or char.isalnum()
