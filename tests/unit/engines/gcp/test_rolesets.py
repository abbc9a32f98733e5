"""Rolesets. Expected answers are from the plugin's public source and its tests."""

import base64
import json

import pytest
from unit.helpers import START, call

PROJECT = "//cloudresourcemanager.googleapis.com/projects/shop"
BINDINGS = f'resource "{PROJECT}" {{ roles = ["roles/viewer", "roles/editor"] }}'
SHOWN = {PROJECT: ["roles/editor", "roles/viewer"]}
KEYS = {"project": "shop", "secret_type": "service_account_key", "bindings": BINDINGS}
TOKENS = {"project": "shop", "bindings": BINDINGS, "token_scopes": "https://www.googleapis.com/auth/cloud-platform"}
TEAPOT = 'resource "teapots/x" { roles = ["roles/viewer"] }'


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
            {"bindings": "@@"},
            "unable to parse bindings: unable to parse raw string bindings as valid HCL: At 1:1: illegal char",
        ),
        (
            {"bindings": TEAPOT},
            (
                "error getting service account and creating IAM bindings after creation: retry failed: "
                'invalid resource "teapots/x": unsupported resource type: teapots'
            ),
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


def test_a_roleset_can_be_rotated_and_so_can_the_key_of_its_tokens(made):
    call(made, "POST", "gcp/roleset/app", TOKENS)
    made.clock.advance(5)
    assert call(made, "POST", "gcp/roleset/app/rotate").status == 204
    email = call(made, "GET", "gcp/roleset/app").data["service_account_email"]
    assert email == f"vaultapp-{START + 5}@shop.iam.gserviceaccount.com"
    assert call(made, "POST", "gcp/roleset/app/rotate-key").status == 204
    call(made, "POST", "gcp/roleset/keys", KEYS)
    assert call(made, "POST", "gcp/roleset/keys/rotate-key").errors == [
        "cannot rotate key for non-access-token role set"
    ]


@pytest.mark.parametrize("path", ["rotate", "rotate-key", "key", "token"])
def test_without_its_roleset_a_path_serves_no_writes(made, path):
    reply = call(made, "POST", f"gcp/roleset/none/{path}")
    assert (reply.status, reply.errors) == (405, ["1 error occurred:\n\t* unsupported operation\n\n"])


def test_a_deleted_roleset_is_gone(made):
    call(made, "POST", "gcp/roleset/app", TOKENS)
    assert call(made, "DELETE", "gcp/roleset/app").status == 204
    assert call(made, "GET", "gcp/roleset/app").status == 404
    assert call(made, "DELETE", "gcp/roleset/app").status == 204


def test_a_roleset_for_keys_shows_no_scopes_and_is_warned_of_them(made):
    reply = call(made, "POST", "gcp/roleset/app", {**KEYS, "token_scopes": "x"})
    assert reply.warnings == ["ignoring token_scopes, only valid for 'access_token' secret type role set"]
    assert "token_scopes" not in call(made, "GET", "gcp/roleset/app").data


def test_an_update_that_makes_no_new_account_has_no_warnings(made):
    call(made, "POST", "gcp/roleset/app", KEYS)
    assert call(made, "POST", "gcp/roleset/app", {"token_scopes": "x"}).status == 204


def test_the_same_bindings_make_no_new_account(made):
    call(made, "POST", "gcp/roleset/app", TOKENS)
    made.clock.advance(60)
    call(made, "POST", "gcp/roleset/app", {"bindings": BINDINGS})
    email = call(made, "GET", "gcp/roleset/app").data["service_account_email"]
    assert email == f"vaultapp-{START}@shop.iam.gserviceaccount.com"


def test_what_an_account_cannot_be_named_becomes_a_hyphen(made):
    call(made, "POST", "gcp/roleset/my.role_x", TOKENS)
    email = call(made, "GET", "gcp/roleset/my.role_x").data["service_account_email"]
    assert email == f"vaultmy-role-x-{START}@shop.iam.gserviceaccount.com"
