"""The Azure engine. Expected answers are from Vault's documentation and the plugin's public source."""

import asyncio
import json

import pytest
from unit.helpers import START, call, world

from sandboxd.fakes import verify

CONFIG = {"subscription_id": "sub", "tenant_id": "tenant", "client_id": "app", "client_secret": "s3cret"}
AUDIENCES = ("AzureADMyOrg", "AzureADMultipleOrgs", "AzureADandPersonalMicrosoftAccount", "PersonalMicrosoftAccount")
WRONG_TYPE = "json: cannot unmarshal object into Go value of type []*azuresecrets.AzureRole"
READER = json.dumps([{"role_name": "Reader", "scope": "/subscriptions/sub"}])


@pytest.fixture
def made():
    made = world("vault")
    assert call(made, "POST", "sys/mounts/azure", {"type": "azure"}).status == 204
    return made


@pytest.fixture
def configured(made):
    assert call(made, "POST", "azure/config", CONFIG).status == 204
    return made


@pytest.fixture
def ready(configured):
    role = {"azure_roles": READER, "ttl": "1h", "max_ttl": "2h"}
    assert call(configured, "POST", "azure/roles/app", role).status == 204
    return configured


def test_the_configuration_is_read_back_without_its_secret(configured):
    assert call(configured, "GET", "azure/config").data == {
        "subscription_id": "sub",
        "tenant_id": "tenant",
        "environment": "",
        "client_id": "app",
        "root_password_ttl": 15768000,
        "identity_token_audience": "",
        "identity_token_ttl": 0,
        "rotation_schedule": "",
        "rotation_window": 0,
        "rotation_period": 0,
        "disable_automated_rotation": False,
    }


def test_what_is_not_sent_again_stays(configured):
    call(configured, "POST", "azure/config", {"environment": "AzureUSGovernmentCloud"})
    data = call(configured, "GET", "azure/config").data
    assert (data["tenant_id"], data["environment"]) == ("tenant", "AzureUSGovernmentCloud")


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ({"environment": "Mars"}, "invalid environment"),
        (
            {"identity_token_audience": "x"},
            "only one of 'client_secret' or 'identity_token_audience' can be set",
        ),
        ({"rotation_period": 60, "rotation_schedule": "@daily"}, "mutually exclusive fields"),
        ({"rotation_window": 3600}, "cannot use rotation_window without rotation_schedule"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(configured, sent, text):
    reply = call(configured, "POST", "azure/config", sent)
    assert reply.status == 400
    assert text in reply.errors[0]


def test_a_configuration_can_be_deleted(configured):
    assert call(configured, "DELETE", "azure/config").status == 204
    assert call(configured, "GET", "azure/config").data["tenant_id"] == ""


@pytest.mark.parametrize(
    ("sent", "text"),
    [({"tenant_id": "x"}, "subscription_id is required"), ({"subscription_id": "x"}, "tenant_id is required")],
)
def test_credentials_need_a_configuration(made, sent, text):
    call(made, "POST", "azure/config", sent)
    reply = call(made, "GET", "azure/creds/app")
    assert (reply.status, reply.errors) == (500, [f"1 error occurred:\n\t* {text}\n\n"])


def test_a_role_needs_a_configuration(made):
    reply = call(made, "POST", "azure/roles/app", {"azure_roles": READER})
    assert (reply.status, reply.errors) == (500, ["1 error occurred:\n\t* config is nil\n\n"])


def test_a_role_is_read_back_with_what_was_looked_up(ready):
    assert call(ready, "GET", "azure/roles/APP").data == {
        "ttl": 3600,
        "max_ttl": 7200,
        "explicit_max_ttl": 0,
        "azure_roles": [
            {
                "role_name": "Reader",
                "role_id": "/subscriptions/sub/providers/Microsoft.Authorization/roleDefinitions/"
                "acdd72a7-3385-48ef-bd42-f606fba81ae7",
                "scope": "/subscriptions/sub",
            }
        ],
        "azure_groups": None,
        "application_object_id": "",
        "permanently_delete": False,
        "persist_app": False,
        "sign_in_audience": "",
        "tags": None,
    }
    assert call(ready, "LIST", "azure/roles").data == {"keys": ["app"]}


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ({}, "either Azure role definitions, group definitions, or an Application Object ID must be provided"),
        (
            {"azure_roles": "[]"},
            "either Azure role definitions, group definitions, or an Application Object ID must be provided",
        ),
        ({"ttl": 2, "max_ttl": 1}, "ttl cannot be greater than max_ttl"),
        ({"ttl": 2, "explicit_max_ttl": 1}, "ttl cannot be greater than explicit_max_ttl"),
        ({"max_ttl": 2, "explicit_max_ttl": 1}, "max_ttl cannot be greater than explicit_max_ttl"),
        (
            {"sign_in_audience": "all"},
            f"Invalid value for sign_in_audience field. Valid values are: {', '.join(AUDIENCES)}",
        ),
        ({"tags": ["a b"]}, "whitespaces are not allowed in tags"),
        ({"tags": ["x" * 257]}, "individual tag size must be between 1 and 256 characters (inclusive)"),
        (
            {"application_object_id": "x", "permanently_delete": True},
            "permanently_delete must be false if application_object_id is provided",
        ),
        (
            {"azure_roles": "x"},
            "error parsing Azure roles 'x': invalid character 'x' looking for beginning of value",
        ),
        (
            {"azure_roles": "{}"},
            f"error parsing Azure roles '{{}}': {WRONG_TYPE}",
        ),
        ({"azure_roles": '[{"scope": "/"}]'}, "no role found for role_name: ''"),
        (
            {"azure_groups": '[{"object_id": "a"}, {"object_id": "a"}]'},
            "duplicate object_id 'a'",
        ),
    ],
)
def test_a_role_that_makes_no_sense_is_refused(configured, sent, text):
    reply = call(configured, "POST", "azure/roles/x", sent)
    assert (reply.status, reply.errors) == (400, [text])


