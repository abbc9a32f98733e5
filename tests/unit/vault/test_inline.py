"""Requests that bring their own login. Answers were recorded from OpenBao 2.7.2."""

import base64
import json

import pytest
from unit.helpers import call, finished, world
from unit.leasing import lend

from sandboxd.vault.errors import VaultError
from sandboxd.vault.pipeline import handle
from sandboxd.vault.request import Request

PREFIX = "x-vault-inline-auth-"
EVERYTHING = 'path "*" { capabilities = ["create", "read", "update", "delete", "list", "sudo"] }'


def encoded(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def parameter(key, value):
    return encoded({"key": key, "value": value})


PASSWORD = parameter("password", "pw")


@pytest.fixture
def vault():
    made = world()
    prepare(made)
    return made


def prepare(vault, **user):
    call(vault, "POST", "sys/auth/up", {"type": "userpass"})
    call(vault, "POST", "auth/up/users/ann", {"password": "pw", "token_policies": ["p"], **user})
    call(vault, "PUT", "sys/policies/acl/p", {"policy": EVERYTHING})
    call(vault, "POST", "sys/mounts/kv", {"type": "kv"})
    call(vault, "POST", "kv/a", {"x": 1})


def send(vault, method="GET", path="kv/a", data=None, *, headers=None, token="", at="auth/up/login/ann", **inline):
    """Send a request that logs in at a path, with further headers of the login; None leaves one out."""
    found = {"path": at, "parameter_p": PASSWORD, **inline}
    sent = {PREFIX + name.replace("_", "-"): value for name, value in found.items() if value is not None}
    return call(vault, method, path, data, token=token, headers={**sent, **(headers or {})})


def outcome(reply):
    return reply.status, reply.errors


def test_a_request_may_log_in_by_itself(vault):
    assert send(vault).data == {"x": 1}
    assert send(vault, operation="create").data == {"x": 1}


def test_its_token_is_kept_nowhere(vault):
    before = call(vault, "LIST", "auth/token/accessors").data
    assert send(vault).status == 200
    assert call(vault, "LIST", "auth/token/accessors").data == before
    assert call(vault, "LIST", "sys/leases/lookup/auth/up/login/ann").status == 404
    assert outcome(send(vault, path="auth/token/lookup-self")) == (403, ["bad token"])
    assert outcome(send(vault, "POST", "auth/token/renew-self", {})) == (400, ["token not found"])
    assert send(vault, "POST", "auth/token/revoke-self", {}).status == 204


def test_it_can_make_no_tokens(vault):
    refused = (400, ["parent token lookup failed: no parent found"])
    assert outcome(send(vault, "POST", "auth/token/create", {})) == refused
    assert outcome(send(vault, "POST", "auth/token/create-orphan", {"policies": ["p"]})) == refused


def test_its_answer_may_be_wrapped(vault):
    reply = send(vault, headers={"x-vault-wrap-ttl": "60"})
    token = reply.json["wrap_info"]["token"]
    assert call(vault, "POST", "sys/wrapping/unwrap", {}, token=token).data == {"x": 1}


def test_a_batch_token_can_be_looked_up_by_itself():
    vault = world()
    prepare(vault, token_type="batch")
    assert send(vault, path="auth/token/lookup-self").data["type"] == "batch"


def test_a_token_with_few_uses_cannot_be_counted():
    vault = world()
    prepare(vault, token_num_uses=1)
    assert outcome(send(vault)) == (500, ["1 error occurred:\n\t* internal error\n\n"])


def test_policies_hold_as_ever(vault):
    call(vault, "PUT", "sys/policies/acl/p", {"policy": 'path "kv/b" { capabilities = ["read"] }'})
    assert outcome(send(vault)) == (403, ["1 error occurred:\n\t* permission denied\n\n"])


def test_no_leases_are_left_behind(vault):
    lender = lend(vault)
    reply = send(vault, path="lend/creds/a")
    assert outcome(reply) == (500, ["requests with inline authentication cannot generate leases"])
    assert lender.revoked == ["a"]
    assert call(vault, "LIST", "sys/leases/lookup/lend/creds/a").status == 404


@pytest.mark.parametrize(
    ("inline", "status", "text"),
    [
        ({"parameter_p": parameter("password", "no")}, 400, "invalid username or password"),
        ({"parameter_p": parameter("password", 5)}, 400, "invalid username or password"),
        ({"at": "auth/up/login/bob"}, 400, "invalid username or password"),
        ({"at": "auth/up/login/ann/"}, 400, "cannot write to a path ending in '/'"),
        ({"at": "auth/none/login/ann"}, 403, "permission denied"),
        ({"at": "../auth/up/login/ann"}, 403, "permission denied"),
        ({"at": "kv/a", "operation": "read"}, 403, "permission denied"),
        ({"at": "auth/token/create"}, 403, "permission denied"),
        ({"at": ""}, 403, "permission denied"),
    ],
)
def test_the_refusal_of_a_login_is_the_answer_and_says_so(vault, inline, status, text):
    reply = send(vault, **inline)
    assert outcome(reply) == (status, [text])
    assert reply.headers["X-Vault-Inline-Auth-Failed"] == "true"


def test_the_answer_of_what_is_no_login_is_the_answer_and_says_so(vault):
    reply = send(vault, path="kv/a", at="sys/internal/ui/mounts", operation="read", parameter_p=None)
    assert (reply.status, reply.data) == (200, {"auth": {}, "secret": {}})
    assert reply.headers["X-Vault-Inline-Auth-Failed"] == "true"


@pytest.mark.parametrize(
    ("inline", "status", "text"),
    [
        ({"parameter_p": None}, 500, "missing password"),
        ({"parameter_p": "!!"}, 500, "failed raw url-safe base64 decoding header value"),
        ({"parameter_p": PASSWORD + "=="}, 500, "failed raw url-safe base64 decoding header value"),
        ({"parameter_p": "A"}, 500, "failed raw url-safe base64 decoding header value"),
        ({"parameter_p": ""}, 500, "failed json decoding header value"),
        ({"parameter_p": encoded([])}, 500, "failed json decoding header value"),
        ({"parameter_p": encoded(None)}, 500, "decoded header lacked `key` field"),
        ({"parameter_p": encoded({"KEY": "password", "value": "pw"})}, 500, "decoded header lacked `key` field"),
        ({"parameter_p": encoded({"key": "password"})}, 500, "decoded header lacked `value` field"),
        ({"parameter_p": parameter(1, "pw")}, 500, "decoded header had incorrect type for `key` field"),
        (
            {"parameter_p": encoded({"key": "password", "value": "pw", "x": 1})},
            500,
            "unexpected field in decoded request parameter",
        ),
        ({"operation": "fly"}, 500, "expected a valid login operation in X-Vault-Inline-Auth-Operation"),
        ({"operation": ""}, 500, "expected a valid login operation in X-Vault-Inline-Auth-Operation"),
        ({"operation": "delete"}, 500, "expected a valid login operation in X-Vault-Inline-Auth-Operation"),
        ({"operation": "read"}, 405, "unsupported operation"),
        ({"namespace": "none"}, 500, "inline auth namespace was not found"),
        ({"at": "sys/health"}, 405, "unsupported operation"),
        ({"token": "bad"}, 500, "cannot layer inline authentication with token authentication"),
    ],
)
def test_what_is_no_login_at_all_is_refused(vault, inline, status, text):
    reply = send(vault, **inline)
    assert outcome(reply) == (status, [f"failed to perform inline authentication: {text}"])
    assert "X-Vault-Inline-Auth-Failed" not in reply.headers


def test_each_header_counts_once(vault):
    for name, text in (
        ("path", "expected exactly one value for X-Vault-Inline-Auth-Path"),
        ("operation", "expected exactly one value for X-Vault-Inline-Auth-Operation"),
        ("namespace", "expected at most one value for X-Vault-Inline-Auth-Namespace"),
        ("parameter-p", "expected exactly one value for each auth header parameter"),
    ):
        headers = {f"{PREFIX}path": ("auth/up/login/ann",), PREFIX + name: ("update", "update")}
        request = Request(id="1", operation="read", path="kv/a", headers=headers)
        with pytest.raises(VaultError) as refusal:
            finished(handle(vault, request))
        assert refusal.value.errors == (f"failed to perform inline authentication: {text}",)


def test_failed_logins_lock_a_user_out(vault):
    for _ in range(5):
        send(vault, parameter_p=parameter("password", "no"))
    assert outcome(send(vault)) == (403, ["failed to perform inline authentication: permission denied"])


def test_a_login_is_looked_for_in_the_namespace_of_the_request(vault):
    there = {"x-vault-namespace": "n1"}
    call(vault, "POST", "sys/namespaces/n1", {})
    for path, data in (
        ("sys/auth/up", {"type": "userpass"}),
        ("auth/up/users/ann", {"password": "pw1", "token_policies": ["p"]}),
        ("sys/policies/acl/p", {"policy": EVERYTHING}),
        ("sys/mounts/kv", {"type": "kv"}),
        ("kv/a", {"n": 1}),
    ):
        call(vault, "POST", path, data, headers=there)
    own = parameter("password", "pw1")
    assert send(vault, headers=there).status == 400
    assert send(vault, headers=there, parameter_p=own).data == {"n": 1}
    assert send(vault, headers=there, namespace="").data == {"n": 1}  # the root's policies reach everywhere below
    assert send(vault, at="n1/auth/up/login/ann", path="n1/kv/a", parameter_p=own).data == {"n": 1}
    assert outcome(send(vault, namespace="n1", parameter_p=own)) == (
        403,
        ["1 error occurred:\n\t* permission denied\n\n"],
    )


def test_vault_does_not_know_these_headers():
    vault = world("vault")
    prepare(vault)
    assert send(vault).status == 403
