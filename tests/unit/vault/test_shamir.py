"""Shamir's secret sharing. Vectors: HashiCorp's own tests of the package, and shares that a real server made."""

from itertools import combinations

import pytest

from sandboxd.vault.entropy import Entropy
from sandboxd.vault.shamir import _divide, _evaluate, _multiply, combine, split

# Handed out by a server in memory for `secret_shares=5, secret_threshold=3`.
REAL = [
    bytes.fromhex(share)
    for share in (
        "ebc37f74111e25cf12f2c740f4610058deda804def61b713a841949859bda0633b",
        "c17d421814206dc23f7503181ad950d307c934a002a56a9a3362cc51cfc180b992",
        "cf78fe6c232d36d00c804e995bda39af3faf240b510c4e18163c85b59d733e3718",
        "99b6bb1fffb90aa75c26fadcaab5c35e74e9773e614fe65ca54976b2868bd01c98",
        "29c14de9de65dcabf907d46c68233cda46584f6ca6f1d7aadfda3202a41ee4ce35",
    )
]


def test_the_field_multiplies_and_divides_as_the_real_package():
    assert _multiply(3, 7) == 9
    assert _multiply(3, 0) == _multiply(0, 3) == 0
    assert (_divide(0, 7), _divide(3, 3), _divide(6, 3)) == (0, 1, 2)


def test_a_polynomial_is_evaluated_as_in_the_real_package():
    assert _evaluate(bytes([42]), 1) == 42
    assert _evaluate(bytes([42, 7]), 1) == 42 ^ 7


def test_any_three_real_shares_give_the_same_key():
    keys = {combine(chosen) for chosen in combinations(REAL, 3)}
    assert len(keys) == 1
    assert len(keys.pop()) == 32


def test_any_threshold_of_the_shares_gives_the_secret_back():
    shares = split(b"a secret", 5, 3, Entropy("x"))
    assert all(combine(chosen) == b"a secret" for chosen in combinations(shares, 3))


def test_too_few_shares_give_something_else():
    shares = split(b"a secret", 5, 3, Entropy("x"))
    assert combine(shares[:2]) != b"a secret"


def test_a_share_is_one_byte_longer_and_ends_in_its_own_point():
    shares = split(bytes(32), 255, 255, Entropy("x"))
    assert {len(share) for share in shares} == {33}
    assert {share[-1] for share in shares} == set(range(1, 256))


@pytest.mark.parametrize(
    ("shares", "text"),
    [
        ([b"ab"], "less than two parts cannot be used to reconstruct the secret"),
        ([b"a", b"b"], "parts must be at least two bytes"),
        ([b"ab", b"abc"], "all parts must be the same length"),
        ([b"ab", b"cb"], "duplicate part detected"),
    ],
)
def test_shares_that_do_not_combine_are_refused(shares, text):
    with pytest.raises(ValueError, match=f"^{text}$"):
        combine(shares)


@pytest.mark.parametrize(
    ("secret", "shares", "threshold", "text"),
    [
        (b"x", 2, 3, "parts cannot be less than threshold"),
        (b"x", 256, 3, "parts cannot exceed 255"),
        (b"x", 3, 1, "threshold must be at least 2"),
        (b"", 3, 2, "cannot split an empty secret"),
    ],
)
def test_a_split_that_makes_no_sense_is_refused(secret, shares, threshold, text):
    with pytest.raises(ValueError, match=f"^{text}$"):
        split(secret, shares, threshold, Entropy("x"))
