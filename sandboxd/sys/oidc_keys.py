"""The named keys that identity tokens are signed with: made, rotated, and shown as JSON Web Keys.

A **named key** holds the key that signs now, the next one, and a **ring** of all that verify. At each rotation the next
one takes over; the old one verifies for a while and goes. Moments are nanoseconds since 1970, times seconds.
"""

import base64
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from sandboxd.vault.clock import NANOSECONDS
from sandboxd.vault.entropy import Entropy
from sandboxd.vault.storage import View

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

ALGORITHMS = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "EdDSA")
DEFAULT = "default"
DAY = 24 * 60 * 60
_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
_SIZES = {"ES256": 32, "ES384": 48, "ES512": 66}


class SigningKey(msgspec.Struct, frozen=True):
    """A private key: PKCS #8 in DER."""

    id: str
    algorithm: str
    der: bytes

    def __repr__(self) -> str:
        return f"SigningKey(id={self.id!r}, algorithm={self.algorithm!r})"


class RingEntry(msgspec.Struct, frozen=True):
    """A key that verifies, until a moment (0: until it is rotated out)."""

    key: SigningKey
    expires: int = 0


class NamedKey(msgspec.Struct, frozen=True, kw_only=True):
    """A named key, as stored."""

    algorithm: str = ""
    rotation_period: int = DAY
    verification_ttl: int = DAY
    allowed_client_ids: tuple[str, ...] = ()
    ring: tuple[RingEntry, ...] = ()
    signing: SigningKey | None = None
    next: SigningKey | None = None
    next_rotation: int = 0

    def allows(self, client_id: str) -> bool:
        """Whether a role with that client id may sign with it."""
        return "*" in self.allowed_client_ids or client_id in self.allowed_client_ids


class Keys:
    """The named keys of a namespace."""

    def __init__(self, view: View, entropy: Entropy, now: int) -> None:
        self._view = view
        self._entropy = entropy
        self._now = now

    def names(self) -> list[str]:
        """The names of all keys, sorted; one is there from the start."""
        return sorted({DEFAULT, *self._view.list()})

    def get(self, name: str) -> NamedKey | None:
        """The key with that name, or None."""
        found = self._view.get(name, NamedKey)
        if found is None and name == DEFAULT:
            return NamedKey(algorithm="RS256", allowed_client_ids=("*",), next_rotation=self._now + DAY * NANOSECONDS)
        return found

    def put(self, name: str, key: NamedKey) -> None:
        """Keep a key."""
        self._view.put(name, key)

    def replace(self, name: str, old: NamedKey, new: NamedKey) -> bool:
        """Keep a key in place of the one it was made from; give False when another request changed it meanwhile."""
        if self.get(name) != old:
            return False
        self.put(name, new)
        return True

    def delete(self, name: str) -> None:
        """Forget a key."""
        self._view.delete(name)

    async def fresh(self, key: NamedKey) -> NamedKey:
        """The named key with a signing key and a next one made for its algorithm."""
        signing, following = await self._make(key.algorithm), await self._make(key.algorithm)
        ring = (*key.ring, RingEntry(signing), RingEntry(following))
        return msgspec.structs.replace(key, ring=ring, signing=signing, next=following)

    async def rotated(self, key: NamedKey, *, at: int, verification_ttl: int) -> NamedKey:
        """The named key after a rotation at a moment; the old key verifies for a time from then on."""
        ending = at + verification_ttl * NANOSECONDS
        ring = tuple(
            RingEntry(entry.key, ending) if key.signing is not None and entry.key.id == key.signing.id else entry
            for entry in key.ring
        )
        signing = key.next
        if signing is None:
            signing = await self._make(key.algorithm)
            ring = (*ring, RingEntry(signing))
        following = await self._make(key.algorithm)
        return msgspec.structs.replace(
            key,
            ring=(*ring, RingEntry(following)),
            signing=signing,
            next=following,
            next_rotation=at + key.rotation_period * NANOSECONDS,
        )

    async def settle(self) -> None:
        """Carry out every rotation that is due, in order, and let keys go whose time to verify is over."""
        for name in self._view.list():
            key = self._view.get(name, NamedKey)
            if key is None:
                continue
            settled = await self._caught_up(key)
            left = tuple(entry for entry in settled.ring if not entry.expires or entry.expires >= self._now)
            settled = msgspec.structs.replace(settled, ring=left)
            if settled != key:
                self.replace(name, key, settled)

    async def _caught_up(self, key: NamedKey) -> NamedKey:
        period = key.rotation_period * NANOSECONDS
        missed = (self._now - key.next_rotation) // period
        # Keys that were rotated out long ago verify nothing any more: they need not be made.
        skipped = max(0, missed - key.verification_ttl // key.rotation_period - 1)
        if skipped and key.signing is not None:
            key = msgspec.structs.replace(key, next_rotation=key.next_rotation + skipped * period)
        while self._now > key.next_rotation and key.signing is not None:
            key = await self.rotated(key, at=key.next_rotation, verification_ttl=key.verification_ttl)
        return key

    async def _make(self, algorithm: str) -> SigningKey:
        key_id = self._entropy.uuid()
        if algorithm.startswith("RS"):
            return SigningKey(key_id, algorithm, await _rsa(self._entropy))
        return SigningKey(key_id, algorithm, _elliptic(self._entropy, algorithm))


async def _rsa(entropy: Entropy) -> bytes:
    """A new RSA key in DER. A seeded source gives the same key each time, found more slowly."""
    import asyncio

    from cryptography.hazmat.primitives.asymmetric import rsa

    if not entropy.seeded:
        # The library draws from the operating system, as an unseeded source does.
        return _der(await asyncio.to_thread(rsa.generate_private_key, 65537, 2048))
    from sandboxd.fakes.forms.primes import EXPONENT, tagged_key
    from sandboxd.fakes.stream import Stream

    found = await asyncio.to_thread(tagged_key, Stream(entropy.bytes(32), b"identity token"), 2048)
    numbers = rsa.RSAPrivateNumbers(
        p=found.p,
        q=found.q,
        d=found.d,
        dmp1=rsa.rsa_crt_dmp1(found.d, found.p),
        dmq1=rsa.rsa_crt_dmq1(found.d, found.q),
        iqmp=rsa.rsa_crt_iqmp(found.p, found.q),
        public_numbers=rsa.RSAPublicNumbers(EXPONENT, found.n),
    )
    return _der(numbers.private_key(unsafe_skip_rsa_key_validation=True))


def _elliptic(entropy: Entropy, algorithm: str) -> bytes:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519

    if algorithm == "EdDSA":
        return _der(ed25519.Ed25519PrivateKey.from_private_bytes(entropy.bytes(32)))
    curve = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}[algorithm]
    # Any number below the order will do: the top bit is left out, which is far from it on all three curves.
    number = 1 + entropy.below(1 << (curve.key_size - 1))
    return _der(ec.derive_private_key(number, curve))


