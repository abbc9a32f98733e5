"""Which grant decides on a path, and what it decides.

The answers were seen on OpenBao 2.7.2: capabilities with `sys/capabilities`, parameters,
wrapping and pages with requests to `cubbyhole/`, reach with `sys/internal/ui/mounts`.
"""

import pytest

from sandboxd.vault.policies import ACL, DEFAULT_POLICIES, PolicyError, Refused, parse_policy

EVERYTHING = '"create", "read", "update", "delete", "list", "patch", "scan"'


def acl(*texts, **options):
    policies = [("", parse_policy(text, f"p{index}")) for index, text in enumerate(texts)]
    return ACL.compile(policies, **options)


def conditional(body):
    """An ACL that allows everything below `a/` under conditions."""
    return acl(f'path "a/*" {{ capabilities = [{EVERYTHING}] {body} }}')


# Which rule decides


@pytest.mark.parametrize(
    ("less", "more", "path"),
    [
        ("a*", "a", "a"),
        ("a/*", "a/b", "a/b"),
        ("a/+", "a/b", "a/b"),
        ("*", "a/*", "a/b"),
        ("a/*", "a/b*", "a/bc"),
        ("a/*", "a/+", "a/b"),
        ("a/+", "a/b*", "a/bc"),
        ("a/+/c/d", "a/b/+/d", "a/b/c/d"),
        ("a/+/c*", "a/+/cd", "a/+/cd"),
        ("a/+/+/d", "a/+/c/d", "a/b/c/d"),
        ("a/+/c*", "a/+/cd*", "a/b/cde"),
        ("+/+", "+/b", "a/b"),
    ],
)
def test_the_more_specific_pattern_decides_whatever_the_order(less, more, path):
    texts = [f'path "{less}" {{ capabilities = ["list"] }}', f'path "{more}" {{ capabilities = ["read"] }}']
    assert acl(*texts).capabilities(path) == ["read"]
    assert acl(*reversed(texts)).capabilities(path) == ["read"]


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("a", "a", True),
        ("a", "/a", True),
        ("a", "a/b", False),
        ("a/*", "a/", True),
        ("a/*", "a/b/c", True),
        ("a*", "ab", True),
        ("*", "a", True),
        ("a*b", "axb", False),
        ("+", "a", True),
        ("+", "a/b", False),
        ("a/+", "a/", True),
        ("a/+/c", "a/b/c", True),
        ("a/+/c", "a/b/d/c", False),
        ("a/+/c*", "a/b/cd/e", True),
        ("a/+/*", "a/b/", True),
        ("a/+/*", "a/b", False),
        ("a/+b", "a/xb", False),
        ("a/+b", "a/+b", True),
    ],
)
def test_a_pattern_matches_whole_paths_prefixes_or_segments(pattern, path, matches):
    found = acl(f'path "{pattern}" {{ capabilities = ["read"] }}').check("read", path)
    assert found.allowed is matches


@pytest.mark.parametrize(
    ("pattern", "path", "allowed"),
    [("a", "a/", True), ("a/", "a/", True), ("a/+", "a/b/", True), ("a*", "a/", True), ("a/", "a", False)],
)
def test_a_listing_goes_by_the_path_without_its_slash_too(pattern, path, allowed):
    judge = acl(f'path "{pattern}" {{ capabilities = ["list", "scan", "read"] }}')
    assert judge.check("list", path).allowed is allowed
    assert judge.check("scan", path).allowed is allowed


def test_reading_does_not_go_by_the_path_without_its_slash():
    assert not acl('path "a" { capabilities = ["read"] }').check("read", "a/").allowed


def test_a_listing_prefers_a_prefix_with_the_slash_over_a_shorter_one():
    judge = acl('path "a/*" { capabilities = ["list"] }\npath "a*" { capabilities = ["deny"] }')
    assert judge.check("list", "a/").allowed


# What rules say together


def test_capabilities_of_one_pattern_add_up_over_policies():
    judge = acl('path "a" { capabilities = ["read"] }', 'path "a" { capabilities = ["list", "sudo"] }')
    assert judge.capabilities("a") == ["list", "read", "sudo"]


@pytest.mark.parametrize("order", [1, -1])
def test_deny_outdoes_all_else_whatever_the_order(order):
    texts = ['path "a" { capabilities = ["read"] }', 'path "a" { capabilities = ["deny"] }'][::order]
    judge = acl(*texts)
    assert judge.capabilities("a") == ["deny"]
    assert judge.check("read", "a").refused is Refused.DENIED


