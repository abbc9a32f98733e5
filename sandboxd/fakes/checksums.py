"""Checksums that providers put into their tokens, and how a fake breaks each of them.

A `Checksum` knows three things about the field that ends (or nearly ends) a token: what the provider would write
there, what sandboxd writes instead, and when a field is one the provider cannot have written. Two ways are used:

- *overflow*: where the field has room for more than 32 bits, it holds a number above 2**32 - 1. That is wrong for every
  body, whatever a CRC32 is taken over.
- *xor*: where all 32 bits are taken, the right checksum with a digest that is never zero over it.

The rules were recomputed on published samples, or read in the provider's own or another scanner's source: GitHub and
npm (GitHub's blog, 2021-04-05 and 2021-09-23), GitLab (merge request 169322), Grafana (its `apikeygenprefixed`), Azure
(microsoft/security-utilities), Atlassian (CredSweeper), Cloudflare and Vercel (samples only).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib
from typing import TYPE_CHECKING

from msgspec import Struct

from sandboxd.fakes.alphabets import ALNUM_LOWER, AZURE66, BASE32, BASE62, digits, number

if TYPE_CHECKING:
    from collections.abc import Callable

_UINT32 = 2**32


class Checksum(Struct, frozen=True):
    """A provider's checksum.

    width: symbols of the field. alphabet: what the fake's field is written with.
    right(before): what the provider writes after these characters. wrong(before, digest): what sandboxd writes.
    broken(before, found): no provider can have written `found` there.
    """

    width: int
    alphabet: str
    right: Callable[[str], str]
    wrong: Callable[[str, int], str]
    broken: Callable[[str, str], bool]


def marvin32(data: bytes, seed: int) -> int:
    """Microsoft's Marvin32, folded to 32 bits (dotnet/runtime)."""
    mask = _UINT32 - 1
    low, high = seed & mask, seed >> 32

    def rotated(value: int, count: int) -> int:
        return (value << count | value >> (32 - count)) & mask

    whole = len(data) // 4 * 4
    words = [int.from_bytes(data[at : at + 4], "little") for at in range(0, whole, 4)]
    for word in (*words, int.from_bytes(data[whole:] + b"\x80", "little"), 0):
        low = (low + word) & mask
        high ^= low
        low = (rotated(low, 20) + high) & mask
        high = rotated(high, 9) ^ low
        low = (rotated(low, 27) + high) & mask
        high = rotated(high, 19)
    return low ^ high


def _crc(text: str) -> int:
    return zlib.crc32(text.encode())


def _everything(before: str) -> str:
    return before


def _body(before: str) -> str:
    return before.partition("_")[2]


def _overflow(alphabet: str, width: int, covered: Callable[[str], str]) -> Checksum:
    room = len(alphabet) ** width - _UINT32

    def broken(_before: str, found: str) -> bool:
        return number(found, alphabet) >= _UINT32

    return Checksum(
        width=width,
        alphabet=alphabet,
        right=lambda before: digits(_crc(covered(before)), alphabet, width),
        wrong=lambda _before, digest: digits(_UINT32 + digest % room, alphabet, width),
        broken=broken,
    )


def _differing(
    alphabet: str, write: Callable[[int], str], covered: Callable[[str], str], mixed: Callable[[str], str]
) -> Checksum:
    """A 32-bit field: `covered` is what the provider's CRC32 is over, `mixed` what the fake's is."""

    def right(before: str) -> str:
        return write(_crc(covered(before)))

    return Checksum(
        width=8,
        alphabet=alphabet,
        right=right,
        wrong=lambda before, digest: write(_crc(mixed(before)) ^ 1 + digest % (_UINT32 - 1)),
        broken=lambda before, found: found != right(before),
    )


def _hex(value: int) -> str:
    return f"{value:08x}"


def _hex_upper(value: int) -> str:
    return f"{value:08X}"


def _hex_little(value: int) -> str:
    return value.to_bytes(4, "little").hex()


CRC32_BASE62 = _overflow(BASE62, 6, _body)
CRC32_BASE36 = _overflow(ALNUM_LOWER, 7, _everything)
CRC32_HEX_BODY = _differing("0123456789abcdef", _hex, _body, _body)
CRC32_HEX_UPPER = _differing("0123456789ABCDEF", _hex_upper, _everything, _everything)
# Grafana's CRC32 stops before the underscore that separates it; the published vector of the fake runs over it. The two
# fields could meet once in 2**32 values: a value that does not break the rule is drawn again.
CRC32_HEX_LITTLE = _differing("0123456789abcdef", _hex_little, lambda before: before.removesuffix("_"), _everything)


def _sha256_base32(before: str) -> str:
    return base64.b32encode(hashlib.sha256(before.encode()).digest())[:8].decode()


_NOT_BASE32 = "0189abcdefghijklmnopqrstuvwxyz"


def _not_base32(_before: str, digest: int) -> str:
    rest, first = divmod(digest, len(_NOT_BASE32))
    return _NOT_BASE32[first] + digits(rest, BASE62, 7)


SHA256_BASE32 = Checksum(
    width=8,
    alphabet=BASE62,
    right=_sha256_base32,
    wrong=_not_base32,
    broken=lambda _before, found: any(symbol not in BASE32 for symbol in found),
)

_AZURE_CLIENT_SEED = 0x4161645077643030
_AZURE_STORAGE_SEED = 0x44656661756C7430


def _marvin_base66(before: str) -> str:
    return digits(marvin32(before.encode(), _AZURE_CLIENT_SEED), AZURE66, 6)[:3]


def _above_32_bits(_before: str, digest: int) -> str:
    rest, first = divmod(digest, len(AZURE66) - 4)
    rest, second = divmod(rest, len(AZURE66))
    return AZURE66[4 + first] + AZURE66[second] + AZURE66[rest % len(AZURE66)]


MARVIN_BASE66 = Checksum(
    width=3,
    alphabet=AZURE66,
    right=_marvin_base66,
    wrong=_above_32_bits,
    # 2**32 in base 66 is "d...": the first of six digits is one of a-d. Only secrets with this signature have it.
    broken=lambda before, found: before[3:6] == "8Q~" and found[0] not in "abcd",
)


def _marvin_base64(before: str, mix: int = 0) -> str:
    checksum = marvin32(base64.b64decode(before), _AZURE_STORAGE_SEED) ^ mix
    return base64.b64encode(checksum.to_bytes(4, "little")).decode()


def _marvin_broken(before: str, found: str) -> bool:
    if not before.endswith("+ASt"):  # keys made before the signature have no checksum
        return False
    try:
        return found != _marvin_base64(before)
    except binascii.Error:
        return False


MARVIN_BASE64 = Checksum(
    width=8,
    alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=",
    right=_marvin_base64,
    wrong=lambda before, digest: _marvin_base64(before, 1 + digest % (_UINT32 - 1)),
    broken=_marvin_broken,
)
