"""What real clients make of a cluster: standbys, elections, and nodes that are sealed, stopped or no longer in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import hvac
import pytest
import requests
from clients.outages import bao, read
from hvac import exceptions

from sandboxd.testing import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from clients.outages import Done

NODES = ("node-1", "node-2", "node-3")
NOT_FOUND = "local node not active but active cluster node not found"
LONG = 60 * 60.0  # seconds; longer than any test
SHORT = 0.3  # seconds that an election takes which a client waits out
TRIES = 10_000  # far more than an election can last


class Party:
    """A cluster, as clients of its nodes see it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.nodes = sandbox.nodes
        self._clients: list[hvac.Client] = []

    def address(self, node: str) -> str:
        return self.sandbox.addresses[NODES.index(node)]

    def client(self, node: str, *, token: str = "root", **options: bool) -> hvac.Client:
        """An hvac client of a node, which keeps its connections."""
        made = hvac.Client(url=self.address(node), token=token, timeout=10, **options)
        self._clients.append(made)
        return made

    def bao(self, node: str, *arguments: str) -> Done:
        """Run the command line. Flags belong between a command, such as `kv get`, and what it is about."""
        words = 1 if arguments[0] == "status" else 2
        words += ("raft" in arguments) + ("autopilot" in arguments)
        return bao(self.sandbox, *arguments[:words], f"-address={self.address(node)}", *arguments[words:])

    def status(self, node: str) -> tuple[int, dict[str, str]]:
        """The exit status of `bao status`, and its table."""
        done = self.bao(node, "status")
        rows = (line.split("  ", 1) for line in done.out.splitlines() if "  " in line)
        return done.status, {name: text.strip() for name, text in rows}

    def health(self, node: str) -> int:
        """The status of a node's health."""
        answer = self.client(node).sys.read_health_status(method="GET")
        return 200 if isinstance(answer, dict) else answer.status_code  # hvac hands over the body of a 200

    def close(self) -> None:
        for each in self._clients:
            each.adapter.close()


@pytest.fixture(scope="module")
def vault() -> Iterator[Sandbox]:
    with Sandbox(profile="vault", root_token="root", nodes=3) as up:
        yield up


@pytest.fixture(scope="module")
def openbao() -> Iterator[Sandbox]:
    with Sandbox(profile="openbao", root_token="root", nodes=3) as up:
        yield up


@pytest.fixture
def start(request: pytest.FixtureRequest) -> Iterator[Callable[[str], Party]]:
    """Makes a party of a profile: `node-1` leads, and there is one secret."""
    made: list[Party] = []

    def begin(profile: str) -> Party:
        sandbox: Sandbox = request.getfixturevalue(profile)
        sandbox.reset()
        found = Party(sandbox)
        made.append(found)
        write(found.client("node-1"), 1)
        return found

    yield begin
    for each in made:
        each.close()


@pytest.fixture(params=["vault", "openbao"])
def party(request: pytest.FixtureRequest, start: Callable[[str], Party]) -> Party:
    return start(request.param)


def write(client: hvac.Client, value: int) -> None:
    client.secrets.kv.v2.create_or_update_secret("app", {"x": value})


# Standbys


def test_hvac_writes_and_reads_through_a_standby(party):
    write(party.client("node-2"), 2)
    assert [read(party.client(node)) for node in NODES] == [2, 2, 2]
    assert party.nodes.leader == "node-1"


def test_a_token_that_was_got_at_one_standby_is_good_at_another(party):
    root = party.client("node-2")
    root.sys.create_or_update_policy("app", 'path "secret/*" { capabilities = ["read"] }')
    root.sys.enable_auth_method("userpass")
    root.auth.userpass.create_or_update_user("ann", password="p", policies="app")
    token = party.client("node-2", token="").auth.userpass.login("ann", "p")["auth"]["client_token"]
    ann = party.client("node-3", token=token)
    assert read(ann) == 1
    with pytest.raises(exceptions.Forbidden):
        write(ann, 2)


