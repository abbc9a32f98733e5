"""OpenPGP private keys (RFC 4880 and RFC 9580, version 4 packets), without a passphrase.

The block holds an Ed25519 key that signs, a user id under .invalid with its signature, and a Curve25519 subkey that
decrypts. The seeds of both keys carry the mark: the first in its last eight bytes, the second in bytes 16 to 23, since
clamping touches its ends. The date of creation is an argument.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import TYPE_CHECKING

from msgspec import Struct

from sandboxd.fakes import mark
from sandboxd.fakes.forms.bech32 import clamped, x25519_public
from sandboxd.fakes.forms.keys import ed25519_public
from sandboxd.fakes.model import VALUE, Form, Parts
from sandboxd.fakes.options import Options, option

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandboxd.fakes.stream import Stream

_EDDSA, _ECDH = 22, 18
_ED25519 = bytes.fromhex("092b06010401da470f01")
_CURVE25519 = bytes.fromhex("0a2b060104019755010501")
_KDF = bytes([3, 1, 8, 7])  # SHA-256, AES-128
_SHA256 = 8
_SECRET_KEY, _SECRET_SUBKEY, _PUBLIC_KEY, _PUBLIC_SUBKEY, _USER_ID, _SIGNATURE = 5, 7, 6, 14, 13, 2
_POSITIVE, _BINDING = 0x13, 0x18
_CERTIFY_AND_SIGN, _ENCRYPT = 0x03, 0x0C
_ARMOR = (
    r"-----BEGIN PGP PRIVATE KEY BLOCK-----\s*\n(?:[A-Za-z]+: [^\n]*\n)*\s*"
    r"(?P<body>[0-9A-Za-z+/=\s]+?)\n=[0-9A-Za-z+/]{4}\s+-----END PGP PRIVATE KEY BLOCK-----"
)


class PgpOptions(Options):
    """Whose key it is."""

    user_id: str = option("sandboxd fake <fake@sandboxd.invalid>", "The user id.", minimum=1, maximum=191)
    created_at: int = option(1577836800, "When it was made, in seconds since 1970.", minimum=0, maximum=2**32 - 1)


class _Key(Struct, frozen=True):
    public: bytes
    secret: bytes

    @property
    def fingerprint(self) -> bytes:
        return hashlib.sha1(self.prefixed, usedforsecurity=False).digest()

    @property
    def prefixed(self) -> bytes:
        return b"\x99" + len(self.public).to_bytes(2, "big") + self.public

    @property
    def private(self) -> bytes:
        number = _integer(self.secret)
        return self.public + b"\0" + number + (sum(number) % 65536).to_bytes(2, "big")


def private_key() -> Form:
    """Private key blocks."""

    def make(kind: str, stream: Stream, options: PgpOptions) -> Parts:
        seed = _seed(kind, stream)
        drawn = clamped(stream.read(32))
        scalar = drawn[:16] + mark.digest(kind, _masked(drawn))[:8] + drawn[24:]
        head = b"\4" + options.created_at.to_bytes(4, "big")
        primary = _Key(head + bytes([_EDDSA]) + _ED25519 + _integer(b"\x40" + ed25519_public(seed)), seed)
        # Curve25519 secrets are written most significant byte first.
        point = _integer(b"\x40" + x25519_public(scalar))
        subkey = _Key(head + bytes([_ECDH]) + _CURVE25519 + point + _KDF, scalar[::-1])
        user = options.user_id.encode()
        certified = primary.prefixed + b"\xb4" + len(user).to_bytes(4, "big") + user
        certification = _signature(primary, seed, _POSITIVE, _CERTIFY_AND_SIGN, options.created_at, certified)
        bound = primary.prefixed + subkey.prefixed
        binding = _signature(primary, seed, _BINDING, _ENCRYPT, options.created_at, bound)
        identity = _packet(_USER_ID, user) + certification
        secret = _packet(_SECRET_KEY, primary.private) + identity + _packet(_SECRET_SUBKEY, subkey.private) + binding
        public = _packet(_PUBLIC_KEY, primary.public) + identity + _packet(_PUBLIC_SUBKEY, subkey.public) + binding
        return {
            VALUE: _armored("PRIVATE KEY", secret),
            "public_key": _armored("PUBLIC KEY", public),
            "fingerprint": primary.fingerprint.hex().upper(),
        }

    parts = {"public_key": "The public key block.", "fingerprint": "The fingerprint of the primary key, 40 hex digits."}
    return Form(make=make, marked=_marked, bits=64.0, options=PgpOptions, parts=parts)


def _seed(kind: str, stream: Stream) -> bytes:
    """A marked seed whose first byte is not zero, since OpenPGP's integers would lose it."""
    while not (seed := mark.sealed(kind, stream.read(24)))[0]:
        continue
    return seed


