"""Keys and tokens. Expected answers are from the plugin's public source and Vault's documentation."""

import base64
import json

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.hazmat.primitives.serialization.pkcs12 import load_key_and_certificates
from unit.helpers import START, call

from sandboxd.fakes import verify

PROJECT = "//cloudresourcemanager.googleapis.com/projects/shop"
BINDINGS = f'resource "{PROJECT}" {{ roles = ["roles/viewer", "roles/editor"] }}'
KEYS = {"project": "shop", "secret_type": "service_account_key", "bindings": BINDINGS}
TOKENS = {"project": "shop", "bindings": BINDINGS, "token_scopes": "https://www.googleapis.com/auth/cloud-platform"}
STATIC = {
    "service_account_email": "app@shop.iam.gserviceaccount.com",
    "token_scopes": "https://www.googleapis.com/auth/cloud-platform",
}
STATIC_KEYS = {"service_account_email": "app@shop.iam.gserviceaccount.com", "secret_type": "service_account_key"}
ENUM = "type.googleapis.com/google.iam.admin.v1."


def renewal(made, lease):
    reply = call(made, "PUT", "sys/leases/renew", {"lease_id": lease})
    return reply.json["lease_duration"] if reply.status == 200 else reply.errors[0].partition("retry failed: ")[2]


@pytest.mark.parametrize("path", ["gcp/roleset/app/key", "gcp/key/app"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_key_is_a_leased_fake(made, path, method):
    call(made, "POST", "gcp/config", {"ttl": "1h", "max_ttl": "2h"})
    call(made, "POST", "gcp/roleset/app", KEYS)
    reply = call(made, method, path, waits=True).json
    assert (reply["lease_duration"], reply["renewable"]) == (3600, True)
    data = reply["data"]
    assert (data["key_algorithm"], data["key_type"]) == ("KEY_ALG_RSA_2048", "TYPE_GOOGLE_CREDENTIALS_FILE")
    text = base64.b64decode(data["private_key_data"]).decode()
    assert verify(text).made_here
    assert json.loads(text)["client_email"].startswith("vaultapp-")
    assert json.loads(text)["token_uri"].startswith("http://127.0.0.1")
    assert made.ledger.find(data["private_key_data"]).lease_id == reply["lease_id"]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_static_account_gives_keys(made, method):
    call(made, "POST", "gcp/static-account/app", STATIC_KEYS)
    reply = call(made, method, "gcp/static-account/app/key", waits=True).json
    text = base64.b64decode(reply["data"]["private_key_data"]).decode()
    assert json.loads(text)["client_email"].startswith("app@")
    assert reply["lease_id"].startswith("gcp/static-account/app/key/")


def test_a_key_file_has_all_that_googles_libraries_ask_of_one(made):
    call(made, "POST", "gcp/roleset/app", KEYS)
    data = call(made, "GET", "gcp/roleset/app/key", waits=True).data
    members = json.loads(base64.b64decode(data["private_key_data"]))
    assert {"type", "client_email", "token_uri", "private_key", "private_key_id", "project_id"} <= set(members)
    assert load_pem_private_key(members["private_key"].encode(), None).key_size == 2048


def test_a_key_can_come_as_pkcs12(made):
    call(made, "POST", "gcp/roleset/app", KEYS)
    data = call(made, "POST", "gcp/roleset/app/key", {"key_type": "TYPE_PKCS12_FILE"}, waits=True).data
    assert data["key_type"] == "TYPE_PKCS12_FILE"
    raw = base64.b64decode(data["private_key_data"])
    key, certificate, _ = load_key_and_certificates(raw, b"notasecret")
    assert key.public_key() == certificate.public_key()


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ({"key_algorithm": "X"}, f"'key_algorithm' ({ENUM}ServiceAccountKeyAlgorithm), \"X\", invalid"),
        ({"key_type": "X"}, f"'private_key_type' ({ENUM}ServiceAccountPrivateKeyType), \"X\", invalid"),
    ],
)
def test_google_knows_no_other_keys(made, sent, text):
    call(made, "POST", "gcp/roleset/app", KEYS)
    reply = call(made, "POST", "gcp/roleset/app/key", sent)
    assert (reply.status, reply.errors) == (400, [f"googleapi: Error 400: Invalid value at {text}"])


def test_a_key_lasts_as_long_as_asked_and_then_as_configured(made):
    call(made, "POST", "gcp/config", {"ttl": "1h", "max_ttl": "2h"})
    call(made, "POST", "gcp/roleset/app", KEYS)
    reply = call(made, "GET", "gcp/roleset/app/key?ttl=600", waits=True).json
    assert reply["lease_duration"] == 600
    assert renewal(made, reply["lease_id"]) == 3600


@pytest.mark.parametrize(
    ("path", "sent", "kind"),
    [("gcp/roleset/app", KEYS, "role set"), ("gcp/static-account/app", STATIC_KEYS, "static account")],
)
def test_a_key_cannot_be_renewed_once_its_bindings_changed(made, path, sent, kind):
    call(made, "POST", path, sent)
    lease = call(made, "GET", f"{path}/key", waits=True).json["lease_id"]
    assert isinstance(renewal(made, lease), int)
    bindings = BINDINGS.replace("editor", "owner")
    assert call(made, "POST", path, {"bindings": bindings, "secret_type": "service_account_key"}).status == 204
    text = f"{kind} 'app' bindings were updated since secret was generated, cannot renew"
    assert text in renewal(made, lease)
    call(made, "DELETE", path)
    assert f'could not find {kind} "app" to verify secret' in renewal(made, lease)