def test_a_path_without_a_rule_and_one_without_capabilities_are_denied():
    judge = acl('path "a" { capabilities = [] }')
    assert judge.capabilities("a") == judge.capabilities("b") == ["deny"]
    assert judge.check("read", "b").refused is Refused.NO_RULE
    assert judge.check("read", "a").refused is Refused.CAPABILITY


@pytest.mark.parametrize(
    ("operation", "capability"),
    [
        *((name, name) for name in ("create", "read", "update", "delete", "list", "patch", "scan")),
        ("revoke", "update"),
        ("renew", "update"),
        ("rollback", "update"),
    ],
)
def test_an_operation_takes_its_capability(operation, capability):
    assert acl(f'path "a" {{ capabilities = ["{capability}"] }}').check(operation, "a").allowed
    others = f'path "a" {{ capabilities = [{EVERYTHING.replace(chr(34) + capability + chr(34), chr(34) * 2)}] }}'
    decision = acl(others.replace('"", ', "").replace(', ""', "")).check(operation, "a")
    assert (decision.allowed, decision.capability) == (False, capability)


def test_help_is_allowed_to_all_and_unknown_operations_to_nobody():
    judge = acl(f'path "a" {{ capabilities = [{EVERYTHING}] }}')
    assert judge.check("help", "anything").allowed
    assert judge.check("alias-lookahead", "a").refused is Refused.OPERATION


def test_sudo_is_told_even_when_the_operation_is_refused():
    decision = acl('path "a" { capabilities = ["sudo"] }').check("read", "a")
    assert (decision.allowed, decision.sudo) == (False, True)


def test_parameters_of_one_pattern_are_united_and_no_value_stands_for_any():
    judge = acl(
        'path "a/*" { capabilities = ["update"] allowed_parameters = { x = ["1"] y = ["1"] } }',
        'path "a/*" { capabilities = ["update"] allowed_parameters = { x = ["2"] y = [] z = ["3"] } }',
    )
    for data in ({"x": "1"}, {"x": "2"}, {"y": "9"}, {"z": "3"}):
        assert judge.check("update", "a/b", data).allowed
    for data in ({"x": "3"}, {"z": "1"}, {"w": "1"}):
        assert not judge.check("update", "a/b", data).allowed


def test_the_shorter_wrapping_time_and_the_smaller_page_hold():
    judge = acl(
        'path "a/*" { capabilities = ["list"] min_wrapping_ttl = 60 max_wrapping_ttl = 600 pagination_limit = 9 }',
        'path "a/*" { capabilities = ["read"] min_wrapping_ttl = 30 max_wrapping_ttl = 300 pagination_limit = 5 }',
    )
    assert judge.check("read", "a/b", wrap_ttl=30).allowed
    assert not judge.check("read", "a/b", wrap_ttl=301).allowed
    assert judge.check("list", "a/", {}, wrap_ttl=60).limit == "5"


def test_joined_wrapping_times_that_contradict_each_other_refuse_everything():
    judge = acl(
        'path "a" { capabilities = ["read"] max_wrapping_ttl = -1 }',
        'path "a" { capabilities = ["read"] min_wrapping_ttl = 30 }',
    )
    assert judge.check("read", "a", wrap_ttl=60).refused is Refused.WRAPPING


# Conditions


@pytest.mark.parametrize(
    ("value", "allowed"),
    [
        ("sx", True),
        ("", True),
        ("x", False),
        ("5", False),
        (True, True),
        (False, False),
        (["x"], True),
        (["x", "y"], False),
        ({"b": "c"}, True),
        ({"b": "d"}, False),
        (None, False),
        pytest.param(5, False, id="a number is never one that a policy lists"),
        pytest.param([1], False, id="nor is it in a list"),
        pytest.param(1.5, False, id="nor is a fraction"),
    ],
)
def test_a_parameters_value_has_to_be_one_of_those_listed(value, allowed):
    judge = conditional('allowed_parameters = { p = [5, 1.5, true, "s*", {b = "c"}, [1], ["x"], ""] }')
    assert judge.check("update", "a/b", {"p": value}).allowed is allowed
    assert judge.check("create", "a/b", {"P": value}).allowed is allowed


@pytest.mark.parametrize(
    ("glob", "value", "matches"),
    [
        ("x*", "xy", True),
        ("*y", "xy", True),
        ("*b*", "abc", True),
        ("*b*", "ac", False),
        ("x*y", "xzy", False),
        ("*", "x", False),
        ("*", "*", True),
        ("**", "x", True),
        ("X*", "xy", False),
    ],
)
def test_globs_in_values_stand_at_the_ends(glob, value, matches):
    assert (
        conditional(f'allowed_parameters = {{ p = ["{glob}"] }}').check("update", "a/b", {"p": value}).allowed
        is matches
    )


