"""`X-Vault-Index` and the headers beside it: what a lagging standby answers, and what any server refuses.

OpenBao's answers were captured from a cluster of 2.7.2, Vault Enterprise's are from its documentation.
"""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode, b64encode
from functools import partial

import pytest
from unit.chaos.setting import Setting
from unit.helpers import finished

from sandboxd.chaos.indexes import parse
from sandboxd.edge.app import App
from sandboxd.edge.messages import Incoming
from sandboxd.edge.nodes import Cluster

FORWARD = "forward-active-node"


def lagging(profile: str, lag: str = "5s") -> Setting:
    setting = Setting(profile)
    setting.start(f"lagging lag={lag}")
    return setting


def written(setting: Setting, x: object = 2, **more: object) -> str:
    """The index of a write."""
    return setting.call("POST", "secret/data/app", {"data": {"x": x}}, **more).headers["X-Vault-Index"]


def read(setting: Setting, index: str = "", how: str = "", **more: str) -> tuple[int, object]:
    """What a read gives that asks for an index: its status, and the value or the errors."""
    headers = {"x-vault-index": index, "x-vault-inconsistent": how}
    headers = {name: text for name, text in headers.items() if text} | {
        name.replace("_", "-"): text for name, text in more.items()
    }
    reply = setting.call("GET", "secret/data/app", headers=headers)
    return reply.status, reply.data["data"]["x"] if reply.status == 200 else reply.errors


def sent(setting: Setting, path: str, **headers: tuple[str, ...]) -> tuple[int, list[str]]:
    """What comes back for headers with several values."""
    named = {"x-vault-token": ("root",)} | {name.replace("_", "-"): values for name, values in headers.items()}
    answer = finished(App(setting.world).answer(Incoming("GET", f"/v1/{path}", named, b"", "127.0.0.1", 1)))
    return answer.status, json.loads(answer.body).get("errors", [])


# Vault Enterprise.


def test_vault_tells_the_index_of_what_was_written_and_of_nothing_else():
    setting = lagging("vault")
    version, cluster, local, _, mac = b64decode(written(setting)).decode().split(":")
    assert (version, cluster) == ("v1", setting.world.seal.cluster.id)
    assert int(local) == setting.world.writes.index
    assert len(bytes.fromhex(mac)) == 32
    assert "X-Vault-Index" not in setting.call("GET", "secret/data/app").headers
    assert "X-Vault-Index" not in setting.call("GET", "secret/data/none").headers
    assert "X-Vault-Index" in setting.call("POST", "auth/token/create", {}).headers
    assert "X-Vault-Index" not in setting.call("POST", "sys/capabilities-self", {"paths": ["secret/x"]}).headers


def test_a_vault_that_has_not_reached_an_index_says_412():
    setting = lagging("vault")
    index = written(setting)
    assert read(setting, index) == (412, ["required index state not present"])
    assert read(setting, index, "fail") == (412, ["required index state not present"])
    assert read(setting) == (200, 1)


def test_a_vault_that_has_reached_it_answers():
    setting = lagging("vault")
    index = written(setting)
    setting.pass_(5)
    assert read(setting, index) == (200, 2)


def test_a_write_waits_for_its_index_too():
    setting = lagging("vault")
    index = written(setting)
    reply = setting.call("POST", "secret/data/app", {"data": {}}, headers={"x-vault-index": index})
    assert reply.status == 412


def test_vault_forwards_to_the_active_node_when_asked():
    setting = lagging("vault")
    index = written(setting)
    assert read(setting, index, FORWARD) == (200, 2)
    assert read(setting, x_vault_forward="active-node") == (200, 2)
    assert read(setting, index, x_vault_forward="active-node") == (200, 2)
    assert read(setting, how=FORWARD) == (200, 1)


def test_a_token_of_vault_asks_for_the_index_of_its_making():
    setting = lagging("vault")
    root = setting.call("POST", "auth/token/create", {}).json["auth"]["client_token"]
    setting.call("POST", "sys/policies/acl/app", {"policy": 'path "*" { capabilities = ["read", "update"] }'})
    service = setting.call("POST", "auth/token/create", {"policies": ["app"]}).json["auth"]["client_token"]
    reply = setting.call("GET", "secret/data/app", token=service)
    assert (reply.status, reply.errors) == (412, ["required index state not present"])
    assert (
        setting.call("GET", "secret/data/app", token=service, headers={"x-vault-forward": "active-node"}).status == 200
    )
    assert setting.call("GET", "secret/data/app", token=root).status == 200  # root tokens have the old form
    assert setting.call("GET", "secret/data/app", token="hvs.none").status == 403
    setting.pass_(5)
    assert setting.call("GET", "secret/data/app", token=service).status == 200


