"""Waiting for what takes a while (a database, a key that is made in a thread), and tasks for what goes on beside.

Most requests never wait, so they are begun without an asyncio task. What waits may need one (time limits do), so a task
is there from the first wait on.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextlib import AbstractContextManager
from types import coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_held: set["asyncio.Task[Any]"] = set()


async def waited(work: Awaitable[T]) -> T:
    """Wait for something, in a task. Meant for what really waits: it costs a turn of the event loop."""
    if asyncio.current_task() is None:
        await asyncio.sleep(0)  # whoever began this without a task gives it one now
    return await work


@coroutine
def during(
    work: Coroutine[Any, Any, T], context: Callable[[], AbstractContextManager[object]]
) -> Generator[Any, Any, T]:
    """Do some work within a context that is entered whenever it goes on, and left while it waits for something."""
    sent: Any = None
    failure: BaseException | None = None
    while True:
        try:
            with context():
                awaited = work.send(sent) if failure is None else work.throw(failure)
        except StopIteration as done:
            found: T = done.value
            return found
        sent = failure = None
        try:
            sent = yield awaited
        except BaseException as error:  # noqa: BLE001 -- cancellation too goes to the work
            failure = error


def spawn(work: Coroutine[Any, Any, T], name: str) -> "asyncio.Task[T]":
    """Start a task and hold it until it is done."""
    task = asyncio.get_running_loop().create_task(work, name=name)
    _held.add(task)
    task.add_done_callback(_held.discard)
    return task
