"""Effects: faults that really change the state of the world, and put it back when they end.

What an effect writes is remembered by its path in the storage, with what was there before. When the fault ends, each
path that still holds what the fault put there gets back what it held; what a client has written since then stays. What
an engine that reaches a real upstream did there stays done.

None of it is kept on disk: when the process is killed while an effect is on, the state is taken up as it was without.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from sandboxd.chaos.kinds import kind_name, state
from sandboxd.chaos.model import Fault
from sandboxd.vault.errors import refuse
from sandboxd.vault.waiting import during

if TYPE_CHECKING:
    from sandboxd.chaos.rules import Active
    from sandboxd.chaos.run import Chaos
    from sandboxd.vault.storage import Storage
    from sandboxd.vault.world import World

Begin = Callable[["Chaos", Any], Awaitable[int]]
"""Changes the state as a fault says; gives how many things were changed. Raises Refusal for what makes no sense."""


class Change(NamedTuple):
    """What was written to a path; None for nothing there."""

    before: object
    after: object


class Recorder:
    """Notes what is written while it watches, which is kept in memory alone."""

    def __init__(self, storage: Storage) -> None:
        self.changes: dict[str, Change] = {}
        self._storage = storage

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Note what is written meanwhile."""
        end = self._storage.follow(self._note)
        try:
            with self._storage.unkept():
                yield
        finally:
            end()

    def _note(self, path: str, old: object, new: object) -> None:
        known = self.changes.get(path)
        self.changes[path] = Change(old if known is None else known.before, new)


class Effect:
    """What a fault has changed."""

    def __init__(self, world: World, changes: Mapping[str, Change]) -> None:
        self._world = world
        self.changes = {path: each for path, each in changes.items() if each.before is not each.after}

    def undo(self) -> None:
        """Put back what is still as the fault left it."""
        storage = self._world.storage
        with storage.unkept():
            for path, (before, after) in self.changes.items():
                if storage.get(path) is not after:
                    continue
                if before is None:
                    storage.delete(path)
                else:
                    storage.put(path, before)
        self._world.reload()


async def begin(chaos: Chaos, active: Active) -> Effect:
    """Begin with a fault's effect. Raises Refusal, with nothing changed, when there is nothing that it could change."""
    recorder = Recorder(chaos.world.storage)
    try:
        count = await during(_begun(chaos, active.fault), recorder.watching)
    except BaseException:
        Effect(chaos.world, recorder.changes).undo()
        raise
    active.seen += count
    active.struck += count
    return Effect(chaos.world, recorder.changes)


async def _begun(chaos: Chaos, fault: Fault) -> int:
    count = await _effects()[type(fault)](chaos, fault)
    return count or refuse(f"{kind_name(fault)}: there is nothing here that it is aimed at")


def _effects() -> Mapping[type[Fault], Begin]:
    from sandboxd.chaos.effects import logins, mounts, policies, secrets, tokens

    return {
        state.TokensRevoked: tokens.revoke,
        state.TokensShortened: tokens.shorten,
        state.LeasesRevoked: tokens.revoke_leases,
        state.PolicyNarrowed: policies.narrow,
        state.MountGone: mounts.disable,
        state.MountMoved: mounts.move,
        state.SecretDeleted: secrets.delete,
        state.SecretRolledBack: secrets.roll_back,
        state.SecretRotated: secrets.rotate,
        state.SecretIdsGone: logins.destroy_secret_ids,
        state.UsersLockedOut: logins.lock_out,
    }