def test_vault_takes_several_indexes_and_asks_for_all():
    setting = lagging("vault")
    first = written(setting)
    setting.pass_(5)
    second = written(setting, 3)
    assert sent(setting, "secret/data/app", x_vault_index=(first,))[0] == 200
    assert sent(setting, "secret/data/app", x_vault_index=(first, second))[0] == 412


def test_health_is_the_nodes_own():
    setting = lagging("vault")
    index = written(setting)
    assert setting.call("GET", "sys/health", headers={"x-vault-index": index}).status == 200


def test_an_index_that_vault_did_not_make_is_refused():
    setting = lagging("vault")
    state = b64decode(written(setting)).decode().rpartition(":")[0]
    forged = b64encode(f"{state}:{'00' * 32}".encode()).decode()
    assert read(setting, forged) == (400, ['failed to decode "X-Vault-Index"'])
    assert read(setting, "abc") == (400, ['failed to decode "X-Vault-Index"'])


def test_the_index_of_another_cluster_asks_for_nothing():
    other = lagging("vault")
    other.world.storage.put("core/seal/cluster", type(other.world.seal.cluster)(name="other", id="other"))
    assert read(lagging("vault"), written(other)) == (200, 1)


# OpenBao.


def test_openbao_tells_an_index_with_whatever_it_answers_well():
    setting = lagging("openbao")
    index = json.loads(b64decode(written(setting)))
    assert index == {"cluster": setting.world.seal.cluster.id, "value": str(setting.world.writes.index)}
    reply = setting.call("GET", "secret/data/app")
    assert int(json.loads(b64decode(reply.headers["X-Vault-Index"]))["value"]) < int(index["value"])
    assert "X-Vault-Index" not in setting.call("GET", "secret/data/none").headers
    assert "X-Vault-Index" not in setting.call("GET", "sys/health").headers
    assert "X-Vault-Index" not in setting.call("GET", "secret/data/app", token="none").headers


def test_an_openbao_that_has_not_reached_an_index_says_429_and_when_to_come_again():
    setting = lagging("openbao")
    index = written(setting)
    for method, path, headers in (
        ("GET", "secret/data/app", {}),
        ("GET", "secret/data/app", {"x-vault-inconsistent": "fail"}),
        ("POST", "secret/data/app", {}),
        ("GET", "sys/health", {}),
    ):
        reply = setting.call(method, path, headers={"x-vault-index": index, **headers})
        assert (reply.status, reply.text) == (429, '{"errors":[]}\n')
        assert reply.headers["Retry-After"] == "1"


def test_openbao_forwards_when_asked():
    setting = lagging("openbao")
    index = written(setting)
    assert read(setting, index, FORWARD) == (200, 2)
    assert read(setting) == (200, 1)


def test_an_openbao_that_has_reached_it_answers():
    setting = lagging("openbao")
    index = written(setting)
    setting.pass_(5)
    assert read(setting, index) == (200, 2)


def test_openbao_waits_a_little_when_asked():
    setting = lagging("openbao")
    index = written(setting)

    async def waits(*how: str) -> tuple[int, bool]:
        headers = {"x-vault-token": ("root",), "x-vault-index": (index,), "x-vault-inconsistent": how}
        answering = App(setting.world).answer(Incoming("GET", "/v1/secret/data/app", headers, b"", "127.0.0.1", 1))
        answer = await answering
        return answer.status, b'"x":2' in answer.body

    assert asyncio.run(waits("await-state")) == (429, False)
    assert asyncio.run(waits("await-state", "fail")) == (429, False)
    assert asyncio.run(waits("await-state", FORWARD)) == (200, True)


def test_openbao_never_says_412():
    setting = lagging("openbao")
    token = setting.call("POST", "auth/token/create", {}).json["auth"]["client_token"]
    assert setting.call("GET", "secret/data/app", token=token).status == 200


# Any server.


@pytest.mark.parametrize(
    ("headers", "errors"),
    [
        ({"x_vault_index": ("abc",)}, ['failed to decode "X-Vault-Index"']),
        ({"x_vault_index": ("djE6eA==",)}, ['failed to decode "X-Vault-Index"']),
        ({"x_vault_index": ("e30=", "e30=")}, ['expected at most one value for "X-Vault-Index"']),
        ({"x_vault_inconsistent": ("x",)}, ['unknown value for "X-Vault-Inconsistent" header']),
        ({"x_vault_inconsistent": ("",)}, ['unknown value for "X-Vault-Inconsistent" header']),
        ({"x_vault_inconsistent": ("await-state,fail",)}, ['unknown value for "X-Vault-Inconsistent" header']),
        (
            {"x_vault_inconsistent": ("fail", "fail")},
            ["X-Vault-Inconsistent=fail cannot be used with more than one value"],
        ),
        (
            {"x_vault_inconsistent": ("await-state", "x")},
            [
                'unknown second value for "X-Vault-Inconsistent": must either be "fail" or "forward-active-node"',
            ],
        ),
        (
            {"x_vault_inconsistent": ("fail", "fail", "fail")},
            ['expected at most two values for "X-Vault-Inconsistent"'],
        ),
    ],
)
def test_openbao_refuses_what_it_cannot_read(headers, errors):
    assert sent(Setting("openbao"), "secret/data/app", **headers) == (400, errors)
    assert sent(Setting("openbao"), "sys/health", **headers) == (400, errors)


