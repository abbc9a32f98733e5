"""What the passing of time brings about: leases expire and timers go off, in order, also within a jump."""

import asyncio

import pytest
from unit.helpers import START, call, finished, world
from unit.leasing import lend, mount

from sandboxd.edge.runtime import make_world
from sandboxd.vault.bootstrap import start_dev
from sandboxd.vault.clock import NANOSECONDS, Clock
from sandboxd.vault.errors import Failure
from sandboxd.vault.framework.backend import Engine
from sandboxd.vault.timeline import BREATH
from sandboxd.vault.world import Settings


@pytest.fixture
def made():
    return world()


class Bell:
    """An engine that writes down when its timers go off, in seconds from the start."""

    def __init__(self, made) -> None:
        self.rung = []
        self.trouble = None
        self.repeat = 0
        entry = mount(made, Engine(type="bell", help="Ring.", paths=(), on_timer=self.ring), "bell/")
        self.timers = made.timers.of(entry.uuid)

    def ring(self, call, name) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.rung.append((name, int(call.clock.now()) - START))
        if self.repeat:
            call.timers.set(name, call.clock.now_ns() + self.repeat * NANOSECONDS)

    def set(self, name, seconds) -> None:
        self.timers.set(name, (START + seconds) * NANOSECONDS)


def test_a_timer_goes_off_once_at_its_moment(made):
    bell = Bell(made)
    bell.set("a", 60)
    made.clock.advance(59)
    finished(made.timeline.catch_up())
    assert bell.rung == []
    made.clock.advance(1)
    finished(made.timeline.catch_up())
    finished(made.timeline.catch_up())
    assert bell.rung == [("a", 60)]
    assert bell.timers.at("a") == 0


def test_a_request_comes_after_what_is_due_before_it(made):
    bell = Bell(made)
    bell.set("a", 60)
    made.clock.advance(100)
    call(made, "GET", "secret/data/x")
    assert bell.rung == [("a", 100)]


def test_a_jump_does_everything_at_the_moment_it_is_due(made):
    bell = Bell(made)
    bell.repeat = 3600
    bell.set("hourly", 3600)
    asyncio.run(made.timeline.advance(4 * 3600))
    assert bell.rung == [("hourly", hour * 3600) for hour in (1, 2, 3, 4)]
    assert made.clock.now() == START + 4 * 3600


def test_leases_and_timers_take_turns_in_the_order_of_their_moments(made):
    order = []
    bell, lender = Bell(made), lend(made)
    bell.rung = lender.revoked = order
    for seconds in (100, 300):
        call(made, "GET", f"lend/creds/a?ttl={seconds}")
    bell.set("b", 200)
    asyncio.run(made.timeline.advance(1000))
    assert order == ["a", ("b", 200), "a"]


def test_a_timer_that_was_moved_goes_off_at_its_new_moment_only(made):
    bell = Bell(made)
    bell.set("a", 60)
    bell.set("a", 120)
    asyncio.run(made.timeline.advance(600))
    assert bell.rung == [("a", 120)]


def test_a_cancelled_timer_stays_silent(made):
    bell = Bell(made)
    bell.set("a", 60)
    bell.timers.cancel("a")
    assert made.timeline.next_due == 0
    asyncio.run(made.timeline.advance(600))
    assert bell.rung == []


