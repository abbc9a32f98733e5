"""`sys/capabilities*`. Expected answers were recorded from OpenBao 2.7.2."""

import pytest
from unit.helpers import call, world


@pytest.fixture
def vault():
    return world()


@pytest.fixture
def made(vault):
    return call(vault, "POST", "auth/token/create", {"policies": ["default"]}).json["auth"]


def test_each_path_gets_its_capabilities(vault, made):
    body = {"paths": ["sys/wrapping/wrap", "auth/token/lookup-self", "x"]}
    data = call(vault, "POST", "sys/capabilities-self", body, token=made["client_token"]).data
    assert data == {"sys/wrapping/wrap": ["update"], "auth/token/lookup-self": ["read"], "x": ["deny"]}


def test_one_path_is_answered_twice(vault, made):
    for path, of in (
        ("sys/capabilities", {"token": made["client_token"]}),
        ("sys/capabilities-accessor", {"accessor": made["accessor"]}),
    ):
        reply = call(vault, "POST", path, {**of, "path": "sys/wrapping/wrap"})
        assert reply.data == {"sys/wrapping/wrap": ["update"], "capabilities": ["update"]}
        assert reply.json["capabilities"] == ["update"]


def test_paths_win_over_the_deprecated_path(vault):
    data = call(vault, "POST", "sys/capabilities-self", {"paths": "a,b", "path": "c"}).data
    assert data == {"a": ["root"], "b": ["root"]}


@pytest.mark.parametrize(
    ("path", "body", "status", "error"),
    [
        ("capabilities", {"path": "a"}, 500, "1 error occurred:\n\t* no token found\n\n"),
        ("capabilities", {"token": 5, "path": "a"}, 500, "1 error occurred:\n\t* no token found\n\n"),
        ("capabilities", {"token": "root"}, 400, "paths must be supplied"),
        ("capabilities", {"token": "none", "path": "a"}, 400, "1 error occurred:\n\t* invalid token\n\n"),
        (
            "capabilities",
            {"token": "b.!", "path": "a"},
            500,
            "1 error occurred:\n\t* illegal base64 data at input byte 0\n\n",
        ),
        ("capabilities-self", {}, 400, "paths must be supplied"),
        ("capabilities-self", {"paths": ["", "a"]}, 400, "1 error occurred:\n\t* missing path\n\n"),
        ("capabilities-accessor", {"path": "a"}, 400, "missing accessor"),
        ("capabilities-accessor", {"accessor": "none"}, 400, "1 error occurred:\n\t* invalid accessor\n\n"),
    ],
)
def test_what_is_wrong_is_said(vault, path, body, status, error):
    reply = call(vault, "POST", f"sys/{path}", body)
    assert (reply.status, reply.errors) == (status, [error])


def test_a_token_at_its_last_use_has_none(vault):
    once = call(vault, "POST", "auth/token/create", {"policies": ["default"], "num_uses": 1}).json["auth"]
    reply = call(vault, "POST", "sys/capabilities-self", {"path": "a"}, token=once["client_token"])
    assert (reply.status, reply.errors) == (400, ["1 error occurred:\n\t* invalid token\n\n"])


def test_paths_lie_in_the_namespace_that_is_asked(vault):
    call(vault, "POST", "sys/namespaces/a", {})
    headers = {"x-vault-namespace": "a"}
    made = call(vault, "POST", "auth/token/create", {"policies": ["default"]}, headers=headers).json["auth"]
    body = {"token": made["client_token"], "path": "auth/token/lookup-self"}
    assert call(vault, "POST", "sys/capabilities", body).data["capabilities"] == ["deny"]
    assert call(vault, "POST", "sys/capabilities", body, headers=headers).data["capabilities"] == ["read"]
    body["path"] = "a/auth/token/lookup-self"
    assert call(vault, "POST", "sys/capabilities", body).data["capabilities"] == ["read"]
