"""The configuration of the AWS engine. Expected answers are from Vault's public source and its tests."""

import asyncio

import pytest
from unit.helpers import call, world

from sandboxd.fakes import verify

TEMPLATE = (
    '{{ if (eq .Type "STS") }}{{ printf "vault-%s-%s"  (unix_time) (random 20) | truncate 32 }}{{ else }}'
    '{{ printf "vault-%s-%s-%s" (printf "%s-%s" (.DisplayName) (.PolicyName) | truncate 42) (unix_time) (random 20) '
    "| truncate 64 }}{{ end }}"
)


def failure(answer):
    assert answer.status == 500
    return answer.errors[0].removeprefix("1 error occurred:\n\t* ").strip()


def test_the_configuration_is_read_back_without_its_secret(send):
    assert send("GET", "config/root").data == {
        "access_key": "AKIAROOT",
        "region": "eu-central-1",
        "iam_endpoint": "",
        "sts_endpoint": "",
        "sts_region": "",
        "sts_fallback_endpoints": [],
        "sts_fallback_regions": [],
        "max_retries": -1,
        "username_template": TEMPLATE,
        "role_arn": "",
        "identity_token_audience": "",
        "identity_token_ttl": 0,
        "rotation_policy": "",
        "rotation_schedule": "",
        "rotation_window": 0,
        "rotation_period": 0,
        "disable_automated_rotation": False,
    }


def test_nothing_is_read_before_it_is_configured(bare):
    assert call(bare, "GET", "aws/config/root").status == 404
    assert call(bare, "GET", "aws/config/lease").status == 404


def test_what_is_not_sent_again_stays_save_for_the_template(send):
    send("POST", "config/root", {"username_template": "vault-{{random 5}}", "max_retries": 3})
    assert send("GET", "config/root").data["username_template"] == "vault-{{random 5}}"
    send("POST", "config/root", {"region": "eu-west-1"})
    data = send("GET", "config/root").data
    assert (data["access_key"], data["max_retries"], data["region"]) == ("AKIAROOT", 3, "eu-west-1")
    assert data["username_template"] == TEMPLATE


def test_fallbacks_are_lists_also_with_commas(send):
    sent = {"sts_fallback_endpoints": "http://127.0.0.1:1,http://127.0.0.1:2", "sts_fallback_regions": ["a", "b"]}
    assert send("POST", "config/root", sent).status == 204
    data = send("GET", "config/root").data
    assert data["sts_fallback_endpoints"] == ["http://127.0.0.1:1", "http://127.0.0.1:2"]
    assert data["sts_fallback_regions"] == ["a", "b"]


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (
            {"sts_fallback_endpoints": "a,b", "sts_fallback_regions": "c"},
            "fallback endpoints and fallback regions must be the same length",
        ),
        (
            {"identity_token_audience": "vault"},
            "only one of 'access_key' or 'identity_token_audience' can be set",
        ),
        (
            {"access_key": "", "identity_token_audience": "vault"},
            "missing required 'role_arn' when 'identity_token_audience' is set",
        ),
        (
            {"rotation_schedule": "@daily", "rotation_period": 60},
            (
                "mutually exclusive fields rotation_schedule and rotation_period were both specified; only one of them "
                "can be provided"
            ),
        ),
        ({"rotation_window": 60}, "cannot use rotation_window without rotation_schedule"),
    ],
)
def test_what_does_not_go_together_is_refused(send, sent, text):
    answer = send("POST", "config/root", sent)
    assert (answer.status, answer.errors) == (400, [text])


def test_federation_takes_the_place_of_a_key(send):
    sent = {"access_key": "", "identity_token_audience": "vault", "role_arn": "arn:aws:iam::123456789012:role/vault"}
    assert send("POST", "config/root", {**sent, "identity_token_ttl": "2h"}).status == 204
    assert send("GET", "config/root").data["identity_token_ttl"] == 7200


def test_the_engine_s_own_key_is_rotated(vault, send):
    made = send("POST", "config/rotate-root").data["access_key"]
    assert verify(made).kind.name == "aws.access_key_id"
    assert send("GET", "config/root").data["access_key"] == made
    assert {vault.ledger.find(value).end for value in ("AKIAROOT", "s3cret")} == {"superseded"}


def test_the_engine_s_own_key_is_rotated_on_its_schedule(vault, send):
    send("POST", "config/root", {"rotation_period": "1h"})
    asyncio.run(vault.timeline.advance(3599))
    assert send("GET", "config/root").data["access_key"] == "AKIAROOT"
    asyncio.run(vault.timeline.advance(1))
    first = send("GET", "config/root").data["access_key"]
    asyncio.run(vault.timeline.advance(3600))
    assert send("GET", "config/root").data["access_key"] not in ("AKIAROOT", first)


def test_there_is_no_rotation_without_a_whole_key(bare):
    assert failure(call(bare, "POST", "aws/config/rotate-root")) == "no configuration found for config/root"
    call(bare, "POST", "aws/config/root", {"access_key": "AKIAROOT", "rotation_period": 60})
    text = "Cannot call config/rotate-root when either access_key or secret_key is empty"
    assert call(bare, "POST", "aws/config/rotate-root").errors == [text]
    assert not bare.timers.stirs(bare.clock.now_ns() + 10**12)


def test_leases_are_as_long_as_they_are_configured(send):
    assert send("POST", "config/lease", {"lease": "30m", "lease_max": "12h"}).status == 204
    assert send("GET", "config/lease").data == {"lease": "30m0s", "lease_max": "12h0m0s"}


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ({}, "'lease' is a required parameter"),
        ({"lease": "1h"}, "'lease_max' is a required parameter"),
        ({"lease": "1d", "lease_max": "x"}, 'Invalid lease: time: unknown unit "d" in duration "1d"'),
        ({"lease": 60, "lease_max": "1h"}, 'Invalid lease: time: missing unit in duration "60"'),
        ({"lease": "1h", "lease_max": "x"}, 'Invalid lease_max: time: invalid duration "x"'),
    ],
)
def test_a_lease_is_a_number_and_a_unit(send, sent, text):
    answer = send("POST", "config/lease", sent)
    assert (answer.status, answer.errors) == (400, [text])


def test_openbao_does_not_bring_the_engine():
    assert call(world(), "POST", "sys/mounts/aws", {"type": "aws"}).status == 400