def test_a_role_of_azure_is_not_assigned_twice_in_one_scope(configured):
    twice = json.dumps(json.loads(READER) * 2)
    reply = call(configured, "POST", "azure/roles/x", {"azure_roles": twice})
    assert reply.errors[0].startswith("duplicate role_id and scope: '/subscriptions/sub/providers/")


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


def test_credentials_are_renewed_up_to_the_explicit_maximum(ready):
    call(ready, "POST", "azure/roles/app", {"max_ttl": 0, "explicit_max_ttl": "90m"})
    lease = call(ready, "GET", "azure/creds/app").json["lease_id"]
    ready.clock.advance(3000)
    renewed = call(ready, "PUT", "sys/leases/renew", {"lease_id": lease, "increment": 36000}).json
    assert renewed["lease_duration"] == 5400 - 3000


def test_a_rotated_root_credential_takes_over_after_a_minute(configured):
    call(configured, "POST", "azure/rotate-root")
    assert "root_password_expiration_date" not in call(configured, "GET", "azure/config").data
    assert configured.ledger.find("s3cret").valid(configured.clock.now_ns())
    configured.clock.advance(60)
    assert call(configured, "GET", "azure/config").data["root_password_expiration_date"] == "2026-07-02T12:00:00Z"
    assert not configured.ledger.find("s3cret").valid(configured.clock.now_ns())


def test_the_root_credential_rotates_on_its_schedule(configured):
    call(configured, "POST", "azure/config", {"rotation_period": "24h"})
    asyncio.run(configured.timeline.advance(3 * 86400))
    assert configured.clock.now() == START + 3 * 86400
    mounted = configured.mounts.find(configured.namespaces.at(""), "azure/config")[0]
    assert configured.timers.of(mounted.entry.uuid).at("config") == (START + 4 * 86400) * 10**9


def test_openbao_has_no_such_engine():
    reply = call(world("openbao"), "POST", "sys/mounts/azure", {"type": "azure"})
    assert reply.status == 400
