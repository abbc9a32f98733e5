"""OpenBao's rekey, which takes a token. Answers were recorded from OpenBao 2.7.2."""

import pytest
from unit.helpers import call, world

INIT, UPDATE, VERIFY = "sys/rotate/root/init", "sys/rotate/root/update", "sys/rotate/root/verify"


@pytest.fixture
def vault():
    return world()


@pytest.fixture
def keys(vault):
    """The shares of the server's key, three of which are needed."""
    made = vault.seal.make(5, 3)
    vault.seal.adopt(made.config)
    return [share.hex() for share in made.shares]


def begin(vault, **more):
    return call(vault, "PUT", INIT, {"secret_shares": 3, "secret_threshold": 2, **more}).data["nonce"]


def give(vault, keys, nonce, path=UPDATE):
    """The answer to the last share."""
    return [call(vault, "PUT", path, {"key": key, "nonce": nonce}) for key in keys][-1]


def test_nothing_is_under_way_at_first(vault, keys):
    assert call(vault, "GET", INIT).data == {"started": False, "t": 0, "n": 0, "required": 3}
    assert call(vault, "GET", VERIFY).errors == ["no rotation configuration found"]


def test_new_shares_come_with_the_last_old_one(vault, keys):
    nonce = begin(vault)
    assert give(vault, keys[:1], nonce).data == {
        "started": True,
        "nonce": nonce,
        "t": 2,
        "n": 3,
        "progress": 1,
        "required": 3,
        "verification_required": False,
        "verification_nonce": "",
    }
    done = give(vault, keys[1:3], nonce).data
    assert len(done["keys"]) == 3
    assert {**done, "keys": 0, "keys_base64": 0} == {
        "backup": False,
        "complete": True,
        "keys": 0,
        "keys_base64": 0,
        "nonce": nonce,
        "pgp_fingerprints": None,
        "verification_nonce": "",
        "verification_required": False,
    }
    assert call(vault, "GET", INIT).data["required"] == 2


def test_the_new_key_opens_the_server_and_the_old_one_does_not(vault, keys):
    new = give(vault, keys[:3], begin(vault)).data["keys"]
    vault.seal.seal()
    for key in keys[:2]:
        last = call(vault, "PUT", "sys/unseal", {"key": key})
    assert last.status == 400
    for key in new[:2]:
        last = call(vault, "PUT", "sys/unseal", {"key": key})
    assert not last.json["sealed"]


def test_a_new_key_that_must_be_verified_holds_once_it_is(vault, keys):
    done = give(vault, keys[:3], begin(vault, require_verification=True)).data
    nonce = done["verification_nonce"]
    assert call(vault, "GET", VERIFY).data == {"nonce": nonce, "started": True, "t": 2, "n": 3, "progress": 0}
    assert call(vault, "GET", INIT).data["required"] == 3
    assert give(vault, done["keys"][:1], nonce, VERIFY).data["progress"] == 1
    assert give(vault, done["keys"][1:2], nonce, VERIFY).data == {"complete": True, "nonce": nonce}
    assert call(vault, "GET", INIT).data == {"started": False, "t": 0, "n": 0, "required": 2}


def test_a_verification_that_fails_gets_another_nonce(vault, keys):
    done = give(vault, keys[:3], begin(vault, require_verification=True)).data
    nonce = done["verification_nonce"]
    reply = give(vault, [done["keys"][0], "aa" * 33], nonce, VERIFY)
    assert reply.errors == ["rotation verification failed; incorrect key shares supplied"]
    after = call(vault, "GET", VERIFY).data
    assert (after["progress"], after["started"]) == (0, True)
    assert after["nonce"] != nonce


def test_a_verification_can_be_restarted(vault, keys):
    done = give(vault, keys[:3], begin(vault, require_verification=True)).data
    give(vault, done["keys"][:1], done["verification_nonce"], VERIFY)
    after = call(vault, "DELETE", VERIFY).data
    assert after["progress"] == 0
    assert after["nonce"] != done["verification_nonce"]


def test_shares_of_the_old_key_are_not_taken_while_the_new_one_waits(vault, keys):
    nonce = begin(vault, require_verification=True)
    waiting = give(vault, keys[:3], nonce).data["verification_nonce"]
    assert give(vault, keys[:1], nonce).errors == [
        (
            "rotation already finished; verification must be performed; nonce for the verification operation is "
            f'"{waiting}"'
        )
    ]


