"""The Google Cloud engine. Expected answers are from Vault's documentation and the plugin's public source."""

import asyncio
import base64
import json

import pytest
from unit.helpers import START, call, world

from sandboxd.fakes import verify

PROJECT = "//cloudresourcemanager.googleapis.com/projects/shop"
BINDINGS = f'resource "{PROJECT}" {{ roles = ["roles/viewer", "roles/editor"] }}'
SHOWN = {PROJECT: ["roles/editor", "roles/viewer"]}
KEYS = {"project": "shop", "secret_type": "service_account_key", "bindings": BINDINGS}
TOKENS = {"project": "shop", "bindings": BINDINGS, "token_scopes": "https://www.googleapis.com/auth/cloud-platform"}
STATIC = {
    "service_account_email": "app@shop.iam.gserviceaccount.com",
    "token_scopes": "https://www.googleapis.com/auth/cloud-platform",
}

NO_CREDENTIALS = (
    "configuration does not have credentials - this endpoint only works with user-provided JSON credentials explicitly "
    "provided via the config/ endpoint"
)
UNPARSED = "unable to parse bindings: unable to parse bindings: "


@pytest.fixture
def made():
    made = world("vault")
    assert call(made, "POST", "sys/mounts/gcp", {"type": "gcp"}).status == 204
    return made


def test_the_configuration_is_read_back_without_its_key(made):
    assert call(made, "GET", "gcp/config").status == 404
    call(made, "POST", "gcp/config", {"credentials": "{}", "ttl": "1h", "max_ttl": "4h"})
    assert call(made, "GET", "gcp/config").data == {
        "ttl": 3600,
        "max_ttl": 14400,
        "service_account_email": "",
        "identity_token_audience": "",
        "identity_token_ttl": 0,
        "rotation_schedule": "",
        "rotation_window": 0,
        "rotation_period": 0,
        "disable_automated_rotation": False,
    }


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ({"credentials": "x"}, "invalid credentials JSON file: invalid character 'x' looking for beginning of value"),
        (
            {"credentials": "{}", "identity_token_audience": "x"},
            "only one of 'credentials' or 'identity_token_audience' can be set",
        ),
        (
            {"identity_token_audience": "x"},
            "missing required 'service_account_email' when 'identity_token_audience' is set",
        ),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(made, sent, text):
    reply = call(made, "POST", "gcp/config", sent)
    assert (reply.status, reply.errors) == (400, [text])


@pytest.mark.parametrize(
    ("config", "text"),
    [
        (None, "no configuration"),
        (
            {"ttl": 1},
            NO_CREDENTIALS,
        ),
    ],
)
def test_only_a_key_that_was_given_can_be_rotated(made, config, text):
    if config is not None:
        call(made, "POST", "gcp/config", config)
    reply = call(made, "POST", "gcp/config/rotate-root")
    assert (reply.status, reply.errors) == (500, [f"1 error occurred:\n\t* {text}\n\n"])


def test_a_rotation_of_the_engines_key_tells_the_new_ones_id(made):
    call(made, "POST", "gcp/config", {"credentials": "{}"})
    reply = call(made, "POST", "gcp/config/rotate-root", waits=True)
    assert set(reply.data) == {"private_key_id"}
    assert len(reply.data["private_key_id"]) == 40


def test_the_engines_key_rotates_on_its_schedule(made):
    call(made, "POST", "gcp/config", {"credentials": "{}", "rotation_period": "24h"})
    asyncio.run(made.timeline.advance(86400))
    mounted = made.mounts.find(made.namespaces.at(""), "gcp/config")[0]
    assert made.timers.of(mounted.entry.uuid).at("config") == (START + 2 * 86400) * 10**9


@pytest.mark.parametrize(
    "bindings",
    [
        BINDINGS,
        base64.b64encode(BINDINGS.encode()).decode(),
        json.dumps({"resource": {PROJECT: {"roles": ["roles/viewer", "roles/editor"]}}}),
    ],
)
def test_a_roleset_has_an_account_of_its_own(made, bindings):
    assert call(made, "POST", "gcp/roleset/app", {**TOKENS, "bindings": bindings}).status == 204
    assert call(made, "GET", "gcp/roleset/app").data == {
        "secret_type": "access_token",
        "bindings": SHOWN,
        "service_account_email": f"vaultapp-{START}@shop.iam.gserviceaccount.com",
        "project": "shop",
        "token_scopes": ["https://www.googleapis.com/auth/cloud-platform"],
    }


@pytest.mark.parametrize("path", ["gcp/roleset", "gcp/rolesets"])
def test_rolesets_are_listed(made, path):
    assert call(made, "LIST", path).status == 404
    call(made, "POST", "gcp/roleset/app", TOKENS)
    assert call(made, "LIST", path).data == {"keys": ["app"]}


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"secret_type": "password"}, 'invalid "secret_type" value: "password"'),
        ({"project": None}, "project argument is required for new role set"),
        ({"project": ""}, "given empty project"),
        ({"token_scopes": None}, "token_scopes must be provided for creating access token role set"),
        ({"token_scopes": ""}, "cannot provide empty token_scopes"),
        ({"bindings": None}, "bindings are required for new role set"),
        ({"bindings": ""}, "bindings are empty"),
        ({"bindings": "{}"}, "unable to parse any bindings from given bindings HCL"),
        (
            {"bindings": 'resource "x" { roles = ["viewer"] }'},
            f"{UNPARSED}1 error occurred:\n\t* role 'viewer' must start with 'roles/' (line 1)\n\n",
        ),
    ],
)
def test_a_roleset_that_makes_no_sense_is_refused(made, changed, text):
    sent = {key: value for key, value in {**TOKENS, **changed}.items() if value is not None}
    reply = call(made, "POST", "gcp/roleset/app", sent)
    assert (reply.status, reply.errors) == (400, [text])


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"secret_type": "service_account_key"}, "cannot change secret_type after roleset creation"),
        ({"project": "other"}, "cannot change project for existing role set (old: shop, new: other)"),
    ],
)
def test_what_a_roleset_is_cannot_change(made, changed, text):
    call(made, "POST", "gcp/roleset/app", TOKENS)
    assert call(made, "POST", "gcp/roleset/app", changed).errors == [text]


