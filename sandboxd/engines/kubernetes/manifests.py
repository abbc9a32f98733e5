"""Rules of roles and selectors of labels, as a client writes them: JSON or YAML, read as Kubernetes' own reader does.

It tries JSON first, where the text looks like it, and takes whatever follows the first value. YAML ends with its first
document. Names of members may be in any case of letters, what nobody knows is passed over, and in YAML a number or
boolean is text where text is wanted.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

import yaml

TEXT = "text"
RULES = {
    "rules": [
        {
            "verbs": [TEXT],
            "apiGroups": [TEXT],
            "resources": [TEXT],
            "resourceNames": [TEXT],
            "nonResourceURLs": [TEXT],
        }
    ]
}
SELECTOR = {"matchLabels": {"*": TEXT}, "matchExpressions": [{"key": TEXT, "operator": TEXT, "values": [TEXT]}]}
"""What is wanted: an object's members ("*": of any name), a list's items, or text."""


def rules(text: str) -> list[Mapping[str, Any]]:
    """The rules of a role. Raises ValueError for a text that does not hold any."""
    return _read(text, RULES).get("rules") or []


def selector(text: str) -> Mapping[str, Any]:
    """A selector of labels. Raises ValueError for a text that is none."""
    return _read(text, SELECTOR)


def _read(text: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
    text = text.removeprefix("\ufeff")
    if text.lstrip().startswith("{"):
        try:
            found, _ = json.JSONDecoder().raw_decode(text.lstrip())
            return dict(_fitted(found, wanted, lenient=False) or {})
        except (ValueError, RecursionError):
            pass  # it may be YAML, whose flow style looks alike
    try:
        found = yaml.load(_first_document(text), _Loader)  # noqa: S506 (it makes nothing but plain values)
        _check_json(found, set())
        return dict(_fitted(found, wanted, lenient=True) or {})
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError("not YAML") from error


def _first_document(text: str) -> str:
    kept: list[str] = []
    for line in text.split("\n"):
        if line.startswith("---") and not line[3:].strip():
            if kept:
                break
            continue
        kept.append(line)
    return "\n".join(kept)


def _check_json(value: Any, done: set[int], above: frozenset[int] = frozenset()) -> None:
    """Raise ValueError for what JSON cannot hold. What an alias repeats (`done`) is looked at once."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("not a number")
    if not isinstance(value, dict | list):
        return
    if id(value) in above:
        raise ValueError("not finite")
    if id(value) in done:
        return
    done.add(id(value))
    if isinstance(value, dict) and not all(isinstance(key, str | int | float) for key in value):
        raise ValueError("a key that is no text")
    for each in value.values() if isinstance(value, dict) else value:
        _check_json(each, done, above | {id(value)})


def _fitted(value: Any, wanted: Any, *, lenient: bool) -> Any:
    """The part of a value that is wanted. Raises ValueError where it is of another kind."""
    if wanted == TEXT:
        return _text(value, lenient=lenient)
    if value is None:
        return None
    if isinstance(wanted, list):
        if not isinstance(value, list):
            raise ValueError("not a list")
        items = [_fitted(each, wanted[0], lenient=lenient) for each in value]
        return [({} if each is None else each) for each in items]
    if not isinstance(value, dict):
        raise ValueError("not an object")
    if "*" in wanted:
        return {_text(key, lenient=True): _fitted(each, wanted["*"], lenient=lenient) for key, each in value.items()}
    names = {name.lower(): name for name in wanted}
    found = {}
    for key, each in value.items():
        name = names.get(_text(key, lenient=True).lower())
        if name is not None:
            found[name] = _fitted(each, wanted[name], lenient=lenient)
    return found


def _text(value: Any, *, lenient: bool) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if lenient and isinstance(value, bool):
        return str(value).lower()
    if lenient and isinstance(value, int | float):
        return str(value)
    raise ValueError("not text")


class _Loader(yaml.SafeLoader):
    """Makes plain values only: dates stay text, and what has a tag of its own is what it looks like."""

    def untagged(self, _suffix: str, node: yaml.Node) -> Any:
        if isinstance(node, yaml.MappingNode):
            return self.construct_mapping(node, deep=True)
        if isinstance(node, yaml.SequenceNode):
            return self.construct_sequence(node, deep=True)
        return str(node.value)

    def plain(self, node: yaml.ScalarNode) -> str:
        return str(node.value)


_Loader.add_multi_constructor("", _Loader.untagged)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _Loader.plain)
_Loader.add_constructor("tag:yaml.org,2002:binary", _Loader.plain)
