"""The scanner: HCL text to tokens, one at a time, as the parser asks for them.

Well-formed tokens are taken by one regular expression; whatever it does not match is read character by character, in
the steps of the real scanner. Comments are skipped: nothing that is made of the tree depends on them.
"""

import re

from sandboxd.vault.hcl.cursor import DECIMAL, END, HEX, Cursor, is_digit, is_letter
from sandboxd.vault.hcl.nodes import Token

_SIMPLE = re.compile(
    r"""[ \t\r\n]*(?:
        (?P<IDENT>[A-Za-z_][A-Za-z0-9_.-]*)(?=[\x01-,/:-@\[-^`{-\x7f])
      | (?P<STRING>"(?:[^"\\$\n\0\ue123]|\$(?!\{))*")
      | (?P<NUMBER>[1-9][0-9]*)(?=[\x01-\-/:-DF-df-\x7f])
      | (?P<COMMENT>(?:\#|//)[^\n\0\ue123]*)(?=\n)
      | (?P<mark>[\[\]{},=+])
    )""",
    re.VERBOSE,
)
_SPACE = frozenset(" \t\r\n")
_MARKS = {
    "[": "LBRACK",
    "]": "RBRACK",
    "{": "LBRACE",
    "}": "RBRACE",
    ",": "COMMA",
    "=": "ASSIGN",
    "+": "ADD",
}


class Scanner(Cursor):
    """Reads the tokens of one HCL text."""

    def scan(self) -> Token:
        """Return the next token; EOF at the end, and again whenever asked then."""
        while match := _SIMPLE.match(self.text, self.at):
            self.at = match.end()
            kind = match.lastgroup or ""
            if kind == "COMMENT":
                continue
            word, place = match[kind], self.position(match.start(kind))
            if kind == "mark":
                kind = _MARKS[word]
            elif word in ("true", "false"):
                kind = "BOOL"
            return Token(kind, word, place)
        return self._scan_carefully()

    def _scan_carefully(self) -> Token:
        while True:
            while self._peek() in _SPACE:
                self.at += 1
            start = self.at
            first = self._read()
            index = start if start < len(self.text) else start + self._past_end - 1
            kind = self._kind(first)
            if kind != "COMMENT":
                return Token(kind, self.text[start : self.at], self.position(index))

    def _kind(self, first: str) -> str:
        """Read the rest of the token that starts with `first` and return its kind."""
        if first == END:
            return "EOF"
        if is_letter(first):
            return self._identifier()
        if first in DECIMAL:
            return self._number(first)
        if first in _MARKS:
            return _MARKS[first]
        match first:
            case '"':
                self._string()
                return "STRING"
            case "#" | "/":
                self._comment(first)
                return "COMMENT"
            case "<":
                self._heredoc()
                return "HEREDOC"
            case ".":
                if self._peek() not in DECIMAL:
                    return "PERIOD"
                self._exponent(self._digits(self._peek()))
                return "FLOAT"
            case "-":
                return self._number(self._read()) if self._peek() in DECIMAL else "SUB"
        self._slip("illegal char")
        return "ILLEGAL"

    def _identifier(self) -> str:
        start = self.at - 1
        char = self._read()
        while is_letter(char) or is_digit(char) or char in ("-", "."):
            char = self._read()
        self._back(char)
        return "BOOL" if self.text[start : self.at] in ("true", "false") else "IDENT"

    def _number(self, first: str) -> str:
        if first != "0":
            self._digits(first)
            return self._fraction(self._read())
        char = self._read()
        if char in ("x", "X"):
            char = self._read()
            if char not in HEX:
                self._slip("illegal hexadecimal number")
            while char in HEX:
                char = self._read()
            self._back(char)
            return "NUMBER"
        illegal = False
        while char in DECIMAL:
            char = self._read()
            illegal = illegal or char in ("8", "9")  # which spares the first digit; the value is refused later
        if illegal and char not in ("e", "E", "."):
            self._slip("illegal octal number")
        return self._fraction(char)

    def _string(self) -> None:
        depth = 0
        while True:
            char = self._read()
            if char == END or (char == "\n" and depth == 0):
                self._slip("literal not terminated")
                return
            if char == '"' and depth == 0:
                return
            if depth == 0 and char == "$" and self._peek() == "{":
                depth = 1
                self._read()
            elif depth and char == "{":
                depth += 1
            elif depth and char == "}":
                depth -= 1
            if char == "\\":
                self._escape()

    def _comment(self, first: str) -> None:
        if first == "/" and self._peek() == "*":
            self._read()
            before, char = END, self._read()
            while char != END and not (before == "*" and char == "/"):
                before, char = char, self._read()
            if char == END:
                self._slip("comment not terminated")
            return
        if first == "/" and self._peek() != "/":
            self._slip("expected '/' for comment")
            return
        char = self._read()
        while char not in ("\n", END):
            char = self._read()
        self._back(char)

    def _heredoc(self) -> None:
        if self._read() != "<":
            self._slip("heredoc expected second '<', didn't see it")
            return
        start = self.at
        char = self._read()
        if char == "-":
            char = self._read()
        while is_letter(char) or is_digit(char):
            char = self._read()
        if char == "\r" and self._peek() == "\n":
            char = self._read()
        anchor = self.text[start : self.at - 1]
        if char != "\n" or anchor in ("", "-"):
            wrong = "invalid characters in heredoc anchor" if char != "\n" else "zero-length heredoc anchor"
            self._slip("heredoc not terminated" if char == END else wrong)
            return
        closing = re.compile(rf"[ \t\n\v\f\r]*{re.escape(anchor.removeprefix('-'))}\r*")
        line = self.at
        while char := self._read():
            if char == "\n":
                # `<<-` wants its anchor indented or followed by \r: the real scanner counts the dash as part of it
                if self.at - 1 - line >= len(anchor) and closing.fullmatch(self.text, line, self.at - 1):
                    return
                line = self.at
        self._slip("heredoc not terminated")
