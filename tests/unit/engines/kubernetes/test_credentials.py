"""Tokens of a simulated cluster, which verify, and end with their leases."""

import asyncio
import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256
from unit.helpers import START, call, world

from sandboxd.engines.kubernetes import documents
from sandboxd.engines.kubernetes.credentials import Rollback
from sandboxd.fakes import verify
from sandboxd.vault.namespaces import ROOT

HOUR = {"allowed_kubernetes_namespaces": "*", "token_default_ttl": "1h"}


def mounted(profile="vault"):
    made = world(profile)
    call(made, "POST", "sys/mounts/kubernetes", {"type": "kubernetes"})
    config = {"kubernetes_host": "https://127.0.0.1:6443", "disable_local_ca_jwt": True}
    call(made, "POST", "kubernetes/config", config)
    return made


@pytest.fixture
def vault():
    return mounted()


def role(vault, name="app", **fields):
    answer = call(vault, "POST", f"kubernetes/roles/{name}", {**HOUR, **fields})
    assert answer.status == 204, answer.text


def ask(vault, name="app", namespace="ns", headers=None, **fields):
    body = {"kubernetes_namespace": namespace, **fields}
    return call(vault, "POST", f"kubernetes/creds/{name}", body, headers=headers, waits=True)


def unpadded(segment):
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


def claims(token):
    return json.loads(unpadded(token.split(".")[1]))


def published(vault, issuer):
    mounted, _ = vault.mounts.find(ROOT, "kubernetes/config")
    return documents(mounted.view, issuer)


def test_a_token_of_an_existing_account_is_lent(vault):
    role(vault, service_account_name="default")
    answer = ask(vault).json
    assert answer["lease_id"].startswith("kubernetes/creds/app/")
    assert (answer["lease_duration"], answer["renewable"]) == (3600, False)
    assert answer["data"]["service_account_name"] == "default"
    assert answer["data"]["service_account_namespace"] == "ns"


def test_a_token_says_whose_it_is_and_how_long_it_lasts(vault):
    role(vault, service_account_name="default")
    found = claims(ask(vault, ttl="20m").data["service_account_token"])
    assert (found["iat"], found["nbf"], found["exp"]) == (START, START, START + 1200)
    assert found["sub"] == "system:serviceaccount:ns:default"
    assert found["kubernetes.io"]["namespace"] == "ns"
    assert found["kubernetes.io"]["serviceaccount"]["name"] == "default"


def test_the_same_account_has_the_same_uid_and_each_token_an_id_of_its_own(vault):
    role(vault, service_account_name="default")
    first, second = (claims(ask(vault).data["service_account_token"]) for _ in range(2))
    assert first["kubernetes.io"] == second["kubernetes.io"]
    assert first["jti"] != second["jti"]


def test_a_token_verifies_against_the_published_key_set(vault):
    role(vault, service_account_name="default")
    token = ask(vault, headers={"host": "localhost:8200"}).data["service_account_token"]
    issuer = claims(token)["iss"]
    found = published(vault, issuer)
    discovery, (key,) = found[".well-known/openid-configuration"], found["openid/v1/jwks"]["keys"]
    assert discovery["issuer"] == issuer
    assert issuer.startswith("http://localhost:8200/_sandboxd/v1/kubernetes/kubernetes_")
    assert discovery["jwks_uri"] == f"{issuer}/openid/v1/jwks"
    signed, _, signature = token.rpartition(".")
    numbers = (int.from_bytes(unpadded(key[name]), "big") for name in ("e", "n"))
    RSAPublicNumbers(*numbers).public_key().verify(unpadded(signature), signed.encode(), PKCS1v15(), SHA256())
    assert json.loads(unpadded(token.split(".")[0]))["kid"] == key["kid"]


def test_no_key_is_published_before_there_is_one(vault):
    assert published(vault, "http://localhost")["openid/v1/jwks"] == {"keys": []}


def test_each_mount_signs_with_a_key_of_its_own(vault):
    call(vault, "POST", "sys/mounts/other", {"type": "kubernetes"})
    call(vault, "POST", "other/config", {"kubernetes_host": "https://127.0.0.1", "disable_local_ca_jwt": True})
    call(vault, "POST", "other/roles/app", {**HOUR, "service_account_name": "default"})
    role(vault, service_account_name="default")
    tokens = [
        call(vault, "POST", f"{path}/creds/app", {"kubernetes_namespace": "ns"}, waits=True).data
        for path in ("kubernetes", "other")
    ]
    kids = {json.loads(unpadded(each["service_account_token"].split(".")[0]))["kid"] for each in tokens}
    assert len(kids) == 2


def test_two_requests_at_once_make_one_key(vault):
    role(vault, service_account_name="default")

    async def both():
        from sandboxd.edge.app import App
        from sandboxd.edge.messages import Incoming

        app, body = App(vault), b'{"kubernetes_namespace": "ns"}'
        headers = {"x-vault-token": ("root",)}
        asked = (Incoming("POST", "/v1/kubernetes/creds/app", headers, body, "127.0.0.1", 1) for _ in range(2))
        return await asyncio.gather(*map(app.answer, asked))

    answers = [json.loads(answer.body)["data"]["service_account_token"] for answer in asyncio.run(both())]
    assert len({token.split(".")[0] for token in answers}) == 1


