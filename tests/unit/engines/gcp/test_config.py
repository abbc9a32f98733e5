"""The configuration of the Google Cloud engine. Expected answers are from the plugin's public source and its tests."""

import asyncio
import json

import pytest
from unit.helpers import START, call, world

from sandboxd.fakes import verify

KEY_FILE = json.dumps({"client_email": "vault@shop.iam.gserviceaccount.com", "project_id": "shop"})
NO_CREDENTIALS = (
    "configuration does not have credentials - this endpoint only works with user-provided JSON credentials explicitly "
    "provided via the config/ endpoint"
)


def timer(made):
    mounted = made.mounts.find(made.namespaces.at(""), "gcp/config")[0]
    return made.timers.of(mounted.entry.uuid).at("config")


def test_the_configuration_is_read_back_without_its_key(made):
    assert call(made, "GET", "gcp/config").status == 404
    assert call(made, "POST", "gcp/config", {"credentials": "{}", "ttl": "1h", "max_ttl": "4h"}).status == 204
    assert call(made, "GET", "gcp/config").data == {
        "ttl": 3600,
        "max_ttl": 14400,
        "service_account_email": "",
        "identity_token_audience": "",
        "identity_token_ttl": 0,
        "rotation_schedule": "",
        "rotation_window": 0,
        "rotation_period": 0,
        "rotation_policy": "",
        "disable_automated_rotation": False,
    }


def test_what_is_not_sent_again_stays(made):
    call(made, "POST", "gcp/config", {"credentials": "{}", "ttl": "1h"})
    call(made, "POST", "gcp/config", {"max_ttl": 7200, "rotation_policy": "nightly"})
    data = call(made, "GET", "gcp/config").data
    assert (data["ttl"], data["max_ttl"], data["rotation_policy"]) == (3600, 7200, "nightly")


@pytest.mark.parametrize(
    ("credentials", "text"),
    [
        ("x", "invalid character 'x' looking for beginning of value"),
        ("", "unexpected end of JSON input"),
        ('{"client_email": ', "unexpected end of JSON input"),
        ("{} {}", "invalid character '{' after top-level value"),
        ("{} '", "invalid character '\\'' after top-level value"),
        ("[]", "json: cannot unmarshal array into Go value of type gcputil.GcpCredentials"),
    ],
)
def test_credentials_must_be_a_key_file(made, credentials, text):
    reply = call(made, "POST", "gcp/config", {"credentials": credentials})
    assert (reply.status, reply.errors) == (400, [f"invalid credentials JSON file: {text}"])


def test_a_key_file_may_have_more_than_is_known_of(made):
    credentials = f'{{"client_email": "a@b", "more": [1e999, {"1" * 5000}]}}'
    assert call(made, "POST", "gcp/config", {"credentials": credentials}).status == 204


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (
            {"credentials": "{}", "identity_token_audience": "x", "rotation_window": 1},
            "only one of 'credentials' or 'identity_token_audience' can be set",
        ),
        (
            {"identity_token_audience": "x", "rotation_window": 1},
            "missing required 'service_account_email' when 'identity_token_audience' is set",
        ),
        (
            {"rotation_period": 60, "rotation_schedule": "@daily"},
            (
                "mutually exclusive fields rotation_schedule and rotation_period were both specified; only one of them "
                "can be provided"
            ),
        ),
        ({"rotation_window": 3600}, "cannot use rotation_window without rotation_schedule"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(made, sent, text):
    reply = call(made, "POST", "gcp/config", sent)
    assert (reply.status, reply.errors) == (400, [text])
    assert call(made, "GET", "gcp/config").status == 404


def test_the_engine_can_be_set_up_with_identity_tokens(made):
    sent = {"identity_token_audience": "aud", "identity_token_ttl": 10, "service_account_email": "a@b"}
    assert call(made, "POST", "gcp/config", sent).status == 204
    data = call(made, "GET", "gcp/config").data
    assert {name: data[name] for name in sent} == sent


@pytest.mark.parametrize(("config", "text"), [(None, "no configuration"), ({"ttl": 1}, NO_CREDENTIALS)])
def test_only_a_key_that_was_given_can_be_rotated(made, config, text):
    if config is not None:
        call(made, "POST", "gcp/config", config)
    reply = call(made, "POST", "gcp/config/rotate-root")
    assert (reply.status, reply.errors) == (500, [f"1 error occurred:\n\t* {text}\n\n"])


def test_a_rotation_of_the_engines_key_tells_the_new_ones_id(made):
    call(made, "POST", "gcp/config", {"credentials": KEY_FILE})
    reply = call(made, "POST", "gcp/config/rotate-root", waits=True)
    assert set(reply.data) == {"private_key_id"}
    assert len(reply.data["private_key_id"]) == 40
    assert not made.ledger.find(KEY_FILE).valid(made.clock.now_ns())


def test_a_rotated_key_is_a_fake_of_the_same_account(made):
    call(made, "POST", "gcp/config", {"credentials": KEY_FILE})
    call(made, "POST", "gcp/config/rotate-root", waits=True)
    mounted = made.mounts.find(made.namespaces.at(""), "gcp/config")[0]
    kept = mounted.view.get("config").credentials
    assert verify(kept).made_here
    assert json.loads(kept)["client_email"].startswith("vault@")


def test_the_engines_key_rotates_on_its_schedule(made):
    call(made, "POST", "gcp/config", {"credentials": "{}", "rotation_period": "24h"})
    asyncio.run(made.timeline.advance(86400))
    assert timer(made) == (START + 2 * 86400) * 10**9


def test_a_rotation_that_misses_its_window_waits_for_the_next_moment(made):
    sent = {"credentials": KEY_FILE, "rotation_schedule": "0 * * * *", "rotation_window": 60}
    call(made, "POST", "gcp/config", sent)
    made.clock.advance(3600 + 300)
    asyncio.run(made.timeline.advance(3300 - 1))
    mounted = made.mounts.find(made.namespaces.at(""), "gcp/config")[0]
    assert mounted.view.get("config").credentials == KEY_FILE
    asyncio.run(made.timeline.advance(1))
    assert mounted.view.get("config").rotated_at == (START + 7200) * 10**9


def test_rotation_on_schedule_can_be_stopped(made):
    call(made, "POST", "gcp/config", {"credentials": "{}", "rotation_schedule": "0 0 * * *"})
    assert timer(made)
    call(made, "POST", "gcp/config", {"disable_automated_rotation": True})
    assert not timer(made)


def test_openbao_has_no_such_engine():
    assert call(world("openbao"), "POST", "sys/mounts/gcp", {"type": "gcp"}).status == 400
