"""Roles of the Kubernetes engine. Expected answers were recorded from OpenBao 2.7.2."""

import pytest
from unit.helpers import call, world

ANYWHERE = {"allowed_kubernetes_namespaces": "*"}


@pytest.fixture(params=["vault", "openbao"])
def vault(request):
    made = world(request.param)
    call(made, "POST", "sys/mounts/kubernetes", {"type": "kubernetes"})
    return made


def write(vault, name="app", **fields):
    return call(vault, "POST", f"kubernetes/roles/{name}", fields)


def test_a_role_is_read_as_it_is_understood(vault):
    assert write(vault, "App", allowed_kubernetes_namespaces="B,a,A, ,a", service_account_name="x").status == 204
    assert call(vault, "GET", "kubernetes/roles/app").data == {
        "name": "app",
        "allowed_kubernetes_namespaces": ["a", "b"],
        "allowed_kubernetes_namespace_selector": "",
        "token_max_ttl": 0,
        "token_default_ttl": 0,
        "token_default_audiences": None,
        "service_account_name": "x",
        "kubernetes_role_name": "",
        "kubernetes_role_type": "Role",
        "generated_role_rules": "",
        "name_template": "",
        "extra_labels": None,
        "extra_annotations": None,
    }


def test_a_role_is_changed_in_what_is_sent(vault):
    write(vault, **ANYWHERE, kubernetes_role_name="r", kubernetes_role_type="CLUSTERROLE", extra_labels={"a": "b"})
    write(vault, token_default_ttl="10m", extra_annotations=["k=v"], token_default_audiences="b,a,A")
    data = call(vault, "GET", "kubernetes/roles/app").data
    assert (data["kubernetes_role_type"], data["extra_labels"]) == ("ClusterRole", {"a": "b"})
    assert (data["token_default_ttl"], data["extra_annotations"]) == (600, {"k": "v"})
    assert data["token_default_audiences"] == ["A", "a", "b"]


def test_null_takes_labels_and_annotations_away(vault):
    write(vault, **ANYWHERE, service_account_name="x", extra_labels={"a": "b"}, extra_annotations={"a": "b"})
    write(vault, extra_labels=None, extra_annotations=None)
    data = call(vault, "GET", "kubernetes/roles/app").data
    assert (data["extra_labels"], data["extra_annotations"]) == (None, None)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        (
            {},
            "one (at least) of allowed_kubernetes_namespaces or allowed_kubernetes_namespace_selector must be set",
        ),
        (
            ANYWHERE,
            "one (and only one) of service_account_name, kubernetes_role_name or generated_role_rules must be set",
        ),
        (
            {**ANYWHERE, "service_account_name": "x", "kubernetes_role_name": "y"},
            "one (and only one) of service_account_name, kubernetes_role_name or generated_role_rules must be set",
        ),
        (
            {**ANYWHERE, "service_account_name": "x", "token_default_ttl": "1h", "token_max_ttl": "30m"},
            "token_default_ttl 1h0m0s cannot be greater than token_max_ttl 30m0s",
        ),
        (
            {**ANYWHERE, "service_account_name": "x", "kubernetes_role_type": "bla"},
            "kubernetes_role_type must be either 'Role' or 'ClusterRole'",
        ),
        (
            {"allowed_kubernetes_namespace_selector": "[]", "service_account_name": "x"},
            "failed to parse 'allowed_kubernetes_namespace_selector' as k8s.io/api/meta/v1/LabelSelector object",
        ),
        (
            {**ANYWHERE, "generated_role_rules": "x"},
            "failed to parse 'generated_role_rules' as k8s.io/api/rbac/v1/Policy object",
        ),
        (
            {**ANYWHERE, "service_account_name": "x", "name_template": "{{"},
            "unable to initialize name template: unable to parse template: template: template:1: unclosed action",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(vault, fields, reason):
    answer = write(vault, **fields)
    assert (answer.status, answer.errors) == (400, [reason])
    assert call(vault, "GET", "kubernetes/roles/app").status == 404


def test_roles_are_listed_and_deleted(vault):
    for name in ("b", "a"):
        write(vault, name, **ANYWHERE, service_account_name="x")
    assert call(vault, "LIST", "kubernetes/roles").data == {"keys": ["a", "b"]}
    assert call(vault, "DELETE", "kubernetes/roles/a").status == 204
    assert call(vault, "DELETE", "kubernetes/roles/a").status == 204
    call(vault, "DELETE", "kubernetes/roles/b")
    assert call(vault, "LIST", "kubernetes/roles").status == 404


def test_openbao_lists_roles_in_pages():
    vault = world("openbao")
    call(vault, "POST", "sys/mounts/kubernetes", {"type": "kubernetes"})
    for name in ("a", "b", "c"):
        write(vault, name, **ANYWHERE, service_account_name="x")
    assert call(vault, "LIST", "kubernetes/roles?after=a&limit=1").data == {"keys": ["b"]}
