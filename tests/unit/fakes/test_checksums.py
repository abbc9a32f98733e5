"""Providers' checksums: right ones as published, and how fakes break them.

Marvin32: dotnet/runtime, MarvinTests. The client secret: microsoft/security-utilities. GitHub: google/osv-scalibr,
checksum_test.go.
"""

import base64
import hashlib
import zlib

import pytest

from sandboxd.fakes import checksums
from sandboxd.fakes.alphabets import BASE62
from sandboxd.fakes.checksums import marvin32

SEEDS = (0x4FB61A001BDBCC, 0x804FB61A001BDBCC, 0x804FB61A801BDBCC)


@pytest.mark.parametrize(
    ("seed", "data", "expected"),
    [
        (SEEDS[0], "", 0x302009BC),
        (SEEDS[0], "af", 0x3592E206),
        (SEEDS[0], "e70f", 0xFDAB5E04),
        (SEEDS[0], "37f495", 0x6B3C8B90),
        (SEEDS[0], "8642dc59", 0x0E9407BE),
        (SEEDS[0], "153fb79826", 0x446F25FA),
        (SEEDS[0], "0932e6246c47", 0x31A6FF7A),
        (SEEDS[0], "ab427ea8d10fc7", 0x117FCBA5),
        (SEEDS[1], "ab427ea8d10fc7", 0x5826B7CE),
        (SEEDS[2], "00FF00FF00FF00", 0x8A9C61C6),
    ],
)
def test_marvin32_gives_the_published_hashes(seed, data, expected):
    assert marvin32(bytes.fromhex(data), seed) == expected


def test_the_published_azure_example_has_the_right_checksum():
    before = "zzz" + "8Q~" + "z" * 31
    assert checksums.MARVIN_BASE66.right(before) == "blP"
    assert not checksums.MARVIN_BASE66.broken(before, "blP")


@pytest.mark.parametrize(
    ("prefix", "body", "checksum"),
    [
        ("ghu_", "aGgfQsQ52sImE9zwWxKcjt2nhESfYG", "1U2FhX"),
        ("ghr_", "OWOCPzqKuy3J4w53QpkLfffjBUJSh5yLnFHj7wiyR0NDadVOcykNkoqhoYYXM1yy2sOpAu", "0lG8fw"),
    ],
)
def test_published_github_tokens_have_the_right_checksum(prefix, body, checksum):
    assert checksums.CRC32_BASE62.right(prefix + body) == checksum
    assert not checksums.CRC32_BASE62.broken(prefix + body, checksum)


def test_a_checksum_that_is_short_is_padded_with_zeros():
    # CRC32("lfgLr0") is below 62**5, so its first digit is 0: decoding and comparing numbers would not tell.
    body = next(f"{n}" for n in range(10**6) if zlib.crc32(f"{n}".encode()) < 62**4)
    assert checksums.CRC32_BASE62.right(f"ghp_{body}").startswith("00")


@pytest.mark.parametrize("digest", [0, 1, 2**32, 2**255 + 12345, 2**256 - 1])
def test_an_overflow_is_above_32_bits_for_every_digest(digest):
    for rule, alphabet in (
        (checksums.CRC32_BASE62, BASE62),
        (checksums.CRC32_BASE36, "0123456789abcdefghijklmnopqrstuvwxyz"),
    ):
        field = rule.wrong("whatever", digest)
        assert sum(alphabet.index(symbol) * len(alphabet) ** at for at, symbol in enumerate(reversed(field))) >= 2**32
        assert rule.broken("whatever", field)


@pytest.mark.parametrize("digest", [0, 1, 2**32 - 2, 2**32 - 1, 2**256 - 1])
def test_a_mixed_checksum_differs_from_the_right_one_for_every_digest(digest):
    for rule, before in (
        (checksums.CRC32_HEX_BODY, "cfut_" + "a" * 40),
        (checksums.CRC32_HEX_UPPER, "ATBB" + "a" * 24),
        (checksums.MARVIN_BASE64, "A" * 76 + "+ASt"),
    ):
        assert rule.wrong(before, digest) != rule.right(before)
        assert rule.broken(before, rule.wrong(before, digest))
        assert not rule.broken(before, rule.right(before))


def test_right_checksums_are_those_of_independent_formulas():
    body = "b" * 40
    assert checksums.CRC32_HEX_BODY.right("cfat_" + body) == f"{zlib.crc32(body.encode()):08x}"
    assert checksums.CRC32_HEX_UPPER.right("ATBB" + body) == f"{zlib.crc32(('ATBB' + body).encode()):08X}"
    little = zlib.crc32(("glsa_" + body).encode()).to_bytes(4, "little").hex()
    assert checksums.CRC32_HEX_LITTLE.right("glsa_" + body + "_") == little
    expected = base64.b32encode(hashlib.sha256(b"github_pat_x").digest()).decode()[:8]
    assert checksums.SHA256_BASE32.right("github_pat_x") == expected


def test_a_base32_checksum_is_broken_by_a_symbol_that_base32_lacks():
    assert checksums.SHA256_BASE32.broken("", "1BCDEFGH")
    assert not checksums.SHA256_BASE32.broken("", "ABCDEFGH")


def test_azure_secrets_without_the_signature_are_never_called_broken():
    assert not checksums.MARVIN_BASE66.broken("zzz7Q~" + "z" * 28, "zzz")
    assert not checksums.MARVIN_BASE64.broken("A" * 80, "AAAAAA==")
