"""hvac, unmodified: the Google Cloud secrets engine, which Vault has and OpenBao does not bring."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import hvac
import pytest
from clients.engines import client_of
from hvac import exceptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hvac.api.secrets_engines import Gcp

BINDINGS = 'resource "//cloudresourcemanager.googleapis.com/projects/shop" { roles = ["roles/viewer"] }'
SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]


@pytest.fixture(scope="module")
def client(subject: str) -> Iterator[hvac.Client]:
    with client_of(subject, "gcp") as made:
        yield made


@pytest.fixture
def gcp(client: hvac.Client) -> Gcp:
    assert client.secrets.gcp.configure(credentials="{}", ttl=3600, max_ttl=7200).status_code == 204
    return client.secrets.gcp


def test_the_configuration_is_read_and_its_key_rotated(gcp: Gcp) -> None:
    assert gcp.read_config()["data"]["max_ttl"] == 7200
    assert len(gcp.rotate_root_credentials()["data"]["private_key_id"]) == 40


def test_a_roleset_gives_keys_that_end_with_their_lease(gcp: Gcp, client: hvac.Client) -> None:
    gcp.create_or_update_roleset("keys", "shop", BINDINGS, "service_account_key")
    key = gcp.generate_service_account_key("keys")
    assert json.loads(base64.b64decode(key["data"]["private_key_data"]))["type"] == "service_account"
    assert key["lease_duration"] == 3600
    client.sys.revoke_lease(key["lease_id"])
    with pytest.raises(exceptions.InvalidRequest):
        client.sys.read_lease(key["lease_id"])


def test_a_roleset_gives_access_tokens(gcp: Gcp) -> None:
    gcp.create_or_update_roleset("tokens", "shop", BINDINGS, token_scopes=SCOPES)
    assert "tokens" in gcp.list_rolesets()["data"]["keys"]
    assert gcp.generate_oauth2_access_token("tokens")["data"]["token"].startswith("ya29.")
    assert gcp.rotate_roleset_account("tokens").status_code == 204
    assert gcp.rotate_roleset_account_key("tokens").status_code == 204
    assert gcp.delete_roleset("tokens").status_code == 204


def test_static_accounts_give_what_they_are_for(gcp: Gcp) -> None:
    email = "app@shop.iam.gserviceaccount.com"
    gcp.create_or_update_static_account("app", email, secret_type="access_token", token_scopes=SCOPES)
    assert gcp.read_static_account("app")["data"]["service_account_project"] == "shop"
    assert gcp.generate_static_account_oauth2_access_token("app")["data"]["token_ttl"] == 3599
    assert gcp.rotate_static_account_key("app").status_code == 204
    with pytest.raises(exceptions.InvalidRequest, match="cannot generate service account keys"):
        gcp.generate_static_account_service_account_key("app")


def test_a_static_account_gives_keys(gcp: Gcp) -> None:
    email = "app@shop.iam.gserviceaccount.com"
    gcp.create_or_update_static_account("keys", email, BINDINGS, "service_account_key")
    key = gcp.generate_static_account_service_account_key("keys")
    assert json.loads(base64.b64decode(key["data"]["private_key_data"]))["client_email"].startswith("app@")
    assert "keys" in gcp.list_static_accounts()["data"]["keys"]
    assert gcp.delete_static_account("keys").status_code == 204


def test_impersonated_accounts_give_tokens(gcp: Gcp) -> None:
    gcp.create_or_update_impersonated_account("app", "app@shop.iam.gserviceaccount.com", token_scopes=SCOPES, ttl="30m")
    assert gcp.list_impersonated_accounts()["data"]["keys"] == ["app"]
    assert gcp.read_impersonated_account("app")["data"]["ttl"] == 1800
    assert gcp.generate_impersonated_account_oauth2_access_token("app")["data"]["token_ttl"] == 1799
    assert gcp.delete_impersonated_account("app").status_code == 204


def test_bindings_that_are_none_are_an_invalid_request(gcp: Gcp) -> None:
    with pytest.raises(exceptions.InvalidRequest, match="must be one of following formats"):
        gcp.create_or_update_roleset("bad", "shop", BINDINGS.replace("roles/viewer", "viewer"), "service_account_key")
