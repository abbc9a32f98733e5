"""Templated paths. Each answer was seen on OpenBao 2.7.2 with an entity and groups of this make."""

from types import SimpleNamespace

import pytest

from sandboxd.vault.policies import ACL, VAULT, ForbiddenValueError, IdentityView, PolicyError, parse_policy
from sandboxd.vault.policies.templates import is_templated, render

NOW = 1_800_000_000_000_000_000
ALIAS = SimpleNamespace(
    id="alias-1",
    name="bob",
    mount_accessor="auth_userpass_1",
    metadata=None,
    custom_metadata={"m": "cm"},
)
ENTITY = SimpleNamespace(
    id="entity-1",
    name="bobby",
    metadata={"team": "red", "empty": "", "slash": "a/b", "star": "a*", "plus": "+"},
    aliases=(ALIAS,),
)
DEV = SimpleNamespace(id="group-1", name="dev", namespace_id="root", metadata={"g": "gm"})
PARENT = SimpleNamespace(id="group-2", name="parent", namespace_id="root", metadata=None)
VIEW = IdentityView.of(ENTITY, (DEV, PARENT))


def filled_in(template, view=VIEW, blocked=("/", "*", "+")):
    return render(template, view, namespace="", blocked=blocked, now=NOW)


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{identity.entity.id}}", "entity-1"),
        ("{{identity.entity.name}}", "bobby"),
        ("{{ identity.entity.metadata.team }}", "red"),
        ("a/{{identity.entity.metadata.empty}}/b", "a//b"),
        ("{{identity.entity.name}}-{{identity.entity.metadata.team}}/*", "bobby-red/*"),
        ("{{identity.entity.aliases.auth_userpass_1.name}}", "bob"),
        ("{{identity.entity.aliases.auth_userpass_1.id}}", "alias-1"),
        ("{{identity.entity.aliases.auth_userpass_1.custom_metadata.m}}", "cm"),
        ("{{identity.groups.names.dev.id}}", "group-1"),
        ("{{identity.groups.names.dev.name}}", "dev"),
        ("{{identity.groups.names.parent.name}}", "parent"),
        ("{{identity.groups.names.dev.metadata.g}}", "gm"),
        ("{{identity.groups.ids.group-1.name}}", "dev"),
        ("{{identity.groups.ids.group-1.id}}", "group-1"),
        ("{{time.now}}", "1800000000"),
        ("{{time.now.plus.1h}}", "1800003600"),
        ("{{time.now.minus.5m}}", "1799999700"),
    ],
)
def test_a_template_is_filled_in(template, value):
    assert filled_in(template) == value


@pytest.mark.parametrize(
    "template",
    [
        "{{identity.entity.metadata.none}}",
        "{{identity.entity.metadata}}",
        "{{identity.entity.groups.names}}",
        "{{identity.entity.aliases.auth_userpass_1.metadata.m}}",
        "{{identity.entity.aliases.auth_userpass_1.mount}}",
        "{{identity.entity.aliases.auth_userpass_1}}",
        "{{identity.entity.aliases.other.name}}",
        "{{identity.groups.names.ops.name}}",
        "{{identity.groups.names.dev.metadata.none}}",
        "{{identity.groups.names.dev}}",
        "{{identity.groups.ids.other.id}}",
        "{{identity.groups.kinds.dev.id}}",
        "{{identity}}",
        "{{Identity.entity.name}}",
        "{{foo}}",
        "{{}}",
        "{{time.later}}",
        "{{time.now.plus}}",
        "{{time.now.plus.x}}",
        "{{time.now.times.2s}}",
    ],
)
def test_a_template_that_cannot_be_filled_in_leaves_the_rule_out(template):
    assert filled_in(template) is None
    policy = parse_policy(f'path "a/{template}" {{ capabilities = ["read"] }}', "p")
    assert list(ACL.compile([("", policy)], VIEW).grants()) == []


def test_without_an_entity_no_identity_is_filled_in():
    assert filled_in("{{identity.entity.id}}", view=None) is None
    assert filled_in("{{time.now}}", view=None) == "1800000000"


@pytest.mark.parametrize(("which", "sign"), [("slash", "/"), ("star", "*"), ("plus", "+")])
def test_a_value_with_a_forbidden_sign_stops_everything(which, sign):
    template = f"t/{{{{identity.entity.metadata.{which}}}}}/z"
    policy = parse_policy(f'path "{template}" {{ capabilities = ["read"] }}', "tp")
    with pytest.raises(ForbiddenValueError) as caught:
        ACL.compile([("", policy)], VIEW)
    assert str(caught.value) == (
        f'error parsing templated policy "tp": failed to parse policy: path "{template}": '
        f'template substitution contains forbidden value: "{sign}"'
    )


def test_a_policy_may_trust_its_values():
    policy = parse_policy(
        'path "t/{{identity.entity.metadata.slash}}/{{identity.entity.metadata.plus}}" { capabilities = ["read"] }',
        "p",
        trusted=("/", "*", "+"),
    )
    assert ACL.compile([("", policy)], VIEW).check("read", "t/a/b/anything").allowed


def test_vaults_policies_trust_theirs():
    text = 'path "t/{{identity.entity.metadata.slash}}" { capabilities = ["read"] }'
    policy = parse_policy(text, "p", dialect=VAULT)
    assert ACL.compile([("", policy)], VIEW).check("read", "t/a/b").allowed


def test_wildcards_that_come_out_wrong_stop_everything():
    template = "t2/{{identity.entity.metadata.plus}}*"
    policy = parse_policy(f'path "{template}" {{}}', "tp", trusted=("+",))
    with pytest.raises(PolicyError) as caught:
        ACL.compile([("", policy)], VIEW)
    assert str(caught.value) == (
        f'error parsing templated policy "tp": failed to parse policy: path "{template}": '
        "path \"t2/+*\": invalid use of wildcards ('+*' is forbidden)"
    )


def test_a_group_is_looked_for_in_the_namespace_of_the_policy():
    here = SimpleNamespace(id="g1", name="dev", namespace_id="ns1", metadata=None)
    there = SimpleNamespace(id="g2", name="dev", namespace_id="ns2", metadata=None)
    view = IdentityView.of(ENTITY, (here, there), {"one/": "ns1", "two/": "ns2"})
    template = "{{identity.groups.names.dev.id}}"
    found = [render(template, view, namespace=path, blocked=(), now=NOW) for path in ("one/", "two/", "three/")]
    assert found == ["g1", "g2", "g1"]


@pytest.mark.parametrize(
    ("path", "templated"), [("a", False), ("{{x}}", True), ("a/{{x}}/b/{{y}}", True), ("a}", False), ("{a}", False)]
)
def test_templates_are_seen(path, templated):
    assert is_templated(path) is templated


@pytest.mark.parametrize("path", ["}}", "{{x}", "{{x", "{{x}}}}", "{{x{{y}}", "x}} {{y}}"])
def test_braces_that_do_not_match_are_refused(path):
    with pytest.raises(PolicyError, match=r"^unbalanced templating characters$"):
        is_templated(path)
