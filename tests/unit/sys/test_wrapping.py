"""`sys/wrapping`, and answers that are wrapped. Expected answers were recorded from OpenBao 2.7.2."""

import base64
import json

import pytest
from unit.helpers import START, call, world
from unit.leasing import lend

WRAPPED = {"x-vault-wrap-ttl": "60s"}
GONE = "wrapping token is not valid or does not exist"


@pytest.fixture
def vault():
    return world()


def wrap(vault, data=None, **headers):
    body = {"a": 1} if data is None else data
    return call(vault, "POST", "sys/wrapping/wrap", body, headers=WRAPPED | headers).json["wrap_info"]


def unwrap(vault, token, by="root"):
    return call(vault, "POST", "sys/wrapping/unwrap", {"token": token}, token=by)


def test_what_is_wrapped_is_told_apart_from_its_token(vault):
    reply = call(vault, "POST", "sys/wrapping/wrap", {"a": 1}, headers=WRAPPED)
    info = reply.json["wrap_info"]
    assert (reply.json["request_id"], reply.json["data"]) == ("", None)
    assert {**info, "token": "", "accessor": ""} == {
        "token": "",
        "accessor": "",
        "ttl": 60,
        "creation_time": "2026-01-01T00:00:00Z",
        "creation_path": "sys/wrapping/wrap",
    }


def test_it_is_unwrapped_once(vault):
    token = wrap(vault, {"a": 1, "b": {"c": ["<x>", None]}})["token"]
    reply = unwrap(vault, token)
    assert reply.data == {"a": 1, "b": {"c": ["<x>", None]}}
    assert not reply.text.endswith("\n")
    reply = unwrap(vault, token)
    assert (reply.status, reply.errors) == (400, [GONE])


def test_the_wrapping_token_itself_may_ask(vault):
    token = wrap(vault)["token"]
    assert call(vault, "POST", "sys/wrapping/unwrap", {}, token=token).data == {"a": 1}
    assert call(vault, "POST", "sys/wrapping/unwrap", {}, token=token).errors == [GONE]


def test_a_token_cannot_be_used_twice_in_one_request(vault):
    token = wrap(vault)["token"]
    reply = unwrap(vault, token, by=token)
    text = "error decrementing wrapping token's use-count: invalid token entry provided for use count decrementing"
    assert (reply.status, reply.errors) == (500, [f"1 error occurred:\n\t* {text}\n\n"])


def test_a_lookup_does_not_use_it_up_and_needs_no_token(vault):
    token = wrap(vault)["token"]
    expected = {"creation_path": "sys/wrapping/wrap", "creation_time": "2026-01-01T00:00:00Z", "creation_ttl": 60}
    assert call(vault, "POST", "sys/wrapping/lookup", {"token": token}, token="").data == expected
    assert call(vault, "GET", "sys/wrapping/lookup", token=token).data == expected
    assert unwrap(vault, token).data == {"a": 1}


def test_wrapped_answers_end_with_their_time(vault):
    token = wrap(vault)["token"]
    vault.clock.advance(60)
    assert unwrap(vault, token).errors == [GONE]


def test_wrapping_asks_for_a_time(vault):
    reply = call(vault, "POST", "sys/wrapping/wrap", {"a": 1})
    assert (reply.status, reply.errors) == (400, ["endpoint requires response wrapping to be used"])


@pytest.mark.parametrize(
    ("body", "token", "status", "error"),
    [
        ({}, "", 403, "error validating wrapping token: token is empty"),
        ({"token": ""}, "root", 403, "error validating wrapping token: empty token in request body"),
        ({"token": 5}, "root", 403, "error validating wrapping token: could not decode token in request body"),
        ({"token": "none"}, "root", 400, GONE),
        ({"token": "root"}, "root", 400, GONE),
        ({"token": "b.!"}, "root", 403, "error validating wrapping token: illegal base64 data at input byte 0"),
        ({"token": None}, "root", 400, GONE),
        ({}, "hvs.CAESI" + "A" * 86, 403, "permission denied"),
    ],
)
def test_a_wrong_wrapping_token_is_refused(vault, body, token, status, error):
    reply = call(vault, "POST", "sys/wrapping/unwrap", body, token=token)
    assert (reply.status, reply.errors) == (status, [error])