def _masked(scalar: bytes) -> bytes:
    return scalar[:16] + bytes(8) + scalar[24:]


def _marked(kind: str, value: str) -> bool:
    """Every key in the block carries the mark."""
    found = re.search(_ARMOR, value.replace("\\n", "\n"))
    if found is None:
        return False
    try:
        packets = list(_packets(base64.b64decode(found["body"])))
    except (binascii.Error, IndexError):
        return False
    secrets = [content for tag, content in packets if tag in (_SECRET_KEY, _SECRET_SUBKEY)]
    return bool(secrets) and all(_is_ours(kind, content) for content in secrets)


def _is_ours(kind: str, content: bytes) -> bool:
    seed, scalar = content[-34:-2], content[-34:-2][::-1]
    if content[5:6] == bytes([_EDDSA]):
        return mark.is_sealed(kind, seed)
    return content[5:6] == bytes([_ECDH]) and scalar[16:24] == mark.digest(kind, _masked(scalar))[:8]


def _signature(signer: _Key, seed: bytes, purpose: int, flags: int, created_at: int, signed: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    hashed = b"\x05\x02" + created_at.to_bytes(4, "big") + b"\x02\x1b" + bytes([flags])
    hashed += b"\x16\x21\x04" + signer.fingerprint
    head = bytes([4, purpose, _EDDSA, _SHA256]) + len(hashed).to_bytes(2, "big") + hashed
    digest = hashlib.sha256(signed + head + b"\4\xff" + len(head).to_bytes(4, "big")).digest()
    signature = Ed25519PrivateKey.from_private_bytes(seed).sign(digest)
    issuer = b"\x09\x10" + signer.fingerprint[-8:]
    tail = len(issuer).to_bytes(2, "big") + issuer + digest[:2] + _integer(signature[:32]) + _integer(signature[32:])
    return _packet(_SIGNATURE, head + tail)


def _integer(content: bytes) -> bytes:
    """A multiprecision integer: its length in bits, then its bytes."""
    value = content.lstrip(b"\0")
    return int.from_bytes(value, "big").bit_length().to_bytes(2, "big") + value


def _packet(tag: int, content: bytes) -> bytes:
    length = len(content)
    size = bytes([length]) if length < 192 else bytes([(length - 192 >> 8) + 192, length - 192 & 0xFF])
    return bytes([0xC0 | tag]) + size + content


def _packets(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The packets of a block, as `_packet` or an older program writes them."""
    at = 0
    while at < len(data):
        head = data[at]
        at += 1
        if head & 0x40:
            tag, first = head & 0x3F, data[at]
            if first < 192:
                length, at = first, at + 1
            elif first < 224:
                length, at = (first - 192 << 8) + data[at + 1] + 192, at + 2
            else:
                length, at = int.from_bytes(data[at + 1 : at + 5], "big"), at + 5
        else:
            tag, width = head >> 2 & 0x0F, 1 << (head & 3)
            length, at = int.from_bytes(data[at : at + width], "big"), at + width
        yield tag, data[at : at + length]
        at += length


def _armored(label: str, content: bytes) -> str:
    body = base64.b64encode(content).decode()
    lines = [body[at : at + 64] for at in range(0, len(body), 64)]
    check = base64.b64encode(_crc24(content).to_bytes(3, "big")).decode()
    head, end = f"-----BEGIN PGP {label} BLOCK-----", f"-----END PGP {label} BLOCK-----"
    return "\n".join((head, "", *lines, f"={check}", end, ""))


def _crc24(content: bytes) -> int:
    register = 0xB704CE
    for byte in content:
        register ^= byte << 16
        for _ in range(8):
            register <<= 1
            if register & 0x1000000:
                register ^= 0x1864CFB
    return register
