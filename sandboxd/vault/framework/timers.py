"""Timers, as engines see them: what is to be done at a moment, whether a client asks or not."""

from typing import Protocol


class MountTimers(Protocol):
    """The timers of one mount, by names of the engine's own choice. Moments are nanoseconds since 1970."""

    def set(self, name: str, at: int) -> None:
        """Have the backend's `on_timer` called at a moment; a timer of that name is moved."""

    def cancel(self, name: str) -> None:
        """Forget a timer, if there is one."""

    def at(self, name: str) -> int:
        """When a timer goes off; 0 when there is none of that name."""
