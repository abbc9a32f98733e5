"""Static roles of the LDAP engine. Expected answers are from Vault's openldap plugin."""

import asyncio

import pytest
from unit.helpers import call

from sandboxd.fakes import verify
from sandboxd.rotation.targets import find


def write(vault, name="app", **fields):
    return call(vault, "POST", f"ldap/static-role/{name}", fields)


def cred(vault, name="app"):
    return call(vault, "GET", f"ldap/static-cred/{name}").data


def advance(vault, seconds):
    asyncio.run(vault.timeline.advance(seconds))


def test_a_role_gets_a_password_at_once(vault):
    assert write(vault, username="app", dn="cn=app", rotation_period="1h").status == 204
    found = cred(vault)
    assert verify(found["password"]).made_here
    assert len(found.pop("password")) == 64
    assert found == {
        "dn": "cn=app",
        "username": "app",
        "last_password": "",
        "ttl": 3600,
        "rotation_period": 3600,
        "last_vault_rotation": "2026-01-01T00:00:00Z",
    }


def test_a_role_is_read_without_its_password(vault):
    write(vault, username="app", rotation_period=60)
    assert call(vault, "GET", "ldap/static-role/app").data == {
        "dn": "",
        "username": "app",
        "rotation_period": 60,
        "last_vault_rotation": "2026-01-01T00:00:00Z",
    }


def test_passwords_rotate_after_each_period_and_the_one_before_is_kept(vault):
    write(vault, username="app", rotation_period="1h")
    first = cred(vault)["password"]
    advance(vault, 3600)
    second = cred(vault)
    assert second["last_password"] == first != second["password"]
    assert second["last_vault_rotation"] == "2026-01-01T01:00:00Z"
    assert vault.ledger.find(first).end == "superseded"
    advance(vault, 2 * 3600 + 600)
    assert cred(vault)["last_vault_rotation"] == "2026-01-01T03:00:00Z"
    assert cred(vault)["ttl"] == 3000


def test_passwords_rotate_on_a_schedule(vault):
    write(vault, username="app", rotation_schedule="0 6 * * *", rotation_window="1h")
    found = cred(vault)
    assert (found["ttl"], found["rotation_schedule"], found["rotation_window"]) == (6 * 3600, "0 6 * * *", 3600)
    advance(vault, 24 * 3600)
    assert cred(vault)["last_vault_rotation"] == "2026-01-01T06:00:00Z"
    assert "rotation_period" not in call(vault, "GET", "ldap/static-role/app").data


def test_a_schedule_takes_the_place_of_a_period_and_back(vault):
    write(vault, username="app", rotation_period="1h")
    write(vault, rotation_schedule="0 0 * * *")
    assert cred(vault)["ttl"] == 24 * 3600
    write(vault, rotation_period=60)
    assert call(vault, "GET", "ldap/static-role/app").data["rotation_period"] == 60


def test_rotation_may_be_left_to_whoever_asks(vault):
    assert write(vault, username="app", disable_automated_rotation=True).status == 204
    assert call(vault, "GET", "ldap/static-role/app").data["disable_automated_rotation"] is True
    advance(vault, 10_000_000)
    assert cred(vault)["last_vault_rotation"] == "2026-01-01T00:00:00Z"


def test_a_password_is_rotated_by_hand_and_the_period_begins_again(vault):
    write(vault, username="app", rotation_period="1h")
    first = cred(vault)["password"]
    advance(vault, 1800)
    assert call(vault, "POST", "ldap/rotate-role/app", {}).status == 204
    found = cred(vault)
    assert (found["last_password"], found["ttl"]) == (first, 3600)


def test_the_import_rotation_can_be_skipped(vault):
    write(vault, username="app", rotation_period="1h", skip_import_rotation=True)
    found = cred(vault)
    assert (found["password"], found["ttl"]) == ("", 3600)
    assert found["last_vault_rotation"] == "0001-01-01T00:00:00Z"
    assert "last_vault_rotation" not in call(vault, "GET", "ldap/static-role/app").data
    advance(vault, 3600)
    assert cred(vault)["password"]


def test_the_configuration_can_have_it_skipped(vault):
    call(vault, "POST", "ldap/config", {"skip_static_role_import_rotation": True})
    write(vault, "a", username="a", rotation_period="1h")
    write(vault, "b", username="b", rotation_period="1h", skip_import_rotation=False)
    assert not cred(vault, "a")["password"]
    assert cred(vault, "b")["password"]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "username is a required field to manage a static account"),
        ({"username": ""}, "username must not be empty"),
        ({"username": "app"}, "rotation_period is required to create static accounts"),
        ({"username": "app", "rotation_period": 4}, "rotation_period must be 5 seconds or more"),
        ({"username": "taken", "rotation_period": 60}, '"taken" is already managed by the secrets engine'),
        (
            {"username": "app", "rotation_schedule": "x"},
            "failed to parse provided rotation_schedule: expected exactly 5 fields, found 1: [x]",
        ),
    ],
)
def test_what_a_new_role_must_say(vault, fields, text):
    write(vault, "other", username="taken", rotation_period=60)
    answer = write(vault, **fields)
    assert (answer.status, answer.errors) == (400, [text])
    assert call(vault, "GET", "ldap/static-role/app").status == 404


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"username": ""}, "username must not be empty"),
        ({"username": "other"}, "cannot update static account username"),
        ({"dn": "cn=other"}, "cannot update static account distinguished name (dn)"),
        ({"rotation_period": 0}, "rotation_period must be 5 seconds or more"),
        ({"skip_import_rotation": True}, "skip_import_rotation has no effect on updates"),
    ],
)
def test_what_cannot_be_changed(vault, fields, text):
    write(vault, username="app", dn="cn=app", rotation_period=60)
    assert write(vault, **fields).errors == [text]


