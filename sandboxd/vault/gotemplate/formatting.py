"""Go's fmt: `Sprint`, `Sprintln` and `Sprintf`, for the types that templates know.

Broken formats do not fail: what is wrong with them is printed in their place (`%!d(string=x)`), as Go does.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandboxd.vault.gotemplate.values import Byte, Missing, Record, bounded, octets, type_name
from sandboxd.vault.gotext import quote

WIDEST = 1_000_000
_DIRECTIVE = re.compile(r"%([#0+\- ]*)")
_INDEX = re.compile(r"\[([^\]]*)\]")
_DIGITS = re.compile(r"[0-9]+")
_NO_RAW = re.compile("[\x00-\x08\n-\x1f\x7f`\ufeff\udc80-\udcff]")  # what no raw string can hold
_NAMED, _GO = "n", "g"  # what `+` and `#` are with %v: fields have their names, all is written as in Go
_OF_VALUES = str.maketrans("+#", _NAMED + _GO)
_VERBS = {
    bool: "vt",
    int: "vdboOxXcqU",
    float: "vbeEfFgGxX",
    complex: "vbeEfFgGxX",
    str: "vsxXq",
}


def sprint(values: Sequence[Any]) -> str:
    """The values one after another, with a space between two of which none is a text."""
    found = []
    for index, value in enumerate(values):
        if index and not isinstance(value, str) and not isinstance(values[index - 1], str):
            found.append(" ")
        found.append(plain(value))
    return bounded("".join(found))


def sprintln(values: Sequence[Any]) -> str:
    """The values with spaces between them, and a line break."""
    return bounded(" ".join(map(plain, values)) + "\n")


def plain(value: Any) -> str:
    """A value as it is printed when nothing is said of how (`%v`)."""
    return _formatted(_Directive(), value, "v")


def sprintf(text: str, values: Sequence[Any]) -> str:
    """A format, filled in with values."""
    return bounded(_Printer(text, values).run())


@dataclass(slots=True)
class _Directive:
    flags: str = ""
    width: int | None = None
    precision: int | None = None

    def padded(self, text: str, *, numeric: bool = False) -> str:
        """Text as wide as is asked for; zeros go behind the sign."""
        missing = (self.width or 0) - len(text)
        if missing <= 0:
            return text
        if "-" in self.flags:
            return text + " " * missing
        if "0" not in self.flags:
            return " " * missing + text
        signed = numeric and text[:1] in ("+", "-", " ")
        return text[:1] + "0" * missing + text[1:] if signed else "0" * missing + text

    def signed(self, number: str) -> str:
        """A number with the sign that is asked for."""
        if number.startswith("-"):
            return number
        return f"+{number}" if "+" in self.flags else f" {number}" if " " in self.flags else number


class _Printer:
    def __init__(self, text: str, values: Sequence[Any]) -> None:
        self.text = text
        self.values = values
        self.at = 0
        self.argument = 0
        self.reordered = False
        self.good_index = True
        self.found: list[str] = []

    def run(self) -> str:
        while self.at < len(self.text):
            mark = self.text.find("%", self.at)
            end = len(self.text) if mark < 0 else mark
            self.found.append(self.text[self.at : end])
            self.at = end
            if mark >= 0:
                self.directive()
        if not self.reordered and self.argument < len(self.values):
            extra = ", ".join(_typed(value) for value in self.values[self.argument :])
            self.found.append(f"%!(EXTRA {extra})")
        return "".join(self.found)

    def directive(self) -> None:
        head = _DIRECTIVE.match(self.text, self.at)
        assert head is not None
        self.at = head.end()
        self.good_index = True
        how = _Directive(head[1])
        indexed = self.index()
        how.width, indexed = self.size("WIDTH", indexed=indexed)
        if how.width is not None and how.width < 0:
            how.width, how.flags = -how.width, how.flags + "-"
        if self.text.startswith(".", self.at, len(self.text) - 1):
            self.at += 1
            if indexed:
                self.good_index = False  # "%[3].2d"
            indexed = self.index()
            counted = not self.text.startswith("*", self.at)
            how.precision, indexed = self.size("PREC", indexed=indexed)
            if counted and how.precision is None:
                how.precision = 0
        if not indexed:
            self.index()
        if self.at >= len(self.text):
            self.found.append("%!(NOVERB)")
            return
        verb = self.text[self.at]
        self.at += 1
        self.found.append(self.filled(how, verb))

    def filled(self, how: _Directive, verb: str) -> str:
        if verb == "%":
            return "%"
        if not self.good_index:
            return f"%!{verb}(BADINDEX)"
        if self.argument >= len(self.values):
            return f"%!{verb}(MISSING)"
        value = self.values[self.argument]
        self.argument += 1
        if verb == "v":
            how.flags = how.flags.translate(_OF_VALUES)
        return _formatted(how, value, verb)

    def index(self) -> bool:
        """Take an explicit argument index (`[1]`); whether there was one."""
        if not self.text.startswith("[", self.at):
            return False
        self.reordered = True
        found = _INDEX.match(self.text, self.at)
        if found is None:
            self.good_index = False
            self.at += 1
            return False
        self.at = found.end()
        number = int(found[1]) if _DIGITS.fullmatch(found[1]) and len(found[1]) < 8 else 0
        if not 1 <= number <= len(self.values):
            self.good_index = False
            return True
        self.argument = number - 1
        return True

    def size(self, name: str, *, indexed: bool) -> tuple[int | None, bool]:
        """A width or precision, if there is one, and whether an index is still to be used."""
        if self.text.startswith("*", self.at):
            self.at += 1
            value = self.values[self.argument] if self.argument < len(self.values) else None
            self.argument += 1 if self.argument < len(self.values) else 0
            least = 0 if name == "PREC" else -WIDEST
            if isinstance(value, int) and not isinstance(value, bool) and least <= value <= WIDEST:
                return value, False
            self.found.append(f"%!(BAD{name})")
            return None, False
        found = _DIGITS.match(self.text, self.at)
        if found is None:
            return None, indexed
        self.at = found.end()
        if indexed:
            self.good_index = False  # "%[3]2d"
        if int(found[0][:-1][:9] or 0) > WIDEST:
            self.at = len(self.text)  # Go gives the whole directive up
            return None, False
        return int(found[0]), False


def _typed(value: Any) -> str:
    return "<nil>" if value is None else f"{type_name(value)}={plain(value)}"


def _bad(how: _Directive, value: Any, verb: str) -> str:
    if value is None:
        return f"%!{verb}(<nil>)"
    return f"%!{verb}({type_name(value)}={_formatted(how, value, 'v')})"


def _formatted(how: _Directive, value: Any, verb: str) -> str:
    if isinstance(value, Missing):
        return how.padded("<no value>")
    if verb == "T":
        return how.padded(type_name(value))
    if value is None:
        return how.padded("<nil>") if verb == "v" else _bad(how, value, verb)
    if isinstance(value, str):
        return _text(how, value, verb)
    if verb in "pw":
        return _bad(how, value, verb)
    if isinstance(value, Mapping | list):
        return _many(how, value, verb)
    kind = next(kind for kind in _VERBS if isinstance(value, kind))
    if verb not in _VERBS[kind]:
        return _bad(how, value, verb)
    if kind is bool:
        return how.padded("true" if value else "false")
    if kind is int:
        return _whole(how, value, verb)
    if kind is float:
        return _real(how, value, verb)
    both = _Directive(how.flags + "+", how.width, how.precision)
    return f"({_real(how, value.real, verb)}{_real(both, value.imag, verb)}i)"


def _held(how: _Directive, value: Any, verb: str) -> str:
    """A value within another."""
    if value is None:
        return how.padded("interface {}(nil)" if _GO in how.flags else "<nil>")
    return _formatted(how, value, verb)


def _many(how: _Directive, value: Any, verb: str) -> str:
    go = _GO in how.flags
    if isinstance(value, list):
        shown = [_held(how, item, verb) for item in value]
        return f"[]interface {{}}{{{', '.join(shown)}}}" if go else f"[{' '.join(shown)}]"
    if isinstance(value, Record):
        named = go or _NAMED in how.flags
        shown = [
            f"{name}:{_held(how, item, verb)}" if named else _held(how, item, verb) for name, item in value.items()
        ]
        return f"{value.type_name}{{{', '.join(shown)}}}" if go else f"{{{' '.join(shown)}}}"
    pairs = [f"{_held(how, key, verb)}:{_held(how, value[key], verb)}" for key in sorted(value)]
    return f"map[string]interface {{}}{{{', '.join(pairs)}}}" if go else f"map[{' '.join(pairs)}]"


def _text(how: _Directive, value: str, verb: str) -> str:
    if verb not in _VERBS[str]:
        return _bad(how, value, verb)
    if _GO in how.flags:
        return how.padded(quote(value))
    if verb in "xX":
        data = octets(value)[: how.precision]
        pieces = [f"{octet:02x}" for octet in data]
        spaced, prefix = " " in how.flags, "0x" if "#" in how.flags and pieces else ""
        shown = " ".join(prefix + piece for piece in pieces) if spaced else prefix + "".join(pieces)
        return how.padded(shown.upper() if verb == "X" else shown)
    cut = value[: how.precision]
    if verb == "q":
        raw = "#" in how.flags and _NO_RAW.search(cut) is None
        return how.padded(f"`{cut}`" if raw else quote(cut) if "+" not in how.flags else _ascii(quote(cut)))
    return how.padded(cut)


def _ascii(text: str) -> str:
    return "".join(
        char if char.isascii() else f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"
        for char in text
    )


def _whole(how: _Directive, value: int, verb: str) -> str:
    if verb in "cqU":
        return _rune(how, value, verb)
    if _GO in how.flags and isinstance(value, Byte):
        return how.padded(f"{int(value):#x}")
    base = {"b": "b", "o": "o", "O": "o", "x": "x", "X": "X"}.get(verb, "d")
    digits = format(abs(value), base)
    if how.precision is not None:
        digits = "" if how.precision == 0 and value == 0 else digits.zfill(how.precision)
    prefix = (
        "0o" if verb == "O" else {"b": "0b", "o": "0", "x": "0x", "X": "0X"}.get(verb, "") if "#" in how.flags else ""
    )
    if verb == "o" and digits.startswith("0"):
        prefix = ""
    sign = "-" if value < 0 else how.signed("")
    if "0" in how.flags and "-" not in how.flags and how.precision is None and how.width is not None:
        digits = digits.zfill(how.width - len(sign))  # the prefix is not counted
        return sign + prefix + digits
    spaced = _Directive(how.flags.replace("0", ""), how.width)
    return spaced.padded(sign + prefix + digits)


def _rune(how: _Directive, value: int, verb: str) -> str:
    char = chr(value) if 0 <= value <= 0x10FFFF and not 0xD800 <= value < 0xE000 else "\ufffd"
    if verb == "c":
        return how.padded(char)
    if verb == "q":
        inside = quote(char)[1:-1].replace('\\"', '"').replace("'", "\\'")
        return how.padded(f"'{_ascii(inside) if '+' in how.flags else inside}'")
    width = max(4, how.precision or 0)
    shown = f"U+{value & 0xFFFFFFFFFFFFFFFF:0{width}X}"
    if "#" in how.flags and 0 <= value <= 0x10FFFF and char.isprintable():
        shown += f" '{char}'"
    return _Directive(how.flags.replace("0", ""), how.width).padded(shown)


def _real(how: _Directive, value: float, verb: str) -> str:
    digits = _digits(how, value, verb)
    return how.padded(
        how.signed(_pointed(how, digits, verb) if "#" in how.flags and verb != "b" else digits), numeric=True
    )


def _pointed(how: _Directive, digits: str, verb: str) -> str:
    """A number with a point, and zeros behind it up to the precision (`%#g`)."""
    end = min(
        (at for mark in ("pP" if verb in "xX" else "eEpP") if (at := digits.find(mark)) >= 0), default=len(digits)
    )
    head, tail = digits[:end], digits[end:]
    bare = head.lstrip("-")
    wanted = 6 if how.precision is None else how.precision
    missing = wanted - len(bare.replace(".", "").lstrip("0")) if verb in "vgGx" else 0
    if "." not in head:
        missing -= bare == "0"
        head += "."
    return head + "0" * missing + tail


def _digits(how: _Directive, value: float, verb: str) -> str:
    if verb in "eE":
        return format(value, f".{6 if how.precision is None else how.precision}{verb}")
    if verb in "fF":
        return format(value, f".{6 if how.precision is None else how.precision}f")
    if verb in "xX":
        return _hexadecimal(how, value, verb)
    if verb == "b":
        sign, mantissa, exponent = _parts(value)
        return f"{sign}{mantissa}p{exponent:+d}"
    if how.precision is not None:
        return _general(format(value, f".{max(how.precision, 1) - 1}e"), how.precision or 1, verb)
    shortest = repr(value)
    decimal, _, power = shortest.partition("e")
    sign = "-" if decimal.startswith("-") else ""
    whole, _, fraction = decimal.lstrip("-").partition(".")
    fraction = fraction if fraction.strip("0") else ""
    digits = (whole + fraction).lstrip("0")
    first = len(whole) - 1 if whole != "0" else -(len(fraction) - len(fraction.lstrip("0")) + 1)
    exponent = first + int(power or 0) if digits else 0
    digits = digits.rstrip("0") or "0"
    tail = f".{digits[1:]}" if len(digits) > 1 else ""
    return _general(f"{sign}{digits[0]}{tail}e{exponent:+03d}", 6, verb)


def _general(scientific: str, precision: int, verb: str) -> str:
    """The shorter of both ways to write a number, from the one with an exponent, as %g does."""
    mantissa, _, power = scientific.partition("e")
    exponent = int(power)
    sign = "-" if mantissa.startswith("-") else ""
    digits = mantissa.lstrip("-").replace(".", "").rstrip("0") or "0"
    if exponent < -4 or exponent >= precision:
        tail = f".{digits[1:]}" if len(digits) > 1 else ""
        mark = "E" if verb == "G" else "e"
        return f"{sign}{digits[0]}{tail}{mark}{exponent:+03d}"
    if exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
    whole = digits[: exponent + 1].ljust(exponent + 1, "0")
    fraction = digits[exponent + 1 :]
    return f"{sign}{whole}{'.' + fraction if fraction else ''}"


def _parts(value: float) -> tuple[str, int, int]:
    """A float's sign, mantissa (of 53 bits, or fewer for one near zero) and exponent to the base of 2."""
    numerator, exponent = value.hex().split("p")
    sign = "-" if numerator.startswith("-") else ""
    if value == 0:
        return sign, 0, -1074
    whole, _, fraction = numerator.lstrip("-")[2:].partition(".")
    return sign, int(whole + fraction.ljust(13, "0"), 16), int(exponent) - 52


def _hexadecimal(how: _Directive, value: float, verb: str) -> str:
    sign, mantissa, exponent = _parts(value)
    missing = 53 - mantissa.bit_length()
    exponent = exponent - missing + 52 if mantissa else 0
    mantissa <<= missing if mantissa else 0
    digits = 13
    if how.precision is not None:
        digits = min(how.precision, 13)
        mantissa = round(mantissa / 16 ** (13 - digits))
        if mantissa >> (4 * digits + 1):  # rounded up to the next power
            mantissa, exponent = mantissa >> 1, exponent + 1
    shown = f"{mantissa:0{digits + 1}x}"
    fraction = shown[1:].rstrip("0") if how.precision is None else shown[1:].ljust(how.precision, "0")
    text = f"{sign}0x{shown[0]}{'.' + fraction if fraction else ''}p{exponent:+03d}"
    return text.upper() if verb == "X" else text
