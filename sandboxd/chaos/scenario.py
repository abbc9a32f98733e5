"""A scenario: a timeline of faults, in phases.

A **phase** lasts for a time and has faults that are on meanwhile. During a `ramp` the share of requests that they
strike grows from nothing to what the faults say, during a `recover` it falls to nothing; a `hold` leaves it as it is. A
phase without a time lasts until the scenario is stopped. Phases can be repeated, one by one, in groups, or all.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, NamedTuple, Union

import msgspec
from msgspec import Meta

from sandboxd.chaos.kinds import KINDS
from sandboxd.chaos.model import Count, Fault, Ordinal, Span
from sandboxd.vault.durations import parse_nanoseconds

if TYPE_CHECKING:
    AnyFault = Fault
else:
    AnyFault = Union[tuple(KINDS.values())]  # noqa: UP007 -- made from the table


Way = tuple[str | int, ...]
"""Keys and numbers that lead to a place in a scenario."""


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    RENAMED: ClassVar[dict[str, str]] = {}


class Phase(_Part, frozen=True, kw_only=True):
    """A part of a scenario's time: one of hold, ramp and recover, with faults; or a group of phases."""

    RENAMED: ClassVar[dict[str, str]] = {"duration": "Say hold, ramp or recover.", "for": "Say hold, ramp or recover."}

    name: str = ""
    hold: Annotated[Span, Meta(description="Leave the faults on for so long.")] = 0
    ramp: Annotated[Span, Meta(description="Strike more and more requests, for so long.")] = 0
    recover: Annotated[Span, Meta(description="Strike fewer and fewer requests, for so long.")] = 0
    faults: Annotated[tuple[AnyFault, ...], Meta(description="What goes wrong meanwhile; nothing does without.")] = ()
    phases: Annotated[tuple[Phase, ...], Meta(description="Phases, one after the other.")] = ()
    repeat: Annotated[Ordinal, Meta(description="How often.")] = 1


class Expected(_Part, frozen=True, kw_only=True):
    """What a drill expects of an app in this scenario, where that is not what it expects in all of them."""

    recover_within: Annotated[Span, Meta(description="How long after the end the app may need to be well again.")] = (
        "15s"
    )
    available: Annotated[
        bool, Meta(description="Whether an app with a cache can go on serving while the scenario lasts.")
    ] = True
    reread_within: Annotated[
        Span, Meta(description="How long an app may go on with a secret that has changed; 0 where none does.")
    ] = 0
    login: Annotated[bool, Meta(description="Whether a new login is what helps.")] = False
    requests_per_second: Annotated[Ordinal, Meta(description="More than this is a storm.")] = 10


class Scenario(_Part, frozen=True, kw_only=True):
    """A named outage. `title`, `happens`, `signature`, `client` and `sources` are its page."""

    RENAMED: ClassVar[dict[str, str]] = {"name": "The name is that of the file, or the key in a fixture."}

    title: Annotated[str, Meta(description="What it is, in a line.")] = ""
    happens: Annotated[str, Meta(description="What really happens in production.")] = ""
    signature: Annotated[str, Meta(description="What it looks like on the wire.")] = ""
    client: Annotated[str, Meta(description="What a well-behaved client does.")] = ""
    sources: Annotated[tuple[str, ...], Meta(description="Where that is known from.")] = ()
    tags: Annotated[tuple[str, ...], Meta(description="What it belongs to.")] = ()
    needs: Annotated[
        tuple[Literal["tls", "nodes", "vault", "kv", "approle", "database", "pki"], ...],
        Meta(description="What the sandbox must have for it."),
    ] = ()
    clock: Annotated[
        Literal["real", "sandbox"], Meta(description="Whose time the phases last; that of the sandbox can be moved.")
    ] = "real"
    repeat: Annotated[Count, Meta(description="How often all of it happens; 0 for until it is stopped.")] = 1
    seed: Annotated[str, Meta(description="What chance is drawn from; another one each time without.")] = ""
    faults: Annotated[
        tuple[AnyFault, ...], Meta(description="Short for one phase that lasts until it is stopped.")
    ] = ()
    phases: Annotated[tuple[Phase, ...], Meta(description="Its timeline.")] = ()
    expect: Annotated[Expected, Meta(description="What a drill expects of an app.")] = Expected()


