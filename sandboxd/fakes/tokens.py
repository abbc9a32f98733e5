"""Tokens as the vault itself hands them out: made from bytes that are given, and marked like every other fake.

A **service token** ends in its mark, as the kinds `vault.token` and `vault.service_token_long` declare it. A **batch
token** carries all it knows, sealed, and so has no fixed length: its mark is the last eight bytes below the base64.
"""

from __future__ import annotations

import base64
from functools import cache
from typing import TYPE_CHECKING

from sandboxd.fakes import mark
from sandboxd.fakes.alphabets import BASE62, BASE64_URL
from sandboxd.fakes.forms.symbols import Layout, Lit, Mark, Rand, is_marked, write

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandboxd.fakes.stream import Stream

SHORT = "vault_service_token"
LONG = "vault_service_token_long"
OPENBAO = "openbao_service_token"
BATCH = "vault_batch_token"

_SEAL = b"\0\0\0\1\2"
"""What the real server's sealed texts begin with: the key's term and the cipher's version."""
MARK = 8  # bytes


class _Chance:
    """Symbols out of bytes that are given."""

    def __init__(self, random_bytes: Callable[[int], bytes]) -> None:
        self._random_bytes = random_bytes

    def symbols(self, count: int, alphabet: str) -> str:
        usable = 256 - 256 % len(alphabet)
        found: list[str] = []
        while len(found) < count:
            found += [alphabet[b % len(alphabet)] for b in self._random_bytes(count - len(found)) if b < usable]
        return "".join(found)


@cache
def _layout(kind: str) -> Layout:
    if kind == LONG:
        return (Lit("hvs.CAESI"), Rand(75, BASE64_URL), Mark(11, BASE64_URL))
    return (Lit("s." if kind == OPENBAO else "hvs."), Rand(13, BASE62), Mark(11, BASE62))


def mint_service_token(random_bytes: Callable[[int], bytes], kind: str = LONG) -> str:
    """A fresh service token.

    Args:
        random_bytes: gives so many random bytes.
        kind: LONG for what Vault hands out since 1.10 (95 characters), SHORT for its root tokens (28), OPENBAO for
            OpenBao's (26).
    """
    chance: Stream = _Chance(random_bytes)  # type: ignore[assignment]  # only its symbols are asked for
    return write(_layout(kind), kind, chance)


def is_service_token(value: str, kind: str = LONG) -> bool:
    """Whether a value is a service token of that kind that was made here."""
    return is_marked(_layout(kind), kind, value)


def looks_signed(value: str) -> bool:
    """Whether a value has the form of the signed service tokens that Vault hands out since 1.10."""
    if not value.startswith("hvs."):
        return False
    try:
        decode_base64(value[4:])
    except ValueError:
        return False
    return True


def pack_batch_token(sealed: bytes, prefix: str = "hvb.") -> str:
    """The batch token that stands for a sealed content."""
    return prefix + base64.urlsafe_b64encode(mark.sealed(BATCH, _SEAL + sealed, MARK)).decode().rstrip("=")


def unpack_batch_token(body: str) -> bytes | None:
    """The sealed content of a batch token's body (what follows its prefix); None for what was not made here.

    Raises ValueError for what is no base64, in Go's words.
    """
    raw = decode_base64(body)
    if not raw.startswith(_SEAL) or not mark.is_sealed(BATCH, raw, MARK):
        return None
    return raw[len(_SEAL) : -MARK]


def is_batch_token(value: str) -> bool:
    """Whether a value is a batch token that was made here."""
    prefix, dot, rest = value.partition(".")
    if not dot or prefix not in ("hvb", "b"):
        return False
    try:
        return unpack_batch_token(rest.partition(".")[0]) is not None
    except ValueError:
        return False


def decode_base64(text: str) -> bytes:
    """Unpadded URL-safe base64. Raises ValueError with the text and the place of Go's decoder."""
    for at, symbol in enumerate(text):
        if symbol not in BASE64_URL and symbol not in "\r\n":
            raise ValueError(f"illegal base64 data at input byte {len(text[:at].encode())}")
    clean = text.replace("\r", "").replace("\n", "")
    if len(clean) % 4 == 1:
        raise ValueError(f"illegal base64 data at input byte {len(text) - 1}")
    return base64.urlsafe_b64decode(clean + "=" * (-len(clean) % 4))
