"""What a drill may have seen, in a few words: ten seconds of calm, an outage from 10 to 20, then recovery."""

from __future__ import annotations

from typing import Any

from sandboxd.chaos.drill.watch import Call, Course, Line, Look, Stage, Watched

BEGIN, END, STOPPED = 10.0, 20.0, 30.0


def ask(at: float, status: int = 200, *, path: str = "secret/data/app", took: float = 0.01, **more: Any) -> Call:
    """A call that was answered whole with a status; `end` tells of one that was not."""
    operation = more.pop("operation", "read")
    given = {"line": 1, "method": "GET", "end": "whole", "until": at + took, **more}
    return Call(at=at, path=path, operation=operation, status=status, **given)


def lost(at: float, **more: Any) -> Call:
    """A call whose answer was lost."""
    return ask(at, 0, **{"end": "broken", **more})


def login(at: float, status: int = 200, **more: Any) -> Call:
    """A login."""
    return ask(at, status, path="auth/approle/login", operation="login", method="POST", **more)


def course(**changed: Any) -> Course:
    """The course of it."""
    stages = (Stage(name="away", begin=BEGIN, end=END),)
    return Course(**{"begin": BEGIN, "end": END, "stopped": STOPPED, "ready": 1.0, "stages": stages, **changed})


def calm() -> list[Call]:
    """A call each second before the outage."""
    return [ask(float(second)) for second in range(1, 10)]


def healthy(begin: float, end: float, *, every: float = 0.5, well: bool = True) -> list[Look]:
    """Looks at the health, all with the same result."""
    count = round((end - begin) / every)
    return [Look(at=begin + number * every, well=well, note="status 200" if well else "x") for number in range(count)]


def watched(*calls: Call, looks: list[Look] | None = None, lines: list[Line] | None = None, **more: Any) -> Watched:
    """All that was seen."""
    return Watched(calls=[*calm(), *calls], looks=looks or [], lines=lines or [], **more)
