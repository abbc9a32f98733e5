"""User lockout: after too many failed logins in a row, a user is locked out for a while.

Failures are counted in memory, by mount and by the alias that the login is about. Who reaches the threshold is
**locked**, which is kept in the storage and listed below `sys/locked-users`. A user may try again when the lockout
duration has passed since the last failure; the count is still there, so that one more failure locks again, until a
login succeeds or the counter is reset. Every quarter of an hour those whose time is over are taken off the list.

Source: OpenBao's request handling, for the defaults, the order of checks, and what counts from when.
"""

import msgspec

from sandboxd.vault.clock import Clock
from sandboxd.vault.mounts import LockoutConfig, Mounted, Mounts
from sandboxd.vault.namespaces import Namespace
from sandboxd.vault.storage import Storage

THRESHOLD = 5
DURATION = 15 * 60
COUNTER_RESET = 15 * 60
SWEEP_INTERVAL = 15 * 60


class Failures(msgspec.Struct, frozen=True):
    """How often a user failed in a row, and when last (seconds since 1970)."""

    count: int
    last: int


class Locked(msgspec.Struct, frozen=True):
    """The locked users of one mount: when each failed last (seconds since 1970)."""

    users: dict[str, int]


class Lockouts:
    """Who failed to log in, and who is locked out, in all namespaces."""

    def __init__(self, storage: Storage, mounts: Mounts, clock: Clock) -> None:
        self._storage = storage
        self._mounts = mounts
        self._clock = clock
        self.reload()

    def reload(self) -> None:
        """Read the storage again, after it was restored: of the failures, only the locks last."""
        self._failures: dict[tuple[str, str], Failures] = {}
        self._next_sweep = 0.0

    def locked(self, mounted: Mounted, alias: str) -> bool:
        """Whether a user may not log in now."""
        self._sweep()
        known = self._failures.get((mounted.entry.accessor, alias))
        if known is None:
            last = self._locks(mounted.namespace, mounted.entry.accessor).get(alias)
            return last is not None and self._now() - last < _limits(mounted).duration
        limits = _limits(mounted)
        return known.count >= limits.threshold and self._now() - known.last < limits.duration

    def failed(self, mounted: Mounted, alias: str) -> None:
        """Count a failed login."""
        limits = _limits(mounted)
        accessor = mounted.entry.accessor
        known = self._failures.get((accessor, alias))
        over = known is None or self._clock.now() > known.last + limits.counter_reset
        found = Failures(1 if known is None or over else known.count + 1, self._now())
        self._failures[accessor, alias] = found
        if found.count >= limits.threshold:
            locks = self._locks(mounted.namespace, accessor)
            self._put(mounted.namespace, accessor, {**locks, alias: found.last})

    def succeeded(self, mounted: Mounted, alias: str) -> None:
        """Forget the failures."""
        if self._failures:
            self._failures.pop((mounted.entry.accessor, alias), None)

    def unlock(self, namespace: Namespace, accessor: str, alias: str) -> None:
        """Let a user log in again, locked or not."""
        self._failures.pop((accessor, alias), None)
        locks = self._locks(namespace, accessor)
        if alias in locks:
            self._put(namespace, accessor, {name: last for name, last in locks.items() if name != alias})

    def listed(self, namespace: Namespace) -> dict[str, list[str]]:
        """The locked users of a namespace, sorted, by the accessor of their mount.

        They are listed as keys of a storage: of an alias with slashes, up to the first one.
        """
        self._sweep()
        return {
            accessor: sorted({alias[: alias.find("/") + 1] or alias for alias in self._locks(namespace, accessor)})
            for accessor in self._storage.list(_folder(namespace))
        }

    def _sweep(self) -> None:
        """Drop the locks that are over, and count the others again where the counts were lost."""
        now = self._clock.now()
        if now < self._next_sweep:
            return
        self._next_sweep = now + SWEEP_INTERVAL
        for path in list(self._storage.walk(_FOLDER)):
            found = self._storage.get(path)
            if not isinstance(found, Locked):
                continue
            accessor = path.rpartition("/")[2]
            mounted = self._mounts.by_accessor(accessor)
            limits = _DEFAULTS if mounted is None else _limits(mounted)
            left = {alias: last for alias, last in found.users.items() if now <= last + limits.duration}
            for alias in found.users.keys() - left.keys():
                self._failures.pop((accessor, alias), None)
            for alias, last in left.items():
                self._failures[accessor, alias] = Failures(limits.threshold, last)
            if len(left) < len(found.users):
                self._write(path, left)

    def _locks(self, namespace: Namespace, accessor: str) -> dict[str, int]:
        found = self._storage.get(_folder(namespace) + accessor)
        return found.users if isinstance(found, Locked) else {}

    def _put(self, namespace: Namespace, accessor: str, users: dict[str, int]) -> None:
        self._write(_folder(namespace) + accessor, users)

    def _write(self, path: str, users: dict[str, int]) -> None:
        if users:
            self._storage.put(path, Locked(users))
        else:
            self._storage.delete(path)

    def _now(self) -> int:
        return int(self._clock.now())


class _Limits(msgspec.Struct, frozen=True):
    threshold: int
    duration: int
    counter_reset: int


_DEFAULTS = _Limits(THRESHOLD, DURATION, COUNTER_RESET)
_FOLDER = "core/locked-users/"


def enabled(mounted: Mounted) -> bool:
    """Whether failed logins lock users out at this mount."""
    config = mounted.entry.config.lockout
    return mounted.lockout and not (config is not None and config.disable)


def _folder(namespace: Namespace) -> str:
    return f"{_FOLDER}{namespace.id}/"


def _limits(mounted: Mounted) -> _Limits:
    config: LockoutConfig | None = mounted.entry.config.lockout
    if config is None:
        return _DEFAULTS
    return _Limits(config.threshold or THRESHOLD, config.duration or DURATION, config.counter_reset or COUNTER_RESET)
