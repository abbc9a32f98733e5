"""The Terraform secrets engine. Expected answers are from Vault's plugin."""

import pytest
from unit.helpers import call, world

from sandboxd.fakes import verify

LEGACY_ALONE = (
    "cannot provide description, ttl, or max_ttl with credential_type = team_legacy, try credential_type = team."
)
NO_ROTATION = (
    "cannot rotate credentials for credential_type = team token roles. Only works for credential_type = team_legacy."
)


@pytest.fixture
def bare():
    made = world("vault")
    call(made, "POST", "sys/mounts/terraform", {"type": "terraform"})
    return made


@pytest.fixture
def vault(bare):
    assert call(bare, "POST", "terraform/config", {"token": "not-a-token"}).status == 204
    return bare


def role(vault, **fields):
    return call(vault, "POST", "terraform/role/app", fields)


def creds(vault, name="app"):
    return call(vault, "GET", f"terraform/creds/{name}")


def failure(answer):
    assert answer.status == 500
    return answer.errors[0].removeprefix("1 error occurred:\n\t* ").strip()


def test_the_configuration_is_shown_without_its_token(vault):
    assert call(vault, "GET", "terraform/config").data == {
        "address": "https://app.terraform.io",
        "base_path": "/api/v2/",
    }


def test_a_write_of_the_configuration_keeps_the_token_alone(vault):
    call(vault, "POST", "terraform/config", {"address": "https://127.0.0.1", "base_path": "/x"})
    assert call(vault, "POST", "terraform/config", {"address": "https://localhost"}).status == 204
    assert call(vault, "GET", "terraform/config").data == {"address": "https://localhost", "base_path": "/api/v2/"}
    assert role(vault, organization="acme").status == 204


def test_the_configuration_is_deleted(vault):
    assert call(vault, "DELETE", "terraform/config").status == 204
    assert call(vault, "GET", "terraform/config").status == 404  # where the plugin crashes: this answer is ours


def test_there_are_no_tokens_without_one_to_make_them_with(bare):
    assert failure(role(bare, organization="acme")) == "missing API token"
    assert role(bare, user_id="user-1").status == 204
    assert failure(creds(bare)) == "missing API token"
    assert failure(creds(bare, "other")) == "error retrieving role: role is nil"


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"user_id": "u"}, {"user_id": "u", "credential_type": "user"}),
        ({"organization": "o"}, {"organization": "o"}),
        ({"team_id": "t"}, {"team_id": "t", "credential_type": "team_legacy"}),
        ({"team_id": "t", "organization": "o"}, {"team_id": "t", "organization": "o", "credential_type": "team"}),
        (
            {"team_id": "t", "credential_type": "team", "description": "d", "ttl": 60},
            {"team_id": "t", "credential_type": "team", "description": "d", "ttl": 60},
        ),
    ],
)
def test_a_role_is_shown_with_what_it_is_about(vault, fields, shown):
    assert role(vault, **fields).status == 204
    assert call(vault, "GET", "terraform/role/APP").data == {"name": "app", "ttl": 0, "max_ttl": 0, **shown}


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "must provide an organization name, team id, or user id"),
        ({"credential_type": "org"}, "unrecognized credential type: org"),
        (
            {"user_id": "u", "team_id": "t"},
            "cannot provide a user_id in combination with organization or team_id",
        ),
        ({"user_id": "u", "ttl": 2, "max_ttl": 1}, "ttl cannot be greater than max_ttl"),
        ({"team_id": "t", "ttl": 2}, LEGACY_ALONE),
    ],
)
def test_a_role_that_makes_no_sense_is_refused(vault, fields, text):
    answer = role(vault, **fields)
    assert (answer.status, answer.errors) == (400, [text])


def test_a_user_has_a_token_for_each_lease(vault):
    role(vault, user_id="u", ttl="1h", max_ttl="2h", description="d")
    first, second = creds(vault).json, call(vault, "POST", "terraform/creds/app").json
    assert verify(first["data"]["token"]).kind.name == "terraform.token"
    assert first["data"]["token"] != second["data"]["token"]
    assert first["data"]["description"] == "d"
    assert first["data"]["token_id"].startswith("at-")
    assert (first["lease_duration"], first["renewable"]) == (3600, True)


def test_a_user_s_token_has_no_description_when_the_role_has_none(vault):
    role(vault, user_id="u")
    assert set(creds(vault).data) == {"token", "token_id"}


def test_a_team_of_today_has_tokens_that_expire(vault):
    role(vault, team_id="t", credential_type="team", description="d")
    data = creds(vault).data
    assert data["expired_at"] == "2026-02-02T00:00:00Z"  # the mount's maximum, 32 days, from the start of the year
    assert data["description"].startswith("d(")


@pytest.mark.parametrize("fields", [{"organization": "o"}, {"team_id": "t"}])
def test_an_organization_or_legacy_team_has_one_token_without_a_lease(vault, fields):
    role(vault, **fields)
    answer = creds(vault).json
    assert answer["lease_id"] == ""
    assert answer["data"] == {
        "organization": "",
        "role": "app",
        "team_id": "",
        "token": creds(vault).data["token"],
        "token_id": answer["data"]["token_id"],
        **fields,
    }


@pytest.mark.parametrize(
    "fields",
    [{"organization": "acme", "credential_type": "team"}, {"team_id": "team-1", "credential_type": "user"}],
)
def test_a_type_that_is_not_whose_the_token_is_leases_it_without_description(vault, fields):
    role(vault, description="d", **fields)
    answer = creds(vault).json
    assert set(answer["data"]) == {"token", "token_id"}
    assert answer["lease_id"]


def test_an_organization_s_token_is_described(vault):
    role(vault, organization="o", description="d")
    assert creds(vault).data["description"] == "d"


def test_the_one_token_is_rotated(vault):
    role(vault, organization="o")
    before = creds(vault).data
    assert call(vault, "POST", "terraform/rotate-role/app").status == 204
    after = creds(vault).data
    assert before["token"] != after["token"]
    assert before["token_id"] == after["token_id"]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"user_id": "u"}, "cannot rotate credentials for user roles"),
        ({"team_id": "t", "credential_type": "team"}, NO_ROTATION),
        (None, "missing role entry"),
    ],
)
def test_what_has_many_tokens_is_not_rotated(vault, fields, text):
    if fields:
        role(vault, **fields)
    assert call(vault, "POST", "terraform/rotate-role/app").errors == [text]


def test_a_lease_is_renewed_by_its_role_and_not_without_it(vault):
    role(vault, user_id="u", ttl="1h", max_ttl="3h")
    lease = creds(vault).json["lease_id"]
    role(vault, ttl="2h")
    assert call(vault, "POST", "sys/leases/renew", {"lease_id": lease}).json["lease_duration"] == 7200
    call(vault, "DELETE", "terraform/role/app")
    answer = call(vault, "POST", "sys/leases/renew", {"lease_id": lease})
    assert "error retrieving role: role is nil" in answer.errors[0]
    assert call(vault, "POST", "sys/leases/revoke", {"lease_id": lease}).status == 204


def test_roles_are_listed(vault):
    assert call(vault, "LIST", "terraform/role").status == 404
    role(vault, user_id="u")
    assert call(vault, "LIST", "terraform/role").data == {"keys": ["app"]}
