"""Audit devices over HTTP. Answers were recorded from OpenBao 2.7.2 with its API for them enabled."""

import pytest
from unit.helpers import call, world

HEADERS = "sys/config/auditing/request-headers"


@pytest.fixture
def vault():
    return world("vault")


def enable(vault, path, **more):
    return call(vault, "PUT", f"sys/audit/{path}", {"type": "file", "options": {"file_path": "discard"}, **more})


def test_a_device_is_enabled_listed_and_disabled(vault):
    assert call(vault, "GET", "sys/audit").data == {}
    assert enable(vault, "a/b", description="d", local=True).status == 204
    listed = {
        "a/b/": {
            "path": "a/b/",
            "type": "file",
            "description": "d",
            "options": {"file_path": "discard"},
            "local": True,
        }
    }
    reply = call(vault, "GET", "sys/audit")
    assert reply.data == listed
    assert reply.json["a/b/"] == listed["a/b/"]
    assert call(vault, "DELETE", "sys/audit/a/b").status == 204
    assert call(vault, "DELETE", "sys/audit/a/b").status == 204
    assert call(vault, "GET", "sys/audit").data == {}


@pytest.mark.parametrize("path", ["a", "a/b", "a/b/c"])
def test_paths_must_not_stand_in_each_others_way(vault, path):
    enable(vault, "a/b")
    reply = enable(vault, path)
    assert (reply.status, reply.errors) == (400, ["path already in use"])


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (None, 'unknown backend type: ""'),
        ({"type": "zz"}, 'unknown backend type: "zz"'),
        ({"type": "file"}, "file_path is required"),
        (
            {"type": "file", "options": "x"},
            (
                'Field validation failed: error converting input for field "options": invalid key pair at index 0 in '
                'field "options"'
            ),
        ),
    ],
)
def test_a_device_that_will_not_do_is_refused(vault, body, text):
    reply = call(vault, "PUT", "sys/audit/x", body)
    assert (reply.status, reply.errors) == (400, [text])


def test_a_device_that_fails_its_test_is_not_enabled(vault):
    options = {"address": "127.0.0.1:1", "socket_type": "zzz"}
    reply = call(vault, "PUT", "sys/audit/x", {"type": "socket", "options": options})
    assert reply.status == 400
    assert reply.errors[0].startswith("audit backend failed test message: ")
    assert call(vault, "GET", "sys/audit").data == {}
    untested = {"type": "socket", "options": {**options, "skip_test": "true"}}
    assert call(vault, "PUT", "sys/audit/x", untested).status == 500  # the answer itself cannot be audited
    assert [device.path for device in vault.audit] == ["x/"]


def test_a_text_can_be_hashed_as_a_device_does(vault):
    enable(vault, "a/b")
    reply = call(vault, "PUT", "sys/audit-hash/a/b", {"input": "x"})
    assert reply.data == {"hash": vault.audit.hash("a/b", "x")}


@pytest.mark.parametrize(
    ("path", "body", "text"),
    [
        ("a", {"input": "x"}, 'unknown audit backend "a/"'),
        ("a", {}, 'the "input" parameter is empty'),
    ],
)
def test_what_cannot_be_hashed_is_refused(vault, path, body, text):
    reply = call(vault, "PUT", f"sys/audit-hash/{path}", body)
    assert (reply.status, reply.errors) == (400, [text])


def test_headers_are_chosen_in_any_case(vault):
    assert call(vault, "GET", HEADERS).data == {"headers": {}}
    assert call(vault, "PUT", f"{HEADERS}/X-Foo", {"hmac": True}).status == 204
    assert call(vault, "PUT", f"{HEADERS}/X-Bar").status == 204
    assert call(vault, "GET", f"{HEADERS}/x-FOO").data == {"x-FOO": {"hmac": True}}
    assert call(vault, "GET", HEADERS).data == {"headers": {"x-bar": {"hmac": False}, "x-foo": {"hmac": True}}}
    assert call(vault, "DELETE", f"{HEADERS}/X-FOO").status == 204
    assert call(vault, "DELETE", f"{HEADERS}/nope").status == 204
    assert call(vault, "GET", f"{HEADERS}/x-foo").errors == ["Could not find header in config"]


def test_openbao_enables_no_device_over_http():
    vault = world()
    reply = enable(vault, "x")
    text = "cannot enable audit device via API; use declarative, config-based audit device management instead"
    assert (reply.status, reply.errors) == (400, [text])
    assert call(vault, "DELETE", "sys/audit/x").status == 204


def test_it_takes_sudo(vault):
    policy = {"policy": 'path "sys/audit" { capabilities = ["read"] }'}
    call(vault, "PUT", "sys/policies/acl/reader", policy)
    token = call(vault, "POST", "auth/token/create", {"policies": ["reader"]}).json["auth"]["client_token"]
    assert call(vault, "GET", "sys/audit", token=token).status == 403
