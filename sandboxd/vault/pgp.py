"""OpenPGP, as much as it takes to hide key shares and root tokens behind their owners' public keys.

An operator gives a public key in base64; what only that operator may see comes back as an OpenPGP message. A **packet**
is a tagged piece of a key or message; a key's **fingerprint** is a hash of its first packet. RSA keys and keys on
Curve25519 are understood, which is what GnuPG makes. Formats: RFC 4880, RFC 6637. Error texts: Go's openpgp package, as
the real server shows them.
"""

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sandboxd.vault.entropy import Entropy

_PUBLIC_KEY, _SECRET_KEY, _SECRET_SUBKEY, _USER_ID, _PUBLIC_SUBKEY = 6, 5, 7, 13, 14
_SESSION_KEY, _ENCRYPTED, _LITERAL = 1, 18, 11
_RSA, _RSA_ENCRYPT, _ECDH = 1, 2, 18
_AES256 = 9
_CURVE25519 = bytes.fromhex("2b060104019755010501")
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/]")


class PGPKeyError(ValueError):
    """The text is no OpenPGP key. `cause` is what Go shows of the error below the error."""

    def __init__(self, text: str, cause: str) -> None:
        super().__init__(text)
        self.cause = cause


class _Packet(NamedTuple):
    tag: int
    body: bytes


class _Key(NamedTuple):
    """A public key, or the public part of a secret one."""

    algorithm: int
    fingerprint: bytes
    numbers: bytes  # the algorithm's own, undecoded


def check(keys: Sequence[str]) -> None:
    """Raise PGPKeyError with the real server's text unless all are OpenPGP keys in base64."""
    for key in keys:
        _read(key)


def fingerprint(key: str) -> str:
    """The fingerprint of a key, in hexadecimal. Raises PGPKeyError as `check` does."""
    return _read(key)[0].fingerprint.hex()


def encrypt(plaintext: bytes, key: str, entropy: Entropy) -> bytes:
    """An OpenPGP message that only the owner of the key can read.

    Raises ValueError for what is no key, or one that cannot encrypt.
    """
    primary, *subkeys = _read(key)
    usable = [found for found in (*reversed(subkeys), primary) if found.algorithm in (_RSA, _RSA_ENCRYPT, _ECDH)]
    if not usable:
        raise ValueError(
            "error setting up encryption for PGP message: openpgp: invalid argument: cannot encrypt a message to "
            f"key id {primary.fingerprint[-8:].hex()} because it has no valid encryption keys"
        )
    session_key = entropy.bytes(32)
    checked = bytes([_AES256]) + session_key + (sum(session_key) & 0xFFFF).to_bytes(2, "big")
    wrap = _to_curve25519 if usable[0].algorithm == _ECDH else _to_rsa
    head = b"\x03" + usable[0].fingerprint[-8:] + bytes([usable[0].algorithm])
    literal = _packet(_LITERAL, b"b\0\0\0\0\0" + plaintext)
    return _packet(_SESSION_KEY, head + wrap(usable[0], checked, entropy)) + _packet(
        _ENCRYPTED, b"\x01" + _cipher(session_key, literal, entropy)
    )


def _read(text: str) -> list[_Key]:
    """The primary key and the subkeys."""
    packets = list(_packets(_decode(text)))
    if not packets:
        raise _cut_short("EOF")
    if packets[0].tag not in (_PUBLIC_KEY, _SECRET_KEY):
        raise _invalid("first packet was not a public/private key")
    if not any(packet.tag == _USER_ID for packet in packets):
        raise _invalid("entity without any identities")
    kinds = (_PUBLIC_KEY, _SECRET_KEY, _PUBLIC_SUBKEY, _SECRET_SUBKEY)
    return [_key(packet) for packet in packets if packet.tag in kinds]


def _decode(text: str) -> bytes:
    """The bytes of standard base64, with Go's words for what is wrong and where."""
    plain = text.replace("\r", "").replace("\n", "")
    body = plain.rstrip("=")
    bad = _NOT_BASE64.search(body)
    at = bad.start() if bad else len(plain) - len(body) % 4 if len(plain) % 4 or len(plain) - len(body) > 2 else -1
    if at < 0:
        return base64.b64decode(plain)
    raise PGPKeyError(f"error decoding given PGP key: illegal base64 data at input byte {at}", str(at))


def _packets(data: bytes) -> Iterator[_Packet]:
    at = 0
    while at < len(data):
        try:
            tag, at, size = _header(data, at)
        except IndexError:
            raise _cut_short() from None
        if at + size > len(data):
            raise _cut_short()
        yield _Packet(tag, data[at : at + size])
        at += size


def _header(data: bytes, at: int) -> tuple[int, int, int]:
    """The tag of the packet that starts there, where its body starts, and the body's size."""
    head = data[at]
    if not head & 0x80:
        raise _invalid("tag byte does not have MSB set")
    if not head & 0x40:
        width = (1, 2, 4, 0)[head & 3]
        start = at + 1 + width
        return head >> 2 & 0x0F, start, int.from_bytes(data[at + 1 : start], "big") if width else len(data) - start
    tag, first = head & 0x3F, data[at + 1]
    if first < 192:
        return tag, at + 2, first
    if first < 224:
        return tag, at + 3, (first - 192 << 8) + data[at + 2] + 192
    if first == 255:
        return tag, at + 6, int.from_bytes(data[at + 2 : at + 6], "big")
    raise _invalid("a key in pieces of unknown length")


