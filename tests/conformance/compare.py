"""Compare two normalised answers, and say where they differ."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

ABSENT = "<absent>"
SLACK = 2
"""Seconds by which two times may differ, counted from the moment each server was asked."""

OFFSET = re.compile(r"<(time|unix) (?:([+-]\d+)s|at start)( .*)?>")


@dataclass(frozen=True)
class Difference:
    """One place where the answers are not the same; `path` is dotted and begins at the answer."""

    path: str
    expected: Any
    got: Any

    @property
    def of_time(self) -> bool:
        """Whether this may be the clock's doing: the edge of a second was crossed."""
        if isinstance(self.expected, int) and isinstance(self.got, int):
            return self.path.rpartition(".")[2] in {"ttl", "lease_duration"} and abs(self.expected - self.got) <= SLACK
        if isinstance(self.expected, str) and isinstance(self.got, str):
            return re.sub(r"\d+", "0", self.expected) == re.sub(r"\d+", "0", self.got)
        warnings = self.expected or self.got if self.path.endswith("warnings") else None
        return isinstance(warnings, list) and all("effective max_ttl" in text for text in warnings)


def compare(expected: Any, got: Any, path: str = "") -> list[Difference]:
    """All differences, in the order of the expected answer. The order of names counts where the names are the same."""
    if isinstance(expected, dict) and isinstance(got, dict):
        here = []
        for name in [*expected, *(name for name in got if name not in expected)]:
            below = f"{path}.{name}" if path else str(name)
            here += compare(expected.get(name, ABSENT), got.get(name, ABSENT), below)
        if not here and list(expected) != list(got):
            here.append(Difference(f"{path}{{order}}", list(expected), list(got)))
        return here
    if isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        pairs = enumerate(zip(expected, got, strict=True))
        return [found for index, (left, right) in pairs for found in compare(left, right, f"{path}[{index}]")]
    if type(expected) is type(got) and (expected == got or close(expected, got)):
        return []
    if (
        path.rpartition(".")[2] == "ttl"
        and isinstance(expected, int)
        and isinstance(got, int)
        and abs(expected - got) == 1
    ):
        # What is left of a token's life hangs on where in a second it was made.
        return []
    return [Difference(path, expected, got)]


def close(expected: Any, got: Any) -> bool:
    """Whether both are times of the same precision and about the same distance from now."""
    if not isinstance(expected, str):
        return False
    left, right = OFFSET.fullmatch(expected), OFFSET.fullmatch(got)
    if not left or not right or left[1] != right[1] or left[3] != right[3]:
        return False
    # A server that was started a moment ago is told from what the case did only by a hair.
    start = -10 if left[2] is None or right[2] is None else -SLACK
    return start <= int(right[2] or 0) - int(left[2] or 0) <= -start
