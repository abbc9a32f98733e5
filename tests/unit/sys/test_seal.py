"""The state of the server itself. Answers were recorded from OpenBao 2.7.2; Vault's are from its documentation."""

import base64

import pytest
from unit.helpers import START, call, world

from sandboxd.edge.runtime import make_world
from sandboxd.vault.clock import NANOSECONDS, Clock
from sandboxd.vault.world import Settings

UNINITIALISED = (
    '{"type":"shamir","initialized":false,"sealed":true,"t":0,"n":0,"progress":0,"nonce":"","recovery_seal":false,'
    '"version":"2.7.2","commit_date":"2026-10-26T20:32:27Z","migration":false,"storage_type":"inmem"}\n'
)


@pytest.fixture
def empty():
    """A server that was never initialised."""
    return make_world(Settings(profile="openbao"), seed="tests", clock=Clock(lambda: START * NANOSECONDS))


def opened(vault, shares=5, threshold=3):
    """The answer to initialising a server that is then unsealed."""
    made = call(vault, "PUT", "sys/init", {"secret_shares": shares, "secret_threshold": threshold}, token="").json
    for key in made["keys"][:threshold]:
        call(vault, "PUT", "sys/unseal", {"key": key}, token="")
    return made


def test_a_server_that_was_never_initialised_says_so(empty):
    assert call(empty, "GET", "sys/seal-status").text == UNINITIALISED
    assert call(empty, "GET", "sys/init").text == '{"initialized":false}\n'
    assert call(empty, "GET", "sys/leader").text == '{"ha_enabled":false}\n'
    health = call(empty, "GET", "sys/health")
    assert (health.status, health.text) == (
        501,
        (
            '{"initialized":false,"sealed":true,"standby":true,"replication_performance_mode":"unknown",'
            f'"replication_dr_mode":"unknown","server_time_utc":{START},"version":"2.7.2"}}\n'
        ),
    )


def test_all_else_is_sealed(empty):
    assert (call(empty, "GET", "sys/mounts").status, call(empty, "GET", "sys/mounts").errors) == (
        503,
        ["Vault is sealed"],
    )


def test_sealing_and_stepping_down_ask_for_no_token_when_there_is_nothing_to_do(empty):
    assert call(empty, "PUT", "sys/seal", token="").status == 204
    assert call(empty, "PUT", "sys/step-down", token="").status == 204


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "sys/init"),
        ("LIST", "sys/init"),
        ("POST", "sys/seal-status"),
        ("GET", "sys/unseal"),
        ("GET", "sys/seal"),
        ("GET", "sys/step-down"),
        ("POST", "sys/leader"),
        ("DELETE", "sys/health"),
    ],
)
def test_a_verb_that_is_not_served_is_refused_without_a_word(empty, method, path):
    reply = call(empty, method, path)
    assert (reply.status, reply.text) == (405, '{"errors":[]}\n')


def test_initialising_gives_shares_and_a_root_token_and_leaves_the_server_sealed(empty):
    made = call(empty, "PUT", "sys/init", {"secret_shares": 5, "secret_threshold": 3}, token="").json
    assert list(made) == ["keys", "keys_base64", "root_token"]
    assert [base64.b64decode(key).hex() for key in made["keys_base64"]] == made["keys"]
    assert {len(key) for key in made["keys"]} == {66}
    assert made["root_token"].startswith("s.")
    assert len(made["root_token"]) == 26
    assert call(empty, "GET", "sys/health").status == 503


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "invalid seal configuration: shares must be at least one"),
        ({"secret_shares": 3}, "invalid seal configuration: threshold must be at least one"),
        (
            {"SECRET_SHARES": 1, "secret_threshold": 2},
            "invalid seal configuration: threshold cannot be larger than shares",
        ),
        ({"recovery_shares": 1}, "parameters recovery_shares not applicable to seal type shamir"),
        (
            {"recovery_shares": 1, "recovery_threshold": 2, "recovery_pgp_keys": ["a"]},
            "parameters recovery_shares,recovery_threshold,recovery_pgp_keys not applicable to seal type shamir",
        ),
        (
            {"secret_shares": 1, "secret_threshold": 1, "pgp_keys": ["a", "b"]},
            "invalid seal configuration: count mismatch between number of provided PGP keys and number of shares",
        ),
        (
            {"secret_shares": 1, "secret_threshold": 1, "pgp_keys": ["!!"]},
            "invalid seal configuration: error decoding given PGP key: illegal base64 data at input byte 0",
        ),
        (
            {"secret_shares": "3"},
            (
                "failed to decode JSON input: json: cannot unmarshal string into Go struct field "
                "InitRequest.secret_shares of type int"
            ),
        ),
        (
            {"secret_shares": 1.5},
            (
                "failed to decode JSON input: json: cannot unmarshal number 1.5 into Go struct field "
                "InitRequest.secret_shares of type int"
            ),
        ),
    ],
)
def test_initialising_can_be_refused(empty, body, text):
    reply = call(empty, "PUT", "sys/init", body, token="")
    assert (reply.status, reply.errors) == (400, [text])
    assert not empty.seal.initialized


def test_a_server_is_initialised_once(empty):
    opened(empty)
    reply = call(empty, "PUT", "sys/init", {"secret_shares": 5, "secret_threshold": 3})
    assert (reply.status, reply.errors) == (400, ["Vault is already initialized"])
    assert call(empty, "GET", "sys/init").json == {"initialized": True}


