"""Requests that may be carried out only as far as they write nothing."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NoReturn

from sandboxd.vault.faults import Trouble

if TYPE_CHECKING:
    from sandboxd.vault.request import Request
    from sandboxd.vault.world import World

Writes = Mapping[str, tuple[object, object]]
"""What was written, by its path: the value before and after, None for nothing there."""
Refuse = Callable[["World", "Request", Writes], NoReturn]
"""Raises what is to be told of a request that wrote something."""


class Unwritten(Trouble):
    """Takes back what a request has written, and refuses it.

    Args:
        refuse: raises what is told.
    """

    def __init__(self, refuse: Refuse) -> None:
        self._refuse = refuse
        self._written: dict[str, tuple[object, object]] = {}
        self._end: Callable[[], None] | None = None
        self._request: Request | None = None

    def before(self, world: "World", request: "Request") -> None:
        """Look at what is written from now on."""
        self._request = request
        self._end = world.storage.follow(self._note)

    def _note(self, path: str, old: object, new: object) -> None:
        self._written[path] = (self._written[path][0] if path in self._written else old, new)

    def committing(self, world: "World") -> None:
        """Take back what was written, and refuse."""
        if self._end is not None:
            self._end()
            self._end = None
        changed = {path: pair for path, pair in self._written.items() if pair[0] is not pair[1]}
        if not changed or self._request is None:
            return
        for path, (old, _) in changed.items():
            if old is None:
                world.storage.delete(path)
            else:
                world.storage.put(path, old)
        world.reload()
        self._refuse(world, self._request, changed)