def test_hvac_sees_who_leads_wherever_it_asks(party):
    for node in NODES:
        found = party.client(node).sys.read_leader_status()
        assert found["ha_enabled"] is True
        assert found["is_self"] is (node == "node-1")
        assert found["leader_address"] == party.address("node-1")


def test_hvac_follows_a_standby_that_may_not_forward(party):
    plain = party.client("node-2", allow_redirects=False)
    follower = party.client("node-2")
    for each in (plain, follower):
        each.session.headers["X-Vault-No-Request-Forwarding"] = "true"
    answer = plain.secrets.kv.v2.create_or_update_secret("app", {"x": 2})
    assert answer.status_code == 307
    assert answer.headers["Location"] == f"{party.address('node-1')}/v1/secret/data/app"
    assert read(party.client("node-1")) == 1
    write(follower, 3)
    assert read(follower) == 3


def test_hvac_is_sent_to_the_leader_by_a_node_of_vault_that_is_cut_off(start):
    party = start("vault")
    party.nodes.isolate("node-3")
    answer = party.client("node-3", allow_redirects=False).read("secret/data/app")
    assert (answer.status_code, answer.headers["Location"]) == (
        307,
        f"{party.address('node-1')}/v1/secret/data/app",
    )
    client = party.client("node-3")
    write(client, 2)
    assert read(client) == 2


def test_a_node_of_openbao_that_is_cut_off_reads_and_does_not_write(start):
    party = start("openbao")
    party.nodes.isolate("node-3")
    client = party.client("node-3")
    assert read(client) == 1
    with pytest.raises(exceptions.InternalServerError, match=NOT_FOUND):
        write(client, 2)
    party.nodes.join("node-3")
    write(client, 3)
    assert read(client) == 3


def test_bao_reads_and_writes_at_each_node(party):
    for number, node in enumerate(NODES):
        assert party.bao(node, "kv", "put", "secret/app", f"x={number}").status == 0
        assert [party.bao(each, "kv", "get", "-field=x", "secret/app")[:2] for each in NODES] == [(0, str(number))] * 3


def test_bao_status_tells_a_standby_from_the_leader(party):
    status, table = party.status("node-1")
    assert (status, table["HA Mode"]) == (0, "active")
    status, table = party.status("node-2")
    assert (status, table["HA Mode"], table["Active Node Address"]) == (0, "standby", party.address("node-1"))


def test_bao_lists_the_members_and_who_of_them_leads(party):
    party.nodes.elect("node-3")
    done = party.bao("node-2", "operator", "members")
    rows = [line.split() for line in done.out.splitlines()[2:]]
    assert {(row[1], row[3]) for row in rows} == {
        (party.address(node), "true" if node == "node-3" else "false") for node in NODES
    }


def test_bao_changes_who_is_in_the_cluster(party):
    def peers() -> dict[str, tuple[str, str]]:
        done = party.bao("node-1", "operator", "raft", "list-peers")
        rows = (line.split() for line in done.out.splitlines()[2:])
        return {name: (state, votes) for name, _, state, votes in rows}

    assert peers() == {"node-1": ("leader", "true"), "node-2": ("follower", "true"), "node-3": ("follower", "true")}
    assert party.bao("node-1", "operator", "raft", "demote", "node-3").status == 0
    assert peers()["node-3"] == ("follower", "false")
    assert party.bao("node-2", "operator", "raft", "remove-peer", "node-3").status == 0
    assert list(peers()) == ["node-1", "node-2"]
    state = party.bao("node-1", "operator", "raft", "autopilot", "state")
    lines = [line.split() for line in state.out.splitlines()]
    assert (state.status, ["Failure", "Tolerance:", "0"] in lines) == (0, True), state.out


