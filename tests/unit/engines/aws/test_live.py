"""The engine with an IAM and an STS on this machine. Texts are those of the AWS SDK for Go."""

import asyncio
import socket
from functools import partial

import pytest
from unit import helpers
from unit.engines.aws.stub import Said, Stub, error
from unit.helpers import world

call = partial(helpers.call, waits=True)
POLICY_ARN = "arn:aws:iam::aws:policy/AdministratorAccess"
ROLE_ARN = "arn:aws:iam::123456789012:role/x"
GONE = error("NoSuchEntity", "The user with name app cannot be found.", 404)
TWO_KEYS = (
    "<AccessKeyMetadata><member><AccessKeyId>AKIANEW</AccessKeyId><CreateDate>2026-01-02T00:00:00Z</CreateDate></member>"
    "<member><AccessKeyId>AKIAOLD</AccessKeyId><CreateDate>2026-01-01T00:00:00Z</CreateDate></member></AccessKeyMetadata>"
)


@pytest.fixture
def stub():
    made = Stub()
    yield made
    made.close()


@pytest.fixture
def live(stub):
    made = world("vault")
    call(made, "POST", "sys/mounts/aws", {"type": "aws", "options": {"live": "true"}})
    sent = {
        "access_key": "AKIAROOT",
        "secret_key": "s3cret",
        "iam_endpoint": stub.address,
        "sts_endpoint": stub.address,
    }
    assert call(made, "POST", "aws/config/root", sent).status == 204
    return made


@pytest.fixture
def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def role(live, kind, **more):
    assert call(live, "POST", "aws/roles/app", {"credential_type": kind, **more}).status == 204


def actions(stub):
    return [made["Action"] for made in stub.taken()]


def failure(answer):
    assert answer.status == 500
    return answer.errors[0].removeprefix("1 error occurred:\n\t* ").strip()


def test_a_user_is_made_as_its_role_has_it(live, stub):
    role(
        live,
        "iam_user",
        policy_arns=POLICY_ARN,
        policy_document='{"a": 1}',
        iam_groups="g",
        iam_tags="k=v",
        user_path="/apps/",
        permissions_boundary_arn=POLICY_ARN,
    )
    data = call(live, "GET", "aws/creds/app").data
    assert (data["access_key"], data["secret_key"]) == ("AKIA1", "secret1")
    made, *rest = stub.taken()
    name = made["UserName"]
    assert name.startswith("vault-token-app-1767225600-")
    assert made == {"Action": "CreateUser", "UserName": name, "Path": "/apps/", "PermissionsBoundary": POLICY_ARN}
    user = {"UserName": name}
    assert rest == [
        {"Action": "AttachUserPolicy", **user, "PolicyArn": POLICY_ARN},
        {"Action": "PutUserPolicy", **user, "PolicyName": "app", "PolicyDocument": '{"a":1}'},
        {"Action": "AddUserToGroup", **user, "GroupName": "g"},
        {"Action": "TagUser", **user, "Tags.member.1.Key": "k", "Tags.member.1.Value": "v"},
        {"Action": "CreateAccessKey", **user},
    ]


def test_calls_are_signed(live, stub):
    role(live, "iam_user")
    call(live, "GET", "aws/creds/app")
    assert stub.headers[0]["X-Amz-Date"] == "20260101T000000Z"
    assert stub.headers[0]["Authorization"].startswith(
        "AWS4-HMAC-SHA256 Credential=AKIAROOT/20260101/us-east-1/iam/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date, Signature="
    )


@pytest.mark.parametrize(
    ("action", "text"),
    [
        ("CreateUser", "Error creating IAM user"),
        ("AttachUserPolicy", "Error attaching user policy"),
        ("PutUserPolicy", "Error putting user policy"),
        ("AddUserToGroup", "Error adding user to group"),
        ("TagUser", "Error adding tags to user"),
        ("CreateAccessKey", "Error creating access keys"),
    ],
)
def test_a_user_that_cannot_be_finished_is_deleted(live, stub, action, text):
    role(live, "iam_user", policy_arns=POLICY_ARN, policy_document="{}", iam_groups="g", iam_tags="k=v")
    stub.plan[action] = error("AccessDenied", "no", 403)
    answer = call(live, "GET", "aws/creds/app")
    assert (answer.status, answer.errors) == (
        400,
        [f"{text}: AccessDenied: no\n\tstatus code: 403, request id: r-1"],
    )
    assert ("DeleteUser" in actions(stub)) == (action != "CreateUser")


