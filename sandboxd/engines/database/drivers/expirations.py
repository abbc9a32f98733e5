"""Moments as databases are told them.

A database on this machine has a clock of its own, which nobody moves. Where the sandbox's clock is behind it, a moment
of the sandbox would have passed already, so the database is told the one that is as far ahead by its own clock. Where
the sandbox's clock is ahead, its moments do no harm: the user is dropped when its lease ends.
"""

from datetime import UTC, datetime

NANOSECONDS = 1_000_000_000
SLACK = 2 * NANOSECONDS  # that two clocks may differ while they show the same


def shown(expiration: int, *, sandbox: int, database: int) -> str:
    """A moment as the real plugins write it. All moments are in nanoseconds since 1970; `sandbox` and `database` are
    what these clocks show now."""
    behind = database - sandbox
    moment = expiration + behind if behind > SLACK else expiration
    return datetime.fromtimestamp(moment // NANOSECONDS, UTC).strftime("%Y-%m-%d %H:%M:%S+0000")