def test_a_token_is_a_fake_and_says_so(vault):
    role(vault, service_account_name="default")
    verdict = verify(ask(vault).data["service_account_token"])
    assert verdict.made_here
    assert verdict.kind.name == "kubernetes.service_account_token"


def test_audiences_are_those_asked_for_or_the_roles(vault):
    role(vault, service_account_name="default", token_default_audiences="x")
    assert claims(ask(vault, audiences=["a", "b"]).data["service_account_token"])["aud"] == ["a", "b"]
    assert claims(ask(vault).data["service_account_token"])["aud"] == ["x"]


def test_whatever_is_made_is_named_after_the_caller_and_the_role(vault):
    role(vault, "deployments", kubernetes_role_name="reader")
    name = ask(vault, "deployments").data["service_account_name"]
    assert name.startswith(f"v-token-deployme-{START}-")
    assert len(name.rpartition("-")[2]) == 24
    assert name == name.lower()


def test_a_template_names_what_is_made(vault):
    role(vault, generated_role_rules="rules: []", name_template="n-{{.RoleName}}")
    assert ask(vault).data["service_account_name"] == "n-app"


def test_a_name_that_cannot_be_made_is_an_error(vault):
    role(vault, kubernetes_role_name="x", name_template="{{.Nope}}")
    (reason,) = ask(vault).errors
    assert "failed to generate name: unable to apply template: template: template:1:2: executing" in reason
    assert "can't evaluate field Nope in type kubesecrets.nameMetadata" in reason


def test_the_token_ends_with_its_lease(vault):
    role(vault, kubernetes_role_name="reader")
    answer = ask(vault).json
    token = answer["data"]["service_account_token"]
    assert vault.ledger.find(token).valid(vault.clock.now_ns())
    assert call(vault, "PUT", "sys/leases/revoke", {"lease_id": answer["lease_id"]}, waits=True).status == 204
    assert vault.ledger.find(token).end == "revoked"


def test_the_lease_is_not_renewable(vault):
    role(vault, kubernetes_role_name="reader")
    lease = ask(vault).json["lease_id"]
    assert call(vault, "PUT", "sys/leases/renew", {"lease_id": lease}).errors == ["lease is not renewable"]


def test_a_lease_cannot_be_revoked_without_a_configuration(vault):
    role(vault, kubernetes_role_name="reader")
    lease = ask(vault).json["lease_id"]
    call(vault, "DELETE", "kubernetes/config")
    answer = call(vault, "PUT", "sys/leases/revoke", {"lease_id": lease}, waits=True)
    assert "could not load backend configuration" in answer.errors[0]


@pytest.mark.parametrize(("profile", "product"), [("vault", "Vault"), ("openbao", "OpenBao")])
def test_what_is_longer_than_allowed_is_cut_with_a_warning(profile, product):
    vault = mounted(profile)
    role(vault, service_account_name="default", token_max_ttl="2h")
    call(vault, "POST", "sys/mounts/kubernetes/tune", {"max_lease_ttl": "90m"})
    answer = ask(vault, ttl="3h")
    assert answer.json["lease_duration"] == 5400
    assert answer.warnings == [
        "ttl of 3h0m0s is greater than the role's token_max_ttl of 2h0m0s; capping accordingly",
        f"ttl of 2h0m0s is greater than {product}'s max lease ttl 1h30m0s; capping accordingly",
    ]


@pytest.mark.parametrize(("ttl", "wrong"), [(599, "less than 10 minutes"), ((1 << 32) + 1, "larger than 2^32 seconds")])
def test_a_cluster_gives_no_token_that_is_too_short_or_too_long(vault, ttl, wrong):
    call(vault, "POST", "sys/mounts/kubernetes/tune", {"max_lease_ttl": f"{1 << 33}s"})
    role(vault, service_account_name="default")
    answer = ask(vault, ttl=ttl)
    assert answer.status == 500
    assert f"spec.expirationSeconds: Invalid value: {ttl}: may not specify a duration {wrong}" in answer.errors[0]


def test_what_is_to_be_cleaned_up_stays_as_far_away_after_a_restore():
    rollback = Rollback(kind="Role", namespace="ns", name="n", until=10)
    assert rollback.later(5).until == 15


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("localhost:8200", "localhost:8200"),
        ("vault:1", "vault:1"),
        ("10.0.0.1:1", "127.0.0.1:8200"),
        ("", "127.0.0.1:8200"),
    ],
)
def test_the_issuer_is_where_the_client_found_the_sandbox(vault, host, shown):
    role(vault, service_account_name="default")
    token = ask(vault, headers={"host": host} if host else None).data["service_account_token"]
    assert claims(token)["iss"].startswith(f"http://{shown}/_sandboxd/v1/kubernetes/")


