"""Wrapping tokens in the form of a JWT: signed with a key of the world's own, and naming the token in `jti`.

Source: OpenBao's wrapping code; the texts of refusals are go-jose's.
"""

import base64
import json
from typing import TYPE_CHECKING, Any

import msgspec

from sandboxd.vault.errors import VaultError
from sandboxd.vault.gotext import quote

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

    from sandboxd.vault.world import World

_HEADER = b'{"alg":"ES512","typ":"JWT"}'
_SIZE = 66  # bytes of each of the two numbers of a P-521 signature
_PATH = "core/wrapping/jwtkey"


class SigningKey(msgspec.Struct, frozen=True):
    """The secret number of the P-521 key that wrapping tokens are signed with."""

    secret: bytes


class BadWrappingJWT(VaultError):
    """What looks like a JWT, and is no wrapping token."""

    status = 403


def looks_like_one(token: str) -> bool:
    """Whether a token has a JWT's two dots, and no token's prefix before one of them."""
    return len(token) > 3 and token.count(".") == 2 and "." not in (token[1], token[3])


def sign(world: "World", token_id: str, *, moment: int, ttl: int, accessor: str) -> str:
    """The JWT for a wrapping token.

    Args:
        moment: when it was made, in seconds since 1970.
        ttl: seconds that it lasts.
        accessor: of the token that is wrapped, if one is.
    """
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    claims = {
        "accessor": accessor,
        "addr": world.settings.api_address,
        "exp": moment + ttl,
        "iat": moment,
        "jti": token_id,
        "nbf": moment - 5,
        "type": "wrapping",
    }
    signed = f"{_encode(_HEADER)}.{_encode(msgspec.json.encode(claims))}"
    chosen = ec.ECDSA(hashes.SHA512(), deterministic_signing=True)  # RFC 6979: no chance but the world's own
    r, s = decode_dss_signature(_key(world).sign(signed.encode(), chosen))
    return f"{signed}.{_encode(r.to_bytes(_SIZE, 'big') + s.to_bytes(_SIZE, 'big'))}"


def read(world: "World", jwt: str) -> str:
    """The id of the wrapping token that a JWT stands for. Raises BadWrappingJWT."""
    parts = jwt.split(".")
    header = _object(parts[0])
    algorithm = header.get("alg", "")
    if algorithm != "ES512":
        raise _unparsable(f'unexpected signature algorithm {quote(str(algorithm))}; expected ["ES512"]')
    claims, signature = _decode(parts[1]), _decode(parts[2])
    if not _is_signed(world, f"{parts[0]}.{parts[1]}", signature):
        raise BadWrappingJWT(
            "error validating wrapping token: wrapping token signature could not be validated: "
            "go-jose/go-jose: error in cryptographic primitive"
        )
    return str(json.loads(claims)["jti"])


def _is_signed(world: "World", signed: str, signature: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    if len(signature) != 2 * _SIZE:
        return False
    r, s = int.from_bytes(signature[:_SIZE], "big"), int.from_bytes(signature[_SIZE:], "big")
    try:
        _key(world).public_key().verify(encode_dss_signature(r, s), signed.encode(), ec.ECDSA(hashes.SHA512()))
    except InvalidSignature:
        return False
    return True


def _key(world: "World") -> "EllipticCurvePrivateKey":
    from cryptography.hazmat.primitives.asymmetric import ec

    stored = world.storage.get(_PATH)
    if not isinstance(stored, SigningKey):
        stored = SigningKey(secret=world.entropy.bytes(64))  # below the curve's order, which has 521 bits
        world.storage.put(_PATH, stored)
    return ec.derive_private_key(int.from_bytes(stored.secret, "big"), ec.SECP521R1())


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decode(part: str) -> bytes:
    from sandboxd.fakes.tokens import decode_base64

    try:
        return decode_base64(part)
    except ValueError as error:
        raise _unparsable(str(error)) from None


def _object(part: str) -> dict[str, Any]:
    text = _decode(part).decode("utf-8", "replace")
    try:
        found = json.loads(text)
    except ValueError as error:
        at = getattr(error, "pos", 0)
        if at >= len(text) or text[at:].startswith('"'):
            raise _unparsable("unexpected end of JSON input") from None
        raise _unparsable(f"invalid character '{text[at]}' looking for beginning of value") from None
    return found if isinstance(found, dict) else {}


def _unparsable(why: str) -> BadWrappingJWT:
    return BadWrappingJWT(f"error validating wrapping token: wrapping token could not be parsed: {why}")
