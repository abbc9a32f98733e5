"""The MongoDB Atlas secrets engine. Expected answers are from Vault's plugin."""

import re

import pytest
from unit.helpers import call, world

from sandboxd.fakes import verify


@pytest.fixture
def bare():
    made = world("vault")
    call(made, "POST", "sys/mounts/mongodbatlas", {"type": "mongodbatlas"})
    return made


@pytest.fixture
def vault(bare):
    assert call(bare, "POST", "mongodbatlas/config", {"public_key": "p", "private_key": "q"}).status == 204
    return bare


def role(vault, **fields):
    return call(vault, "POST", "mongodbatlas/roles/app", fields)


def failure(answer):
    assert answer.status == 500
    return answer.errors[0].removeprefix("1 error occurred:\n\t* ").strip()


def test_the_configuration_is_shown_without_the_private_key(vault):
    assert call(vault, "GET", "mongodbatlas/config").data == {"public_key": "p"}
    assert call(vault, "DELETE", "mongodbatlas/config").status == 405


def test_a_configuration_needs_both_keys(bare):
    assert failure(call(bare, "POST", "mongodbatlas/config", {})) == "public_key is empty"
    assert failure(call(bare, "POST", "mongodbatlas/config", {"public_key": "p"})) == "private_key is empty"
    assert failure(call(bare, "GET", "mongodbatlas/config")) == "empty config entry"


def test_a_role_is_shown_whole(vault):
    assert role(vault, project_id="p", roles="GROUP_READ_ONLY", ip_addresses=["127.0.0.1"], ttl="1h").status == 200
    assert call(vault, "GET", "mongodbatlas/roles/APP").data == {
        "cidr_blocks": None,
        "database_name": "",
        "ip_addresses": ["127.0.0.1"],
        "max_ttl": 0,
        "organization_id": "",
        "project_id": "p",
        "project_roles": None,
        "roles": ["GROUP_READ_ONLY"],
        "ttl": 3600,
    }


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "organization_id or project_id are required"),
        ({"project_id": "p"}, "roles is required for organization and project keys"),
        (
            {"project_id": "p", "organization_id": "o", "roles": "r"},
            "roles is required if both organization_id and project_id are supplied",
        ),
        ({"project_id": "p", "roles": "r", "ttl": 2, "max_ttl": 1}, "ttl exceeds max_ttl"),
    ],
)
def test_a_role_that_makes_no_sense_is_refused(vault, fields, text):
    answer = role(vault, **fields)
    assert (answer.status, answer.errors) == (400, [text])


def test_a_write_keeps_what_it_does_not_name_but_names_the_roles_again(vault):
    role(vault, organization_id="o", roles="r", cidr_blocks="10.0.0.0/8")
    assert role(vault, ttl="1h").errors == ["roles is required for organization and project keys"]
    assert role(vault, roles="s", ttl="1h").status == 200
    data = call(vault, "GET", "mongodbatlas/roles/app").data
    assert (data["organization_id"], data["roles"], data["cidr_blocks"]) == ("o", ["s"], ["10.0.0.0/8"])


def test_a_key_is_a_fake_with_a_lease(vault):
    role(vault, project_id="p", roles="r", ttl="1h", max_ttl="2h")
    for method in ("GET", "POST"):
        answer = call(vault, method, "mongodbatlas/creds/app").json
        data = answer["data"]
        assert verify(data["private_key"]).kind.name == "mongodbatlas.private_key"
        assert re.fullmatch("[a-z]{8}", data["public_key"])
        assert re.fullmatch("vault-app-[0-9A-Za-z]{20}", data["description"])
        assert answer["lease_duration"] == 3600


def test_a_lease_is_renewed_to_the_maximum_of_its_role(vault):
    role(vault, project_id="p", roles="r", ttl="1h", max_ttl="2h")
    lease = call(vault, "GET", "mongodbatlas/creds/app").json["lease_id"]
    assert call(vault, "POST", "sys/leases/renew", {"lease_id": lease}).json["lease_duration"] == 7200
    role(vault, roles="r", ttl=0)
    assert call(vault, "POST", "sys/leases/renew", {"lease_id": lease}).json["lease_duration"] == 7200
    call(vault, "DELETE", "mongodbatlas/roles/app")
    answer = call(vault, "POST", "sys/leases/renew", {"lease_id": lease})
    assert "error retrieving credential: credential is nil" in answer.errors[0]


def test_there_is_no_key_without_role_or_configuration(bare):
    assert failure(call(bare, "GET", "mongodbatlas/creds/app")) == "error retrieving credential: credential is nil"
    role(bare, project_id="p", roles="r")
    assert call(bare, "GET", "mongodbatlas/creds/app").errors == ["empty config entry"]


def test_roles_are_listed(vault):
    assert call(vault, "LIST", "mongodbatlas/roles").status == 404
    role(vault, project_id="p", roles="r")
    assert call(vault, "LIST", "mongodbatlas/roles").data == {"keys": ["app"]}
