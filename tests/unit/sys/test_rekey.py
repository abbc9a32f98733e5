"""The rekey without a token. Answers were recorded from OpenBao 2.7.2 with its unauthenticated endpoints enabled."""

import pytest
from unit.helpers import START, call, world

from sandboxd.edge.runtime import make_world
from sandboxd.vault.bootstrap import start_dev
from sandboxd.vault.clock import NANOSECONDS, Clock
from sandboxd.vault.world import Settings

INIT, UPDATE, VERIFY = "sys/rekey/init", "sys/rekey/update", "sys/rekey/verify"


@pytest.fixture
def vault():
    """OpenBao with the endpoints enabled."""
    settings = Settings(profile="openbao", unauthenticated_rekey=True)
    made = make_world(settings, seed="tests", clock=Clock(lambda: START * NANOSECONDS))
    start_dev(made, "root")
    return made


@pytest.fixture
def keys(vault):
    """The shares of the server's key, three of which are needed."""
    made = vault.seal.make(5, 3)
    vault.seal.adopt(made.config)
    return [share.hex() for share in made.shares]


def ask(vault, method, path, data=None):
    return call(vault, method, path, data, token="")


def begin(vault, **more):
    return ask(vault, "PUT", INIT, {"secret_shares": 3, "secret_threshold": 2, **more}).json["nonce"]


def give(vault, keys, nonce, path=UPDATE):
    """The answer to the last share."""
    return [ask(vault, "PUT", path, {"key": key, "nonce": nonce}) for key in keys][-1]


def test_nothing_is_under_way_at_first(vault, keys):
    assert ask(vault, "GET", INIT).text == (
        '{"nonce":"","started":false,"t":0,"n":0,"progress":0,"required":3,"pgp_fingerprints":null,"backup":false,'
        '"verification_required":false}\n'
    )
    assert ask(vault, "DELETE", INIT).status == 204
    assert ask(vault, "GET", VERIFY).errors == ["no rekey configuration found"]


def test_new_shares_come_with_the_last_old_one(vault, keys):
    nonce = begin(vault)
    assert give(vault, keys[:2], nonce).json["progress"] == 2
    done = give(vault, keys[2:3], nonce).json
    assert list(done) == [
        "nonce",
        "complete",
        "keys",
        "keys_base64",
        "pgp_fingerprints",
        "backup",
        "verification_required",
    ]
    assert (done["nonce"], done["complete"], len(done["keys"])) == (nonce, True, 3)
    vault.seal.seal()
    for key in done["keys"][:2]:
        last = ask(vault, "PUT", "sys/unseal", {"key": key})
    assert not last.json["sealed"]


def test_a_new_key_can_be_verified_first(vault, keys):
    done = give(vault, keys[:3], begin(vault, require_verification=True)).json
    nonce = done["verification_nonce"]
    assert ask(vault, "GET", VERIFY).text == f'{{"nonce":"{nonce}","started":true,"t":2,"n":3,"progress":0}}\n'
    give(vault, done["keys"][:1], nonce, VERIFY)
    again = give(vault, done["keys"][:1], nonce, VERIFY)
    assert again.errors == ["given key has already been provided during this verify operation"]
    assert give(vault, done["keys"][1:2], nonce, VERIFY).text == f'{{"nonce":"{nonce}","complete":true}}\n'
    assert vault.seal.threshold == 2


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ({}, 500, "invalid rekey seal configuration: shares must be at least one"),
        (
            {"secret_shares": 3, "secret_threshold": 4},
            500,
            "invalid rekey seal configuration: threshold cannot be larger than shares",
        ),
        (
            {"secret_shares": 3, "secret_threshold": 2, "backup": True},
            400,
            "cannot request a backup of the new keys without providing PGP keys for encryption",
        ),
        ({"secret_shares": 3, "secret_threshold": 2, "pgp_keys": ["a"]}, 400, "incorrect number of PGP keys for rekey"),
        (
            {"secret_shares": 1, "secret_threshold": 1, "pgp_keys": ["a"]},
            500,
            "invalid rekey seal configuration: error decoding given PGP key: illegal base64 data at input byte 0",
        ),
    ],
)
def test_a_rekey_that_makes_no_sense_is_refused(vault, body, status, text):
    reply = ask(vault, "PUT", INIT, body)
    assert (reply.status, reply.errors) == (status, [text])


