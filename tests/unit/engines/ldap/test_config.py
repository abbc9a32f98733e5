"""Which directory the LDAP engine manages. Expected answers are from Vault's openldap plugin."""

import asyncio

import pytest
from unit.helpers import START, call

DIRECTORY = {"binddn": "cn=vault,dc=example,dc=com", "bindpass": "old"}


EXCLUSIVE = (
    "mutually exclusive fields rotation_schedule and rotation_period were both specified; only one of them can be "
    "provided"
)


def reason(vault, **fields):
    answer = call(vault, "POST", "ldap/config", {**DIRECTORY, **fields})
    return answer.status, answer.errors[0].removeprefix("1 error occurred:\n\t* ").strip()


def test_a_directory_is_shown_without_its_secrets(bare):
    call(bare, "POST", "ldap/config", {**DIRECTORY, "url": "LDAP://Host", "userdn": "ou=People"})
    assert call(bare, "GET", "ldap/config").data == {
        "anonymous_group_search": False,
        "binddn": "cn=vault,dc=example,dc=com",
        "case_sensitive_names": False,
        "certificate": "",
        "connection_timeout": 30,
        "credential_type": "password",
        "deny_null_bind": True,
        "dereference_aliases": "never",
        "disable_automated_rotation": False,
        "rotation_policy": "",
        "discoverdn": False,
        "enable_samaccountname_login": False,
        "groupattr": "cn",
        "groupdn": "",
        "groupfilter": "(|(memberUid={{.Username}})(member={{.UserDN}})(uniqueMember={{.UserDN}}))",
        "insecure_tls": False,
        "max_page_size": 0,
        "request_timeout": 90,
        "rotation_period": 0,
        "rotation_schedule": "",
        "rotation_window": 0,
        "schema": "openldap",
        "skip_static_role_import_rotation": False,
        "starttls": False,
        "tls_max_version": "tls12",
        "tls_min_version": "tls12",
        "upndomain": "",
        "url": "ldap://host",
        "use_token_groups": False,
        "userattr": "cn",
        "userdn": "ou=People",
        "userfilter": "({{.UserAttr}}={{.Username}})",
        "username_as_alias": False,
    }


@pytest.mark.parametrize(("schema", "attribute"), [("openldap", "cn"), ("ad", "userPrincipalName"), ("racf", "racfid")])
def test_the_schema_says_which_attribute_names_a_user(bare, schema, attribute):
    call(bare, "POST", "ldap/config", {**DIRECTORY, "schema": schema})
    assert call(bare, "GET", "ldap/config").data["userattr"] == attribute
    call(bare, "POST", "ldap/config", {"userattr": "sAMAccountName"})
    assert call(bare, "GET", "ldap/config").data["userattr"] == "sAMAccountName"


def test_fields_that_are_not_sent_stay_but_length_and_credential_type_do_not(vault):
    call(vault, "POST", "ldap/config", {"schema": "racf", "length": 20, "credential_type": "phrase", "starttls": True})
    data = call(vault, "GET", "ldap/config").data
    assert (data["length"], data["credential_type"]) == (20, "phrase")
    call(vault, "POST", "ldap/config", {"userdn": "ou=x"})
    data = call(vault, "GET", "ldap/config").data
    assert (data["schema"], data["starttls"], data["userdn"]) == ("racf", True, "ou=x")
    assert "length" not in data
    assert data["credential_type"] == "password"


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"schema": ""}, "schema is required"),
        ({"schema": "x"}, "the configured schema x is not valid. Supported schemas: [openldap racf ad]"),
        ({"password_policy": "p", "length": 20}, "cannot set both 'password_policy' and 'length'"),
        ({"credential_type": "x"}, 'invalid credential_type "x"'),
        ({"url": ""}, "at least one url must be provided"),
        ({"binddn": ""}, "cannot derive UserBindDN"),
        ({"bindpass": ""}, "cannot derive UserBindDN"),
        ({"userfilter": "{{"}, "invalid userfilter: template: queryTemplate:1: unclosed action"),
        ({"groupfilter": "{{x}}"}, 'invalid groupfilter: template: queryTemplate:1: function "x" not defined'),
        ({"certificate": "x"}, "failed to parse server tls cert: failed to decode PEM block in the certificate"),
        ({"client_tls_cert": "x"}, "both client_tls_cert and client_tls_key must be set"),
        ({"tls_min_version": "x"}, "invalid 'tls_min_version'"),
        ({"tls_max_version": "tls11"}, "'tls_max_version' must be greater than or equal to 'tls_min_version'"),
    ],
)
def test_what_makes_no_sense_is_an_error(bare, fields, text):
    assert reason(bare, **fields) == (500, text)
    assert call(bare, "GET", "ldap/config").status == 404


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"rotation_period": 60, "rotation_schedule": "@daily"}, EXCLUSIVE),
        (
            {"rotation_schedule": "x"},
            "failed to parse provided rotation_schedule: expected exactly 5 fields, found 1: [x]",
        ),
        ({"rotation_period": 60, "rotation_window": 60}, "rotation_window does not apply to period"),
        ({"rotation_window": 60}, "cannot use rotation_window without rotation_schedule"),
    ],
)
def test_times_of_rotation_must_go_together(bare, fields, text):
    assert reason(bare, **fields) == (400, text)