@pytest.mark.parametrize(
    ("body", "data", "refused", "parameter"),
    [
        ('allowed_parameters = { p = ["x"] }', {}, None, ""),
        ('allowed_parameters = { p = ["x"] }', {"q": "x"}, Refused.PARAMETER, "q"),
        ('allowed_parameters = { p = [] "*" = ["z"] }', {"q": 1}, None, ""),
        ('allowed_parameters = { p = ["x"] "*" = [] }', {"p": "y"}, Refused.PARAMETER, "p"),
        ('allowed_parameters = { "*" = ["z"] }', {"q": "x"}, None, ""),
        ('denied_parameters = { p = ["z*"] }', {"p": "zz"}, Refused.DENIED_PARAMETER, "p"),
        ('denied_parameters = { p = ["z*"] }', {"P": "zz"}, Refused.DENIED_PARAMETER, "P"),
        ('denied_parameters = { p = ["z*"] }', {"p": "y"}, None, ""),
        ("denied_parameters = { p = [] }", {"p": "y"}, Refused.DENIED_PARAMETER, "p"),
        ('denied_parameters = { "*" = ["z"] }', {"p": 1}, Refused.DENIED_PARAMETER, "*"),
        ('denied_parameters = { "*" = ["z"] }', {}, None, ""),
        ('required_parameters = ["P"]', {"p": 1}, None, ""),
        ('required_parameters = ["P"]', {"P": 1}, Refused.MISSING_PARAMETER, "P"),
        ('required_parameters = ["p"]', {}, Refused.MISSING_PARAMETER, "p"),
    ],
)
def test_parameters_may_be_allowed_denied_and_required(body, data, refused, parameter):
    decision = conditional(body).check("update", "a/b", data)
    assert (decision.allowed, decision.refused, decision.parameter) == (refused is None, refused, parameter)


@pytest.mark.parametrize(("operation", "judged"), [("read", True), ("patch", True), ("delete", False), ("list", False)])
def test_parameters_count_for_some_operations_only(operation, judged):
    decision = conditional('required_parameters = ["p"]').check(operation, "a/b/", {})
    assert decision.allowed is not judged


@pytest.mark.parametrize(
    ("wrap_ttl", "allowed"), [(None, False), (30, False), (60, True), (90, True), (120, True), (121, False)]
)
def test_a_response_may_have_to_be_wrapped_for_a_time_between_two_bounds(wrap_ttl, allowed):
    judge = conditional('min_wrapping_ttl = "1m" max_wrapping_ttl = "2m"')
    assert judge.check("read", "a/b", {}, wrap_ttl).allowed is allowed
    assert judge.check("list", "a/", {}, wrap_ttl).allowed is allowed


@pytest.mark.parametrize(
    ("data", "allowed", "limit"),
    [
        ({}, True, "2"),
        ({"limit": "1"}, True, None),
        ({"limit": "2"}, True, None),
        ({"limit": "3"}, False, None),
        ({"limit": "0"}, True, "2"),
        ({"limit": ""}, True, "2"),
        ({"limit": "-1"}, False, None),
        ({"limit": "max"}, True, "2"),
        ({"limit": "x"}, False, None),
    ],
)
def test_a_page_is_kept_to_the_limit(data, allowed, limit):
    decision = conditional("pagination_limit = 2").check("list", "a/", data)
    assert (decision.allowed, decision.limit) == (allowed, limit)


def test_a_required_limit_has_to_be_there():
    judge = conditional('pagination_limit = 2 required_parameters = ["LIMIT"]')
    assert judge.check("list", "a/", {}).refused is Refused.PAGE_SIZE
    assert judge.check("list", "a/", {"limit": "max"}).limit == "2"


def test_max_is_no_limit_where_the_rules_have_none():
    assert conditional("").check("list", "a/", {"limit": "max"}).limit == "0"
    assert conditional("").check("list", "a/", {"limit": "x"}).limit is None


def test_a_list_filter_is_told_for_listings_only():
    judge = conditional('list_scan_response_keys_filter_path = "{{ .path }}{{ .key }}"')
    assert judge.check("list", "a/").filter_path == "{{ .path }}{{ .key }}"
    assert judge.check("read", "a/b").filter_path == ""


def test_mfa_methods_are_told():
    assert conditional('mfa_methods = ["totp"]').check("read", "a/b").mfa_methods == ("totp",)


# Explanations


