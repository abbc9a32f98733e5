"""Looking at an app's health URL, again and again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from sandboxd.chaos.drill.watch import Look
from sandboxd.vault.waiting import spawn

if TYPE_CHECKING:
    import aiohttp

    from sandboxd.edge.recording import Recorder

EVERY = 0.5
"""Seconds between two looks."""
PATIENCE = 2.0
"""Seconds that the app may take to answer."""


class Health:
    """Looks at a URL for as long as it is entered. An app is well when it answers with a status below 300, in time.

    Args:
        url: on this machine.
        recorder: keeps what is seen.
    """

    def __init__(self, url: str, recorder: Recorder) -> None:
        self._url = url
        self._recorder = recorder
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = spawn(self._look(), "looks at the app's health")
        return self

    async def __aexit__(self, *_error: object) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _look(self) -> None:
        import aiohttp

        limit = aiohttp.ClientTimeout(total=PATIENCE)
        connector = aiohttp.TCPConnector(force_close=True)
        async with aiohttp.ClientSession(timeout=limit, connector=connector) as session:
            while True:
                begun = self._recorder.now
                well, note = await self._once(session)
                ended = self._recorder.now
                took = ended - begun
                self._recorder.seen.looks.append(Look(at=ended if well else begun, well=well, took=took, note=note))
                await asyncio.sleep(max(EVERY - took, 0.01))

    async def _once(self, session: aiohttp.ClientSession) -> tuple[bool, str]:
        import aiohttp

        try:
            async with session.get(self._url, allow_redirects=False) as answer:
                await answer.read()
                return answer.status < 300, f"status {answer.status}"
        except TimeoutError:
            return False, f"no answer in {PATIENCE:g} s"
        except aiohttp.ClientConnectorError:
            return False, "connection refused"
        except aiohttp.ClientError as error:
            return False, type(error).__name__
