"""Deterministic streams."""

import hashlib
import hmac

import pytest

from sandboxd.fakes import Source


def test_the_stream_is_hkdf_extract_and_counted_blocks(source):
    prk = hmac.new(b"sandboxd/gen/1", b"example-seed", hashlib.sha256).digest()
    info = b"".join(len(part).to_bytes(4, "big") + part for part in (b"kv/data/app", b"token", b"some_kind", b"1"))
    blocks = [hmac.new(prk, info + at.to_bytes(4, "big"), hashlib.sha512).digest() for at in (1, 2)]
    stream = source.stream("some_kind")
    assert stream.read(100) + stream.read(28) == b"".join(blocks)


def test_below_takes_the_high_bits_and_draws_again_what_is_too_large(source):
    stream, raw = source.stream("k"), source.stream("k")
    expected = next(value for value in (raw.read(1)[0] >> 2 for _ in range(1000)) if value < 62)
    assert stream.below(62) == expected


def test_below_one_is_zero_and_draws_nothing(source):
    stream = source.stream("k")
    assert stream.below(1) == 0
    assert stream.read(4) == source.stream("k").read(4)


def test_all_symbols_of_an_alphabet_come_up_about_equally(source):
    drawn = source.stream("k").symbols(6200, "0123456789")
    assert all(480 < drawn.count(digit) < 760 for digit in "0123456789")


def test_a_child_is_untouched_by_what_its_parent_drew(source):
    fresh, used = source.stream("k"), source.stream("k")
    used.read(1000)
    assert fresh.child("rsa").read(16) == used.child("rsa").read(16)
    assert fresh.child("rsa").read(16) != fresh.child("dsa").read(16)


def test_a_shared_stream_depends_on_the_seed_alone(source):
    elsewhere = Source("example-seed", "other", "field", 9)
    assert source.stream("a").shared("ca").read(16) == elsewhere.stream("b").shared("ca").read(16)
    assert source.stream("a").shared("ca").read(16) != Source("x", "other", "field", 9).stream("b").shared("ca").read(
        16
    )


@pytest.mark.parametrize("shown", [repr, str])
def test_neither_source_nor_stream_shows_the_seed(shown, source):
    assert "example-seed" not in shown(source)
    assert "example-seed" not in shown(source.stream("k"))
