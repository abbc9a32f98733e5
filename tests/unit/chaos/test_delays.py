"""Delays: how they are written, and what is drawn from them."""

import pytest

from sandboxd.chaos.chance import Chance
from sandboxd.chaos.delays import LONGEST, parse_delay

CHANCES = [Chance("x").number(number) for number in range(4000)]


def drawn(text: str) -> list[float]:
    delay = parse_delay(text)
    return sorted(delay.draw(chance) for chance in CHANCES)


@pytest.mark.parametrize(("text", "seconds"), [("2s", 2), ("250ms", 0.25), (3, 3), ("0", 0), ("1h30m", 5400)])
def test_a_duration_is_always_itself(text, seconds):
    assert {parse_delay(text).draw(chance) for chance in (0, 0.5, 0.999)} == {seconds}


def test_jitter_stays_within_its_spread():
    found = drawn("jitter(2s, 500ms)")
    assert 1.5 <= found[0] < 1.51
    assert 2.49 < found[-1] <= 2.5


def test_a_uniform_delay_lies_between_its_ends():
    found = drawn("uniform(1s, 3s)")
    assert 1 <= found[0] < 1.01
    assert found[2000] == pytest.approx(2, abs=0.1)
    assert 2.99 < found[-1] <= 3


def test_a_normal_delay_has_its_mean_and_deviation():
    found = drawn("normal(10s, 2s)")
    mean = sum(found) / len(found)
    assert mean == pytest.approx(10, abs=0.15)
    assert (sum((each - mean) ** 2 for each in found) / len(found)) ** 0.5 == pytest.approx(2, abs=0.15)


def test_a_lognormal_delay_has_its_median_and_a_long_tail():
    found = drawn("lognormal(300ms, 0.8)")
    assert found[2000] == pytest.approx(0.3, rel=0.06)
    assert found[-1] > 2


def test_no_delay_is_less_than_nothing_or_endless():
    assert drawn("normal(1ms, 1s)")[0] == 0
    assert drawn("lognormal(1h, 20)")[-1] == LONGEST


@pytest.mark.parametrize(
    "text",
    ["", "soon", "-1s", "jitter(2s)", "jitter(2s, x)", "uniform(3s, 1s)", "lognormal(1s, -1)", "lognormal(1s, nan)",
     "normal(1s, inf)", "gauss(1s, 1s)", "normal(1s, 1s) ms"],
)  # fmt: skip
def test_what_is_no_delay_is_refused(text):
    if text == "":
        assert parse_delay(text).draw(0.5) == 0  # as with all durations, nothing is nothing
        return
    with pytest.raises(ValueError, match=r"."):
        parse_delay(text)
