"""Texts and caps are those of the real server's lease framework."""

import pytest

from sandboxd.vault.framework.ttl import Bounds, calculate_ttl, human

BOUNDS = Bounds(default_ttl=100, max_ttl=1000)
NOW = 1_767_225_600


def ttl(**wanted: int) -> int:
    granted, warnings = calculate_ttl(BOUNDS, now=NOW, **wanted)
    assert warnings == []
    return granted


def test_without_a_wish_the_mounts_default_holds():
    assert ttl() == 100


def test_the_engines_ttl_wins_over_the_default_and_the_callers_over_both():
    assert ttl(ttl=200) == 200
    assert ttl(ttl=200, increment=300) == 300


@pytest.mark.parametrize("wanted", [{"max_ttl": 50}, {"explicit_max_ttl": 50}, {"max_ttl": 50, "explicit_max_ttl": 70}])
def test_the_smallest_of_the_maxima_holds(wanted):
    granted, warnings = calculate_ttl(BOUNDS, now=NOW, **wanted)
    assert granted == 50
    text = 'TTL of "1m40s" exceeded the effective max_ttl of "50s"; TTL value is capped accordingly'
    assert warnings == [text]


def test_a_longer_maximum_than_the_mounts_does_not_count():
    granted, (warning,) = calculate_ttl(BOUNDS, now=NOW, ttl=5000, max_ttl=9000)
    assert granted == 1000
    assert 'TTL of "1h23m20s" exceeded the effective max_ttl of "16m40s"' in warning


def test_a_renewal_reaches_no_further_than_the_maximum_from_the_start():
    granted, (warning,) = calculate_ttl(BOUNDS, now=NOW, start=NOW - 950, increment=100)
    assert granted == 50
    assert 'effective max_ttl of "50s"' in warning


def test_past_the_maximum_nothing_is_renewed():
    with pytest.raises(ValueError, match=r"^past the max TTL, cannot renew$"):
        calculate_ttl(BOUNDS, now=NOW, start=NOW - 1000)


def test_a_period_goes_on_for_ever():
    assert ttl(period=60, start=NOW - 100_000) == 60


def test_a_period_ends_at_an_explicit_maximum():
    granted, (warning,) = calculate_ttl(BOUNDS, now=NOW, period=60, explicit_max_ttl=100, start=NOW - 70)
    assert granted == 30
    assert warning.startswith('TTL of "1m" exceeded the effective max_ttl of "30s"')


def test_a_period_is_no_longer_than_the_maximum():
    granted, warnings = calculate_ttl(BOUNDS, now=NOW, period=2000)
    assert granted == 1000
    assert warnings == [
        'period of "33m20s" exceeded the effective max_ttl of "16m40s"; period value is capped accordingly'
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (5, "5s"), (60, "1m"), (3600, "1h"), (3660, "1h1m"), (3605, "1h5s"), (3665, "1h1m5s"), (86400, "24h")],
)
def test_durations_in_warnings_have_no_zero_parts(seconds, text):
    assert human(seconds) == text