def test_a_change_moves_the_next_rotation_and_nothing_else(vault):
    write(vault, username="app", dn="cn=app", rotation_period="1h")
    before = cred(vault)["password"]
    advance(vault, 600)
    assert write(vault, username="app", dn="", rotation_period="2h").status == 204
    found = cred(vault)
    assert (found["password"], found["dn"], found["ttl"]) == (before, "", 2 * 3600 - 600)


def test_names_may_have_folders_and_are_in_lower_case(vault):
    write(vault, "team/App", username="a", rotation_period=60)
    write(vault, "team/sub/b", username="b", rotation_period=60)
    write(vault, "c", username="c", rotation_period=60)
    assert call(vault, "LIST", "ldap/static-role").data == {"keys": ["c", "team/"]}
    assert call(vault, "LIST", "ldap/static-role/team").data == {"keys": ["app", "sub/"]}
    assert call(vault, "LIST", "ldap/static-role/team/sub/").data == {"keys": ["b"]}
    assert call(vault, "LIST", "ldap/static-role/none").status == 404
    assert cred(vault, "TEAM/app")["username"] == "a"
    assert call(vault, "POST", "ldap/rotate-role/team/sub/b", {}).status == 204
    advance(vault, 60)
    assert cred(vault, "team/app")["last_password"]


def test_a_deleted_role_lets_its_user_go(vault):
    write(vault, username="app", rotation_period=60)
    assert call(vault, "DELETE", "ldap/static-role/app").status == 204
    assert call(vault, "DELETE", "ldap/static-role/app").status == 204
    assert vault.timers.next_due == 0
    assert write(vault, "other", username="app", rotation_period=60).status == 204


def test_roles_that_are_not_there(vault):
    assert call(vault, "GET", "ldap/static-cred/none").errors == ["unknown role: none"]
    assert call(vault, "POST", "ldap/rotate-role/none", {}).errors == ["role doesn't exist: none"]
    assert call(vault, "LIST", "ldap/static-role").status == 404


def test_roles_need_a_configuration(bare):
    assert write(bare, username="app", rotation_period=60).errors == ["missing LDAP configuration"]
    answer = write(bare, username="app", rotation_period=60, skip_import_rotation=False)
    assert answer.errors == ["1 error occurred:\n\t* the config is currently unset\n\n"]
    assert call(bare, "GET", "ldap/static-role/app").status == 404


def test_a_rotation_that_fails_is_tried_again(vault):
    write(vault, username="app", rotation_period="1h")
    call(vault, "POST", "ldap/config", {"password_policy": "none"})
    (text,) = call(vault, "POST", "ldap/rotate-role/app", {}).errors
    assert text == (
        "1 error occurred:\n\t* unable to finish rotating credentials; retries will continue in the background but it "
        "is also safe to retry manually: unable to generate password: no password policy found\n\n"
    )
    call(vault, "POST", "ldap/config", {"password_policy": ""})
    advance(vault, 11)
    assert cred(vault)["last_vault_rotation"] == "2026-01-01T00:00:10Z"


def test_a_rotation_that_misses_its_window_waits_for_the_next_moment(vault):
    write(vault, username="app", rotation_schedule="0 * * * *", rotation_window=60)
    call(vault, "POST", "ldap/config", {"password_policy": "none"})
    advance(vault, 3600 + 300)
    call(vault, "POST", "ldap/config", {"password_policy": ""})
    advance(vault, 1800)
    assert cred(vault)["last_vault_rotation"] == "2026-01-01T00:00:00Z"
    advance(vault, 1800)
    assert cred(vault)["last_vault_rotation"] == "2026-01-01T02:00:00Z"


def test_passwords_follow_the_policy_of_the_role_or_of_the_directory(vault):
    for name, length in (("short", 8), ("long", 30)):
        rules = f'length = {length}\nrule "charset" {{ charset = "{name[0]}" }}'
        call(vault, "PUT", f"sys/policies/password/{name}", {"policy": rules})
    call(vault, "POST", "ldap/config", {"password_policy": "long"})
    write(vault, "a", username="a", rotation_period=60)
    write(vault, "b", username="b", rotation_period=60, password_policy="short")
    assert cred(vault, "a")["password"] == "l" * 30
    assert cred(vault, "b")["password"] == "s" * 8


@pytest.mark.parametrize("length", [5, 20, 300])
def test_passwords_are_as_long_as_the_directory_says(vault, length):
    call(vault, "POST", "ldap/config", {"length": length})
    write(vault, username="app", rotation_period=60)
    assert len(cred(vault)["password"]) == length


@pytest.mark.parametrize("path", ["ldap/static-role/team/app", "ldap/static-cred/team/app"])
def test_the_sandbox_knows_how_to_rotate_a_role(vault, path):
    found = find(vault, "", path)
    assert found.request == "ldap/rotate-role/team/app"
    assert found.read_path == "ldap/static-cred/team/app"
    assert find(vault, "", "ldap/config").request == "ldap/rotate-root"