class Step(NamedTuple):
    """A phase in its place: where it begins and ends after the start (nanoseconds), and what is on.

    `end` is None for one that lasts until it is stopped. Each fault has the id that it has in each run.
    """

    name: str
    kind: Literal["hold", "ramp", "recover"]
    begin: int
    end: int | None
    faults: tuple[tuple[str, Fault], ...]


def steps(scenario: Scenario) -> Iterator[Step]:
    """The phases of a scenario as they follow each other, repetitions and groups written out.

    A fault has the same id each time that the scenario is run: its place, and the how many-eth time it begins.
    """
    phases = scenario.phases or (Phase(faults=scenario.faults),)
    at, turn = 0, 0
    begun: dict[str, int] = {}
    while scenario.repeat == 0 or turn < scenario.repeat:
        turn += 1
        for step in _written(phases, at, "", begun):
            yield step
            if step.end is None:
                return
            at = step.end


def _written(phases: tuple[Phase, ...], at: int, prefix: str, begun: dict[str, int]) -> Iterator[Step]:
    for number, phase in enumerate(phases, 1):
        place = f"{prefix}{number}"
        for _ in range(phase.repeat):
            for step in (
                _written(phase.phases, at, f"{place}.", begun) if phase.phases else _one(phase, at, place, begun)
            ):
                yield step
                if step.end is None:
                    return
                at = step.end


def _one(phase: Phase, at: int, place: str, begun: dict[str, int]) -> Iterator[Step]:
    kind, lasts = lasting(phase)
    again = begun[place] = begun.get(place, 0) + 1
    faults = tuple((f"{place}-{each}#{again}", fault) for each, fault in enumerate(phase.faults, 1))
    yield Step(phase.name or place, kind, at, None if lasts is None else at + lasts, faults)


def lasting(phase: Phase) -> tuple[Literal["hold", "ramp", "recover"], int | None]:
    """What kind of phase it is, and the nanoseconds that it lasts; None for one without a time."""
    if ramp := parse_nanoseconds(phase.ramp):
        return "ramp", ramp
    if recover := parse_nanoseconds(phase.recover):
        return "recover", recover
    return "hold", parse_nanoseconds(phase.hold) or None


def problems(scenario: Scenario) -> Iterator[tuple[Way, str]]:
    """What is wrong with the timeline: the way to the place, and what is there."""
    if scenario.faults and scenario.phases:
        yield ("faults",), "faults beside phases: put them into a phase"
    if not scenario.faults and not scenario.phases:
        yield (), "neither faults nor phases"
    yield from _wrong(scenario.phases, ("phases",), last=True, repeated=scenario.repeat != 1)


def _wrong(phases: tuple[Phase, ...], way: Way, *, last: bool, repeated: bool) -> Iterator[tuple[Way, str]]:
    for number, phase in enumerate(phases):
        here = (*way, number)
        final = last and number == len(phases) - 1
        times = [kind for kind in ("hold", "ramp", "recover") if parse_nanoseconds(getattr(phase, kind))]
        if len(times) > 1:
            yield here, f"a phase with {' and '.join(times)}: one of them is its time"
        if phase.phases and (times or phase.faults):
            yield here, "a group of phases with a time or faults of its own: these go into its phases"
        elif phase.phases:
            yield from _wrong(phase.phases, (*here, "phases"), last=final, repeated=repeated or phase.repeat > 1)
        elif not times and (not final or repeated or phase.repeat > 1):
            yield here, "a phase without a time that others would follow: say hold, ramp or recover"


def faults_of(scenario: Scenario) -> Iterator[tuple[Way, Fault]]:
    """All faults of a scenario, each with the way to it."""
    yield from ((("faults", number), fault) for number, fault in enumerate(scenario.faults))
    yield from _below(scenario.phases, ("phases",))


def _below(phases: tuple[Phase, ...], way: Way) -> Iterator[tuple[Way, Fault]]:
    for number, phase in enumerate(phases):
        for each, fault in enumerate(phase.faults):
            yield (*way, number, "faults", each), fault
        yield from _below(phase.phases, (*way, number, "phases"))