def test_a_key_is_not_renewed_when_its_account_was_replaced(made):
    call(made, "POST", "gcp/roleset/app", KEYS)
    lease = call(made, "GET", "gcp/roleset/app/key", waits=True).json["lease_id"]
    made.clock.advance(1)
    call(made, "POST", "gcp/roleset/app/rotate")
    assert "context deadline exceeded" in renewal(made, lease)


def test_a_revoked_key_is_not_valid(made):
    call(made, "POST", "gcp/roleset/app", KEYS)
    reply = call(made, "GET", "gcp/roleset/app/key", waits=True).json
    call(made, "PUT", "sys/leases/revoke", {"lease_id": reply["lease_id"], "sync": True})
    assert not made.ledger.find(reply["data"]["private_key_data"]).valid(made.clock.now_ns())


@pytest.mark.parametrize("path", ["gcp/roleset/app/token", "gcp/token/app"])
def test_an_access_token_has_no_lease_and_expires_by_itself(made, path):
    call(made, "POST", "gcp/roleset/app", TOKENS)
    reply = call(made, "GET", path).json
    assert reply["lease_id"] == ""
    assert reply["data"]["expires_at_seconds"] == START + 3600
    assert reply["data"]["token_ttl"] == 3599
    token = reply["data"]["token"]
    assert verify(token).made_here
    assert made.ledger.find(token).valid(made.clock.now_ns())
    made.clock.advance(3600)
    assert not made.ledger.find(token).valid(made.clock.now_ns())


@pytest.mark.parametrize(
    ("kind", "path", "text"),
    [
        (KEYS, "gcp/token/app", "role set 'app' cannot generate access tokens (has secret type service_account_key)"),
        (TOKENS, "gcp/key/app", 'role set "app" cannot generate service account keys (has secret type access_token)'),
        (TOKENS, "gcp/token/none", "role set 'none' does not exists"),
        (TOKENS, "gcp/key/none", 'role set "none" does not exists'),
        (TOKENS, "gcp/static-account/none/key", 'static account "none" does not exists'),
        (TOKENS, "gcp/static-account/none/token", 'static account "none" does not exists'),
        (TOKENS, "gcp/impersonated-account/none/token", 'impersonated account "none" does not exists'),
    ],
)
def test_what_an_account_does_not_give_is_refused(made, kind, path, text):
    call(made, "POST", "gcp/roleset/app", kind)
    reply = call(made, "GET", path)
    assert (reply.status, reply.errors) == (400, [text])


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("kind", ["static-account", "impersonated-account"])
def test_other_accounts_give_tokens_too(made, method, kind):
    call(made, "POST", f"gcp/{kind}/app", STATIC)
    data = call(made, method, f"gcp/{kind}/app/token").data
    assert data["token"].startswith("ya29.")
    assert (data["token_ttl"], data["expires_at_seconds"]) == (3599, START + 3600)


def test_an_impersonated_account_gives_tokens_for_as_long_as_it_says(made):
    call(made, "POST", "gcp/config", {"ttl": "10m", "max_ttl": "20m"})
    call(made, "POST", "gcp/impersonated-account/app", {**STATIC, "ttl": "15m"})
    assert call(made, "GET", "gcp/impersonated-account/app/token").data["expires_at_seconds"] == START + 900


@pytest.mark.parametrize(
    ("config", "ttl", "lasts", "warning"),
    [
        (
            {"ttl": "10m", "max_ttl": "20m"},
            "1h",
            1200,
            'using backend max ttl "20m0s" which is less than impersonated account ttl "1h0m0s" for token',
        ),
        (
            {"ttl": "10m"},
            0,
            600,
            'using backend default ttl "10m0s" since impersonated account ttl not configured for token',
        ),
        (
            {},
            "1m",
            3600,
            'using backend max ttl "0s" which is less than impersonated account ttl "1m0s" for token',
        ),
    ],
)
def test_the_engines_times_bound_those_of_impersonated_accounts(made, config, ttl, lasts, warning):
    call(made, "POST", "gcp/config", config)
    call(made, "POST", "gcp/impersonated-account/app", {**STATIC, "ttl": ttl})
    reply = call(made, "GET", "gcp/impersonated-account/app/token")
    assert reply.data["expires_at_seconds"] == START + lasts
    assert reply.warnings == [warning]


def test_google_gives_no_token_for_more_than_twelve_hours(made):
    call(made, "POST", "gcp/config", {"max_ttl": "24h"})
    call(made, "POST", "gcp/impersonated-account/app", {**STATIC, "ttl": "13h"})
    reply = call(made, "GET", "gcp/impersonated-account/app/token")
    text = "unable to generate token source: impersonate: max lifetime is 12 hours"
    assert (reply.status, reply.errors) == (400, [text])


@pytest.mark.parametrize(
    ("sent", "path", "text"),
    [
        (STATIC, "key", "cannot generate service account keys (has secret type access_token)"),
        (STATIC_KEYS, "token", "cannot generate access tokens (has secret type service_account_key)"),
    ],
)
def test_a_static_account_gives_one_thing_only(made, sent, path, text):
    call(made, "POST", "gcp/static-account/app", sent)
    reply = call(made, "GET", f"gcp/static-account/app/{path}")
    assert (reply.status, reply.errors) == (400, [f'static account "app" {text}'])