def test_a_password_policy_is_shown_where_there_is_one(vault):
    call(vault, "POST", "ldap/config", {"password_policy": "p"})
    assert call(vault, "GET", "ldap/config").data["password_policy"] == "p"


def test_a_configuration_is_deleted(vault):
    assert call(vault, "DELETE", "ldap/config").status == 204
    assert call(vault, "GET", "ldap/config").status == 404


def test_the_engines_own_password_is_rotated(vault):
    assert call(vault, "POST", "ldap/rotate-root", {}).status == 204
    assert call(vault, "GET", "ldap/config").data["last_bind_password_rotation"] == "2026-01-01T00:00:00Z"
    assert vault.ledger.find("old").end == "superseded"


def test_without_a_configuration_there_is_nothing_to_rotate(bare):
    assert call(bare, "POST", "ldap/rotate-root", {}).errors == [
        "1 error occurred:\n\t* the config is currently unset\n\n"
    ]


def test_the_engines_own_password_is_rotated_after_each_period(bare):
    call(bare, "POST", "ldap/config", {**DIRECTORY, "rotation_period": "1h"})
    asyncio.run(bare.timeline.advance(3 * 3600 + 1))
    assert call(bare, "GET", "ldap/config").data["last_bind_password_rotation"] == "2026-01-01T03:00:00Z"


def test_the_engines_own_password_is_rotated_on_a_schedule_until_that_is_switched_off(bare):
    call(bare, "POST", "ldap/config", {**DIRECTORY, "rotation_schedule": "30 * * * *", "rotation_window": 60})
    asyncio.run(bare.timeline.advance(3600))
    assert call(bare, "GET", "ldap/config").data["last_bind_password_rotation"] == "2026-01-01T00:30:00Z"
    call(bare, "POST", "ldap/config", {"disable_automated_rotation": True})
    asyncio.run(bare.timeline.advance(3600))
    assert call(bare, "GET", "ldap/config").data["last_bind_password_rotation"] == "2026-01-01T00:30:00Z"


def test_a_rotation_that_fails_and_misses_its_window_waits_for_the_next_moment(bare):
    fields = {"rotation_schedule": "0 * * * *", "rotation_window": 60, "password_policy": "none"}
    call(bare, "POST", "ldap/config", {**DIRECTORY, **fields})
    asyncio.run(bare.timeline.advance(3600 + 300))
    call(bare, "POST", "ldap/config", {"password_policy": ""})
    asyncio.run(bare.timeline.advance(3600 - 301))
    assert "last_bind_password_rotation" not in call(bare, "GET", "ldap/config").data
    asyncio.run(bare.timeline.advance(2))
    assert call(bare, "GET", "ldap/config").data["last_bind_password_rotation"] == "2026-01-01T02:00:00Z"


def test_the_schedule_ends_with_the_configuration(bare):
    call(bare, "POST", "ldap/config", {**DIRECTORY, "rotation_period": "1h"})
    call(bare, "DELETE", "ldap/config")
    assert bare.timers.next_due == 0
    assert bare.clock.now() == START
