"""The Active Directory engine. Expected answers are from Vault's plugin for it."""

import asyncio

import pytest
from unit.helpers import call, world

from sandboxd.fakes import verify

DIRECTORY = {"binddn": "cn=vault,dc=example,dc=com", "bindpass": "old"}
SHORT = (
    "it's not possible to generate a _secure_ password of length 13, please boost length to 14, though Vault "
    "recommends higher"
)
NARROW = (
    "since the desired length is 10, it isn't possible to generate a sufficiently complex password - please increase "
    "desired length or remove characters from the formatter"
)


@pytest.fixture
def bare():
    made = world("vault")
    call(made, "POST", "sys/mounts/ad", {"type": "ad"})
    return made


@pytest.fixture
def vault(bare):
    assert call(bare, "POST", "ad/config", {**DIRECTORY, "ttl": "1h", "max_ttl": "2h"}).status == 204
    assert call(bare, "POST", "ad/roles/app", {"service_account_name": "app@example.com"}).status == 204
    return bare


def creds(vault, name="app"):
    return call(vault, "GET", f"ad/creds/{name}").data


def failure(answer):
    assert answer.status == 500
    return answer.errors[0].removeprefix("1 error occurred:\n\t* ").strip()


def test_a_directory_is_shown_without_what_it_has_no_use_for(bare):
    call(bare, "POST", "ad/config", {**DIRECTORY, "userdn": "cn=Users", "url": "LDAPS://127.0.0.1"})
    assert call(bare, "GET", "ad/config").data == {
        "binddn": "cn=vault,dc=example,dc=com",
        "certificate": "",
        "formatter": "",
        "insecure_tls": False,
        "last_rotation_tolerance": 5,
        "length": 64,
        "max_ttl": 2764800,
        "password_policy": "",
        "starttls": False,
        "tls_max_version": "tls12",
        "tls_min_version": "tls12",
        "ttl": 2764800,
        "upndomain": "",
        "url": "ldaps://127.0.0.1",
        "use_pre111_group_cn_behavior": False,
        "userdn": "cn=Users",
    }


def test_what_is_said_of_the_directory_stays_and_the_rest_goes_back_to_its_defaults(vault):
    call(vault, "POST", "ad/config", {"userdn": "cn=Users", "length": 20})
    data = call(vault, "GET", "ad/config").data
    assert (data["binddn"], data["userdn"]) == ("cn=vault,dc=example,dc=com", "cn=Users")
    assert (data["ttl"], data["length"]) == (2764800, 20)
    call(vault, "POST", "ad/config", {"userdn": "cn=Others"})
    assert call(vault, "GET", "ad/config").data["length"] == 64


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"ttl": "2h", "max_ttl": "1h"}, "ttl must be smaller than or equal to max_ttl"),
        ({"length": 13}, SHORT),
        ({"password_policy": "p", "length": 20}, "cannot set password_policy and either length or formatter"),
        ({"password_policy": "p", "formatter": "x"}, "cannot set password_policy and either length or formatter"),
        ({"formatter": "xxxx{{PASSWORD}}", "length": 10}, NARROW),
        ({"formatter": "x"}, "x must contain password replacement field of {{PASSWORD}}"),
        (
            {"formatter": "{{PASSWORD}}{{PASSWORD}}"},
            "{{PASSWORD}}{{PASSWORD}} must contain ONE password replacement field of {{PASSWORD}}",
        ),
        ({"binddn": ""}, "cannot derive UserBindDN"),
    ],
)
def test_what_makes_no_sense_is_an_error(bare, fields, text):
    assert failure(call(bare, "POST", "ad/config", {**DIRECTORY, **fields})) == text
    assert call(bare, "GET", "ad/config").status == 404


def test_a_role_is_read_as_it_was_written(vault):
    assert call(vault, "GET", "ad/roles/APP").data == {"service_account_name": "app@example.com", "ttl": 3600}
    creds(vault)
    assert call(vault, "GET", "ad/roles/app").data == {
        "service_account_name": "app@example.com",
        "ttl": 3600,
        "last_vault_rotation": "2026-01-01T00:00:00Z",
        "password_last_set": "2026-01-01T00:00:00Z",
    }


def test_a_role_needs_an_account_and_a_ttl_that_is_not_too_long(vault):
    assert failure(call(vault, "POST", "ad/roles/x", {})) == '"service_account_name" is required'
    answer = call(vault, "POST", "ad/roles/x", {"service_account_name": "x", "ttl": "3h"})
    assert failure(answer) == "requested ttl of 10800 seconds is over the max ttl of 7200 seconds"


