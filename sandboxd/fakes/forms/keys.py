"""Private keys as PEM: RSA, elliptic curve, Ed25519, and OpenSSH's container.

RSA keys carry the tag in their modulus (`primes`). The other keys end in eight bytes of mark: scalar or seed = random
bytes + mark. PKCS#8 (RFC 5958), PKCS#1 (RFC 8017), RFC 8410 and OpenSSH's PROTOCOL.key are written by hand where a
library would put chance into them. A key is recognised in whichever of these containers it comes.
"""

from __future__ import annotations

import base64
import math
import re
from typing import TYPE_CHECKING

from sandboxd.fakes import mark
from sandboxd.fakes.forms import der, primes
from sandboxd.fakes.forms.primes import EXPONENT, RsaKey
from sandboxd.fakes.model import VALUE, Form, Parts
from sandboxd.fakes.options import NoOptions, Options, option

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

    from sandboxd.fakes.stream import Stream

COMMENT = "sandboxd-fake"
_RSA = der.sequence(der.oid(1, 2, 840, 113549, 1, 1, 1), der.NULL)
_ED25519 = der.sequence(der.oid(1, 3, 101, 112))
_PEM = r"-----BEGIN (?P<label>[A-Z0-9 ]+)-----(?:[^-]|-(?!----))+-----END (?P=label)-----"
_PUBLIC_PARTS = {"public_key": "The public key, as PEM.", "public_key_openssh": "The public key, as OpenSSH writes it."}


class RsaOptions(Options):
    """An RSA key."""

    bits: int = option(2048, "Size of the modulus.", choices=(2048, 3072, 4096))
    format: str = option("pkcs8", "pkcs8 (PRIVATE KEY) or pkcs1 (RSA PRIVATE KEY).", choices=("pkcs8", "pkcs1"))


def rsa() -> Form:
    """RSA private keys with a tagged modulus."""

    def make(_kind: str, stream: Stream, options: RsaOptions) -> Parts:
        key = primes.tagged_key(stream.child("rsa"), options.bits)
        return {
            VALUE: rsa_pem(key) if options.format == "pkcs8" else der.pem("RSA PRIVATE KEY", _pkcs1(key)),
            "public_key": der.pem("PUBLIC KEY", rsa_public(key)),
            "public_key_openssh": _openssh_line("ssh-rsa", _ssh_integer(EXPONENT) + _ssh_integer(key.n)),
        }

    return Form(make=make, marked=rsa_is_marked, bits=float(primes.TAG_BITS), options=RsaOptions, parts=_PUBLIC_PARTS)


def rsa_pem(key: RsaKey) -> str:
    """A key as PKCS#8 PEM."""
    return der.pem("PRIVATE KEY", der.sequence(der.integer(0), _RSA, der.octets(_pkcs1(key))))


def rsa_public(key: RsaKey) -> bytes:
    """The public half as SubjectPublicKeyInfo."""
    return der.sequence(_RSA, der.bits(der.sequence(der.integer(key.n), der.integer(EXPONENT))))


def rsa_is_marked(_kind: str, value: str) -> bool:
    """Whether a PEM private key is RSA with a tagged modulus."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    key = read_private(value)
    if not isinstance(key, RSAPrivateKey):
        return False
    numbers = key.private_numbers()
    modulus, d, p, q = numbers.public_numbers.n, numbers.d, numbers.p, numbers.q
    return (
        primes.is_tagged(modulus)
        and p * q == modulus
        and d * numbers.public_numbers.e % math.lcm(p - 1, q - 1) == 1
        and (numbers.dmp1, numbers.dmq1, numbers.iqmp) == (d % (p - 1), d % (q - 1), pow(q, -1, p))
    )


def _pkcs1(key: RsaKey) -> bytes:
    private, p, q = key.d, key.p, key.q
    numbers = (0, key.n, EXPONENT, private, p, q, private % (p - 1), private % (q - 1), pow(q, -1, p))
    return der.sequence(*map(der.integer, numbers))


class EcOptions(Options):
    """An elliptic curve key."""

    curve: str = option("P-256", "The curve.", choices=("P-256", "P-384"))


def ec() -> Form:
    """Elliptic curve private keys."""

    def make(kind: str, stream: Stream, options: EcOptions) -> Parts:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        curve, size = (ec.SECP256R1(), 32) if options.curve == "P-256" else (ec.SECP384R1(), 48)
        key = ec.derive_private_key(_scalar(kind, stream, curve.group_order, size), curve)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return {VALUE: private.decode(), **_public(key.public_key())}

    def marked(kind: str, value: str) -> bool:
        from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

        key = read_private(value)
        if not isinstance(key, EllipticCurvePrivateKey):
            return False
        scalar = key.private_numbers().private_value
        return mark.is_sealed(kind, scalar.to_bytes((key.key_size + 7) // 8, "big"))

    return Form(make=make, marked=marked, bits=64.0, options=EcOptions, parts=_PUBLIC_PARTS)


def _scalar(kind: str, stream: Stream, order: int, size: int) -> int:
    while True:
        scalar = int.from_bytes(mark.sealed(kind, stream.read(size - 8)), "big")
        if 0 < scalar < order:
            return scalar


def ed25519() -> Form:
    """Ed25519 private keys as PKCS#8."""

    def make(kind: str, stream: Stream, _options: NoOptions) -> Parts:
        seed = mark.sealed(kind, stream.read(24))
        private = der.sequence(der.integer(0), _ED25519, der.octets(der.octets(seed)))
        return {VALUE: der.pem("PRIVATE KEY", private), **_ed25519_public(seed)}

    return Form(make=make, marked=_ed25519_is_marked, bits=64.0, parts=_PUBLIC_PARTS)


