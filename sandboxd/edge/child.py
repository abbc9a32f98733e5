"""A process that is started to be watched: in a group of its own, so that nothing of it is left when it is stopped."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

GRACE = 5.0
"""Seconds that a process may take to end when it is asked to."""


class Child:
    """A process. Make it with `start`, and `stop` it in any case.

    `asked` tells that it was asked to end, so that its exit status says nothing.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.asked = False

    @classmethod
    async def start(cls, command: Sequence[str], environment: Mapping[str, str], log: Path) -> Child:
        """Start a command; what it says goes to the log, readable by its owner alone.

        Raises OSError when it cannot be started.
        """
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                env=environment,
                start_new_session=True,
            )
        finally:
            os.close(descriptor)
        return cls(process)

    @property
    def status(self) -> int | None:
        """Its exit status, negative for the signal that killed it; None while it runs."""
        return self._process.returncode

    async def wait(self) -> int:
        """Wait until it ends; gives its exit status."""
        return await self._process.wait()

    async def stop(self) -> None:
        """Have it end, by force after a grace, and with it whatever it has started."""
        self.asked = self.status is None
        try:
            if self.asked:
                self._signal(signal.SIGTERM)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._process.wait(), GRACE)
        finally:
            self._signal(signal.SIGKILL)
        await self._process.wait()

    def _signal(self, number: int) -> None:
        # The group is there as long as one of its processes is.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)
