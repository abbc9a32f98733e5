"""Static roles of the Azure engine. Expected answers are from Vault's documentation."""

import pytest
from unit.helpers import START, call

from sandboxd.fakes import verify

APP = "408bf248-dd4e-4be5-919a-7f6207a307ab"


def write(made, **fields):
    return call(made, "POST", "azure/static-roles/app", {"application_object_id": APP, **fields})


def creds(made):
    return call(made, "GET", "azure/static-creds/app")


def test_a_static_role_is_read_back(configured):
    assert write(configured, ttl="8760h", metadata={"team": "engineering"}).status == 204
    assert call(configured, "GET", "azure/static-roles/APP").data == {
        "application_object_id": APP,
        "ttl": 31536000,
        "metadata": {"team": "engineering"},
    }
    assert call(configured, "LIST", "azure/static-roles").data == {"keys": ["app"]}
    assert call(configured, "DELETE", "azure/static-roles/app").status == 204
    assert call(configured, "GET", "azure/static-roles/app").status == 404
    assert call(configured, "LIST", "azure/static-roles").status == 404


def test_a_secret_lasts_two_years_when_the_role_does_not_say(configured):
    write(configured)
    assert call(configured, "GET", "azure/static-roles/app").data["ttl"] == 17520 * 3600
    assert creds(configured).data["expiration"] == "2028-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"application_object_id": ""}, "application_object_id is required"),
        ({"ttl": "719h"}, "ttl must be at least 720h0m0s"),
        ({"client_secret": "x"}, "secret_id is required to import a client_secret or an expiration"),
        ({"secret_id": "x", "expiration": "2020-01-01T00:00:00Z"}, "expiration must be in the future"),
    ],
)
def test_a_static_role_that_makes_no_sense_is_refused(configured, fields, text):
    reply = write(configured, **fields)
    assert (reply.status, reply.errors) == (400, [text])


def test_a_static_role_needs_a_configuration(made):
    reply = write(made)
    assert (reply.status, reply.errors) == (500, ["1 error occurred:\n\t* config is nil\n\n"])


def test_credentials_stay_the_same_until_they_are_rotated(configured):
    write(configured)
    first = creds(configured)
    assert first.json["lease_id"] == ""
    assert verify(first.data["client_secret"]).made_here
    assert creds(configured).data == first.data
    configured.clock.advance(60)
    assert call(configured, "POST", "azure/rotate-role/app").status == 204
    second = creds(configured).data
    assert second["client_id"] == first.data["client_id"]
    assert second["client_secret"] != first.data["client_secret"]
    assert second["secret_id"] != first.data["secret_id"]
    now = configured.clock.now_ns()
    assert not configured.ledger.find(first.data["client_secret"]).valid(now)
    assert configured.ledger.find(second["client_secret"]).valid(now)


@pytest.mark.parametrize(("method", "path"), [("GET", "static-creds"), ("POST", "rotate-role")])
def test_a_static_role_that_is_not_there_has_no_credentials(configured, method, path):
    reply = call(configured, method, f"azure/{path}/none")
    assert (reply.status, reply.errors) == (400, ["static role 'none' does not exist"])


def test_the_first_secret_can_wait_until_it_is_read(configured):
    write(configured, defer_initial_creds=True)
    configured.clock.advance(86400)
    assert creds(configured).data["expiration"] == "2028-01-02T00:00:00Z"


def test_another_application_gets_a_secret_of_its_own(configured):
    write(configured)
    first = creds(configured).data
    write(configured, application_object_id="other", ttl="1000h")
    second = creds(configured).data
    assert second["client_id"] != first["client_id"]
    assert second["client_secret"] != first["client_secret"]


@pytest.mark.parametrize("path", ["azure/static-roles/app", "azure/static-roles/app/import"])
def test_a_secret_that_is_taken_over_is_rotated(configured, path):
    sent = {"application_object_id": APP, "secret_id": "id", "client_secret": "old"}
    assert call(configured, "POST", path, sent).status == 204
    assert verify(creds(configured).data["client_secret"]).made_here
    assert not configured.ledger.find("old").valid(START * 10**9)


@pytest.mark.parametrize("path", ["azure/static-roles/app", "azure/static-roles/app/import"])
def test_the_rotation_of_a_secret_that_is_taken_over_can_be_skipped(configured, path):
    sent = {"application_object_id": APP, "secret_id": "id", "client_secret": "old", "skip_import_rotation": True}
    assert call(configured, "POST", path, sent).status == 204
    data = creds(configured).data
    assert (data["secret_id"], data["client_secret"]) == ("id", "old")
    assert data["expiration"] == "2028-01-01T00:00:00Z"


def test_a_secret_that_vault_was_never_told_must_be_rotated_first(configured):
    write(configured, secret_id="id", skip_import_rotation=True)
    reply = creds(configured)
    text = "static role 'app' has an imported credential without its client_secret: rotate the role first"
    assert (reply.status, reply.errors) == (400, [text])
    call(configured, "POST", "azure/rotate-role/app")
    assert creds(configured).status == 200


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ({"application_object_id": APP}, "secret_id is required"),
        ({"secret_id": "id"}, "application_object_id is required"),
    ],
)
def test_an_import_must_say_what_it_is_of(configured, sent, text):
    reply = call(configured, "POST", "azure/static-roles/app/import", sent)
    assert (reply.status, reply.errors) == (400, [text])


def test_only_a_new_static_role_imports(configured):
    write(configured)
    reply = call(configured, "POST", "azure/static-roles/app/import", {"application_object_id": APP, "secret_id": "id"})
    assert (reply.status, reply.errors) == (400, ["static role 'app' already exists"])


def test_metadata_of_the_role_wins_over_that_of_the_request(configured):
    write(configured, metadata='{"team": "a"}')
    reply = call(configured, "GET", "azure/static-creds/app?metadata=team%3Db&metadata=for%3Dme")
    assert reply.data["metadata"] == {"team": "a", "for": "me"}
