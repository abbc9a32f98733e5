"""Grants and decisions: what the rules of one pattern say together, and what follows for a request.

A **grant** joins all rules of a token's policies that have the same pattern: capabilities add up, `deny` outdoes them,
parameter lists are united, the shorter wrapping time holds. A **decision** tells what came of a request, and why, in
names and places, never a value.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from sandboxd.vault.durations import SECOND, parse_integer
from sandboxd.vault.hcl.decode import Blocks
from sandboxd.vault.policies.model import BITS, DENIED, ControlGroup, PatternKind, Permissions, Rule

LISTING = frozenset(("list", "scan"))
_WITH_PARAMETERS = frozenset(("create", "read", "update", "patch"))
_CAPABILITIES = {
    **{name: name for name in ("create", "read", "update", "delete", "list", "scan", "patch")},
    **dict.fromkeys(("revoke", "renew", "rollback"), "update"),
}
"""The capability that each operation takes."""

_EVERY = "*"
_NOTHING_SENT: Mapping[str, Any] = {}


class Refused(Enum):
    """Why a request is not allowed."""

    NO_RULE = "no rule is for the path"
    DENIED = "a rule denies the path"
    CAPABILITY = "the rules for the path lack the capability"
    OPERATION = "no capability allows the operation"
    WRAPPING = "the response is not wrapped, or for a time that the rules do not allow"
    MISSING_PARAMETER = "a parameter that the rules require is missing"
    DENIED_PARAMETER = "a parameter, or its value, is among those that the rules deny"
    PARAMETER = "a parameter, or its value, is not among those that the rules allow"
    PAGE_SIZE = "the size of the page is missing or not allowed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What policy says of a request.

    Attributes:
        allowed: whether it may be served. A path that needs `sudo` needs `sudo` to be true as well.
        sudo: whether the token has sudo on the path, be the request allowed or not.
        root: whether the token is root.
        capability: what the operation takes; empty when that was not asked for.
        refused: why it is not allowed.
        parameter: the parameter that made the difference.
        limit: what the request's `limit` has to be set to before it is served, if anything.
        grant: what decided; None if nothing did.
    """

    allowed: bool
    sudo: bool = False
    root: bool = False
    capability: str = ""
    refused: Refused | None = None
    parameter: str = ""
    limit: str | None = None
    grant: "Grant | None" = None

    @property
    def granting(self) -> tuple[Rule, ...]:
        """The rules that have the capability, in the order of the policies."""
        if self.grant is None or not self.capability:
            return ()
        bit = BITS[self.capability]
        return tuple(rule for rule in self.grant.rules if rule.permissions.bits & bit)

    @property
    def denying(self) -> tuple[Rule, ...]:
        """The rules that deny the path."""
        if self.grant is None:
            return ()
        return tuple(rule for rule in self.grant.rules if rule.permissions.bits & DENIED)

    @property
    def filter_path(self) -> str:
        """The template that the keys of a listing are filtered by, if they are."""
        if self.grant is None or not self.allowed or self.capability not in LISTING:
            return ""
        return self.grant.permissions.filter_path

    @property
    def mfa_methods(self) -> tuple[str, ...]:
        """The MFA methods that have to agree."""
        return self.grant.permissions.mfa_methods if self.grant else ()

    @property
    def control_group(self) -> ControlGroup | None:
        """Who has to approve the request."""
        return self.grant.permissions.control_group if self.grant else None


