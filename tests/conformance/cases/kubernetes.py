"""The Kubernetes secrets engine, as far as no cluster is needed."""

import json

from conformance.steps import DELETE, GET, LIST, POST, Json, Step, case, mount, policy, token

SETUP = mount("kubernetes", "kubernetes")
EVERYWHERE = {"allowed_kubernetes_namespaces": "*"}
WRONG = ("x", -1, 1.5, None, True, [], {}, "1h", "")
HOST = "http://127.0.0.1:1"


def role(name: str, /, **fields: Json) -> Step:
    """Write a role."""
    return POST(f"kubernetes/roles/{name}", fields)


def config(**fields: Json) -> Step:
    """Configure the cluster, by default one that needs no CA."""
    return POST("kubernetes/config", {"kubernetes_host": HOST, "disable_local_ca_jwt": True, **fields})


def pem(label: str) -> str:
    """A block of PEM that holds nothing good."""
    return f"-----BEGIN {label}-----\naGVsbG8=\n-----END {label}-----\n"


RULES = (
    "x", "- a", "rules: x", "rules: []", "{}", "rules: [{verbs: list}]", "rules: [{verbs: [1]}]",
    "rules: [{verbs: [true]}]", "rules: [{verbs: [null]}]", '{"rules":[{"verbs":["a"]}', '{"rules":[{"Verbs":["a"]}]}',
    '{"Rules":5}', "Rules: 5", "RULES: []", "rules: null", "a: b: c", "foo: bar", '"str"', "5", "true", "null", "  ",
    "---", "---\nrules: []\n---\nrules: x", "rules: []\n---\nrules: x", "rules: x\n---\nrules: []",
    '{"rules":[]} trailing', '{"rules":[]}{"rules":5}', "[1]", '{"rules":[5]}', "rules: [5]", "rules: [[]]",
    "{rules: []}", "{rules: x}", "\t- a", "# comment", "rules: [{verbs: [a], foo: 5}]",
    "rules: [{verbs: [a], apiGroups: x}]", "a: &x [1]\nb: *x", "!!python/none x", "rules: [{verbs: [2020-01-01]}]",
    "rules: [{verbs: [1.5]}]", "rules: [{verbs: [a]},null]", '{"rules":[null]}', "a: 1\na: 2",
    '{"rules":[{"verbs":["a"],}]}', "rules: {}", 'rules: ""', "? [a]\n: b", "1: 2", "rules: [{1: 2}]",
    "rules: [{resourceNames: {a: b}}]", "rules: yes", "\ufeffrules: []", "%YAML 1.1\n---\nrules: []",
    "rules: [{verbs: [*x]}]", "x: !!binary aGk=", "a: !foo b", "<<: {rules: 5}", "x: .inf", "null: 5",
)  # fmt: skip

SELECTORS = (
    "x", "matchLabels: x", "matchLabels: {a: 1}", "matchLabels: {a: true}", "matchLabels: {a: null}",
    "matchLabels: {1: a}", "matchExpressions: x", "matchExpressions: [x]", "matchExpressions: [{key: 1}]",
    "matchExpressions: [{values: a}]", '{"matchLabels":{"a":1}}', '{"matchLabels":{"a":"b"}} x', "{", "foo: bar", "[]",
    "matchLabels: [a]", '{"matchlabels":5}', "matchLabels: {true: a}", "matchLabels: {1.5: a}",
    "matchLabels: {null: a}", "matchLabels:", "MATCHLABELS: {a: b}", "matchExpressions: [{key: [a]}]",
    "matchExpressions: [{values: [[a]]}]", "matchLabels: {a: [b]}", "matchExpressions: [null]", "matchExpressions: {}",
    "--- foo", "a: b\n--- foo: 5\nx: y", "\n---\n\n---\nmatchLabels: 5", '\n\n{"matchLabels":5}',
    '{"matchLabels":{}, x: 5}', "{null: x}",
)  # fmt: skip

