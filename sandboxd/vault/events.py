"""Events: what time and rotation bring about, told as it happens or shortly before, for whoever follows them.

The last `KEPT` events are kept in memory, numbered from 1 on; a follower asks for those after the last one that it has
seen. Kinds:

- `lease.expiring`, `token.expiring`: two thirds of the time have passed, which is when clients renew;
- `lease.expired`, `lease.revoked`, `token.expired`, `token.revoked`;
- `lease.revocation_failed`: its engine could not revoke the secret; it is tried again, or given up (`irrevocable`);
- `credential.superseded`: an engine replaced a credential without a lease, at a timer of its own (`path` is the object
  then) or since a client asked for it;
- `rotation.coming`, `rotation.done`, `rotation.failed`, `rotation.grace_over`;
- `secret.expiring`, `secret.expired`;
- `state.upstream_failed`: an engine could not bring its upstream to where a state that was gone back to takes it to be.
"""

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec

from sandboxd.vault.clock import Clock

KEPT = 10_000
KINDS = (
    *(f"{what}.{how}" for what in ("lease", "token") for how in ("expiring", "expired", "revoked")),
    "lease.revocation_failed",
    "credential.superseded",
    *(f"rotation.{how}" for how in ("coming", "done", "failed", "grace_over")),
    "secret.expiring",
    "secret.expired",
    "state.upstream_failed",
)


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened, or is about to. `at` is in nanoseconds since 1970, in the sandbox's time."""

    id: int
    at: int
    kind: str
    path: str
    namespace: str = ""
    details: Mapping[str, Any] = {}


class Events:
    """The latest events of a world."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: deque[Event] = deque(maxlen=KEPT)
        self._last = 0
        self._waiting: set[asyncio.Future[None]] = set()
        self._muted = 0

    @contextmanager
    def muted(self) -> Iterator[None]:
        """Tell nothing meanwhile: what the sandbox does to set itself up is not news."""
        self._muted += 1
        try:
            yield
        finally:
            self._muted -= 1

    @property
    def last(self) -> int:
        """The number of the latest event; 0 before the first."""
        return self._last

    def tell(self, kind: str, path: str, *, namespace: str = "", **details: Any) -> None:
        """Add an event. Its details must hold no value that could be secret."""
        if self._muted:
            return
        self._last += 1
        self._kept.append(
            Event(id=self._last, at=self._clock.now_ns(), kind=kind, path=path, namespace=namespace, details=details)
        )
        if self._waiting:
            waiting, self._waiting = self._waiting, set()
            for future in waiting:
                if not future.done():
                    future.set_result(None)

    def after(self, number: int, kinds: tuple[str, ...] = (), limit: int = KEPT) -> tuple[Event, ...]:
        """The events after the one with that number, the oldest first; of some kinds only ("lease." is a family)."""
        if number >= self._last:
            return ()
        found = []
        for event in self._kept:
            if event.id > number and (not kinds or event.kind.startswith(kinds)):
                found.append(event)
                if len(found) == limit:
                    break
        return tuple(found)

    async def wait(self, number: int, kinds: tuple[str, ...], seconds: float) -> tuple[Event, ...]:
        """The events after one, as soon as there are some; none when so many real seconds pass without."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while not (found := self.after(number, kinds)):
            future: asyncio.Future[None] = loop.create_future()
            self._waiting.add(future)
            try:
                async with asyncio.timeout_at(end):
                    await future
            except TimeoutError:
                return ()
            finally:
                self._waiting.discard(future)
        return found