class Grant:
    """What holds for one pattern. Rules are joined while policies are compiled; after that nothing changes.

    Attributes:
        path: the pattern with its namespace in front; that of a prefix has no star.
        kind: how the pattern is matched.
        permissions: what the rules say together.
        rules: the rules themselves, in the order of the policies.
    """

    __slots__ = ("_conditional", "_decisions", "kind", "path", "permissions", "rules")

    def __init__(self, path: str, kind: PatternKind, rule: Rule) -> None:
        self.path = path
        self.kind = kind
        self.permissions = rule.permissions
        self.rules: tuple[Rule, ...] = (rule,)
        self._decisions: dict[str, Decision] = {}
        self._conditional: bool | None = None

    def __str__(self) -> str:
        return f"{self.path}*" if self.kind is PatternKind.PREFIX else self.path

    def join(self, rule: Rule) -> None:
        """Add what one more rule says."""
        self.rules += (rule,)
        self.permissions = _joined(self.permissions, rule.permissions)

    def decide(self, operation: str, data: Mapping[str, Any] | None, wrap_ttl: float | None) -> Decision:
        """Return what holds for a request; takes what `ACL.check` takes."""
        decision = self._decisions.get(operation)
        if decision is None:
            decision = self._decisions[operation] = self._by_capability(operation)
        if not decision.allowed:
            return decision
        if self._conditional is None:
            self._conditional = _is_conditional(self.permissions)
        if self._conditional:
            return self._by_conditions(decision, operation, data or _NOTHING_SENT, wrap_ttl)
        if data and operation in LISTING and data.get("limit") == "max":
            return replace(decision, limit="0")
        return decision

    def _by_capability(self, operation: str) -> Decision:
        bits = self.permissions.bits
        capability = _CAPABILITIES.get(operation, "")
        refused = None
        if not capability:
            refused = Refused.OPERATION
        elif bits & DENIED:
            refused = Refused.DENIED
        elif not bits & BITS[capability]:
            refused = Refused.CAPABILITY
        return Decision(
            allowed=refused is None,
            sudo=bool(bits & BITS["sudo"]),
            capability=capability,
            refused=refused,
            grant=self,
        )

    def _by_conditions(
        self, decision: Decision, operation: str, data: Mapping[str, Any], wrap_ttl: float | None
    ) -> Decision:
        refused, parameter, limit = None, "", None
        if not _wrapped_as_asked(self.permissions, wrap_ttl):
            refused = Refused.WRAPPING
        elif operation in _WITH_PARAMETERS:
            refused, parameter = _judge_parameters(self.permissions, data)
        elif operation in LISTING:
            refused, limit = _judge_limit(self.permissions, data)
        if refused is None and limit is None:
            return decision
        return replace(decision, allowed=refused is None, refused=refused, parameter=parameter, limit=limit)


def _joined(old: Permissions, new: Permissions) -> Permissions:
    if old.bits & DENIED:
        return old
    if new.bits & DENIED:
        return replace(old, bits=DENIED, allowed_parameters=None, denied_parameters=None)
    required = old.required_parameters
    mfa_methods = old.mfa_methods
    if new.mfa_methods:
        mfa_methods = tuple(sorted({method.strip() for method in (*mfa_methods, *new.mfa_methods)} - {""}))
    return Permissions(
        bits=old.bits | new.bits,
        min_wrapping=_least(old.min_wrapping, new.min_wrapping),
        max_wrapping=_least(old.max_wrapping, new.max_wrapping),
        allowed_parameters=_united(old.allowed_parameters, new.allowed_parameters),
        denied_parameters=_united(old.denied_parameters, new.denied_parameters),
        required_parameters=required + tuple(name for name in new.required_parameters if name not in required),
        mfa_methods=mfa_methods,
        pagination_limit=_least(old.pagination_limit, new.pagination_limit),
        filter_path=old.filter_path or new.filter_path,
        control_group=old.control_group,  # the first rule's, as in the real server
    )


def _least(old: int, new: int) -> int:
    """The smaller of two limits, of which only a positive one is a limit that can replace another."""
    return new if new > 0 and (old <= 0 or new < old) else old


def _united(
    old: Mapping[str, tuple[Any, ...]] | None, new: Mapping[str, tuple[Any, ...]] | None
) -> Mapping[str, tuple[Any, ...]] | None:
    """Parameters of both; one without values, which stands for any value, stays so."""
    if not old or not new:
        return old or new
    united = dict(old)
    for name, values in new.items():
        known = old.get(name)
        anything = not values or (known is not None and not known)
        united[name] = () if anything else values + (known or ())
    return united