def test_what_goes_wrong_at_the_leader_alone_does_so_for_its_own_clients(party):
    clients = {node: party.client(node) for node in NODES}
    with party.sandbox.chaos.start("status code=502 node=leader"):
        for leader in ("node-1", "node-2"):
            party.nodes.elect(leader)
            for node, client in clients.items():
                if node == leader:
                    with pytest.raises(exceptions.BadGateway):
                        read(client)
                else:
                    assert read(client) == 1


# Health


def test_hvac_sees_the_health_of_the_leader_and_of_standbys(party):
    assert [party.health(node) for node in NODES] == [200, 429, 429]
    party.nodes.elect("node-3")
    assert [party.health(node) for node in NODES] == [429, 429, 200]


def test_hvac_sees_a_standby_as_well_when_that_is_what_it_asks_for(party):
    found = party.client("node-2").sys.read_health_status(standby_ok=True, method="GET")
    assert (found["standby"], found["sealed"]) == (True, False)


@pytest.mark.parametrize(("profile", "status"), [("vault", 530), ("openbao", 503)])
def test_hvac_sees_that_a_node_was_removed(start, profile, status):
    party = start(profile)
    party.nodes.remove("node-3")
    assert [party.health(node) for node in NODES] == [200, 429, status]
    client = party.client("node-3")
    with pytest.raises(exceptions.VaultDown, match="Vault is sealed"):
        read(client)
    party.nodes.join("node-3")
    assert party.health("node-3") == 429
    assert read(client) == 1


# Sealed nodes


def test_a_sealed_node_answers_hvac_nothing_while_the_others_go_on(party):
    party.nodes.seal("node-2")
    assert [party.health(node) for node in NODES] == [200, 503, 429]
    client = party.client("node-2")
    assert client.sys.is_sealed() is True
    with pytest.raises(exceptions.VaultDown, match="Vault is sealed"):
        read(client)
    assert [read(party.client(node)) for node in ("node-1", "node-3")] == [1, 1]
    party.nodes.unseal("node-2")
    assert client.sys.is_sealed() is False
    assert read(client) == 1


def test_when_the_leader_is_sealed_another_node_leads(party):
    party.client("node-1").sys.seal()
    assert party.health("node-1") == 503
    assert party.nodes.leader == "node-2"
    client = party.client("node-3")
    write(client, 2)
    assert client.sys.read_leader_status()["leader_address"] == party.address("node-2")


def test_bao_status_fails_at_a_sealed_node_only(party):
    party.nodes.seal("node-2")
    status, table = party.status("node-2")
    assert (status, table["Sealed"]) == (2, "true")
    assert [party.status(node)[0] for node in ("node-1", "node-3")] == [0, 0]
    done = party.bao("node-2", "kv", "get", "secret/app")
    assert done.status == 2
    assert "Code: 503. Errors:\n\n* Vault is sealed\n" in done.problem


# Elections


def test_a_client_of_the_old_leader_goes_on(party):
    client = party.client("node-1")
    assert read(client) == 1
    party.nodes.elect("node-2")
    found = client.sys.read_leader_status()
    assert (found["is_self"], found["leader_address"]) == (False, party.address("node-2"))
    write(client, 2)
    assert read(client) == 2


@pytest.mark.parametrize("at", ["node-1", "node-3"])
def test_hvac_has_the_leader_step_down_wherever_it_asks(party, at):
    client = party.client(at)
    assert client.sys.step_down().status_code == 204
    assert party.nodes.conditions == {"node-1": "standby", "node-2": "active", "node-3": "standby"}
    write(client, 2)
    assert read(party.client("node-2")) == 2


def test_a_step_down_is_not_for_everybody(party):
    root = party.client("node-1")
    token = root.auth.token.create(policies=["default"])["auth"]["client_token"]
    with pytest.raises(exceptions.Forbidden, match="permission denied"):
        party.client("node-1", token=token).sys.step_down()
    assert party.nodes.leader == "node-1"


@pytest.mark.parametrize("at", ["node-1", "node-3"])
def test_bao_has_the_leader_step_down(party, at):
    done = party.bao(at, "operator", "step-down")
    assert (done.status, done.out) == (0, f"Success! Stepped down: {party.address(at)}")
    assert party.nodes.leader == "node-2"


