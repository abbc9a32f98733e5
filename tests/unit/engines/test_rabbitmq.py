"""The RabbitMQ secrets engine. Expected answers are those of a running OpenBao 2.7.2."""

import json
import re
from functools import partial

import pytest
from conformance.broker_api import BrokerApi, Said
from unit import helpers
from unit.helpers import world

from sandboxd.fakes import verify

call = partial(helpers.call, waits=True)
BROKER = {"connection_uri": "http://127.0.0.1:15672", "username": "u", "password": "p"}
NOT_MADE = "failed to create a new user with the generated credentials"


@pytest.fixture
def bare():
    made = world()
    call(made, "POST", "sys/mounts/rabbitmq", {"type": "rabbitmq"})
    return made


@pytest.fixture
def vault(bare):
    assert config(bare).status == 204
    assert call(bare, "POST", "rabbitmq/roles/app", {"tags": "administrator"}).status == 204
    return bare


@pytest.fixture
def broker():
    api = BrokerApi()
    yield api
    api.close()


@pytest.fixture
def live(broker):
    made = world()
    call(made, "POST", "sys/mounts/rabbitmq", {"type": "rabbitmq", "options": {"live": "true"}})
    assert config(made, connection_uri=broker.address).status == 204
    call(
        made,
        "POST",
        "rabbitmq/roles/app",
        {"tags": "a", "vhosts": '{"/":{"read":".*"}}', "vhost_topics": '{"/":{"x":{}}}'},
    )
    broker.taken()
    return made


def config(vault, **fields):
    return call(vault, "POST", "rabbitmq/config/connection", {**BROKER, **fields})


def failure(answer):
    assert answer.status == 500
    return answer.errors[0].removeprefix("1 error occurred:\n\t* ").removesuffix("\n\n")


@pytest.mark.parametrize("profile", ["vault", "openbao"])
def test_a_user_is_a_fake_with_a_lease(profile):
    made = world(profile)
    call(made, "POST", "sys/mounts/rabbitmq", {"type": "rabbitmq"})
    config(made)
    call(made, "POST", "rabbitmq/roles/app", {"tags": "administrator"})
    call(made, "POST", "rabbitmq/config/lease", {"ttl": "1h", "max_ttl": "2h"})
    answer = call(made, "GET", "rabbitmq/creds/app").json
    assert re.fullmatch("token-[0-9a-f-]{36}", answer["data"]["username"])
    assert re.fullmatch("[0-9A-Za-z]{36}", answer["data"]["password"])
    assert verify(answer["data"]["password"]).made_here
    assert (answer["lease_duration"], answer["renewable"]) == (3600, True)


def test_a_lease_is_renewed_as_configured_by_then_and_revoked(vault):
    lease = call(vault, "GET", "rabbitmq/creds/app").json["lease_id"]
    call(vault, "POST", "rabbitmq/config/lease", {"ttl": "1h", "max_ttl": "2h"})
    assert call(vault, "POST", "sys/leases/renew", {"lease_id": lease}).json["lease_duration"] == 3600
    assert call(vault, "POST", "sys/leases/revoke", {"lease_id": lease}).status == 204


def test_passwords_follow_a_policy(vault):
    call(vault, "PUT", "sys/policies/password/digits", {"policy": 'length = 8\nrule "charset" { charset = "01" }'})
    config(vault, password_policy="digits")
    assert re.fullmatch("[01]{8}", call(vault, "GET", "rabbitmq/creds/app").data["password"])
    config(vault, password_policy="nowhere")
    assert failure(call(vault, "GET", "rabbitmq/creds/app")) == "no password policy found"


def test_names_follow_a_template(vault):
    config(vault, username_template="x-{{.DisplayName}}-{{.RoleName | uppercase}}")
    assert call(vault, "GET", "rabbitmq/creds/app").data["username"] == "x-token-APP"


