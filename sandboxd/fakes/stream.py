"""Deterministic generation, `sandboxd/gen/1`: where the bytes of a fake come from.

A *source* is the place that a value is made for: a seed, a path, a field and a version. Its *stream* is an endless
run of bytes that depends on the source and the kind alone, so the same source gives the same value on every machine:

    PRK     = HMAC-SHA256(key "sandboxd/gen/1", seed)
    info    = path, field, kind id, version in decimal; each as a 4-byte length and UTF-8 bytes
    block i = HMAC-SHA512(PRK, info || 4-byte i), i = 1, 2, ...

This is HKDF (RFC 5869) with an open counter, since prime search outruns the 255 blocks of HKDF-Expand. The length
prefixes keep `a/b` + `c` apart from `a` + `b/c`.
"""

from __future__ import annotations

import hmac

from msgspec import Struct

DOMAIN = b"sandboxd/gen/1"


class Source(Struct, frozen=True):
    """The coordinates of a value.

    seed: what sets one project apart from another; whoever knows it can compute every value.
    path, field: where the value lives. version: rises with every rotation, so the value changes.
    """

    seed: str | bytes
    path: str
    field: str
    version: int = 1

    def __repr__(self) -> str:
        return f"Source(path={self.path!r}, field={self.field!r}, version={self.version})"

    def stream(self, kind: str) -> Stream:
        """The bytes of this place for one kind (its id)."""
        seed = self.seed.encode() if isinstance(self.seed, str) else self.seed
        extracted = hmac.digest(DOMAIN, seed, "sha256")
        return Stream(extracted, _packed(self.path, self.field, kind, str(self.version)))


class Stream:
    """Bytes, numbers and symbols, drawn in order. Two streams with the same `identity` draw the same."""

    __slots__ = ("_buffer", "_counter", "_info", "_prk")

    def __init__(self, prk: bytes, info: bytes) -> None:
        self._prk = prk
        self._info = info
        self._buffer = b""
        self._counter = 0

    def __repr__(self) -> str:
        return "<Stream>"

    @property
    def identity(self) -> tuple[bytes, bytes]:
        """What the stream is computed from, from its first byte on."""
        return self._prk, self._info

    def child(self, label: str) -> Stream:
        """A stream of its own for one part of a value, untouched by what was drawn here."""
        return Stream(self._prk, self._info + _packed(label))

    def shared(self, label: str) -> Stream:
        """A stream that all values of the seed share, whatever their place."""
        return Stream(self._prk, _packed("", "", label, "1"))

    def read(self, count: int) -> bytes:
        """The next `count` bytes."""
        while len(self._buffer) < count:
            self._counter += 1
            self._buffer += hmac.digest(self._prk, self._info + self._counter.to_bytes(4, "big"), "sha512")
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken

    def below(self, limit: int) -> int:
        """A number from 0 to limit - 1, all equally likely: what does not fit is drawn again."""
        bits = (limit - 1).bit_length()
        size = (bits + 7) // 8
        while True:
            drawn = int.from_bytes(self.read(size), "big") >> (8 * size - bits)
            if drawn < limit:
                return drawn

    def symbols(self, count: int, alphabet: str) -> str:
        """`count` symbols of an alphabet."""
        return "".join(alphabet[self.below(len(alphabet))] for _ in range(count))


def _packed(*components: str) -> bytes:
    encoded = [component.encode() for component in components]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)
