"""Tokens with something inside."""

import base64
import json
from urllib.parse import urlsplit

import pytest

from sandboxd.fakes import OptionError, Status, generate, parts, verify


def test_a_discord_user_id_does_not_fit_64_signed_bits(source):
    user = generate("discord.bot_token", source).split(".")[0]
    snowflake = int(base64.urlsafe_b64decode(user + "=="))
    assert 2**63 <= snowflake < 10**19
    assert (snowflake >> 22) + 1420070400000 > 3.6e12  # Discord's epoch; the year 2084 and later, in milliseconds


def test_a_sentry_dsn_leads_to_this_machine(source):
    made = parts("sentry.dsn", source, {"project": 7})
    found = urlsplit(made["value"])
    assert (found.username, found.hostname, found.port, found.path) == (made["public_key"], "127.0.0.1", 9000, "/7")


def test_a_sentry_dsn_of_a_container_is_recognised(source):
    assert verify(generate("sentry.dsn", source, {"host": "sentry", "port": 0})).made_here
    with pytest.raises(OptionError):
        generate("sentry.dsn", source, {"host": "o1.ingest.sentry.io"})


def test_a_real_sentry_dsn_is_possibly_real():
    assert (
        verify("https://" + "0f9d3b1c5a7e48d2b6c1f0a9e8d7c6b5" + "@o1.ingest.sentry.io/1").status
        is Status.POSSIBLY_REAL
    )


def test_a_sentry_org_token_names_servers_that_cannot_be(source):
    value = generate("sentry.org_token", source, {"organization": "acme", "issued_at": 5})
    payload = json.loads(base64.b64decode(value.removeprefix("sntrys_").split("_")[0]))
    assert payload == {"iat": 5, "url": "https://sandboxd.invalid", "region_url": "https://us.sandboxd.invalid",
                       "org": "acme"}  # fmt: skip
    assert len(value.rsplit("_", 1)[1]) == 43


def test_a_grafana_cloud_token_is_of_no_organisation(source):
    payload = json.loads(base64.b64decode(generate("grafana.cloud_token", source).removeprefix("glc_")))
    assert (payload["o"], payload["m"]) == ("0", {"r": "invalid"})


@pytest.mark.parametrize("value", ["glc_eyJ" + "a" * 70, "sntrys_eyJ" + "a" * 90 + "_b", "glc_" + "bnVsbA=="])
def test_tokens_that_hold_no_json_are_not_ours(value):
    assert not verify(value).made_here
