"""Connections: how they are configured, read back, reset, and given new passwords."""

import msgspec
import pytest
from unit.databases import ROOT_PASSWORD, URL, call, config_of, connect, database, later, users

from sandboxd.engines.database.connections import builtin_version, shown_url
from sandboxd.engines.database.plugin import PluginError
from sandboxd.engines.database.simulated import Simulated
from sandboxd.vault.errors import Refusal


@pytest.fixture
def made():
    return database()


@pytest.fixture
def vault():
    return database("vault")


def password_of(made) -> str:
    return msgspec.json.decode(config_of(made).details)["password"]


def test_a_connection_is_read_back_without_its_password(made) -> None:
    assert call(made, "GET", "database/config/pg").data == {
        "allowed_roles": ["*"],
        "connection_details": {"connection_url": URL, "username": "root"},
        "password_policy": "",
        "plugin_name": "postgresql-database-plugin",
        "plugin_version": "",
        "root_credentials_rotate_statements": [],
    }


def test_vault_shows_what_only_it_has(vault) -> None:
    data = call(vault, "GET", "database/config/pg").data

    assert data["verify_connection"] is True
    assert {name: data[name] for name in data if "rotation" in name} == {
        "disable_automated_rotation": False,
        "rotation_period": 0,
        "rotation_policy": "",
        "rotation_schedule": "",
        "rotation_window": 0,
        "skip_static_role_import_rotation": False,
    }


def test_nothing_is_contacted_when_the_connection_is_to_be_verified(made) -> None:
    assert (
        connect(made, "far", connection_url="postgresql://db.example.invalid/app", verify_connection=True).status == 204
    )


def test_a_change_keeps_what_is_not_sent(made) -> None:
    call(made, "POST", "database/config/pg", {"allowed_roles": "app", "connection_url": "postgresql://127.0.0.1/other"})

    data = call(made, "GET", "database/config/pg").data
    assert data["allowed_roles"] == ["app"]
    assert data["connection_details"] == {"connection_url": "postgresql://127.0.0.1/other", "username": "root"}
    assert password_of(made) == ROOT_PASSWORD


def test_a_refused_change_changes_nothing(made) -> None:
    refused = call(made, "POST", "database/config/pg", {"connection_url": "", "allowed_roles": "x"})

    assert refused.errors == ["error creating database object: connection_url cannot be empty"]
    assert call(made, "GET", "database/config/pg").data["allowed_roles"] == ["*"]


def test_a_refusal_never_shows_the_password(made) -> None:
    refused = connect(made, "x", password="cannot", connection_url="")

    assert refused.errors == ["error creating database object: connection_url [password] be empty"]


def test_rotating_the_root_password_changes_it_in_the_database_and_in_the_configuration(made) -> None:
    assert call(made, "POST", "database/rotate-root/pg").status == 204

    assert password_of(made) != ROOT_PASSWORD
    assert users(made)["root"].password == password_of(made)


def test_rotating_the_root_password_follows_the_connections_policy() -> None:
    made = database(password_policy="short")
    policy = 'length = 12\nrule "charset" { charset = "abc" }'
    call(made, "POST", "sys/policies/password/short", {"policy": policy})

    call(made, "POST", "database/rotate-root/pg")

    assert len(password_of(made)) == 12


def test_a_root_password_that_cannot_be_rotated_stays(made, monkeypatch) -> None:
    async def update_user(self, change) -> None:
        raise PluginError("permission denied")

    monkeypatch.setattr(Simulated, "update_user", update_user)

    refused = call(made, "POST", "database/rotate-root/pg")

    assert refused.errors == ["1 error occurred:\n\t* failed to update user: permission denied\n\n"]
    assert password_of(made) == ROOT_PASSWORD


def test_vault_rotates_the_root_password_by_a_period(vault) -> None:
    call(vault, "POST", "database/config/pg", {"rotation_period": "1h"})
    later(vault, 3599)
    assert password_of(vault) == ROOT_PASSWORD

    later(vault, 1)
    first = password_of(vault)
    later(vault, 3600)

    assert ROOT_PASSWORD != first != password_of(vault)


def test_vault_rotates_the_root_password_by_a_schedule(vault) -> None:
    call(vault, "POST", "database/config/pg", {"rotation_schedule": "0 12 * * *"})
    later(vault, 12 * 3600)

    assert password_of(vault) != ROOT_PASSWORD


def test_vault_stops_rotating_the_root_password_when_told(vault) -> None:
    call(vault, "POST", "database/config/pg", {"rotation_period": "1h"})
    call(vault, "POST", "database/config/pg", {"disable_automated_rotation": True})
    later(vault, 7200)

    assert password_of(vault) == ROOT_PASSWORD


