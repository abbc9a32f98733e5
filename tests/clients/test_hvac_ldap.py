"""hvac, unmodified: the LDAP secrets engine, which Vault has and OpenBao does not bring."""

from __future__ import annotations

from typing import TYPE_CHECKING

import hvac
import pytest
from clients.engines import client_of
from hvac import exceptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hvac.api.secrets_engines import Ldap


@pytest.fixture(scope="module")
def client(subject: str) -> Iterator[hvac.Client]:
    with client_of(subject, "ldap") as made:
        yield made


@pytest.fixture
def ldap(client: hvac.Client) -> Ldap:
    answer = client.secrets.ldap.configure(
        binddn="cn=vault,dc=example,dc=com",
        bindpass="not-a-secret",
        url="ldaps://127.0.0.1",
        userdn="ou=People,dc=example,dc=com",
        userattr="uid",
        schema="openldap",
        request_timeout="30s",
    )
    assert answer.status_code == 204
    return client.secrets.ldap


def test_the_configuration_is_read_without_the_password(ldap: Ldap) -> None:
    data = ldap.read_config()["data"]
    assert (data["binddn"], data["userattr"], data["request_timeout"]) == ("cn=vault,dc=example,dc=com", "uid", 30)
    assert "bindpass" not in data


def test_a_static_role_is_created_read_listed_and_deleted(ldap: Ldap) -> None:
    assert ldap.create_or_update_static_role("ann", username="ann", rotation_period="10m").status_code == 204
    assert ldap.create_or_update_static_role("ann", username="ann", rotation_period="20m").status_code == 204
    assert ldap.read_static_role("ann")["data"]["rotation_period"] == 1200
    assert ldap.list_static_roles()["data"]["keys"] == ["ann"]
    assert ldap.delete_static_role("ann").status_code == 204
    with pytest.raises(exceptions.InvalidPath):
        ldap.read_static_role("ann")


def test_a_static_role_needs_a_username(ldap: Ldap) -> None:
    with pytest.raises(exceptions.InvalidRequest, match="username"):
        ldap.create_or_update_static_role("none", rotation_period="10m")


def test_credentials_are_read_and_rotated(ldap: Ldap) -> None:
    ldap.create_or_update_static_role("bob", username="bob", dn="uid=bob,ou=People", rotation_period="10m")
    first = ldap.generate_static_credentials("bob")["data"]
    assert (first["username"], first["dn"], first["last_password"]) == ("bob", "uid=bob,ou=People", "")
    assert ldap.rotate_static_credentials("bob").status_code == 204
    second = ldap.generate_static_credentials("bob")["data"]
    assert second["last_password"] == first["password"] != second["password"]


def test_the_root_password_is_rotated(ldap: Ldap) -> None:
    assert ldap.rotate_root().status_code == 204
    assert "last_bind_password_rotation" in ldap.read_config()["data"]
