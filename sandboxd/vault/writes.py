"""The writes of a world, counted: the number of the latest is its **index**, as a cluster's log has one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandboxd.vault.world import World

Told = Callable[[int, str, object], None]
"""Is told of a write: its index, the path, and the value; None where it was deleted."""


class Writes:
    """The writes of a world, counted while somebody follows them. `key` signs what is told of their number."""

    def __init__(self, world: World) -> None:
        self.index = len(world.storage)
        self.key = world.entropy.fork("index").bytes(32)
        self._storage = world.storage
        self._told: tuple[Told, ...] = ()
        self._end: Callable[[], None] | None = None

    def follow(self, told: Told) -> Callable[[], None]:
        """Have a function told of each write. Gives what ends that."""
        self._told += (told,)
        if self._end is None:
            self._end = self._storage.follow(self._count)

        def end() -> None:
            self._told = tuple(each for each in self._told if each is not told)
            if not self._told and self._end is not None:
                self._end()
                self._end = None

        return end

    def _count(self, path: str, _old: object, new: object) -> None:
        self.index += 1
        for told in self._told:
            told(self.index, path, new)


def writes_of(world: World) -> Writes:
    """The writes of a world, which goes on counting where it was: an index never comes twice."""
    if world.writes is None:
        world.writes = Writes(world)
    return world.writes


def count_all(world: World) -> Writes:
    """Count the writes of a world from now on, for good."""
    found = writes_of(world)
    found.follow(_nothing)
    return found


def _nothing(_index: int, _path: str, _value: object) -> None:
    """They are counted, and that is all."""