@pytest.mark.parametrize("value", ["e30=", "bnVsbA==", b64encode(b'{"cluster":"x","value":"99"}').decode()])
def test_a_single_openbao_has_reached_everything(value):
    assert sent(Setting("openbao"), "secret/data/app", x_vault_index=(value,))[0] == 200


def test_an_index_of_a_lagging_replica_is_no_trouble_when_the_fault_is_over():
    for profile in ("vault", "openbao"):
        setting = lagging(profile)
        index = written(setting)
        finished(setting.chaos.stop_all())
        assert read(setting, index) == (200, 2)


def test_vault_takes_any_word_for_what_to_do():
    assert sent(Setting("vault"), "secret/data/app", x_vault_inconsistent=("x",))[0] == 200


# Clusters.


class Nodes:
    """A cluster of three nodes, of which the first leads."""

    def __init__(self, profile: str) -> None:
        self.setting = Setting(profile)
        self.cluster = Cluster(self.setting.world, 3)
        for number, name in enumerate(self.cluster.names):
            self.cluster.place(name, f"http://127.0.0.1:{8200 + 10 * number}")

    def ask(self, node: str, method: str = "GET", body: bytes = b"", **headers: str) -> tuple[int, str, object]:
        """What a node answers: the status, the index, and the value."""
        named = {"x-vault-token": "root"} | {name.replace("_", "-"): text for name, text in headers.items()}
        sent = {name: (text,) for name, text in named.items()}
        app = App(self.setting.world, place=partial(self.cluster.node, node))
        answer = finished(app.answer(Incoming(method, "/v1/secret/data/app", sent, body, "127.0.0.1", 1)))
        data = json.loads(answer.body).get("data") or {}
        return answer.status, dict(answer.headers).get("X-Vault-Index", ""), data.get("data", {}).get("x")

    def write(self, node: str, x: int) -> str:
        """Write, and give the index."""
        status, index, _ = self.ask(node, "POST", json.dumps({"data": {"x": x}}).encode())
        assert status == 200
        return index


@pytest.mark.parametrize("profile", ["vault", "openbao"])
def test_a_cluster_tells_an_index_wherever_something_is_written(profile):
    nodes = Nodes(profile)
    first, second = (parse(profile, nodes.write(node, 2)).value for node in ("node-1", "node-2"))
    assert first < second == nodes.setting.world.writes.index
    assert nodes.ask("node-2", x_vault_index=nodes.write("node-1", 3))[0] == 200


def test_an_openbao_cluster_tells_it_with_reads_too():
    nodes = Nodes("openbao")
    index = nodes.write("node-1", 2)
    assert nodes.ask("node-2")[:2] == (200, index)
    assert nodes.ask("node-2", x_vault_token="none")[:2] == (403, "")
    assert Nodes("vault").ask("node-2")[:2] == (200, "")


@pytest.mark.parametrize(("profile", "status"), [("vault", 412), ("openbao", 429)])
def test_a_standby_lags_and_the_leader_does_not(profile, status):
    nodes = Nodes(profile)
    nodes.setting.start("lagging lag=5s")
    index = nodes.write("node-2", 2)
    assert nodes.ask("node-1", x_vault_index=index)[::2] == (200, 2)
    assert nodes.ask("node-2")[::2] == (200, 1)
    assert nodes.ask("node-2", x_vault_index=index)[0] == status
    nodes.setting.pass_(5)
    assert nodes.ask("node-2", x_vault_index=index)[::2] == (200, 2)


def test_one_node_of_a_cluster_can_be_aimed_at_and_so_can_the_leader():
    nodes = Nodes("openbao")
    nodes.setting.start("lagging lag=5s node=node-2")
    nodes.setting.start("status code=502 node=leader")
    assert nodes.ask("node-1")[0] == 502
    nodes.setting.call("POST", "secret/data/app", {"data": {"x": 2}})
    assert nodes.ask("node-2")[::2] == (200, 1)
    assert nodes.ask("node-3")[::2] == (200, 2)


def test_a_cache_in_front_of_a_leader_is_stale_too():
    nodes = Nodes("openbao")
    nodes.setting.start("stale")
    nodes.write("node-1", 2)
    assert nodes.ask("node-1")[::2] == (200, 1)


def test_a_single_server_tells_no_index():
    for profile in ("vault", "openbao"):
        reply = Setting(profile).call("POST", "secret/data/app", {"data": {}})
        assert "X-Vault-Index" not in reply.headers
