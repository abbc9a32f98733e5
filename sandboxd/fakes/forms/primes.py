"""RSA keys whose modulus starts with a fixed tag.

The top 128 bits of the modulus are a constant, so a key is recognised by its public half too: in a certificate, a JWK,
an `ssh-rsa` line. One prime is drawn freely; the other is searched where the product has the wanted top bits
(Vanstone and Zuccherato, 1994; Lenstra, 1998). A random key carries the tag with probability 2**-128.

The search is pure Python. With gmpy2 installed, powers are computed by it: the same primes, sooner.
"""

from __future__ import annotations

import math
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct

from sandboxd.fakes.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Callable

TAG = 0xC547D91337E5C1CAC72046D2909ADBE7
"""0xC5 and bytes 1 to 15 of SHA-256("sandboxd/rsa-modulus-tag/1")."""
TAG_BITS = 128
EXPONENT = 65537

_SIEVE = 16384
_BASES = (3, 5, 7, 11, 13)


class RsaKey(Struct, frozen=True):
    """An RSA private key."""

    p: int
    q: int

    def __repr__(self) -> str:
        return "<RsaKey>"

    @property
    def n(self) -> int:
        """The modulus."""
        return self.p * self.q

    @property
    def d(self) -> int:
        """The private exponent."""
        return pow(EXPONENT, -1, math.lcm(self.p - 1, self.q - 1))


def is_tagged(modulus: int) -> bool:
    """Whether a modulus is one of ours."""
    return modulus >> max(modulus.bit_length() - TAG_BITS, 0) == TAG


def tagged_key(stream: Stream, bits: int) -> RsaKey:
    """The key of a fresh stream. Keys are remembered, since the search takes up to a second."""
    return _tagged_key(stream.identity, bits)


@lru_cache(maxsize=128)
def _tagged_key(identity: tuple[bytes, bytes], bits: int) -> RsaKey:
    stream = Stream(*identity)
    half = bits // 2
    low, high = TAG << (bits - TAG_BITS), (TAG + 1) << (bits - TAG_BITS)
    while True:
        # Both primes have all their bits: the tag starts with 0.77, so from 0.80 to 0.95 the other is 0.81 to 0.97.
        bottom, top = 80 * 2**half // 100, 95 * 2**half // 100
        p = _prime_from(bottom + stream.below(top - bottom))
        first, last = -(-low // p), (high - 1) // p
        q = _prime_from(first + stream.below((last - first) // 2))
        if q <= last and p != q:
            return RsaKey(max(p, q), min(p, q))


def _prime_from(start: int) -> int:
    """The first prime from a number on that leaves room for the exponent."""
    at = start | 1
    while True:
        for offset in _candidates(at):
            found = at + 2 * offset
            if found % EXPONENT != 1 and _is_prime(found):
                return found
        at += 2 * _SIEVE


def _candidates(start: int) -> list[int]:
    """Offsets k for which start + 2k has no small factor."""
    composite = bytearray(_SIEVE)
    for prime in _small_primes():
        first = -start * ((prime + 1) // 2) % prime
        composite[first::prime] = b"\1" * len(range(first, _SIEVE, prime))
    return [offset for offset, divided in enumerate(composite) if not divided]


@cache
def _small_primes() -> tuple[int, ...]:
    limit = 16384
    sieve = bytearray(b"\1") * limit
    for number in range(2, math.isqrt(limit) + 1):
        if sieve[number]:
            sieve[number * number :: number] = bytes(len(range(number * number, limit, number)))
    return tuple(number for number in range(3, limit, 2) if sieve[number])


@cache
def _power() -> Callable[[int, int, int], int]:
    try:
        from gmpy2 import powmod  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return pow
    return lambda base, exponent, modulus: int(powmod(base, exponent, modulus))


def _is_prime(number: int) -> bool:
    """Miller-Rabin: base 2 first, which nearly every composite fails, then five more for the one that is kept."""
    power = _power()
    twos = ((number - 1) & -(number - 1)).bit_length() - 1
    odd = (number - 1) >> twos

    def passes(base: int) -> bool:
        found = power(base, odd, number)
        if found in (1, number - 1):
            return True
        for _ in range(twos - 1):
            found = found * found % number
            if found == number - 1:
                return True
        return False

    return passes(2) and all(map(passes, _BASES))
