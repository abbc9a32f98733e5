"""Requests without tasks."""

import asyncio
from collections.abc import Coroutine, Generator
from types import coroutine
from typing import Any, TypeVar

from sandboxd.vault.waiting import spawn

T = TypeVar("T")


class Ready:
    """A coroutine's result that was there at once."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


def begin(work: Coroutine[Any, Any, T], name: str) -> "Ready | asyncio.Task[T]":
    """Run a coroutine up to where it first waits; most requests never do, and need no task.

    Raises what the coroutine raises before it waits.
    """
    try:
        waited = work.send(None)
    except StopIteration as done:
        return Ready(done.value)
    return spawn(_rest(work, waited), name)


@coroutine
def _resume(work: Coroutine[Any, Any, T], waited: Any) -> Generator[Any, Any, T]:
    while True:
        failure: BaseException | None = None
        sent = None
        try:
            sent = yield waited
        except BaseException as error:  # noqa: BLE001 -- cancellation too goes to the coroutine
            failure = error
        try:
            waited = work.send(sent) if failure is None else work.throw(failure)
        except StopIteration as done:
            result: T = done.value
            return result


async def _rest(work: Coroutine[Any, Any, T], waited: Any) -> T:
    return await _resume(work, waited)
