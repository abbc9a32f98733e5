"""A run: a scenario under way, with what is needed to do it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandboxd.chaos.rules import NEVER, Struck
from sandboxd.chaos.scenario import Scenario, Step, steps

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_STRIKES = 100_000
"""The strikes of one run that can be replayed."""


class Run:
    """A scenario under way, or one that is over."""

    def __init__(self, id_: str, name: str, scenario: Scenario, seed: str, begun: int, base: Mapping[str, int]) -> None:
        self.id = id_
        self.name = name
        self.scenario = scenario
        self.seed = seed
        self.begun = begun  # nanoseconds, on the scenario's clock
        self.base = base
        self.ended: int | None = None
        self.replay_of = ""
        self.turns = 0
        self.step: Step | None = None
        self.strikes: dict[tuple[str, int], tuple[str, int]] = {}
        self.struck = 0
        self.problems: list[str] = []
        """Why faults could not begin when their time came."""
        self._coming = steps(scenario)

    @property
    def over(self) -> bool:
        """Whether it has ended, or was stopped."""
        return self.ended is not None

    @property
    def changes_at(self) -> int:
        """The moment of its next phase, in nanoseconds on its clock."""
        if self.step is None:
            return self.begun
        return NEVER if self.step.end is None else self.begun + self.step.end

    def advance(self) -> Step | None:
        """Go on to the next phase, None after the last."""
        self.step = next(self._coming, None)
        self.turns += 1
        return self.step

    def note(self, struck: Struck) -> None:
        """Remember a strike."""
        self.struck += 1
        if len(self.strikes) < MOST_STRIKES:
            place = (struck.key, struck.ordinal - self.base.get(struck.key, 0))
            self.strikes[place] = (struck.label, struck.number)
