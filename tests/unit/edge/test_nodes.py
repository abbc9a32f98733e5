"""A cluster in one process: who leads, who is away, and what each node does with a request.

What OpenBao's nodes answer is compared with a live cluster elsewhere; what only Vault has is from its documentation.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest
from unit.chaos.setting import Setting
from unit.helpers import finished

from sandboxd.edge.app import App
from sandboxd.edge.messages import Incoming
from sandboxd.edge.nodes import NOT_FOUND, Cluster
from sandboxd.vault.errors import Refusal

NODES = ("node-1", "node-2", "node-3")


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: Any


class Place:
    """Three nodes, with the first one as their leader."""

    def __init__(self, profile: str = "vault", *, forwards: bool = True) -> None:
        self.setting = Setting(profile)
        self.world = self.setting.world
        self.nodes = Cluster(self.world, 3, forwards=forwards)
        for number, name in enumerate(NODES, 1):
            self.nodes.place(name, f"http://127.0.0.1:820{number}")

    def ask(self, node: str, method: str, path: str, data: Any = None, **headers: str) -> Reply:
        """A request to a node, as root."""
        app = App(self.world, place=lambda: self.nodes.node(node))
        sent = {"x-vault-token": ("root",)} | {name.replace("_", "-"): (text,) for name, text in headers.items()}
        body = b"" if data is None else json.dumps(data).encode()
        answer = finished(app.answer(Incoming(method, f"/v1/{path}", sent, body, "127.0.0.1", 1)))
        return Reply(answer.status, dict(answer.headers), json.loads(answer.body) if answer.body else None)

    def health(self) -> list[int]:
        """What all nodes say of themselves."""
        return [self.ask(name, "GET", "sys/health").status for name in NODES]

    def conditions(self) -> dict[str, str]:
        rows = self.nodes.rows(lambda **found: found)
        return {row["name"]: row["condition"] for row in rows}


@pytest.fixture
def place() -> Place:
    return Place()


# Who leads.


def test_the_first_node_leads_at_first(place):
    assert place.nodes.leader == "node-1"
    assert place.health() == [200, 429, 429]


def test_an_election_is_won_by_whom_it_is_to_be_won_by(place):
    place.nodes.elect("node-3")
    assert place.nodes.leader == "node-3"
    assert place.health() == [429, 429, 200]


def test_without_a_name_the_next_one_in_turn_wins(place):
    leaders = []
    for _ in range(4):
        place.nodes.elect()
        leaders.append(place.nodes.leader)
    assert leaders == ["node-2", "node-3", "node-1", "node-2"]


def test_an_election_takes_as_long_as_it_is_to_take(place):
    place.nodes.elect("node-2", seconds=5)
    assert place.nodes.leader == ""
    assert place.health() == [429, 429, 429]
    place.setting.pass_(4.9)
    assert place.nodes.leader == ""
    place.setting.pass_(0.2)
    assert place.nodes.leader == "node-2"


@pytest.mark.parametrize("away", ["stop", "isolate", "seal", "remove"])
def test_who_is_away_cannot_win(place, away):
    getattr(place.nodes, away)("node-2")
    with pytest.raises(Refusal, match="node-2 cannot become the leader"):
        place.nodes.elect("node-2")
    assert place.nodes.leader == "node-1"


@pytest.mark.parametrize("away", ["stop", "isolate", "seal", "remove"])
def test_when_the_leader_goes_another_one_leads(place, away):
    getattr(place.nodes, away)("node-1")
    assert place.nodes.leader == "node-2"


@pytest.mark.parametrize(("away", "back"), [("stop", "start"), ("isolate", "join"), ("seal", "unseal")])
def test_who_comes_back_is_a_standby(place, away, back):
    getattr(place.nodes, away)("node-1")
    getattr(place.nodes, back)("node-1")
    assert place.nodes.leader == "node-2"
    assert place.health() == [429, 200, 429]


def test_a_winner_that_goes_during_the_election_does_not_win_it(place):
    place.nodes.elect("node-2", seconds=5)
    place.nodes.stop("node-2")
    place.setting.pass_(6)
    assert place.nodes.leader in ("node-1", "node-3")


def test_a_step_down_moves_the_lead(place):
    assert place.ask("node-1", "PUT", "sys/step-down").status == 204
    assert place.nodes.leader == "node-2"


def test_a_step_down_at_a_standby_is_the_leaders(place):
    assert place.ask("node-3", "PUT", "sys/step-down").status == 204
    assert place.nodes.leader == "node-2"


def test_a_step_down_needs_a_token_that_may(place):
    assert place.ask("node-1", "PUT", "sys/step-down", x_vault_token="bad").status == 403
    assert place.nodes.leader == "node-1"


def test_each_election_is_a_term_of_its_own(place):
    place.nodes.elect()
    place.nodes.elect()
    assert place.nodes.terms == 3


def test_a_name_that_there_is_not_is_told_with_those_that_there_are(place):
    with pytest.raises(Refusal, match=r'no node "node-9"; there are node-1, node-2, node-3'):
        place.nodes.stop("node-9")
    with pytest.raises(Refusal, match="node-9"):
        place.nodes.elect("node-9")


# A quorum.


def test_without_a_quorum_nobody_leads(place):
    place.nodes.stop("node-2")
    assert place.nodes.leader == "node-1"
    place.nodes.isolate("node-3")
    assert place.nodes.leader == ""
    assert place.health()[0] == 429


def test_with_a_quorum_again_somebody_leads(place):
    place.nodes.stop("node-2")
    place.nodes.stop("node-3")
    place.nodes.start("node-3")
    assert place.nodes.leader != ""


def test_who_was_removed_does_not_count_for_the_quorum(place):
    place.nodes.remove("node-3")
    place.nodes.stop("node-2")
    assert place.nodes.leader == ""
    place.nodes.start("node-2")
    assert place.nodes.leader != ""


def test_sealed_nodes_do_not_count_either(place):
    for name in ("node-2", "node-3"):
        place.nodes.seal(name)
    assert place.health() == [429, 503, 503]


def test_standbys_of_vault_are_not_sealed_by_clients(place):
    reply = place.ask("node-2", "PUT", "sys/seal", x_vault_token="bad")
    told = "vault cannot seal when in standby mode; please restart instead"
    assert (reply.status, reply.body) == (500, {"errors": [told]})
    assert place.health() == [200, 429, 429]


def test_a_leader_that_a_client_seals_leads_no_longer(place):
    assert place.ask("node-1", "PUT", "sys/seal").status == 204
    assert place.health() == [503, 200, 429]


def test_a_node_that_a_client_sealed_opens_by_its_key():
    place = Place("openbao")
    assert place.ask("node-2", "PUT", "sys/seal").status == 204
    assert place.ask("node-2", "GET", "sys/seal-status").body["sealed"] is True
    assert place.ask("node-1", "GET", "sys/seal-status").body["sealed"] is False
    assert place.ask("node-2", "PUT", "sys/unseal", {"key": place.setting.key}).body["sealed"] is False
    assert place.health() == [200, 429, 429]


def test_calm_brings_all_back(place):
    place.nodes.stop("node-1")
    place.nodes.isolate("node-2")
    place.nodes.remove("node-3")
    place.nodes.calm()
    assert sorted(place.health()) == [200, 429, 429]


def test_rows_tell_how_each_is(place):
    place.nodes.stop("node-2")
    place.nodes.remove("node-3")
    place.nodes.start("node-2")
    place.nodes.seal("node-2")
    place.nodes.join("node-3")
    assert place.conditions() == {"node-1": "active", "node-2": "sealed", "node-3": "standby"}
    place.nodes.stop("node-3")
    assert place.conditions()["node-3"] == "stopped"


# What a node does with a request.


@pytest.mark.parametrize("profile", ["vault", "openbao"])
def test_a_standby_has_the_leader_do_it(profile):
    place = Place(profile)
    assert place.ask("node-2", "POST", "secret/data/app", {"data": {"x": 2}}).status == 200
    assert place.ask("node-3", "GET", "secret/data/app").body["data"]["data"] == {"x": 2}


def test_a_standby_that_does_not_forward_redirects(place):
    place = Place(forwards=False)
    reply = place.ask("node-2", "GET", "secret/data/app?version=1")
    assert (reply.status, reply.headers["Location"]) == (307, "http://127.0.0.1:8201/v1/secret/data/app?version=1")


def test_who_does_not_want_to_be_forwarded_is_redirected(place):
    reply = place.ask("node-2", "POST", "secret/data/app", {"data": {}}, x_vault_no_request_forwarding="true")
    assert (reply.status, reply.headers["Location"]) == (307, "http://127.0.0.1:8201/v1/secret/data/app")


@pytest.mark.parametrize(("method", "path"), [("GET", "secret/data/app"), ("POST", "secret/data/app")])
def test_nodes_of_vault_do_nothing_without_a_leader(place, method, path):
    place.nodes.elect(seconds=5)
    reply = place.ask("node-2", method, path, {"data": {}} if method == "POST" else None)
    assert (reply.status, reply.body) == (500, {"errors": [NOT_FOUND]})


def test_nodes_of_openbao_read_without_a_leader():
    place = Place("openbao")
    place.nodes.elect(seconds=5)
    assert place.ask("node-2", "GET", "secret/data/app").status == 200
    reply = place.ask("node-2", "POST", "secret/data/app", {"data": {"x": 9}})
    assert (reply.status, reply.body) == (500, {"errors": [NOT_FOUND]})


def test_what_a_node_could_not_write_is_not_written():
    place = Place("openbao")
    place.nodes.elect("node-1", seconds=5)
    place.ask("node-2", "POST", "secret/data/app", {"data": {"x": 9}})
    place.ask("node-2", "DELETE", "secret/metadata/app")
    place.setting.pass_(6)
    reply = place.ask("node-1", "GET", "secret/data/app")
    assert (reply.body["data"]["data"], reply.body["data"]["metadata"]["version"]) == ({"x": 1}, 1)


def test_a_node_that_is_cut_off_has_its_clients_see_no_leader():
    place = Place("openbao")
    place.nodes.isolate("node-3")
    assert place.ask("node-3", "POST", "secret/data/app", {"data": {}}).body == {"errors": [NOT_FOUND]}
    assert place.ask("node-2", "GET", "secret/data/app").status == 200


def test_a_node_of_vault_that_cannot_reach_the_leader_redirects_there(place):
    place.nodes.isolate("node-3")
    reply = place.ask("node-3", "GET", "secret/data/app")
    assert (reply.status, reply.headers["Location"]) == (307, "http://127.0.0.1:8201/v1/secret/data/app")


def test_a_node_that_was_removed_says_so(place):
    place.nodes.remove("node-3")
    assert place.ask("node-3", "GET", "sys/health").status == 530
    assert place.ask("node-3", "GET", "secret/data/app").status == 503


def test_a_sealed_node_answers_nothing_but_its_state(place):
    place.nodes.seal("node-2")
    assert place.ask("node-2", "GET", "secret/data/app").body == {"errors": ["Vault is sealed"]}
    assert place.ask("node-2", "GET", "sys/seal-status").body["sealed"] is True
    assert place.ask("node-1", "GET", "secret/data/app").status == 200


# The storage that the nodes share.


def servers(place: Place) -> dict[str, Any]:
    found = place.ask(place.nodes.leader, "GET", "sys/storage/raft/configuration").body["data"]["config"]["servers"]
    return {each["node_id"]: each for each in found}


def state(place: Place) -> Any:
    return place.ask(place.nodes.leader, "GET", "sys/storage/raft/autopilot/state").body["data"]


def test_a_peer_that_is_removed_is_no_longer_in_the_cluster(place):
    assert place.ask("node-2", "POST", "sys/storage/raft/remove-peer", {"server_id": "node-3"}).status == 204
    assert list(servers(place)) == ["node-1", "node-2"]
    assert place.conditions()["node-3"] == "removed"


def test_a_peer_that_was_removed_joins_again(place):
    place.nodes.remove("node-3")
    reply = place.ask("node-3", "POST", "sys/storage/raft/join", {"leader_api_addr": "http://127.0.0.1:8201"})
    assert (reply.status, reply.body) == (200, {"joined": True})
    assert place.health() == [200, 429, 429]


def test_who_was_demoted_cannot_win_and_counts_for_no_quorum(place):
    assert place.ask("node-1", "POST", "sys/storage/raft/demote", {"server_id": "node-3"}).status == 204
    assert servers(place)["node-3"]["voter"] is False
    with pytest.raises(Refusal, match="node-3"):
        place.nodes.elect("node-3")
    place.nodes.stop("node-3")
    assert place.nodes.leader == "node-1"
    place.nodes.stop("node-2")
    assert place.nodes.leader == ""


def test_who_was_promoted_can_win_again(place):
    place.nodes.vote("node-3", wanted=False)
    assert place.ask("node-1", "POST", "sys/storage/raft/promote", {"server_id": "node-3"}).status == 204
    place.nodes.elect("node-3")
    assert place.nodes.leader == "node-3"


def test_the_autopilot_tells_who_is_well_and_how_many_more_may_fail(place):
    assert (state(place)["healthy"], state(place)["failure_tolerance"]) == (True, 1)
    place.nodes.stop("node-2")
    found = state(place)
    assert (found["healthy"], found["failure_tolerance"]) == (False, 0)
    assert {name: each["healthy"] for name, each in found["servers"].items()} == {
        "node-1": True,
        "node-2": False,
        "node-3": True,
    }


def test_peers_are_the_leaders_to_change(place):
    place.nodes.elect(seconds=5)
    reply = place.ask("node-2", "POST", "sys/storage/raft/remove-peer", {"server_id": "node-3"})
    assert (reply.status, reply.body) == (500, {"errors": [NOT_FOUND]})
    assert place.conditions()["node-3"] != "removed"


def test_a_single_server_has_no_such_storage():
    reply = Setting().call("GET", "sys/storage/raft/configuration")
    assert (reply.status, reply.errors) == (404, ["1 error occurred:\n\t* unsupported path\n\n"])
