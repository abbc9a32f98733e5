"""The configuration of the Azure engine. Expected answers are from the plugin's public source and its tests."""

import asyncio

import pytest
from unit.helpers import START, call, world

from sandboxd.fakes import verify


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
        "rotation_policy": "",
        "disable_automated_rotation": False,
    }


def test_what_is_not_sent_again_stays(configured):
    call(configured, "POST", "azure/config", {"environment": "AzureUSGovernmentCloud"})
    data = call(configured, "GET", "azure/config").data
    assert (data["tenant_id"], data["environment"]) == ("tenant", "AzureUSGovernmentCloud")


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (
            {"environment": "Mars"},
            '1 error occurred:\n\t* err: no cloud configuration matching the name "Mars"\n\n',
        ),
        ({"environment": ""}, '1 error occurred:\n\t* err: no cloud configuration matching the name ""\n\n'),
        (
            {"environment": "AzureGermanCloud"},
            '1 error occurred:\n\t* err: no cloud configuration matching the name "AzureGermanCloud"\n\n',
        ),
        (
            {"identity_token_audience": "x", "environment": "Mars"},
            "only one of 'client_secret' or 'identity_token_audience' can be set",
        ),
        (
            {"rotation_period": 60, "rotation_schedule": "@daily", "identity_token_audience": "x"},
            (
                "mutually exclusive fields rotation_schedule and rotation_period were both specified; "
                "only one of them can be provided"
            ),
        ),
        ({"rotation_window": 3600}, "cannot use rotation_window without rotation_schedule"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(configured, sent, text):
    reply = call(configured, "POST", "azure/config", sent)
    assert (reply.status, reply.errors) == (400, [text])


def test_a_configuration_can_be_deleted(configured):
    assert call(configured, "DELETE", "azure/config").status == 204
    assert call(configured, "GET", "azure/config").data["tenant_id"] == ""


@pytest.mark.parametrize("environment", ["AzurePublicCloud", "AZURECHINACLOUD", "azureusgovernmentcloud"])
def test_environments_are_known_in_any_case(configured, environment):
    assert call(configured, "POST", "azure/config", {"environment": environment}).status == 204
    assert call(configured, "GET", "azure/config").data["environment"] == environment


def test_the_engine_can_be_set_up_with_identity_tokens(made):
    sent = {"subscription_id": "s", "tenant_id": "t", "identity_token_audience": "aud", "identity_token_ttl": 10}
    assert call(made, "POST", "azure/config", sent).status == 204
    data = call(made, "GET", "azure/config").data
    assert {name: data[name] for name in sent} == sent


def test_without_a_configuration_there_is_nothing_to_rotate(made):
    reply = call(made, "POST", "azure/rotate-root")
    assert (reply.status, reply.errors) == (500, ["1 error occurred:\n\t* config is nil\n\n"])


def test_a_rotated_root_credential_takes_over_after_a_minute(configured):
    assert call(configured, "POST", "azure/rotate-root").status == 204
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


def test_a_rotation_that_misses_its_window_waits_for_the_next_moment(configured):
    call(configured, "POST", "azure/config", {"rotation_schedule": "0 * * * *", "rotation_window": 60})
    configured.clock.advance(3600 + 300)
    asyncio.run(configured.timeline.advance(3300 - 1))
    mounted = configured.mounts.find(configured.namespaces.at(""), "azure/config")[0]
    assert not mounted.view.get("config").rotated_at
    asyncio.run(configured.timeline.advance(1))
    assert mounted.view.get("config").rotated_at == (START + 7200) * 10**9


def test_a_rotated_root_credential_is_a_fake(configured):
    call(configured, "POST", "azure/rotate-root")
    mounted = configured.mounts.find(configured.namespaces.at(""), "azure/config")[0]
    assert verify(mounted.view.get("config").new_client_secret).made_here


def test_openbao_has_no_such_engine():
    reply = call(world("openbao"), "POST", "sys/mounts/azure", {"type": "azure"})
    assert reply.status == 400
