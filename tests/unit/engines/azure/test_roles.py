"""Roles of the Azure engine. Expected answers are from the plugin's public source and its tests."""

import json

import pytest
from unit.helpers import call

AUDIENCES = ("AzureADMyOrg", "AzureADMultipleOrgs", "AzureADandPersonalMicrosoftAccount", "PersonalMicrosoftAccount")
READER = json.dumps([{"role_name": "Reader", "scope": "/subscriptions/sub"}])
DEFINITIONS = "/subscriptions/sub/providers/Microsoft.Authorization/roleDefinitions/"
NOTHING = "either Azure role definitions, group definitions, or an Application Object ID must be provided"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_role_needs_a_configuration(made, method):
    reply = call(made, method, "azure/roles/app", {"azure_roles": READER} if method == "POST" else None)
    assert (reply.status, reply.errors) == (500, ["1 error occurred:\n\t* config is nil\n\n"])


def test_a_role_is_read_back_with_what_was_looked_up(ready):
    assert call(ready, "GET", "azure/roles/APP").data == {
        "ttl": 3600,
        "max_ttl": 7200,
        "explicit_max_ttl": 0,
        "azure_roles": [
            {
                "role_name": "Reader",
                "role_id": "/subscriptions/sub/providers/Microsoft.Authorization/roleDefinitions/"
                "acdd72a7-3385-48ef-bd42-f606fba81ae7",
                "scope": "/subscriptions/sub",
            }
        ],
        "azure_groups": None,
        "application_object_id": "",
        "permanently_delete": False,
        "persist_app": False,
        "sign_in_audience": "",
        "tags": None,
    }
    assert call(ready, "LIST", "azure/roles").data == {"keys": ["app"]}


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ({}, NOTHING),
        ({"azure_roles": "[]"}, NOTHING),
        ({"azure_roles": "null"}, NOTHING),
        ({"persist_app": True, "application_object_id": "x"}, NOTHING),
        ({"ttl": 2, "max_ttl": 1}, "ttl cannot be greater than max_ttl"),
        ({"ttl": 2, "explicit_max_ttl": 1}, "ttl cannot be greater than explicit_max_ttl"),
        ({"max_ttl": 2, "explicit_max_ttl": 1}, "max_ttl cannot be greater than explicit_max_ttl"),
        (
            {"sign_in_audience": "all"},
            f"Invalid value for sign_in_audience field. Valid values are: {', '.join(AUDIENCES)}",
        ),
        ({"tags": ["a b"]}, "whitespaces are not allowed in tags"),
        ({"tags": ["x" * 257]}, "individual tag size must be between 1 and 256 characters (inclusive)"),
        (
            {"application_object_id": "x", "permanently_delete": True},
            "permanently_delete must be false if application_object_id is provided",
        ),
        (
            {"azure_roles": "x"},
            "error parsing Azure roles 'x': invalid character 'x' looking for beginning of value",
        ),
        (
            {"azure_roles": "{}"},
            (
                "error parsing Azure roles '{}': "
                "json: cannot unmarshal object into Go value of type []*azuresecrets.AzureRole"
            ),
        ),
        ({"azure_roles": ""}, "error parsing Azure roles '': 'data' being decoded is nil"),
        ({"azure_groups": "[{"}, "error parsing Azure groups '[{': unexpected EOF"),
        (
            {"azure_roles": "[{}]", "azure_groups": "x"},
            ("error parsing Azure groups 'x': invalid character 'x' looking for beginning of value"),
        ),
        ({"azure_roles": '[{"scope": "/"}]'}, "no role found for role_name: ''"),
        ({"azure_groups": "[{}]"}, "no group found for group_name: ''"),
        (
            {"azure_groups": '[{"object_id": "a"}, {"object_id": "a"}]'},
            "duplicate object_id 'a'",
        ),
    ],
)
def test_a_role_that_makes_no_sense_is_refused(configured, sent, text):
    reply = call(configured, "POST", "azure/roles/x", sent)
    assert (reply.status, reply.errors) == (400, [text])


def test_a_role_of_azure_is_not_assigned_twice_in_one_scope(configured):
    twice = json.dumps(json.loads(READER) * 2)
    reply = call(configured, "POST", "azure/roles/x", {"azure_roles": twice})
    assert reply.errors[0].startswith("duplicate role_id and scope: '/subscriptions/sub/providers/")


