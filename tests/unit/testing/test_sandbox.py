"""A sandbox within a test's own process, and chaos in it."""

from __future__ import annotations

import asyncio
import http.client
from typing import Any
from urllib.parse import urlsplit

import pytest

from sandboxd.fixtures.problems import FixtureError
from sandboxd.testing import ControlError, Sandbox


def get(vault: Sandbox, path: str, **headers: str) -> int:
    parts = urlsplit(vault.address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    try:
        connection.request("GET", f"/v1/{path}", headers={"X-Vault-Token": vault.token, **headers})
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.fixture(scope="module")
def up():
    with Sandbox(root_token="root") as found:
        yield found


@pytest.fixture
def vault(up):
    up.reset()
    return up


def test_it_is_up_within_the_with_and_not_after():
    with Sandbox() as found:
        address = found.address
        assert get(found, "sys/health") == 200
    assert found.address == ""
    parts = urlsplit(address)
    with pytest.raises(OSError, match="refused"):
        http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5).request("GET", "/")


async def test_it_is_up_within_an_async_with():
    async with Sandbox() as found:
        assert await asyncio.to_thread(get, found, "sys/health") == 200


def test_it_can_be_started_again():
    found = Sandbox()
    for _ in range(2):
        with found:
            assert get(found, "sys/health") == 200


def test_it_is_filled_from_a_fixture(tmp_path):
    file = tmp_path / "main.yaml"
    file.write_text("sandbox: shop\nsecrets:\n  secret/app: {fields: {password: {kind: password}}}\n")
    with Sandbox(file, seed="s") as found:
        assert get(found, "secret/data/app") == 200


def test_a_bad_fixture_is_told_of(tmp_path):
    file = tmp_path / "main.yaml"
    file.write_text("sandbox: shop\nsecrtes: {}\n")
    with pytest.raises(FixtureError, match='unknown key "secrtes"'):
        Sandbox(file).start()


def test_two_are_up_beside_each_other(vault):
    with Sandbox(root_token="root") as other, vault.chaos.start("status"):
        assert (get(vault, "sys/health"), get(other, "sys/health")) == (503, 200)


def test_its_variables_point_clients_at_it(vault):
    assert vault.env == {key: value for name in ("VAULT", "BAO") for key, value in (
        (f"{name}_ADDR", vault.address), (f"{name}_TOKEN", "root"))}  # fmt: skip


def test_a_fault_lasts_as_long_as_the_with(vault):
    with vault.chaos.start("status code=502 path=auth/*") as fault:
        assert get(vault, "auth/token/lookup-self") == 502
        assert (fault.seen, fault.struck) == (1, 1)
    assert get(vault, "auth/token/lookup-self") == 200
    assert fault.struck == 0
    fault.stop()  # it is over already


def test_what_a_fault_takes_can_be_given_in_pythons_way(vault):
    takes: dict[str, Any] = {"path": ["auth/*", "sys/*"], "for_": "1h", "code": 418}
    with vault.chaos.start("status", **takes):
        assert get(vault, "sys/health") == 418


def test_a_scenario_is_run_from_a_mapping_a_file_or_by_name(vault, tmp_path):
    phases = {"phases": [{"name": "bad", "hold": "1h", "faults": [{"fault": "status"}]}]}
    with vault.chaos.run(phases) as run:
        assert (run.phase, run.over, get(vault, "sys/health")) == ("bad", False, 503)
    assert run.over
    file = tmp_path / "mine.yaml"
    file.write_text("faults: [{fault: status, code: 500}]")
    with vault.chaos.run(file, "path=sys/*"):
        assert (get(vault, "sys/health"), get(vault, "auth/token/lookup-self")) == (500, 200)
    with pytest.raises(ControlError, match='no scenario or fault "nothing-like-it"'):
        vault.chaos.run("nothing-like-it")


def test_a_run_is_replayed(vault):
    with vault.chaos.run({"faults": [{"fault": "status", "probability": 0.5}]}) as run:
        first = [get(vault, "sys/health") for _ in range(20)]
    with vault.chaos.replay(run):
        assert [get(vault, "sys/health") for _ in range(20)] == first


def test_strikes_are_told_of(vault):
    with vault.chaos.start("status name=mine"):
        get(vault, "sys/health", **{"User-Agent": "shop/1"})
    strike = vault.chaos.strikes()[-1]
    assert (strike.fault, strike.kind, strike.request, strike.app) == ("mine", "status", "GET sys/health", "shop/1")


def test_a_header_is_for_one_request_alone(vault):
    vault.chaos.allow_header()
    assert get(vault, "sys/health", **{"X-Sandboxd-Fault": "status code=502"}) == 502
    assert get(vault, "sys/health") == 200
    vault.chaos.allow_header(allowed=False)
    assert get(vault, "sys/health", **{"X-Sandboxd-Fault": "status code=502"}) == 400


@pytest.mark.parametrize("text", ["slo", "slow delya=2s", "slow delay=x"])
def test_what_is_no_fault_is_refused_with_the_reason(vault, text):
    with pytest.raises(ControlError, match=r"start:1:\d+: "):
        vault.chaos.start(text)


def test_stopping_ends_all_of_it(vault):
    vault.chaos.start("status")
    vault.chaos.start("status")
    assert vault.chaos.stop() == 2
    assert get(vault, "sys/health") == 200


def test_a_sandbox_that_is_not_up_says_so():
    with pytest.raises(RuntimeError, match="the sandbox is not up"):
        _ = Sandbox().chaos


def test_it_serves_tls():
    import ssl
    import urllib.request

    with Sandbox(tls=True) as found:
        assert found.env["VAULT_CACERT"] == found.ca_file
        context = ssl.create_default_context(cafile=found.ca_file)
        with urllib.request.urlopen(f"{found.address}/v1/sys/health", context=context, timeout=10) as answer:
            assert answer.status == 200


def test_it_is_a_cluster_of_several_nodes():
    with Sandbox(nodes=3) as found:
        assert len(set(found.addresses)) == 3
        assert found.nodes.conditions == {"node-1": "active", "node-2": "standby", "node-3": "standby"}
        found.nodes.stop("node-1")
        assert found.nodes.leader == "node-2"
        with pytest.raises(OSError, match="refused"):
            get(found, "sys/health")
        found.nodes.start("node-1")
        assert get(found, "sys/health") == 429
        found.nodes.elect("node-1")
        assert get(found, "sys/health") == 200
        with pytest.raises(ControlError, match='there is no node "node-4"'):
            found.nodes.stop("node-4")


def test_after_a_reset_the_first_node_leads_again():
    with Sandbox(nodes=3) as found:
        found.nodes.elect("node-3")
        found.nodes.stop("node-2")
        found.reset()
        assert found.nodes.leader == "node-1"
        assert found.nodes.conditions == {"node-1": "active", "node-2": "standby", "node-3": "standby"}
