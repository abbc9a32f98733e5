"""From the text of a policy to its rules. Each refusal is worded as the real server words it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from sandboxd.vault import hcl
from sandboxd.vault.durations import parse_moment, parse_nanoseconds
from sandboxd.vault.errors import listed
from sandboxd.vault.gotext import quote
from sandboxd.vault.hcl import HCLError, Item, Items, Node, Object, decode
from sandboxd.vault.policies.filter_path import check_filter
from sandboxd.vault.policies.model import (
    BITS,
    DENIED,
    DENY,
    OPENBAO,
    ControlGroup,
    Dialect,
    Factor,
    Pattern,
    Permissions,
    Policy,
    PolicyError,
    Rule,
)
from sandboxd.vault.policies.templates import is_templated

T = TypeVar("T")

_OLD_POLICIES = {
    "read": ("read", "list"),
    "write": ("create", "read", "update", "delete", "list"),
    "sudo": ("create", "read", "update", "delete", "list", "sudo"),
}
_OPERATIONS = frozenset(
    (
        *("create", "read", "update", "patch", "delete", "list", "scan", "help"),
        *("alias-lookahead", "resolve-role", "header", "revoke", "renew", "rollback"),
    )
)
_ROOT_KEYS = frozenset(("name", "path"))
_CONTROL_GROUP_KEYS = frozenset(("ttl", "self_auth_allowed", "factor"))
_FACTOR_KEYS = frozenset(("controlled_capabilities", "identity"))
_strings = decode.list_of(decode.read_string)
_parameters = decode.map_of(decode.list_of(decode.read_element))


def parse_policy(
    text: str, name: str, *, dialect: Dialect = OPENBAO, now: int = 0, namespace: str = "", trusted: Iterable[str] = ()
) -> Policy:
    """Return the policy that a text in HCL or JSON says.

    Args:
        text: the policy as it was written, not in base64.
        name: what the policy is called.
        dialect: whose rules it follows.
        now: nanoseconds since 1970; a rule that has ended by then is left out, and little of it is checked.
        namespace: the path of the namespace the policy is in, which only error texts show.
        trusted: of `/`, `*` and `+`, those that values put into templated paths may hold.

    Raises:
        PolicyError: with the text the real server answers, from `failed to parse policy:` on.
    """
    try:
        items = hcl.parse(text)
        _check_keys(items, _ROOT_KEYS)
        decode.read_field(items, "name", decode.read_string)
        stanzas = (_Stanza(item, name, dialect, namespace) for item in items.under("path"))
        rules = tuple(rule for stanza in stanzas if (rule := stanza.rule(now)))
    except (PolicyError, HCLError) as error:
        raise PolicyError(f"failed to parse policy: {error}") from None
    return Policy(
        name=name,
        rules=rules,
        templated=any(rule.templated for rule in rules),
        blocked=tuple(sign for sign in dialect.blocked if sign not in trusted),
    )


class _KeyError(PolicyError):
    """Keys that are not known, each with its own text."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.texts = tuple(texts)
        super().__init__(listed(self.texts))


@contextmanager
def _prefix(before: str) -> Iterator[None]:
    """Put `before` in front of the text of whatever is refused."""
    try:
        yield
    except _KeyError as error:
        raise _KeyError(before + text for text in error.texts) from None
    except ValueError as error:
        raise PolicyError(f"{before}{error}") from None