@pytest.mark.parametrize("namespace", ["A", "a.b", "a" * 64, "-a", "a b"])
def test_there_is_no_namespace_of_a_name_that_none_can_have(vault, namespace):
    role(vault, service_account_name="default")
    assert f'namespaces "{namespace}" not found' in ask(vault, namespace=namespace).errors[0]
    role(vault, "bound", kubernetes_role_name="x")
    assert f'namespaces "{namespace}" not found' in ask(vault, "bound", namespace=namespace).errors[0]


def test_service_accounts_have_names_that_they_can_have(vault):
    role(vault, service_account_name="A_b")
    assert 'serviceaccounts "A_b" not found' in ask(vault).errors[0]
    role(vault, "bound", kubernetes_role_name="x", name_template="A_b")
    (reason,) = ask(vault, "bound").errors
    assert "failed to create service account 'ns/A_b': ServiceAccount \"A_b\" is invalid: metadata.name: " in reason
    assert "a lowercase RFC 1123 subdomain must consist of" in reason


def test_a_role_must_be_there(vault):
    assert ask(vault, "none").errors == ["role 'none' does not exist"]


def test_a_namespace_must_be_allowed(vault):
    role(vault, service_account_name="x", allowed_kubernetes_namespaces="a,b")
    (reason,) = ask(vault, namespace="c").errors
    assert reason == (
        "kubernetes_namespace 'c' is not present in role's allowed_kubernetes_namespaces or does not match role's "
        "label selector allowed_kubernetes_namespace_selector"
    )
    assert ask(vault, namespace="a").status == 200


@pytest.mark.parametrize(("profile", "product"), [("vault", "Vault"), ("openbao", "OpenBao")])
def test_the_namespace_may_be_left_out_where_there_is_one(profile, product):
    vault = mounted(profile)
    role(vault, "one", service_account_name="x", allowed_kubernetes_namespaces="a")
    role(vault, "any", service_account_name="x")
    assert ask(vault, "one", namespace="").data["service_account_namespace"] == "a"
    (reason,) = ask(vault, "any", namespace="").errors
    wanted = f"'kubernetes_namespace' is required unless the {product} role has a single namespace specified"
    assert f"error verifying namespace: {wanted}\n" in reason


def test_a_simulated_namespace_has_its_name_and_whatever_else_is_asked_for(vault):
    selector = {"matchLabels": {"kubernetes.io/metadata.name": "ns", "team": "x"}}
    fields = {"allowed_kubernetes_namespaces": [], "allowed_kubernetes_namespace_selector": json.dumps(selector)}
    role(vault, service_account_name="x", **fields)
    assert ask(vault, namespace="ns").status == 200
    assert ask(vault, namespace="other").status == 400


def test_a_selector_that_makes_no_sense_is_refused_when_it_is_asked(vault):
    fields = {
        "allowed_kubernetes_namespaces": [],
        "allowed_kubernetes_namespace_selector": '{"matchLabels":{"a b":""}}',
    }
    role(vault, service_account_name="x", **fields)
    assert 'error verifying namespace: key: Invalid value: "a b"' in ask(vault).errors[0]


def test_only_a_cluster_role_is_bound_in_all_namespaces(vault):
    role(vault, kubernetes_role_name="x")
    assert ask(vault, cluster_role_binding=True).errors == ["a ClusterRoleBinding cannot ref a Role"]
    role(vault, kubernetes_role_name="x", kubernetes_role_type="ClusterRole")
    assert ask(vault, cluster_role_binding=True).status == 200


def test_without_a_configuration_there_is_no_cluster(vault):
    selector = {"allowed_kubernetes_namespaces": [], "allowed_kubernetes_namespace_selector": "{}"}
    role(vault, service_account_name="x")
    role(vault, "selecting", service_account_name="x", **selector)
    call(vault, "DELETE", "kubernetes/config")
    (reason,) = ask(vault, "selecting").errors
    assert "error verifying namespace: could not load backend configuration" in reason
    assert ask(vault).errors == ["1 error occurred:\n\t* could not load backend configuration\n\n"]


@pytest.mark.parametrize(
    ("address", "host", "shown"),
    [
        ("https://127.0.0.1:8300", "localhost:9", "https://127.0.0.1:8300"),
        ("https://0.0.0.0:8300", "sandboxd:8300", "https://sandboxd:8300"),
        ("http://[::]:8300", "192.168.1.5:8300", "http://127.0.0.1:8300"),
        ("", "", "http://127.0.0.1:8200"),
    ],
)
def test_the_issuer_is_no_address_that_others_could_have(vault, address, host, shown):
    role(vault, service_account_name="default")
    vault.address = address
    token = ask(vault, headers={"host": host}).data["service_account_token"]
    assert claims(token)["iss"].startswith(f"{shown}/_sandboxd/v1/kubernetes/kubernetes_")
    assert verify(token).made_here
