"""The replica, asked as clients ask it: under the faults `stale` and `lagging`."""

from __future__ import annotations

import pytest
from unit.chaos.setting import Setting
from unit.helpers import finished

from sandboxd.insight import insight

LAGGING = "lagging lag=5s"


@pytest.fixture
def setting() -> Setting:
    return Setting("openbao")


def value(setting: Setting, path: str = "secret/data/app", **more: object) -> object:
    reply = setting.call("GET", path, **more)
    return reply.data["data"]["x"] if reply.status == 200 else reply.status


def put(setting: Setting, x: object, path: str = "secret/data/app") -> int:
    return setting.call("POST", path, {"data": {"x": x}}).status


def of(setting: Setting) -> object:
    """The replica of the only fault."""
    (active,) = setting.chaos
    return setting.chaos.replica(active)


def test_a_lagging_replica_misses_what_was_just_written(setting):
    setting.start(LAGGING)
    assert put(setting, 2) == 200
    assert value(setting) == 1


def test_a_lagging_replica_has_it_once_the_lag_is_over(setting):
    setting.start(LAGGING)
    put(setting, 2)
    setting.pass_(4.9)
    assert value(setting) == 1
    setting.pass_(0.1)
    assert value(setting) == 2


def test_writes_arrive_in_order_and_each_after_its_own_time(setting):
    setting.start(LAGGING)
    put(setting, 2)
    setting.pass_(3)
    put(setting, 3)
    setting.pass_(2)
    assert value(setting) == 2
    setting.pass_(3)
    assert value(setting) == 3


def test_the_writes_go_to_the_real_state_at_once(setting):
    setting.start(LAGGING)
    put(setting, 2)
    setting.call("PATCH", "secret/data/app", {"data": {"y": 1}})
    finished(setting.chaos.stop_all())
    assert value(setting) == 2


def test_lists_are_late_too(setting):
    setting.start(LAGGING)
    put(setting, 1, "secret/data/new")
    assert setting.call("LIST", "secret/metadata").data["keys"] == ["app"]
    assert setting.call("GET", "secret/metadata?list=true").data["keys"] == ["app"]
    setting.pass_(5)
    assert setting.call("LIST", "secret/metadata").data["keys"] == ["app", "new"]


def test_what_was_deleted_is_still_there_for_a_while(setting):
    setting.start(LAGGING)
    assert setting.call("DELETE", "secret/metadata/app").status == 204
    assert value(setting) == 1
    setting.pass_(5)
    assert value(setting) == 404


def test_a_mount_is_not_there_yet(setting):
    setting.start(LAGGING)
    setting.call("POST", "sys/mounts/kv", {"type": "kv"})
    setting.call("POST", "kv/a", {"x": 1})
    reply = setting.call("GET", "kv/a")
    assert (reply.status, reply.errors) == (404, ['no handler for route "kv/a". route entry not found.'])
    setting.pass_(5)
    assert setting.call("GET", "kv/a").status == 200


def test_the_sandboxs_own_time_counts_where_the_fault_says_so(setting):
    setting.start(f"{LAGGING} clock=sandbox")
    put(setting, 2)
    setting.pass_(3)
    assert value(setting) == 1
    finished(setting.world.timeline.advance(2))
    assert value(setting) == 2


def test_moving_the_clock_does_not_move_a_lag_in_real_time(setting):
    setting.start(LAGGING)
    put(setting, 2)
    finished(setting.world.timeline.advance(3600))
    assert value(setting) == 1
    assert setting.call("GET", "auth/token/lookup-self").status == 200


def test_the_replica_tells_the_worlds_time(setting):
    finished(setting.world.timeline.advance(3600))
    setting.start(LAGGING)
    finished(setting.world.timeline.advance(1800))
    assert of(setting).world.clock.now_ns() == setting.world.clock.now_ns()


