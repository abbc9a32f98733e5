"""Hashing what an audit line must not show in the clear, and writing the line's JSON as Go does.

A string is replaced by its HMAC under the **salt** of the device, so that equal values can be told equal, and a known
value found again (`sys/audit-hash`), but none read. Numbers, booleans and time stamps stay.
"""

import hmac
import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from sandboxd.vault.framework.numbers import Number
from sandboxd.vault.framework.wire import readable

Hash = Callable[[str], str]

# As strict as Go's time.Time.UnmarshalText.
_TIME_STAMP = re.compile(
    r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?"
    r"(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)",
    re.ASCII,
)


def hasher(salt: str) -> Hash:
    """What hashes a string under a salt."""
    key = salt.encode()

    def hashed(text: str) -> str:
        return "hmac-sha256:" + hmac.new(key, text.encode("utf-8", "surrogatepass"), "sha256").hexdigest()

    return hashed


def plain(text: str) -> str:
    """The string itself, for a device that shows all."""
    return text


def hash_values(data: Any, hashed: Hash, spared: frozenset[str], name: str = "") -> Any:
    """The data with its strings hashed, in objects sorted by name; those below a spared name stay as they are."""
    if isinstance(data, str):
        return data if name in spared or _TIME_STAMP.fullmatch(data) else hashed(data)
    if isinstance(data, dict):
        return {key: hash_values(data[key], hashed, spared, key) for key in sorted(data)}
    if isinstance(data, list):
        return [hash_values(item, hashed, spared, name) for item in data]
    return _as_float(data) if isinstance(data, float) or type(data) is int else data


def _as_float(number: float) -> int | float | msgspec.Raw:
    """A number after its way through a float of Go's."""
    value = float(number) if abs(number) < 1e308 else 0.0
    if value.is_integer() and abs(value) < 1e21:
        return int(value) if abs(value) < 1 << 63 else msgspec.Raw(b"%d" % int(value))
    return value


def as_json(value: Any) -> Any:
    """What JSON makes of a value: dicts, lists, strings, numbers, booleans, None."""
    return msgspec.json.decode(_encoder.encode(value))


def _hook(value: Any) -> Any:
    if isinstance(value, Number):
        return msgspec.Raw(value.text.encode())
    if isinstance(value, int):
        return msgspec.Raw(str(value).encode())
    if isinstance(value, Mapping):
        return dict(value)
    raise NotImplementedError(f"{type(value).__name__} has no JSON form")


_encoder = msgspec.json.Encoder(enc_hook=_hook)
_ESCAPES = ((b"<", b"\\u003c"), (b">", b"\\u003e"), (b"&", b"\\u0026"), (b"\xe2\x80\xa8", b"\\u2028"))


def encode(entry: Mapping[str, Any]) -> bytes:
    """An entry as one line, its fields in the order that they have here, the signs of HTML escaped."""
    try:
        raw = _encoder.encode(entry)
    except UnicodeEncodeError:
        raw = _encoder.encode(readable(entry))
    for sign, escape in (*_ESCAPES, (b"\xe2\x80\xa9", b"\\u2029")):
        if sign in raw:
            raw = raw.replace(sign, escape)
    return raw + b"\n"
