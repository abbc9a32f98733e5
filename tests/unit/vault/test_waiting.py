"""Waiting in a task, also where none was begun."""

import asyncio

from sandboxd.edge.tasks import Ready, begin
from sandboxd.vault.waiting import waited


async def limited():
    async with asyncio.timeout(60):
        await asyncio.sleep(0)
        return asyncio.current_task()


async def test_what_waits_has_a_task_even_if_none_was_begun():
    begun = begin(waited(limited()), "request")
    assert not isinstance(begun, Ready)
    assert await begun is begun


async def test_what_has_a_task_keeps_it():
    assert await waited(limited()) is asyncio.current_task()
