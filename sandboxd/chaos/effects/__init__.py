"""Effects: faults that really change the state of the world, and put it back when they end.

What was there before is remembered by its path in the storage. When the fault ends, each path that still holds what the
fault put there gets back what it held; what a client has written since then stays. What an engine that reaches a real
upstream did there stays done.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, NamedTuple

from sandboxd.chaos.kinds import kind_name
from sandboxd.chaos.model import Fault
from sandboxd.vault.errors import refuse

if TYPE_CHECKING:
    from sandboxd.chaos.rules import Active
    from sandboxd.chaos.run import Chaos
    from sandboxd.vault.world import World

Begin = Callable[["Chaos", Any], "int | Awaitable[int]"]
"""Changes the state as a fault says; gives how many things were changed. Raises Refusal when there is nothing."""


class Change(NamedTuple):
    """What was written to a path; None for nothing there."""

    path: str
    before: object | None
    after: object | None


class Effect:
    """What a fault has changed."""

    def __init__(self, world: World, changes: tuple[Change, ...]) -> None:
        self._world = world
        self.changes = changes

    def undo(self) -> None:
        """Put back what is still as the fault left it. Raises Failure when that cannot be kept."""
        storage = self._world.storage
        for path, before, after in self.changes:
            if storage.get(path) is not after:
                continue
            if before is None:
                storage.delete(path)
            else:
                storage.put(path, before)
        self._world.reload()
        self._world.commit()


async def begin(chaos: Chaos, active: Active) -> Effect:
    """Begin with a fault's effect. Raises Refusal, with nothing changed, when there is nothing that it could change."""
    world = chaos.world
    before = world.storage.snapshot()
    try:
        found = _effects()[type(active.fault)](chaos, active.fault)
        count = (await found if isawaitable(found) else found) or refuse(
            f"{kind_name(active.fault)}: there is nothing here that it is aimed at"
        )
    except BaseException:
        _put_back(world, before.values)
        raise
    active.struck += count
    after = world.storage.snapshot().values
    changes = tuple(
        Change(path, before.values.get(path), after.get(path))
        for path in before.values.keys() | after.keys()
        if before.values.get(path) is not after.get(path)
    )
    world.commit()
    return Effect(world, changes)


def _put_back(world: World, before: Mapping[str, object]) -> None:
    now = world.storage.snapshot().values
    changes = (
        Change(path, before.get(path), now.get(path))
        for path in before.keys() | now.keys()
        if before.get(path) is not now.get(path)
    )
    Effect(world, tuple(changes)).undo()


def _effects() -> Mapping[type[Fault], Begin]:
    return {}
