from __future__ import annotations

import pytest

from sandboxd.chaos.drill.timeline import blind, ends, stages, stretched
from sandboxd.chaos.scenario import Scenario
from sandboxd.fixtures.scenarios import scenario_of


def scenario(text: str) -> Scenario:
    return scenario_of(text.encode(), "test")


FLAPPING = scenario("""
phases:
  - repeat: 2
    phases:
      - {name: away, hold: 2s, faults: [{fault: sealed}]}
      - {name: back, hold: 3s}
""")


def test_the_phases_follow_each_other_from_a_moment_on() -> None:
    found = [(each.name, each.begin, each.end, each.wrong) for each in stages(FLAPPING, 10.0)]
    assert found == [
        ("away", 10.0, 12.0, True),
        ("back", 12.0, 15.0, False),
        ("away", 15.0, 17.0, True),
        ("back", 17.0, 20.0, False),
    ]


def test_the_outage_ends_with_the_last_phase_in_which_something_goes_wrong() -> None:
    assert ends(stages(FLAPPING, 10.0)) == 17.0


def test_what_has_no_end_lasts_for_a_time_that_is_given() -> None:
    assert [each.end for each in stages(scenario("faults: [{fault: sealed}]"), 1.0, unending=5.0)] == [6.0]


def test_what_has_no_end_lasts_until_its_faults_end_by_themselves() -> None:
    text = "faults: [{fault: sealed, for: 3s}, {fault: slow, for: 4s}]"
    assert ends(stages(scenario(text), 1.0, unending=50.0)) == 5.0
    text = "faults: [{fault: sealed, for: 3s}, {fault: slow}]"
    assert ends(stages(scenario(text), 1.0, unending=50.0)) == 51.0


def test_what_is_repeated_until_it_is_stopped_is_stopped() -> None:
    text = "repeat: 0\nphases: [{hold: 1s, faults: [{fault: sealed}]}, {hold: 1s}]"
    assert ends(stages(scenario(text), 0.0, unending=5.0)) == 5.0


def test_all_phases_can_be_stretched() -> None:
    assert ends(stages(stretched(FLAPPING, 0.5), 0.0)) == 3.5
    assert stretched(FLAPPING, 1.0) is FLAPPING


def test_what_a_fault_does_is_not_stretched_but_when_it_does_it_is() -> None:
    found = stretched(scenario("faults: [{fault: slow, delay: 2s, from: 1s, for: 4s}]"), 0.5).faults[0]
    assert (found.delay, found.from_, found.for_) == ("2s", "500000000ns", "2000000000ns")  # type: ignore[attr-defined]


def test_what_is_expected_of_an_app_is_not_stretched() -> None:
    text = "faults: [{fault: sealed}]\nexpect: {recover_within: 9s}"
    assert stretched(scenario(text), 0.5).expect.recover_within == "9s"


@pytest.mark.parametrize(("fault", "wanted"), [("refused", True), ("sealed", False), ("tokens-revoked", False)])
def test_a_server_does_not_see_connections_that_never_come_about(fault: str, *, wanted: bool) -> None:
    assert blind(scenario(f"faults: [{{fault: {fault}}}]")) is wanted
