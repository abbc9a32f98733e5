"""What a drill found, as all reports have it."""

from __future__ import annotations

import msgspec

from sandboxd.chaos.drill.grade import Grade, overall, worse
from sandboxd.chaos.drill.measures import Measures
from sandboxd.chaos.drill.mistakes import Mistake
from sandboxd.chaos.drill.watch import Course, Watched

BLIND = (
    "Connections that were refused, and TLS handshakes that failed, cannot be seen by a server: they are in no count."
)


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One scenario. One that was not run has no grade, and why in `skipped`, or in `failed` where it was tried.

    `seed` repeats its chance, `log` has what the app said; `blind` tells that the server cannot have seen all.
    """

    scenario: str
    title: str = ""
    tags: tuple[str, ...] = ()
    skipped: str = ""
    failed: str = ""
    grade: Grade | None = None
    reasons: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    seed: str = ""
    log: str = ""
    blind: bool = False
    course: Course | None = None
    measures: Measures | None = None
    mistakes: tuple[Mistake, ...] = ()
    seen: Watched = msgspec.field(default_factory=Watched)

    @property
    def reason(self) -> str:
        """All reasons in a line."""
        return self.skipped or self.failed or "; ".join(self.reasons)


class Drill(msgspec.Struct, frozen=True, kw_only=True):
    """An app under all scenarios. `began` is RFC 3339; results worse than `threshold` fail the drill."""

    command: tuple[str, ...]
    profile: str
    fixture: str
    version: str
    began: str
    threshold: Grade
    results: tuple[Result, ...] = ()

    @property
    def graded(self) -> tuple[Result, ...]:
        """Those that have a grade."""
        return tuple(each for each in self.results if each.grade is not None)

    @property
    def grade(self) -> Grade | None:
        """The grade of the app: its worst."""
        return overall([each.grade for each in self.results if each.grade is not None])

    @property
    def below(self) -> tuple[Result, ...]:
        """Those worse than the threshold."""
        return tuple(each for each in self.results if each.grade is not None and worse(each.grade, self.threshold))

    @property
    def failed(self) -> tuple[Result, ...]:
        """Those that were tried, and could not be run."""
        return tuple(each for each in self.results if each.failed)
