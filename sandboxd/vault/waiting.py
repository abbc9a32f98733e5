"""Waiting for what takes a while: a database, a key that is made in a thread.

Most requests never wait, so they are begun without an asyncio task. What waits may need one (time limits do), so a task
is there from the first wait on.
"""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


async def waited(work: Awaitable[T]) -> T:
    """Wait for something, in a task. Meant for what really waits: it costs a turn of the event loop."""
    if asyncio.current_task() is None:
        await asyncio.sleep(0)  # whoever began this without a task gives it one now
    return await work
