"""The timeline of a scenario, as a drill goes through it: how long it lasts, and when something is wrong in it."""

from __future__ import annotations

from itertools import islice
from typing import TypeVar

from msgspec.structs import replace

from sandboxd.chaos.drill.watch import Stage
from sandboxd.chaos.model import Fault
from sandboxd.chaos.scenario import Phase, Scenario, faults_of, steps
from sandboxd.vault.clock import NANOSECONDS
from sandboxd.vault.durations import parse_nanoseconds

UNENDING = 15.0
"""Seconds that what has no end lasts in a drill, before it is stretched."""
MOST_STEPS = 10_000

P = TypeVar("P", Phase, Scenario)
F = TypeVar("F", bound=Fault)


def stretched(scenario: Scenario, factor: float) -> Scenario:
    """A scenario whose phases, and limits of faults, last so many times as long.

    What a fault does (a delay, a TTL) stays as it is, and so does what is expected of the app: its own pauses do not
    change with the scenario.
    """
    return scenario if factor == 1 else _stretched(scenario, factor)


def _stretched(part: P, factor: float) -> P:
    changes: dict[str, object] = {
        "phases": tuple(_stretched(phase, factor) for phase in part.phases),
        "faults": tuple(_fault(fault, factor) for fault in part.faults),
    }
    if isinstance(part, Phase):
        changes |= {name: _span(getattr(part, name), factor) for name in ("hold", "ramp", "recover")}
    return replace(part, **changes)


def _fault(fault: F, factor: float) -> F:
    return replace(fault, from_=_span(fault.from_, factor), for_=_span(fault.for_, factor))


def _span(span: str | int, factor: float) -> str | int:
    nanoseconds = parse_nanoseconds(span)
    return f"{max(round(nanoseconds * factor), 1)}ns" if nanoseconds else span


def stages(scenario: Scenario, begin: float, unending: float = UNENDING) -> tuple[Stage, ...]:
    """The phases as they follow each other, from a moment on.

    One without an end lasts `unending` seconds, and so does a scenario that is repeated until it is stopped.
    """
    found: list[Stage] = []
    for step in islice(steps(scenario), MOST_STEPS):
        start = begin + step.begin / NANOSECONDS
        if scenario.repeat == 0 and start >= begin + unending:
            break
        lasting = [parse_nanoseconds(fault.for_) / NANOSECONDS for _, fault in step.faults if fault.from_ in (0, "0")]
        end = start + unending if step.end is None else begin + step.end / NANOSECONDS
        if step.end is None and lasting and len(lasting) == len(step.faults) and all(lasting):
            end = start + max(lasting)  # all that goes wrong in it ends by itself
        found.append(Stage(name=step.name, begin=start, end=end, wrong=bool(step.faults)))
    return tuple(found)


def ends(found: tuple[Stage, ...]) -> float:
    """When the last stage ends in which something goes wrong."""
    return max((stage.end for stage in found if stage.wrong), default=found[-1].end)


def blind(scenario: Scenario) -> bool:
    """Whether a server cannot see all that an app does under it: connections that never come about."""
    return any(fault.DEPTH == "door" for _, fault in faults_of(scenario))
