"""The AliCloud secrets engine. Expected answers are from Vault's plugin and its documentation."""

import json
import re

import pytest
from unit.helpers import call, world

from sandboxd.fakes import verify

ARN = "acs:ram::5138828231865461:role/hastrustedactors"
REMOTE = "name:AliyunOSSReadOnlyAccess,type:System"
DOCUMENT = {"Statement": [{"Action": "rds:Describe*", "Effect": "Allow", "Resource": "*"}], "Version": "1"}


@pytest.fixture
def bare():
    made = world("vault")
    call(made, "POST", "sys/mounts/alicloud", {"type": "alicloud"})
    return made


@pytest.fixture
def vault(bare):
    assert call(bare, "POST", "alicloud/config", {"access_key": "id", "secret_key": "secret"}).status == 204
    return bare


def role(vault, **fields):
    return call(vault, "POST", "alicloud/role/app", fields)


def failure(answer):
    assert answer.status == 500
    return answer.errors[0].removeprefix("1 error occurred:\n\t* ").strip()


def test_openbao_does_not_bring_the_engine():
    assert call(world("openbao"), "POST", "sys/mounts/alicloud", {"type": "alicloud"}).status == 400


def test_the_configuration_is_shown_without_the_secret_key(vault):
    assert call(vault, "GET", "alicloud/config").data == {"access_key": "id"}


def test_a_deleted_configuration_is_gone(vault):
    assert call(vault, "DELETE", "alicloud/config").status == 204
    assert call(vault, "GET", "alicloud/config").status == 404


def test_a_configuration_needs_both_halves_of_the_key_with_each_write(vault):
    assert failure(call(vault, "POST", "alicloud/config", {"secret_key": "s"})) == "access_key is required"
    assert failure(call(vault, "POST", "alicloud/config", {"access_key": "a"})) == "secret_key is required"


def test_a_role_with_policies_is_shown_with_each_document_under_a_name(vault):
    assert role(vault, inline_policies=json.dumps([DOCUMENT]), remote_policies=[REMOTE], ttl="1h").status == 204
    data = call(vault, "GET", "alicloud/role/APP").data
    assert re.fullmatch("[0-9a-f]{32}", data["inline_policies"][0].pop("hash"))
    assert data == {
        "role_arn": "",
        "remote_policies": [{"name": "AliyunOSSReadOnlyAccess", "type": "System"}],
        "inline_policies": [{"policy_document": DOCUMENT}],
        "ttl": 3600,
        "max_ttl": 0,
    }


def test_a_role_with_an_arn_is_shown_without_policies(vault):
    assert role(vault, role_arn=ARN).status == 204
    data = call(vault, "GET", "alicloud/role/app").data
    assert data == {"role_arn": ARN, "remote_policies": None, "inline_policies": None, "ttl": 0, "max_ttl": 0}


def test_one_remote_policy_may_be_text(vault):
    assert role(vault, remote_policies=REMOTE).status == 204
    assert call(vault, "GET", "alicloud/role/app").data["remote_policies"][0]["type"] == "System"


def test_a_write_keeps_what_it_does_not_name(vault):
    role(vault, remote_policies=[REMOTE], ttl=60)
    assert role(vault, max_ttl=120).status == 204
    data = call(vault, "GET", "alicloud/role/app").data
    assert (data["ttl"], data["max_ttl"], len(data["remote_policies"])) == (60, 120, 1)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "must include an arn, or at least one of inline_policies or remote_policies"),
        ({"inline_policies": "null"}, "must include an arn, or at least one of inline_policies or remote_policies"),
        ({"role_arn": ARN, "remote_policies": [REMOTE]}, "remote_policies must be blank when an arn is present"),
        ({"role_arn": ARN, "inline_policies": "[{}]"}, "inline_policies must be blank when an arn is present"),
        ({"role_arn": ARN, "ttl": 2, "max_ttl": 1}, "ttl exceeds max_ttl"),
        ({"remote_policies": ["name"]}, "unable to recognize pair in name"),
        ({"remote_policies": ["name:a:b"]}, "unable to recognize pair in name:a:b"),
        ({"remote_policies": ["kind:System"]}, "invalid key: kind"),
        ({"remote_policies": ["type:System"]}, "policy name is required in type:System"),
        ({"remote_policies": ["name:a"]}, "policy type is required in name:a"),
        ({"inline_policies": ""}, "unexpected end of JSON input"),
        ({"inline_policies": "[{}"}, "unexpected end of JSON input"),
        ({"inline_policies": "x"}, "invalid character 'x' looking for beginning of value"),
        ({"inline_policies": "[] []"}, "invalid character '[' after top-level value"),
        (
            {"inline_policies": "{}"},
            "json: cannot unmarshal object into Go value of type []map[string]interface {}",
        ),
        ({"inline_policies": "[{}, 1]"}, "json: cannot unmarshal number into Go value of type map[string]interface {}"),
        (
            {"inline_policies": '["a"]'},
            "json: cannot unmarshal string into Go value of type map[string]interface {}",
        ),
    ],
)
def test_a_role_that_makes_no_sense_fails(vault, fields, text):
    assert failure(role(vault, **fields)) == text
    assert call(vault, "GET", "alicloud/role/app").status == 404


