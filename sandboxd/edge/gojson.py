"""A JSON decoder with the real server's limits and its words for what is wrong.

The fast decoder reads nearly everything; this one is asked when it fails, when a body may hit a limit, or when a
number's spelling would be lost. Texts and rules were observed on a running OpenBao 2.7.2 (Go's JSON decoder).
"""

from typing import Any

from sandboxd.vault.framework.jsonscan import DIGITS, LITERALS, EarlyEnd, Scanner, invalid, kind_of
from sandboxd.vault.framework.numbers import Number

MAX_DEPTH = 10_000
LONG_NUMBER = 309  # digits that a number in range cannot have
MAP = "map[string]interface {}"
MAX_STRINGS = 1_000
MAX_MEMORY = 32 * 1024 * 1024 + 512 * 1024  # bytes, as the real server estimates what a body takes

_BASE_COST = 16
_COSTS = {"{": 72, "[": 24}


class TooComplex(ValueError):
    """The body passes one of the real server's limits."""


class Decoder:
    """Decodes one body.

    Args:
        text: the body; bytes that are no UTF-8 as lone surrogates.
        max_strings: how many strings, keys included, a body may hold; 0 for any number.
    """

    def __init__(self, text: str, max_strings: int = MAX_STRINGS) -> None:
        self._scanner = Scanner(text)
        self._max_strings = max_strings
        self._strings = 0
        self._memory = 0

    def decode(self) -> Any:
        """The first value of the body, or None for an empty one; what follows it must be JSON too.

        Raises ValueError with the real server's text.
        """
        scanner = self._scanner
        scanner.skip()
        if scanner.ended():
            return None
        value = self._value()
        scanner.skip()
        while not scanner.ended():
            try:
                self._value()
            except EarlyEnd:
                break  # a second value may be cut short: nobody reads it
            scanner.skip()
        return value

    def _value(self) -> Any:
        # `stack` holds the open containers, `keys` the pending key of each (none in arrays).
        scanner = self._scanner
        stack: list[Any] = []
        keys: list[str] = []
        while True:
            char = scanner.char()
            if char in "{[":
                self._open(char, len(stack))
                value: Any = {} if char == "{" else []
                if scanner.next() != ("}" if char == "{" else "]"):
                    stack.append(value)
                    keys.append(self._key() if char == "{" else "")
                    continue
                scanner.at += 1
            else:
                value = self._scalar(char)
            while True:
                if not stack:
                    return value
                top = stack[-1]
                named = isinstance(top, dict)
                if named:
                    top[keys[-1]] = value
                else:
                    top.append(value)
                char = scanner.next()
                if char == ("}" if named else "]"):
                    scanner.at += 1
                    value = stack.pop()
                    keys.pop()
                    continue
                if char != ",":
                    raise scanner.invalid("after object key:value pair" if named else "after array element")
                scanner.at += 1
                if scanner.next() in "}]":
                    raise invalid(",", "looking for beginning of value")
                if named:
                    keys[-1] = self._key()
                break

    def _open(self, char: str, depth: int) -> None:
        if depth >= MAX_DEPTH:
            raise ValueError("exceeded max depth")
        self._spend(_BASE_COST + _COSTS[char])
        self._scanner.at += 1

    def _key(self) -> str:
        scanner = self._scanner
        char = scanner.char()
        if char != '"':
            if char not in "[{":
                self._scalar(char)
            raise ValueError("object member name must be a string")
        key = self._string()
        if scanner.next() != ":":
            raise scanner.invalid("after object key")
        scanner.at += 1
        char = scanner.next()
        if char == "}":
            raise ValueError("missing value after object key")
        if char == "]":
            raise scanner.invalid("after object key:value pair")
        return key

    def _scalar(self, char: str) -> Any:
        if char == '"':
            return self._string()
        if char in LITERALS:
            value = self._scanner.literal()
            self._spend(_BASE_COST + 1)
            return value
        if char == "-" or char in DIGITS:
            return self._number()
        raise self._scanner.invalid("looking for beginning of value")

    def _number(self) -> int | Number:
        spelled = self._scanner.number()
        self._spend(_BASE_COST + 8)
        if spelled.lstrip("-").isdecimal() and spelled != "-0" and len(spelled) < LONG_NUMBER:
            return int(spelled)
        if float(spelled) in (float("inf"), float("-inf")):
            raise ValueError(f"json: cannot unmarshal number {spelled} into Go value of type float64")
        return Number(spelled)

    def _string(self) -> str:
        value = self._scanner.string()
        self._strings += 1
        self._spend(_BASE_COST + 16 + len(value.encode()))
        if self._max_strings and self._strings > self._max_strings:
            raise TooComplex("exceeded maximum number of strings")
        return value

    def _spend(self, cost: int) -> None:
        self._memory += cost
        if self._memory > MAX_MEMORY:
            raise TooComplex("exceeded maximum estimated memory limits")


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
    except ValueError as error:
        raise ValueError(f"failed to decode JSON input: {error}") from None
    if value is None or isinstance(value, dict):
        return value
    found = f"cannot unmarshal {kind_of(value)} into Go value of type {target}"
    raise ValueError(f"failed to decode JSON input: json: {found}")
