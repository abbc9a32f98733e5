"""A cluster of several nodes, as `sandboxd nodes` tells of it and changes it, seen by clients of each node."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from e2e.conftest import Command, ask

if TYPE_CHECKING:
    from collections.abc import Iterator

ACTIVE, STANDBY, CUT_OFF, SEALED, REMOVED = 200, 429, 474, 503, 530
LEADERLESS = "local node not active but active cluster node not found"


class Cluster:
    """Three nodes, and what a client sees of each."""

    def __init__(self, command: Command, *arguments: str) -> None:
        self.command = command
        found = command.up("--nodes", "3", "--as", "vault", *arguments)
        self.control: str = found["control"]
        self.token = command.token()
        self.addresses = {each["name"]: each["address"] for each in self.told("list")["nodes"]}

    def nodes(self, *arguments: str, status: int = 0) -> str:
        """What `sandboxd nodes` prints."""
        done = self.command("nodes", *arguments, status=status)
        return done.stderr if status else done.stdout

    def told(self, *arguments: str) -> Any:
        return json.loads(self.nodes(*arguments, "--json"))

    def do(self, route: str, body: Any = None, method: str = "POST") -> None:
        """Ask the control API, where the command is not what is shown."""
        status, found = ask(self.control, method, f"/_sandboxd/v1/{route}", self.token, body)
        assert status == 200, found

    def ask(self, number: int, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        return ask(self.addresses[f"node-{number}"], method, f"/v1/{path}", self.token, body)

    def health(self, number: int) -> int:
        return self.ask(number, "GET", "sys/health")[0]

    @property
    def healths(self) -> list[int]:
        """What all nodes say of themselves; 0 for those that refuse."""
        found = []
        for number in (1, 2, 3):
            try:
                found.append(self.health(number))
            except ConnectionRefusedError:
                found.append(0)
        return found

    def redirect(self, number: int, path: str) -> tuple[int, str | None]:
        """The status of a GET, and where it sends to."""
        parts = urlsplit(self.addresses[f"node-{number}"])
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        try:
            connection.request("GET", f"/v1/{path}", headers={"X-Vault-Token": self.token})
            answer = connection.getresponse()
            answer.read()
            return answer.status, answer.getheader("Location")
        finally:
            connection.close()

    def well_again(self) -> None:
        """As it was when it started."""
        self.do("chaos", method="DELETE")
        self.do("nodes/elect", {"node": "node-1"})


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    command = Command(tmp_path_factory.mktemp("nodes"))
    try:
        yield Cluster(command)
    finally:
        command.clean()


@pytest.fixture
def cluster(shared: Cluster) -> Iterator[Cluster]:
    yield shared
    shared.well_again()


def test_the_list_tells_where_each_node_is_and_who_leads(cluster: Cluster) -> None:
    rows = [line.split() for line in cluster.nodes("list").splitlines()]
    conditions = ["active", "standby", "standby"]
    assert rows == [[*each, how] for each, how in zip(cluster.addresses.items(), conditions, strict=True)]
    assert len(set(cluster.addresses.values())) == 3
    assert cluster.healths == [ACTIVE, STANDBY, STANDBY]


def test_the_status_of_the_sandbox_has_its_nodes(cluster: Cluster) -> None:
    rows = [line.split() for line in cluster.command("status").stdout.splitlines()]
    assert ["node-3", cluster.addresses["node-3"], "standby"] in rows


def test_what_is_written_at_one_node_is_read_at_another(cluster: Cluster) -> None:
    assert cluster.ask(2, "POST", "secret/data/app", {"data": {"user": "app"}})[0] == 200
    assert cluster.ask(3, "GET", "secret/data/app")[1]["data"]["data"] == {"user": "app"}


def test_a_node_that_is_stopped_refuses_and_another_leads(cluster: Cluster) -> None:
    assert cluster.nodes("stop", "node-1").splitlines()[0].split()[-1] == "stopped"
    assert cluster.healths == [0, ACTIVE, STANDBY]
    assert cluster.ask(3, "GET", "sys/leader")[1]["leader_address"] == cluster.addresses["node-2"]


def test_a_node_that_is_started_again_is_a_standby_where_it_was(cluster: Cluster) -> None:
    cluster.do("nodes/node-1/stop")
    assert cluster.healths[0] == 0
    cluster.nodes("start", "node-1")
    assert cluster.healths == [STANDBY, ACTIVE, STANDBY]


def test_an_election_is_won_by_the_one_that_is_named(cluster: Cluster) -> None:
    assert cluster.told("elect", "node-3")["leader"] == "node-3"
    assert cluster.healths == [STANDBY, STANDBY, ACTIVE]


def test_without_a_name_the_next_in_turn_wins(cluster: Cluster) -> None:
    cluster.do("nodes/node-2/stop")
    leaders = [cluster.told("elect")["leader"] for _ in range(2)]
    assert leaders == ["node-3", "node-1"]


def test_while_an_election_lasts_no_node_answers_for_the_cluster(cluster: Cluster) -> None:
    said = cluster.nodes("elect", "node-2", "--for", "1h")
    assert said.endswith("There is no leader at present.\n")
    assert cluster.healths == [STANDBY] * 3
    for number in (1, 2, 3):
        status, found = cluster.ask(number, "GET", "sys/mounts")
        assert (status, found["errors"]) == (500, [LEADERLESS])
    cluster.nodes("calm")
    assert cluster.healths == [STANDBY, ACTIVE, STANDBY]


def test_a_node_cut_off_from_the_others_is_still_there_for_clients(cluster: Cluster) -> None:
    first = cluster.nodes("isolate", "node-1").splitlines()[0]
    assert first.endswith("unreachable, cut off from the others")
    assert cluster.healths == [CUT_OFF, ACTIVE, STANDBY]
    assert cluster.redirect(1, "sys/mounts") == (307, f"{cluster.addresses['node-2']}/v1/sys/mounts")
    cluster.nodes("join", "node-1")
    assert cluster.healths == [STANDBY, ACTIVE, STANDBY]


def test_a_node_that_is_removed_is_no_member_until_it_joins_again(cluster: Cluster) -> None:
    cluster.nodes("remove", "node-3")
    assert cluster.healths == [ACTIVE, STANDBY, REMOVED]
    members = {each["api_address"] for each in cluster.ask(1, "GET", "sys/ha-status")[1]["nodes"]}
    assert members == {cluster.addresses["node-1"], cluster.addresses["node-2"]}
    cluster.nodes("join", "node-3")
    assert cluster.healths == [ACTIVE, STANDBY, STANDBY]


def test_one_node_is_sealed_and_the_others_are_not(cluster: Cluster) -> None:
    cluster.nodes("seal", "node-3")
    assert cluster.healths == [ACTIVE, STANDBY, SEALED]
    assert cluster.ask(3, "GET", "sys/mounts") == (503, {"errors": ["Vault is sealed"]})
    cluster.nodes("unseal", "node-3")
    assert cluster.ask(3, "GET", "sys/mounts")[0] == 200


def test_a_leader_that_is_sealed_leads_no_more(cluster: Cluster) -> None:
    cluster.do("nodes/node-1/seal")
    assert cluster.healths == [SEALED, ACTIVE, STANDBY]
    cluster.do("nodes/node-1/unseal")
    assert cluster.healths == [STANDBY, ACTIVE, STANDBY]


def test_one_node_of_three_has_no_quorum(cluster: Cluster) -> None:
    cluster.do("nodes/node-1/stop")
    cluster.do("nodes/node-2/isolate")
    assert cluster.told("list")["leader"] == ""
    assert cluster.ask(3, "GET", "sys/mounts") == (500, {"errors": [LEADERLESS]})
    cluster.do("nodes/node-1/start")
    assert cluster.ask(3, "GET", "sys/mounts")[0] == 200


@pytest.mark.parametrize("words", ["nodes calm", "chaos stop"])
def test_all_nodes_come_back_at_once(cluster: Cluster, words: str) -> None:
    for action, node in (("stop", "node-1"), ("isolate", "node-2"), ("seal", "node-3")):
        cluster.do(f"nodes/{node}/{action}")
    cluster.command(*words.split())
    assert sorted(cluster.healths) == [ACTIVE, STANDBY, STANDBY]


def test_the_first_node_leads_again_after_a_reset(cluster: Cluster) -> None:
    cluster.do("nodes/elect", {"node": "node-3"})
    cluster.do("nodes/node-2/stop")
    cluster.command("reset")
    assert cluster.healths == [ACTIVE, STANDBY, STANDBY]


def test_standbys_send_to_the_leader_where_they_are_to_redirect(command: Command) -> None:
    cluster = Cluster(command, "--standbys", "redirect")
    assert cluster.redirect(2, "sys/mounts") == (307, f"{cluster.addresses['node-1']}/v1/sys/mounts")
    assert cluster.redirect(1, "sys/mounts") == (200, None)


def test_a_fault_can_be_aimed_at_one_node(cluster: Cluster) -> None:
    cluster.command("chaos", "start", "status", "code=502", "node=node-2")
    assert cluster.healths == [ACTIVE, 502, STANDBY]


def test_a_fault_that_is_aimed_at_the_leader_follows_an_election(cluster: Cluster) -> None:
    cluster.command("chaos", "start", "status", "code=502", "node=leader")
    assert cluster.healths == [502, STANDBY, STANDBY]
    cluster.do("nodes/elect", {"node": "node-3"})
    assert cluster.healths == [STANDBY, STANDBY, 502]


def test_the_port_of_one_node_alone_can_refuse(cluster: Cluster) -> None:
    cluster.command("chaos", "start", "refused", "node=node-2")
    assert cluster.healths == [ACTIVE, 0, STANDBY]
    cluster.do("chaos/refused", method="DELETE")
    assert cluster.healths == [ACTIVE, STANDBY, STANDBY]


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        ("stop node-9", 1, "there are node-1, node-2, node-3"),
        ("elect --for soon", 2, "--for is no duration"),
        ("stop a/b", 1, 'there is no node "a/b"'),
    ],
)
def test_a_mistake_is_told_and_changes_nothing(cluster: Cluster, words: str, status: int, told: str) -> None:
    done = cluster.command("nodes", *words.split(), status=status)
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert cluster.healths == [ACTIVE, STANDBY, STANDBY]


def test_a_node_that_is_away_cannot_be_elected(cluster: Cluster) -> None:
    cluster.do("nodes/node-2/stop")
    assert "node-2 cannot become the leader" in cluster.nodes("elect", "node-2", status=1)
    assert cluster.healths == [ACTIVE, 0, STANDBY]


def test_a_single_server_has_no_nodes_and_says_how_to_get_them(command: Command) -> None:
    command.up()
    assert "`sandboxd up --nodes 3` starts a cluster" in command("nodes", "list", status=1).stderr
