"""Static and impersonated accounts. Expected answers are from the plugin's public source and its tests."""

import json

import pytest
from unit.helpers import call

PROJECT = "//cloudresourcemanager.googleapis.com/projects/shop"
BINDINGS = f'resource "{PROJECT}" {{ roles = ["roles/viewer", "roles/editor"] }}'
EMAIL = "app@shop.iam.gserviceaccount.com"
SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]
TOKENS = {"service_account_email": EMAIL, "token_scopes": SCOPES}
KEYS = {"service_account_email": EMAIL, "secret_type": "service_account_key"}
STATIC, IMPERSONATED = "gcp/static-account/app", "gcp/impersonated-account/app"


def test_a_static_account_is_read_back(made):
    assert call(made, "POST", STATIC, {**TOKENS, "bindings": BINDINGS}).status == 204
    assert call(made, "GET", STATIC).data == {
        "service_account_project": "shop",
        "service_account_email": EMAIL,
        "secret_type": "access_token",
        "bindings": {PROJECT: ["roles/editor", "roles/viewer"]},
        "token_scopes": SCOPES,
    }


def test_what_a_static_account_has_not_is_not_shown(made):
    call(made, "POST", STATIC, KEYS)
    assert call(made, "GET", STATIC).data == {
        "service_account_project": "shop",
        "service_account_email": EMAIL,
        "secret_type": "service_account_key",
    }


@pytest.mark.parametrize("kind", ["static-account", "impersonated-account"])
@pytest.mark.parametrize("end", ["", "s"])
def test_accounts_are_listed_and_deleted(made, kind, end):
    assert call(made, "LIST", f"gcp/{kind}{end}").status == 404
    call(made, "POST", f"gcp/{kind}/app", TOKENS)
    assert call(made, "LIST", f"gcp/{kind}{end}").data == {"keys": ["app"]}
    assert call(made, "DELETE", f"gcp/{kind}/app").status == 204
    assert call(made, "GET", f"gcp/{kind}/app").status == 404


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ({}, "email is required"),
        ({**TOKENS, "secret_type": ""}, "secret_type is required"),
        ({**TOKENS, "secret_type": "x"}, 'invalid secret_type "x"'),
        (
            {"service_account_email": "a@b"},
            "non-empty token_scopes must be provided for generating access_token secrets",
        ),
        (
            {**TOKENS, "bindings": "@@"},
            "unable to parse bindings: unable to parse raw string bindings as valid HCL: At 1:1: illegal char",
        ),
        (
            {**TOKENS, "bindings": 'resource "teapots/x" { roles = ["roles/viewer"] }'},
            'retry failed: invalid resource "teapots/x": unsupported resource type: teapots',
        ),
    ],
)
def test_a_static_account_that_makes_no_sense_is_refused(made, sent, text):
    reply = call(made, "POST", STATIC, sent)
    assert (reply.status, reply.errors) == (400, [text])


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ({"service_account_email": "other@shop.iam.gserviceaccount.com"}, "cannot update email"),
        ({"secret_type": "service_account_key"}, "cannot update secret_type"),
        ({"token_scopes": ""}, "non-empty token_scopes must be provided for generating access_token secrets"),
        (
            {"bindings": 'resource "teapots/x" { roles = ["roles/viewer"] }'},
            'unable to update: invalid resource "teapots/x": unsupported resource type: teapots',
        ),
    ],
)
def test_what_a_static_account_is_cannot_change(made, sent, text):
    call(made, "POST", STATIC, TOKENS)
    assert call(made, "POST", STATIC, sent).errors == [text]


def test_an_update_of_an_account_for_keys_must_say_so_again(made):
    call(made, "POST", STATIC, KEYS)
    assert call(made, "POST", STATIC, {"bindings": BINDINGS}).errors == ["cannot update secret_type"]
    sent = {"bindings": BINDINGS, "secret_type": "service_account_key"}
    assert call(made, "POST", STATIC, sent).status == 204
    assert call(made, "GET", STATIC).data["bindings"] == {PROJECT: ["roles/editor", "roles/viewer"]}


def test_bindings_can_be_taken_away(made):
    call(made, "POST", STATIC, {**TOKENS, "bindings": BINDINGS})
    assert call(made, "POST", STATIC, {"bindings": ""}).status == 204
    assert "bindings" not in call(made, "GET", STATIC).data


def test_scopes_are_nothing_to_an_account_for_keys(made):
    reply = call(made, "POST", STATIC, {**KEYS, "token_scopes": SCOPES})
    assert reply.warnings == ["ignoring non-empty token_scopes, secret type not access_token"]


@pytest.mark.parametrize("path", [STATIC, IMPERSONATED])
def test_scopes_in_another_order_are_the_same(made, path):
    call(made, "POST", path, {**TOKENS, "token_scopes": "a,b"})
    call(made, "POST", path, {"token_scopes": "b,a"})
    assert call(made, "GET", path).data["token_scopes"] == ["a", "b"]
    call(made, "POST", path, {"token_scopes": "c"})
    assert call(made, "GET", path).data["token_scopes"] == ["c"]


def test_only_the_key_of_an_account_for_tokens_can_be_rotated(made):
    assert call(made, "POST", f"{STATIC}/rotate-key").status == 405
    call(made, "POST", STATIC, TOKENS)
    assert call(made, "POST", f"{STATIC}/rotate-key").status == 204
    call(made, "POST", "gcp/static-account/keys", KEYS)
    reply = call(made, "POST", "gcp/static-account/keys/rotate-key")
    assert (reply.status, reply.errors) == (400, ["cannot rotate key for non-access-token static account"])


@pytest.mark.parametrize(
    ("email", "project"),
    [
        ("app@shop.iam.gserviceaccount.com", "shop"),
        ("app@shop.example.com.iam.gserviceaccount.com", "example.com:shop"),
        ("shop@appspot.gserviceaccount.com", "shop"),
        ("123-compute@developer.gserviceaccount.com", "own"),
    ],
)
def test_the_project_of_an_account_is_told_by_its_address(made, email, project):
    call(made, "POST", "gcp/config", {"credentials": json.dumps({"project_id": "own"})})
    call(made, "POST", STATIC, {**TOKENS, "service_account_email": email})
    assert call(made, "GET", STATIC).data["service_account_project"] == project


def test_an_impersonated_account_is_read_back(made):
    assert call(made, "POST", IMPERSONATED, {**TOKENS, "ttl": "15m"}).status == 204
    assert call(made, "GET", IMPERSONATED).data == {
        "service_account_project": "shop",
        "service_account_email": EMAIL,
        "token_scopes": SCOPES,
        "ttl": 900,
    }


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ({}, "email is required"),
        ({"service_account_email": EMAIL}, "non-empty token_scopes must be provided for generating secrets"),
    ],
)
def test_an_impersonated_account_that_makes_no_sense_is_refused(made, sent, text):
    reply = call(made, "POST", IMPERSONATED, sent)
    assert (reply.status, reply.errors) == (400, [text])


def test_an_impersonated_account_keeps_its_address_and_what_is_not_sent(made):
    call(made, "POST", IMPERSONATED, {**TOKENS, "ttl": 60})
    assert call(made, "POST", IMPERSONATED, {"service_account_email": "a@b"}).errors == ["cannot update email"]
    assert call(made, "POST", IMPERSONATED, {"token_scopes": "a"}).status == 204
    data = call(made, "GET", IMPERSONATED).data
    assert (data["ttl"], data["token_scopes"]) == (60, ["a"])
