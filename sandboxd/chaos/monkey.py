"""The monkey: random outages from a seed, and the smallest part of one that still breaks an app.

A seed gives the same schedule each time. A **schedule** is a scenario like any other, so it can be kept as a file, run
again, and put into a catalogue. Shrinking takes parts away (faults, phases, time, limits) for as long as the app still
breaks; an app that breaks now and then only is asked as often as the caller wants.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, NamedTuple

from msgspec.structs import replace

from sandboxd.chaos.chance import Chance
from sandboxd.chaos.kinds import http, transport, vault
from sandboxd.chaos.model import Fault
from sandboxd.chaos.scenario import Phase, Scenario, lasting
from sandboxd.vault.clock import NANOSECONDS

MOST_FAULTS = 3
"""The faults of one phase."""
SHORTEST, LONGEST = 1, 6
"""Seconds of a phase."""

Broke = Callable[[Scenario], Awaitable[bool]]
"""Tries a scenario; gives whether the app broke."""


class _Luck:
    """Draws one thing after the other."""

    def __init__(self, seed: str) -> None:
        self._chance = Chance(seed)
        self._at = 0

    def number(self) -> float:
        self._at += 1
        return self._chance.number("monkey", self._at)

    def below(self, limit: int) -> int:
        return int(self.number() * limit)

    def one(self, *of: Any) -> Any:
        return of[self.below(len(of))]


_Make = Callable[[_Luck], Mapping[str, Any]]


def _nothing(_luck: _Luck) -> Mapping[str, Any]:
    return {}


def _slow(luck: _Luck) -> Mapping[str, Any]:
    return {"delay": luck.one("200ms", "1s", "5s", "uniform(100ms, 2s)", "lognormal(300ms, 0.8)", "normal(1s, 300ms)")}


RECIPES: tuple[tuple[type[Fault], _Make], ...] = (
    (transport.Refused, _nothing),
    (transport.Silent, lambda luck: {"close_after": luck.one(0, "2s", "10s")}),
    (transport.Reset, lambda luck: {"at": luck.one("request", "answer")}),
    (transport.Empty, _nothing),
    (transport.AnswerLost, lambda luck: {"by": luck.one("reset", "close", "gateway-timeout")}),
    (transport.Slow, _slow),
    (transport.Dribble, lambda luck: {"pieces": luck.one(3, 10, 50), "over": luck.one("1s", "4s")}),
    (transport.Truncated, _nothing),
    (transport.MalformedChunk, _nothing),
    (transport.Garbage, _nothing),
    (http.Status, lambda luck: {"code": luck.one(400, 403, 404, 429, 500, 502, 503, 504)}),
    (http.ProxyPage, lambda luck: {"proxy": luck.one("nginx", "envoy", "haproxy"), "code": luck.one(502, 503, 504)}),
    (http.Throttled, lambda luck: {"retry_after": luck.one(0, "1s", "3s")}),
    (http.Redirect, lambda luck: {"to": luck.one("dead", "loop")}),
    (http.ContentType, _nothing),
    (vault.Sealed, _nothing),
    (vault.Election, _nothing),
    (vault.ReadOnly, _nothing),
    (vault.StorageSlow, _slow),
    (vault.AuditBlocked, _nothing),
    (vault.RateLimited, lambda luck: {"headers": luck.one(True, False)}),
    (vault.Denied, _nothing),
    (vault.TokenRejected, _nothing),
    (vault.RenewalsRefused, lambda luck: {"why": luck.one("not-renewable", "not-found", "expired", "max-ttl")}),
    (vault.RenewalsCapped, lambda luck: {"ttl": luck.one("5s", "30s")}),
    (vault.LoginsRefused, lambda luck: {"why": luck.one("credentials", "locked-out")}),
    (vault.UpstreamDown, _nothing),
)
"""What the monkey does, and what it draws for it. Nothing of it changes the state, so that each try begins anew."""


def schedule(seed: str, seconds: float = 30.0) -> Scenario:
    """A random scenario that lasts about so long. The same seed and length give the same one."""
    luck = _Luck(seed)
    phases: list[Phase] = []
    left = seconds
    while left > 0 or not phases:
        lasts = min(SHORTEST + luck.below(LONGEST - SHORTEST + 1), max(round(left), SHORTEST))
        left -= lasts
        faults = tuple(_fault(luck) for _ in range(luck.below(MOST_FAULTS + 1)))
        kind = luck.one("hold", "hold", "hold", "ramp", "recover") if faults else "hold"
        phases.append(replace(Phase(faults=faults), **{kind: f"{lasts}s"}))
    if not any(phase.faults for phase in phases):
        phases[0] = replace(phases[0], faults=(_fault(luck),))
    return Scenario(title=f"What the monkey does with seed {seed}", seed=seed, phases=tuple(phases))


def _fault(luck: _Luck) -> Fault:
    kind, make = RECIPES[luck.below(len(RECIPES))]
    limits: dict[str, Any] = {}
    if kind.DEPTH == "request":
        which = luck.below(6)
        if which == 0:
            limits["probability"] = luck.one("10%", "30%", "60%")
        elif which == 1:
            limits["every"] = 2 + luck.below(3)
        elif which == 2:
            limits["times"] = 1 + luck.below(5)
        elif which == 3:
            limits["operation"] = luck.one("read", "write", "login", "renew")
    return kind(**make(luck), **limits)


class Smallest(NamedTuple):
    """What shrinking came to: the scenario, and how many tries it took."""

    scenario: Scenario
    tries: int


async def shrink(scenario: Scenario, broke: Broke, *, most: int = 200) -> Smallest:
    """The smallest scenario found that still breaks the app, beginning with one that does.

    Args:
        broke: tries a scenario.
        most: how many tries there may be.
    """
    tries = 0
    found = scenario
    again = True
    while again and tries < most:
        again = False
        for smaller in _smaller(found):
            if tries >= most:
                break
            tries += 1
            if await broke(smaller):
                found, again = smaller, True
                break
    return Smallest(found, tries)


def _smaller(scenario: Scenario) -> Iterator[Scenario]:
    """Scenarios that are a little smaller, those that take most away first."""
    phases = scenario.phases
    # Halves, then quarters, …, then single phases go.
    size = len(phases)
    while size > 1:
        size = (size + 1) // 2
        for at in range(0, len(phases), size):
            rest = phases[:at] + phases[at + size :]
            if any(phase.faults for phase in rest):
                yield replace(scenario, phases=rest)
        if size == 1:
            break
    for at, phase in enumerate(phases):
        for simpler in _simpler(phase):
            changed = (*phases[:at], simpler, *phases[at + 1 :])
            if any(each.faults for each in changed):
                yield replace(scenario, phases=changed)


def _simpler(phase: Phase) -> Iterator[Phase]:
    faults = phase.faults
    for at in range(len(faults)):
        yield replace(phase, faults=faults[:at] + faults[at + 1 :])
    for at, fault in enumerate(faults):
        for plain in _plainer(fault):
            yield replace(phase, faults=(*faults[:at], plain, *faults[at + 1 :]))
    kind, lasts = lasting(phase)
    if kind != "hold":
        yield replace(phase, ramp=0, recover=0, hold=getattr(phase, kind))
    elif lasts is not None and lasts > NANOSECONDS:
        yield replace(phase, hold=f"{max(lasts // 2, NANOSECONDS) // NANOSECONDS}s")


def _plainer(fault: Fault) -> Iterator[Fault]:
    """The fault without one of its limits or of what was drawn for it."""
    plain = type(fault)()
    for name in fault.__struct_fields__:
        if getattr(fault, name) != getattr(plain, name):
            yield replace(fault, **{name: getattr(plain, name)})