def test_lists_that_are_empty_are_not_those_that_were_never_given(configured):
    sent = {"application_object_id": "there", "azure_roles": "[]", "tags": ""}
    call(configured, "POST", "azure/roles/app", sent)
    data = call(configured, "GET", "azure/roles/app").data
    assert (data["azure_roles"], data["azure_groups"], data["tags"]) == ([], None, [])


def test_tags_are_sorted_and_each_kept_once(configured):
    call(configured, "POST", "azure/roles/app", {"azure_roles": READER, "tags": "b, a,b"})
    assert call(configured, "GET", "azure/roles/app").data["tags"] == ["a", "b"]


def test_a_role_of_azure_is_found_by_id_or_by_name_in_any_case(configured):
    owner = f"{DEFINITIONS}8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
    sent = json.dumps([{"role_name": "reader", "scope": "a"}, {"role_name": "ignored", "role_id": owner, "scope": "b"}])
    call(configured, "POST", "azure/roles/app", {"azure_roles": sent})
    assert call(configured, "GET", "azure/roles/app").data["azure_roles"] == [
        {"role_name": "Reader", "role_id": f"{DEFINITIONS}acdd72a7-3385-48ef-bd42-f606fba81ae7", "scope": "a"},
        {"role_name": "Owner", "role_id": owner, "scope": "b"},
    ]


def test_a_group_has_always_the_same_id(configured):
    sent = {"azure_groups": '[{"group_name": "web"}, {"group_name": "db", "object_id": "id-of-db"}]'}
    for name in ("one", "two"):
        call(configured, "POST", f"azure/roles/{name}", sent)
    one, two = (call(configured, "GET", f"azure/roles/{name}").data["azure_groups"] for name in ("one", "two"))
    assert one == two
    assert one[1] == {"group_name": "db", "object_id": "id-of-db"}


def test_what_is_not_sent_again_stays_but_for_the_wish_to_delete(configured):
    sent = {"azure_roles": READER, "ttl": 60, "permanently_delete": True, "sign_in_audience": "AzureADMyOrg"}
    call(configured, "POST", "azure/roles/app", sent)
    assert call(configured, "GET", "azure/roles/app").data["permanently_delete"] is True
    call(configured, "POST", "azure/roles/app", {"max_ttl": 120})
    data = call(configured, "GET", "azure/roles/app").data
    assert (data["ttl"], data["max_ttl"], data["sign_in_audience"]) == (60, 120, "AzureADMyOrg")
    assert data["permanently_delete"] is False


def test_the_application_that_a_role_keeps_is_shown_and_stays(configured):
    call(configured, "POST", "azure/roles/app", {"azure_roles": READER, "persist_app": True})
    made = call(configured, "GET", "azure/roles/app").data["application_object_id"]
    assert made
    call(configured, "POST", "azure/roles/app", {"persist_app": True, "application_object_id": ""})
    assert call(configured, "GET", "azure/roles/app").data["application_object_id"] == made


def test_a_deleted_role_is_gone(ready):
    assert call(ready, "DELETE", "azure/roles/app").status == 204
    assert call(ready, "GET", "azure/roles/app").status == 404
    assert call(ready, "LIST", "azure/roles").status == 404
    assert call(ready, "DELETE", "azure/roles/app").status == 204


def test_the_application_of_a_role_cannot_be_deleted_without_a_configuration(configured):
    call(configured, "POST", "azure/roles/app", {"azure_roles": READER, "persist_app": True})
    call(configured, "DELETE", "azure/config")
    reply = call(configured, "DELETE", "azure/roles/app")
    text = "1 error occurred:\n\t* error during delete: subscription_id is required\n\n"
    assert (reply.status, reply.errors) == (500, [text])


@pytest.mark.parametrize("sent", [{"team": "a"}, '{"team": "a"}', ["team=a"]])
def test_metadata_is_taken_in_each_form_that_clients_send(configured, sent):
    call(configured, "POST", "azure/roles/app", {"azure_roles": READER, "metadata": sent})
    assert call(configured, "GET", "azure/roles/app").data["metadata"] == {"team": "a"}
