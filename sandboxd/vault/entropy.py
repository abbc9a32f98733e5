"""Entropy: the only source of chance.

Unseeded, it is the operating system's. Seeded, it is a stream of SHA-256 blocks over the seed and a counter, so that a
whole run can be repeated byte for byte.
"""

import os
from hashlib import sha256

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

_Key = bytes | None


class Entropy:
    """Random bytes and what is made of them.

    Args:
        seed: makes every value repeatable, in order of the calls; None for unpredictable values.
    """

    def __init__(self, seed: bytes | str | None = None) -> None:
        self._key = None if seed is None else sha256(seed.encode() if isinstance(seed, str) else seed).digest()
        self._counter = 0
        self._pool = b""

    @property
    def seeded(self) -> bool:
        """Whether the values can be repeated."""
        return self._key is not None

    def fork(self, label: str) -> "Entropy":
        """An independent source: derived from this one's seed and the label, or unseeded as this one is."""
        return Entropy(self._derived(label))

    def turn(self, label: str) -> None:
        """Go on with another stream, derived likewise: a process that takes up a kept state repeats no value."""
        self._key, self._counter, self._pool = self._derived(label), 0, b""

    def _derived(self, label: str) -> _Key:
        return None if self._key is None else sha256(self._key + b"\0fork\0" + label.encode()).digest()

    def bytes(self, size: int) -> bytes:
        """So many random bytes."""
        if self._key is None:
            if size > len(self._pool):
                self._pool = os.urandom(max(size, 4096))  # one system call for many small values
            taken, self._pool = self._pool[:size], self._pool[size:]
            return taken
        while len(self._pool) < size:
            self._counter += 1
            self._pool += sha256(self._key + self._counter.to_bytes(8, "big")).digest()
        taken, self._pool = self._pool[:size], self._pool[size:]
        return taken

    def below(self, limit: int) -> int:
        """A uniformly random number from 0 up to but not including `limit`."""
        if limit < 1:
            raise ValueError("limit must be at least 1")
        size = (limit.bit_length() + 7) // 8
        usable = (256**size // limit) * limit
        while (number := int.from_bytes(self.bytes(size), "big")) >= usable:
            pass
        return number % limit

    def text(self, length: int, alphabet: str = BASE62) -> str:
        """So many random symbols of the alphabet."""
        usable = 256 - 256 % len(alphabet)
        found: list[str] = []
        while len(found) < length:
            found += [alphabet[b % len(alphabet)] for b in self.bytes(length - len(found)) if b < usable]
        return "".join(found)

    def uuid(self) -> str:
        """A random UUID in the form that the real server makes: 16 random bytes, no version bits."""
        h = self.bytes(16).hex()
        return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"
