"""The rules of one token's policies, compiled so that the one grant that decides on a path is found at once.

An exact pattern wins over all others. Of the rest the most specific wins: the one whose first wildcard comes last,
then one that matches whole paths over a prefix, then fewer `+`, then the longer one.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sandboxd.vault.durations import SECOND
from sandboxd.vault.gotext import quote
from sandboxd.vault.policies.grants import LISTING, Decision, Grant, Refused
from sandboxd.vault.policies.model import BITS, DENIED, DENY, Pattern, PatternKind, Policy, PolicyError, Rule, names
from sandboxd.vault.policies.templates import IdentityView, render

Rank = tuple[int, bool, int, int, bytes]
"""How specific a pattern is; the greatest wins."""

_RESULTANT_ORDER = ("create", "delete", "list", "read", "sudo", "update", "patch", "scan", "subscribe", "recover")
_ROOT = Decision(allowed=True, sudo=True, root=True)
_HELP = Decision(allowed=True)
_NO_RULE = Decision(allowed=False, refused=Refused.NO_RULE)


class _Wild(NamedTuple):
    """A grant whose pattern has wildcards, and how it is matched."""

    rank: Rank
    grant: Grant
    pattern: re.Pattern[str]


class ACL:
    """What one token may do.

    Attributes:
        valid_until: when the first of its rules ends, in nanoseconds since 1970; None if none does. Policies have to be
            compiled again after that.
    """

    def __init__(self) -> None:
        self.valid_until: int | None = None
        self._root: str | None = None
        self._exact: dict[str, Grant] = {}
        self._prefixes: dict[str, Grant] = {}
        self._prefix_lengths: tuple[int, ...] = ()
        self._segments: dict[str, Grant] = {}
        self._wild: tuple[_Wild, ...] = ()

    @classmethod
    def root(cls, namespace: str = "") -> "ACL":
        """Return what root may do: everything in the namespace with that path and below it."""
        acl = cls()
        acl._root = namespace
        return acl

    @classmethod
    def compile(
        cls, policies: Sequence[tuple[str, Policy]], identity: IdentityView | None = None, *, now: int = 0
    ) -> "ACL":
        """Return what policies say together.

        Args:
            policies: each with the path of its namespace (`""` or `"team/"`).
            identity: who the token belongs to, for templated paths; None without an entity.
            now: nanoseconds since 1970; rules that have ended by then are left out.

        Raises:
            ForbiddenValueError: when a value put into a templated path holds what it must not.
            PolicyError: when root is not alone, or a templated path comes out as one that is forbidden.
        """
        acl = cls()
        for namespace, policy in policies:
            if policy.name == "root":
                if len(policies) != 1:
                    raise PolicyError("failed to construct ACL: other policies present along with root")
                return cls.root(namespace)
            acl._add(policy, namespace, identity, now)
        acl._prefix_lengths = tuple(sorted({len(prefix) for prefix in acl._prefixes}, reverse=True))
        acl._wild = tuple(sorted(map(_wild, acl._segments.values()), key=lambda wild: wild.rank, reverse=True))
        return acl

    def _add(self, policy: Policy, namespace: str, identity: IdentityView | None, now: int) -> None:
        for rule in policy.rules:
            if rule.expiration:
                if now > rule.expiration:
                    continue
                self.valid_until = min(self.valid_until or rule.expiration, rule.expiration)
            pattern = _rendered(rule, policy, namespace, identity, now) if rule.templated else rule.pattern
            if pattern is None:
                continue
            path = namespace + pattern.path
            grants = self._by_kind(pattern.kind)
            if path in grants:
                grants[path].join(rule)
            else:
                grants[path] = Grant(path, pattern.kind, rule)

    def _by_kind(self, kind: PatternKind) -> dict[str, Grant]:
        if kind is PatternKind.EXACT:
            return self._exact
        return self._prefixes if kind is PatternKind.PREFIX else self._segments

    def check(
        self, operation: str, path: str, data: Mapping[str, Any] | None = None, wrap_ttl: float | None = None
    ) -> Decision:
        """Return whether a request is allowed, and why not.

        Args:
            operation: `create`, `read`, `update`, `patch`, `delete`, `list`, `scan`, `help`, `revoke`, `renew` or
                `rollback`.
            path: the whole path, namespace included.
            data: the parameters that were sent.
            wrap_ttl: for how many seconds the response is to be wrapped; None if it is not.
        """
        if self._root is not None:
            return _ROOT if path.startswith(self._root) else _NO_RULE
        if operation == "help":
            return _HELP
        grant = self._exact.get(path) or self.find(path, listing=operation in LISTING)
        if grant is None:
            return _NO_RULE
        return grant.decide(operation, data, wrap_ttl)

    def find(self, path: str, *, listing: bool = False) -> Grant | None:
        """Return the grant that decides on a path; a listing of `a/` may also go by what is said of `a`."""
        path = path.lstrip("/")
        bare = path[:-1] if listing and path.endswith("/") else path
        grant = self._exact.get(path) or self._exact.get(bare)
        if grant is not None:
            return grant
        grant = self._find_wild(path)
        if grant is None and bare != path:
            grant = self._find_wild(bare)
        return grant

    def _find_wild(self, path: str) -> Grant | None:
        prefix = self._longest_prefix(path)
        rank = _prefix_rank(prefix) if prefix and self._wild else None
        for wild in self._wild:
            if rank is not None and wild.rank < rank:
                break
            if wild.pattern.match(path):
                return wild.grant
        return prefix

    def _longest_prefix(self, path: str) -> Grant | None:
        for length in self._prefix_lengths:
            if length <= len(path):
                grant = self._prefixes.get(path[:length])
                if grant is not None:
                    return grant
        return None

    def capabilities(self, path: str) -> list[str]:
        """Return the capabilities on a path, sorted, as `sys/capabilities` answers: `["root"]`, `["deny"]`, ..."""
        if self._root is not None:
            return ["root"] if path.startswith(self._root) else [DENY]
        grant = self.find(path, listing=True)
        return names(grant.permissions.bits if grant else 0)

    def reaches(self, mount: str) -> bool:
        """Tell whether anything is allowed at a mount or below it: `mount` is its path, with the slash at the end."""
        if DENY not in self.capabilities(mount):
            return True
        below = (
            grant.permissions.bits
            for grants in (self._exact, self._prefixes)
            for path, grant in grants.items()
            if path.startswith(mount)
        )
        if any(bits and not bits & DENIED for bits in below):
            return True
        if not self._segments:
            # an oddity of the real server: a rule that denies all of the mount counts here
            return self._longest_prefix(mount) is not None
        return any(_reaches(grant, mount) for grant in self._segments.values())

    def resultant(self) -> dict[str, Any]:
        """Return the rules in the form of `sys/internal/ui/resultant-acl`, which knows no `+` patterns."""
        if self._root is not None:
            return {"root": True}
        return {
            "root": False,
            "exact_paths": {path: _resultant(grant) for path, grant in sorted(self._exact.items())},
            "glob_paths": {path: _resultant(grant) for path, grant in sorted(self._prefixes.items())},
        }

    def grants(self) -> Iterable[Grant]:
        """Give all grants: exact ones, prefixes, and those with `+`."""
        yield from self._exact.values()
        yield from self._prefixes.values()
        yield from self._segments.values()


def _rendered(rule: Rule, policy: Policy, namespace: str, identity: IdentityView | None, now: int) -> Pattern | None:
    """Return the pattern of a templated rule for somebody, or None if the rule is not there for them."""
    try:
        key = render(rule.key, identity, namespace=namespace, blocked=policy.blocked, now=now)
        return None if key is None else Pattern.of(key, namespace)
    except PolicyError as error:
        place = f"error parsing templated policy {quote(policy.name)}: failed to parse policy: path {quote(rule.key)}"
        raise type(error)(f"{place}: {error}") from None


def _prefix_rank(grant: Grant) -> Rank:
    raw = grant.path.encode()
    return len(raw), False, 0, len(raw), raw


def _wild(grant: Grant) -> _Wild:
    path = grant.path.removesuffix("*")
    whole = path == grant.path
    parts = path.split("/")
    raw = path.encode()
    rank = raw.index(b"+"), whole, -parts.count("+"), len(raw), raw
    expression = "/".join("[^/]*" if part == "+" else re.escape(part) for part in parts)
    return _Wild(rank, grant, re.compile(expression + r"\Z" if whole else expression))


def _reaches(grant: Grant, mount: str) -> bool:
    """Tell whether a pattern with `+` can match below a mount, and allows something."""
    bits = grant.permissions.bits
    path = grant.path.removesuffix("*")
    parts, wanted = path.split("/"), mount.split("/")[:-1]
    if not bits or bits & DENIED or len(parts) < len(wanted):
        return False
    last = len(parts) - 1 if path != grant.path else -1
    return all(
        part in ("+", name) or (index == last and name.startswith(part))
        for index, (part, name) in enumerate(zip(parts, wanted, strict=False))
    )


def _resultant(grant: Grant) -> dict[str, Any]:
    permissions = grant.permissions
    bits = permissions.bits
    capabilities = [name for name in _RESULTANT_ORDER if bits & BITS[name]]
    shown: dict[str, Any] = {"capabilities": [DENY] if bits & DENIED or not capabilities else capabilities}
    if permissions.min_wrapping:
        shown["min_wrapping_ttl"] = permissions.min_wrapping // SECOND
    if permissions.max_wrapping:
        shown["max_wrapping_ttl"] = permissions.max_wrapping // SECOND
    for name in ("allowed_parameters", "denied_parameters"):
        parameters = getattr(permissions, name)
        if parameters:
            shown[name] = {parameter: list(values) for parameter, values in parameters.items()}
    if permissions.required_parameters:
        shown["required_parameters"] = list(permissions.required_parameters)
    return shown
