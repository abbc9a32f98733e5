"""Faults that give the node another condition, beside a server that really is so where there is one to compare with."""

from __future__ import annotations

import pytest
from unit.chaos.setting import Setting
from unit.helpers import call, world

NOT_FOUND = ["local node not active but active cluster node not found"]


@pytest.fixture(params=["vault", "openbao"])
def made(request):
    return Setting(request.param)


@pytest.fixture
def vault():
    return Setting("vault")


def shown(reply) -> dict:
    return {key: value for key, value in reply.json.items() if key != "server_time_utc"}


@pytest.mark.parametrize("path", ["sys/health", "sys/seal-status", "sys/init", "secret/data/app", "sys/mounts", "nope"])
def test_sealed_looks_as_a_server_that_is_sealed(made, path):
    really = world(made.world.profile)
    really.storage.restore(made.world.snapshot())
    really.reload()
    really.seal.seal()
    made.start("sealed")
    struck, sealed = made.call("GET", path), call(really, "GET", path)
    assert (struck.status, shown(struck)) == (sealed.status, shown(sealed))


def test_sealed_by_a_fault_is_for_those_aimed_at_alone(made):
    made.start("sealed app=shop")
    assert made.read(headers={"user-agent": "shop"}) == 503
    assert made.read("sys/health", headers={"user-agent": "shop"}) == 503
    assert made.read() == 200


def test_a_real_key_opens_what_a_fault_has_sealed(made):
    made.world.seal.seal()
    kept = made.world.seal.make(1, 1)
    made.world.seal.adopt(kept.config)
    made.world.seal.open()
    made.start("sealed")
    wrong = made.call("PUT", "sys/unseal", {"key": "00" * 32})
    assert wrong.status == 400
    assert made.read() == 503
    opened = made.call("PUT", "sys/unseal", {"key": kept.shares[0].hex()})
    assert (opened.status, opened.json["sealed"]) == (200, False)
    assert made.read() == 200
    assert made.world.faults is None


@pytest.mark.parametrize("path", ["sys/seal-status", "sys/init", "sys/health", "secret/data/app"])
def test_uninitialized_looks_as_a_server_that_is(made, path):
    from sandboxd.edge.runtime import make_world
    from sandboxd.vault.world import Settings

    fresh = make_world(Settings(profile=made.world.profile))
    made.start("uninitialized")
    struck, really = made.call("GET", path), call(fresh, "GET", path)
    assert (struck.status, shown(struck)) == (really.status, shown(really))


def test_a_standby_forwards_and_says_so_to_health_checks(made):
    made.start("standby")
    assert made.read("sys/health") == 429
    assert made.read("sys/health?standbyok=true") == 200
    assert made.call("GET", "sys/health").json["standby"] is True
    assert made.read() == 200
    assert made.call("POST", "secret/data/app", {"data": {"x": 2}}).status == 200


def test_a_standby_redirects_writes_to_the_leader(made):
    made.world.address = "http://127.0.0.1:8200"
    made.start("standby answers=redirect")
    reply = made.call("POST", "secret/data/app?x=1", {"data": {"x": 2}})
    assert (reply.status, reply.text) == (307, "")
    assert reply.headers["Location"] == "http://127.0.0.1:8200/v1/secret/data/app?x=1"


def test_a_standby_of_openbao_reads_by_itself_and_one_of_vault_does_not():
    for profile, status in (("openbao", 200), ("vault", 307)):
        made = Setting(profile)
        made.start("standby answers=redirect")
        assert made.read() == status


def test_a_client_may_ask_not_to_be_forwarded(vault):
    vault.start("standby")
    assert vault.read(headers={"x-vault-no-request-forwarding": "true"}) == 307


def test_the_leader_of_a_standby_is_told(made):
    made.world.address = "http://127.0.0.1:8200"
    made.start("standby")
    found = made.call("GET", "sys/leader").json
    assert (found["ha_enabled"], found["is_self"]) == (True, False)
    assert found["leader_address"] == "http://127.0.0.1:8200"
    assert found["leader_cluster_address"] == "https://127.0.0.1:8201"


def test_without_a_leader_writes_fail_and_health_is_that_of_a_standby(made):
    made.start("election")
    reply = made.call("POST", "secret/data/app", {"data": {"x": 2}})
    assert (reply.status, reply.errors) == (500, NOT_FOUND)
    assert made.read("sys/health") == 429
    found = made.call("GET", "sys/leader").json
    assert (found["ha_enabled"], found["is_self"], found.get("leader_address", "")) == (True, False, "")


def test_without_a_leader_openbao_still_reads_and_vault_does_not():
    for profile, status in (("openbao", 200), ("vault", 500)):
        made = Setting(profile)
        made.start("election")
        assert made.read() == status


@pytest.mark.parametrize(
    ("fault", "code", "field"),
    [
        ("performance-standby", 473, ("performance_standby", True)),
        ("dr-secondary", 472, ("replication_dr_mode", "secondary")),
        ("standby-cut-off", 474, ("ha_connection_healthy", False)),
        ("node-removed", 530, ("removed_from_cluster", True)),
    ],
)
def test_vault_has_statuses_of_its_own_for_health_checks(vault, fault, code, field):
    # The statuses and fields are those of Vault's documentation.
    vault.start(fault)
    reply = vault.call("GET", "sys/health")
    assert reply.status == code
    assert reply.json[field[0]] == field[1]


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        ("performance-standby", "performancestandbycode"),
        ("dr-secondary", "drsecondarycode"),
        ("standby-cut-off", "haunhealthycode"),
        ("node-removed", "removedcode"),
        ("standby", "standbycode"),
        ("sealed", "sealedcode"),
        ("uninitialized", "uninitcode"),
    ],
)
def test_a_health_check_may_want_another_status(vault, fault, name):
    vault.start(fault)
    assert vault.read(f"sys/health?{name}=299") == 299


def test_a_performance_standby_is_well_for_those_who_say_so(vault):
    vault.start("performance-standby")
    assert vault.read("sys/health?perfstandbyok=true") == 200
    assert vault.read("sys/health?standbyok=true") == 473
    assert vault.read() == 200


def test_a_cut_off_standby_is_not_well_for_anyone(vault):
    vault.start("standby-cut-off")
    assert vault.read("sys/health?standbyok=true&perfstandbyok=true") == 474


def test_a_dr_secondary_refuses_requests(vault):
    vault.start("dr-secondary")
    reply = vault.call("GET", "secret/data/app")
    assert (reply.status, reply.errors) == (400, ["path disabled in replication DR secondary mode"])


def test_a_removed_node_is_sealed(vault):
    vault.start("node-removed")
    assert vault.call("GET", "secret/data/app").errors == ["Vault is sealed"]
    assert vault.call("GET", "sys/seal-status").json["sealed"] is True


@pytest.mark.parametrize("fault", ["performance-standby", "dr-secondary"])
def test_what_only_vault_has_cannot_be_had_of_openbao(fault):
    from sandboxd.vault.errors import Refusal

    with pytest.raises(Refusal, match="OpenBao"):
        Setting("openbao").start(fault)
