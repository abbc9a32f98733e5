"""Whether the labels of a namespace are those that a selector asks for, and whether the selector makes sense."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sandboxd.vault.gotext import quote

NAME_LABEL = "kubernetes.io/metadata.name"
"""The label that every namespace has from its cluster: its name."""

_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")
_QUALIFIED = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_VALUE = f"({_QUALIFIED})?"
SUBDOMAIN = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_LETTERS = "consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
_NAME_RULE = (
    f"must {_LETTERS} (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{_QUALIFIED}')"
)
_KEY_RULE = f"a valid label key {_NAME_RULE} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    f"end with an alphanumeric character (e.g. 'example.com', regex used for validation is '{SUBDOMAIN}')"
)
_VALUE_RULE = (
    f"a valid label must be an empty string or {_LETTERS} (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for "
    f"validation is '{_VALUE}')"
)


class Requirement(NamedTuple):
    """What is asked of one label."""

    key: str
    operator: str
    values: Sequence[str] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether labels meet it."""
        if self.operator == "In":
            return self.key in labels and labels[self.key] in self.values
        if self.operator == "NotIn":
            return labels.get(self.key) not in self.values
        return (self.key in labels) is (self.operator == "Exists")


def requirements(selector: Mapping[str, Any]) -> tuple[Requirement, ...]:
    """What a selector asks for. Raises ValueError with Kubernetes' text for what makes no sense."""
    found = [Requirement(key, "In", (value,)) for key, value in (selector.get("matchLabels") or {}).items()]
    found += [
        Requirement(each.get("key", ""), each.get("operator", ""), tuple(each.get("values") or ()))
        for each in selector.get("matchExpressions") or ()
    ]
    for requirement in found:
        if requirement.operator not in _OPERATORS:
            raise ValueError(f"{quote(requirement.operator)} is not a valid label selector operator")
        faults = list(_faults(requirement))
        if faults:
            raise ValueError(faults[0] if len(faults) == 1 else f"[{', '.join(faults)}]")
    return tuple(found)


def _faults(requirement: Requirement) -> Iterator[str]:
    key, values = requirement.key, requirement.values
    wrong = list(_key_faults(key))
    if wrong:
        yield f"key: Invalid value: {quote(key)}: {'; '.join(wrong)}"
    shown = json.dumps(values, ensure_ascii=False, separators=(",", ":")) if values else "null"
    if requirement.operator in ("In", "NotIn") and not values:
        yield f"values: Invalid value: {shown}: for 'in', 'notin' operators, values set can't be empty"
    elif requirement.operator in ("Exists", "DoesNotExist") and values:
        yield f"values: Invalid value: {shown}: values set must be empty for exists and does not exist"
    for index, value in enumerate(values):
        wrong = ["must be no more than 63 bytes"] if len(value.encode()) > 63 else []
        if not re.fullmatch(_VALUE, value, re.ASCII):
            wrong.append(_VALUE_RULE)
        if wrong:
            yield f"values[{index}][{key}]: Invalid value: {quote(value)}: {'; '.join(wrong)}"


def _key_faults(key: str) -> Iterator[str]:
    parts = key.split("/")
    if len(parts) > 2:
        yield _KEY_RULE
        return
    if len(parts) == 2:
        prefix = parts[0]
        if not prefix:
            yield "prefix part must be non-empty"
        else:
            if len(prefix.encode()) > 253:
                yield "prefix part must be no more than 253 bytes"
            if not re.fullmatch(SUBDOMAIN, prefix, re.ASCII):
                yield f"prefix part {SUBDOMAIN_RULE}"
    name = parts[-1]
    if not name:
        yield "name part must be non-empty"
    elif len(name.encode()) > 63:
        yield "name part must be no more than 63 bytes"
    if not re.fullmatch(_QUALIFIED, name, re.ASCII):
        yield f"name part {_NAME_RULE}"