CASES = [
    case(
        "the cluster is configured",
        SETUP,
        GET("kubernetes/config"),
        DELETE("kubernetes/config"),
        POST("kubernetes/config", {}),
        POST("kubernetes/config", {"disable_local_ca_jwt": True}),
        POST("kubernetes/config", {"kubernetes_host": ""}),
        GET("kubernetes/config"),
        config(service_account_jwt="t", kubernetes_ca_cert="c"),
        GET("kubernetes/config"),
        POST("kubernetes/config", {"kubernetes_host": "x"}),
        GET("kubernetes/config"),
        POST("kubernetes/config", {"service_account_jwt": "u"}),
        POST("kubernetes/config", {"kubernetes_host": None, "kubernetes_ca_cert": None, "unknown": 1}),
        GET("kubernetes/config"),
        LIST("kubernetes/config"),
        GET("kubernetes/config/x"),
        DELETE("kubernetes/config"),
        GET("kubernetes/config"),
    ),
    case(
        "fields of the configuration that are none",
        SETUP,
        [
            POST("kubernetes/config", {"kubernetes_host": HOST, name: wrong})
            for name in ("kubernetes_host", "disable_local_ca_jwt", "kubernetes_ca_cert")
            for wrong in WRONG
        ],
        GET("kubernetes/config"),
    ),
    case(
        "the server runs in no pod",
        SETUP,
        GET("kubernetes/check"),
        GET("kubernetes/check/"),
        POST("kubernetes/check", {}),
        LIST("kubernetes/check"),
    ),
    case(
        "a role is written, changed, read, listed and deleted",
        SETUP,
        LIST("kubernetes/roles"),
        GET("kubernetes/roles/app"),
        role("app", allowed_kubernetes_namespaces="B,a,A, ,a", service_account_name="x"),
        GET("kubernetes/roles/app"),
        GET("kubernetes/roles/APP"),
        role(
            "Other",
            allowed_kubernetes_namespaces=["x"],
            kubernetes_role_name="r",
            kubernetes_role_type="CLUSTERROLE",
            extra_labels={"a": "b"},
            extra_annotations=["k=v"],
            token_default_audiences="b,a,A,a",
            token_default_ttl=600,
            token_max_ttl="1h",
            name_template="x-{{random 5}}",
        ),
        GET("kubernetes/roles/other"),
        role("other", kubernetes_role_type=""),
        role("other", extra_labels={}, token_default_audiences=[], extra_annotations=None),
        GET("kubernetes/roles/other"),
        role("other", service_account_name="s"),
        role("other", service_account_name="s", kubernetes_role_name=""),
        GET("kubernetes/roles/other"),
        LIST("kubernetes/roles"),
        LIST("kubernetes/roles/"),
        LIST("kubernetes/roles?limit=1"),
        LIST("kubernetes/roles?after=app"),
        LIST("kubernetes/roles?after=app&limit=-1"),
        GET("kubernetes/roles"),
        GET("kubernetes/roles?list=true"),
        DELETE("kubernetes/roles/app"),
        DELETE("kubernetes/roles/app"),
        GET("kubernetes/roles/app"),
        DELETE("kubernetes/roles/OTHER"),
        LIST("kubernetes/roles"),
    ),
    case(
        "what roles must say, and must not",
        SETUP,
        role("app"),
        role("app", **EVERYWHERE),
        role("app", allowed_kubernetes_namespaces=[], service_account_name="x"),
        role("app", service_account_name="x"),
        role("app", **EVERYWHERE, service_account_name="x", kubernetes_role_name="y"),
        role("app", **EVERYWHERE, service_account_name="x", generated_role_rules="y"),
        role("app", **EVERYWHERE, kubernetes_role_name="x", generated_role_rules="y"),
        role("app", **EVERYWHERE, service_account_name="x", token_default_ttl="1h", token_max_ttl="30m"),
        role("app", **EVERYWHERE, service_account_name="x", token_default_ttl="1h", token_max_ttl=0),
        role("app", **EVERYWHERE, service_account_name="x", kubernetes_role_type="bla"),
        role("app", **EVERYWHERE, service_account_name="x", kubernetes_role_type="role"),
        role("app", **EVERYWHERE, service_account_name="x", name_template="{{"),
        role("app", **EVERYWHERE, service_account_name="x", name_template="{{foo}}"),
        role("app", **EVERYWHERE, service_account_name="x", name_template="{{.Nope}}"),
        role("app", **EVERYWHERE, service_account_name="x", unknown=1, name="other"),
        GET("kubernetes/roles/app"),
        role("a%20b", **EVERYWHERE, service_account_name="x"),
        role("-a", **EVERYWHERE, service_account_name="x"),
    ),
    case(
        "fields of a role that are none",
        SETUP,
        [
            role("app", **{**EVERYWHERE, "service_account_name": "x", name: wrong})
            for name in (
                "allowed_kubernetes_namespaces",
                "token_default_ttl",
                "token_default_audiences",
                "extra_labels",
                "kubernetes_role_type",
                "name_template",
            )
            for wrong in WRONG
        ],
        GET("kubernetes/roles/app"),
    ),
    case(
        "rules of roles",
        SETUP,
        [role(f"r{number}", **EVERYWHERE, generated_role_rules=text) for number, text in enumerate(RULES)],
        LIST("kubernetes/roles"),
    ),
    case(
        "selectors of namespaces",
        SETUP,
        [
            role(f"r{number}", service_account_name="x", allowed_kubernetes_namespace_selector=text)
            for number, text in enumerate(SELECTORS)
        ],
        LIST("kubernetes/roles"),
    ),
    case(
        "tokens that cannot be had",
        SETUP,
        GET("kubernetes/creds/none"),
        LIST("kubernetes/creds"),
        POST("kubernetes/creds/none", {}),
        role("any", **EVERYWHERE, service_account_name="x"),
        role("one", allowed_kubernetes_namespaces="a", service_account_name="x"),
        role("two", allowed_kubernetes_namespaces="a,b", service_account_name="x"),
        role("wide", **EVERYWHERE, kubernetes_role_name="x", kubernetes_role_type="ClusterRole"),
        role(
            "chosen",
            allowed_kubernetes_namespaces="a",
            allowed_kubernetes_namespace_selector=json.dumps({"matchLabels": {"a": "b"}}),
            service_account_name="x",
        ),
        POST("kubernetes/creds/any", {}),
        POST("kubernetes/creds/two", {}),
        POST("kubernetes/creds/chosen", {}),
        POST("kubernetes/creds/one", {"kubernetes_namespace": "z"}),
        POST("kubernetes/creds/one", {"kubernetes_namespace": "A"}),
        POST("kubernetes/creds/one", {"kubernetes_namespace": None}),
        POST("kubernetes/creds/one", {"cluster_role_binding": True}),
        POST("kubernetes/creds/one", {"ttl": "-1"}),
        POST("kubernetes/creds/one", {"ttl": "x"}),
        POST("kubernetes/creds/one", {"audiences": {"a": 1}}),
        POST("kubernetes/creds/one", {}),
        POST("kubernetes/creds/wide", {"kubernetes_namespace": "a", "cluster_role_binding": True}),
        POST("kubernetes/creds/chosen", {"kubernetes_namespace": "z"}),
        config(),
        [
            step
            for template in (
                "{{.Nope}}",
                "{{.RoleName.x}}",
                "{{truncate 0 .RoleName}}",
                "{{random -1}}",
                "{{1 | base64}}",
            )
            for step in (
                role("named", **EVERYWHERE, kubernetes_role_name="x", name_template=template),
                POST("kubernetes/creds/named", {"kubernetes_namespace": "a"}),
            )
        ],
        POST("kubernetes/config", {"kubernetes_host": HOST, "disable_local_ca_jwt": False}),
        POST("kubernetes/creds/one", {}),
        POST("kubernetes/creds/chosen", {"kubernetes_namespace": "z"}),
        [
            step
            for ca in ("nonsense", " ", pem("CERTIFICATE"), pem("PUBLIC KEY"), pem("CERTIFICATE")[:40])
            for step in (config(kubernetes_ca_cert=ca), POST("kubernetes/creds/ONE", {}))
        ],
        [
            step
            for host in ("127.0.0.1:1/x", "127.0.0.1:x", "http://", "://x", "/x", "a b", "", "http://127.0.0.1:bad")
            for step in (config(kubernetes_host=host, kubernetes_ca_cert=""), POST("kubernetes/creds/one", {}))
        ],
    ),
    case(
        "policies see through to names and folders",
        SETUP,
        role("app", **EVERYWHERE, service_account_name="x"),
        policy("writer", 'path "kubernetes/roles/app" { capabilities = ["update"] }'),
        policy("maker", 'path "kubernetes/roles/*" { capabilities = ["create"] }'),
        token("w", "writer"),
        token("m", "maker"),
        POST("kubernetes/roles/app", {**EVERYWHERE, "service_account_name": "y"}, token="$w"),
        POST("kubernetes/roles/app", {**EVERYWHERE, "service_account_name": "y"}, token="$m"),
        POST("kubernetes/roles/new", {**EVERYWHERE, "service_account_name": "y"}, token="$m"),
        GET("kubernetes/roles/app", token="$w"),
        POST("kubernetes/creds/app", {}, token="$w"),
        GET("kubernetes/check", token="$w"),
    ),
]
