"""Shamir's secret sharing over GF(256), share by share what HashiCorp's `shamir` package makes and combines.

A **share** is the value of one polynomial for each byte of the secret, all at the same point, followed by one byte that
tells the point. Any **threshold** of the shares give the secret back; fewer tell nothing. Source: OpenBao's
`sdk/helper/shamir`, for the field (AES's, polynomial 0x11b), the layout and the error texts.
"""

from collections.abc import Iterable, Sequence

from sandboxd.vault.entropy import Entropy


def _tables() -> tuple[list[int], list[int]]:
    """Powers of the generator 3, twice around, and the logarithms to that base."""
    powers, logarithms, value = [0] * 510, [0] * 256, 1
    for exponent in range(255):
        powers[exponent] = powers[exponent + 255] = value
        logarithms[value] = exponent
        value ^= value << 1 ^ (0x11B if value & 0x80 else 0)
    return powers, logarithms


_POWERS, _LOGARITHMS = _tables()


def split(secret: bytes, shares: int, threshold: int, entropy: Entropy) -> list[bytes]:
    """So many shares of the secret, each one byte longer than it.

    Raises ValueError with the real package's text, for a threshold below 2 too: one share needs no splitting.
    """
    if shares < threshold:
        raise ValueError("parts cannot be less than threshold")
    if shares > 255:
        raise ValueError("parts cannot exceed 255")
    if threshold < 2:
        raise ValueError("threshold must be at least 2")
    if not secret:
        raise ValueError("cannot split an empty secret")
    points = _points(entropy)[:shares]
    polynomials = [bytes([byte]) + entropy.bytes(threshold - 1) for byte in secret]
    return [bytes([*(_evaluate(polynomial, x) for polynomial in polynomials), x]) for x in points]


def combine(shares: Sequence[bytes]) -> bytes:
    """The secret that the shares were made of, if there are enough of them. Raises ValueError with the real text."""
    if len(shares) < 2:
        raise ValueError("less than two parts cannot be used to reconstruct the secret")
    length = len(shares[0])
    if length < 2:
        raise ValueError("parts must be at least two bytes")
    if any(len(share) != length for share in shares):
        raise ValueError("all parts must be the same length")
    points = [share[-1] for share in shares]
    if len(set(points)) < len(points):
        raise ValueError("duplicate part detected")
    weights = [_weight(points, index) for index in range(len(points))]
    return bytes(
        _sum(_multiply(share[at], weight) for share, weight in zip(shares, weights, strict=True))
        for at in range(length - 1)
    )


def _points(entropy: Entropy) -> list[int]:
    """The numbers 1 to 255 in random order; at 0 the polynomials give away the secret."""
    points = list(range(1, 256))
    for index in range(254, 0, -1):
        other = entropy.below(index)
        points[index], points[other] = points[other], points[index]
    return points


def _evaluate(polynomial: bytes, x: int) -> int:
    value = 0
    for coefficient in reversed(polynomial):
        value = _multiply(value, x) ^ coefficient
    return value


def _weight(points: Sequence[int], index: int) -> int:
    """What the share at one point counts in the value at 0 (Lagrange)."""
    weight = 1
    for other, point in enumerate(points):
        if other != index:
            weight = _multiply(weight, _divide(point, points[index] ^ point))
    return weight


def _sum(values: Iterable[int]) -> int:
    total = 0
    for value in values:
        total ^= value
    return total


def _multiply(a: int, b: int) -> int:
    return _POWERS[_LOGARITHMS[a] + _LOGARITHMS[b]] if a and b else 0


def _divide(a: int, b: int) -> int:
    return _POWERS[_LOGARITHMS[a] + 255 - _LOGARITHMS[b]] if a else 0
