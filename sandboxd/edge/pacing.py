"""Lets faults, and the phases of scenarios, begin and end on time."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from sandboxd.vault.reporting import report

if TYPE_CHECKING:
    from sandboxd.chaos.run import Chaos
    from sandboxd.edge.sandbox import Sandbox

SHORTEST, LONGEST = 0.002, 1.0
"""Seconds between two looks: the sandbox's own clock can be moved meanwhile."""


async def pace(chaos: Chaos, sandbox: Sandbox) -> None:
    """Do what is due, and have the listeners follow; goes on until it is cancelled."""
    changed = asyncio.Event()
    chaos.on_change = changed.set
    while True:
        changed.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(changed.wait(), min(max(chaos.due, SHORTEST), LONGEST))
        try:
            if chaos.due <= 0:
                await chaos.turn()
            await sandbox.follow()
        except Exception as error:  # noqa: BLE001 -- told of; the next fault may go better
            report(error)
