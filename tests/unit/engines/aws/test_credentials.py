"""Simulated credentials of AWS. Expected answers are from Vault's public source and documentation, and AWS's limits."""

import asyncio
import re

import pytest
from unit.helpers import call

from sandboxd.fakes import Status, verify

POLICY_ARN = "arn:aws:iam::aws:policy/AdministratorAccess"
ROLE_ARN = "arn:aws:iam::123456789012:role/teams/Developer"
STS = {"assumed_role": {"role_arns": ROLE_ARN}, "federation_token": {"policy_arns": POLICY_ARN}, "session_token": {}}


def role(send, kind, name="app", **more):
    answer = send("POST", f"roles/{name}", {"credential_type": kind, **STS.get(kind, {}), **more})
    assert answer.status in (200, 204), answer.text


def test_a_user_has_an_access_key_and_no_token(send):
    role(send, "iam_user", policy_arns=POLICY_ARN)
    answer = send("GET", "creds/app").json
    assert set(answer["data"]) == {"access_key", "secret_key", "session_token", "security_token"}
    assert (answer["data"]["session_token"], answer["data"]["security_token"]) == (None, None)
    assert verify(answer["data"]["access_key"]).kind.name == "aws.access_key_id"
    assert verify(answer["data"]["secret_key"]).status is Status.MADE_HERE
    assert answer["renewable"] is True
    assert answer["lease_id"].startswith("aws/creds/app/")


def test_each_request_makes_another_key(send):
    role(send, "iam_user", policy_arns=POLICY_ARN)
    first, second = (send(method, "creds/app").data["access_key"] for method in ("GET", "POST"))
    assert first != second


def test_a_user_lasts_as_long_as_its_lease_and_is_renewed_by_the_same_rules(vault, send):
    send("POST", "config/lease", {"lease": "30m", "lease_max": "1h"})
    role(send, "iam_user", policy_arns=POLICY_ARN)
    answer = send("GET", "creds/app").json
    assert answer["lease_duration"] == 1800
    renewed = call(vault, "PUT", "sys/leases/renew", {"lease_id": answer["lease_id"]})
    assert renewed.json["lease_duration"] == 1800
    assert vault.ledger.find(answer["data"]["secret_key"]).valid(vault.clock.now_ns())
    asyncio.run(vault.timeline.advance(1800))
    assert vault.ledger.find(answer["data"]["secret_key"]).end == "expired"


@pytest.mark.parametrize("kind", STS)
@pytest.mark.parametrize("through", ["creds", "sts"])
def test_temporary_credentials_have_a_token_and_no_renewal(vault, send, kind, through):
    role(send, kind)
    answer = send("POST", f"{through}/app", {"ttl": "30m"}).json
    data = answer["data"]
    assert verify(data["access_key"]).kind.name == "aws.temporary_access_key_id"
    assert verify(data["session_token"]).status is Status.MADE_HERE
    assert data["security_token"] == data["session_token"]
    assert (data["ttl"], answer["lease_duration"], answer["renewable"]) == (1800, 1800, False)
    assert ("arn" in data) == (kind == "assumed_role")
    renewed = call(vault, "PUT", "sys/leases/renew", {"lease_id": answer["lease_id"]})
    assert renewed.errors == ["lease is not renewable"]
    assert call(vault, "PUT", "sys/leases/revoke", {"lease_id": answer["lease_id"]}).status == 204


def test_the_session_of_a_role_is_named_after_who_asks(send):
    role(send, "assumed_role")
    arn = send("GET", "creds/app").data["arn"]
    assert re.fullmatch(r"arn:aws:sts::123456789012:assumed-role/Developer/vault-token-app-1767225600-\w{20}", arn)


def test_the_session_of_a_role_is_named_as_the_client_says(send):
    role(send, "assumed_role", session_tags={"team": "shop"}, external_id="partner")
    arn = send("GET", "creds/app?role_session_name=me%20too").data["arn"]
    assert arn.endswith("assumed-role/Developer/me_too")
    assert send("POST", "sts/app", {"role_session_name": "n" * 70}).data["arn"].endswith("/" + "n" * 64)