def test_the_first_error_is_told_when_the_user_cannot_be_deleted_either(live, stub):
    role(live, "iam_user", iam_groups="g")
    stub.plan |= {"AddUserToGroup": error("A", "a"), "ListGroupsForUser": error("B", "b")}
    assert call(live, "GET", "aws/creds/app").errors[0].startswith("Error adding user to group: A: a")


def test_a_user_goes_with_its_lease_and_all_that_belongs_to_it(live, stub):
    role(live, "iam_user")
    answer = call(live, "GET", "aws/creds/app").json
    name = stub.taken()[0]["UserName"]
    stub.plan |= {
        "ListGroupsForUser": "<Groups><member><GroupName>g</GroupName></member></Groups>",
        "ListUserPolicies": "<PolicyNames><member>app</member></PolicyNames>",
        "ListAttachedUserPolicies": "<AttachedPolicies><member><PolicyArn>p</PolicyArn></member></AttachedPolicies>",
        "ListAccessKeys": TWO_KEYS,
    }
    assert call(live, "PUT", "sys/leases/revoke", {"lease_id": answer["lease_id"]}).status == 204
    user = {"UserName": name}
    assert stub.taken()[4:] == [
        {"Action": "DeleteAccessKey", **user, "AccessKeyId": "AKIANEW"},
        {"Action": "DeleteAccessKey", **user, "AccessKeyId": "AKIAOLD"},
        {"Action": "DetachUserPolicy", **user, "PolicyArn": "p"},
        {"Action": "DeleteUserPolicy", **user, "PolicyName": "app"},
        {"Action": "RemoveUserFromGroup", **user, "GroupName": "g"},
        {"Action": "DeleteUser", **user},
    ]


def test_a_user_that_is_missing_soon_after_it_was_made_is_not_taken_for_deleted(live, stub):
    role(live, "iam_user")
    lease = {"lease_id": call(live, "GET", "aws/creds/app").json["lease_id"]}
    stub.plan["ListGroupsForUser"] = GONE
    answer = call(live, "PUT", "sys/leases/revoke", lease)
    assert answer.status == 400
    assert "NoSuchEntity: The user with name app cannot be found." in answer.errors[0]
    live.clock.advance(301)
    assert call(live, "PUT", "sys/leases/revoke", lease).status == 204


def test_a_lease_stays_while_its_user_cannot_be_deleted(live, stub):
    role(live, "iam_user")
    lease = {"lease_id": call(live, "GET", "aws/creds/app").json["lease_id"]}
    stub.plan["ListGroupsForUser"] = error("AccessDenied", "no", 403)
    live.clock.advance(301)
    assert call(live, "PUT", "sys/leases/revoke", lease).status == 400
    del stub.plan["ListGroupsForUser"]
    assert call(live, "PUT", "sys/leases/revoke", lease).status == 204
    assert actions(stub)[-1] == "DeleteUser"


def test_a_role_is_assumed_with_what_narrows_it_down(live, stub):
    role(
        live,
        "assumed_role",
        role_arns=ROLE_ARN,
        policy_arns=POLICY_ARN,
        policy_document='{"Version":"x","Statement":{"Effect":"Deny"}}',
        iam_groups="g",
        external_id="partner",
        session_tags="k=v",
    )
    stub.plan |= {
        "ListAttachedGroupPolicies": f"<AttachedPolicies><member><PolicyArn>{POLICY_ARN}2</PolicyArn></member>"
        "</AttachedPolicies>",
        "ListGroupPolicies": "<PolicyNames><member>inline</member></PolicyNames>",
        "GetGroupPolicy": "<PolicyDocument>%7B%22Statement%22%3A+%5B%7B%22Effect%22%3A%22Allow%22%7D%5D%7D"
        "</PolicyDocument>",
    }
    data = call(live, "POST", "aws/sts/app", {"role_session_name": "me"}).data
    assert data["arn"] == "arn:aws:sts::123456789012:assumed-role/x/y"
    assert (data["access_key"], data["session_token"], data["ttl"]) == ("ASIA1", "token", 3600)
    assert [made["Action"] for made in stub.calls[:4]] == [
        "ListAttachedGroupPolicies",
        "ListGroupPolicies",
        "GetGroupPolicy",
        "GetCallerIdentity",
    ]
    assert stub.calls[4:] == [
        {
            "Action": "AssumeRole",
            "RoleArn": ROLE_ARN,
            "RoleSessionName": "me",
            "DurationSeconds": "3600",
            "Policy": '{"Version":"2012-10-17","Statement":[{"Effect":"Allow"},{"Effect":"Deny"}]}',
            "PolicyArns.member.1.arn": POLICY_ARN,
            "PolicyArns.member.2.arn": POLICY_ARN + "2",
            "Tags.member.1.Key": "k",
            "Tags.member.1.Value": "v",
            "ExternalId": "partner",
        }
    ]


