"""hvac, unmodified: the database secrets engine. The database is simulated, so only the sandbox can answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hvac import exceptions

if TYPE_CHECKING:
    import hvac

URL = "postgresql://{{username}}:{{password}}@127.0.0.1:5432/app"
CREATE = ["CREATE ROLE \"{{name}}\" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'"]


@pytest.fixture
def db(vault: hvac.Client, path: str, subject: str) -> Any:
    if subject != "sandboxd":
        pytest.skip("there is no database to connect to")
    vault.sys.enable_secrets_engine("database", path=path)
    vault.secrets.database.configure(
        name="pg",
        plugin_name="postgresql-database-plugin",
        allowed_roles="*",
        connection_url=URL,
        username="root",
        password="root-password",
        mount_point=path,
    )
    return vault.secrets.database


def test_connections_are_managed(db: Any, path: str) -> None:
    read = db.read_connection(name="pg", mount_point=path)["data"]
    assert read["plugin_name"] == "postgresql-database-plugin"
    assert read["connection_details"] == {"connection_url": URL, "username": "root"}
    assert db.list_connections(mount_point=path)["data"]["keys"] == ["pg"]

    assert db.reset_connection(name="pg", mount_point=path).status_code == 204
    assert db.rotate_root_credentials(name="pg", mount_point=path).status_code == 204
    assert db.delete_connection(name="pg", mount_point=path).status_code == 204
    with pytest.raises(exceptions.InvalidPath):
        db.read_connection(name="pg", mount_point=path)


def test_roles_are_managed(db: Any, path: str) -> None:
    db.create_role(
        name="app", db_name="pg", creation_statements=CREATE, default_ttl="1h", max_ttl="24h", mount_point=path
    )

    read = db.read_role(name="app", mount_point=path)["data"]
    assert (read["db_name"], read["creation_statements"]) == ("pg", CREATE)
    assert (read["default_ttl"], read["max_ttl"]) == (3600, 86400)
    assert db.list_roles(mount_point=path)["data"]["keys"] == ["app"]
    db.delete_role(name="app", mount_point=path)
    with pytest.raises(exceptions.InvalidPath):
        db.list_roles(mount_point=path)


def test_credentials_are_lent_out_renewed_and_revoked(db: Any, vault: hvac.Client, path: str) -> None:
    db.create_role(name="app", db_name="pg", creation_statements=CREATE, default_ttl=60, max_ttl=600, mount_point=path)

    first = db.generate_credentials(name="app", mount_point=path)
    second = db.generate_credentials(name="app", mount_point=path)

    assert first["data"].keys() == {"username", "password"}
    assert first["data"]["username"] != second["data"]["username"]
    assert (first["lease_duration"], first["renewable"]) == (60, True)
    renewed = vault.sys.renew_lease(lease_id=first["lease_id"], increment=300)
    assert renewed["lease_duration"] == 300
    vault.sys.revoke_lease(lease_id=first["lease_id"])
    with pytest.raises(exceptions.InvalidRequest):
        vault.sys.read_lease(lease_id=first["lease_id"])


def test_static_roles_are_managed_and_rotated(db: Any, path: str) -> None:
    db.create_static_role(
        name="app",
        db_name="pg",
        username="app",
        rotation_statements=["ALTER USER"],
        rotation_period=86400,
        mount_point=path,
    )

    read = db.read_static_role(name="app", mount_point=path)["data"]
    assert (read["username"], read["rotation_period"]) == ("app", 86400)
    assert db.list_static_roles(mount_point=path)["data"]["keys"] == ["app"]
    first = db.get_static_credentials(name="app", mount_point=path)["data"]
    assert 86390 < first["ttl"] <= 86400
    db.rotate_static_role_credentials(name="app", mount_point=path)
    assert db.get_static_credentials(name="app", mount_point=path)["data"]["password"] != first["password"]
    db.delete_static_role(name="app", mount_point=path)
    with pytest.raises(exceptions.InvalidRequest, match="unknown role: app"):
        db.get_static_credentials(name="app", mount_point=path)


def test_a_role_that_may_not_use_the_connection_gets_nothing(db: Any, path: str) -> None:
    db.configure(
        name="pg",
        plugin_name="postgresql-database-plugin",
        allowed_roles=["other"],
        connection_url=URL,
        mount_point=path,
    )
    db.create_role(name="app", db_name="pg", creation_statements=CREATE, mount_point=path)

    with pytest.raises(exceptions.InternalServerError, match='"app" is not an allowed role'):
        db.generate_credentials(name="app", mount_point=path)