class _Stanza:
    """One `path` stanza on its way to a rule."""

    def __init__(self, item: Item, policy: str, dialect: Dialect, namespace: str) -> None:
        self._item = item
        self._policy = policy
        self._dialect = dialect
        self._namespace = namespace
        self._key = item.keys[0].string() if item.keys else "path"
        self._place = f"path {quote(self._key)}: "

    def rule(self, now: int) -> Rule | None:
        """Return the rule, or None if it has ended."""
        try:
            return self._rule(now)
        except ValueError as error:
            before = self._place if self._dialect.prefixes_rule_errors else ""
            raise PolicyError(f"{before}{error}") from None

    def _rule(self, now: int) -> Rule | None:
        with _prefix("failed to validate policy templating: "):
            templated = is_templated(self._key)
        with _prefix("" if self._dialect.prefixes_rule_errors else self._place):
            items = _check_keys(self._item.value, self._dialect.keys)
        control_groups = _each(items, "control_group", _control_group)
        with _prefix(self._place):
            written = _Written(items)
            expiration = _expiration(written.expiration)
        if expiration and now > expiration:
            return None
        pattern = Pattern.of(self._key, self._namespace)
        with _prefix(self._place):
            bits = _bits(written, self._dialect)
        return Rule(
            policy=self._policy,
            line=self._item.position.line or self._item.value.position.line,
            key=self._key,
            pattern=pattern,
            templated=templated,
            expiration=expiration,
            permissions=_permissions(written, bits, control_groups[-1] if control_groups else None),
        )


class _Written:
    """What a stanza says, read but not judged."""

    def __init__(self, items: Items) -> None:
        # in the order of the real server, for the first error is the one that is told
        self.policy = decode.read_field(items, "policy", decode.read_string, name="Policy") or ""
        self.capabilities = _read_strings(items, "capabilities", name="Capabilities")
        self.expiration = decode.read_field(items, "expiration", decode.read_string) or ""
        self.min_wrapping: Any = decode.read_field(items, "min_wrapping_ttl", decode.read_any)
        self.max_wrapping: Any = decode.read_field(items, "max_wrapping_ttl", decode.read_any)
        self.allowed = decode.read_field(items, "allowed_parameters", _parameters)
        self.denied = decode.read_field(items, "denied_parameters", _parameters)
        self.required = _read_strings(items, "required_parameters")
        self.mfa_methods = _read_strings(items, "mfa_methods")
        self.pagination_limit = decode.read_field(items, "pagination_limit", decode.read_int) or 0
        self.filter_path = decode.read_field(items, "list_scan_response_keys_filter_path", decode.read_string) or ""


def _read_strings(items: Items, key: str, *, name: str = "") -> tuple[str, ...]:
    values = decode.read_field(items, key, _strings, name=name)
    return tuple(values or ())


def _bits(written: _Written, dialect: Dialect) -> int:
    """Return the capabilities of a stanza; `deny` stands alone, and what follows it in the list is not looked at."""
    capabilities = written.capabilities
    if written.policy == DENY:
        return DENIED
    if written.policy:
        if written.policy not in _OLD_POLICIES:
            raise PolicyError(f"invalid policy {quote(written.policy)}")
        capabilities += _OLD_POLICIES[written.policy]
    bits = 0
    for capability in capabilities:
        if capability == DENY:
            return DENIED
        if capability not in dialect.capabilities:
            raise PolicyError(f"invalid capability {quote(capability)}")
        bits |= BITS[capability]
    return bits


def _permissions(written: _Written, bits: int, control_group: ControlGroup | None) -> Permissions:
    if bits & DENIED:  # conditions of what is denied are not even read
        return Permissions(bits=bits, control_group=control_group)
    shortest = _wrapping(written.min_wrapping, "min_wrapping_ttl")
    longest = _wrapping(written.max_wrapping, "max_wrapping_ttl")
    if shortest and longest and longest < shortest:
        raise PolicyError("max_wrapping_ttl cannot be less than min_wrapping_ttl")
    if written.filter_path:
        if not bits & BITS["list"]:
            text = "list_scan_response_keys_filter_path needs to be used on a path with the list capability"
            raise PolicyError(text)
        check_filter(written.filter_path)
    return Permissions(
        bits=bits,
        min_wrapping=shortest,
        max_wrapping=longest,
        allowed_parameters=_lowered(written.allowed),
        denied_parameters=_lowered(written.denied),
        required_parameters=written.required,
        mfa_methods=written.mfa_methods,
        pagination_limit=written.pagination_limit,
        filter_path=written.filter_path,
        control_group=control_group,
    )