def test_a_session_is_got_with_the_code_of_an_mfa_device(live, stub):
    role(live, "session_token", mfa_serial_number="GAHT12345678")
    assert call(live, "POST", "aws/sts/app", {"mfa_code": "123456"}).status == 200
    assert stub.taken()[-1] == {
        "Action": "GetSessionToken",
        "DurationSeconds": "3600",
        "SerialNumber": "GAHT12345678",
        "TokenCode": "123456",
    }


@pytest.mark.parametrize(
    ("kind", "action", "text"),
    [
        ("assumed_role", "AssumeRole", "Error assuming role"),
        ("federation_token", "GetFederationToken", "Error generating STS keys"),
        ("session_token", "GetSessionToken", "Error generating STS keys"),
    ],
)
def test_what_sts_refuses_is_told(live, stub, kind, action, text):
    more = {"assumed_role": {"role_arns": ROLE_ARN}, "federation_token": {"policy_document": "{}"}}
    role(live, kind, **more.get(kind, {}))
    stub.plan[action] = error("AccessDenied", "not you", 403)
    assert call(live, "GET", "aws/sts/app").errors == [
        f"{text}: AccessDenied: not you\n\tstatus code: 403, request id: r-1"
    ]


def test_groups_that_cannot_be_read_are_told(live, stub):
    role(live, "federation_token", iam_groups="g")
    stub.plan["ListAttachedGroupPolicies"] = GONE
    assert call(live, "GET", "aws/sts/app").errors[0].startswith("NoSuchEntity: ")


def test_a_policy_of_a_group_that_is_no_policy_is_told(live, stub):
    role(live, "federation_token", iam_groups="g")
    stub.plan |= {
        "ListGroupPolicies": "<PolicyNames><member>inline</member></PolicyNames>",
        "GetGroupPolicy": "<PolicyDocument>nonsense</PolicyDocument>",
    }
    assert call(live, "GET", "aws/sts/app").errors == ["invalid character 'o' in literal null (expecting 'u')"]


def test_the_first_sts_that_answers_is_asked(live, stub, closed_port):
    role(live, "session_token")
    sent = {
        "sts_endpoint": f"http://127.0.0.1:{closed_port}",
        "sts_region": "us-east-1",
        "sts_fallback_endpoints": stub.address,
        "sts_fallback_regions": "us-west-2",
    }
    call(live, "POST", "aws/config/root", sent)
    assert call(live, "GET", "aws/sts/app").status == 200
    assert actions(stub) == ["GetCallerIdentity", "GetSessionToken"]
    assert "/us-west-2/sts/" in stub.headers[-1]["Authorization"]
    stub.plan["GetCallerIdentity"] = error("InvalidClientTokenId", "The security token included is invalid.", 403)
    assert call(live, "GET", "aws/sts/app").errors == ["could not obtain sts client"]