def test_a_rewrapped_answer_keeps_its_origin_and_time(vault):
    first = call(vault, "GET", "auth/token/lookup-self", headers=WRAPPED).json["wrap_info"]["token"]
    vault.clock.advance(30)
    info = call(vault, "POST", "sys/wrapping/rewrap", {"token": first}).json["wrap_info"]
    assert (info["creation_path"], info["ttl"], info["creation_time"]) == (
        "auth/token/lookup-self",
        60,
        "2026-01-01T00:00:30Z",
    )
    assert unwrap(vault, first).errors == [GONE]
    assert unwrap(vault, info["token"]).data["id"] == "root"


def test_a_rewrapped_answer_can_last_shorter_but_not_longer(vault):
    headers = {"x-vault-wrap-ttl": "30s"}
    info = call(vault, "POST", "sys/wrapping/rewrap", {"token": wrap(vault)["token"]}, headers=headers)
    token = info.json["wrap_info"]["token"]
    assert info.json["wrap_info"]["ttl"] == 30
    headers = {"x-vault-wrap-ttl": "90s"}
    info = call(vault, "POST", "sys/wrapping/rewrap", {"token": token}, headers=headers)
    assert info.json["wrap_info"]["ttl"] == 30


def test_a_wrapping_token_may_not_rewrap_itself(vault):
    token = wrap(vault)["token"]
    reply = call(vault, "POST", "sys/wrapping/rewrap", {}, token=token)
    assert (reply.status, reply.errors) == (403, ["1 error occurred:\n\t* permission denied\n\n"])
    assert unwrap(vault, token).errors == [GONE]


def test_a_wrapped_token_shows_its_accessor(vault):
    made = call(vault, "POST", "auth/token/create", {"policies": ["default"]}, headers=WRAPPED).json["wrap_info"]
    inside = unwrap(vault, made["token"]).json["auth"]
    assert made["wrapped_accessor"] == inside["accessor"]
    assert made["accessor"] != inside["accessor"]


def test_a_wrapped_secret_keeps_its_lease(vault):
    lend(vault)
    token = call(vault, "GET", "lend/creds/a", headers=WRAPPED).json["wrap_info"]["token"]
    inside = unwrap(vault, token).json
    assert (inside["data"], inside["lease_duration"], inside["renewable"]) == ({"name": "a"}, 2764800, True)
    assert inside["lease_id"].startswith("lend/creds/a/")


def test_an_answer_with_a_status_of_its_own_keeps_it(vault):
    info = call(vault, "POST", "sys/leases/tidy", {}, headers=WRAPPED)
    assert info.warnings is None
    reply = unwrap(vault, info.json["wrap_info"]["token"])
    assert reply.status == 202
    assert reply.json["warnings"][0].startswith("Tidy operation successfully started.")


def test_warnings_are_wrapped_too(vault):
    reply = call(vault, "GET", "auth/token/lookup-self?unknown=1", headers=WRAPPED)
    assert reply.warnings is None
    inside = unwrap(vault, reply.json["wrap_info"]["token"])
    assert inside.warnings == ["Endpoint ignored these unrecognized parameters: [unknown]"]


def test_refusals_and_empty_answers_are_not_wrapped(vault):
    assert call(vault, "GET", "secret/data/none", headers=WRAPPED).status == 404
    assert call(vault, "LIST", "sys/leases/lookup/none", headers=WRAPPED).errors == ["unsupported path"]
    assert call(vault, "POST", "auth/token/create", {"type": "x"}, headers=WRAPPED).status == 400


def test_the_cubbyhole_of_a_wrapping_token_can_be_read_instead(vault):
    token = wrap(vault)["token"]
    reply = call(vault, "GET", "cubbyhole/response", token=token)
    assert json.loads(reply.data["response"])["data"] == {"a": 1}
    assert reply.warnings[0].startswith("Reading from 'cubbyhole/response' is deprecated.")


def test_a_wrapping_token_shows_what_it_is(vault):
    token = wrap(vault)["token"]
    data = call(vault, "POST", "auth/token/lookup", {"token": token}).data
    assert (data["policies"], data["num_uses"], data["path"]) == (["response-wrapping"], 1, "sys/wrapping/wrap")
    assert (data["creation_ttl"], data["explicit_max_ttl"], data["renewable"]) == (60, 60, False)
    assert (data["display_name"], data["orphan"], data["meta"]) == ("token", True, None)


