"""Rules and selectors as Kubernetes' own reader takes them, which was asked through OpenBao 2.7.2."""

import pytest

from sandboxd.engines.kubernetes import manifests


@pytest.mark.parametrize(
    "text",
    [
        '{"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}]}',
        '{"Rules": [{"APIGroups": [""], "RESOURCES": ["pods"], "verbs": ["list"], "other": 1}]} trailing',
        'rules:\n- apiGroups: [""]\n  resources: [pods]\n  verbs: [list]\n---\nrules: x',
        '---\nrules: [{apiGroups: [""], resources: [pods], verbs: [list]}]',
        "{rules: [{apiGroups: [''], resources: [pods], verbs: [list]}]}",
        '\ufeff{"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"],}]}',
    ],
)
def test_rules_are_read_from_json_and_yaml(text):
    assert manifests.rules(text) == [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}]


@pytest.mark.parametrize("text", ["", "  ", "null", "{}", "---", "# comment", "other: 1", "rules: null", "rules: []"])
def test_there_may_be_no_rules(text):
    assert manifests.rules(text) == []


def test_scalars_of_yaml_are_text_where_text_is_wanted():
    (rule,) = manifests.rules("rules: [{verbs: [1, 1.5, true, null, 2020-01-01, yes, !x y, !!binary aGk=]}]")
    assert rule["verbs"] == ["1", "1.5", "true", "", "2020-01-01", "true", "y", "aGk="]


def test_tags_nobody_knows_are_passed_over():
    assert manifests.rules("x: !a {b: !c [1]}\nrules: [{verbs: [v]}]") == [{"verbs": ["v"]}]


def test_a_rule_that_is_null_is_empty():
    assert manifests.rules("rules: [null]") == [{}]


@pytest.mark.parametrize(
    "text",
    [
        "x", "- a", "5", "[1]", '"s"', "rules: x", "rules: 5", "rules: {}", "rules: [5]", "rules: [{verbs: x}]",
        "rules: [{verbs: [[a]]}]", "\t- a", "a: b: c", "x: .inf", "null: 5", "<<: {rules: 5}", "? [a]\n: b",
        '{"rules": 5}', "x: [.nan]", "x: &x [*x]",
        '{"rules": [{"verbs": ["a"]}',
    ],
)  # fmt: skip
def test_what_holds_no_rules_is_refused(text):
    with pytest.raises(ValueError, match=r"not|a key"):
        manifests.rules(text)


def test_a_selector_is_read_in_any_case_of_letters():
    assert manifests.selector("MATCHLABELS: {a: 1, true: b}\nmatchExpressions: [{key: k, operator: In}]") == {
        "matchLabels": {"a": "1", "true": "b"},
        "matchExpressions": [{"key": "k", "operator": "In"}],
    }


@pytest.mark.parametrize(
    "text",
    ["x", "[]", "matchLabels: x", "matchLabels: {a: [b]}", "matchLabels: {null: a}", "matchExpressions: {}", "{"],
)
def test_what_is_no_selector_is_refused(text):
    with pytest.raises(ValueError, match=r"not|a key"):
        manifests.selector(text)


def test_aliases_that_repeat_each_other_cost_no_more_than_their_text():
    lines = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60))]
    assert manifests.rules("\n".join(lines)) == []


def test_json_that_nests_too_deeply_is_refused():
    with pytest.raises(ValueError, match="not YAML"):
        manifests.selector("{" + '"a":[' * 100_000)