def test_an_endpoint_that_does_not_answer_is_told_in_the_sdk_s_words(live, closed_port):
    role(live, "iam_user")
    call(live, "POST", "aws/config/root", {"iam_endpoint": f"http://127.0.0.1:{closed_port}/"})
    assert call(live, "GET", "aws/creds/app").errors == [
        (
            "Error creating IAM user: RequestError: send request failed\n"
            f'caused by: Post "http://127.0.0.1:{closed_port}/": dial tcp 127.0.0.1:{closed_port}: '
            "connect: connection refused"
        )
    ]


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (Said(500, "oops"), "SerializationError: failed to unmarshal error message\n\tstatus code: 500, request id: "),
        (Said(200, "<a/>"), "SerializationError: failed decoding Query response\n\tstatus code: 200, request id: "),
        (
            Said(400, "<R><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></R>"),
            ": \n\tstatus code: 400, request id: r",
        ),
    ],
)
def test_an_answer_that_is_none_of_aws_is_told(live, stub, said, text):
    role(live, "iam_user")
    stub.plan["CreateUser"] = said
    assert call(live, "GET", "aws/creds/app").errors == [f"Error creating IAM user: {text}"]


@pytest.mark.parametrize("endpoint", ["", "http://192.0.2.1", "iam.example.com"])
def test_an_endpoint_elsewhere_is_never_called(live, endpoint):
    role(live, "iam_user")
    call(live, "POST", "aws/config/root", {"iam_endpoint": endpoint})
    answer = call(live, "GET", "aws/creds/app")
    assert answer.status == 400
    assert answer.errors[0].startswith("sandboxd reaches upstreams on this machine only, and the IAM endpoint of this")


def test_an_sts_elsewhere_is_never_called(live):
    role(live, "session_token")
    call(live, "POST", "aws/config/root", {"sts_endpoint": ""})
    assert "the STS endpoint of this mount is elsewhere" in call(live, "GET", "aws/sts/app").errors[0]


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ({"access_key": ""}, "NoCredentialProviders: "),
        ({"iam_endpoint": "http://127.0.0.1:x"}, 'RequestError: send request failed\ncaused by: invalid port ":x"'),
        ({"access_key": "a\nb"}, "RequestError: send request failed\ncaused by: Post "),
    ],
)
def test_what_cannot_be_called_is_told(live, sent, text):
    role(live, "iam_user")
    call(live, "POST", "aws/config/root", sent)
    assert call(live, "GET", "aws/creds/app").errors[0].startswith(f"Error creating IAM user: {text}")


def test_the_engine_s_own_key_is_replaced(live, stub):
    assert call(live, "POST", "aws/config/rotate-root").data == {"access_key": "AKIA1"}
    assert stub.taken() == [
        {"Action": "GetUser"},
        {"Action": "CreateAccessKey", "UserName": "app"},
        {"Action": "DeleteAccessKey", "AccessKeyId": "AKIAROOT", "UserName": "app"},
    ]
    role(live, "iam_user")
    call(live, "GET", "aws/creds/app")
    assert "Credential=AKIA1/" in stub.headers[-1]["Authorization"]


@pytest.mark.parametrize(
    ("action", "step", "key"),
    [
        ("GetUser", "calling GetUser", "AKIAROOT"),
        ("CreateAccessKey", "calling CreateAccessKey", "AKIAROOT"),
        ("DeleteAccessKey", "deleting old access key", "AKIA1"),
    ],
)
def test_a_rotation_that_fails_says_where(live, stub, action, step, key):
    stub.plan[action] = error("LimitExceeded", "too many", 409)
    text = failure(call(live, "POST", "aws/config/rotate-root"))
    assert text == f"error {step}: LimitExceeded: too many\n\tstatus code: 409, request id: r-1"
    assert call(live, "GET", "aws/config/root").data["access_key"] == key


def test_a_rotation_that_misses_its_window_waits_for_the_next_moment(live, stub):
    call(live, "POST", "aws/config/root", {"rotation_schedule": "0 * * * *", "rotation_window": 60})
    stub.plan["CreateAccessKey"] = error("ServiceFailure", "later", 500)
    asyncio.run(live.timeline.advance(3600 + 300))
    del stub.plan["CreateAccessKey"]
    stub.taken()
    asyncio.run(live.timeline.advance(1800))
    assert stub.taken() == []
    asyncio.run(live.timeline.advance(1500))
    assert call(live, "GET", "aws/config/root").data["access_key"] == "AKIA1"


