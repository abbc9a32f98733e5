"""What an app should not have done, whatever went wrong: each mistake with its count and its words."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import msgspec

from sandboxd.chaos.drill.measures import by_key, peak, rows
from sandboxd.chaos.drill.watch import Call, Course, Watched
from sandboxd.chaos.scenario import Expected

OFTEN = 3
"""So many times the same is a habit, not chance."""
AT_ONCE = 0.25
"""Seconds within which asking again is asking at once."""
NEAR = 0.5
"""Seconds before the end of the outage that are as good as its end."""
HANG = 60.0
"""Seconds after which a request without an answer should have been given up."""
LATE = 0.05
"""The share of its time that is left too little when something is renewed."""
FOLLOWED = 2.0
"""Seconds within which a redirect is followed."""
REFUSALS = (400, 403, 404, 405)
_LATE = ("slow", "dribble", "bandwidth", "storage-slow")
"""Kinds of faults whose answers come, and late."""
_LOSING = ("answer-lost", "truncated")
"""Kinds of faults whose requests are carried out, and whose answers are not whole."""


class Mistake(msgspec.Struct, frozen=True, kw_only=True):
    """Something that it should not have done, by name."""

    name: str
    count: int
    words: str


def mistakes(seen: Watched, course: Course, expect: Expected) -> tuple[Mistake, ...]:
    """The mistakes in what was seen."""
    calls = sorted((call for call in seen.calls if course.begin <= call.at <= course.stopped), key=lambda call: call.at)
    found = (
        _no_login(calls, expect),
        _dead_token(calls),
        _asked_again(calls),
        _hot_loop(calls, expect),
        _hung(calls, course),
        _wrote_twice(calls),
        _helpless_logins(calls, expect),
        _late_renewal(calls),
        _not_followed(calls),
    )
    return tuple(each for each in found if each is not None)


def _no_login(calls: Sequence[Call], expect: Expected) -> Mistake | None:
    dead = [call for call in calls if call.dead]
    told = len(dead) >= OFTEN or (expect.login and bool(dead))
    if not told or any(call.operation == "login" for call in calls):
        return None
    return Mistake(
        name="no-login", count=len(dead), words=f"did not log in anew, though {_times(len(dead), 'refusal')} said so"
    )


def _dead_token(calls: Sequence[Call]) -> Mistake | None:
    worst = 0
    for accessor in {call.accessor for call in calls if call.dead}:
        worst = max(worst, sum(1 for call in calls if call.dead and call.accessor == accessor) - 1)
    if worst < OFTEN:
        return None
    return Mistake(
        name="dead-token", count=worst, words=f"went on with a token that is not valid, {_times(worst, 'request')} more"
    )


def _asked_again(calls: Sequence[Call]) -> Mistake | None:
    count = 0
    for row in rows([call for call in calls if not call.dead]):
        for before, call in pairwise(row):
            refused = before.outcome == "refused" and before.status in REFUSALS and before.accessor == call.accessor
            count += refused and call.at - (before.until or before.at) < AT_ONCE
    if count < OFTEN:
        return None
    return Mistake(name="asked-again", count=count, words=f"asked again at once for what was refused, {_times(count)}")


def _hot_loop(calls: Sequence[Call], expect: Expected) -> Mistake | None:
    worst = 0
    for same in by_key(calls).values():
        bad = [call for before, call in pairwise(same) if before.bad]
        worst = max(worst, peak(call.at for call in bad).count)
    if worst <= expect.requests_per_second:
        return None
    return Mistake(name="hot-loop", count=worst, words=f"asked for the same {worst} times in a second while it failed")


def _hung(calls: Sequence[Call], course: Course) -> Mistake | None:
    whole = 0.8 * (course.end - course.begin)
    worst, count = 0.0, 0
    for call in calls:
        until = course.stopped if call.until is None else call.until
        lasted = until - call.at
        # One that the app gave up within the outage has a time limit; one that was only late says nothing of it.
        shows = call.outcome != "left" and not (call.struck in _LATE and call.end == "whole")
        if lasted >= HANG or (shows and call.at < course.end <= until + NEAR and lasted >= max(whole, 1.0)):
            worst, count = max(worst, lasted), count + 1
    if not count:
        return None
    return Mistake(name="hung", count=count, words=f"waited {worst:.0f} s for an answer, with no time limit to be seen")


def _wrote_twice(calls: Sequence[Call]) -> Mistake | None:
    count = 0
    for same in by_key(calls).values():
        if same[0].operation not in ("write", "patch"):
            continue
        for before, call in pairwise(same):
            count += before.struck in _LOSING and before.outcome in ("lost", "left") and not call.guarded
    if not count:
        return None
    return Mistake(
        name="wrote-twice",
        count=count,
        words=f"wrote again after a lost answer, without check-and-set, {_times(count)}",
    )


def _helpless_logins(calls: Sequence[Call], expect: Expected) -> Mistake | None:
    logins = [call for call in calls if call.operation == "login"]
    needed = expect.login or any(call.dead for call in calls)
    burst = peak(call.at for call in logins).count
    if needed and burst <= expect.requests_per_second:
        return None
    bad = [call for call in logins if call.bad]
    if len(bad) <= 2 * OFTEN:
        return None
    return Mistake(
        name="helpless-logins", count=len(bad), words=f"logged in {_times(len(bad))} where no login could help"
    )


def _late_renewal(calls: Sequence[Call]) -> Mistake | None:
    late = [call.left for call in calls if call.operation == "renew" and call.left is not None and call.left < LATE]
    if not late:
        return None
    return Mistake(
        name="late-renewal",
        count=len(late),
        words=f"renewed with {min(late):.0%} of the time left, {_times(len(late))}",
    )


def _not_followed(calls: Sequence[Call]) -> Mistake | None:
    count = sum(1 for call in calls if call.outcome == "moved" and _stayed(call, calls))
    if not count:
        return None
    return Mistake(name="not-followed", count=count, words=f"did not follow a redirect, {_times(count)}")


def _stayed(moved: Call, calls: Sequence[Call]) -> bool:
    """Whether a redirect that leads to a listener of ours was not followed; who goes in a circle may stop somewhere."""
    if not moved.followable or moved.until is None:
        return False
    same = [call for call in calls if call.path == moved.path and call is not moved]
    followed = any(moved.at < call.at <= moved.until + FOLLOWED for call in same)
    following = any(call.outcome == "moved" and moved.at - FOLLOWED <= call.at < moved.at for call in same)
    return not followed and not following


def _times(count: int, what: str = "") -> str:
    """A count in words: of something, or how often."""
    if what:
        return f"{count} {what}" + ("" if count == 1 else "s")
    return "once" if count == 1 else f"{count} times"
