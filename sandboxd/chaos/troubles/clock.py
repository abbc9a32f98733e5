"""A server whose clock is wrong, for the requests that are aimed at.

The clock is wrong while a request is being handled, and right again whenever that waits for something: what is due at
its own time in the sandbox is not touched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandboxd.chaos.troubles.struck import Struck
from sandboxd.vault.durations import parse_nanoseconds
from sandboxd.vault.pipeline import rejected

if TYPE_CHECKING:
    from sandboxd.vault.request import Request
    from sandboxd.vault.world import World


class Skewed(Struck):
    """The clock is wrong from when the request is looked at. `on`: it is now, whenever the request is worked on."""

    on = False

    @property
    def by(self) -> int:
        """How far the clock is ahead, in nanoseconds."""
        return parse_nanoseconds(self.fault.by)

    def before(self, world: World, request: Request) -> None:  # noqa: ARG002 -- whatever it is
        """Have the clock be wrong. What was due by the right one has been done."""
        self.on = True
        world.clock.skew(self.by)

    def authenticating(self, world: World, request: Request) -> None:
        """Refuse a token that has ended by this clock: the real server looks at the end of its lease."""
        token = world.tokens.lookup(request.token) if request.token else None
        entry = None if token is None else world.leases.of_token(token)
        if entry is not None and entry.expire_time and entry.expire_time < world.clock.now_ns():
            raise rejected(world, request)