@pytest.mark.parametrize(
    ("limits", "asked", "seconds"),
    [
        ({}, {}, 3600),
        ({"default_sts_ttl": "1h30m"}, {}, 5400),
        ({"default_sts_ttl": "1h30m"}, {"ttl": "20m"}, 1200),
        ({"max_sts_ttl": "30m"}, {}, 1800),
        ({"max_sts_ttl": "30m"}, {"ttl": "2h"}, 1800),
        ({}, {"ttl": 900}, 900),
    ],
)
def test_the_ttl_is_what_is_asked_for_within_the_role_s_limits(send, limits, asked, seconds):
    role(send, "assumed_role", **limits)
    assert send("POST", "sts/app", asked).data["ttl"] == seconds


def test_the_mount_limits_a_role_that_has_no_limit(vault, send):
    call(vault, "POST", "sys/mounts/aws/tune", {"max_lease_ttl": "20m"})
    role(send, "session_token")
    assert send("GET", "sts/app").data["ttl"] == 1200


@pytest.mark.parametrize(
    ("kind", "action", "what"),
    [
        ("assumed_role", "AssumeRole", "assuming role"),
        ("federation_token", "GetFederationToken", "generating STS keys"),
        ("session_token", "GetSessionToken", "generating STS keys"),
    ],
)
def test_the_sdk_asks_for_no_less_than_fifteen_minutes(send, kind, action, what):
    role(send, kind)
    answer = send("POST", "sts/app", {"ttl": 899})
    assert (answer.status, answer.errors) == (
        400,
        [
            (
                f"Error {what}: InvalidParameter: 1 validation error(s) found.\n"
                f"- minimum field value of 900, {action}Input.DurationSeconds.\n"
            )
        ],
    )


@pytest.mark.parametrize(("kind", "longest"), [("assumed_role", 43200), ("session_token", 129600)])
def test_aws_gives_no_more_than_it_says(send, kind, longest):
    role(send, kind)
    assert send("POST", "sts/app", {"ttl": longest}).data["ttl"] == longest
    text = send("POST", "sts/app", {"ttl": longest + 1}).errors[0]
    assert re.fullmatch(
        rf"Error [\w ]+: ValidationError: 1 validation error detected: Value '{longest + 1}' at 'durationSeconds' "
        rf"failed to satisfy constraint: Member must have value less than or equal to {longest}\n"
        r"\tstatus code: 400, request id: [0-9a-f-]{36}",
        text,
    )


def test_the_sdk_says_all_that_is_wrong_with_a_call(send):
    role(send, "assumed_role", role_arns="arn:x", external_id="x", policy_arns="arn:y", session_tags={"": "v"})
    assert send("GET", "creds/app").errors == [
        (
            "Error assuming role: InvalidParameter: 4 validation error(s) found.\n"
            "- minimum field size of 2, AssumeRoleInput.ExternalId.\n"
            "- minimum field size of 20, AssumeRoleInput.RoleArn.\n"
            "- minimum field size of 20, AssumeRoleInput.PolicyArns[0].Arn.\n"
            "- minimum field size of 1, AssumeRoleInput.Tags[0].Key.\n"
        )
    ]


def test_a_code_of_an_mfa_device_has_six_digits(send):
    role(send, "session_token", mfa_serial_number="GAHT12345678")
    assert send("POST", "sts/app", {"mfa_code": "123456"}).status == 200
    assert (
        "minimum field size of 6, GetSessionTokenInput.TokenCode"
        in send("POST", "sts/app", {"mfa_code": "1"}).errors[0]
    )


def test_an_unknown_role_is_told_by_its_name(send):
    for through in ("creds", "sts"):
        answer = send("GET", f"{through}/nobody")
        assert (answer.status, answer.errors) == (400, ['Role "nobody" not found'])


def test_which_role_to_assume_must_be_clear_and_allowed(send):
    role(send, "assumed_role", role_arns=[ROLE_ARN, ROLE_ARN + "2"])
    assert send("GET", "sts/app").errors == ["did not supply a role_arn parameter and unable to determine one"]
    assert (
        send("GET", f"sts/app?role_arn={ROLE_ARN}2")
        .data["arn"]
        .startswith("arn:aws:sts::123456789012:assumed-role/Developer2/")
    )
    assert send("POST", "sts/app", {"role_arn": "arn:x"}).errors == [
        'role_arn "arn:x" not in allowed role arns for Vault role "app"'
    ]
    role(send, "assumed_role", "none", role_arns="")
    assert send("POST", "sts/none", {"role_arn": ROLE_ARN}).status == 400


