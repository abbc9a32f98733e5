"""Templates in the paths of rules: `secret/{{identity.entity.name}}/*`.

What cannot be filled in for somebody (no entity, no such metadata, a group they are not in) makes no error: the rule is
not there for them. A value that holds `/`, `*` or `+` does make one, unless the policy allows it.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from sandboxd.vault.durations import SECOND, parse_nanoseconds
from sandboxd.vault.gotext import quote
from sandboxd.vault.policies.model import ForbiddenValueError, PolicyError

_TEMPLATE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)


class AliasView(Protocol):
    """Who somebody is at one auth mount."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def mount_accessor(self) -> str: ...
    @property
    def metadata(self) -> Mapping[str, str] | None: ...
    @property
    def custom_metadata(self) -> Mapping[str, str] | None: ...


class EntityView(Protocol):
    """Somebody."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def metadata(self) -> Mapping[str, str] | None: ...
    @property
    def aliases(self) -> Iterable[AliasView]: ...


class GroupView(Protocol):
    """A group that somebody is in, directly or through another one."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def namespace_id(self) -> str: ...
    @property
    def metadata(self) -> Mapping[str, str] | None: ...


@dataclass(frozen=True, slots=True)
class IdentityView:
    """What templates may ask about somebody.

    Args:
        entity: who they are.
        groups: the groups they are in.
        namespace_ids: the ids of namespaces by path. A group that a policy names is looked for in the policy's own
            namespace, if that is listed here, and in all of them otherwise.
    """

    entity: EntityView
    groups: tuple[GroupView, ...] = ()
    namespace_ids: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls, entity: EntityView, groups: Iterable[GroupView], namespace_ids: Mapping[str, str] | None = None
    ) -> "IdentityView":
        """Return the view of an entity and its groups."""
        return cls(entity, tuple(groups), namespace_ids or {})


def is_templated(path: str) -> bool:
    """Tell whether a path holds templates. Raises PolicyError for braces that do not match."""
    head, *pieces = path.split("{{")
    if "}}" in head or any(piece.count("}}") != 1 for piece in pieces):
        raise PolicyError("unbalanced templating characters")
    return bool(pieces)


def render(path: str, view: IdentityView | None, *, namespace: str, blocked: Iterable[str], now: int) -> str | None:
    """Return a templated path with its templates filled in, or None if one cannot be.

    Args:
        path: one that `is_templated`.
        view: who asks; None without an entity.
        namespace: the path of the namespace that the policy is in.
        blocked: what no value may hold.
        now: nanoseconds since 1970.

    Raises:
        ForbiddenValueError: a value holds what it must not.
    """
    pieces = _TEMPLATE.split(path)
    for index in range(1, len(pieces), 2):
        value = _value(pieces[index].strip(), view, namespace, now)
        if value is None:
            return None
        for sign in blocked:
            if sign in value:
                raise ForbiddenValueError(f"template substitution contains forbidden value: {quote(sign)}")
        pieces[index] = value
    return "".join(pieces)


def _value(selector: str, view: IdentityView | None, namespace: str, now: int) -> str | None:
    if selector.startswith("time."):
        return _time(selector.removeprefix("time."), now)
    if view is None:
        return None
    if selector.startswith("identity.entity."):
        return _entity(selector.removeprefix("identity.entity."), view.entity)
    if selector.startswith("identity.groups."):
        return _group(selector.removeprefix("identity.groups."), view, namespace)
    return None


def _entity(selector: str, entity: EntityView) -> str | None:
    if selector == "id":
        return entity.id or None
    if selector == "name":
        return entity.name or None
    if selector.startswith("metadata."):
        return (entity.metadata or {}).get(selector.removeprefix("metadata."))
    if selector.startswith("aliases."):
        accessor, _, rest = selector.removeprefix("aliases.").partition(".")
        alias = next((alias for alias in entity.aliases if alias.mount_accessor == accessor), None)
        return _alias(rest, alias) if alias else None
    return None


def _alias(selector: str, alias: AliasView) -> str | None:
    if selector == "id":
        return alias.id or None
    if selector == "name":
        return alias.name or None
    if selector.startswith("metadata."):
        return (alias.metadata or {}).get(selector.removeprefix("metadata."))
    if selector.startswith("custom_metadata."):
        return (alias.custom_metadata or {}).get(selector.removeprefix("custom_metadata."))
    return None


def _group(selector: str, view: IdentityView, namespace: str) -> str | None:
    by, _, rest = selector.partition(".")
    wanted, _, rest = rest.partition(".")
    home = view.namespace_ids.get(namespace)
    for group in view.groups:
        if by == "ids":
            found = group.id == wanted
        else:
            found = by == "names" and group.name == wanted and (home is None or group.namespace_id == home)
        if not found:
            continue
        if rest == "id":
            return group.id
        if rest == "name":
            return group.name or None
        if rest.startswith("metadata."):
            return (group.metadata or {}).get(rest.removeprefix("metadata."))
        return None
    return None


def _time(selector: str, now: int) -> str | None:
    which, *offset = selector.split(".", 2)
    if which != "now" or len(offset) == 1:
        return None
    if offset:
        operator, duration = offset
        try:
            nanoseconds = parse_nanoseconds(duration)
        except ValueError:
            return None
        if operator not in ("plus", "minus"):
            return None
        now += nanoseconds if operator == "plus" else -nanoseconds
    return str(now // SECOND)