def test_a_cache_keeps_the_secrets_of_its_beginning(setting):
    setting.start("stale")
    put(setting, 2)
    put(setting, 1, "secret/data/new")
    setting.pass_(3600)
    assert value(setting) == 1
    assert value(setting, "secret/data/new") == 404
    finished(setting.chaos.stop("stale"))
    assert value(setting) == 2


def test_a_cache_serves_a_token_that_was_made_since(setting):
    setting.start("stale")
    put(setting, 2)
    token = setting.call("POST", "auth/token/create", {}).json["auth"]["client_token"]
    assert value(setting, token=token) == 1


def test_a_cache_serves_no_token_that_was_revoked_since(setting):
    token = setting.call("POST", "auth/token/create", {}).json["auth"]["client_token"]
    setting.start("stale")
    assert value(setting, token=token) == 1
    setting.call("POST", "auth/token/revoke", {"token": token})
    assert value(setting, token=token) == 403


def test_a_policy_that_was_narrowed_holds_at_once_in_a_cache_and_late_in_a_replica(setting):
    setting.call("POST", "sys/policies/acl/app", {"policy": 'path "secret/*" { capabilities = ["read"] }'})
    token = setting.call("POST", "auth/token/create", {"policies": ["app"]}).json["auth"]["client_token"]
    setting.start("stale", seed="a")
    finished(setting.chaos.stop_all())
    setting.start(LAGGING)
    setting.call("POST", "sys/policies/acl/app", {"policy": 'path "secret/x" { capabilities = ["read"] }'})
    assert value(setting, token=token) == 1
    setting.pass_(5)
    assert value(setting, token=token) == 403


def test_an_openbao_standby_has_the_leader_judge_a_token_that_it_does_not_know(setting):
    setting.start(LAGGING)
    put(setting, 2)
    token = setting.call("POST", "auth/token/create", {}).json["auth"]["client_token"]
    assert value(setting, token=token) == 2
    assert value(setting, token="s.none") == 403
    setting.pass_(4)
    put(setting, 3)
    setting.pass_(1)
    assert value(setting, token=token) == 2


def test_a_use_of_a_token_is_counted_where_it_counts(setting):
    token = setting.call("POST", "auth/token/create", {"num_uses": 2}).json["auth"]["client_token"]
    setting.start(LAGGING)
    assert [value(setting, token=token) for _ in range(3)] == [1, 1, 403]


def test_a_wrapped_answer_can_be_unwrapped(setting):
    setting.start(LAGGING)
    info = setting.call("GET", "secret/data/app", headers={"x-vault-wrap-ttl": "60"}).json["wrap_info"]
    assert setting.call("POST", "sys/wrapping/unwrap", {"token": info["token"]}).data["data"] == {"x": 1}


def test_a_dynamic_secret_has_its_lease(setting):
    setting.call("POST", "sys/mounts/rabbitmq", {"type": "rabbitmq"})
    config = {"connection_uri": "http://127.0.0.1:1", "username": "u", "password": "p", "verify_connection": False}
    setting.call("POST", "rabbitmq/config/connection", config, waits=True)
    setting.call("POST", "rabbitmq/roles/app", {"tags": "administrator"})
    setting.start(LAGGING)
    lease = setting.call("GET", "rabbitmq/creds/app", waits=True).json["lease_id"]
    assert setting.call("PUT", "sys/leases/lookup", {"lease_id": lease}).status == 200


def test_a_login_works(setting):
    setting.call("POST", "sys/auth/userpass", {"type": "userpass"})
    setting.call("POST", "auth/userpass/users/ann", {"password": "pw"})
    setting.start(LAGGING)
    assert setting.call("POST", "auth/userpass/login/ann", {"password": "pw"}, token="").status == 200


def test_nothing_expires_in_the_replica(setting):
    token = setting.call("POST", "auth/token/create", {"ttl": "2s"}).json["auth"]["client_token"]
    setting.start(LAGGING)
    setting.pass_(3)
    held = len(of(setting).world.storage)
    assert value(setting, token=token) in (1, 403)
    assert value(setting) == 1
    assert len(of(setting).world.storage) == held


