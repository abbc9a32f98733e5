"""Tokens of Kubernetes service accounts: JSON Web Tokens as a cluster signs them, by a key that is never a cluster's.

The issuer is on this machine or under a reserved name, the key that signs is a tagged RSA key (`primes`), and the mark
in the `jti` binds header and claims: a token whose claims were changed does not carry it any more. The signature is for
whoever verifies against the published key set.
"""

from __future__ import annotations

import base64
import json
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sandboxd.fakes import hosts, mark
from sandboxd.fakes.alphabets import HEX
from sandboxd.fakes.errors import OptionError
from sandboxd.fakes.forms.chosen import unbase64
from sandboxd.fakes.forms.keys import read_private, rsa_pem
from sandboxd.fakes.forms.primes import tagged_key
from sandboxd.fakes.model import VALUE, Form, Parts
from sandboxd.fakes.options import Options, option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from sandboxd.fakes.stream import Stream

_MARKED = 14  # hex digits at the end of the jti


class ServiceAccountOptions(Options):
    """Whose token it is, and for whom."""

    namespace: str = option("default", "Namespace of the service account.", maximum=253)
    name: str = option("default", "Name of the service account.", maximum=253)
    uid: str = option("", "UID of the service account; made up when empty.", maximum=64)
    issuer: str = option("https://127.0.0.1:6443", "Who issued it (iss): a URL whose host is reserved or loopback.")
    audiences: tuple[str, ...] = option((), "Whom it is for (aud); the issuer when empty.")
    issued_at: int = option(946684800, "When it was issued (iat), in seconds since 1970.", minimum=0)
    expires_at: int = option(4102444800, "When it expires (exp), in seconds since 1970.", minimum=0)
    private_key: str = option("", "PEM of the RSA key that signs; one for all values of a seed when empty.")


def rs256() -> Form:
    """Tokens as a cluster's API hands them out."""

    def make(kind: str, stream: Stream, options: ServiceAccountOptions) -> Parts:
        if not hosts.is_local(hosts.of_url(options.issuer)):
            raise OptionError("issuer must be a URL whose host is reserved or loopback")
        key = load_key(options.private_key or rsa_pem(tagged_key(stream.shared("kubernetes"), 2048)))
        account = {"name": options.name, "uid": options.uid or _uuid(stream)}
        drawn = _uuid(stream)
        claims: dict[str, object] = {
            "aud": list(options.audiences) or [options.issuer],
            "exp": options.expires_at,
            "iat": options.issued_at,
            "iss": options.issuer,
            "jti": drawn,
            "kubernetes.io": {"namespace": options.namespace, "serviceaccount": account},
            "nbf": options.issued_at,
            "sub": f"system:serviceaccount:{options.namespace}:{options.name}",
        }
        header = json.dumps({"alg": "RS256", "kid": key_id(key)}, separators=(",", ":"))
        payload = json.dumps(claims, separators=(",", ":"))
        payload = payload.replace(drawn, _jti(kind, header, payload, drawn))
        signed = f"{_encoded(header.encode())}.{_encoded(payload.encode())}"
        return {VALUE: f"{signed}.{_encoded(_signature(key, signed.encode()))}", "jwks": json.dumps(key_set(key))}

    def marked(kind: str, value: str) -> bool:
        found = _opened(value)
        if found is None:
            return False
        header, payload, claims = found
        identifier = claims.get("jti")
        return (
            isinstance(identifier, str)
            and len(identifier) == 36
            and payload.count(identifier) == 1
            and _jti(kind, header, payload, identifier) == identifier
            and broken(value)
        )

    def broken(value: str) -> bool:
        found = _opened(value)
        if found is None:
            return False
        issuer = found[2].get("iss")
        return "kubernetes.io" in found[2] and isinstance(issuer, str) and hosts.is_local(hosts.of_url(issuer))

    parts = {"jwks": "The key set, as JSON, against which it verifies."}
    return Form(make=make, marked=marked, broken=broken, bits=4.0 * _MARKED, options=ServiceAccountOptions, parts=parts)


def key_set(key: RSAPrivateKey) -> Mapping[str, Any]:
    """The public half of a key as a JSON Web Key Set (RFC 7517)."""
    numbers = key.public_key().public_numbers()
    size = (key.key_size + 7) // 8
    public = {
        "use": "sig",
        "kty": "RSA",
        "kid": key_id(key),
        "alg": "RS256",
        "n": _encoded(numbers.n.to_bytes(size, "big")),
        "e": _encoded(numbers.e.to_bytes(3, "big")),
    }
    return {"keys": [public]}


def key_id(key: RSAPrivateKey) -> str:
    """The id of a key, as Kubernetes makes it: a hash of the public half."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return _encoded(sha256(public).digest())


@lru_cache(maxsize=32)
def load_key(pem: str) -> RSAPrivateKey:
    """A signing key. Raises OptionError for what is no RSA key."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    key = read_private(pem)
    if not isinstance(key, RSAPrivateKey):
        raise OptionError("private_key must be an RSA key in PEM")
    return key


def _signature(key: RSAPrivateKey, signed: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    return key.sign(signed, PKCS1v15(), SHA256())


def _uuid(stream: Stream) -> str:
    drawn = stream.symbols(30, HEX)
    return f"{drawn[:8]}-{drawn[8:12]}-4{drawn[12:15]}-a{drawn[15:18]}-{drawn[18:]}"


def _jti(kind: str, header: str, payload: str, identifier: str) -> str:
    """The id with its mark, which binds all else that the token says."""
    start = identifier[:-15]  # 14 digits, and the hyphen among them
    masked = f"{header}.{payload.replace(identifier, start + mark.BLANK * _MARKED)}"
    digits = mark.symbols(kind, masked, HEX, _MARKED)
    return f"{start}{digits[:2]}-{digits[2:]}"


def _opened(value: str) -> tuple[str, str, dict[str, object]] | None:
    """Header and claims as they are written, and the claims; None for what is no token."""
    segments = value.split(".")
    if len(segments) != 3:
        return None
    parts = [unbase64(segment) for segment in segments]
    if None in parts or [_encoded(part) for part in parts if part is not None] != segments:
        return None
    try:
        header, payload = (part.decode() for part in parts[:2] if part is not None)
        claims = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    return (header, payload, claims) if isinstance(claims, dict) else None


def _encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()