def test_lengths_of_a_role_with_an_arn_do_not_count_and_a_warning_says_so(vault):
    answer = role(vault, role_arn=ARN, ttl=60)
    assert answer.status == 200
    assert answer.warnings == [
        "role_arn is set so ttl and max_ttl will be ignored because they're not editable on STS tokens"
    ]


def test_a_ttl_beyond_the_mounts_is_warned_of_in_nanoseconds(vault):
    answer = role(vault, remote_policies=[REMOTE], ttl="1000h")
    assert answer.warnings == [
        "ttl of 3600000000000000 exceeds the system max ttl of 2764800000000000, the latter will be used during login"
    ]


def test_roles_are_listed_and_deleted(vault):
    assert call(vault, "LIST", "alicloud/role").status == 404
    role(vault, role_arn=ARN)
    assert call(vault, "LIST", "alicloud/role").data == {"keys": ["app"]}
    assert call(vault, "DELETE", "alicloud/role/app").status == 204
    assert call(vault, "GET", "alicloud/role/app").status == 404


def test_a_role_with_policies_gives_an_access_key_with_a_renewable_lease(vault):
    role(vault, remote_policies=[REMOTE], ttl="1h", max_ttl="2h")
    answer = call(vault, "GET", "alicloud/creds/app").json
    assert verify(answer["data"]["access_key"]).kind.name == "alicloud.access_key_id"
    assert verify(answer["data"]["secret_key"]).kind.name == "alicloud.secret_access_key"
    assert set(answer["data"]) == {"access_key", "secret_key"}
    assert (answer["lease_duration"], answer["renewable"]) == (3600, True)


def test_a_role_with_an_arn_gives_a_session_of_an_hour_that_is_not_renewed(vault):
    role(vault, role_arn=ARN)
    answer = call(vault, "GET", "alicloud/creds/app").json
    assert verify(answer["data"]["access_key"]).kind.name == "alicloud.temporary_access_key_id"
    assert verify(answer["data"]["secret_key"]).kind.name == "alicloud.temporary_secret_access_key"
    assert verify(answer["data"]["security_token"]).kind.name == "alicloud.security_token"
    assert answer["data"]["expiration"] == "2026-01-01T01:00:00Z"
    assert (answer["lease_duration"], answer["renewable"]) == (3600, False)
    renewal = call(vault, "POST", "sys/leases/renew", {"lease_id": answer["lease_id"]})
    assert (renewal.status, renewal.errors) == (400, ["lease is not renewable"])


def test_credentials_of_an_unknown_role_are_not_found(vault):
    assert call(vault, "GET", "alicloud/creds/app").status == 404


def test_there_are_no_credentials_without_a_configuration(bare):
    role(bare, role_arn=ARN)
    text = "unable to create secret because no credentials are configured"
    assert failure(call(bare, "GET", "alicloud/creds/app")) == text


def test_a_lease_is_renewed_by_what_its_role_says_now(vault):
    role(vault, remote_policies=[REMOTE], ttl="1h", max_ttl="4h")
    lease = call(vault, "GET", "alicloud/creds/app").json["lease_id"]
    role(vault, ttl="2h")
    assert call(vault, "POST", "sys/leases/renew", {"lease_id": lease}).json["lease_duration"] == 7200
    call(vault, "DELETE", "alicloud/role/app")
    answer = call(vault, "POST", "sys/leases/renew", {"lease_id": lease})
    assert "role app has been deleted so no further renewals are allowed" in answer.errors[0]


def test_a_lease_is_revoked(vault):
    role(vault, remote_policies=[REMOTE])
    lease = call(vault, "GET", "alicloud/creds/app").json["lease_id"]
    assert call(vault, "POST", "sys/leases/revoke", {"lease_id": lease, "sync": True}).status == 204
    assert call(vault, "POST", "sys/leases/lookup", {"lease_id": lease}).errors == ["invalid lease"]


def test_an_access_key_is_not_revoked_without_a_configuration_but_a_session_is(vault):
    role(vault, remote_policies=[REMOTE])
    key = call(vault, "GET", "alicloud/creds/app").json["lease_id"]
    call(vault, "POST", "alicloud/role/session", {"role_arn": ARN})
    session = call(vault, "GET", "alicloud/creds/session").json["lease_id"]
    call(vault, "DELETE", "alicloud/config")
    answer = call(vault, "POST", "sys/leases/revoke", {"lease_id": key, "sync": True})
    assert "unable to delete access key because no credentials are configured" in answer.errors[0]
    assert call(vault, "POST", "sys/leases/revoke", {"lease_id": session, "sync": True}).status == 204