def test_a_template_that_fails_on_real_names_is_found_out_late(vault):
    config(vault, username_template="{{with .RoleName}}{{.DisplayName}}{{end}}")
    assert failure(call(vault, "GET", "rabbitmq/creds/app")) == (
        "failed to generate username: unable to apply template: template: template:1:20: "
        'executing "template" at <.DisplayName>: can\'t evaluate field DisplayName in type string'
    )


@pytest.mark.parametrize(
    ("template", "text"),
    [
        (
            "{{",
            (
                r"unable to initialize username template: %!w\(\*fmt\.wrapError=&\{unable to parse template: template: "
                r"template:1: unclosed action 0x[0-9a-f]+\}\)"
            ),
        ),
        (
            '{{define "x"}}{{.Nope}}{{end}}{{template "x" .}}',
            (
                r"invalid username template: %!w\(\*fmt\.wrapError=&\{unable to apply template: template: template:"
                r'1:16: executing "x" at <\.Nope>: can\'t evaluate field Nope in type rabbitmq\.UsernameMetadata '
                r"\{x 0x[0-9a-f]+\}\}\)"
            ),
        ),
    ],
)
def test_a_broken_template_is_refused_as_go_prints_its_error(bare, template, text):
    answer = config(bare, username_template=template)
    assert answer.status == 400
    assert re.fullmatch(text, answer.errors[0])


@pytest.mark.parametrize("missing", ["connection_uri", "username", "password"])
def test_a_connection_needs_all_of_it(bare, missing):
    assert config(bare, **{missing: ""}).errors == [f"missing {missing}"]


@pytest.mark.parametrize(
    ("uri", "text"),
    [
        ("://", 'failed to create client: parse "://": missing protocol scheme'),
        ("x", 'failed to validate the connection: Get "x/api/users/": unsupported protocol scheme ""'),
        ("http://", 'failed to validate the connection: Get "http:///api/users/": http: no Host in request URL'),
    ],
)
def test_what_is_no_url_is_refused_though_nobody_is_called(bare, uri, text):
    assert failure(config(bare, connection_uri=uri)) == text


def test_there_is_no_user_without_role_or_broker(bare):
    assert call(bare, "GET", "rabbitmq/creds/app").errors == ["unknown role: app"]
    call(bare, "POST", "rabbitmq/roles/app", {"tags": "x"})
    assert failure(call(bare, "GET", "rabbitmq/creds/app")) == NOT_MADE


def test_a_role_is_shown_with_its_permissions(vault):
    vhosts = {"/": {"configure": ".*", "write": "", "read": "x"}}
    topics = {"/": {"amq.topic": {"write": "w", "read": ""}}}
    fields = {"tags": "a", "vhosts": json.dumps(vhosts), "vhost_topics": json.dumps(topics)}
    call(vault, "POST", "rabbitmq/roles/app", fields)
    assert call(vault, "GET", "rabbitmq/roles/app").data == {"tags": "a", "vhosts": vhosts, "vhost_topics": topics}


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "both tags and vhosts not specified"),
        ({"vhosts": "x"}, "failed to unmarshal vhosts: invalid character 'x' looking for beginning of value"),
        (
            {"tags": "a", "vhost_topics": '{"/":"y"}'},
            (
                "failed to unmarshal vhost_topics: json: cannot unmarshal string into Go struct field .~1 of type "
                "map[string]rabbitmq.vhostTopicPermission"
            ),
        ),
    ],
)
def test_a_role_that_makes_no_sense_is_refused(vault, fields, text):
    answer = call(vault, "POST", "rabbitmq/roles/app", fields)
    assert (answer.status, answer.errors) == (400, [text])