def test_a_password_is_made_when_it_is_first_read(vault):
    found = creds(vault)
    assert found["username"] == "app"
    assert len(found["current_password"]) == 64
    assert verify(found["current_password"]).made_here
    assert "last_password" not in found
    assert creds(vault) == found


def test_a_password_is_rotated_when_it_is_read_after_its_time(vault):
    first = creds(vault)["current_password"]
    asyncio.run(vault.timeline.advance(3600))
    assert creds(vault)["current_password"] == first
    asyncio.run(vault.timeline.advance(1))
    second = creds(vault)
    assert second["last_password"] == first != second["current_password"]
    assert vault.ledger.find(first).end == "superseded"


def test_a_password_is_rotated_by_hand(vault):
    assert call(vault, "POST", "ad/rotate-role/app", {}).status == 204
    first = creds(vault)["current_password"]
    assert call(vault, "POST", "ad/rotate-role/app", {}).status == 204
    assert creds(vault)["last_password"] == first
    assert failure(call(vault, "POST", "ad/rotate-role/none", {})) == "role none does not exist"


def test_a_role_that_is_written_again_keeps_its_password(vault):
    first = creds(vault)
    call(vault, "POST", "ad/roles/app", {"service_account_name": "app@example.com", "ttl": "30m"})
    asyncio.run(vault.timeline.advance(1700))
    assert creds(vault) == first
    asyncio.run(vault.timeline.advance(101))
    assert creds(vault)["last_password"] == first["current_password"]


def test_roles_are_listed_and_deleted(vault):
    assert call(vault, "LIST", "ad/roles").data == {"keys": ["app"]}
    assert call(vault, "DELETE", "ad/roles/app").status == 204
    assert call(vault, "LIST", "ad/roles").status == 404
    assert call(vault, "GET", "ad/creds/app").status == 404


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_engines_own_password_is_rotated(vault, method):
    assert call(vault, method, "ad/rotate-root").status in (204, 404)
    assert vault.ledger.find("old").end == "superseded"


def test_nothing_works_without_a_configuration(vault):
    call(vault, "DELETE", "ad/config")
    unset = "the config is currently unset"
    assert failure(call(vault, "GET", "ad/creds/app")) == unset
    assert failure(call(vault, "GET", "ad/roles/app")) == unset
    assert failure(call(vault, "POST", "ad/roles/app", {"service_account_name": "x"})) == unset
    assert failure(call(vault, "POST", "ad/rotate-root", {})) == unset
    assert failure(call(vault, "POST", "ad/library/team", {"service_account_names": "one"})) == unset
    assert call(vault, "GET", "ad/roles/none").status == 404


def test_passwords_are_put_into_the_formatter(vault):
    call(vault, "POST", "ad/config", {"formatter": "pre-{{PASSWORD}}-post", "length": 40})
    found = creds(vault)["current_password"]
    assert found.startswith("pre-")
    assert found.endswith("-post")
    assert len(found) == 40


def test_passwords_follow_a_policy(vault):
    call(vault, "POST", "ad/config", {"password_policy": "p"})
    assert failure(call(vault, "GET", "ad/creds/app")) == "no password policy found"
    rules = 'length = 8\nrule "charset" { charset = "x" }'
    call(vault, "PUT", "sys/policies/password/p", {"policy": rules})
    assert creds(vault)["current_password"] == "x" * 8


def test_accounts_are_lent_from_a_library(vault):
    call(vault, "POST", "ad/library/team", {"service_account_names": "one,two", "ttl": "1h"})
    lent = call(vault, "POST", "ad/library/team/check-out", {}).json
    assert lent["data"]["service_account_name"] == "one"
    assert lent["lease_duration"] == 3600
    assert call(vault, "POST", "ad/library/other", {"service_account_names": "one"}).errors == [
        '"one" is already managed by another set'
    ]
    assert call(vault, "GET", "ad/library/team/status").data["two"] == {"available": True}
    assert call(vault, "POST", "ad/library/manage/team/check-in", {}).data == {"check_ins": ["one"]}
    assert call(vault, "LIST", "ad/library").data == {"keys": ["team"]}
    assert call(vault, "DELETE", "ad/library/team").status == 204


def test_an_account_without_a_name_is_an_error(vault):
    answer = call(vault, "POST", "ad/library/team", {"service_account_names": ["", "one"]})
    assert failure(answer) == "service account name must be provided"


def test_what_rotates_next_stays_as_far_away_after_a_restore(vault):
    creds(vault)
    mounted = vault.mounts.by_accessor(call(vault, "GET", "sys/mounts").data["ad/"]["accessor"])
    role = mounted.view.get("roles/app")
    assert role.later(5).due == role.due + 5
    assert role.password not in repr(role)
