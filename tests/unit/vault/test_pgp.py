"""OpenPGP. The public keys were made by GnuPG, which also read messages made for them; here they are read by hand."""

import base64
import hashlib
import re

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import ECB
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap

from sandboxd.vault import pgp
from sandboxd.vault.entropy import Entropy

CURVE = bytes.fromhex("2b060104019755010501")


def packet(tag, body):
    return bytes([0xC0 | tag, 0xFF]) + len(body).to_bytes(4, "big") + body


def number(value):
    raw = value if isinstance(value, bytes) else value.to_bytes((value.bit_length() + 7) // 8, "big")
    return int.from_bytes(raw, "big").bit_length().to_bytes(2, "big") + raw


def public(algorithm, numbers):
    return b"\x04" + bytes(4) + bytes([algorithm]) + numbers


def encoded(*packets):
    return base64.b64encode(b"".join(packets)).decode()


def packets(message):
    return [(found.tag, found.body) for found in pgp._packets(message)]


def opened(session_key, body):
    """The text of an encrypted packet, after its own check of integrity."""
    assert body[0] == 1
    block = Cipher(AES256(session_key), ECB()).encryptor()
    feedback, text = bytes(16), b""
    for at in range(1, len(body), 16):
        piece = body[at : at + 16]
        text += bytes(a ^ b for a, b in zip(piece, block.update(feedback), strict=False))
        feedback = piece
    assert text[14:16] == text[16:18]
    assert text[-22:-20] == b"\xd3\x14"
    assert hashlib.sha1(text[:-20]).digest() == text[-20:]
    ((tag, literal),) = packets(text[18:-22])
    assert tag == 11
    return literal[6:]


def checked(secret):
    assert secret[0] == 9
    assert sum(secret[1:33]) & 0xFFFF == int.from_bytes(secret[33:35], "big")
    return secret[1:33]


def test_an_rsa_key_reads_what_was_hidden_for_it():
    private = rsa.generate_private_key(65537, 2048)
    numbers = private.public_key().public_numbers()
    body = public(1, number(numbers.n) + number(numbers.e))
    message = pgp.encrypt(b"a share", encoded(packet(6, body), packet(13, b"me")), Entropy("pgp"))
    (first, head), (second, hidden) = packets(message)
    assert (first, second, head[0], head[9]) == (1, 18, 3, 1)
    fingerprint = hashlib.sha1(b"\x99" + len(body).to_bytes(2, "big") + body).digest()
    assert head[1:9] == fingerprint[-8:]
    secret = private.decrypt(head[12:].rjust(256, b"\0"), padding.PKCS1v15())
    assert opened(checked(secret), hidden) == b"a share"


def test_a_subkey_on_curve_25519_reads_what_was_hidden_for_it():
    private = X25519PrivateKey.from_private_bytes(bytes(range(32)))
    terms = bytes([3, 1, 8, 7])
    point = number(b"\x40" + private.public_key().public_bytes_raw())
    primary = public(22, bytes([9]) + bytes.fromhex("2b06010401da470f01") + number(b"\x40" + bytes(range(1, 33))))
    subkey = public(18, bytes([len(CURVE)]) + CURVE + point + terms)
    key = encoded(packet(6, primary), packet(13, b"me"), packet(14, subkey))
    (_, head), (_, hidden) = packets(pgp.encrypt(b"a share", key, Entropy("pgp")))
    size = (int.from_bytes(head[10:12], "big") + 7) // 8
    shared = private.exchange(X25519PublicKey.from_public_bytes(head[13 : 12 + size]))
    fingerprint = hashlib.sha1(b"\x99" + len(subkey).to_bytes(2, "big") + subkey).digest()
    about = bytes([len(CURVE)]) + CURVE + b"\x12" + terms + b"Anonymous Sender    " + fingerprint
    wrapping_key = hashlib.sha256(b"\0\0\0\x01" + shared + about).digest()[:16]
    secret = aes_key_unwrap(wrapping_key, head[13 + size :])
    assert opened(checked(secret), hidden) == b"a share"


def test_the_fingerprint_of_a_secret_key_is_that_of_its_public_part():
    body = public(1, number(b"\xff" * 128) + number(65537))
    key, secret = (encoded(packet(tag, body + more), packet(13, b"me")) for tag, more in ((6, b""), (5, b"\0secret")))
    assert pgp.fingerprint(secret) == pgp.fingerprint(key)
    assert len(pgp.fingerprint(key)) == 40


def test_a_key_that_cannot_encrypt_is_refused():
    signing = public(22, bytes([9]) + bytes.fromhex("2b06010401da470f01") + number(b"\x40" + bytes(range(1, 33))))
    with pytest.raises(ValueError, match=r"because it has no valid encryption keys$"):
        pgp.encrypt(b"x", encoded(packet(6, signing), packet(13, b"me")), Entropy("pgp"))


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("!!", "error decoding given PGP key: illegal base64 data at input byte 0"),
        ("a", "error decoding given PGP key: illegal base64 data at input byte 0"),
        ("AAAA", "error parsing given PGP key: openpgp: invalid data: tag byte does not have MSB set"),
        ("", "error parsing given PGP key: EOF"),
        (encoded(packet(13, b"me")), "error parsing given PGP key: openpgp: invalid data: first packet was not a"),
        (encoded(packet(6, public(1, b""))), "error parsing given PGP key: openpgp: invalid data: entity without any"),
        (encoded(b"\xc6\xff"), "error parsing given PGP key: unexpected EOF"),
        (encoded(b"\xc6\x20abc"), "error parsing given PGP key: unexpected EOF"),
    ],
)
def test_what_is_no_key_is_refused_in_the_real_servers_words(key, text):
    with pytest.raises(pgp.PGPKeyError, match=f"^{re.escape(text)}"):
        pgp.check([key])