def openssh() -> Form:
    """Ed25519 private keys as ssh-keygen writes them."""

    def make(kind: str, stream: Stream, _options: NoOptions) -> Parts:
        seed = mark.sealed(kind, stream.read(24))
        # ssh-keygen draws the check integer; here it comes from the stream, so the text is the same every time.
        return {VALUE: _openssh_container(seed, stream.read(4)), **_ed25519_public(seed)}

    return Form(make=make, marked=_ed25519_is_marked, bits=64.0, parts=_PUBLIC_PARTS)


def ed25519_public(seed: bytes) -> bytes:
    """The public key of a seed, 32 bytes."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def _ed25519_public(seed: bytes) -> Parts:
    public = ed25519_public(seed)
    return {
        "public_key": der.pem("PUBLIC KEY", der.sequence(_ED25519, der.bits(public))),
        "public_key_openssh": _openssh_line("ssh-ed25519", _ssh_string(public)),
    }


def _ed25519_is_marked(kind: str, value: str) -> bool:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = read_private(value)
    return isinstance(key, Ed25519PrivateKey) and mark.is_sealed(kind, key.private_bytes_raw())


def _openssh_container(seed: bytes, check: bytes) -> str:
    public = ed25519_public(seed)
    entry = _ssh_string(b"ssh-ed25519") + _ssh_string(public)
    private = check * 2 + entry + _ssh_string(seed + public) + _ssh_string(COMMENT.encode())
    private += bytes(range(1, -len(private) % 8 + 1))
    header = b"openssh-key-v1\0" + _ssh_string(b"none") * 2 + _ssh_string(b"") + (1).to_bytes(4, "big")
    return der.pem("OPENSSH PRIVATE KEY", header + _ssh_string(entry) + _ssh_string(private), width=70)


def _ssh_string(content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + content


def _ssh_integer(value: int) -> bytes:
    return _ssh_string(value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _openssh_line(algorithm: str, content: bytes) -> str:
    body = base64.b64encode(_ssh_string(algorithm.encode()) + content).decode()
    return f"{algorithm} {body} {COMMENT}"


def _public(key: object) -> Parts:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

    assert isinstance(key, EllipticCurvePublicKey)
    encoding, form = serialization.Encoding, serialization.PublicFormat
    line = key.public_bytes(encoding.OpenSSH, form.OpenSSH).decode()
    return {
        "public_key": key.public_bytes(encoding.PEM, form.SubjectPublicKeyInfo).decode(),
        "public_key_openssh": f"{line} {COMMENT}",
    }


def read_private(text: str) -> PrivateKeyTypes | None:
    """Read the first private key in a PEM text; None when it holds none that can be read without a password.

    Line breaks may be written as backslash and n, as in JSON and environment files.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    for found in re.finditer(_PEM, text.replace("\\n", "\n")):
        if not found["label"].endswith("PRIVATE KEY"):
            continue
        load = serialization.load_ssh_private_key if "OPENSSH" in found["label"] else serialization.load_pem_private_key
        try:
            # The slow half of the library's checks is left out: whoever asks looks at the numbers.
            key: PrivateKeyTypes = load(found[0].encode(), None, unsafe_skip_rsa_key_validation=True)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            return None
        return key
    return None
