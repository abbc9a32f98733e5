"""A root token for the shares' holders. Answers were recorded from OpenBao 2.7.2."""

import base64

import pytest
from unit.helpers import call, world

ATTEMPT, UPDATE = "sys/generate-root-token/attempt", "sys/generate-root-token/update"
OLD_ATTEMPT, OLD_UPDATE = "sys/generate-root/attempt", "sys/generate-root/update"


def split(vault):
    """The shares of the server's key, three of which are needed."""
    made = vault.seal.make(5, 3)
    vault.seal.adopt(made.config)
    return [share.hex() for share in made.shares]


def unmix(encoded, otp):
    mixed = base64.b64decode(encoded + "=" * (-len(encoded) % 4))
    return bytes(a ^ b for a, b in zip(mixed, otp.encode(), strict=True)).decode()


def test_shares_bring_a_root_token_mixed_with_a_password():
    vault = world()
    keys = split(vault)
    begun = call(vault, "PUT", ATTEMPT, {}).data
    assert (begun["started"], begun["required"], begun["otp_length"], len(begun["otp"])) == (True, 3, 26, 26)
    assert call(vault, "GET", ATTEMPT).data["otp"] == ""
    for key in keys[:3]:
        last = call(vault, "PUT", UPDATE, {"key": key, "nonce": begun["nonce"]}).data
    assert {**last, "encoded_token": ""} == {
        "started": True,
        "complete": True,
        "progress": 3,
        "required": 3,
        "nonce": begun["nonce"],
        "encoded_token": "",
        "pgp_fingerprint": "",
    }
    token = unmix(last["encoded_token"], begun["otp"])
    shown = call(vault, "GET", "auth/token/lookup-self", token=token).data
    assert (shown["policies"], shown["path"], shown["display_name"]) == (["root"], "auth/token/root", "root")
    body = {"encoded_token": last["encoded_token"], "otp": begun["otp"]}
    assert call(vault, "PUT", "sys/decode-token", body, token="").data == {"token": token}
    assert not call(vault, "GET", ATTEMPT).data["started"]


def test_vault_does_the_same_without_a_token_and_has_longer_ones():
    vault = world("vault")
    keys = split(vault)
    begun = call(vault, "PUT", OLD_ATTEMPT, {}, token="").json
    assert list(begun) == [
        "nonce",
        "started",
        "progress",
        "required",
        "complete",
        "encoded_token",
        "encoded_root_token",
        "pgp_fingerprint",
        "otp",
        "otp_length",
    ]
    assert begun["otp_length"] == len(begun["otp"]) == 28
    for key in keys[:3]:
        last = call(vault, "PUT", OLD_UPDATE, {"key": key, "nonce": begun["nonce"]}, token="").json
    assert last["complete"]
    token = unmix(last["encoded_root_token"], begun["otp"])
    assert token.startswith("hvs.")
    assert call(vault, "GET", "auth/token/lookup-self", token=token).data["policies"] == ["root"]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"otp": "x"}, "OTP string has incorrect length"),
        (
            {"pgp_key": "!!"},
            "error parsing PGP key: error decoding given PGP key: illegal base64 data at input byte 0",
        ),
    ],
)
def test_a_bad_way_of_hiding_the_token_is_refused(body, text):
    reply = call(world(), "PUT", ATTEMPT, body)
    assert (reply.status, reply.errors) == (400, [text])


def test_one_generation_at_a_time():
    vault = world()
    call(vault, "PUT", ATTEMPT, {})
    assert call(vault, "PUT", ATTEMPT, {}).errors == ["root generation already in progress for this namespace"]
    assert call(vault, "DELETE", ATTEMPT).status == 204
    assert call(vault, "PUT", ATTEMPT, {}).status == 200


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ({}, 400, "nonce is required"),
        ({"nonce": "x"}, 400, "key is required"),
        ({"key": "zz", "nonce": "x"}, 500, "1 error occurred:\n\t* 'key' must be a valid hex or base64 string\n\n"),
        ({"key": "aa" * 32, "nonce": "x"}, 500, "1 error occurred:\n\t* no root generation in progress\n\n"),
        (
            {"key": "aabb", "nonce": "x"},
            500,
            "1 error occurred:\n\t* invalid key: key is shorter than minimum 16 bytes\n\n",
        ),
    ],
)
def test_a_share_can_be_refused(body, status, text):
    reply = call(world(), "PUT", UPDATE, body)
    assert (reply.status, reply.errors) == (status, [text])


def test_wrong_shares_are_all_forgotten():
    vault = world()
    nonce = call(vault, "PUT", ATTEMPT, {}).data["nonce"]
    reply = call(vault, "PUT", UPDATE, {"key": "aa" * 32, "nonce": nonce})
    text = (
        "root generation aborted: unable to authenticate: unable to retrieve stored keys: invalid key: failed to "
        "decrypt keys from storage: cipher: message authentication failed"
    )
    assert (reply.status, reply.errors) == (500, [f"1 error occurred:\n\t* {text}\n\n"])
    assert call(vault, "GET", ATTEMPT).data["progress"] == 0


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "provided 'encoded_token' or 'otp' is empty"),
        ({"encoded_token": "!!", "otp": "x"}, "error decoding base64'd token: illegal base64 data at input byte 0"),
        ({"encoded_token": "YWFh", "otp": "xx"}, "error xoring token: length of byte slices is not equivalent: 3 != 2"),
    ],
)
def test_a_token_that_cannot_be_decoded_is_refused(body, text):
    reply = call(world(), "PUT", "sys/decode-token", body)
    assert (reply.status, reply.errors) == (400, [text])


def test_the_folder_itself_serves_nothing():
    reply = call(world(), "GET", "sys/generate-root")
    assert (reply.status, reply.errors) == (405, ["1 error occurred:\n\t* unsupported operation\n\n"])
