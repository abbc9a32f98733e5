"""The mark, `sandboxd/wm/1`: a hash inside a value that anyone can check offline.

*Masked* is the value with every symbol of its mark (and of the field that replaces a provider's checksum) set to
U+0000. The digest binds all other symbols and the kind, so a changed character, or a value shown as another kind,
no longer verifies:

    D(c) = SHA-256("sandboxd/wm/1" || 00 || kind id || 00 || byte c || masked)

The mark is D(1) written in the alphabet around it; what replaces a checksum comes from D(2).

It has no key: anyone can mint one. It proves that a value was made as a fake, since the holder of a real token does
not choose its symbols; for passwords, which people do choose, it tells the origin and nothing more.
"""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING

from sandboxd.fakes.alphabets import digits

if TYPE_CHECKING:
    from collections.abc import Iterator

DOMAIN = b"sandboxd/wm/1"
BLANK = "\0"


def digest(kind: str, masked: str | bytes, counter: int = 1) -> bytes:
    """D(counter) of a masked value, 32 bytes."""
    body = masked.encode() if isinstance(masked, str) else masked
    return hashlib.sha256(DOMAIN + b"\0" + kind.encode() + b"\0" + bytes([counter]) + body).digest()


def symbols(kind: str, masked: str | bytes, alphabet: str, count: int) -> str:
    """The mark as `count` symbols."""
    return digits(int.from_bytes(digest(kind, masked), "big"), alphabet, count)


def sealed(kind: str, body: bytes, count: int = 8) -> bytes:
    """`body` followed by `count` bytes of mark: the way of binary keys."""
    return body + digest(kind, body + bytes(count))[:count]


def is_sealed(kind: str, value: bytes, count: int = 8) -> bool:
    """Whether the last bytes of a value are its mark."""
    return len(value) > count and sealed(kind, value[:-count], count) == value


def filled(kind: str, masked: str, alphabet: str) -> str:
    """The value that a masked text stands for: its blanks replaced by the mark."""
    written: Iterator[str] = iter(symbols(kind, masked, alphabet, masked.count(BLANK)))
    return "".join(next(written) if symbol == BLANK else symbol for symbol in masked)


def is_filled(kind: str, value: str, masked: str, alphabet: str) -> bool:
    """Whether a value is what its masked text stands for."""
    return filled(kind, masked, alphabet) == value


def bits(alphabet: str, count: int) -> float:
    """How many bits a mark holds: a random value carries it with probability 2**-bits."""
    return count * math.log2(len(alphabet))
