"""Runs: scenarios under way, and their end."""

import pytest
from unit.chaos.setting import Setting
from unit.helpers import finished

from sandboxd.chaos.run import MOST_FAULTS
from sandboxd.vault.errors import Refusal

FLAPPING = """
phases:
- name: down
  hold: 2s
  faults: [{fault: status}]
- name: up
  hold: 3s
- name: down again
  hold: 2s
  faults: [{fault: status, code: 502}]
"""


@pytest.fixture
def made():
    return Setting()


def test_phases_begin_and_end_on_time(made):
    run = made.run(FLAPPING)
    found = []
    for _ in range(8):
        found.append(made.read())
        made.pass_(1)
    assert found == [503, 503, 200, 200, 200, 502, 502, 200]
    assert run.over
    assert made.world.faults is None


def test_a_long_sleep_goes_through_all_phases_at_once(made):
    run = made.run(FLAPPING)
    made.pass_(3600)
    made.turn()
    assert run.over
    assert len(made.chaos.rules) == 0


def test_the_next_change_is_known_to_the_nanosecond(made):
    made.run(FLAPPING)
    assert made.chaos.due == 2
    made.pass_(0.5)
    assert made.chaos.due == 1.5


def test_nothing_is_due_when_nothing_is_wrong_or_it_lasts(made):
    assert made.chaos.due == float("inf")
    made.start("status")
    assert made.chaos.due == float("inf")


def test_the_window_of_a_fault_is_due(made):
    made.start("status from=5s for=10s")
    assert made.chaos.due == 5
    made.pass_(6)
    assert made.chaos.due == 9


def test_a_ramp_strikes_more_and_more_and_a_recovery_fewer_and_fewer(made):
    made.run("phases: [{ramp: 10s, faults: [{fault: status}]}, {recover: 10s, faults: [{fault: status}]}]")
    shares = []
    for _ in range(10):
        shares.append(made.reads(50).count(503) / 50)
        made.pass_(2)
    assert shares[0] == 0  # a ramp begins with nothing
    assert shares[0] < shares[2] < shares[4] < 1
    assert shares[5] == 1  # a recovery begins with all
    assert 1 > shares[6] > shares[8] > 0


def test_a_ramp_grows_to_the_share_that_the_fault_says(made):
    made.run("phases: [{ramp: 10s, faults: [{fault: status, probability: 50%}]}]")
    made.pass_(9.99)
    assert 0.35 < made.reads(200).count(503) / 200 < 0.65


def test_a_scenario_of_sandbox_time_follows_the_clock_that_is_moved(made):
    made.run(f"clock: sandbox{FLAPPING}")
    made.pass_(1)
    assert made.read() == 503
    made.world.clock.advance(2)
    assert made.read() == 200


def test_the_window_of_a_fault_counts_from_the_phase_that_it_is_in(made):
    made.run("phases: [{hold: 5s}, {hold: 10s, faults: [{fault: status, from: 2s, for: 3s}]}]")
    made.pass_(6)
    assert made.read() == 200
    made.pass_(2)
    assert made.read() == 503
    made.pass_(3)
    assert made.read() == 200


def test_stopping_a_run_ends_its_faults_alone(made):
    made.start("status code=500 path=auth/*")
    run = made.run(FLAPPING)
    assert made.read() == 503
    assert made.chaos_stop(run.id) == 1
    assert made.read() == 200
    assert made.read("auth/token/lookup-self") == 500


@pytest.mark.parametrize("name", ["f1", "mine", "status"])
def test_a_fault_is_stopped_by_its_id_its_name_or_its_kind(made, name):
    made.start("status name=mine")
    assert made.chaos_stop(name) == 1
    assert made.read() == 200


def test_stopping_what_is_not_there_is_refused(made):
    with pytest.raises(Refusal, match='nothing that is called "x" is going wrong'):
        made.chaos_stop("x")


def test_stopping_everything_leaves_nothing(made):
    made.start("status")
    made.run(FLAPPING)
    made.chaos.allow_header(allowed=True)
    assert made.chaos_stop() == 2
    assert len(made.chaos.rules) == 0
    assert made.read() == 200
    assert made.chaos_stop() == 0


def test_a_header_that_is_allowed_stays_so(made):
    made.chaos.allow_header(allowed=True)
    made.chaos_stop()
    assert made.read(headers={"x-sandboxd-fault": "status code=502"}) == 502


