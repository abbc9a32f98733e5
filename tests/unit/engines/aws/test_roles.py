"""Roles of the AWS engine. Expected answers are from Vault's public source and its tests."""

import json

import pytest

POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
COMPACT = json.dumps(POLICY, separators=(",", ":"))
INDENTED = json.dumps(POLICY, indent=4)
POLICY_ARN = "arn:aws:iam::aws:policy/AdministratorAccess"
ROLE_ARN = "arn:aws:iam::123456789012:role/Developer"
UNSET = {
    "role_arns": None,
    "policy_arns": None,
    "policy_document": "",
    "iam_groups": None,
    "iam_tags": None,
    "session_tags": None,
    "external_id": "",
    "default_sts_ttl": 0,
    "max_sts_ttl": 0,
    "user_path": "",
    "permissions_boundary_arn": "",
    "mfa_serial_number": "",
}


def test_a_role_is_read_back_as_it_was_written(send):
    sent = {
        "credential_type": "iam_user",
        "policy_arns": POLICY_ARN,
        "policy_document": INDENTED,
        "iam_groups": ["admins", "devs"],
        "iam_tags": ["team=shop", "stage=test"],
        "user_path": "/apps/",
        "permissions_boundary_arn": "arn:aws:iam::123456789012:policy/Bound",
    }
    assert send("POST", "roles/app", sent).status == 204
    assert send("GET", "roles/app").data == {
        **UNSET,
        **sent,
        "policy_arns": [POLICY_ARN],
        "policy_document": COMPACT,
        "iam_tags": {"team": "shop", "stage": "test"},
    }


def test_what_was_never_written_is_null_and_what_was_emptied_is_not(send):
    send("POST", "roles/app", {"credential_type": "assumed_role", "role_arns": ROLE_ARN})
    assert send("GET", "roles/app").data == {**UNSET, "credential_type": "assumed_role", "role_arns": [ROLE_ARN]}
    send("POST", "roles/app", {"role_arns": "", "session_tags": {}})
    data = send("GET", "roles/app").data
    assert (data["role_arns"], data["session_tags"]) == ([], {})


def test_what_is_not_sent_again_stays(send):
    send("POST", "roles/app", {"credential_type": "assumed_role", "role_arns": ROLE_ARN, "max_sts_ttl": "2h"})
    send("POST", "roles/app", {"external_id": "x"})
    data = send("GET", "roles/app").data
    assert (data["role_arns"], data["max_sts_ttl"], data["external_id"]) == ([ROLE_ARN], 7200, "x")


def test_a_session_of_the_engine_itself_may_name_an_mfa_device(send):
    sent = {"credential_type": "session_token", "mfa_serial_number": "GAHT12345678"}
    assert send("POST", "roles/app", sent).status == 204
    assert send("GET", "roles/app").data["mfa_serial_number"] == "GAHT12345678"


def test_roles_are_listed_and_deleted(send):
    assert send("LIST", "roles").status == 404
    send("POST", "roles/b", {"credential_type": "iam_user"})
    send("POST", "roles/a@x.y", {"credential_type": "iam_user"})
    assert send("LIST", "roles").data == {"keys": ["a@x.y", "b"]}
    assert send("DELETE", "roles/b").status == 204
    assert send("DELETE", "roles/b").status == 204
    assert send("GET", "roles/b").status == 404


