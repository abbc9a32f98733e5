"""The mark."""

import hashlib

import pytest

from sandboxd.fakes import mark
from sandboxd.fakes.alphabets import BASE62, HEX, digits, number


def test_the_digest_binds_domain_kind_counter_and_masked_value():
    expected = hashlib.sha256(b"sandboxd/wm/1\0github_ghp\0\x01ghp_abc\0\0").digest()
    assert mark.digest("github_ghp", "ghp_abc\0\0") == expected


def test_symbols_are_the_low_digits_of_the_digest_most_significant_first():
    value = int.from_bytes(mark.digest("k", "masked"), "big")
    assert number(mark.symbols("k", "masked", BASE62, 11), BASE62) == value % 62**11


def test_a_filled_text_is_recognised_and_a_changed_one_is_not():
    masked = "abc" + mark.BLANK * 16
    value = mark.filled("k", masked, HEX)
    assert mark.is_filled("k", value, masked, HEX)
    assert not mark.is_filled("other", value, masked, HEX)
    assert not mark.is_filled("k", "abd" + value[3:], "abd" + mark.BLANK * 16, HEX)


def test_sealed_bytes_end_in_eight_of_the_digest():
    value = mark.sealed("k", b"body")
    assert value == b"body" + hashlib.sha256(b"sandboxd/wm/1\0k\0\x01body" + bytes(8)).digest()[:8]
    assert mark.is_sealed("k", value)
    assert not mark.is_sealed("k", value[:-1] + bytes([value[-1] ^ 1]))


def test_a_value_too_short_for_a_mark_has_none():
    assert not mark.is_sealed("k", b"12345678")


def test_digits_and_number_are_inverse():
    assert number(digits(123456789, BASE62, 8), BASE62) == 123456789
    assert digits(5, BASE62, 4) == "0005"


def test_number_refuses_a_foreign_symbol():
    with pytest.raises(ValueError, match="substring not found"):
        number("-", BASE62)
