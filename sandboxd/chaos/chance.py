"""Chance that can be replayed: each decision has its own number, drawn from a seed and from what is decided."""

from __future__ import annotations

from hashlib import sha256

_SIZE = 7  # bytes: as many bits as a float holds exactly, and no more


class Chance:
    """Numbers that depend on a seed and on labels alone, whatever else was drawn before.

    Args:
        seed: two of the same seed give the same numbers.
    """

    def __init__(self, seed: str) -> None:
        self.seed = seed
        self._key = sha256(seed.encode("utf-8", "surrogateescape"))

    def number(self, *label: str | int) -> float:
        """A uniformly random number, at least 0 and less than 1."""
        return (int.from_bytes(self.bytes(_SIZE, *label), "big") >> 3) / (1 << 53)

    def bytes(self, size: int, *label: str | int) -> bytes:
        """So many random bytes."""
        key = self._key.copy()
        for part in label:
            key.update(f"\0{part}".encode("utf-8", "surrogateescape"))
        found = b""
        block = 0
        while len(found) < size:
            each = key.copy()
            each.update(b"\0\0%d" % block)
            found += each.digest()
            block += 1
        return found[:size]
