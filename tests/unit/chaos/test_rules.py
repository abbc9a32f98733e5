"""Which fault strikes a request: aims are in test_facts, what faults do elsewhere."""

import pytest
from unit.chaos.setting import Setting


@pytest.fixture
def made():
    return Setting()


def test_a_fault_strikes_what_it_is_aimed_at_and_nothing_else(made):
    made.start("status code=502 path=secret/*")
    assert made.read() == 502
    assert made.read("auth/token/lookup-self") == 200


def test_nothing_is_asked_of_chaos_before_there_is_a_fault_and_after_the_last(made):
    assert made.world.faults is None
    active = made.start("status")
    assert made.world.faults is not None
    assert made.chaos.rules.get(active.id) is active


def test_the_first_fault_that_strikes_wins(made):
    made.start("status code=502 path=secret/*")
    made.start("status code=503")
    assert made.read() == 502
    assert made.read("auth/token/lookup-self") == 503


def test_a_fault_that_does_not_strike_leaves_the_request_to_the_next(made):
    made.start("status code=502 times=1")
    made.start("status code=503")
    assert made.reads(3) == [502, 503, 503]


def test_every_nth_request_is_struck_beginning_with_the_first(made):
    made.start("status every=3")
    assert made.reads(7) == [503, 200, 200, 503, 200, 200, 503]


def test_after_spares_the_first_requests(made):
    made.start("status after=2")
    assert made.reads(4) == [200, 200, 503, 503]


def test_after_and_every_go_together(made):
    made.start("status after=1 every=2")
    assert made.reads(5) == [200, 503, 200, 503, 200]


def test_first_looks_at_the_first_requests_only(made):
    made.start("status first=2")
    assert made.reads(4) == [503, 503, 200, 200]


def test_times_is_how_often_it_strikes_at_most(made):
    made.start("status every=2 times=2")
    assert made.reads(7) == [503, 200, 503, 200, 200, 200, 200]


def test_only_requests_that_it_is_aimed_at_are_counted(made):
    active = made.start("status path=secret/* every=2")
    made.reads(5, "auth/token/lookup-self")
    assert made.reads(3) == [503, 200, 503]
    assert (active.seen, active.struck) == (3, 2)


def test_the_share_that_is_struck_is_about_what_was_asked_for(made):
    made.start("status probability=30%")
    found = made.reads(600).count(503) / 600
    assert 0.24 < found < 0.36


def test_the_same_seed_strikes_the_same_requests(made):
    made.start("status probability=0.5", seed="one")
    first = made.reads(50)
    other = Setting()
    other.start("status probability=0.5", seed="one")
    assert other.reads(50) == first


def test_another_seed_strikes_other_requests(made):
    made.start("status probability=0.5", seed="one")
    first = made.reads(50)
    other = Setting()
    other.start("status probability=0.5", seed="two")
    assert other.reads(50) != first


def test_what_else_is_asked_does_not_change_which_requests_are_struck(made):
    made.start("status probability=0.5 path=secret/*", seed="one")
    first = made.reads(30)
    other = Setting()
    other.start("status probability=0.5 path=secret/*", seed="one")
    found = []
    for _ in range(30):
        other.read("auth/token/lookup-self")
        found.append(other.read())
    assert found == first


def test_a_time_to_live_ends_a_fault(made):
    active = made.start("status for=10s")
    made.pass_(9.9)
    assert made.read() == 503
    made.pass_(0.2)
    assert made.read() == 200
    assert made.chaos.rules.get(active.id) is None


def test_a_window_begins_later(made):
    made.start("status from=5s for=10s")
    assert made.read() == 200
    made.pass_(6)
    assert made.read() == 503
    made.pass_(10)
    assert made.read() == 200


def test_requests_outside_of_the_window_are_not_counted(made):
    active = made.start("status from=5s every=2")
    made.reads(3)
    made.pass_(6)
    assert made.reads(2) == [503, 200]
    assert active.seen == 2


def test_a_window_of_sandbox_time_follows_the_clock_that_is_moved(made):
    made.start("status for=1h clock=sandbox")
    made.pass_(10)
    assert made.read() == 503
    made.world.clock.advance(3600)
    assert made.read() == 200


def test_a_window_of_real_time_does_not_follow_the_clock_that_is_moved(made):
    made.start("status for=1h")
    made.world.clock.advance(7200)
    assert made.read() == 503


def test_strikes_are_remembered_with_what_they_hit(made):
    made.start("status name=mine times=1 path=secret/*")
    made.read(headers={"user-agent": "shop/1.0"})
    made.read()
    [struck] = made.chaos.rules.struck
    assert (struck.name, struck.kind, struck.key, struck.number) == ("mine", "status", "GET secret/data/app", 1)


def test_the_control_api_and_other_pages_are_never_struck(made):
    made.start("status")
    from unit.helpers import finished

    from sandboxd.edge.app import App
    from sandboxd.edge.messages import Incoming

    incoming = Incoming("GET", "/", {}, b"", "127.0.0.1", 1)
    assert finished(App(made.world).answer(incoming)).status == 307