def test_a_federation_token_is_narrowed_down_to_something(send):
    role(send, "federation_token", policy_arns="")
    assert send("GET", "sts/app").errors == [
        "must specify at least one of policy_arns or policy_document with federation_token credential_type"
    ]
    role(send, "federation_token", policy_arns="", iam_groups="developers")
    assert send("GET", "sts/app").status == 200
    role(send, "federation_token", "inline", policy_arns="", policy_document="{}")
    assert send("GET", "sts/inline").status == 200


def test_a_legacy_role_gives_users_through_creds_and_sessions_through_sts(send):
    send("POST", "roles/policy", {"policy": "{}"})
    assert send("GET", "creds/policy").data["session_token"] is None
    assert send("GET", "sts/policy").data["session_token"]
    send("POST", "roles/user", {"arn": POLICY_ARN})
    assert send("GET", "sts/user").errors == [
        "attempted to retrieve iam_user credentials through the sts path; this is not allowed for legacy roles"
    ]
    send("POST", "roles/role", {"arn": ROLE_ARN})
    assert send("GET", "creds/role").errors == [
        "attempted to retrieve assumed_role credentials through the creds path; this is not allowed for legacy roles"
    ]
    assert send("GET", "sts/role").status == 200


def test_other_roles_give_whatever_they_are_for_either_way(send):
    role(send, "iam_user", policy_arns=POLICY_ARN)
    assert send("GET", "sts/app").data["session_token"] is None


@pytest.mark.parametrize(
    ("template", "kind", "text"),
    [
        ("{{", "iam_user", "unable to initialize username template: unable to parse template: "),
        ("{{.Nothing}}", "iam_user", "failed to generate username: unable to apply template: "),
        (
            "{{random 65}}",
            "iam_user",
            "the username generated by the template exceeds the IAM username length limits of 64 chars",
        ),
        (
            "{{random 33}}",
            "federation_token",
            "the username generated by the template exceeds the STS username length limits of 32 chars",
        ),
    ],
)
def test_a_template_that_gives_no_name_shows_when_it_is_used(send, template, kind, text):
    assert send("POST", "config/root", {"username_template": template}).status == 204
    role(send, kind, policy_arns=POLICY_ARN)
    answer = send("GET", "creds/app")
    assert answer.status == 500
    assert answer.errors[0].startswith(f"1 error occurred:\n\t* {text}")


def test_a_template_names_sessions_of_roles_too(send):
    send("POST", "config/root", {"username_template": "{{.Type}}-{{.PolicyName}}-{{.DisplayName}}"})
    role(send, "assumed_role")
    assert send("GET", "creds/app").data["arn"].endswith("/IAM-app-token")


def test_nothing_is_made_before_the_engine_is_configured(bare):
    no_key = (
        "NoCredentialProviders: no valid providers in chain. Deprecated.\n\tFor verbose messaging see "
        "aws.Config.CredentialsChainVerboseErrors"
    )
    call(bare, "POST", "aws/roles/user", {"credential_type": "iam_user"})
    call(bare, "POST", "aws/roles/session", {"credential_type": "session_token"})
    call(bare, "POST", "aws/roles/group", {"credential_type": "federation_token", "iam_groups": "g"})
    assert call(bare, "GET", "aws/creds/user").errors == [f"Error creating IAM user: {no_key}"]
    assert call(bare, "GET", "aws/creds/session").errors == ["could not obtain sts client"]
    assert call(bare, "GET", "aws/creds/group").errors == [no_key]


def test_sts_needs_a_region_for_each_of_its_endpoints(send):
    role(send, "session_token")
    one = {"sts_endpoint": "http://127.0.0.1:1", "sts_fallback_endpoints": "a", "sts_fallback_regions": "b"}
    assert send("POST", "config/root", {**one, "region": ""}).status == 204
    assert send("GET", "sts/app").errors == ["number of regions does not match number of endpoints"]
    send("POST", "config/root", {"sts_region": "us-east-2"})
    assert send("GET", "sts/app").status == 200


def test_all_that_can_be_said_of_a_user_is_taken(send):
    role(
        send,
        "iam_user",
        policy_arns=POLICY_ARN,
        policy_document="{}",
        iam_groups="g",
        iam_tags="a=b",
        user_path="/x/",
        permissions_boundary_arn=POLICY_ARN,
    )
    assert send("GET", "creds/app").status == 200
    role(send, "iam_user", policy_arns="short")
    assert send("GET", "creds/app").errors == [
        (
            "Error attaching user policy: InvalidParameter: 1 validation error(s) found.\n"
            "- minimum field size of 20, AttachUserPolicyInput.PolicyArn.\n"
        )
    ]
