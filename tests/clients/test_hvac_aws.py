"""hvac, unmodified: the AWS secrets engine, which Vault has and OpenBao does not bring."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import hvac
import pytest
from clients.engines import client_of
from hvac import exceptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hvac.api.secrets_engines import Aws

POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ec2:Describe*", "Resource": "*"}]}
ROLE_ARN = "arn:aws:iam::123456789012:role/hvac"


@pytest.fixture(scope="module")
def client(subject: str) -> Iterator[hvac.Client]:
    with client_of(subject, "aws") as made:
        yield made


@pytest.fixture
def aws(client: hvac.Client) -> Aws:
    # As hvac's own tests have it: the names of hosts that are never asked.
    answer = client.secrets.aws.configure_root_iam_credentials(
        access_key="butts", secret_key="secret-butts", iam_endpoint="localhost", sts_endpoint="localhost"
    )
    assert answer.status_code == 204
    return client.secrets.aws


def test_the_engine_s_own_key_is_rotated(aws: Aws, client: hvac.Client) -> None:
    made = aws.rotate_root_iam_credentials()["data"]["access_key"]
    assert client.read("aws/config/root")["data"]["access_key"] == made != "butts"


def test_leases_are_configured_and_read(aws: Aws) -> None:
    assert aws.configure_lease("60s", "120s").status_code == 204
    assert aws.read_lease_config()["data"] == {"lease": "1m0s", "lease_max": "2m0s"}


def test_a_role_gives_users_that_end_with_their_lease(aws: Aws, client: hvac.Client) -> None:
    aws.configure_lease("60s", "120s")
    assert aws.create_or_update_role("user", "iam_user", POLICY, iam_tags={"team": "shop"}).status_code == 204
    role = aws.read_role("user")["data"]
    assert (role["credential_type"], json.loads(role["policy_document"])) == ("iam_user", POLICY)
    made = aws.generate_credentials("user")
    assert made["data"]["access_key"].startswith("AKIA")
    assert (made["lease_duration"], made["renewable"], made["data"]["session_token"]) == (60, True, None)
    assert client.sys.renew_lease(made["lease_id"])["lease_duration"] == 60
    client.sys.revoke_lease(made["lease_id"])
    with pytest.raises(exceptions.InvalidRequest):
        client.sys.read_lease(made["lease_id"])


@pytest.mark.parametrize("endpoint", ["creds", "sts"])
def test_a_role_is_assumed(aws: Aws, endpoint: str) -> None:
    aws.create_or_update_role("role", "assumed_role", POLICY, role_arns=[ROLE_ARN], max_sts_ttl="2h")
    made = aws.generate_credentials("role", role_arn=ROLE_ARN, ttl="30m", endpoint=endpoint, role_session_name="me")
    assert made["data"]["arn"] == "arn:aws:sts::123456789012:assumed-role/hvac/me"
    assert made["data"]["access_key"].startswith("ASIA")
    assert 1799 <= made["lease_duration"] <= 1800
    assert made["renewable"] is False


def test_a_federation_token_is_got(aws: Aws) -> None:
    aws.create_or_update_role("federated", "federation_token", policy_arns=["arn:aws:iam::aws:policy/ReadOnlyAccess"])
    assert aws.generate_credentials("federated", endpoint="sts")["data"]["session_token"]


def test_roles_of_old_are_taken(aws: Aws) -> None:
    assert aws.create_or_update_role("old", "iam_user", POLICY, policy_arns="", legacy_params=True)["warnings"]
    assert aws.read_role("old")["data"]["credential_type"] == "iam_user,federation_token"


def test_roles_are_listed_and_deleted(aws: Aws) -> None:
    aws.create_or_update_role("gone", "iam_user", POLICY)
    assert "gone" in aws.list_roles()["data"]["keys"]
    assert aws.delete_role("gone").status_code == 204
    with pytest.raises(exceptions.InvalidPath):
        aws.read_role("gone")
    with pytest.raises(exceptions.InvalidRequest, match='Role "gone" not found'):
        aws.generate_credentials("gone")
