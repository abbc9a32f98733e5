"""A replica: a world beside another one that answers reads, from the state as it was some time ago.

It starts as a copy of the other world, and follows its writes (`vault.writes`). A replica that is late takes over each
write when it is old enough, so its own index is behind. One that stands still keeps what the mounts held, and takes
over the rest at once: a cache has old secrets, but who may read them is judged by tokens and policies as they are. What
a replica cannot answer by reading alone is the other world's to answer, as a standby forwards it: `answers` tells that
before, and `discard` notices it afterwards.

It has the other world's clock, chance, audit devices and observer. Nothing is ever due in it: what expires, expires in
the other world, and comes with its writes.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from sandboxd.chaos.kinds.vault import Lagging
from sandboxd.vault.audit import Audit
from sandboxd.vault.clock import Clock
from sandboxd.vault.durations import parse_nanoseconds
from sandboxd.vault.pipeline import INLINE
from sandboxd.vault.storage import Storage
from sandboxd.vault.timeline import CLOCK, Timeline
from sandboxd.vault.world import World
from sandboxd.vault.writes import writes_of

if TYPE_CHECKING:
    from sandboxd.chaos.facts import Seen
    from sandboxd.chaos.model import Fault

_READING = frozenset(("read", "list"))


class _Coming(NamedTuple):
    """A write that is not old enough yet."""

    at: int
    number: int
    path: str
    value: object


class Replica:
    """The replica of a world that a fault has answer for it.

    Args:
        fault: how late it is; one that says nothing of that has it stand still.
    """

    def __init__(self, world: World, fault: Fault) -> None:
        writes = writes_of(world)
        self._main = world
        self.index = writes.index
        self._now = world.clock.real_ns if fault.clock == "real" else world.clock.now_ns
        self._quiet = Audit(Storage(), world.clock, world.entropy, world.profile)
        self._coming: deque[_Coming] = deque()
        self._before: dict[str, object] = {}
        self.world = self._made()
        self._taking = False
        self.world.storage.follow(self._wrote)
        self._lag = parse_nanoseconds(fault.lag) if isinstance(fault, Lagging) else 0
        self._kept = () if isinstance(fault, Lagging) else ("mount/",)
        self.close = writes.follow(self._told)
        """Follow no longer."""

    def _made(self) -> World:
        main = self._main
        made = World(
            main.mounts.catalog,
            replace(main.settings, audit_devices=()),
            clock=Clock(main.clock.now_ns),
            entropy=main.entropy,
            encode=main.encode,
        )
        made.timeline = _Still(made)
        made.address, made.declared = main.address, main.declared
        made.storage.restore(main.storage.snapshot())
        made.storage.delete(CLOCK)  # its clock shows what the other one's does, however that was moved
        self._reload(made)
        made.seal.open()
        if main.observer is not None:
            made.observer = main.observer.beside(made.storage)
        return made

    def catch_up(self) -> None:
        """Take over what was written long enough ago."""
        until = self._now() - self._lag
        coming, storage = self._coming, self.world.storage
        if not coming or coming[0].at > until:
            return
        self._taking = True
        while coming and coming[0].at <= until:
            _, self.index, path, value = coming.popleft()
            if value is None:
                storage.delete(path)
            else:
                storage.put(path, value)
        self._taking = False
        self._reload(self.world)

    def answers(self, seen: Seen) -> bool:
        """Whether the replica answers a request by itself.

        Not where it would have to write: for a token whose uses are counted, a login, an answer to be wrapped, or
        whatever is not a read or a list. Engines that lend secrets are not asked at all, as the path does not tell
        whether it is lent.

        Args:
            seen: the request as the replica sees it.
        """
        if self._main.seal.sealed or not seen.operations <= _READING:
            return False
        if seen.header("x-vault-wrap-ttl") or seen.header(INLINE):
            return False
        if seen.token is not None and seen.token.num_uses:
            return False
        route = seen.route
        mounted = None if route is None else route.mounted
        if route is None or mounted is None:
            return True
        if route.login and mounted.entry.table == "auth":
            return False
        return not getattr(mounted.backend, "secrets", ())

    def discard(self) -> bool:
        """Undo what the request has written, which was not the replica's to write. Gives whether there was any."""
        if not self._before:
            return False
        before, self._before = self._before, {}
        self._taking = True
        for path, value in before.items():
            if value is None:
                self.world.storage.delete(path)
            else:
                self.world.storage.put(path, value)
        self._taking = False
        self._reload(self.world)
        return True

    def _told(self, index: int, path: str, value: object) -> None:
        if not path.startswith(self._kept) and path != CLOCK:
            self._coming.append(_Coming(self._now(), index, path, value))

    def _wrote(self, path: str, old: object, _new: object) -> None:
        if not self._taking:
            self._before.setdefault(path, old)

    def _reload(self, world: World) -> None:
        # The audit devices are the other world's, and stay as they are.
        world.audit = self._quiet
        world.reload()
        world.audit = self._main.audit


class _Still(Timeline):
    """The course of time in a world in which nothing is ever due."""

    def __init__(self, world: World) -> None:
        super().__init__(world.storage, world.clock, world.leases, world.timers, world.commit, lambda _what: False)

    async def catch_up(self) -> None:
        """Nothing is due."""
