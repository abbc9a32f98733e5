"""The monkey: random schedules, and the smallest that still breaks something."""

from __future__ import annotations

import pytest

from sandboxd.chaos.kinds import http, transport, vault
from sandboxd.chaos.monkey import RECIPES, schedule, shrink
from sandboxd.chaos.scenario import Phase, Scenario, faults_of, lasting, problems, steps
from sandboxd.fixtures.scenarios import scenario_of, written
from sandboxd.vault.clock import NANOSECONDS

SEEDS = [str(number) for number in range(40)]


def kinds(scenario: Scenario) -> list[type]:
    return [type(fault) for _, fault in faults_of(scenario)]


def seconds(scenario: Scenario) -> float:
    return sum((lasting(phase)[1] or 0) for phase in scenario.phases) / NANOSECONDS


def test_the_same_seed_gives_the_same_schedule():
    assert schedule("7") == schedule("7")
    assert schedule("7") != schedule("8")


@pytest.mark.parametrize("seed", SEEDS)
def test_every_schedule_is_one_that_can_be_run(seed):
    found = schedule(seed, 20)
    assert list(problems(found)) == []
    assert kinds(found)
    assert 20 <= seconds(found) < 27
    assert list(steps(found))[-1].end is not None


def test_all_recipes_are_used_sooner_or_later():
    used = {kind for seed in range(300) for kind in kinds(schedule(str(seed)))}
    assert used == {kind for kind, _ in RECIPES}


async def test_shrinking_finds_the_one_fault_that_matters():
    scenario = next(found for found in map(schedule, SEEDS) if transport.Truncated in kinds(found))
    tried = []

    async def broke(tried_one: Scenario) -> bool:
        tried.append(tried_one)
        return transport.Truncated in kinds(tried_one)

    found = await shrink(scenario, broke)
    assert kinds(found.scenario) == [transport.Truncated]
    assert len(found.scenario.phases) == 1
    assert seconds(found.scenario) <= 1
    assert next(fault for _, fault in faults_of(found.scenario)) == transport.Truncated()
    assert found.tries == len(tried) < 100


async def test_shrinking_keeps_two_faults_that_only_break_together():
    both = {http.Status, vault.Denied}
    phases = (
        Phase(hold="4s", faults=(transport.Slow(), http.Status(code=502, times=3))),
        Phase(hold="2s"),
        Phase(ramp="3s", faults=(transport.Garbage(),)),
        Phase(hold="4s", faults=(vault.Denied(probability="60%"),)),
    )

    async def broke(tried: Scenario) -> bool:
        return both <= set(kinds(tried))

    found = await shrink(Scenario(phases=phases), broke)
    assert set(kinds(found.scenario)) == both
    assert len(found.scenario.phases) == 2


async def test_a_limit_that_matters_stays():
    phases = (Phase(hold="4s", faults=(http.Status(code=502, times=3),)),)

    async def broke(tried: Scenario) -> bool:
        return any(fault.times == 3 for _, fault in faults_of(tried))

    found = await shrink(Scenario(phases=phases), broke)
    assert [fault for _, fault in faults_of(found.scenario)] == [http.Status(times=3)]


async def test_shrinking_stops_after_so_many_tries():
    async def broke(tried: Scenario) -> bool:
        return True

    assert (await shrink(schedule("1", 60), broke, most=5)).tries == 5


@pytest.mark.parametrize("seed", SEEDS)
def test_a_schedule_can_be_kept_as_a_file(seed):
    found = schedule(seed)
    assert scenario_of(written(found).encode(), "test") == found
