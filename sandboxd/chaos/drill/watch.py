"""What a drill sees: calls, lines, changes of secrets, looks at the app's health, and the course of it all.

No value of a secret and no token is in any of it: accessors and paths only.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Outcome = Literal["good", "moved", "refused", "failed", "lost", "left", "open"]
"""How a call went: answered well, sent elsewhere, refused for what it is (4xx), failed for what the server is (5xx,
412, 429), without a whole answer, given up by the app, or still open at the end."""

Standing = Literal["none", "live", "dead"]
"""What the server takes a token for."""

BAD: frozenset[Outcome] = frozenset(("refused", "failed", "lost", "left", "open"))
_PASSING = (412, 429)
"""Statuses below 500 that speak of the server, not of the request."""


class Call(msgspec.Struct, kw_only=True, rename={"line": "connection"}):
    """A request of the app. What is known later is filled in later.

    `token` is "dead" for one that the server does not, or no longer, take. `left` is the share of its TTL that a token
    had left when it was renewed. `guarded` tells of a write with check-and-set. `struck` is the kind of the fault that
    hit it. Of `size` bytes of its answer, `sent` went out. `followable` is a redirect that leads here again.
    """

    at: float
    line: int
    method: str
    path: str
    operation: str
    app: str = ""
    accessor: str = ""
    token: Standing = "none"
    left: float | None = None
    guarded: bool = False
    struck: str = ""
    status: int = 0
    size: int = 0
    sent: int = 0
    followable: bool = False
    until: float | None = None
    end: Literal["open", "whole", "broken", "left"] = "open"

    @property
    def key(self) -> str:
        """What it asks for: the same for a retry."""
        return f"{self.operation} {self.path}"

    @property
    def outcome(self) -> Outcome:
        """How it went."""
        if self.end != "whole":
            found: Outcome = "lost" if self.end == "broken" else self.end
            return found
        if self.status >= 500 or self.status in _PASSING:
            return "failed"
        if self.status >= 400:
            return "refused"
        return "moved" if self.status >= 300 else "good"

    @property
    def bad(self) -> bool:
        """Whether it did not get what it wanted."""
        return self.outcome in BAD

    @property
    def dead(self) -> bool:
        """Whether it was refused for its token."""
        return self.outcome == "refused" and self.status == 403 and (self.token == "dead" or self.struck in _TOKENS)


_TOKENS = ("token-rejected",)


class Line(msgspec.Struct, kw_only=True):
    """A connection of the app."""

    number: int
    opened: float
    closed: float | None = None
    calls: int = 0


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A secret has another content. `undone` tells that it is again what it was before."""

    at: float
    path: str
    undone: bool = False


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """A look at the app's health URL, which took so many seconds.

    `at` is the moment that it tells of: of an app that is well, when it said so; of another, when it was asked.
    """

    at: float
    well: bool
    took: float = 0.0
    note: str = ""


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """A phase of the scenario as it was; `wrong` where something went wrong in it."""

    name: str
    begin: float
    end: float
    wrong: bool = True


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """What happened when. `exited` and `status` are those of a process that ended by itself."""

    begin: float
    end: float
    stopped: float
    ready: float = 0.0
    stages: tuple[Stage, ...] = ()
    exited: float | None = None
    status: int | None = None


class Watched(msgspec.Struct, kw_only=True):
    """All that was seen."""

    calls: list[Call] = []
    lines: list[Line] = []
    changes: list[Change] = []
    looks: list[Look] = []