def _is_conditional(permissions: Permissions) -> bool:
    return bool(
        permissions.min_wrapping
        or permissions.max_wrapping
        or permissions.allowed_parameters
        or permissions.denied_parameters
        or permissions.required_parameters
        or permissions.pagination_limit
    )


def _wrapped_as_asked(permissions: Permissions, wrap_ttl: float | None) -> bool:
    shortest, longest = permissions.min_wrapping, permissions.max_wrapping
    if (shortest > 0 or longest > 0) and wrap_ttl is None:
        return False
    wrapping = int((wrap_ttl or 0) * SECOND)
    if longest > 0 and wrapping > longest:
        return False
    if shortest > 0 and wrapping < shortest:
        return False
    return not (shortest and longest and longest < shortest)  # joined rules may contradict each other


def _judge_parameters(permissions: Permissions, data: Mapping[str, Any]) -> tuple[Refused | None, str]:
    """Return why the parameters are refused, if they are, and the name of the one at fault."""
    for name in permissions.required_parameters:
        if name.lower() not in data:
            return Refused.MISSING_PARAMETER, name
    denied, allowed = permissions.denied_parameters, permissions.allowed_parameters
    if denied and data:
        if _EVERY in denied:
            return Refused.DENIED_PARAMETER, _EVERY
        for name, value in data.items():
            values = denied.get(name.lower())
            if values is not None and _among(value, values):
                return Refused.DENIED_PARAMETER, name
    if allowed and data:
        every = _EVERY in allowed
        if every and len(allowed) == 1:
            return None, ""
        for name, value in data.items():
            values = allowed.get(name.lower())
            if not every if values is None else not _among(value, values):
                return Refused.PARAMETER, name
    return None, ""


def _judge_limit(permissions: Permissions, data: Mapping[str, Any]) -> tuple[Refused | None, str | None]:
    """Return why the page of a listing is refused, if it is, and what its `limit` has to be set to, if anything."""
    most = permissions.pagination_limit
    asked = data.get("limit")
    if most <= 0:
        return None, "0" if asked == "max" else None
    if "limit" not in data:
        # who does not know of pages is not let in unawares where the rules require the parameter
        required = any(name.lower() == "limit" for name in permissions.required_parameters)
        return (Refused.PAGE_SIZE, None) if required else (None, str(most))
    if asked == "max":
        return None, str(most)
    try:
        size = 0 if asked == "" else parse_integer(asked if isinstance(asked, str) else repr(asked))
    except ValueError:
        return Refused.PAGE_SIZE, None
    if not 0 <= size <= most:
        return Refused.PAGE_SIZE, None
    return None, None if size else str(most)


def _among(value: Any, values: tuple[Any, ...]) -> bool:
    """Tell whether a value is in a list of a rule, which may hold globs; an empty list holds every value."""
    return not values or any(_glob(wanted, value) for wanted in values)


def _glob(wanted: Any, value: Any) -> bool:
    if not isinstance(wanted, str) or not isinstance(value, str):
        return _same(wanted, value)
    if len(wanted) < 2:
        return wanted == value
    if wanted[0] == wanted[-1] == _EVERY:
        return wanted[1:-1] in value
    if wanted[0] == _EVERY:
        return value.endswith(wanted[1:])
    if wanted[-1] == _EVERY:
        return value.startswith(wanted[:-1])
    return wanted == value


def _same(wanted: Any, value: Any) -> bool:
    """Compare a value written in a policy with one that was sent.

    Numbers are never the same: the real server keeps those that are sent as text, and those of policies as numbers. Nor
    is an object inside an object, for what HCL says there is a list.
    """
    match wanted:
        case bool() | str() | None:
            return type(wanted) is type(value) and bool(wanted == value)
        case Blocks():
            return False
        case list():
            return isinstance(value, list) and len(wanted) == len(value) and all(map(_same, wanted, value))
        case dict():
            return (
                isinstance(value, dict)
                and wanted.keys() == value.keys()
                and all(_same(wanted[key], value[key]) for key in wanted)
            )
    return False