def test_hvac_cannot_write_during_an_election_and_can_afterwards(party):
    clients = [party.client(node) for node in NODES]
    party.nodes.elect("node-2", seconds=LONG)
    for client in clients:
        with pytest.raises(exceptions.InternalServerError, match=NOT_FOUND):
            write(client, 2)
        assert client.sys.read_leader_status().get("leader_address", "") == ""
    assert [party.health(node) for node in NODES] == [429, 429, 429]
    party.nodes.elect("node-2")
    for number, client in enumerate(clients, 2):
        assert read(client) == number - 1
        write(client, number)


def test_vault_does_not_read_during_an_election_either(start):
    party = start("vault")
    party.nodes.elect("node-2", seconds=LONG)
    with pytest.raises(exceptions.InternalServerError, match=NOT_FOUND):
        read(party.client("node-3"))


def test_openbao_reads_during_an_election(start):
    party = start("openbao")
    party.nodes.elect("node-2", seconds=LONG)
    assert [read(party.client(node)) for node in NODES] == [1, 1, 1]
    assert party.bao("node-3", "kv", "get", "-field=x", "secret/app")[:2] == (0, "1")


def test_bao_tells_that_nobody_leads(party):
    party.nodes.elect("node-2", seconds=LONG)
    done = party.bao("node-1", "kv", "put", "secret/app", "x=2")
    assert done.status == 2
    assert f"Code: 500. Errors:\n\n* {NOT_FOUND}\n" in done.problem
    status, table = party.status("node-1")
    assert (status, table["HA Mode"]) == (0, "standby")
    assert "Active Node Address" not in table
    party.nodes.elect("node-2")
    assert party.bao("node-1", "kv", "put", "secret/app", "x=2").status == 0


def test_a_client_that_tries_again_gets_through_an_election(party):
    client = party.client("node-1")
    party.nodes.elect("node-3", seconds=SHORT)
    for _ in range(TRIES):
        try:
            write(client, 2)
        except exceptions.InternalServerError as error:
            assert error.errors == [NOT_FOUND]  # noqa: PT017 -- it may as well be over
        else:
            break
    assert read(client) == 2
    assert party.nodes.leader == "node-3"


def test_without_a_quorum_hvac_cannot_write_anywhere(party):
    client = party.client("node-1")
    party.nodes.stop("node-2")
    write(client, 2)
    party.nodes.isolate("node-3")
    with pytest.raises(exceptions.InternalServerError, match=NOT_FOUND):
        write(client, 3)
    party.nodes.join("node-3")
    assert read(client) == 2
    write(client, 4)


# Stopped nodes


def test_a_stopped_node_refuses_hvac_and_is_well_when_it_is_started_again(party):
    client = party.client("node-2")
    assert read(client) == 1  # over a connection that it keeps
    party.nodes.stop("node-2")
    with pytest.raises(requests.exceptions.ConnectionError, match="refused"):
        read(client)
    write(party.client("node-3"), 2)
    party.nodes.start("node-2")
    assert read(client) == 2
    assert party.health("node-2") == 429


def test_when_the_leader_is_stopped_another_node_leads(party):
    client = party.client("node-3")
    party.nodes.stop("node-1")
    write(client, 2)
    assert client.sys.read_leader_status()["leader_address"] == party.address("node-2")
    party.nodes.start("node-1")
    assert read(party.client("node-1")) == 2
    assert party.nodes.leader == "node-2"


def test_bao_is_refused_by_a_stopped_node(party):
    party.nodes.stop("node-2")
    done = party.bao("node-2", "status")
    assert (done.status, done.out) == (1, "")
    assert "connect: connection refused" in done.problem
    party.nodes.start("node-2")
    status, table = party.status("node-2")
    assert (status, table["HA Mode"]) == (0, "standby")