def test_a_decision_names_the_rules_behind_it():
    judge = acl('path "a/*" { capabilities = ["read"] }', '\npath "a/*" { capabilities = ["list"] }')
    decision = judge.check("list", "a/")
    assert [(rule.policy, rule.line) for rule in decision.granting] == [("p1", 2)]
    assert str(decision.grant) == "a/*"
    denied = acl('path "a" { capabilities = ["read"] }', 'path "a" { capabilities = ["deny"] }').check("read", "a")
    assert [rule.policy for rule in denied.denying] == ["p1"]


# Root, namespaces, time


def test_root_may_do_anything_in_its_namespace_and_below():
    judge = ACL.root("team/")
    decision = judge.check("delete", "team/sub/sys/seal")
    assert (decision.allowed, decision.sudo, decision.root) == (True, True, True)
    assert judge.capabilities("team/x") == ["root"]
    assert not judge.check("read", "other/x").allowed
    assert ACL.root().check("read", "other/x").allowed


def test_the_policy_named_root_makes_root_and_stands_alone():
    root, other = parse_policy("", "root"), parse_policy("", "other")
    assert ACL.compile([("", root)]).check("read", "a").root
    with pytest.raises(PolicyError, match=r"^failed to construct ACL: other policies present along with root$"):
        ACL.compile([("", root), ("", other)])


def test_a_policy_holds_in_its_namespace():
    policy = parse_policy('path "/a/+/*" { capabilities = ["read"] }\npath "b" { capabilities = ["read"] }', "p")
    judge = ACL.compile([("team/", policy)])
    assert judge.check("read", "team/a/x/y").allowed
    assert judge.check("read", "team/b").allowed
    assert not judge.check("read", "b").allowed


def test_a_rule_ends_and_the_acl_says_when():
    policy = parse_policy('path "a" { capabilities = ["read"] expiration = 100 }', "p", now=0)
    judge = ACL.compile([("", policy)], now=99_000_000_000)
    assert judge.check("read", "a").allowed
    assert judge.valid_until == 100_000_000_000
    assert not ACL.compile([("", policy)], now=100_000_000_001).check("read", "a").allowed
    assert acl('path "a" {}').valid_until is None


# Views of the whole


def test_the_resultant_acl_has_the_servers_form():
    judge = acl(
        'path "b/*" { capabilities = ["read"] min_wrapping_ttl = "1h" max_wrapping_ttl = "2h"'
        ' allowed_parameters = { A = ["x", 1, true] } denied_parameters = { b = [] } required_parameters = ["Q"] }',
        'path "a" { capabilities = ["read","sudo","patch","update","create","scan","list","delete"] }',
        'path "c" {}\npath "d/+/e" { capabilities = ["read"] }',
    )
    assert judge.resultant() == {
        "root": False,
        "exact_paths": {
            "a": {"capabilities": ["create", "delete", "list", "read", "sudo", "update", "patch", "scan"]},
            "c": {"capabilities": ["deny"]},
        },
        "glob_paths": {
            "b/": {
                "capabilities": ["read"],
                "min_wrapping_ttl": 3600,
                "max_wrapping_ttl": 7200,
                "allowed_parameters": {"a": ["x", 1, True]},
                "denied_parameters": {"b": []},
                "required_parameters": ["Q"],
            }
        },
    }
    assert ACL.root().resultant() == {"root": True}


@pytest.mark.parametrize(
    ("pattern", "reaches"),
    [
        ("secret/a/b", True),
        ("secret/*", True),
        ("secret/a*", True),
        ("secret", True),
        ("sec*", True),
        ("+/a", True),
        ("+/*", True),
        ("sec+/a", False),
        ("+", True),
        ("se/+", False),
        ("other/+", False),
        ("other/a", False),
    ],
)
def test_a_mount_is_in_reach_when_anything_below_it_is_allowed(pattern, reaches):
    assert acl(f'path "{pattern}" {{ capabilities = ["read"] }}\npath "x/+" {{}}').reaches("secret/") is reaches


def test_a_mount_that_is_denied_is_out_of_reach():
    assert not acl('path "secret/*" { capabilities = ["deny"] }\npath "x/+" {}').reaches("secret/")


@pytest.mark.parametrize("profile", ["openbao", "vault"])
def test_the_policies_that_are_there_from_the_start_parse(profile):
    policies = [("", parse_policy(text, name)) for name, text in DEFAULT_POLICIES[profile].items()]
    judge = ACL.compile(policies)
    assert judge.capabilities("sys/wrapping/unwrap") == ["update"]
    assert judge.check("create", "cubbyhole/response").allowed
    assert judge.check("read", "identity/oidc/provider/x/authorize").allowed
    assert judge.check("update", "sys/renew").allowed is (profile == "vault")
