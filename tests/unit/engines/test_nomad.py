"""The Nomad secrets engine. Expected answers are from Vault's engine."""

import pytest
from unit.helpers import call, world

from sandboxd.fakes import verify

UNREACHABLE = 'Put "http://127.0.0.1:4646/v1/acl/token": dial tcp 127.0.0.1:4646: connect: connection refused'


@pytest.fixture
def bare():
    made = world("vault")
    call(made, "POST", "sys/mounts/nomad", {"type": "nomad"})
    return made


@pytest.fixture
def vault(bare):
    access = {"address": "http://127.0.0.1:4646", "token": "not-a-token", "max_token_name_length": 10}
    assert call(bare, "POST", "nomad/config/access", access).status == 204
    assert call(bare, "POST", "nomad/role/app", {"policies": "a,b"}).status == 204
    return bare


def test_access_is_shown_without_its_secrets(bare, vault):
    assert call(vault, "GET", "nomad/config/access").data == {
        "address": "http://127.0.0.1:4646",
        "ca_cert": "",
        "client_cert": "",
        "max_token_name_length": 10,
    }


def test_a_write_of_access_keeps_all_but_the_length(vault):
    assert call(vault, "POST", "nomad/config/access", {"ca_cert": "c"}).status == 204
    assert call(vault, "GET", "nomad/config/access").data == {
        "address": "http://127.0.0.1:4646",
        "ca_cert": "c",
        "client_cert": "",
        "max_token_name_length": 0,
    }


def test_access_is_deleted(vault):
    assert call(vault, "DELETE", "nomad/config/access").status == 204
    assert call(vault, "GET", "nomad/config/access").status == 404


def test_the_first_write_of_access_creates_it(bare):
    call(bare, "PUT", "sys/policies/acl/maker", {"policy": 'path "nomad/*" { capabilities = ["create"] }'})
    token = call(bare, "POST", "auth/token/create", {"policies": ["maker"]}).json["auth"]["client_token"]
    assert call(bare, "POST", "nomad/config/access", {"address": "a"}, token=token).status == 204
    assert call(bare, "POST", "nomad/config/access", {"address": "a"}, token=token).status == 403
    assert call(bare, "POST", "nomad/role/x", {"policies": "a"}, token=token).status == 204
    assert call(bare, "POST", "nomad/role/x", {"policies": "a"}, token=token).status == 403


def test_a_role_is_shown(vault):
    assert call(vault, "GET", "nomad/role/app").data == {"type": "client", "global": False, "policies": ["a", "b"]}
    assert call(vault, "POST", "nomad/role/root", {"type": "management", "global": True}).status == 204
    assert call(vault, "GET", "nomad/role/root").data == {"type": "management", "global": True, "policies": None}
    assert call(vault, "LIST", "nomad/role").data == {"keys": ["app", "root"]}


def test_a_write_of_a_role_keeps_all_but_the_type(vault):
    assert call(vault, "POST", "nomad/role/app", {"global": True}).status == 204
    assert call(vault, "GET", "nomad/role/app").data == {"type": "client", "global": True, "policies": ["a", "b"]}


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "policies cannot be empty when using client tokens"),
        ({"type": "management", "policies": "a"}, "policies should be empty when using management tokens"),
        ({"type": "other"}, 'type must be "client" or "management"'),
    ],
)
def test_a_role_that_makes_no_sense_is_refused(vault, fields, text):
    answer = call(vault, "POST", "nomad/role/new", fields)
    assert (answer.status, answer.errors) == (400, [text])


def test_a_token_is_a_fake_that_lasts_as_configured(vault):
    assert call(vault, "GET", "nomad/config/lease").status == 404
    assert call(vault, "POST", "nomad/config/lease", {"ttl": "1h", "max_ttl": "2h"}).status == 204
    assert call(vault, "GET", "nomad/config/lease").data == {"ttl": 3600, "max_ttl": 7200}
    answer = call(vault, "GET", "nomad/creds/app").json
    assert verify(answer["data"]["secret_id"]).kind.name == "nomad.token"
    assert set(answer["data"]) == {"secret_id", "accessor_id"}
    assert answer["lease_duration"] == 3600
    assert call(vault, "DELETE", "nomad/config/lease").status == 204
    renewed = call(vault, "POST", "sys/leases/renew", {"lease_id": answer["lease_id"]}).json
    assert renewed["lease_duration"] == 2764800
    assert call(vault, "POST", "sys/leases/revoke", {"lease_id": answer["lease_id"]}).status == 204


def test_there_is_no_token_without_role_or_access(bare):
    assert call(bare, "GET", "nomad/creds/app").errors == ['role "app" not found']
    call(bare, "POST", "nomad/role/app", {"policies": "a"})
    answer = call(bare, "GET", "nomad/creds/app")
    assert (answer.status, answer.errors) == (500, [f"1 error occurred:\n\t* {UNREACHABLE}\n\n"])


def test_the_cluster_is_bootstrapped_when_no_token_is_given(bare):
    assert call(bare, "POST", "nomad/config/access", {"address": "http://127.0.0.1:4646"}).status == 204
    call(bare, "POST", "nomad/role/app", {"policies": "a"})
    assert call(bare, "GET", "nomad/creds/app").status == 200


def test_a_role_is_deleted(vault):
    assert call(vault, "DELETE", "nomad/role/app").status == 204
    assert call(vault, "GET", "nomad/role/app").status == 404