def _der(key: "PrivateKeyTypes") -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


@lru_cache(maxsize=64)
def _loaded(der: bytes) -> "PrivateKeyTypes":
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    return load_der_private_key(der, None)


@lru_cache(maxsize=64)
def public_jwk(key: SigningKey) -> Mapping[str, str]:
    """The public half as a JSON Web Key, its fields in the real server's order."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public: Any = _loaded(key.der).public_key()
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        shown = {"n": _base64(_unsigned(numbers.n)), "e": _base64(_unsigned(numbers.e))}
        return {"use": "sig", "kty": "RSA", "kid": key.id, "alg": key.algorithm, **shown}
    if isinstance(public, ec.EllipticCurvePublicKey):
        point, size = public.public_numbers(), _SIZES[key.algorithm]
        shown = {"x": _base64(point.x.to_bytes(size, "big")), "y": _base64(point.y.to_bytes(size, "big"))}
        head = {"use": "sig", "kty": "EC", "kid": key.id, "crv": _CURVES[key.algorithm], "alg": key.algorithm}
        return {**head, **shown}
    raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return {"use": "sig", "kty": "OKP", "kid": key.id, "crv": "Ed25519", "alg": key.algorithm, "x": _base64(raw)}


def sign(key: SigningKey, payload: bytes) -> str:
    """A payload as a signed JSON Web Token."""
    head = msgspec.json.encode({"alg": key.algorithm, "kid": key.id})
    signed = f"{_base64(head)}.{_base64(payload)}"
    return f"{signed}.{_base64(_signature(key, signed.encode()))}"


def verifies(key: SigningKey, signed: bytes, signature: bytes) -> bool:
    """Whether a signature is that of the key."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    public: Any = _loaded(key.der).public_key()
    try:
        if isinstance(public, rsa.RSAPublicKey):
            public.verify(signature, signed, padding.PKCS1v15(), _hash(key.algorithm))
        elif isinstance(public, ec.EllipticCurvePublicKey):
            size = _SIZES[key.algorithm]
            if len(signature) != 2 * size:
                return False
            r, s = (int.from_bytes(part, "big") for part in (signature[:size], signature[size:]))
            public.verify(encode_dss_signature(r, s), signed, ec.ECDSA(_hash(key.algorithm)))
        else:
            public.verify(signature, signed)
    except InvalidSignature:
        return False
    return True


def _signature(key: SigningKey, signed: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    private: Any = _loaded(key.der)
    if isinstance(private, rsa.RSAPrivateKey):
        return private.sign(signed, padding.PKCS1v15(), _hash(key.algorithm))
    if isinstance(private, ec.EllipticCurvePrivateKey):
        size = _SIZES[key.algorithm]
        r, s = decode_dss_signature(private.sign(signed, ec.ECDSA(_hash(key.algorithm))))
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")
    signature: bytes = private.sign(signed)
    return signature


def _hash(algorithm: str) -> Any:
    from cryptography.hazmat.primitives import hashes

    return {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}[algorithm[2:]]


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _unsigned(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")
