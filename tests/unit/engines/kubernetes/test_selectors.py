"""What selectors of labels ask for. Texts were recorded from OpenBao 2.7.2."""

import pytest

from sandboxd.engines.kubernetes.selectors import Requirement, requirements

LABELS = {"env": "dev"}


def matches(selector):
    return all(each.matches(LABELS) for each in requirements(selector))


def expression(key, operator, *values):
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


@pytest.mark.parametrize(
    ("selector", "wanted"),
    [
        ({}, True),
        ({"matchLabels": None, "matchExpressions": None}, True),
        ({"matchLabels": {"env": "dev"}}, True),
        ({"matchLabels": {"env": "prod"}}, False),
        ({"matchLabels": {"other": "dev"}}, False),
        (expression("env", "In", "dev", "x"), True),
        (expression("env", "In", "x"), False),
        (expression("other", "In", "x"), False),
        (expression("env", "NotIn", "dev"), False),
        (expression("env", "NotIn", "x"), True),
        (expression("other", "NotIn", "x"), True),
        (expression("env", "Exists"), True),
        (expression("other", "Exists"), False),
        (expression("env", "DoesNotExist"), False),
        (expression("other", "DoesNotExist"), True),
    ],
)
def test_labels_meet_a_selector_or_do_not(selector, wanted):
    assert matches(selector) is wanted


def test_a_selector_asks_for_all_that_it_names():
    assert requirements({"matchLabels": {"a": "b"}, **expression("c", "Exists")}) == (
        Requirement("a", "In", ("b",)),
        Requirement("c", "Exists"),
    )


NAME = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
PREFIX = (
    "prefix part a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and "
    "must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
EMPTY = "for 'in', 'notin' operators, values set can't be empty"
VALUE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)


@pytest.mark.parametrize(
    ("selector", "reason"),
    [
        ({"matchLabels": {"a b": "x"}}, f'key: Invalid value: "a b": {NAME}'),
        ({"matchLabels": {"": "x"}}, f'key: Invalid value: "": name part must be non-empty; {NAME}'),
        ({"matchLabels": {"/a": "x"}}, 'key: Invalid value: "/a": prefix part must be non-empty'),
        ({"matchLabels": {"A/b": "x"}}, f'key: Invalid value: "A/b": {PREFIX}'),
        (
            {"matchLabels": {"x" * 254 + "/a": "x"}},
            f'key: Invalid value: "{"x" * 254}/a": prefix part must be no more than 253 bytes',
        ),
        (
            {"matchLabels": {"x" * 64: "x"}},
            f'key: Invalid value: "{"x" * 64}": name part must be no more than 63 bytes',
        ),
        ({"matchLabels": {"ab": "x y"}}, f'values[0][ab]: Invalid value: "x y": {VALUE}'),
        (
            {"matchLabels": {"ab": "x" * 64}},
            f'values[0][ab]: Invalid value: "{"x" * 64}": must be no more than 63 bytes',
        ),
        (expression("env", "in", "x"), '"in" is not a valid label selector operator'),
        (
            expression("env", "In"),
            f"values: Invalid value: null: {EMPTY}",
        ),
        (
            expression("env", "Exists", "a", "b"),
            'values: Invalid value: ["a","b"]: values set must be empty for exists and does not exist',
        ),
        (
            expression("a b", "In"),
            f'[key: Invalid value: "a b": {NAME}, values: Invalid value: null: {EMPTY}]',
        ),
    ],
)
def test_what_makes_no_sense_is_refused(selector, reason):
    with pytest.raises(ValueError, match=r".") as refused:
        requirements(selector)
    assert str(refused.value) == reason


def test_a_key_with_two_slashes_is_refused():
    with pytest.raises(ValueError, match=r"a valid label key must consist of .* with an optional DNS subdomain prefix"):
        requirements({"matchLabels": {"a/b/c": "x"}})