def test_the_older_of_two_keys_makes_room_for_a_new_one(live, stub):
    stub.plan["ListAccessKeys"] = TWO_KEYS
    assert call(live, "POST", "aws/static-roles/app", {"username": "app", "rotation_period": 60}).status == 200
    user = {"UserName": "app"}
    assert stub.taken()[2:] == [
        {"Action": "ListAccessKeys", **user},
        {"Action": "DeleteAccessKey", **user, "AccessKeyId": "AKIAOLD"},
        {"Action": "CreateAccessKey", **user},
    ]
    assert call(live, "GET", "aws/static-creds/app").data["secret_key"] == "secret1"
    asyncio.run(live.timeline.advance(60))
    assert call(live, "GET", "aws/static-creds/app").data["secret_key"] == "secret2"


@pytest.mark.parametrize(
    ("action", "step"),
    [
        ("ListAccessKeys", "list existing access keys for IAM user"),
        ("DeleteAccessKey", "delete oldest access keys for user"),
        ("CreateAccessKey", "create new access keys for user"),
    ],
)
def test_a_static_role_stays_without_a_key_when_none_can_be_made(live, stub, action, step):
    stub.plan |= {"ListAccessKeys": TWO_KEYS, action: error("AccessDenied", "no", 403)}
    sent = {"username": "app", "rotation_period": 60}
    assert failure(call(live, "POST", "aws/static-roles/app", sent)) == (
        f'failed to create new credentials for role "app": unable to {step} "app": AccessDenied: no\n'
        "\tstatus code: 403, request id: r-1"
    )
    assert call(live, "GET", "aws/static-roles/app").status == 200
    assert call(live, "GET", "aws/static-creds/app").status == 404


def test_the_user_of_a_static_role_is_the_one_it_was(live, stub):
    sent = {"username": "app", "rotation_period": 60}
    call(live, "POST", "aws/static-roles/app", sent)
    stub.plan["GetUser"] = "<User><UserName>app</UserName><UserId>OTHER</UserId></User>"
    assert failure(call(live, "POST", "aws/static-roles/app", sent)) == (
        'AWS GetUser returned a user, but the ID did not match: "ID" was requested, but "OTHER" was returned'
    )
    asyncio.run(live.timeline.advance(60))
    assert call(live, "GET", "aws/static-creds/app").data["secret_key"] == "secret1"
    stub.plan["GetUser"] = "<User><UserName>app</UserName><UserId>ID</UserId></User>"
    asyncio.run(live.timeline.advance(10))
    assert call(live, "GET", "aws/static-creds/app").data["secret_key"] == "secret2"


def test_the_user_of_a_static_role_must_be_there(live, stub):
    sent = {"username": "other", "rotation_period": 60}
    assert failure(call(live, "POST", "aws/static-roles/app", sent)) == (
        'AWS GetUser returned a username, but it didn\'t match: "other" was requested, but "app" was returned'
    )
    stub.plan["GetUser"] = GONE
    assert failure(call(live, "POST", "aws/static-roles/app", sent)).startswith(
        'unable to validate username "other": NoSuchEntity: '
    )


def test_a_user_that_is_gone_is_told_when_its_key_is_to_be_made(live, stub):
    sent = {"username": "app", "rotation_period": 60}
    stub.plan["CreateAccessKey"] = error("LimitExceeded", "no", 409)
    call(live, "POST", "aws/static-roles/app", sent)
    del stub.plan["CreateAccessKey"]
    stub.plan["GetUser"] = GONE
    assert failure(call(live, "POST", "aws/static-roles/app", {"rotation_period": 120})).startswith(
        "failed to create new credentials for role \"app\": iam user didn't exist, or username/userid didn't match: "
        'unable to validate username "app": NoSuchEntity: '
    )


def test_a_role_whose_key_cannot_be_deleted_goes_with_the_second_try(live, stub):
    call(live, "POST", "aws/static-roles/app", {"username": "app", "rotation_period": 60})
    stub.plan["DeleteAccessKey"] = error("AccessDenied", "no", 403)
    assert failure(call(live, "DELETE", "aws/static-roles/app")) == (
        'failed to clean credentials while deleting role "app": couldn\'t delete from IAM: AccessDenied: no\n'
        "\tstatus code: 403, request id: r-1"
    )
    assert call(live, "GET", "aws/static-creds/app").status == 404
    assert call(live, "DELETE", "aws/static-roles/app").status == 204
    assert call(live, "GET", "aws/static-roles/app").status == 404