@pytest.mark.parametrize(
    ("sent", "faults"),
    [
        ({}, ["did not supply credential_type"]),
        ({"credential_type": "cat"}, ["unrecognized credential type: cat"]),
        (
            {"credential_type": "iam_user", "default_sts_ttl": 60, "max_sts_ttl": 30},
            [
                (
                    "default_sts_ttl parameter only valid for assumed_role, federation_token, and session_token "
                    "credential types"
                ),
                (
                    "max_sts_ttl parameter only valid for assumed_role, federation_token, and session_token "
                    "credential types"
                ),
                '"default_sts_ttl" value must be less than or equal to "max_sts_ttl" value',
            ],
        ),
        (
            {"credential_type": "assumed_role", "user_path": "apps"},
            [
                "user_path parameter only valid for iam_user credential type",
                r'the specified value for user_path is invalid. It must match "^\\/([\\x21-\\x7F]{0,510}\\/)?$" regexp',
            ],
        ),
        (
            {"credential_type": "assumed_role", "permissions_boundary_arn": POLICY_ARN},
            ["cannot supply permissions_boundary_arn when credential_type isn't iam_user"],
        ),
        (
            {"credential_type": "cat", "permissions_boundary_arn": "x"},
            ["invalid permissions_boundary_arn parameter: arn: invalid prefix"],
        ),
        (
            {"credential_type": "iam_user", "permissions_boundary_arn": "arn:aws:iam"},
            ["invalid permissions_boundary_arn parameter: arn: not enough sections"],
        ),
        (
            {"credential_type": "iam_user", "permissions_boundary_arn": "arn:aws:s3:::bucket"},
            ["invalid permissions_boundary_arn parameter: expected a service of iam but got s3"],
        ),
        (
            {"credential_type": "iam_user", "permissions_boundary_arn": ROLE_ARN},
            ["invalid permissions_boundary_arn parameter: expected a resource type of policy but got role/Developer"],
        ),
        (
            {"credential_type": "session_token", "policy_arns": POLICY_ARN},
            ["cannot supply a policy or role when using credential_type session_token"],
        ),
        (
            {"credential_type": "iam_user", "role_arns": ROLE_ARN, "session_tags": "a=b", "external_id": "x"},
            [
                "cannot supply role_arns when credential_type isn't assumed_role",
                "cannot supply session_tags when credential_type isn't assumed_role",
                "cannot supply external_id when credential_type isn't assumed_role",
            ],
        ),
    ],
)
def test_a_role_that_makes_no_sense_is_refused_with_all_that_is_wrong(send, sent, faults):
    many = "1 error" if len(faults) == 1 else f"{len(faults)} errors"
    text = f"{many} occurred:\n\t* " + "\n\t* ".join(faults) + "\n\n"
    quoted = '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t") + '"'
    answer = send("POST", "roles/app", sent)
    assert (answer.status, answer.errors) == (400, [f"error(s) validating supplied role data: {quoted}"])


def test_a_policy_document_is_json(send):
    answer = send("POST", "roles/app", {"credential_type": "iam_user", "policy_document": '{"a":'})
    assert (answer.status, answer.errors) == (400, [r'cannot parse policy document: "{\"a\":"'])
    assert send("POST", "roles/app", {"credential_type": "iam_user", "policy_document": "{} {}"}).status == 400


def test_an_empty_policy_document_is_none(send):
    send("POST", "roles/app", {"credential_type": "iam_user", "policy_document": COMPACT})
    assert send("POST", "roles/app", {"policy_document": ""}).status == 204
    assert send("GET", "roles/app").data["policy_document"] == ""


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ({"arn": POLICY_ARN}, {"credential_type": "iam_user", "policy_arns": [POLICY_ARN]}),
        ({"arn": ROLE_ARN}, {"credential_type": "assumed_role", "role_arns": [ROLE_ARN]}),
        ({"policy": INDENTED}, {"credential_type": "iam_user,federation_token", "policy_document": COMPACT}),
    ],
)
def test_the_deprecated_parameters_stand_for_a_whole_role(send, sent, stored):
    send("POST", "roles/app", {"credential_type": "iam_user", "iam_groups": "g"})
    answer = send("POST", "roles/app", sent)
    assert answer.status == 200
    assert answer.json["data"] is None
    assert answer.warnings == [
        "Detected use of legacy role or policy parameter. Please upgrade to use the new parameters."
    ]
    assert send("GET", "roles/app").data == {**UNSET, **stored}


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (
            {"arn": POLICY_ARN, "credential_type": "iam_user"},
            "cannot supply deprecated role or policy parameters with an explicit credential_type",
        ),
        *(
            ({"policy": "{}", name: value}, f"cannot supply deprecated role or policy parameters with {name}")
            for name, value in (
                ("role_arns", ROLE_ARN),
                ("policy_arns", POLICY_ARN),
                ("policy_document", "{}"),
                ("default_sts_ttl", 60),
                ("max_sts_ttl", 60),
                ("user_path", "/"),
                ("permissions_boundary_arn", POLICY_ARN),
            )
        ),
        ({"policy": "{"}, 'unable to parse supplied data: "{"'),
        ({"arn": "arn:aws"}, 'unable to parse supplied data: "arn:aws"'),
        ({"arn": "arn:aws:s3:::b"}, 'unable to parse supplied data: "arn:aws:s3:::b"'),
    ],
)
def test_the_deprecated_parameters_stand_alone(send, sent, text):
    answer = send("POST", "roles/app", sent)
    assert (answer.status, answer.errors) == (400, [text])


def test_only_one_of_the_deprecated_parameters_is_taken(send):
    answer = send("POST", "roles/app", {"policy": "{}", "arn": POLICY_ARN})
    assert answer.status == 500
    assert "only one of policy or arn should be provided" in answer.errors[0]
