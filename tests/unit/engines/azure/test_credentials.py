"""Credentials of the Azure engine. Expected answers are from the plugin's public source and its tests."""

import json
import re

import pytest
from unit.helpers import call

from sandboxd.fakes import verify

READER = json.dumps([{"role_name": "Reader", "scope": "/subscriptions/sub"}])


@pytest.mark.parametrize(
    ("sent", "text"),
    [({"tenant_id": "x"}, "subscription_id is required"), ({"subscription_id": "x"}, "tenant_id is required")],
)
def test_credentials_need_a_configuration(made, sent, text):
    call(made, "POST", "azure/config", sent)
    reply = call(made, "GET", "azure/creds/app")
    assert (reply.status, reply.errors) == (500, [f"1 error occurred:\n\t* {text}\n\n"])


def test_credentials_are_leased_fakes(ready):
    reply = call(ready, "GET", "azure/creds/app").json
    assert set(reply["data"]) == {"client_id", "client_secret"}
    assert (reply["lease_duration"], reply["renewable"]) == (3600, True)
    assert verify(reply["data"]["client_secret"]).made_here
    assert ready.ledger.find(reply["data"]["client_secret"]).lease_id == reply["lease_id"]


def test_each_service_principal_is_another_one(ready):
    first, second = (call(ready, "GET", "azure/creds/app").data for _ in range(2))
    assert first["client_id"] != second["client_id"]


@pytest.mark.parametrize("role", [{"application_object_id": "there"}, {"azure_roles": READER, "persist_app": True}])
def test_secrets_of_one_application_share_its_id(configured, role):
    call(configured, "POST", "azure/roles/static", role)
    first, second = (call(configured, "GET", "azure/creds/static").data for _ in range(2))
    assert first["client_id"] == second["client_id"]
    assert first["client_secret"] != second["client_secret"]


def test_a_role_that_is_not_there_has_no_credentials(configured):
    reply = call(configured, "GET", "azure/creds/none")
    assert (reply.status, reply.errors) == (400, ["role 'none' does not exist"])


def test_a_secret_looks_like_one_of_azure(ready):
    secret = call(ready, "GET", "azure/creds/app").data["client_secret"]
    assert re.fullmatch(r"[0-9A-Za-z_~.-]{3}8Q~[0-9A-Za-z_~.-]{34}", secret)


def test_a_revoked_secret_is_not_valid(ready):
    reply = call(ready, "GET", "azure/creds/app").json
    call(ready, "PUT", "sys/leases/revoke", {"lease_id": reply["lease_id"], "sync": True})
    assert not ready.ledger.find(reply["data"]["client_secret"]).valid(ready.clock.now_ns())


def test_credentials_are_renewed_up_to_the_end_of_their_secret(ready):
    call(ready, "POST", "azure/roles/app", {"max_ttl": 0, "explicit_max_ttl": "90m"})
    lease = call(ready, "GET", "azure/creds/app").json["lease_id"]
    ready.clock.advance(600)
    renewed = call(ready, "PUT", "sys/leases/renew", {"lease_id": lease}).json
    assert (renewed["lease_duration"], renewed["renewable"]) == (3600, True)
    ready.clock.advance(2400)
    renewed = call(ready, "PUT", "sys/leases/renew", {"lease_id": lease}).json
    assert (renewed["lease_duration"], renewed["renewable"]) == (5400 - 3000, False)
    assert call(ready, "PUT", "sys/leases/renew", {"lease_id": lease}).errors == ["lease is not renewable"]


def test_the_explicit_maximum_bounds_the_lease(ready):
    call(ready, "POST", "azure/roles/app", {"ttl": 0, "max_ttl": 0, "explicit_max_ttl": "90m"})
    assert call(ready, "GET", "azure/creds/app").json["lease_duration"] == 5400


def test_metadata_of_the_role_wins_over_that_of_the_request(ready):
    assert "metadata" not in call(ready, "GET", "azure/creds/app").data
    call(ready, "POST", "azure/roles/app", {"metadata": {"team": "a"}})
    reply = call(ready, "GET", "azure/creds/app?metadata=team%3Db&metadata=for%3Dme")
    assert reply.data["metadata"] == {"team": "a", "for": "me"}


def test_a_lease_cannot_be_revoked_without_a_configuration(ready):
    lease = call(ready, "GET", "azure/creds/app").json["lease_id"]
    call(ready, "DELETE", "azure/config")
    reply = call(ready, "PUT", "sys/leases/revoke", {"lease_id": lease, "sync": True})
    assert "error during revoke: subscription_id is required" in reply.errors[0]


def test_a_lease_whose_role_is_gone_goes_on_as_it_was_made(ready):
    lease = call(ready, "GET", "azure/creds/app").json["lease_id"]
    call(ready, "DELETE", "azure/roles/app")
    assert call(ready, "PUT", "sys/leases/renew", {"lease_id": lease}).json["lease_duration"] == 3600