def _cut_short(text: str = "unexpected EOF") -> PGPKeyError:
    return PGPKeyError(f"error parsing given PGP key: {text}", text)


def _invalid(text: str, kind: str = "invalid data") -> PGPKeyError:
    return PGPKeyError(f"error parsing given PGP key: openpgp: {kind}: {text}", text)


def _key(packet: _Packet) -> _Key:
    body = packet.body
    if len(body) < 6 or body[0] != 4:
        raise _invalid(f"public key version {body[0] if body else 0}", "unsupported feature")
    end = 6
    algorithm = body[5]
    if packet.tag in (_SECRET_KEY, _SECRET_SUBKEY):  # the fingerprint is over the public part alone
        if algorithm in (_RSA, _RSA_ENCRYPT):
            for _ in range(2):
                end += 2 + (int.from_bytes(body[end : end + 2], "big") + 7) // 8
        else:
            end += 1 + body[end]
            end += 2 + (int.from_bytes(body[end : end + 2], "big") + 7) // 8
            end += 1 + body[end] if algorithm == _ECDH else 0
        body = body[:end]
    digest = hashlib.sha1(b"\x99" + len(body).to_bytes(2, "big") + body, usedforsecurity=False).digest()
    return _Key(algorithm, digest, body[6:])


def _packet(tag: int, body: bytes) -> bytes:
    """A packet with a header of the new form."""
    size = len(body)
    if size < 192:
        length = bytes([size])
    elif size < 8384:
        length = bytes([(size - 192 >> 8) + 192, size - 192 & 0xFF])
    else:
        length = b"\xff" + size.to_bytes(4, "big")
    return bytes([0xC0 | tag]) + length + body


def _number(value: bytes) -> bytes:
    """A number as OpenPGP writes it: its length in bits, then its bytes."""
    stripped = value.lstrip(b"\0")
    return int.from_bytes(stripped, "big").bit_length().to_bytes(2, "big") + stripped


def _to_rsa(key: _Key, secret: bytes, entropy: Entropy) -> bytes:
    size = (int.from_bytes(key.numbers[:2], "big") + 7) // 8
    modulus, rest = key.numbers[2 : 2 + size], key.numbers[4 + size :]
    padding = b"".join(bytes([1 + entropy.below(255)]) for _ in range(size - 3 - len(secret)))
    padded = b"\0\x02" + padding + b"\0" + secret
    n, e = int.from_bytes(modulus, "big"), int.from_bytes(rest, "big")
    return _number(pow(int.from_bytes(padded, "big"), e, n).to_bytes(size, "big"))


def _to_curve25519(key: _Key, secret: bytes, entropy: Entropy) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
    from cryptography.hazmat.primitives.keywrap import aes_key_wrap

    name_size = key.numbers[0]
    curve = key.numbers[1 : 1 + name_size]
    if curve != _CURVE25519:
        raise ValueError("error setting up encryption for PGP message: openpgp: unsupported feature: unknown curve")
    at = 1 + name_size
    size = (int.from_bytes(key.numbers[at : at + 2], "big") + 7) // 8
    point = key.numbers[at + 2 : at + 2 + size]
    terms = key.numbers[at + 2 + size :]  # length, 1, hash, cipher
    hash_name, wrap_size = {8: "sha256", 9: "sha384", 10: "sha512"}[terms[2]], {7: 16, 8: 24, 9: 32}[terms[3]]
    mine = X25519PrivateKey.from_private_bytes(entropy.bytes(32))
    shared = mine.exchange(X25519PublicKey.from_public_bytes(point[1:]))
    about = bytes([name_size]) + curve + b"\x12" + terms + b"Anonymous Sender    " + key.fingerprint
    wrapping_key = hashlib.new(hash_name, b"\0\0\0\x01" + shared + about).digest()[:wrap_size]
    fill = 8 - len(secret) % 8
    wrapped = aes_key_wrap(wrapping_key, secret + bytes([fill]) * fill)
    return _number(b"\x40" + mine.public_key().public_bytes_raw()) + bytes([len(wrapped)]) + wrapped


def _cipher(session_key: bytes, plaintext: bytes, entropy: Entropy) -> bytes:
    """AES in OpenPGP's cipher feedback mode, over a random prefix, the text, and a hash of both."""
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.algorithms import AES256
    from cryptography.hazmat.primitives.ciphers.modes import ECB

    prefix = entropy.bytes(16)
    text = prefix + prefix[-2:] + plaintext + b"\xd3\x14"
    text += hashlib.sha1(text, usedforsecurity=False).digest()
    block = Cipher(AES256(session_key), ECB()).encryptor()  # noqa: S305 (the block cipher below the feedback)
    feedback, out = bytes(16), bytearray()
    for at in range(0, len(text), 16):
        piece = text[at : at + 16]
        mask = block.update(feedback)
        feedback = bytes(a ^ b for a, b in zip(piece, mask, strict=False))
        out += feedback
    return bytes(out)
