"""Username templates: how dynamic credentials get their names, and whatever else clients write Go templates for.

A template is Go's (`sandboxd.vault.gotemplate`) with the functions of the real server's template helper:

    random 20          letters and digits                  sha256, base64, hex          of a text
    truncate 10        the first bytes of a text           decode_base64, decode_hex    the other way round
    truncate_sha256 20 the same, with a hash of the rest   unix_time, unix_time_millis  the time
    uppercase, lowercase, replace "from" "to"              timestamp "2006-01-02"       the time, in Go's layout
    uuid               a random UUID                       glob "a*"                    whether a text is like that

`decode_base64`, `hex`, `decode_hex` and `glob` are OpenBao's alone.

Data is a `Record` where the real server hands in a struct: its type name shows in errors. A plain dict is a map, whose
missing keys print as `<no value>`.

Source: OpenBao's `sdk/helper/template`, and the texts of a running 2.7.2.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from hashlib import sha256

from sandboxd.vault.clock import Clock
from sandboxd.vault.entropy import Entropy
from sandboxd.vault.gotemplate import Function, Record, TemplateError
from sandboxd.vault.gotemplate import Template as GoTemplate
from sandboxd.vault.gotemplate.moments import format_moment
from sandboxd.vault.gotemplate.values import LARGEST, octets, text_of
from sandboxd.vault.gotext import decode_base64

__all__ = ["Record", "Template", "TemplateError"]

_NONE: Mapping[str, Function] = {}
MISSING_TEMPLATE = "missing template"
_NO_CHARACTER = re.compile("[\udc80-\udcff]")  # a byte that is no UTF-8
_HASH = 8  # symbols of the hash that `truncate_sha256` ends with


class Template:
    """A parsed username template."""

    def __init__(self, parsed: GoTemplate) -> None:
        self._parsed = parsed

    @classmethod
    def parse(
        cls, text: str, *, profile: str = "openbao", strict: bool = False, functions: Mapping[str, Function] = _NONE
    ) -> "Template":
        """Parse a template.

        Args:
            text: the template.
            profile: whose functions it may call: "vault" or "openbao".
            strict: whether a key that a map doesn't have is an error.
            functions: what it may call beyond these.

        Raises TemplateError, a ValueError with the real server's text.
        """
        if not text:
            raise TemplateError(MISSING_TEMPLATE)
        try:
            known = _FIXED if profile == "openbao" else _VAULT
            return cls(GoTemplate.parse(text, {**known, **functions}, strict=strict))
        except TemplateError as error:
            raise TemplateError(f"unable to parse template: {error}") from None

    def render(self, data: Mapping[str, object], clock: Clock, entropy: Entropy) -> str:
        """The template, filled in. Raises TemplateError with the real server's text."""
        try:
            text = self._parsed.run(data, _moving(clock, entropy))
        except TemplateError as error:
            raise TemplateError(f"unable to apply template: {error}", error.template) from None
        return octets(text).decode("utf-8", "replace")


def _moving(clock: Clock, entropy: Entropy) -> dict[str, Function]:
    """The functions that need the time or chance."""
    return {
        "random": Function(lambda length: _random(entropy, length), ("int",)),
        "timestamp": Function(lambda layout: format_moment(clock.now_ns(), layout), ("string",)),
        "unix_time": Function(lambda: str(clock.now_ns() // 1_000_000_000)),
        "unix_time_millis": Function(lambda: str(clock.now_ns() // 1_000_000)),
        "uuid": Function(entropy.uuid),
    }


def _random(entropy: Entropy, length: int) -> str:
    if length < 0:
        raise ValueError("runtime error: makeslice: cap out of range")
    if length > LARGEST:
        raise ValueError(f"text of more than {LARGEST} bytes")
    return entropy.text(length)


def _truncate(most: int, text: str) -> str:
    if most <= 0:
        raise ValueError(f"max length must be > 0 but was {most}")
    return text_of(octets(text)[:most])


def _truncate_sha256(most: int, text: str) -> str:
    if most <= _HASH:
        raise ValueError(f"max length must be > {_HASH} but was {most}")
    data = octets(text)
    if len(data) <= most:
        return text
    kept = most - _HASH
    return text_of(data[:kept]) + sha256(data[kept:]).hexdigest()[:_HASH]


def _uppercase(text: str) -> str:
    """Each character by itself, as Go has it: what would become several stays."""
    found = (next((form for form in (char.upper(), char.title()) if len(form) == 1), char) for char in text)
    return _NO_CHARACTER.sub("\ufffd", "".join(found))


def _lowercase(text: str) -> str:
    return _NO_CHARACTER.sub("\ufffd", "".join(char.lower()[0] for char in text))


def _decode_hex(text: str) -> str:
    data = octets(text)
    for octet in data:
        if chr(octet) not in "0123456789abcdefABCDEF":
            shown = f" '{chr(octet)}'" if chr(octet).isprintable() else ""
            raise ValueError(f"encoding/hex: invalid byte: U+{octet:04X}{shown}")
    if len(data) % 2:
        raise ValueError("encoding/hex: odd length hex string")
    return text_of(binascii.unhexlify(data))


def _glob(pattern: str, text: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, re.DOTALL) is not None


def _of_text(call: Callable[[str], object]) -> Function:
    return Function(call, ("string",))


_VAULT: Mapping[str, Function] = {
    **_moving(Clock(), Entropy(b"")),
    "base64": _of_text(lambda text: base64.b64encode(octets(text)).decode()),
    "lowercase": _of_text(_lowercase),
    "replace": Function(lambda find, put, text: text.replace(find, put), ("string", "string", "string")),
    "sha256": _of_text(lambda text: sha256(octets(text)).hexdigest()),
    "truncate": Function(_truncate, ("int", "string")),
    "truncate_sha256": Function(_truncate_sha256, ("int", "string")),
    "uppercase": _of_text(_uppercase),
}
_FIXED: Mapping[str, Function] = {
    **_VAULT,
    "decode_base64": _of_text(lambda text: text_of(decode_base64(text))),
    "decode_hex": _of_text(_decode_hex),
    "glob": Function(_glob, ("string", "string")),
    "hex": _of_text(lambda text: octets(text).hex()),
}
