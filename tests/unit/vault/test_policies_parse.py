"""Policies as texts: what is taken, what is refused, and how rules come out.

`recorded_policies.json` holds policies with what OpenBao 2.7.2 answered to `PUT sys/policies/acl/...`.
"""

import json
from pathlib import Path

import pytest

from sandboxd.vault.policies import OPENBAO, VAULT, PatternKind, PolicyError, parse_policy
from sandboxd.vault.policies.model import BITS

NOW = 1_800_000_000_000_000_000
RECORDED = json.loads(Path(__file__).with_name("recorded_policies.json").read_text(encoding="utf-8"))
REFUSED = [(case["policy"], case["error"]) for case in RECORDED if case["error"]]
TAKEN = [case["policy"] for case in RECORDED if not case["error"]]


@pytest.mark.parametrize(("text", "error"), REFUSED)
def test_a_policy_is_refused_in_the_servers_words(text, error):
    with pytest.raises(PolicyError) as caught:
        parse_policy(text, "test", now=NOW)
    assert str(caught.value) == error


@pytest.mark.parametrize("text", TAKEN)
def test_a_policy_that_the_server_takes_is_taken(text):
    assert parse_policy(text, "test", now=NOW).name == "test"


def only_rule(text, **options):
    (rule,) = parse_policy(text, "test", **options).rules
    return rule


@pytest.mark.parametrize(
    ("key", "kind", "path"),
    [
        ("a/b", PatternKind.EXACT, "a/b"),
        ("/a/b", PatternKind.EXACT, "a/b"),
        ("//a", PatternKind.EXACT, "/a"),
        ("a/*", PatternKind.PREFIX, "a/"),
        ("a*", PatternKind.PREFIX, "a"),
        ("*", PatternKind.PREFIX, ""),
        ("a*b", PatternKind.EXACT, "a*b"),
        ("+", PatternKind.SEGMENTS, "+"),
        ("+/a", PatternKind.SEGMENTS, "+/a"),
        ("a/+/b*", PatternKind.SEGMENTS, "a/+/b*"),
        ("a/+b", PatternKind.SEGMENTS, "a/+b"),
        ("a+", PatternKind.EXACT, "a+"),
    ],
)
def test_the_pattern_of_a_rule_follows_from_its_path(key, kind, path):
    assert only_rule(f'path "{key}" {{}}').pattern == (kind, path)


@pytest.mark.parametrize(
    ("body", "capabilities"),
    [
        ('capabilities = ["read", "list"]', {"read", "list"}),
        ('capabilities = ["read"]\ncapabilities = ["list"]', {"read", "list"}),
        ('capabilities = ["read", "deny", "bogus"]', {"deny"}),
        ('policy = "deny"\ncapabilities = ["read"]', {"deny"}),
        ('policy = "read"', {"read", "list"}),
        ('policy = "write"', {"create", "read", "update", "delete", "list"}),
        ('policy = "sudo"', {"create", "read", "update", "delete", "list", "sudo"}),
        ('policy = "read"\ncapabilities = ["patch"]', {"patch", "read", "list"}),
        ("", set()),
    ],
)
def test_capabilities_come_from_the_list_and_from_the_old_policy_word(body, capabilities):
    assert only_rule(f'path "a" {{\n{body}\n}}').permissions.bits == sum(BITS[name] for name in capabilities)


def test_a_rule_keeps_where_it_stands_for_explanations():
    policy = parse_policy('# c\npath "a" {}\n\npath "b/*" {}\n', "web")
    assert [(rule.policy, rule.line, rule.key) for rule in policy.rules] == [("web", 2, "a"), ("web", 4, "b/*")]


def test_wrapping_times_lose_fractions_of_a_second_only_when_they_are_numbers():
    permissions = only_rule('path "a" { min_wrapping_ttl = 1.9 max_wrapping_ttl = "1.9s" }').permissions
    assert (permissions.min_wrapping, permissions.max_wrapping) == (1_000_000_000, 1_900_000_000)


def test_parameters_are_kept_in_lower_case():
    assert only_rule('path "a" { allowed_parameters = { FOO = ["x", 1, true] } }').permissions.allowed_parameters == {
        "foo": ("x", 1, True)
    }


def test_a_rule_that_has_ended_is_left_out_and_little_of_it_is_checked():
    ended = 'path "a+*" { expiration = "2000-01-01T00:00:00Z" policy = "bogus" }'
    assert parse_policy(ended, "test", now=NOW).rules == ()
    with pytest.raises(PolicyError, match="forbidden"):
        parse_policy(ended, "test", now=0)


def test_a_rule_that_ends_later_keeps_its_end():
    assert only_rule('path "a" { expiration = "2030-01-01T00:00:00Z" }').expiration == 1_893_456_000_000_000_000


def test_json_says_the_same_as_hcl():
    hcl = parse_policy('path "a/*" { capabilities = ["read"] allowed_parameters = { x = ["y"] } }', "test")
    json = parse_policy('{"path": {"a/*": {"capabilities": ["read"], "allowed_parameters": {"x": ["y"]}}}}', "test")
    assert [(rule.pattern, rule.permissions) for rule in json.rules] == [
        (rule.pattern, rule.permissions) for rule in hcl.rules
    ]


def test_a_control_group_is_read():
    text = """
    path "a" {
      control_group = {
        ttl = "4h"
        self_auth_allowed = true
        factor "ops" {
          controlled_capabilities = ["read"]
          identity { group_names = ["admins", "leads"] approvals = 2 }
        }
      }
    }
    """
    group = only_rule(text).permissions.control_group
    assert (group.ttl, group.self_approval) == (4 * 3_600_000_000_000, True)
    (factor,) = group.factors
    assert (factor.name, factor.operations, factor.group_names, factor.approvals) == (
        "ops",
        ("read",),
        ("admins", "leads"),
        2,
    )


def test_the_namespace_shows_in_the_refusal_of_wildcards():
    with pytest.raises(PolicyError) as caught:
        parse_policy('path "a+*" {}', "test", namespace="team/")
    assert str(caught.value) == (
        'failed to parse policy: path "a+*": path "team/a+*": invalid use of wildcards (\'+*\' is forbidden)'
    )


def test_each_product_has_capabilities_and_keys_of_its_own():
    parse_policy('path "a" { capabilities = ["scan"] pagination_limit = 5 }', "test", dialect=OPENBAO)
    parse_policy(
        'path "a" { capabilities = ["subscribe", "recover"] subscribe_event_types = ["*"] }', "test", dialect=VAULT
    )
    with pytest.raises(PolicyError, match=r'^failed to parse policy: path "a": invalid capability "scan"$'):
        parse_policy('path "a" { capabilities = ["scan"] }', "test", dialect=VAULT)
    with pytest.raises(PolicyError) as caught:
        parse_policy('path "a" { pagination_limit = 5 }', "test", dialect=VAULT)
    assert str(caught.value) == (
        'failed to parse policy: 1 error occurred:\n\t* path "a": invalid key "pagination_limit" on line 1\n\n'
    )


@pytest.mark.parametrize("escape", [r"\777", r"\U00110000"])
def test_an_escape_that_makes_the_server_drop_the_connection_is_refused(escape):
    with pytest.raises(PolicyError, match="invalid syntax"):
        parse_policy(f'path "{escape}" {{}}', "test")