def test_new_bindings_mean_a_new_account_and_new_scopes_do_not(made):
    call(made, "POST", "gcp/roleset/app", TOKENS)
    made.clock.advance(60)
    call(made, "POST", "gcp/roleset/app", {"token_scopes": ["a", "b"]})
    data = call(made, "GET", "gcp/roleset/app").data
    assert (data["token_scopes"], data["service_account_email"]) == (
        ["a", "b"],
        f"vaultapp-{START}@shop.iam.gserviceaccount.com",
    )
    call(made, "POST", "gcp/roleset/app", {"bindings": BINDINGS.replace("editor", "owner")})
    email = call(made, "GET", "gcp/roleset/app").data["service_account_email"]
    assert email == f"vaultapp-{START + 60}@shop.iam.gserviceaccount.com"


def test_an_accounts_name_is_never_too_long(made):
    call(made, "POST", "gcp/roleset/a-roleset-with-a-long-name", TOKENS)
    email = call(made, "GET", "gcp/roleset/a-roleset-with-a-long-name").data["service_account_email"]
    assert email == f"vaulta-roleset-with-{START}@shop.iam.gserviceaccount.com"


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


def test_a_key_cannot_be_renewed_once_its_bindings_changed(made):
    call(made, "POST", "gcp/roleset/app", KEYS)
    lease = call(made, "GET", "gcp/roleset/app/key?ttl=600", waits=True).json["lease_id"]
    assert call(made, "PUT", "sys/leases/renew", {"lease_id": lease}).status == 200
    call(made, "POST", "gcp/roleset/app", {"bindings": BINDINGS.replace("editor", "owner")})
    reply = call(made, "PUT", "sys/leases/renew", {"lease_id": lease})
    assert reply.status == 400
    assert "role set 'app' bindings were updated since secret was generated, cannot renew" in reply.errors[0]


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


def test_a_roleset_can_be_rotated_and_so_can_the_key_of_its_tokens(made):
    call(made, "POST", "gcp/roleset/app", TOKENS)
    made.clock.advance(5)
    assert call(made, "POST", "gcp/roleset/app/rotate").status == 204
    email = call(made, "GET", "gcp/roleset/app").data["service_account_email"]
    assert email == f"vaultapp-{START + 5}@shop.iam.gserviceaccount.com"
    assert call(made, "POST", "gcp/roleset/app/rotate-key").status == 204
    assert call(made, "POST", "gcp/roleset/none/rotate").errors == ["roleset 'none' not found"]
    call(made, "POST", "gcp/roleset/keys", KEYS)
    assert call(made, "POST", "gcp/roleset/keys/rotate-key").errors == [
        "cannot rotate key for non-access-token role set"
    ]


def test_a_static_account_is_read_back(made):
    assert call(made, "POST", "gcp/static-account/app", {**STATIC, "bindings": BINDINGS}).status == 204
    assert call(made, "GET", "gcp/static-account/app").data == {
        "service_account_project": "shop",
        "service_account_email": "app@shop.iam.gserviceaccount.com",
        "secret_type": "access_token",
        "bindings": SHOWN,
        "token_scopes": ["https://www.googleapis.com/auth/cloud-platform"],
    }
    assert call(made, "LIST", "gcp/static-accounts").data == {"keys": ["app"]}
    assert call(made, "GET", "gcp/static-account/app/token").status == 200
    assert call(made, "POST", "gcp/static-account/app/rotate-key").status == 204
    assert call(made, "DELETE", "gcp/static-account/app").status == 204
    assert call(made, "GET", "gcp/static-account/app").status == 404


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ({}, "email is required"),
        ({**STATIC, "secret_type": "x"}, 'invalid secret_type "x"'),
        (
            {"service_account_email": "a@b"},
            "non-empty token_scopes must be provided for generating access token secrets",
        ),
    ],
)
def test_a_static_account_that_makes_no_sense_is_refused(made, sent, text):
    reply = call(made, "POST", "gcp/static-account/app", sent)
    assert (reply.status, reply.errors) == (400, [text])


def test_an_impersonated_account_gives_tokens_for_as_long_as_it_says(made):
    call(made, "POST", "gcp/config", {"ttl": "10m", "max_ttl": "20m"})
    assert call(made, "POST", "gcp/impersonated-account/app", {**STATIC, "ttl": "15m"}).status == 204
    assert call(made, "GET", "gcp/impersonated-account/app").data == {
        "service_account_project": "shop",
        "service_account_email": "app@shop.iam.gserviceaccount.com",
        "token_scopes": ["https://www.googleapis.com/auth/cloud-platform"],
        "ttl": 900,
    }
    assert call(made, "GET", "gcp/impersonated-account/app/token").data["expires_at_seconds"] == START + 900
    call(made, "POST", "gcp/impersonated-account/app", {"ttl": "1h"})
    reply = call(made, "GET", "gcp/impersonated-account/app/token")
    assert reply.data["expires_at_seconds"] == START + 1200
    assert reply.warnings == [
        'using backend max ttl "20m0s" which is less than impersonated account ttl "1h0m0s" for token'
    ]


def test_openbao_has_no_such_engine():
    assert call(world("openbao"), "POST", "sys/mounts/gcp", {"type": "gcp"}).status == 400