def test_unsealing_shows_its_progress_and_then_the_cluster(empty):
    keys = call(empty, "PUT", "sys/init", {"secret_shares": 5, "secret_threshold": 3}).json["keys_base64"]
    first = call(empty, "PUT", "sys/unseal", {"key": keys[0]}, token="").json
    assert (first["sealed"], first["t"], first["n"], first["progress"]) == (True, 3, 5, 1)
    assert first["nonce"]
    call(empty, "PUT", "sys/unseal", {"key": keys[1]}, token="")
    last = call(empty, "PUT", "sys/unseal", {"key": keys[2]}, token="").json
    assert (last["sealed"], last["progress"], last["nonce"]) == (False, 0, "")
    assert last["cluster_name"].startswith("vault-cluster-")
    assert last["cluster_id"] == call(empty, "GET", "sys/health").json["cluster_id"]


def test_the_new_servers_root_token_works(empty):
    token = opened(empty)["root_token"]
    assert call(empty, "GET", "auth/token/lookup-self", token=token).data["policies"] == ["root"]


def test_the_shares_given_can_be_forgotten(empty):
    keys = call(empty, "PUT", "sys/init", {"secret_shares": 5, "secret_threshold": 3}).json["keys"]
    call(empty, "PUT", "sys/unseal", {"key": keys[0]})
    assert call(empty, "PUT", "sys/unseal", {"reset": True}).json["progress"] == 0
    for key in keys[:3]:
        call(empty, "PUT", "sys/unseal", {"key": key})
    assert call(empty, "PUT", "sys/unseal", {"reset": True}).errors == ["vault is unsealed"]


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ({}, 400, "'key' must be specified in request body as JSON, or 'reset' set to true"),
        ({"key": "zz!"}, 400, "'key' must be a valid hex or base64 string"),
        ({"key": "aa" * 15}, 400, "'key' must be a valid hex or base64 string"),
        ({"key": "aa" * 32}, 400, "Vault is not initialized"),
        ({"KEY": "aa" * 32}, 400, "Vault is not initialized"),
        ({"key": "aa" * 32, "migrate": True}, 500, "can't perform a seal migration, no migration seal found"),
        (
            {"key": 5},
            400,
            (
                "failed to decode JSON input: json: cannot unmarshal number into Go struct field UnsealRequest.key of "
                "type string"
            ),
        ),
        (
            {"reset": "yes"},
            400,
            (
                "failed to decode JSON input: json: cannot unmarshal string into Go struct field UnsealRequest.reset "
                "of type bool"
            ),
        ),
    ],
)
def test_unsealing_can_be_refused(empty, body, status, text):
    reply = call(empty, "PUT", "sys/unseal", body, token="")
    assert (reply.status, reply.errors) == (status, [text])


def test_sealing_takes_a_token_with_sudo():
    vault = world()
    policy = {"policy": 'path "sys/seal" { capabilities = ["update"] }'}
    call(vault, "PUT", "sys/policies/acl/sealer", policy)
    weak = call(vault, "POST", "auth/token/create", {"policies": ["sealer"]}).json["auth"]["client_token"]
    assert call(vault, "PUT", "sys/seal", token="").errors == ["permission denied"]
    assert call(vault, "PUT", "sys/seal", token="bad").errors == ["permission denied"]
    assert call(vault, "PUT", "sys/seal", token=weak).errors == ["1 error occurred:\n\t* permission denied\n\n"]
    assert call(vault, "PUT", "sys/seal").status == 204
    assert call(vault, "GET", "sys/seal-status").json["sealed"]
    assert call(vault, "GET", "secret/data/a").status == 503


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("standbyok=true", 200),
        ("standbyok=maybe", 400),
        ("standbyok=", 200),
        ("activecode=299", 299),
        ("activecode=x", 400),
        ("activecode=", 400),
        ("activecode=200&activecode=300", 200),
        ("activecode=100", 200),
        ("activecode=99", 400),
        ("activecode=1000", 400),
        ("sealedcode=1.5", 400),
        ("uninitcode=a", 400),
        ("drsecondarycode=x", 200),
    ],
)
def test_health_answers_with_the_status_that_is_asked_for(query, status):
    reply = call(world(), "GET", f"sys/health?{query}", token="")
    assert reply.status == status
    assert (reply.text == '{"errors":[]}\n') == (status == 400)


def test_health_tells_sealed_from_active():
    vault = world()
    assert call(vault, "GET", "sys/health").status == 200
    vault.seal.seal()
    assert call(vault, "GET", "sys/health").status == 503
    assert call(vault, "GET", "sys/health?sealedcode=200").status == 200
    assert call(vault, "HEAD", "sys/health?sealedcode=299").status == 299


def test_vault_says_more_of_itself():
    vault = world("vault")
    assert list(call(vault, "GET", "sys/health").json) == [
        "initialized",
        "sealed",
        "standby",
        "performance_standby",
        "replication_performance_mode",
        "replication_dr_mode",
        "server_time_utc",
        "version",
        "enterprise",
        "cluster_name",
        "cluster_id",
        "echo_duration_ms",
        "clock_skew_ms",
        "replication_primary_canary_age_ms",
    ]
    assert "build_date" in call(vault, "GET", "sys/seal-status").json
    assert call(vault, "GET", "sys/leader").json["active_time"] == "0001-01-01T00:00:00Z"


def test_a_namespace_too_can_be_asked_for_the_seal_and_the_leader():
    vault = world()
    call(vault, "PUT", "sys/namespaces/n1")
    assert call(vault, "GET", "n1/sys/seal-status", token="").json == call(vault, "GET", "sys/seal-status").json
    assert call(vault, "GET", "n1/sys/leader", token="").json == {"ha_enabled": False}
