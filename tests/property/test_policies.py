"""Any policy that parses can be compiled and asked; the order of policies does not matter; deny wins."""

import contextlib

from hypothesis import given
from hypothesis import strategies as st

from sandboxd.vault.policies import ACL, PolicyError, parse_policy

OPERATIONS = ("create", "read", "update", "delete", "list", "patch", "scan")
segments = st.sampled_from(["a", "b", "ab", "+", "", "é"])
patterns = st.builds(
    lambda parts, end: "/".join(parts) + end,
    st.lists(segments, min_size=1, max_size=4),
    st.sampled_from(["", "*", "/*"]),
).filter(lambda pattern: "+*" not in pattern)
capabilities = st.lists(st.sampled_from([*OPERATIONS, "sudo"]), max_size=4)
stanzas = st.builds(
    lambda pattern, names: f'path "{pattern}" {{ capabilities = [{", ".join(map(repr, names))}] }}'.replace("'", '"'),
    patterns,
    capabilities,
)
policies = st.lists(stanzas, max_size=5).map("\n".join)
paths = st.lists(st.sampled_from(["a", "b", "ab", "abc", "", "é"]), min_size=1, max_size=4).map("/".join)
requests = st.tuples(st.sampled_from(OPERATIONS), paths)


def compiled(texts):
    return ACL.compile([("", parse_policy(text, f"p{index}")) for index, text in enumerate(texts)])


@given(st.lists(policies, max_size=3), requests)
def test_the_order_of_policies_does_not_matter(texts, request):
    assert compiled(texts).check(*request).allowed == compiled(texts[::-1]).check(*request).allowed


@given(st.lists(policies, max_size=3), requests)
def test_a_decision_agrees_with_the_capabilities_told(texts, request):
    operation, path = request
    acl = compiled(texts)
    if operation in ("list", "scan") or not path.endswith("/"):
        assert acl.check(operation, path).allowed == (operation in acl.capabilities(path))


@given(st.lists(policies, max_size=3), requests)
def test_an_exact_deny_outdoes_every_other_rule(texts, request):
    _, path = request
    denied = f'path "{path}" {{ capabilities = ["deny"] }}'
    acl = compiled([*texts, denied])
    assert acl.capabilities(path.lstrip("/")) == ["deny"] or path.startswith("/") or not path


@given(st.lists(policies, max_size=3), requests)
def test_what_is_allowed_names_the_rules_that_allow_it(texts, request):
    decision = compiled(texts).check(*request)
    assert bool(decision.granting) == decision.allowed


@given(
    st.lists(
        st.sampled_from(["path", '"a"', "{", "}", "[", "]", "=", "capabilities", '"read"', "policy", "\n", "5"])
    ).map(" ".join)
)
def test_any_text_is_a_policy_or_refused(text):
    with contextlib.suppress(PolicyError):
        ACL.compile([("", parse_policy(text, "p"))]).capabilities("a")
