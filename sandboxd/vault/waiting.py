"""Waiting for what takes a while (a database, a key that is made in a thread), and tasks for what goes on beside.

Most requests never wait, so they are begun without an asyncio task. What waits may need one (time limits do), so a task
is there from the first wait on.
"""

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_held: set["asyncio.Task[Any]"] = set()


async def waited(work: Awaitable[T]) -> T:
    """Wait for something, in a task. Meant for what really waits: it costs a turn of the event loop."""
    if asyncio.current_task() is None:
        await asyncio.sleep(0)  # whoever began this without a task gives it one now
    return await work


def spawn(work: Coroutine[Any, Any, T], name: str) -> "asyncio.Task[T]":
    """Start a task and hold it until it is done."""
    task = asyncio.get_running_loop().create_task(work, name=name)
    _held.add(task)
    task.add_done_callback(_held.discard)
    return task
