"""Events, and following them."""

import asyncio

import pytest
from unit.helpers import START, world

from sandboxd.vault import events as module
from sandboxd.vault.clock import NANOSECONDS


@pytest.fixture
def events():
    return world().events


def test_events_are_numbered_and_dated(events):
    events.tell("secret.expired", "secret/a", owner="orders")
    events.tell("rotation.done", "secret/b", namespace="team/")
    first, second = events.after(0)
    assert (first.id, first.at, first.details) == (1, START * NANOSECONDS, {"owner": "orders"})
    assert (second.id, second.namespace, events.last) == (2, "team/", 2)


def test_a_follower_gets_what_came_after_the_last_it_saw(events):
    for name in ("a", "b", "c"):
        events.tell("secret.expired", name)
    assert [event.path for event in events.after(1)] == ["b", "c"]
    assert events.after(3) == ()


def test_a_follower_may_choose_kinds_and_families(events):
    for kind in ("lease.expired", "lease.revoked", "rotation.done"):
        events.tell(kind, "x")
    assert [event.kind for event in events.after(0, ("lease.",))] == ["lease.expired", "lease.revoked"]
    assert [event.kind for event in events.after(0, ("rotation.done",))] == ["rotation.done"]


def test_only_the_latest_are_kept(events, monkeypatch):
    for number in range(module.KEPT + 5):
        events.tell("lease.expired", str(number))
    kept = events.after(0)
    assert (len(kept), kept[0].id) == (module.KEPT, 6)


async def test_a_waiting_follower_is_woken_by_the_next_event(events):
    waiting = asyncio.create_task(events.wait(0, ("lease.",), 60))
    await asyncio.sleep(0)
    events.tell("rotation.done", "x")
    await asyncio.sleep(0)
    events.tell("lease.expired", "y")
    assert [event.path for event in await waiting] == ["y"]


async def test_a_follower_does_not_wait_for_ever(events):
    assert await events.wait(0, (), 0.01) == ()
    assert not events._waiting