def test_the_same_seed_runs_the_same_way(made):
    scenario = "phases: [{hold: 10s, faults: [{fault: status, probability: 50%}]}]"
    made.run(scenario, seed="a")
    first = made.reads(40)
    other = Setting()
    other.start("status code=404 path=none")  # ids differ, chance does not
    other.run(scenario, seed="a")
    assert other.reads(40) == first


def test_a_replay_strikes_the_same_requests_whatever_the_time(made):
    made.run("phases: [{hold: 2s, faults: [{fault: status, probability: 50%}]}]")
    first = made.reads(30) + made.reads(10, "auth/token/lookup-self")
    made.pass_(5)
    made.turn()
    again = made.replay()
    assert again.replay_of == "r1"
    assert made.reads(10, "auth/token/lookup-self") == first[30:]  # in another order
    assert made.reads(30) == first[:30]
    assert made.read() == 200


def test_a_replay_draws_the_same_delays(made):
    active = made.start("slow delay=uniform(1s,3s)")
    from sandboxd.chaos.rules import Strike

    assert Strike(active, 4).draw("uniform(1s, 3s)") == Strike(active, 4).draw("uniform(1s, 3s)")
    assert Strike(active, 4).draw("uniform(1s, 3s)") != Strike(active, 5).draw("uniform(1s, 3s)")


def test_a_replay_with_a_seed_draws_anew(made):
    made.run("phases: [{hold: 2s, faults: [{fault: status, probability: 50%}]}]")
    first = made.reads(40)
    made.chaos_stop()
    assert made.replay(seed="other").replay_of == ""
    assert made.reads(40) != first


def test_there_is_nothing_to_replay_before_the_first_run(made):
    with pytest.raises(Refusal, match="no scenario has been run yet"):
        made.replay()
    with pytest.raises(Refusal, match='there is no run "r7" to replay'):
        made.replay("r7")


def test_runs_that_are_over_are_remembered_up_to_a_number(made):
    for _ in range(25):
        made.run("phases: [{hold: 1s}]")
        made.pass_(2)
        made.turn()
    assert len(made.chaos.runs) == 20
    assert "r25" in made.chaos.runs


def test_there_can_be_only_so_many_faults(made):
    for _ in range(MOST_FAULTS):
        made.start("status path=none")
    with pytest.raises(Refusal, match=f"there are {MOST_FAULTS} faults already"):
        made.start("status")


def test_a_world_without_a_listener_has_no_faults_at_one(made):
    made.chaos.doors = False
    with pytest.raises(Refusal, match="worlds share one listener"):
        made.start("refused")
    with pytest.raises(Refusal, match="worlds share one listener"):
        made.run("phases: [{hold: 1s, faults: [{fault: refused}]}]")
    assert len(made.chaos.rules) == 0


def test_a_listener_is_told_of_the_faults_at_it(made):
    told = []
    made.chaos.on_change = lambda: told.append([active.kind for active in made.chaos.doors_now()])
    active = made.start("refused")
    made.chaos_stop(active.id)
    assert told[0] == ["refused"]
    assert told[-1] == []


@pytest.mark.parametrize("text", ["status code=99", "nothing", "refused", "tokens-revoked", "status x"])
def test_a_header_that_cannot_be_had_is_refused_with_the_reason(made, text):
    made.chaos.allow_header(allowed=True)
    reply = made.call("GET", "secret/data/app", headers={"x-sandboxd-fault": text})
    assert reply.status == 400
    assert reply.errors[0].startswith("X-Sandboxd-Fault")


def test_a_header_that_is_not_allowed_is_refused(made):
    reply = made.call("GET", "secret/data/app", headers={"x-sandboxd-fault": "status"})
    assert reply.status == 400
    assert "--fault-header" in reply.errors[0]


def test_a_fault_by_header_counts_with_its_like(made):
    made.chaos.allow_header(allowed=True)
    ask = {"headers": {"x-sandboxd-fault": "status every=2"}}
    assert made.reads(4, **ask) == [503, 200, 503, 200]
    assert made.read() == 200


def test_several_are_stopped_only_where_there_are_all_of_them():
    setting = Setting()
    setting.start("status code=502 name=one")
    setting.start("status code=503 name=two")
    with pytest.raises(Refusal, match=r'nothing that is called "three"'):
        finished(setting.chaos.stop("one", "three"))
    assert setting.read() == 502
    assert finished(setting.chaos.stop("one", "two", "one")) == 2
    assert setting.read() == 200


def test_a_node_of_a_single_server_cannot_be_meant():
    with pytest.raises(Refusal, match="single server"):
        Setting().start("status code=502 node=node-1")
