"""hvac, unmodified: the Consul secrets engine, which Vault has and OpenBao does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import hvac
import pytest
from clients.engines import client_of
from hvac import exceptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hvac.api.secrets_engines import Consul


@pytest.fixture(scope="module")
def client(subject: str) -> Iterator[hvac.Client]:
    with client_of(subject, "consul") as made:
        yield made


@pytest.fixture
def consul(client: hvac.Client) -> Consul:
    answer = client.secrets.consul.configure_access("127.0.0.1:8500", "not-a-secret", scheme="https")
    assert answer.status_code == 204
    return client.secrets.consul


def test_a_role_is_created_read_listed_and_deleted(consul: Consul) -> None:
    made = consul.create_or_update_role("app", policies=["read", "write"], ttl="1h", max_ttl="2h", local=True)
    assert made.status_code == 204
    data = consul.read_role("app")["data"]
    assert (data["consul_policies"], data["ttl"], data["max_ttl"], data["local"]) == (
        ["read", "write"],
        3600,
        7200,
        True,
    )
    assert consul.list_roles()["data"]["keys"] == ["app"]
    assert consul.delete_role("app").status_code == 204
    with pytest.raises(exceptions.InvalidPath):
        consul.read_role("app")


def test_a_token_is_had_renewed_and_revoked(client: hvac.Client, consul: Consul) -> None:
    consul.create_or_update_role("app", policies=["read"], ttl="10m", max_ttl="1h")
    answer = consul.generate_credentials("app")
    assert set(answer["data"]) == {"token", "accessor", "local", "consul_namespace", "partition"}
    assert answer["lease_duration"] == 600
    assert client.sys.renew_lease(answer["lease_id"])["lease_duration"] == 600
    assert client.sys.revoke_lease(answer["lease_id"]).status_code == 204
    with pytest.raises(exceptions.InvalidRequest):
        client.sys.renew_lease(answer["lease_id"])


def test_a_token_of_the_old_kind_is_had(consul: Consul) -> None:
    consul.create_or_update_role("old", policy="a2V5ICIiIHt9", token_type="client")
    assert set(consul.generate_credentials("old")["data"]) == {"token"}


def test_a_role_without_anything_is_refused(consul: Consul) -> None:
    with pytest.raises(exceptions.InvalidRequest, match="Use either a policy document"):
        consul.create_or_update_role("empty")
