"""Scenarios: how phases follow each other, and what is wrong with a timeline."""

import pytest

from sandboxd.chaos.scenario import Scenario, faults_of, lasting, steps
from sandboxd.fixtures.problems import FixtureError
from sandboxd.fixtures.scenarios import aimed_at, scenario_of
from sandboxd.vault.clock import NANOSECONDS

BAD = "faults: [{fault: status}]"


def read(text: str) -> Scenario:
    return scenario_of(text.encode(), "s.yaml")


def shown(scenario: Scenario, most: int = 20) -> list[tuple[str, str, float, float | None]]:
    found = []
    for step in steps(scenario):
        end = None if step.end is None else step.end / NANOSECONDS
        found.append((step.name, step.kind, step.begin / NANOSECONDS, end))
        if len(found) == most:
            break
    return found


def test_phases_follow_each_other():
    found = read(f"phases:\n- {{name: up, ramp: 10s, {BAD}}}\n- {{hold: 1m}}\n- {{name: down, recover: 500ms}}")
    assert shown(found) == [("up", "ramp", 0, 10), ("2", "hold", 10, 70), ("down", "recover", 70, 70.5)]


def test_faults_alone_are_one_phase_that_lasts():
    assert shown(read(BAD)) == [("1", "hold", 0, None)]


def test_the_last_phase_may_last():
    assert shown(read(f"phases:\n- {{hold: 1s}}\n- {{{BAD}}}"))[-1] == ("2", "hold", 1, None)


def test_a_phase_is_repeated():
    assert shown(read(f"phases:\n- {{hold: 1s, repeat: 3, {BAD}}}\n- hold: 2s")) == [
        ("1", "hold", 0, 1),
        ("1", "hold", 1, 2),
        ("1", "hold", 2, 3),
        ("2", "hold", 3, 5),
    ]


def test_a_group_is_repeated():
    text = f"phases:\n- repeat: 2\n  phases:\n  - {{name: down, hold: 1s, {BAD}}}\n  - {{name: up, hold: 2s}}\n"
    assert [(name, begin) for name, _, begin, _ in shown(read(text))] == [
        ("down", 0),
        ("up", 1),
        ("down", 3),
        ("up", 4),
    ]


def test_all_of_it_is_repeated():
    assert [begin for *_, begin, _ in shown(read(f"repeat: 3\nphases: [{{hold: 2s, {BAD}}}]"))] == [0, 2, 4]


def test_it_may_be_repeated_until_it_is_stopped():
    assert len(shown(read(f"repeat: 0\nphases: [{{hold: 2s, {BAD}}}]"), most=50)) == 50


def test_each_fault_has_an_id_of_its_own_each_time_and_the_same_in_each_run():
    text = f"repeat: 2\nphases:\n- {{hold: 1s, repeat: 2, {BAD}}}\n- phases: [{{hold: 1s, {BAD}}}]"
    ids = [id_ for step in steps(read(text)) for id_, _ in step.faults]
    assert len(set(ids)) == 6
    assert ids == [id_ for step in steps(read(text)) for id_, _ in step.faults]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("title: x", "s.yaml:1:1: neither faults nor phases"),
        (f"{BAD}\nphases: [{{hold: 1s}}]", "s.yaml:1:9: faults beside phases"),
        (f"phases:\n- {{hold: 1s, ramp: 2s, {BAD}}}", "s.yaml:2:3: a phase with hold and ramp"),
        (f"phases:\n- {{{BAD}}}\n- hold: 1s", "s.yaml:2:3: a phase without a time that others would follow"),
        (f"repeat: 2\nphases:\n- {{{BAD}}}", "s.yaml:3:3: a phase without a time that others would follow"),
        ("phases:\n- hold: 1s\n  phases: [{hold: 2s}]", "s.yaml:2:3: a group of phases with a time or faults"),
        ("phases:\n- phases:\n  - {}\n- hold: 1s", "s.yaml:3:5: a phase without a time"),
        ("phases:\n- hold: soon", 's.yaml:2:9: "soon"; expected seconds, or a duration'),
        ("phases:\n- hold: -1s", 's.yaml:2:9: "-1s"; expected seconds, or a duration'),
        ("phases:\n- {hold: 1s, faults: [{fault: slo}]}", 's.yaml:2:31: no fault "slo"'),
        ("phases:\n- {hold: 1s, faults: [{delay: 2s}]}", 's.yaml:2:23: no "fault" here'),
        ("phases:\n- {hold: 1s, faults: [{fault: slow, dealy: 2s}]}", 's.yaml:2:37: unknown key "dealy"'),
        ("phases:\n- {hold: 1s, faults: [{fault: slow, probability: 2}]}", "expected a number from 0 to 1"),
        ("phases: 3", "s.yaml:1:9: a number; expected a list"),
        ("name: x\nfaults: []", 's.yaml:1:1: unknown key "name"\n    The name is that of the file'),
        ("phases:\n- {for: 1s}", "Say hold, ramp or recover."),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text, problem):
    with pytest.raises(FixtureError) as caught:
        read(text)
    assert problem in str(caught.value)


def test_a_phase_has_the_time_that_it_says():
    scenario = read(f"phases:\n- {{recover: 1h30m, {BAD}}}")
    assert lasting(scenario.phases[0]) == ("recover", 5400 * NANOSECONDS)


def test_all_faults_are_found_with_their_ways():
    text = f"phases:\n- {{hold: 1s, {BAD}}}\n- phases: [{{hold: 1s}}, {{hold: 1s, {BAD}}}]"
    assert [way for way, _ in faults_of(read(text))] == [
        ("phases", 0, "faults", 0),
        ("phases", 1, "phases", 1, "faults", 0),
    ]


def test_another_aim_goes_to_all_faults_and_leaves_the_rest():
    text = "phases:\n- {hold: 1s, faults: [{fault: status, code: 502}]}\n"
    text += "- phases: [{hold: 1s, faults: [{fault: slow, app: x}]}]"
    found = [fault for _, fault in faults_of(aimed_at(read(text), ["app=shop*,web", "for=3s"], "aim"))]
    assert [(fault.app, fault.for_) for fault in found] == [(("shop*", "web"), "3s")] * 2
    assert found[0].code == 502


def test_an_aim_that_is_none_is_refused():
    with pytest.raises(FixtureError, match='unknown key "aap"'):
        aimed_at(read(BAD), ["aap=shop"], "aim")
