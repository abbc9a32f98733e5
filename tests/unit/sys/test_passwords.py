"""Password policies over HTTP. Answers were recorded from OpenBao 2.7.2."""

import base64

import pytest
from unit.helpers import call, world

POLICIES = "sys/policies/password"
GOOD = 'length = 20\nrule "charset" {\n charset = "abc"\n min-chars = 1\n}\n'


@pytest.fixture
def vault():
    return world()


def write(vault, name, text=GOOD):
    return call(vault, "PUT", f"{POLICIES}/{name}", {"policy": text})


def test_a_policy_is_read_back_as_it_was_written(vault):
    assert write(vault, "x").status == 204
    assert call(vault, "GET", f"{POLICIES}/x").data == {"policy": GOOD}


def test_a_policy_may_come_in_base64(vault):
    write(vault, "x", base64.b64encode(GOOD.encode()).decode())
    assert call(vault, "GET", f"{POLICIES}/x").data == {"policy": GOOD}


def test_names_keep_their_case_and_their_slashes(vault):
    for name in ("Up", "a/b"):
        write(vault, name)
        assert call(vault, "GET", f"{POLICIES}/{name}").status == 200
    assert call(vault, "GET", f"{POLICIES}/up").status == 404


def test_a_list_has_folders_last(vault):
    assert call(vault, "LIST", POLICIES).status == 404
    for name in ("x", "a/b", "Up"):
        write(vault, name)
    assert call(vault, "LIST", POLICIES).data == {"keys": ["Up", "x", "a/b"]}
    assert call(vault, "GET", f"{POLICIES}?list=true").data == {"keys": ["Up", "x", "a/b"]}
    assert call(vault, "GET", POLICIES).status == 405


def test_passwords_are_made_after_a_policy(vault):
    write(vault, "a/b")
    first, second = (call(vault, "GET", f"{POLICIES}/a/b/generate").data["password"] for _ in range(2))
    assert len(first) == 20
    assert set(first) <= set("abc")
    assert first != second


def test_a_deleted_policy_is_gone(vault):
    write(vault, "x")
    assert call(vault, "DELETE", f"{POLICIES}/x").status == 204
    assert call(vault, "DELETE", f"{POLICIES}/x").status == 204
    for path in (f"{POLICIES}/x", f"{POLICIES}/x/generate"):
        reply = call(vault, "GET", path)
        assert (reply.status, reply.errors) == (404, ["1 error occurred:\n\t* policy does not exist\n\n"])


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "missing policy"),
        ({"policy": ""}, "missing policy"),
        ({"policy": "length=20"}, "invalid password policy: 1 error occurred:\n\t* no charset specified\n\n"),
        (
            {"policy": 'length=3 rule "charset" { charset="ab" }'},
            "passwords must be between 4 and 100 characters",
        ),
        (
            {"policy": 'length=101 rule "charset" { charset="ab" }'},
            "passwords must be between 4 and 100 characters",
        ),
    ],
)
def test_a_bad_policy_is_refused(vault, body, text):
    reply = call(vault, "PUT", f"{POLICIES}/x", body)
    assert (reply.status, reply.errors) == (400, [f"1 error occurred:\n\t* {text}\n\n"])


def test_each_namespace_has_its_own(vault):
    call(vault, "PUT", "sys/namespaces/n1")
    call(vault, "PUT", f"{POLICIES}/x", {"policy": GOOD}, headers={"x-vault-namespace": "n1"})
    assert call(vault, "GET", f"{POLICIES}/x").status == 404
    assert call(vault, "GET", f"n1/{POLICIES}/x").data == {"policy": GOOD}
