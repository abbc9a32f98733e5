"""What was seen: who read what, and whose a value is."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from sandboxd.insight.readers import Reader, Readers
from sandboxd.insight.values import Held, Values
from sandboxd.vault.world import Observer, World

if TYPE_CHECKING:
    from sandboxd.vault.storage import Storage

__all__ = ["Held", "Insight", "Reader", "Readers", "Values", "insight"]


class Insight:
    """What a world is watched by, from its beginning."""

    def __init__(self, world: World) -> None:
        self.readers = Readers(world)
        self.values = Values(world)
        self.answered = self.readers.answered

    def reload(self) -> None:
        """Forget what was seen of a state that is no more."""
        self.readers.forget()
        self.values.forget()

    def beside(self, storage: Storage) -> Observer:
        """Notes what a replica of the world answers, whose storage is another one."""
        return _Replicated(self.readers, storage)


class _Replicated:
    """Notes in the readers of a world what its replica answers."""

    def __init__(self, readers: Readers, storage: Storage) -> None:
        self._readers = readers
        self.answered = partial(readers.answered, storage=storage)

    def reload(self) -> None:
        """What was seen stays: the world is as it was."""

    def beside(self, storage: Storage) -> Observer:
        """Notes what another replica answers."""
        return _Replicated(self._readers, storage)


def insight(world: World) -> Insight:
    """What is known of a world; it is watched from the first time that this is asked."""
    if not isinstance(world.observer, Insight):
        world.observer = Insight(world)
    return world.observer
