from __future__ import annotations

from unit.chaos.drill.drills import BAD, FAILED, GOOD, SKIPPED, drill


def test_the_grade_is_that_of_the_worst_scenario() -> None:
    assert drill().grade == "F"
    assert drill(GOOD).grade == "A"
    assert drill(SKIPPED).grade is None


def test_those_below_the_threshold_are_known() -> None:
    assert drill().below == (BAD,)
    assert drill(threshold="F").below == ()


def test_those_that_could_not_be_run_are_known() -> None:
    assert drill().failed == (FAILED,)
    assert drill().graded == (GOOD, BAD)


def test_the_reason_is_a_line() -> None:
    assert SKIPPED.reason == "the fixture has no mount of type pki"
    assert GOOD.reason.startswith("kept serving all through; backed off ")
