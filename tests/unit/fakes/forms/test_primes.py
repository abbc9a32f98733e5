"""Tagged RSA keys."""

import hashlib

import pytest

from sandboxd.fakes import Source
from sandboxd.fakes.forms import primes

# Below 2**64 these bases decide for certain (Jaeschke, 1993; Sorenson and Webster, 2015).
CERTAIN = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)


def key(version=1, bits=2048):
    return primes.tagged_key(Source("s", "p", "f", version).stream("pem_rsa"), bits)


def fermat(number):
    return all(pow(base, number - 1, number) == 1 for base in CERTAIN)


def test_the_tag_is_c5_and_a_hash_of_its_name():
    digest = hashlib.sha256(b"sandboxd/rsa-modulus-tag/1").digest()
    assert primes.TAG.to_bytes(16, "big") == b"\xc5" + digest[1:16]


@pytest.mark.parametrize("bits", [2048])
def test_a_key_has_its_size_two_primes_and_the_tag(bits):
    made = key(bits=bits)
    assert made.n.bit_length() == bits
    assert made.p.bit_length() == made.q.bit_length() == bits // 2
    assert made.p > made.q
    assert fermat(made.p)
    assert fermat(made.q)
    assert primes.is_tagged(made.n)


def test_the_exponents_undo_each_other():
    made = key()
    assert pow(pow(42, primes.EXPONENT, made.n), made.d, made.n) == 42


def test_the_same_stream_gives_the_same_key_without_the_memory():
    first = key()
    primes._tagged_key.cache_clear()
    assert key() == first
    assert key(version=2) != first


def test_powers_computed_otherwise_give_the_same_key(monkeypatch):
    first = key()
    primes._tagged_key.cache_clear()
    monkeypatch.setattr(primes, "_power", lambda: lambda base, exponent, modulus: pow(base, exponent, modulus))
    assert key() == first


@pytest.mark.parametrize("number", [0, 1, 2**2047, primes.TAG >> 1, primes.TAG << 1 | 1 << 200])
def test_other_moduli_are_not_tagged(number):
    assert not primes.is_tagged(number)


def test_a_key_does_not_show_its_primes():
    assert str(key().p) not in repr(key())
