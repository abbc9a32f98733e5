"""Grades: what a drill's measures and mistakes come to, A to F, with the reasons in words.

A drill begins at A. Each rule of `RULES` that holds makes it no better than the rule's grade, and gives a reason. The
grade of several drills is that of the worst: an app is as good as it is in its worst outage.

- **A**: kept serving all through (or could not, and nobody could have), asked again with care, was well soon after.
- **B**: failed while the outage lasted, and came back by itself.
- **C**: came back, but asked again without care, or went on too long with what had changed.
- **D**: came back late, or made things worse: a storm, a request without a time limit, a write done twice, no login
  where one was needed.
- **F**: ended, failed, or never came back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import msgspec

from sandboxd.chaos.drill.measures import Measures
from sandboxd.chaos.drill.mistakes import Mistake
from sandboxd.chaos.drill.watch import Course
from sandboxd.chaos.scenario import Expected
from sandboxd.vault.durations import parse_nanoseconds

Grade = Literal["A", "B", "C", "D", "F"]
GRADES: tuple[Grade, ...] = ("A", "B", "C", "D", "F")

SERVING = 0.95
"""The share of the outage that an app must be well for to have kept serving: a look may fall into the first moment."""
HURRIED = 0.4
"""Seconds: shorter pauses that do not grow are too short."""
INSISTED = 5
"""Retries from which on pauses have to grow."""
NOTHING = 0.05
"""Seconds that are not worth telling."""
CALM_FACTOR = 3
"""How many times what it asks in calm times is no storm yet."""


class Facts(NamedTuple):
    """What rules look at. `tests`: the command is a test suite, which is to end by itself, with status 0."""

    measures: Measures
    mistakes: tuple[Mistake, ...]
    course: Course
    expect: Expected
    tests: bool = False

    def mistake(self, name: str) -> str | None:
        """The words of a mistake that was made."""
        return next((each.words for each in self.mistakes if each.name == name), None)


class Rule(NamedTuple):
    """Where it holds, a drill's grade is no better than `worst`. `check` gives the reason, or None."""

    name: str
    worst: Grade
    says: str
    check: Callable[[Facts], str | None]


class Graded(msgspec.Struct, frozen=True, kw_only=True):
    """A grade, and why, the weightiest reason first. `rules` are the names of those that held."""

    grade: Grade
    reasons: tuple[str, ...]
    rules: tuple[str, ...] = ()


def grade(facts: Facts) -> Graded:
    """The grade of a drill."""
    held = [(rule, words) for rule in RULES if (words := rule.check(facts)) is not None]
    worst: Grade = max((rule.worst for rule, _ in held), default="A")
    held.sort(key=lambda each: each[0].worst, reverse=True)
    return Graded(
        grade=worst,
        reasons=tuple(words for _, words in held) + tuple(_well(facts, {rule.name for rule, _ in held})),
        rules=tuple(rule.name for rule, _ in held),
    )


def overall(grades: list[Grade]) -> Grade | None:
    """The grade of several drills: the worst. None for none."""
    return max(grades, default=None)


def worse(grade: Grade, threshold: Grade) -> bool:
    """Whether a grade is below a threshold."""
    return grade > threshold


def pauses(values: tuple[float, ...]) -> str:
    """Pauses in words, as many as one wants to read."""
    shown = ", ".join(f"{value:.2g} s" if value < 10 else f"{value:.0f} s" for value in values[:4])
    return f"{shown}, …" if len(values) > 4 else shown


def _well(facts: Facts, held: set[str]) -> list[str]:
    """What is to be said for it."""
    measures, found = facts.measures, []
    shares = measures.available
    if shares is not None and shares.during >= SERVING:
        found.append("kept serving all through")
    elif shares is not None and not facts.expect.available:
        found.append("was not well meanwhile, as nobody could be")
    if measures.retries.grows:
        with_chance = ", with jitter" if measures.retries.jitter else ""
        found.append(f"backed off {pauses(measures.retries.pauses)}{with_chance}")
    if measures.during == 0 and not measures.idle and "ended" not in held:
        found.append("asked nothing while it lasted, as far as a server can see")
    if measures.recovered is not None and not held & {"late", "ended"}:
        never = shares is not None and measures.recovered == 0.0 and shares.during >= SERVING
        if not never:
            when = (
                f"{measures.recovered:.1f} s after the end"
                if measures.recovered >= NOTHING
                else "at once after the end"
            )
            found.append(f"well {when}")
    read = [each.seconds for each in measures.stale if each.noticed]
    if read and "stale" not in held:
        found.append(f"read what had changed after {max(read):.1f} s")
    if measures.logins and facts.expect.login:
        found.append("logged in anew")
    if facts.tests and facts.course.status == 0:
        found.append("the tests passed")
    return found


