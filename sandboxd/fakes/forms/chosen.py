"""Values that people choose or programs make up: passwords, names, random hex.

They are free in form, so a mark can only tell where a value came from. Short ones (`string`, `pin`) have no room for a
mark: that one was made here can be shown only by making it again.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

from sandboxd.fakes import hosts, mark
from sandboxd.fakes.alphabets import (
    ALNUM_LOWER,
    ALNUM_UPPER,
    BASE32,
    BASE62,
    BASE64_URL,
    DIGITS,
    HEX,
    LETTERS,
    LOWER,
)
from sandboxd.fakes.errors import OptionError
from sandboxd.fakes.forms.symbols import Layout, Lit, Mark, Rand, is_marked, write
from sandboxd.fakes.model import VALUE, Form, Parts
from sandboxd.fakes.options import Options, option

if TYPE_CHECKING:
    from sandboxd.fakes.stream import Stream

PASSWORD = "password_marked"
# No quote, backslash, backtick, blank or dollar: a password goes through shells and configuration files.
PRINTABLE = BASE62 + "!#%&()*+,-./:;<=>?@[]^_{|}~"


class PasswordOptions(Options):
    """What a password looks like."""

    length: int = option(30, "How many characters.", minimum=16, maximum=256)
    characters: str = option(
        "mixed",
        "mixed: upper, lower, digits and a hyphen; alphanumeric: no hyphen; lowercase: lower and digits; "
        "symbols: as mixed, with punctuation.",
        choices=("mixed", "alphanumeric", "lowercase", "symbols"),
    )


def _password_layout(characters: str, length: int) -> Layout:
    """A visible prefix, random symbols, and a mark that is shorter in a short password."""
    prefix = {"alphanumeric": "Sbx1", "lowercase": "sbx1"}.get(characters, "Sbx1-")
    alphabet = {"lowercase": ALNUM_LOWER, "symbols": PRINTABLE}.get(characters, BASE62)
    written = ALNUM_LOWER if characters == "lowercase" else BASE62
    marked = 8 if length < 20 else 12 if characters == "lowercase" else 11
    return Lit(prefix), Rand(length - len(prefix) - marked, alphabet), Mark(marked, written)


def password_value(stream: Stream, options: PasswordOptions | None = None, kind: str = PASSWORD) -> str:
    """A marked password; other kinds put one into their values."""
    wanted = options or PasswordOptions()
    return write(_password_layout(wanted.characters, wanted.length), kind, stream)


def is_password(kind: str, value: str) -> bool:
    """Whether a value is a password that was made here."""
    if value[:4] not in ("Sbx1", "sbx1") or not 16 <= len(value) <= 256:
        return False
    # `mixed` is a subset of `symbols`: the same prefix and mark.
    return any(
        is_marked(_password_layout(characters, len(value)), kind, value)
        for characters in ("symbols", "alphanumeric", "lowercase")
    )


def password() -> Form:
    """Passwords with a visible prefix, `Sbx1-`."""

    def make(kind: str, stream: Stream, options: PasswordOptions) -> Parts:
        return {VALUE: password_value(stream, options, kind)}

    return Form(make=make, marked=is_password, bits=mark.bits(BASE62, 11), options=PasswordOptions)


class PrefixedOptions(Options):
    """A name or token of one's own."""

    prefix: str = option("sbx_", "What it starts with.", maximum=64)


def prefixed(rand: int, marked: int, alphabet: str) -> Form:
    """A prefix of one's choice, random symbols, a mark."""

    def layout(prefix: str) -> Layout:
        return Lit(prefix), Rand(rand, alphabet), Mark(marked, alphabet)

    def make(kind: str, stream: Stream, options: PrefixedOptions) -> Parts:
        if re.search(r"[^!-~]", options.prefix):
            raise OptionError("prefix must be printable ASCII without blanks")
        return {VALUE: write(layout(options.prefix), kind, stream)}

    def recognised(kind: str, value: str) -> bool:
        return len(value) <= 256 and is_marked(layout(value[: -rand - marked]), kind, value)

    return Form(make=make, marked=recognised, bits=mark.bits(alphabet, marked), options=PrefixedOptions)


class EmailOptions(Options):
    """An address that no mail reaches."""

    domain: str = option("sandboxd.invalid", "A reserved domain (.invalid, .test, .example, example.com).")
    prefix: str = option("sbx.", "What the local part starts with.", maximum=40)


def email() -> Form:
    """Mail addresses in a reserved domain."""

    def layout(prefix: str, domain: str) -> Layout:
        return Lit(prefix), Rand(6, ALNUM_LOWER), Mark(8, ALNUM_LOWER), Lit(f"@{domain}")

    def make(kind: str, stream: Stream, options: EmailOptions) -> Parts:
        if not hosts.is_reserved(options.domain):
            raise OptionError("domain must be a reserved name, such as sandboxd.invalid")
        if not re.fullmatch(r"[A-Za-z0-9._+-]*", options.prefix):
            raise OptionError("prefix may hold letters, digits, dots, hyphens, underscores and plus signs")
        return {VALUE: write(layout(options.prefix, options.domain), kind, stream)}

    def recognised(kind: str, value: str) -> bool:
        local, _, domain = value.partition("@")
        return is_marked(layout(local[:-14], domain), kind, value)

    def leads_nowhere(value: str) -> bool:
        return hosts.is_reserved(value.partition("@")[2])

    return Form(
        make=make, marked=recognised, broken=leads_nowhere, bits=mark.bits(ALNUM_LOWER, 8), options=EmailOptions
    )


