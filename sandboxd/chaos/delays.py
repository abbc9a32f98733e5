"""How long something takes, with chance in it.

A **delay** is a text: a duration (`2s`), or a distribution of durations: `jitter(2s, 500ms)` (as much as 500 ms more
or less), `uniform(1s, 3s)`, `normal(2s, 500ms)` (mean and deviation), `lognormal(300ms, 0.8)` (median, and the
deviation of the logarithm: a long tail, as of real servers under load). No delay is less than nothing.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import NamedTuple

from sandboxd.vault.clock import NANOSECONDS
from sandboxd.vault.durations import parse_nanoseconds

LONGEST = 24 * 60 * 60.0
"""Seconds that a delay can take; more is cut."""

_CALL = re.compile(r"\s*(jitter|uniform|normal|lognormal)\s*\(\s*([^(),]+?)\s*,\s*([^(),]+?)\s*\)\s*")


class Delay(NamedTuple):
    """A delay that was read. Durations are in seconds; `spread` of a lognormal one is a plain number."""

    shape: str
    middle: float
    spread: float

    def draw(self, chance: float) -> float:
        """The seconds that belong to a uniformly random number between 0 and 1."""
        if self.shape == "jitter":
            found = self.middle + self.spread * (2 * chance - 1)
        elif self.shape == "uniform":
            found = self.middle + (self.spread - self.middle) * chance
        elif self.shape == "normal":
            found = self.middle + self.spread * _normal(chance)
        elif self.shape == "lognormal":
            found = self.middle * math.exp(min(self.spread * _normal(chance), 50.0))
        else:
            found = self.middle
        return min(max(found, 0.0), LONGEST)


def _normal(chance: float) -> float:
    """The value of the standard normal distribution that belongs to a chance."""
    from statistics import NormalDist  # costs more than it gives to those who never ask

    return NormalDist().inv_cdf(min(max(chance, 1e-12), 1 - 1e-12))


@lru_cache(maxsize=1000)
def parse_delay(text: str | int) -> Delay:
    """Read a delay. Raises ValueError for what is none."""
    found = _CALL.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return Delay("fixed", _seconds(text), 0.0)
    shape, first, second = found.groups()
    middle = _seconds(first)
    spread = float(second) if shape == "lognormal" else _seconds(second)
    if not math.isfinite(spread) or spread < 0 or (shape == "uniform" and spread < middle):
        raise ValueError("a spread that is none")
    return Delay(shape, middle, spread)


def check_delay(text: str | int) -> None:
    """Raise ValueError for what is no delay."""
    parse_delay(text)


def _seconds(text: str | int) -> float:
    found = parse_nanoseconds(text) / NANOSECONDS
    if found < 0:
        raise ValueError("less than nothing")
    return found
