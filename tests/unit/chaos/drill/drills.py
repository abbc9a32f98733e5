"""A drill with one scenario of each end, for the reports."""

from __future__ import annotations

from typing import Any

from unit.chaos.drill.seen import ask, course, healthy, lost, watched

from sandboxd.chaos.drill.grade import Facts, grade
from sandboxd.chaos.drill.measures import measure
from sandboxd.chaos.drill.mistakes import mistakes
from sandboxd.chaos.drill.report import Drill, Result
from sandboxd.chaos.drill.watch import Course, Line, Watched
from sandboxd.chaos.scenario import Expected


def result(name: str, seen: Watched, over: Course | None = None, **more: Any) -> Result:
    """A scenario that was graded."""
    over, expect = over or course(), Expected()
    measures, found = measure(seen, over), mistakes(seen, over, expect)
    graded = grade(Facts(measures, found, over, expect))
    return Result(
        scenario=name,
        title="Away & <back>",
        grade=graded.grade,
        reasons=graded.reasons,
        rules=graded.rules,
        seed="abc",
        course=over,
        measures=measures,
        mistakes=found,
        seen=seen,
        **more,
    )


GOOD = result("sealed", watched(ask(11, 503), ask(12, 503), ask(14, 503), ask(21), looks=healthy(0, 30)))
BAD = result(
    "firewall",
    watched(
        lost(10.5, took=9.5, app="shop/1.0", accessor="acc123"),
        looks=[*healthy(0, 11), *healthy(11, 30, well=False)],
        lines=[Line(number=7, opened=12.0)],
    ),
    blind=True,
)
SKIPPED = Result(scenario="pki", skipped="the fixture has no mount of type pki")
FAILED = Result(scenario="broken", failed="the app was not ready after 30 s")


def drill(*results: Result, threshold: Any = "D") -> Drill:
    """A drill."""
    return Drill(
        command=("./shop", "--flag", "<x>"),
        profile="vault",
        fixture="built in",
        version="1.0",
        began="2026-01-01T00:00:00Z",
        threshold=threshold,
        results=results or (GOOD, BAD, SKIPPED, FAILED),
    )
