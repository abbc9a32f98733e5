"""What was seen: who read what, and whose a value is."""

from __future__ import annotations

from sandboxd.insight.readers import Reader, Readers
from sandboxd.insight.values import Held, Values
from sandboxd.vault.world import World

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


def insight(world: World) -> Insight:
    """What is known of a world; it is watched from the first time that this is asked."""
    if not isinstance(world.observer, Insight):
        world.observer = Insight(world)
    return world.observer