class HexOptions(Options):
    """Random bytes in hex."""

    bytes: int = option(32, "How many bytes; two digits each.", minimum=12, maximum=4096)


def hexadecimal() -> Form:
    """Lower-case hex."""

    def layout(length: int) -> Layout:
        return Rand(length - 16, HEX), Mark(16, HEX)

    def make(kind: str, stream: Stream, options: HexOptions) -> Parts:
        return {VALUE: write(layout(2 * options.bytes), kind, stream)}

    def recognised(kind: str, value: str) -> bool:
        return len(value) >= 24 and is_marked(layout(len(value)), kind, value)

    return Form(make=make, marked=recognised, bits=64.0, options=HexOptions)


class Base64Options(Options):
    """Random bytes in base64."""

    bytes: int = option(32, "How many bytes.", minimum=16, maximum=4096)
    alphabet: str = option("standard", "standard (+ and /) or url (- and _).", choices=("standard", "url"))
    padding: bool = option(default=True, help="Whether it ends in equals signs.")


def base64_bytes() -> Form:
    """Base64 of bytes whose last eight are the mark: encryption keys, cookie secrets."""

    def make(kind: str, stream: Stream, options: Base64Options) -> Parts:
        sealed = mark.sealed(kind, stream.read(options.bytes - 8))
        encode = base64.urlsafe_b64encode if options.alphabet == "url" else base64.b64encode
        value = encode(sealed).decode()
        return {VALUE: value if options.padding else value.rstrip("=")}

    def recognised(kind: str, value: str) -> bool:
        decoded = unbase64(value)
        return decoded is not None and len(decoded) >= 16 and mark.is_sealed(kind, decoded)

    return Form(make=make, marked=recognised, bits=64.0, options=Base64Options)


def unbase64(text: str) -> bytes | None:
    """Decode base64 of either alphabet, padded or not; None when the text is not exactly what was encoded."""
    bare = text.rstrip("=")
    standard = bare.replace("-", "+").replace("_", "/")
    try:
        decoded = base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except ValueError:  # not base64, or not ASCII
        return None
    canonical = base64.b64encode(decoded).decode()
    return decoded if canonical.rstrip("=") == standard and text in (bare, bare + canonical[len(bare) :]) else None


_CHARACTERS = {
    "alphanumeric": BASE62,
    "base32": BASE32,
    "base64url": BASE64_URL,
    "digits": DIGITS,
    "hex": HEX,
    "letters": LETTERS,
    "lowercase": LOWER,
    "lowercase alphanumeric": ALNUM_LOWER,
    "printable": PRINTABLE,
    "uppercase alphanumeric": ALNUM_UPPER,
}


class StringOptions(Options):
    """Any text."""

    length: int = option(16, "How many random characters.", minimum=1, maximum=4096)
    characters: str = option("alphanumeric", "What they are drawn from.", choices=tuple(_CHARACTERS))
    prefix: str = option("", "What comes before them.", maximum=256)
    suffix: str = option("", "What comes after them.", maximum=256)


def string() -> Form:
    """Random text without a mark."""

    def make(_kind: str, stream: Stream, options: StringOptions) -> Parts:
        drawn = stream.symbols(options.length, _CHARACTERS[options.characters])
        return {VALUE: options.prefix + drawn + options.suffix}

    return Form(make=make, marked=_unmarked, bits=0.0, options=StringOptions)


class PinOptions(Options):
    """A number to type."""

    length: int = option(6, "How many digits.", minimum=1, maximum=64)


def pin() -> Form:
    """Digits without a mark."""

    def make(_kind: str, stream: Stream, options: PinOptions) -> Parts:
        return {VALUE: stream.symbols(options.length, DIGITS)}

    return Form(make=make, marked=_unmarked, bits=0.0, options=PinOptions)


def _unmarked(_kind: str, _value: str) -> bool:
    return False


class UuidOptions(Options):
    """A UUID."""

    version: int = option(4, "The version: 4 looks random; 8 (RFC 9562) says that a rule made it.", choices=(4, 8))


def uuid_layout(version: int, prefix: str = "") -> Layout:
    """A UUID whose last group is the mark."""
    group = Lit("-")
    head = (Lit(prefix),) if prefix else ()
    return (
        *head, Rand(8, HEX), group, Rand(4, HEX), Lit(f"-{version}"), Rand(3, HEX), Lit("-a"), Rand(3, HEX), group,
        Mark(12, HEX),
    )  # fmt: skip


def uuid() -> Form:
    """UUIDs."""

    def make(kind: str, stream: Stream, options: UuidOptions) -> Parts:
        return {VALUE: write(uuid_layout(options.version), kind, stream)}

    def recognised(kind: str, value: str) -> bool:
        return any(is_marked(uuid_layout(version), kind, value) for version in (4, 8))

    return Form(make=make, marked=recognised, bits=48.0, length=36, options=UuidOptions)