def test_a_schedule_takes_the_place_of_a_period(vault) -> None:
    call(vault, "POST", "database/config/pg", {"rotation_period": "1h"})
    call(vault, "POST", "database/config/pg", {"rotation_schedule": "0 0 * * *"})

    data = call(vault, "GET", "database/config/pg").data
    assert (data["rotation_period"], data["rotation_schedule"]) == (0, "0 0 * * *")


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (
            {"rotation_period": 60, "rotation_schedule": "0 0 * * *"},
            "mutually exclusive fields rotation_period and rotation_schedule were both specified; ",
        ),
        ({"rotation_schedule": "@never"}, "failed to parse provided rotation_schedule: "),
        ({"rotation_period": 60, "rotation_window": 3600}, "rotation_window does not apply to period"),
    ],
)
def test_vault_refuses_rotations_that_make_no_sense(vault, sent, text) -> None:
    assert call(vault, "POST", "database/config/pg", sent).errors[0].startswith(text)


def test_a_deleted_connection_rotates_nothing(vault) -> None:
    call(vault, "POST", "database/config/pg", {"rotation_period": "1h"})
    call(vault, "DELETE", "database/config/pg")
    later(vault, 7200)

    assert users(vault) == {}


def test_reloading_a_plugin_names_its_connections(vault) -> None:
    connect(vault, "two")
    connect(vault, "my", "mysql", connection_url="{{username}}:{{password}}@tcp(127.0.0.1:3306)/")

    assert call(vault, "POST", "database/reload/postgresql-database-plugin").data == {
        "connections": ["pg", "two"],
        "count": 2,
    }


def test_reloading_leaves_out_what_does_not_connect(vault, monkeypatch) -> None:
    async def initialize(self, config, *, verify):
        raise PluginError("no")

    monkeypatch.setattr(Simulated, "initialize", initialize)

    assert call(vault, "POST", "database/reload/postgresql-database-plugin").data == {"connections": [], "count": 0}


def test_openbao_has_no_reloading(made) -> None:
    assert call(made, "POST", "database/reload/postgresql-database-plugin").status == 404


def test_resetting_what_is_not_there_fails(made) -> None:
    assert call(made, "POST", "database/reset/pg").status == 204
    assert call(made, "POST", "database/reset/none").status == 500


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("postgresql://{{username}}:{{password}}@127.0.0.1/db", "postgresql://{{username}}:{{password}}@127.0.0.1/db"),
        ("postgres://u:p@127.0.0.1/db?sslmode=disable", "postgres://u:xxxxx@127.0.0.1/db?sslmode=disable"),
        ("POSTGRES://u:@127.0.0.1/a b?x=y z#f g", "postgres://u:xxxxx@127.0.0.1/a%20b?x=y z#f%20g"),
        ("postgres://u:p@/db?host=/tmp", "postgres://u:xxxxx@/db?host=/tmp"),
        ("postgres://u@127.0.0.1", "postgres://u@127.0.0.1"),
        ("//u:p@127.0.0.1/x", "//u:xxxxx@127.0.0.1/x"),
        ('postgres://u:p@127.0.0.1/é"<>%2F|', "postgres://u:xxxxx@127.0.0.1/%C3%A9%22%3C%3E/%7C"),
        ("host=127.0.0.1 user=x", "host=127.0.0.1%20user=x"),
        ("u:p@x y", "u:p@x y"),
        ("a%zz b", "a%zz b"),
    ],
)
def test_urls_are_shown_as_go_spells_them(given, shown) -> None:
    assert shown_url(given) == shown


def test_a_password_in_the_url_brings_a_warning(made) -> None:
    reply = connect(made, "warned", connection_url="postgres://u:p@127.0.0.1/db")

    assert reply.status == 200
    assert reply.warnings[0].startswith("Password found in connection_url, use a templated url")


@pytest.mark.parametrize(
    ("version", "spelled"),
    [("", ""), ("v1.2.3+builtin.bao", ""), ("1.2", "v1.2.0"), ("v0.10.4-rc1", "v0.10.4-rc1"), ("1.2.3.4", "v1.2.3.4")],
)
def test_versions_are_spelled_in_full(version, spelled) -> None:
    assert builtin_version(version) == spelled


def test_what_is_no_version_is_refused() -> None:
    with pytest.raises(Refusal, match=r'version "abc" is not a valid semantic version: malformed version: abc'):
        builtin_version("abc")