def _expiration(text: str) -> int:
    with _prefix("invalid expiration time: "):
        return parse_moment(text) if text else 0


def _wrapping(value: Any, name: str) -> int:
    with _prefix(f"error parsing {name}: "):
        return _nanoseconds(value)


def _nanoseconds(value: Any) -> int:
    """Return a duration written in HCL, where a fraction of a second is cut off rather than refused."""
    return parse_nanoseconds(int(value) if isinstance(value, float) else value)


def _lowered(parameters: Mapping[str, list[Any]] | None) -> Mapping[str, tuple[Any, ...]] | None:
    if not parameters:
        return None
    return {name.lower(): tuple(values) for name, values in parameters.items()}


def _check_keys(node: Node, known: frozenset[str]) -> Items:
    """Return the items of an object, all of whose keys are known."""
    items = node.items if isinstance(node, Object) else node
    if not isinstance(items, Items):
        raise PolicyError(f"cannot check HCL keys of type {node.go_type}")
    # a block has no assignment, so its line is told as 0
    unknown = [
        f"invalid key {quote(key)} on line {item.assign.line}"
        for item in items
        if (key := item.keys[0].string()) not in known
    ]
    if unknown:
        raise _KeyError(unknown)
    return items


def _each(items: Items, key: str, read: Callable[[Item], T], *, called: str = "") -> list[T]:
    """Read all items with a key, and tell of all that is wrong with them at once."""
    values: list[T] = []
    errors: list[str] = []
    for item in items.under(key):
        try:
            values.append(read(item))
        except _KeyError as error:
            errors.extend(error.texts)
        except ValueError as error:
            errors.append(str(error))
    if errors:
        raise PolicyError(f"error handling {called or key}: {listed(errors)}")
    return values


def _control_group(item: Item) -> ControlGroup:
    items = _check_keys(item.value, _CONTROL_GROUP_KEYS)
    with _prefix("path control_group: "):
        ttl: Any = decode.read_field(items, "ttl", decode.read_any)
        self_approval = decode.read_field(items, "self_auth_allowed", decode.read_bool) or False
    factors = _each(items, "factor", _factor, called="control_group factor")
    with _prefix("path control_group: invalid ttl: "):
        nanoseconds = _nanoseconds(ttl)
    for operation in (operation for factor in factors for operation in factor.operations):
        if operation not in _OPERATIONS:
            raise PolicyError(f"path control_group Operation(s) not valid: {operation}")
    if not factors:
        raise PolicyError("requires at least one factor but had none")
    for index, factor in enumerate(factors):
        _check_factor(factor, index)
    return ControlGroup(ttl=nanoseconds, self_approval=self_approval, factors=tuple(factors))


def _factor(item: Item) -> Factor:
    with _prefix("path control_group factor: "):
        items = _check_keys(item.value, _FACTOR_KEYS)
        operations = _read_strings(items, "controlled_capabilities")
        groups: list[str] | None = None
        approvals: int | None = None
        for node in decode.nodes_of(items, "identity"):
            if not isinstance(node, Items):
                text = f"root.Identity: not an object type for struct ({node.go_type})"
                raise HCLError.at(node.position, text)
            groups = decode.read_field(node, "group_names", _strings, name="Identity.group_names", old=groups)
            approvals = decode.read_field(node, "approvals", decode.read_int, name="Identity.Approvals", old=approvals)
        if not item.keys:
            raise PolicyError("require name key")
    return Factor(item.keys[0].string(), operations, tuple(groups or ()), approvals or 0)


def _check_factor(factor: Factor, index: int) -> None:
    if not factor.operations:
        raise PolicyError(f"factor {index}: missing controlled capabilities")
    if factor.approvals <= 0:
        raise PolicyError(f"factor {index}: missing required approvals")
    if not factor.group_names:
        raise PolicyError(f"factor {index}: missing approving groups")
