"""What all troubles know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandboxd.vault.faults import Trouble

if TYPE_CHECKING:
    from sandboxd.chaos.rules import Strike
    from sandboxd.chaos.run import Chaos


class Struck(Trouble):
    """The trouble of one request: the strike, and the chaos that it is a part of."""

    def __init__(self, strike: Strike, chaos: Chaos) -> None:
        self.strike = strike
        self.chaos = chaos
        self.fault: Any = strike.fault

    async def hold(self, seconds: float | None) -> bool:
        """Wait so many seconds, None for as long as the fault lasts; gives whether the time has passed."""
        return await self.chaos.hold(self.strike.active, seconds)