def test_one_rekey_at_a_time(vault):
    begin(vault)
    assert ask(vault, "PUT", INIT, {"secret_shares": 1, "secret_threshold": 1}).errors == ["rekey already in progress"]


@pytest.mark.parametrize(
    ("path", "body", "text"),
    [
        (UPDATE, {}, "'key' must be specified in request body as JSON"),
        (UPDATE, {"key": "zz"}, "'key' must be a valid hex or base64 string"),
        (UPDATE, {"key": "aa" * 33}, "no barrier rekey in progress"),
        (UPDATE, {"key": "YWFiYg=="}, "key is shorter than minimum 16 bytes"),
        (VERIFY, {"key": "aa" * 33}, "no rekey in progress"),
    ],
)
def test_a_share_needs_an_operation(vault, path, body, text):
    reply = ask(vault, "PUT", path, body)
    assert (reply.status, reply.errors) == (400, [text])


def test_wrong_shares_are_all_forgotten(vault, keys):
    nonce = begin(vault)
    reply = give(vault, [*keys[:2], "aa" * 33], nonce)
    undecrypted = "failed to decrypt keys from storage: cipher: message authentication failed"
    text = f"failed to read root key: invalid key: {undecrypted}"
    assert (reply.status, reply.errors) == (500, [text])
    assert ask(vault, "GET", INIT).json["progress"] == 0


def test_there_are_no_recovery_keys(vault):
    for path in ("init", "verify"):
        assert ask(vault, "GET", f"sys/rekey-recovery-key/{path}").errors == ["recovery rekeying not supported"]
    reply = ask(vault, "PUT", "sys/rekey-recovery-key/update", {"key": "aa" * 33})
    text = "failed to fetch existing recovery config: recovery not supported"
    assert (reply.status, reply.errors) == (500, [text])


@pytest.mark.parametrize("path", [INIT, UPDATE, VERIFY])
def test_openbao_does_not_answer_unless_told_to(path):
    reply = ask(world(), "GET", path)
    assert (reply.status, reply.errors) == (405, ["unsupported operation"])
    assert ask(world(), "GET", "sys/rekey-recovery-key/init").errors == ["unsupported path"]


def test_vault_answers_and_refuses_other_verbs_without_a_word():
    vault = world("vault")
    assert ask(vault, "GET", INIT).status == 200
    reply = ask(vault, "LIST", INIT)
    assert (reply.status, reply.errors) == (405, [])


def test_a_sealed_server_does_not_rekey(vault):
    vault.seal.seal()
    assert (ask(vault, "GET", INIT).status, ask(vault, "GET", INIT).errors) == (503, ["Vault is sealed"])


def test_hidden_shares_can_be_kept_for_their_owners(vault, tmp_path):
    from unit.vault.test_pgp import encoded, number, packet, public

    key = encoded(packet(6, public(1, number(b"\xff" * 256) + number(65537))), packet(13, b"me"))
    (old,) = [vault.seal.make(1, 1)]
    vault.seal.adopt(old.config)
    assert call(vault, "GET", "sys/rekey/backup").errors == ["no backed-up keys found"]
    nonce = ask(
        vault, "PUT", INIT, {"secret_shares": 1, "secret_threshold": 1, "pgp_keys": [key], "backup": True}
    ).json["nonce"]
    assert len(ask(vault, "GET", INIT).json["pgp_fingerprints"]) == 1
    done = give(vault, [old.shares[0].hex()], nonce).json
    (owner,) = done["pgp_fingerprints"]
    kept = call(vault, "GET", "sys/rekey/backup").data
    assert (kept["nonce"], kept["keys"], kept["keys_base64"]) == (
        nonce,
        {owner: done["keys"]},
        {owner: done["keys_base64"]},
    )
    assert call(vault, "DELETE", "sys/rekey/backup").status == 204
    assert call(vault, "GET", "sys/rekey/backup").status == 400


def test_the_backup_takes_a_token(vault):
    assert ask(vault, "GET", "sys/rekey/backup").status == 403