def _ended(facts: Facts) -> str | None:
    course = facts.course
    if course.exited is None and facts.tests:
        return f"the tests had not ended {course.stopped - course.end:.0f} s after the outage"
    if course.exited is None or (course.status == 0 and facts.tests):
        return None
    if facts.tests:
        return f"the tests failed, with status {course.status}"
    status = course.status or 0
    how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
    hint = "" if status else " (a test suite may: --tests)"
    if course.exited < course.end:
        return f"the process {how}{_since(course.exited - course.begin)} the outage began{hint}"
    return f"the process {how}{_since(course.exited - course.end)} the outage was over{hint}"


def _since(seconds: float) -> str:
    return f", {seconds:.1f} s after" if seconds >= NOTHING else " as soon as"


def _never(facts: Facts) -> str | None:
    if facts.measures.recovered is not None or facts.course.exited is not None:
        return None
    waited = facts.course.stopped - facts.course.end
    lost = [each.what for each in facts.measures.again if each.after is None]
    what = f": {lost[0]} never went well again" if lost and facts.measures.available is None else ""
    return f"not well again {waited:.0f} s after the end{what}"


def _late(facts: Facts) -> str | None:
    within = _seconds(facts.expect.recover_within)
    found = facts.measures.recovered
    if found is None or found <= within:
        return None
    return f"well only {found:.1f} s after the end, {within:g} s are expected"


def _given_up(facts: Facts) -> str | None:
    if facts.measures.recovered is None or facts.measures.available is None or facts.course.exited is not None:
        return None
    lost = [each.what for each in facts.measures.again if each.after is None]
    waited = facts.course.stopped - facts.course.end
    return f"says it is well, and had not got {lost[0]} again {waited:.0f} s after the end" if lost else None


def _storm(facts: Facts) -> str | None:
    peak = facts.measures.peak
    limit = max(facts.expect.requests_per_second, CALM_FACTOR * facts.measures.calm.count)
    if peak.count <= limit:
        return None
    return f"a storm of {peak.count} requests in a second ({facts.measures.calm.count} in calm times)"


def _never_read(facts: Facts) -> str | None:
    within = _seconds(facts.expect.reread_within)
    lost = [each for each in facts.measures.stale if not each.noticed and each.seconds > within]
    if not within or not lost:
        return None
    return f"never read {lost[0].path} anew, which had changed"


def _stale(facts: Facts) -> str | None:
    within = _seconds(facts.expect.reread_within)
    worst = max((each.seconds for each in facts.measures.stale if each.noticed), default=0.0)
    return f"went on with a secret that had changed for {worst:.1f} s" if within and worst > within else None


def _hurried(facts: Facts) -> str | None:
    retries = facts.measures.retries
    if retries.grows or len(retries.pauses) < INSISTED or retries.pause >= HURRIED:
        return None
    if retries.pause < 0.01:
        return f"asked again {retries.count} times without a pause"
    return f"asked again every {retries.pause:.2g} s, {retries.count} times, with pauses that do not grow"


def _unavailable(facts: Facts) -> str | None:
    shares = facts.measures.available
    if shares is None or not facts.expect.available or shares.during >= SERVING or facts.course.exited is not None:
        return None
    return f"well for {shares.during:.0%} of the outage"


def _of(name: str) -> Callable[[Facts], str | None]:
    return lambda facts: facts.mistake(name)


def _seconds(span: str | int) -> float:
    return parse_nanoseconds(span) / 1e9


RULES: tuple[Rule, ...] = (
    Rule("ended", "F", "The process ended by itself, or the tests failed.", _ended),
    Rule("never", "F", "It was not well again as long as anyone waited.", _never),
    Rule("late", "D", "It was well later than `recover_within` after the end.", _late),
    Rule("storm", "D", "More requests in a second than `requests_per_second`, and thrice those of calm times.", _storm),
    Rule("hot-loop", "D", "The same failing request more than `requests_per_second` times.", _of("hot-loop")),
    Rule("hung", "D", "A request stayed open for a minute, or for the whole outage: no time limit.", _of("hung")),
    Rule("wrote-twice", "D", "A write was done again after a lost answer, without check-and-set.", _of("wrote-twice")),
    Rule("no-login", "D", "No new login where a 403 asked for one.", _of("no-login")),
    Rule("never-read", "D", "A secret that had changed was never read anew.", _never_read),
    Rule("given-up", "C", "Its health is good, and what failed had not gone well again.", _given_up),
    Rule("stale", "C", "A secret that had changed was read anew later than `reread_within`.", _stale),
    Rule("hurried", "C", "Short pauses between retries that do not grow.", _hurried),
    Rule("dead-token", "C", "More requests with a token that was told to be invalid.", _of("dead-token")),
    Rule("helpless-logins", "C", "Logins where none could help.", _of("helpless-logins")),
    Rule("asked-again", "C", "A refused request (400, 403, 404) was made again at once.", _of("asked-again")),
    Rule("not-followed", "C", "A redirect to the leader was not followed.", _of("not-followed")),
    Rule(
        "unavailable", "B", "It was not well for all of the outage, where `available` says that it could.", _unavailable
    ),
    Rule("late-renewal", "B", "A lease or token was renewed at its very end.", _of("late-renewal")),
)
