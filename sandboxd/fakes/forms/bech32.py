"""Keys of age and WireGuard: X25519 scalars.

age writes its identities in bech32 (BIP 173) and would reject a wrong checksum, so that is right; the last eight bytes
are the mark. WireGuard clamps the first and last byte of a key, so there the mark stands in bytes 16 to 23.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from sandboxd.fakes import mark
from sandboxd.fakes.forms.chosen import unbase64
from sandboxd.fakes.model import VALUE, Form, Parts

if TYPE_CHECKING:
    from sandboxd.fakes.options import NoOptions
    from sandboxd.fakes.stream import Stream

_CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_IDENTITY = "age-secret-key-"


def age() -> Form:
    """age identities."""

    def make(kind: str, stream: Stream, _options: NoOptions) -> Parts:
        secret = mark.sealed(kind, stream.read(24))
        return {VALUE: encode(_IDENTITY, secret).upper(), "recipient": encode("age", x25519_public(secret))}

    def marked(kind: str, value: str) -> bool:
        secret = decode(_IDENTITY, value.lower())
        return value.isupper() and secret is not None and mark.is_sealed(kind, secret)

    parts = {"recipient": "The public half, to encrypt to."}
    return Form(make=make, marked=marked, bits=64.0, parts=parts, anchor="AGE-SECRET-KEY-1")


def wireguard() -> Form:
    """WireGuard private keys."""

    def masked(key: bytes) -> bytes:
        return key[:16] + bytes(8) + key[24:]

    def make(kind: str, stream: Stream, _options: NoOptions) -> Parts:
        drawn = clamped(stream.read(32))
        key = drawn[:16] + mark.digest(kind, masked(drawn))[:8] + drawn[24:]
        public = base64.b64encode(x25519_public(key)).decode()
        return {VALUE: base64.b64encode(key).decode(), "public_key": public}

    def marked(kind: str, value: str) -> bool:
        key = unbase64(value)
        return key is not None and len(key) == 32 and key[16:24] == mark.digest(kind, masked(key))[:8]

    return Form(make=make, marked=marked, bits=64.0, length=44, parts={"public_key": "The public half."})


def clamped(scalar: bytes) -> bytes:
    """A scalar as X25519 uses it (RFC 7748, section 5)."""
    return bytes([scalar[0] & 248]) + scalar[1:31] + bytes([scalar[31] & 127 | 64])


def x25519_public(secret: bytes) -> bytes:
    """The public key of 32 bytes."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    return X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()


def encode(prefix: str, content: bytes) -> str:
    """Bech32 of bytes, lower case."""
    number, size = int.from_bytes(content, "big"), len(content) * 8
    padding = -size % 5
    count = (size + padding) // 5
    groups = [(number << padding) >> 5 * (count - 1 - at) & 31 for at in range(count)]
    check = _polymod([*_expanded(prefix), *groups, 0, 0, 0, 0, 0, 0]) ^ 1
    groups += [check >> 5 * (5 - at) & 31 for at in range(6)]
    return f"{prefix}1{''.join(_CHARSET[group] for group in groups)}"


def decode(prefix: str, text: str) -> bytes | None:
    """The bytes in a lower-case bech32 text with this prefix, None when it is not exactly what `encode` writes."""
    data = text.removeprefix(f"{prefix}1")
    if data == text or len(data) < 6 or not set(data) <= set(_CHARSET):
        return None
    groups = [_CHARSET.index(symbol) for symbol in data[:-6]]
    size = len(groups) * 5 // 8
    number = 0
    for group in groups:
        number = number << 5 | group
    content = (number >> len(groups) * 5 - size * 8).to_bytes(size, "big")
    return content if encode(prefix, content) == text else None


def _expanded(prefix: str) -> list[int]:
    codes = prefix.encode()
    return [code >> 5 for code in codes] + [0] + [code & 31 for code in codes]


def _polymod(values: list[int]) -> int:
    state = 1
    for value in values:
        top = state >> 25
        state = (state & 0x1FFFFFF) << 5 ^ value
        for at, generator in enumerate(_GENERATOR):
            if top >> at & 1:
                state ^= generator
    return state
