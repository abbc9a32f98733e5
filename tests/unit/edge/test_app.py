"""The edge's application, request by request. Expected answers were observed on a running OpenBao 2.7.2."""

import json

import pytest
from unit.helpers import call, finished, world

from sandboxd.edge.app import App
from sandboxd.edge.messages import Incoming


@pytest.fixture
def made():
    return world()


def answer(made, method, target, body=b"", **headers):
    sent = {name.replace("_", "-"): (value,) for name, value in headers.items()}
    return finished(App(made).answer(Incoming(method, target, sent, body, "127.0.0.1", 1)))


@pytest.mark.parametrize("target", ["/", "/ui"])
def test_the_root_leads_to_the_console(made, target):
    found = answer(made, "GET", target)
    assert (found.status, dict(found.headers)) == (307, {"Location": "/ui/"})


@pytest.mark.parametrize("target", ["/v1", "/v2/sys/health", "/favicon.ico", "*", "mailto:a", "/_sandboxd/v1/status"])
def test_what_lies_outside_the_api_is_not_there(made, target):
    found = answer(made, "GET", target)
    assert (found.status, found.body) == (404, b'{"errors":[]}\n')


def test_options_of_all_are_nothing(made):
    found = answer(made, "OPTIONS", "*")
    assert (found.status, found.body, found.standard) == (200, b"", False)


@pytest.mark.parametrize(("method", "status"), [("GET", 200), ("HEAD", 200), ("DELETE", 405), ("PATCH", 405)])
def test_health_is_for_those_who_ask_without_a_token(made, method, status):
    found = answer(made, method, "/v1/sys/health")
    assert found.status == status
    assert (found.body == b"") is (method == "HEAD")


def test_an_escaped_slash_leads_to_no_route_of_its_own(made):
    assert answer(made, "GET", "/v1/sys%2Fhealth").status == 405


def test_what_is_done_has_no_body(made):
    found = answer(made, "POST", "/v1/cubbyhole/a", b'{"x":1}', x_vault_token="root")
    assert (found.status, found.body) == (204, b"")
    assert answer(made, "DELETE", "/v1/cubbyhole/none", x_vault_token="root").status == 204


@pytest.mark.parametrize("method", ["GET", "LIST"])
def test_what_is_not_there_is_an_empty_refusal(made, method):
    found = answer(made, method, "/v1/cubbyhole/none", x_vault_token="root")
    assert (found.status, found.body) == (404, b'{"errors":[]}\n')


def test_an_answer_has_its_fields_in_the_real_servers_order(made):
    found = answer(made, "GET", "/v1/cubbyhole/a?help=", x_vault_token="root")
    assert found.status == 404
    call(made, "POST", "cubbyhole/a", {"b": "<&>", "a": 1})
    body = answer(made, "GET", "/v1/cubbyhole/a", x_vault_token="root").body.decode()
    assert list(json.loads(body)) == [
        "request_id",
        "lease_id",
        "renewable",
        "lease_duration",
        "data",
        "wrap_info",
        "warnings",
        "auth",
    ]
    assert '"data":{"a":1,"b":"\\u003c\\u0026\\u003e"}' in body
    assert body.endswith("}\n")


def test_vault_tells_the_type_of_the_mount_as_well():
    made = world("vault")
    assert call(made, "GET", "secret/config").json["mount_type"] == "kv"
    assert "mount_type" not in call(world(), "GET", "secret/config").json


@pytest.mark.parametrize("path", ["sys/mounts", "sys/auth", "sys/policy", "sys/audit"])
def test_some_answers_hold_their_data_twice(made, path):
    found = call(made, "GET", path).json
    for name, value in found["data"].items():
        assert found[name] == value


def test_path_help_is_there_for_every_path(made):
    found = json.loads(answer(made, "GET", "/v1/sys/mounts?help=1", x_vault_token="root").body)
    assert found["help"]
    assert found["openapi"]["openapi"].startswith("3.")


def test_namespaces_do_not_have_what_belongs_to_the_server(made):
    for path in ("sys/seal", "sys/health", "sys/init", "sys/rekey/init", "sys/raw/x", "sys/storage/raft/configuration"):
        found = answer(made, "GET", f"/v1/{path}", x_vault_token="root", x_vault_namespace="team")
        assert (found.status, json.loads(found.body)["errors"]) == (400, ["operation unavailable in namespaces"])