def test_what_is_refused_is_tried_again_further_and_further_apart(made):
    bell = Bell(made)
    bell.trouble = Failure("no")
    bell.set("a", 60)
    moments = []
    for _ in range(3):
        made.clock.set(made.timeline.next_due, 0.0)
        finished(made.timeline.catch_up())
        moments.append(made.timeline.next_due // NANOSECONDS - START)
    assert moments == [70, 90, 130]
    bell.trouble = None
    asyncio.run(made.timeline.advance(600))
    assert bell.rung == [("a", 130)]


def test_a_fault_in_an_engine_is_reported_and_its_timer_tried_again(made, caplog):
    bell = Bell(made)
    bell.trouble = KeyError("a value")
    bell.set("a", 60)
    asyncio.run(made.timeline.advance(60))
    assert "unexpected KeyError; please report it" in caplog.text
    assert "a value" not in caplog.text
    bell.trouble = None
    asyncio.run(made.timeline.advance(10))
    assert bell.rung == [("a", 70)]


def test_timers_of_a_mount_end_with_it(made):
    bell = Bell(made)
    bell.set("a", 60)
    call(made, "DELETE", "sys/mounts/bell")
    asyncio.run(made.timeline.advance(600))
    assert bell.rung == []


def test_a_timer_is_kept_until_its_work_is_done(made):
    bell = Bell(made)
    bell.set("a", 60)
    before = made.snapshot()
    asyncio.run(made.timeline.advance(600))
    made.restore(before)
    assert made.timeline.next_due == (START + 60) * NANOSECONDS
    asyncio.run(made.timeline.advance(600))
    assert bell.rung == [("a", 60), ("a", 60)]


def test_a_running_clock_goes_on_running_after_a_jump():
    real = [START * NANOSECONDS]
    made = make_world(Settings(), seed="tests", clock=Clock(lambda: real[0]))
    start_dev(made, "root")
    asyncio.run(made.timeline.advance(50))
    real[0] += 5 * NANOSECONDS
    assert made.clock.now() == START + 55


def test_a_frozen_clock_stays_frozen_after_a_jump():
    real = [START * NANOSECONDS]
    made = make_world(Settings(), seed="tests", clock=Clock(lambda: real[0]))
    start_dev(made, "root")
    made.timeline.freeze()
    asyncio.run(made.timeline.advance(50))
    real[0] += 5 * NANOSECONDS
    assert made.clock.now() == START + 50


def test_the_clock_goes_back_with_the_state():
    real = [START * NANOSECONDS]
    made = make_world(Settings(), seed="tests", clock=Clock(lambda: real[0]))
    start_dev(made, "root")
    before = made.snapshot()
    asyncio.run(made.timeline.advance(3600))
    moved = made.snapshot()
    made.restore(before)
    assert made.clock.offset == 0
    made.restore(moved)
    assert made.clock.offset == 3600


def test_a_long_jump_lets_others_have_their_turn(made):
    lender = lend(made)
    for _ in range(3 * BREATH):
        call(made, "GET", "lend/creds/a?ttl=60")

    async def both():
        jump, turns = asyncio.create_task(made.timeline.advance(120)), 0
        while not jump.done():
            await asyncio.sleep(0)
            turns += 1
        return turns

    assert asyncio.run(both()) >= 3
    assert len(lender.revoked) == 3 * BREATH


def test_two_jumps_at_once_follow_one_another(made):
    bell = Bell(made)
    bell.repeat = 60
    bell.set("a", 60)

    async def both():
        return await asyncio.gather(made.timeline.advance(120), made.timeline.advance(120))

    asyncio.run(both())
    assert bell.rung == [("a", 60), ("a", 120), ("a", 180), ("a", 240)]
    assert made.clock.now() == START + 240


def test_the_end_of_a_lease_is_told_of_when_clients_renew(made):
    lend(made)
    lease = call(made, "GET", "lend/creds/a?ttl=90").json["lease_id"]
    asyncio.run(made.timeline.advance(100))
    told = [(event.kind, event.path, (event.at // NANOSECONDS) - START) for event in made.events.after(0)]
    assert told == [("lease.expiring", "lend/creds/a", 60), ("lease.expired", "lend/creds/a", 90)]
    first = made.events.after(0)[0]
    assert first.details == {"lease_id": lease, "expires_at": "2026-01-01T00:01:30Z", "renewable": True}


def test_a_renewal_puts_the_notice_off(made):
    lend(made)
    lease = call(made, "GET", "lend/creds/a?ttl=90").json["lease_id"]
    asyncio.run(made.timeline.advance(50))
    call(made, "PUT", "sys/leases/renew", {"lease_id": lease, "increment": 90})
    asyncio.run(made.timeline.advance(30))
    assert made.events.after(0) == ()
    asyncio.run(made.timeline.advance(30))
    assert [event.kind for event in made.events.after(0)] == ["lease.expiring"]


def test_a_failed_revocation_is_told_of_with_its_next_try(made):
    lender = lend(made)
    call(made, "GET", "lend/creds/a?ttl=60")
    lender.trouble = Failure("down")
    asyncio.run(made.timeline.advance(61))
    failed = made.events.after(0, ("lease.revocation_failed",))
    assert [event.details["tries"] for event in failed] == [1]
    assert failed[0].details["next_try"] == "2026-01-01T00:01:20Z"
    lender.trouble = None
    asyncio.run(made.timeline.advance(20))
    assert [event.kind for event in made.events.after(failed[0].id)] == ["lease.expired"]


def test_a_fault_in_an_engine_is_reported_and_its_lease_tried_again(made, caplog):
    lender = lend(made)
    call(made, "GET", "lend/creds/a?ttl=60")
    lender.trouble = KeyError("a value")
    asyncio.run(made.timeline.advance(61))
    assert "unexpected KeyError; please report it" in caplog.text
    assert "a value" not in caplog.text
    lender.trouble = None
    asyncio.run(made.timeline.advance(20))
    ended = made.events.after(0, ("lease.revocation_failed", "lease.expired"))
    assert [event.kind for event in ended] == ["lease.revocation_failed", "lease.expired"]


def test_the_end_of_a_token_is_told_of(made):
    accessor = call(made, "POST", "auth/token/create", {"ttl": "60s"}).json["auth"]["accessor"]
    asyncio.run(made.timeline.advance(61))
    told = [(event.kind, event.details["accessor"]) for event in made.events.after(0)]
    assert told == [("token.expiring", accessor), ("token.expired", accessor)]
