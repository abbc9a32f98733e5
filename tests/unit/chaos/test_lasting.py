from __future__ import annotations

import asyncio

from sandboxd.chaos.lasting import Lasting


class Thing:
    open = True

    def close(self) -> None:
        self.open = False


def test_what_a_fault_needs_is_made_once_and_closed_with_it():
    lasting = Lasting()
    thing = lasting.keep("f1", Thing)
    assert lasting.keep("f1", Thing) is thing
    assert lasting.keeps("f1")
    lasting.end("f1")
    assert not thing.open
    assert not lasting.keeps("f1")
    assert lasting.keep("f1", Thing) is not thing


def test_who_waits_is_let_go_when_the_fault_ends():
    async def waits() -> tuple[bool, bool]:
        lasting = Lasting()
        waiting = asyncio.gather(lasting.hold("f1", None), lasting.hold("f2", 0))
        await asyncio.sleep(0)
        lasting.end("f1")
        lasting.end("f3")
        first, second = await waiting
        return first, second

    assert asyncio.run(waits()) == (False, True)
