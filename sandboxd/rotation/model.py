"""What is kept of an object that rotates, and how it is shown. Moments are in nanoseconds since 1970."""

from __future__ import annotations

from typing import Literal

import msgspec

from sandboxd.vault.durations import rfc3339
from sandboxd.vault.framework.cron import named, next_after
from sandboxd.vault.framework.moments import postponed

NANOSECONDS = 1_000_000_000
DAY = 24 * 60 * 60

State = Literal["created", "current", "due", "grace", "expiring", "expired", "revoked"]
"""created: never rotated yet. current: rotated, the old one is no more. due: rotation is near. grace: the old one is
valid beside the new one. expiring, expired: by its declared end. revoked: it was deleted."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """When an object rotates and ends, as declared.

    every, cron: the schedule, at most one of them; neither for what is only rotated by hand. grace: for how long the
    old one stays valid. notice: how long before it a rotation or an end is announced; 0 for a tenth of the period, at
    most a day. expires: when it ends; lifetime: that it ends so long after each rotation.
    """

    path: str
    namespace: str = ""
    every: int = 0  # seconds, as the other durations
    cron: str = ""
    grace: int = 0
    notice: int = 0
    owner: str = ""
    expires: int = 0
    lifetime: int = 0

    def next_after(self, moment: int) -> int:
        """The next scheduled rotation after a moment; 0 for never."""
        if self.cron:
            return next_after(named(self.cron), moment)
        return moment + self.every * NANOSECONDS if self.every else 0

    def notice_of(self, start: int, end: int) -> int:
        """When something that is due at `end` is announced; `start` is when its period began."""
        ahead = self.notice * NANOSECONDS or min((end - start) // 10, DAY * NANOSECONDS)
        return max(start, end - ahead)

    @property
    def schedule(self) -> str:
        """The schedule in words."""
        return f"cron {self.cron}" if self.cron else f"every {span(self.every)}" if self.every else ""


class Retired(msgspec.Struct, frozen=True):
    """A version that was replaced at a moment, and is valid until another one."""

    version: int
    at: int
    until: int


class Rotating(msgspec.Struct, frozen=True, kw_only=True):
    """An object that rotates, as it is kept. `version` counts its values: the fixture's first is 1."""

    plan: Plan
    version: int = 1
    created_at: int = 0
    rotated_at: int = 0
    expires: int = 0
    retired: tuple[Retired, ...] = ()
    failure: str = ""

    def later(self, by: int) -> Rotating:
        """The same object, so many nanoseconds later; an end that was declared by its date stays."""
        ends = ("expires",) if self.plan.lifetime else ()
        retired = tuple(postponed(each, by, "at", "until") for each in self.retired)
        moved = postponed(self, by, "created_at", "rotated_at", *ends)
        return msgspec.structs.replace(moved, retired=retired)

    @property
    def since(self) -> int:
        """When its present value came."""
        return self.rotated_at or self.created_at


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A token that still uses an older version: what it is called, its accessor, and what it read when."""

    name: str
    accessor: str
    version: int
    read_at: str
    entity_id: str = ""
    token_alive: bool = True


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """An object that rotates or ends, as it is shown. Times are RFC 3339, empty for none."""

    path: str
    namespace: str
    state: State
    version: int
    owner: str = ""
    schedule: str = ""
    rotated: str = ""
    next: str = ""
    expires: str = ""
    grace_until: str = ""
    old_in_use_by: tuple[User, ...] = ()
    failure: str = ""


def state_of(rotating: Rotating, now: int, next_at: int) -> State:
    """Where in its life an object is."""
    end, plan = rotating.expires, rotating.plan
    if end and now >= end:
        return "expired"
    if any(each.until > now for each in rotating.retired):
        return "grace"
    if end and now >= plan.notice_of(rotating.since, end):
        return "expiring"
    if next_at and now >= plan.notice_of(rotating.since, next_at):
        return "due"
    return "current" if rotating.rotated_at else "created"


def moment(at: int) -> str:
    """A moment as it is shown; nothing for none."""
    return rfc3339(at // NANOSECONDS * NANOSECONDS) if at else ""


def span(seconds: int) -> str:
    """A duration in days, hours, minutes and seconds."""
    left, said = seconds, []
    for unit, size in (("d", DAY), ("h", 3600), ("m", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            said.append(f"{count}{unit}")
    return "".join(said) or "0s"