def test_what_a_read_would_write_in_the_replica_is_undone_and_done_in_the_world(setting):
    setting.start(LAGGING)
    replica = of(setting)
    replica.world.storage.put("mount/x/y", setting.world.seal.cluster)
    replica.world.storage.delete("core/seal/cluster")
    assert replica.discard()
    assert replica.world.storage.get("mount/x/y") is None
    assert replica.world.seal.cluster == setting.world.seal.cluster
    assert not replica.discard()


def test_a_sealed_server_says_so(setting):
    setting.start(LAGGING)
    setting.call("PUT", "sys/seal")
    assert setting.call("GET", "secret/data/app").status == 503


def test_a_reset_of_the_state_reaches_the_replica(setting):
    before = setting.world.snapshot()
    put(setting, 2)
    setting.start(LAGGING)
    setting.world.restore(before)
    assert value(setting) == 2
    setting.pass_(5)
    assert value(setting) == 1


def test_who_reads_from_the_replica_is_seen_with_the_version_that_it_was_given(setting):
    seen = insight(setting.world).readers
    setting.start(LAGGING)
    put(setting, 2)
    value(setting)
    (reader,) = seen.of("", "secret/data/app")
    assert reader.version == 1
    setting.pass_(5)
    value(setting)
    (reader,) = seen.of("", "secret/data/app")
    assert reader.version == 2


def test_its_reads_are_in_the_worlds_audit_log(tmp_path):
    setting = Setting("vault")
    log = tmp_path / "audit.log"
    setting.call("PUT", "sys/audit/file", {"type": "file", "options": {"file_path": str(log)}})
    setting.start(LAGGING)
    before = log.read_text().count("\n")
    put(setting, 2)
    setting.pass_(5)
    value(setting)
    assert log.read_text().count("\n") == before + 4


def test_nobody_follows_the_writes_without_a_fault(setting):
    setting.start(LAGGING)
    setting.start("stale")
    finished(setting.chaos.stop_all())
    assert setting.world.storage._followers == ()
    assert setting.world.faults is None


def test_the_index_goes_on_where_it_was(setting):
    setting.start(LAGGING)
    put(setting, 2)
    reached = setting.world.writes.index
    finished(setting.chaos.stop_all())
    setting.start(LAGGING)
    assert of(setting).index == setting.world.writes.index == reached


def test_a_fault_that_begins_later_starts_from_the_state_of_then(setting):
    setting.start("stale from=10s")
    put(setting, 2)
    setting.pass_(10)
    assert setting.chaos.due == 0
    setting.turn()
    assert setting.chaos.due > 0
    put(setting, 3)
    assert value(setting) == 2


def test_each_fault_has_a_replica_of_its_own(setting):
    setting.start("lagging lag=2s path=secret/data/app")
    setting.start("lagging lag=8s path=secret/data/other")
    put(setting, 2)
    put(setting, 2, "secret/data/other")
    setting.pass_(2)
    assert value(setting) == 2
    assert value(setting, "secret/data/other") == 404


def test_a_phase_of_a_scenario_begins_with_the_state_of_then(setting):
    setting.run("{title: t, phases: [{hold: 10s}, {hold: 10s, faults: [{fault: stale}]}]}")
    put(setting, 2)
    assert value(setting) == 2
    setting.pass_(10)
    put(setting, 3)
    assert value(setting) == 2
    setting.pass_(10)
    assert value(setting) == 3


def test_a_request_can_ask_for_it_by_itself(setting):
    setting.chaos.allow_header(allowed=True)
    header = {"x-sandboxd-fault": "stale"}
    assert value(setting, headers=header) == 1
    put(setting, 2)
    assert value(setting, headers=header) == 1
    assert value(setting) == 2
    finished(setting.chaos.stop_all())
    assert setting.world.storage._followers == ()
