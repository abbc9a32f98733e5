"""User lockout: after too many failed logins in a row, a user is locked out for a while.

Source: OpenBao's user lockout, on by default for userpass, ldap and approle: 5 failures, 15 minutes, and the counter
forgets after 15 minutes. It lives in memory, as in the real server.
"""

import msgspec

from sandboxd.vault.clock import Clock
from sandboxd.vault.mounts import LockoutConfig, Mounted

THRESHOLD = 5
DURATION = 15 * 60
COUNTER_RESET = 15 * 60


class Failures(msgspec.Struct, frozen=True):
    """How often a user failed in a row, and when last (seconds since 1970)."""

    count: int
    last: int


class Lockouts:
    """Who failed to log in, by mount accessor and alias."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures: dict[tuple[str, str], Failures] = {}

    def reload(self) -> None:
        """Start afresh."""
        self._failures = {}

    def locked(self, mounted: Mounted, alias: str) -> bool:
        """Whether a user may not log in now."""
        known = self._failures.get((mounted.entry.accessor, alias))
        if known is None:
            return False
        config = _config(mounted)
        threshold, duration, _ = _numbers(config)
        if known.count < threshold:
            return False
        if self._now() - known.last >= duration:
            del self._failures[mounted.entry.accessor, alias]
            return False
        return True

    def failed(self, mounted: Mounted, alias: str) -> None:
        """Count a failed login."""
        _, _, reset = _numbers(_config(mounted))
        key = mounted.entry.accessor, alias
        known = self._failures.get(key)
        count = 1 if known is None or self._now() - known.last >= reset else known.count + 1
        self._failures[key] = Failures(count, self._now())

    def succeeded(self, mounted: Mounted, alias: str) -> None:
        """Forget the failures."""
        self._failures.pop((mounted.entry.accessor, alias), None)

    def unlock(self, accessor: str, alias: str) -> None:
        """Let a user log in again."""
        self._failures.pop((accessor, alias), None)

    def all(self) -> dict[tuple[str, str], Failures]:
        """The failures, by mount accessor and alias."""
        return dict(self._failures)

    def _now(self) -> int:
        return int(self._clock.now())


def enabled(mounted: Mounted) -> bool:
    """Whether failed logins lock users out at this mount."""
    return mounted.lockout and not _config(mounted).disable


def _config(mounted: Mounted) -> LockoutConfig:
    return mounted.entry.config.lockout or LockoutConfig()


def _numbers(config: LockoutConfig) -> tuple[int, int, int]:
    def pick(value: int | None, default: int) -> int:
        return default if value is None else value

    return (
        pick(config.threshold, THRESHOLD),
        pick(config.duration, DURATION),
        pick(config.counter_reset, COUNTER_RESET),
    )
