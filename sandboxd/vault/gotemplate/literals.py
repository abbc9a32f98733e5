"""Go's literals: numbers, characters and texts as they are written in templates (Go's strconv)."""

import re

from sandboxd.vault.gotemplate.nodes import Number
from sandboxd.vault.gotemplate.values import octets, text_of
from sandboxd.vault.gotext import quote

SYNTAX = "invalid syntax"
_INTEGER = re.compile(
    r"([+-]?)(?:0[xX]((?:_?[0-9a-fA-F])+)|0[bB]((?:_?[01])+)|0[oO]?((?:_?[0-7])*)|([1-9](?:_?[0-9])*))"
)
_BASES = (16, 2, 8, 10)
_DECIMAL = re.compile(
    r"[+-]?(?=\.?[0-9])(?:[0-9](?:_?[0-9])*)?(?:\.(?:[0-9](?:_?[0-9])*)?)?(?:[eE][+-]?[0-9](?:_?[0-9])*)?"
)
_HEX_FLOAT = re.compile(r"[+-]?0[xX]_?[0-9a-fA-F_]*\.?[0-9a-fA-F_]*[pP][+-]?[0-9]+")
_ESCAPE = re.compile(r"\\(?:([abfnrtv\\'\"])|x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))")
_NAMED = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92, "'": 39, '"': 34}
_PARTS = re.compile(r"(.[^+-]*(?:(?<=[eEpP])[+-][^+-]*)?)(.*)i", re.DOTALL)


def unquote(source: str) -> str:
    """The text of a quoted or raw string. Raises ValueError."""
    inside = source[1:-1]
    if source.startswith("`"):
        return inside.replace("\r", "")
    return text_of(b"".join(_piece(inside, '"')))


def _piece(inside: str, mark: str) -> list[bytes]:
    found = []
    at = 0
    while at < len(inside):
        value, at = _symbol(inside, at, mark)
        found.append(value)
    return found


def _symbol(inside: str, at: int, mark: str) -> tuple[bytes, int]:
    """One character of a quoted text, and where the next one starts."""
    if inside[at] != "\\":
        return octets(inside[at]), at + 1
    found = _ESCAPE.match(inside, at)
    if found is None:
        raise ValueError(SYNTAX)
    named, pair, octal, short, long = found.groups()
    if named is not None:
        if named in "'\"" and named != mark:
            raise ValueError(SYNTAX)
        return bytes((_NAMED[named],)), found.end()
    code = int(pair or short or long or octal, 8 if octal else 16)
    if pair or octal:
        if code > 255:
            raise ValueError(SYNTAX)
        return bytes((code,)), found.end()
    if code > 0x10FFFF or 0xD800 <= code < 0xE000:
        raise ValueError(SYNTAX)
    return chr(code).encode(), found.end()


def character(source: str, at: int) -> Number:
    """The number that a character is. Raises ValueError."""
    if source[1] == "'":
        raise ValueError(SYNTAX)
    value, end = _symbol(source, 1, "'")
    if source[end:] != "'":
        raise ValueError(f"malformed character constant: {source}")
    escape = source[1:3]
    code = value[0] if escape[1:] in ("x", *"01234567") and escape[0] == "\\" else ord(value.decode())
    return Number(at, source, code, float(code))


def number(source: str, at: int) -> Number:
    """A number, in each of the kinds that it can be of. Raises ValueError."""
    if source.endswith("i") and (imaginary := _float(source[:-1])) is not None:
        return _simplified(source, at, complex(0, imaginary))
    found = _INTEGER.fullmatch(source)
    if found is not None:
        sign, *digits = found.groups()
        base, text = next((base, text) for base, text in zip(_BASES, digits, strict=True) if text is not None)
        value = int(f"{sign}{text.replace('_', '') or '0'}", base)
        whole = value if -(1 << 63) <= value < 1 << 63 else None
        if whole is not None or (not sign and value < 1 << 64):
            return Number(at, source, whole, float(value))
    real = _float(source)
    if real is None:
        raise ValueError(f"illegal number syntax: {quote(source)}")
    if not any(mark in source for mark in ".eEpP"):
        raise ValueError(f"integer overflow: {quote(source)}")
    return Number(at, source, _int64(real), real)


def pair(source: str, at: int) -> Number:
    """A complex number with both of its parts. Raises ValueError."""
    found = _PARTS.fullmatch(source)
    assert found is not None
    real, imaginary = (_part(text) for text in found.groups())
    return _simplified(source, at, complex(real, imaginary))


def _part(source: str) -> float:
    value = _float(source)
    if value is not None:
        return value
    if not any(char.isdigit() for char in source):
        raise ValueError("syntax error scanning complex number")
    reason = "value out of range" if _DECIMAL.fullmatch(source) else SYNTAX
    raise ValueError(f"strconv.ParseFloat: parsing {quote(source)}: {reason}")


def _simplified(source: str, at: int, value: complex) -> Number:
    if value.imag:
        return Number(at, source, pair=value)
    return Number(at, source, _int64(value.real), value.real, value)


def _float(source: str) -> float | None:
    plain = source.replace("_", "")
    if _DECIMAL.fullmatch(source):
        value = float(plain)
    elif _HEX_FLOAT.fullmatch(source):
        try:
            value = float.fromhex(plain)
        except (ValueError, OverflowError):
            return None
    else:
        return None
    return value if abs(value) != float("inf") else None


def _int64(value: float) -> int | None:
    return int(value) if value.is_integer() and -(1 << 63) <= value < 1 << 63 else None
