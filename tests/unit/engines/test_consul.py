"""The Consul secrets engine. Expected answers are from Vault's engine."""

import base64

import pytest
from unit.helpers import call, world

from sandboxd.fakes import verify

ACCESS = {"address": "127.0.0.1:8500", "scheme": "https", "token": "not-a-token"}
NO_ACCESS = (
    "access credentials for the backend itself haven't been configured; please configure them at the '/config/access' "
    "endpoint"
)
NO_GRANT = (
    "Use either a policy document, a list of policies or roles, or a set of service or node identities, depending on "
    "your Consul version"
)
RULES = base64.b64encode(b'key "" { policy = "read" }').decode()


@pytest.fixture
def bare():
    made = world("vault")
    call(made, "POST", "sys/mounts/consul", {"type": "consul"})
    return made


@pytest.fixture
def vault(bare):
    assert call(bare, "POST", "consul/config/access", ACCESS).status == 204
    return bare


def role(vault, **fields):
    return call(vault, "POST", "consul/roles/app", fields)


def test_openbao_does_not_bring_the_engine():
    assert call(world("openbao"), "POST", "sys/mounts/consul", {"type": "consul"}).status == 400


def test_nobody_reads_or_has_credentials_before_access_is_configured(bare):
    assert call(bare, "GET", "consul/config/access").errors == [NO_ACCESS]
    assert role(bare, consul_policies="read").status == 204
    assert call(bare, "GET", "consul/creds/app").errors == [NO_ACCESS]


def test_access_is_shown_without_its_secrets(vault):
    assert call(vault, "GET", "consul/config/access").data == {"address": "127.0.0.1:8500", "scheme": "https"}


def test_a_write_of_access_replaces_all_of_it(vault):
    assert call(vault, "POST", "consul/config/access", {"address": "127.0.0.1:1"}).status == 204
    assert call(vault, "GET", "consul/config/access").data == {"address": "127.0.0.1:1", "scheme": "http"}


def test_access_cannot_be_deleted(vault):
    assert call(vault, "DELETE", "consul/config/access").status == 405


def test_a_role_is_shown_with_what_it_has(vault):
    assert role(vault, consul_policies="a,b", service_identities=["web:dc1,dc2"], ttl="1h").status == 204
    assert call(vault, "GET", "consul/roles/app").data == {
        "consul_namespace": "",
        "consul_policies": ["a", "b"],
        "lease": 3600,
        "local": False,
        "max_ttl": 0,
        "partition": "",
        "service_identities": ["web:dc1,dc2"],
        "token_type": "client",
        "ttl": 3600,
    }


def test_deprecated_fields_stand_in_for_the_present_ones(vault):
    role(vault, policies=["old"], lease="2h")
    data = call(vault, "GET", "consul/roles/app").data
    assert (data["consul_policies"], data["ttl"]) == (["old"], 7200)
    role(vault, policies=["old"], consul_policies=["new"], lease="2h", ttl="1h")
    data = call(vault, "GET", "consul/roles/app").data
    assert (data["consul_policies"], data["ttl"]) == (["new"], 3600)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, NO_GRANT),
        ({"token_type": "other", "policy": RULES}, 'token_type must be "client" or "management"'),
        ({"policy": "*"}, "Error decoding policy base64: illegal base64 data at input byte 0"),
    ],
)
def test_a_role_that_makes_no_sense_is_refused(vault, fields, text):
    answer = role(vault, **fields)
    assert (answer.status, answer.errors) == (400, [text])


def test_roles_are_listed_and_deleted(vault):
    assert call(vault, "LIST", "consul/roles").status == 404
    role(vault, consul_roles="r")
    assert call(vault, "LIST", "consul/roles").data == {"keys": ["app"]}
    assert call(vault, "DELETE", "consul/roles/app").status == 204
    assert call(vault, "GET", "consul/roles/app").status == 404


def test_a_token_is_a_fake_with_a_lease(vault):
    role(vault, consul_policies="a", ttl="1h", max_ttl="2h", consul_namespace="n", partition="p", local=True)
    answer = call(vault, "GET", "consul/creds/app").json
    data = answer["data"]
    assert verify(data["token"]).kind.name == "consul.token"
    assert (answer["lease_duration"], answer["renewable"]) == (3600, True)
    assert {name: data[name] for name in ("local", "consul_namespace", "partition")} == {
        "local": True,
        "consul_namespace": "n",
        "partition": "p",
    }
    assert data["accessor"] != data["token"]


@pytest.mark.parametrize("fields", [{"policy": RULES}, {"token_type": "management"}])
def test_a_token_of_the_old_kind_has_no_accessor(vault, fields):
    role(vault, **fields)
    assert set(call(vault, "GET", "consul/creds/app").data) == {"token"}
    assert call(vault, "GET", "consul/roles/app").data.get("policy", "") == fields.get("policy", "")


def test_a_lease_is_renewed_by_its_role_and_not_without_it(vault):
    role(vault, consul_policies="a", ttl="1h")
    lease = call(vault, "GET", "consul/creds/app").json["lease_id"]
    role(vault, consul_policies="a", ttl="2h")
    assert call(vault, "POST", "sys/leases/renew", {"lease_id": lease}).json["lease_duration"] == 7200
    call(vault, "DELETE", "consul/roles/app")
    assert 'issuing role "app" not found' in call(vault, "POST", "sys/leases/renew", {"lease_id": lease}).errors[0]
    assert call(vault, "POST", "sys/leases/revoke", {"lease_id": lease}).status == 204


def test_there_is_no_token_without_a_role(vault):
    assert call(vault, "GET", "consul/creds/app").errors == ['role "app" not found']


def test_the_cluster_is_bootstrapped_when_no_token_is_given(bare):
    assert call(bare, "POST", "consul/config/access", {"address": "127.0.0.1:8500"}).status == 204
    role(bare, consul_policies="a")
    assert call(bare, "GET", "consul/creds/app").status == 200