def test_one_rotation_at_a_time(vault, keys):
    begin(vault)
    assert call(vault, "PUT", INIT, {"secret_shares": 1, "secret_threshold": 1}).errors == [
        "rotation already in progress"
    ]
    assert call(vault, "DELETE", INIT).status == 204
    begin(vault)


def test_a_share_counts_once_and_the_nonce_must_be_right(vault, keys):
    nonce = begin(vault)
    give(vault, keys[:1], nonce)
    assert give(vault, keys[:1], nonce).errors == ["given key has already been provided during this rotation"]
    assert give(vault, keys[1:2], "x").errors == [f'incorrect nonce supplied; nonce for rotation is "{nonce}"']


@pytest.mark.parametrize(
    ("last", "text"),
    [
        (
            "aa" * 33,
            (
                "failed to read root key: %!w(*vault.ErrInvalidKey=&{failed to decrypt keys from storage: cipher: "
                "message authentication failed})"
            ),
        ),
        ("aa" * 20, "failed to compute key: %!w(*errors.errorString=&{all parts must be the same length})"),
    ],
)
def test_wrong_shares_are_all_forgotten(vault, keys, last, text):
    nonce = begin(vault)
    assert give(vault, [*keys[:2], last], nonce).errors == [text]
    assert call(vault, "GET", INIT).data["progress"] == 0


def test_a_key_of_a_size_that_aes_does_not_know_is_told_as_such(vault):
    nonce = begin(vault)
    assert give(vault, ["aa" * 20], nonce).errors == ["failed to setup unseal key: %!w(aes.KeySizeError=20)"]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "invalid rotate seal configuration: %!w(*errors.errorString=&{shares must be at least one})"),
        (
            {"secret_shares": 3, "secret_threshold": 2, "pgp_keys": ["a"]},
            (
                "invalid rotate seal configuration: %!w(*errors.errorString=&{count mismatch between number of "
                "provided PGP keys and number of shares})"
            ),
        ),
        (
            {"secret_shares": 1, "secret_threshold": 1, "pgp_keys": ["a"]},
            (
                "invalid rotate seal configuration: %!w(*fmt.wrapError=&{error decoding given PGP key: illegal base64 "
                "data at input byte 0 0})"
            ),
        ),
    ],
)
def test_a_rotation_that_makes_no_sense_is_refused(vault, body, text):
    reply = call(vault, "PUT", INIT, body)
    assert (reply.status, reply.errors) == (400, [text])


@pytest.mark.parametrize("path", [UPDATE, VERIFY])
@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "missing required field 'key'"),
        ({"key": "aa" * 32}, "missing required field 'nonce'"),
        ({"key": "zz", "nonce": "x"}, "'key' must be a valid hex or base64 string"),
        ({"key": "aa" * 32, "nonce": "x"}, "no rotation in progress"),
    ],
)
def test_a_share_needs_an_operation(vault, path, body, text):
    reply = call(vault, "PUT", path, body)
    assert (reply.status, reply.errors) == (400, [text])


@pytest.mark.parametrize(
    ("method", "path", "text"),
    [
        ("GET", "init", "unable to look up config: %!w(*errors.errorString=&{recovery not supported})"),
        ("PUT", "init", "recovery keys not supported"),
        ("PUT", "update", "failed to fetch existing config: %!w(*errors.errorString=&{recovery not supported})"),
        ("GET", "verify", "no rotation configuration found"),
        ("PUT", "verify", "no rotation in progress"),
        ("DELETE", "verify", "no rotation configuration found"),
        ("GET", "backup", "no backed-up keys found"),
    ],
)
def test_there_are_no_recovery_keys(vault, method, path, text):
    body = {"key": "aa" * 32, "nonce": "x"} if method == "PUT" else None
    reply = call(vault, method, f"sys/rotate/recovery/{path}", body)
    assert (reply.status, reply.errors) == (400, [text])


def test_the_root_key_itself_is_replaced_without_shares(vault):
    assert call(vault, "PUT", "sys/rotate/root").status == 204


def test_a_namespace_has_no_seal(vault):
    call(vault, "PUT", "sys/namespaces/n1")
    for method, path, status, text in (
        ("GET", INIT, 400, "namespace is not sealable"),
        (
            "PUT",
            "sys/rotate/root",
            500,
            "1 error occurred:\n\t* failed to rotate barrier root key: namespace is not sealable\n\n",
        ),
    ):
        reply = call(vault, method, path, headers={"x-vault-namespace": "n1"})
        assert (reply.status, reply.errors) == (status, [text])


def test_vault_has_none_of_these_paths():
    assert call(world("vault"), "GET", INIT).status == 404
