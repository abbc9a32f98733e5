"""When a password is rotated: after a period, or on a cron schedule.

Vault does the latter for its Enterprise customers; here everyone has it.
"""

from dataclasses import dataclass

from sandboxd.vault.durations import SECOND
from sandboxd.vault.errors import refuse
from sandboxd.vault.framework.backend import Call
from sandboxd.vault.framework.cron import next_after
from sandboxd.vault.framework.fields import Duration, param

RETRY = 10
"""Seconds after which a rotation that failed is tried again."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Rotation:
    """When to rotate. Times are in seconds."""

    rotation_period: Duration = param(0, "How often to rotate the password.")
    rotation_schedule: str = param("", "A cron schedule of rotations, in the place of a period.")
    rotation_window: Duration = param(
        0, "How long after a moment of the schedule the rotation may still happen; 0 for any time."
    )
    disable_automated_rotation: bool = param(False, "Rotate when asked to, and not otherwise.")

    def next(self, last: int) -> int:
        """When to rotate after a rotation at a moment, both in nanoseconds since 1970; 0 for never."""
        if self.disable_automated_rotation:
            return 0
        if self.rotation_schedule:
            return next_after(self.rotation_schedule, last)
        return last + self.rotation_period * SECOND if self.rotation_period else 0

    def missed(self, now: int) -> int:
        """When to rotate next if it is too late for the moment that the schedule had; 0 when it is not."""
        if not self.rotation_schedule or not self.rotation_window:
            return 0
        due = next_after(self.rotation_schedule, now - self.rotation_window * SECOND)
        return due if due > now else 0


@dataclass(frozen=True, kw_only=True, repr=False)
class RootRotation(Rotation):
    """When to rotate the credential that an engine itself logs in with."""

    rotation_policy: str = param("", "Name of the policy of the rotations.")


def check(call: Call, rotation: Rotation) -> None:
    """Raise Refusal, with the real server's text, for what does not go together in what a client sent."""
    given = call.given
    period = rotation.rotation_period if "rotation_period" in given else 0
    window = rotation.rotation_window if "rotation_window" in given else 0
    if "rotation_schedule" in given and rotation.rotation_schedule:
        if period:
            refuse(
                "mutually exclusive fields rotation_schedule and rotation_period were both specified; only one of them "
                "can be provided"
            )
        try:
            next_after(rotation.rotation_schedule, call.clock.now_ns())
        except ValueError as error:
            refuse(f"failed to parse provided rotation_schedule: {error}")
    if window and period:
        refuse("rotation_window does not apply to period")
    if window and "rotation_schedule" not in given:
        refuse("cannot use rotation_window without rotation_schedule")


def plan(call: Call, timer: str, at: int) -> None:
    """Have a timer go off at a moment, in nanoseconds since 1970; 0 for never."""
    if at:
        call.timers.set(timer, at)
    else:
        call.timers.cancel(timer)


def deferred(call: Call, timer: str, rotation: Rotation) -> bool:
    """Whether it is too late for the moment that the schedule had; then the timer is set to the next one."""
    missed = rotation.missed(call.clock.now_ns())
    if missed:
        call.timers.set(timer, missed)
    return bool(missed)