def test_a_live_user_is_made_permitted_and_deleted(live, broker):
    answer = call(live, "GET", "rabbitmq/creds/app").json
    name, password = answer["data"]["username"], answer["data"]["password"]
    assert [(method, path, said) for method, path, _, _, said in broker.taken()] == [
        ("PUT", f"/api/users/{name}", {"name": "", "tags": "a", "password": password}),
        ("PUT", f"/api/permissions/%2F/{name}", {"configure": "", "write": "", "read": ".*"}),
        ("PUT", f"/api/topic-permissions/%2F/{name}", {"exchange": "x", "write": "", "read": ""}),
    ]
    assert call(live, "POST", "sys/leases/revoke", {"lease_id": answer["lease_id"], "sync": True}).status == 204
    assert [taken[:2] for taken in broker.taken()] == [("DELETE", f"/api/users/{name}")]


def test_a_live_user_that_cannot_be_permitted_is_deleted_and_the_first_error_told(live, broker):
    refused = Said(400, b'{"error":"bad","reason":"no"}')
    broker.plan = {("PUT", "/api/permissions"): refused, ("DELETE", ""): Said(401)}
    assert failure(call(live, "GET", "rabbitmq/creds/app")) == "Error 400 (bad): no"
    assert [taken[0] for taken in broker.taken()] == ["PUT", "PUT", "DELETE"]


@pytest.mark.parametrize(
    ("said", "text"), [(Said(500), NOT_MADE), (Said(302, b"there"), "error creating user token-NAME - 302: there")]
)
def test_a_live_user_that_cannot_be_made_is_told_of(live, broker, said, text):
    broker.plan = {("PUT", "/api/users"): said}
    answer = failure(call(live, "GET", "rabbitmq/creds/app"))
    assert re.sub("token-[0-9a-f-]{36}", "token-NAME", answer) == text


def test_a_live_user_that_cannot_be_deleted_keeps_its_lease(live, broker):
    lease = call(live, "GET", "rabbitmq/creds/app").json["lease_id"]
    broker.plan = {("DELETE", ""): Said(401)}
    answer = call(live, "POST", "sys/leases/revoke", {"lease_id": lease, "sync": True})
    assert "could not delete user: Error: API responded with a 401 Unauthorized" in answer.errors[0]


def test_a_live_connection_is_tried(live, broker):
    broker.plan = {("GET", ""): Said(200, b"{}")}
    assert failure(config(live, connection_uri=broker.address)) == (
        "failed to validate the connection: json: cannot unmarshal object into Go value of type []rabbithole.UserInfo"
    )


def test_a_live_broker_elsewhere_is_never_called(live):
    answer = config(live, connection_uri="http://192.0.2.1")
    assert answer.status == 400
    assert "the broker of this mount is elsewhere" in answer.errors[0]


def test_a_simulated_user_is_not_looked_for_at_a_broker(vault, broker):
    lease = call(vault, "GET", "rabbitmq/creds/app").json["lease_id"]
    call(vault, "POST", "sys/mounts/rabbitmq/tune", {"options": {"live": "true"}})
    config(vault, connection_uri=broker.address)
    broker.taken()
    assert call(vault, "POST", "sys/leases/revoke", {"lease_id": lease, "sync": True}).status == 204
    assert broker.taken() == []


def test_a_live_connection_is_not_tried_when_that_is_not_wanted(live, broker):
    assert config(live, connection_uri=broker.address, verify_connection=False).status == 204
    assert broker.taken() == []


def test_a_live_broker_that_is_gone_is_told_of(live, broker):
    lease = call(live, "GET", "rabbitmq/creds/app").json["lease_id"]
    config(live, connection_uri="http://127.0.0.1:99999", verify_connection=False)
    answer = call(live, "POST", "sys/leases/revoke", {"lease_id": lease, "sync": True})
    assert "could not delete user: Delete " in answer.errors[0]
    assert failure(call(live, "GET", "rabbitmq/creds/app")) == NOT_MADE


def test_a_live_broker_that_answers_oddly_to_permissions_is_told_of(live, broker):
    broker.plan = {("PUT", "/api/permissions"): Said(302, b"there")}
    answer = failure(call(live, "GET", "rabbitmq/creds/app"))
    assert answer == "error updating vhost permissions for / - 302: there"
