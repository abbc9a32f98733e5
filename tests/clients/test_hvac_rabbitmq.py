"""hvac, unmodified: the RabbitMQ secrets engine. Nobody listens where its broker is said to be."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hvac import exceptions

if TYPE_CHECKING:
    import hvac
    from hvac.api.secrets_engines import RabbitMQ

EVERYTHING = {"/": {"configure": ".*", "write": ".*", "read": ".*"}}


@pytest.fixture
def rabbitmq(vault: hvac.Client, path: str) -> RabbitMQ:
    vault.sys.enable_secrets_engine("rabbitmq", path=path)
    answer = vault.secrets.rabbitmq.configure(
        connection_uri="http://127.0.0.1:1", username="u", password="p", verify_connection=False, mount_point=path
    )
    assert answer.status_code == 204
    return vault.secrets.rabbitmq


def test_a_role_is_created_read_and_deleted(rabbitmq: RabbitMQ, path: str) -> None:
    made = rabbitmq.create_role(
        "app", tags="administrator", vhosts=json.dumps(EVERYTHING), vhost_topics="{}", mount_point=path
    )
    assert made.status_code == 204
    data = rabbitmq.read_role("app", mount_point=path)["data"]
    assert data == {"tags": "administrator", "vhosts": EVERYTHING, "vhost_topics": {}}
    assert rabbitmq.delete_role("app", mount_point=path).status_code == 204
    with pytest.raises(exceptions.InvalidPath):
        rabbitmq.read_role("app", mount_point=path)


def test_permissions_must_be_json(rabbitmq: RabbitMQ, path: str) -> None:
    with pytest.raises(exceptions.InvalidRequest, match="failed to unmarshal vhosts: invalid character"):
        rabbitmq.create_role("app", tags="", vhosts="x", vhost_topics="", mount_point=path)


def test_the_length_of_leases_is_configured(rabbitmq: RabbitMQ, path: str) -> None:
    assert rabbitmq.configure_lease(1800, 3600, mount_point=path).status_code == 204


def test_a_user_is_had_and_revoked(vault: hvac.Client, rabbitmq: RabbitMQ, path: str, subject: str) -> None:
    if subject == "oracle":
        pytest.skip("OpenBao calls the broker, which is not there")
    rabbitmq.configure_lease(1800, 3600, mount_point=path)
    rabbitmq.create_role("app", tags="management", vhosts=json.dumps(EVERYTHING), vhost_topics="{}", mount_point=path)
    answer = rabbitmq.generate_credentials("app", mount_point=path)
    assert answer["data"]["username"].startswith("token-")
    assert answer["lease_duration"] == 1800
    assert vault.sys.renew_lease(answer["lease_id"])["lease_duration"] == 1800
    assert vault.sys.revoke_lease(answer["lease_id"]).status_code == 204
