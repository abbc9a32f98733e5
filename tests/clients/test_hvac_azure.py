"""hvac, unmodified: the Azure secrets engine, which Vault has and OpenBao does not bring."""

from __future__ import annotations

from typing import TYPE_CHECKING

import hvac
import pytest
from clients.engines import client_of
from hvac import exceptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hvac.api.secrets_engines import Azure

ROLES = [{"role_name": "Reader", "scope": "/subscriptions/1/resourceGroups/shop"}]


@pytest.fixture(scope="module")
def client(subject: str) -> Iterator[hvac.Client]:
    with client_of(subject, "azure") as made:
        yield made


@pytest.fixture
def azure(client: hvac.Client) -> Azure:
    answer = client.secrets.azure.configure("1", "2", "3", "not-a-secret", "AzurePublicCloud")
    assert answer.status_code == 204
    return client.secrets.azure


def test_the_configuration_is_read_without_its_secret_and_deleted(azure: Azure) -> None:
    found = azure.read_config()
    assert (found["subscription_id"], found["environment"]) == ("1", "AzurePublicCloud")
    assert "client_secret" not in found
    assert azure.delete_config().status_code == 204


def test_a_role_gives_credentials_that_end_with_their_lease(azure: Azure, client: hvac.Client) -> None:
    assert azure.create_or_update_role("app", ROLES, ttl="1h", max_ttl="2h").status_code == 204
    assert azure.list_roles() == {"keys": ["app"]}
    assert set(azure.generate_credentials("app")) == {"client_id", "client_secret"}
    (lease,) = client.sys.list_leases("azure/creds/app/")["data"]["keys"]
    client.sys.revoke_lease(f"azure/creds/app/{lease}")
    with pytest.raises(exceptions.InvalidPath):
        client.sys.list_leases("azure/creds/app/")


def test_a_role_that_is_not_there_is_an_invalid_request(azure: Azure) -> None:
    with pytest.raises(exceptions.InvalidRequest, match="role 'none' does not exist"):
        azure.generate_credentials("none")


def test_a_role_that_keeps_its_application_adds_secrets_to_it(azure: Azure, client: hvac.Client) -> None:
    azure.create_or_update_role("static", ROLES)
    client.write_data("azure/roles/static", data={"persist_app": True})
    first, second = (azure.generate_credentials("static") for _ in range(2))
    assert first["client_id"] == second["client_id"]
    assert first["client_secret"] != second["client_secret"]


def test_static_roles_and_rotations_go_through_the_generic_methods(azure: Azure, client: hvac.Client) -> None:
    client.write_data("azure/static-roles/app", data={"application_object_id": "there", "ttl": "8760h"})
    first = client.read("azure/static-creds/app")["data"]
    client.write_data("azure/rotate-role/app", data={})
    assert client.read("azure/static-creds/app")["data"]["client_secret"] != first["client_secret"]
    assert client.write_data("azure/rotate-root", data={}).status_code == 204