class TestJWT:
    """Wrapping tokens in the form of a JWT."""

    @pytest.fixture
    def jwt(self, vault):
        return call(vault, "GET", "auth/token/lookup-self", headers=WRAPPED | {"x-vault-wrap-format": "jwt"})

    def test_its_claims_are_those_of_the_real_server(self, vault, jwt):
        header, claims, signature = jwt.json["wrap_info"]["token"].split(".")
        assert base64.urlsafe_b64decode(header) == b'{"alg":"ES512","typ":"JWT"}'
        assert len(signature) == 176
        found = json.loads(base64.urlsafe_b64decode(claims + "=="))
        jti = found.pop("jti")
        assert found == {
            "accessor": "",
            "addr": "",
            "exp": START + 60,
            "iat": START,
            "nbf": START - 5,
            "type": "wrapping",
        }
        assert vault.tokens.lookup(jti).accessor == jwt.json["wrap_info"]["accessor"]
        inside = unwrap(vault, jwt.json["wrap_info"]["token"])
        assert inside.warnings[0].startswith("No redirect address set in Vault")

    def test_it_is_as_good_as_the_token_in_it(self, vault, jwt):
        token = jwt.json["wrap_info"]["token"]
        lookup = call(vault, "POST", "sys/wrapping/lookup", {"token": token}, token="")
        assert lookup.data["creation_path"] == "auth/token/lookup-self"
        assert call(vault, "POST", "sys/wrapping/unwrap", {}, token=token).data["id"] == "root"
        assert unwrap(vault, token).errors == [GONE]

    def test_it_is_no_token_elsewhere(self, vault, jwt):
        reply = call(vault, "GET", "auth/token/lookup-self", token=jwt.json["wrap_info"]["token"])
        assert (reply.status, reply.errors) == (403, ["permission denied"])

    def test_its_signature_is_checked(self, vault, jwt):
        header, claims, signature = jwt.json["wrap_info"]["token"].split(".")
        for wrong in (signature[:-4] + "AAAA", ""):
            assert unwrap(vault, f"{header}.{claims}.{wrong}").errors == [
                (
                    "error validating wrapping token: wrapping token signature could not be validated: "
                    "go-jose/go-jose: error in cryptographic primitive"
                )
            ]

    @pytest.mark.parametrize(
        ("token", "why"),
        [
            ("eyJhbGciOiJIUzI1NiJ9.e30.AAAA", 'unexpected signature algorithm "HS256"; expected ["ES512"]'),
            ("eyJhbGciOiJub25lIn0.e30.", 'unexpected signature algorithm "none"; expected ["ES512"]'),
            ("eyJh.eyJh.xxx", "unexpected end of JSON input"),
            ("aaaa.bbbb.cccc", "invalid character 'i' looking for beginning of value"),
            ("eyJhbGciOiJFUzUxMiIsInR5cCI6IkpXVCJ9.!!.AAAA", "illegal base64 data at input byte 0"),
        ],
    )
    def test_what_is_no_such_jwt_is_refused(self, vault, token, why):
        reply = unwrap(vault, token)
        text = f"error validating wrapping token: wrapping token could not be parsed: {why}"
        assert (reply.status, reply.errors) == (403, [text])

    def test_the_key_outlives_a_restart(self, vault, jwt):
        vault.restore(vault.snapshot())
        assert unwrap(vault, jwt.json["wrap_info"]["token"]).status == 200


def test_a_wrapping_token_of_a_namespace_works_everywhere_but_is_not_rewrapped_elsewhere(vault):
    for name in ("a", "b"):
        call(vault, "POST", f"sys/namespaces/{name}", {})
    inside, outside = {"x-vault-namespace": "a"}, {"x-vault-namespace": "b"}
    token = call(vault, "POST", "sys/wrapping/wrap", {"a": 1}, headers=WRAPPED | inside).json["wrap_info"]["token"]
    assert call(vault, "POST", "sys/wrapping/unwrap", {}, token=token, headers=outside).data == {"a": 1}
    token = call(vault, "POST", "sys/wrapping/wrap", {"a": 1}, headers=WRAPPED | inside).json["wrap_info"]["token"]
    reply = call(vault, "POST", "sys/wrapping/rewrap", {"token": token})
    text = "no information found; wrapping token may be from a previous OpenBao version"
    assert (reply.status, reply.errors) == (400, [text])
