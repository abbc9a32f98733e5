"""hvac, unmodified: the Active Directory secrets engine, which only Vault has had."""

from __future__ import annotations

from typing import TYPE_CHECKING

import hvac
import pytest
from clients.engines import client_of
from hvac import exceptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hvac.api.secrets_engines import ActiveDirectory


@pytest.fixture(scope="module")
def client(subject: str) -> Iterator[hvac.Client]:
    with client_of(subject, "ad") as made:
        yield made


@pytest.fixture
def ad(client: hvac.Client) -> ActiveDirectory:
    answer = client.secrets.activedirectory.configure(
        binddn="cn=vault,dc=example,dc=com",
        bindpass="not-a-secret",
        url="ldaps://127.0.0.1",
        userdn="cn=Users,dc=example,dc=com",
        upndomain="example.com",
        ttl=60,
        max_ttl=120,
    )
    assert answer.status_code == 204
    return client.secrets.activedirectory


def test_the_configuration_is_read_without_the_password(ad: ActiveDirectory) -> None:
    data = ad.read_config()["data"]
    assert (data["binddn"], data["ttl"], data["max_ttl"]) == ("cn=vault,dc=example,dc=com", 60, 120)
    assert "bindpass" not in data


def test_a_role_is_created_read_listed_and_deleted(ad: ActiveDirectory) -> None:
    assert ad.create_or_update_role("app", service_account_name="app@example.com", ttl=30).status_code == 204
    assert ad.read_role("app")["data"] == {"service_account_name": "app@example.com", "ttl": 30}
    assert ad.list_roles()["data"]["keys"] == ["app"]
    assert ad.delete_role("app").status_code == 204
    with pytest.raises(exceptions.InvalidPath):
        ad.read_role("app")


def test_credentials_are_read(ad: ActiveDirectory) -> None:
    ad.create_or_update_role("web", service_account_name="web@example.com")
    found = ad.generate_credentials("web")["data"]
    assert found["username"] == "web"
    assert ad.generate_credentials("web")["data"] == found
