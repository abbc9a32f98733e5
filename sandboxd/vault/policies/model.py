"""What a policy is made of.

A **policy** is a text that holds **rules**; a rule says which **capabilities** a token has on the paths its pattern
matches, and on what conditions. A pattern is **exact** (`secret/a`), a **prefix** (`secret/*`, kept without its star)
or goes by **segments** (`secret/+/a`, where `+` stands for one segment; it may end in a star as well).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple

from sandboxd.vault.gotext import quote

DENY = "deny"
BITS = {
    DENY: 1,
    "create": 2,
    "read": 4,
    "update": 8,
    "delete": 16,
    "list": 32,
    "sudo": 64,
    "patch": 128,
    "scan": 256,
    "subscribe": 512,
    "recover": 1024,
}
"""The capabilities, each a bit of a set."""

DENIED = BITS[DENY]


def names(bits: int) -> list[str]:
    """Return the capabilities in a set: sorted, and `deny` alone if it is in the set or the set is empty."""
    if bits & DENIED or not bits:
        return [DENY]
    return sorted(name for name, bit in BITS.items() if bits & bit)


class PolicyError(ValueError):
    """A policy cannot be taken; the text is the real server's."""


class ForbiddenValueError(PolicyError):
    """A value put into a templated path holds what it must not, and its owner can do nothing at all."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """What the policies of a product may say.

    Args:
        capabilities: those that a rule may list.
        keys: what a rule may hold.
        blocked: what a value put into a templated path must not hold.
        prefixes_rule_errors: whether whatever is wrong with a rule is told with the rule's path in front, even if the
            text has it already.
    """

    capabilities: frozenset[str]
    keys: frozenset[str]
    blocked: tuple[str, ...]
    prefixes_rule_errors: bool


_COMMON_KEYS = frozenset(
    (
        "allowed_parameters",
        "capabilities",
        "comment",
        "control_group",
        "denied_parameters",
        "max_wrapping_ttl",
        "mfa_methods",
        "min_wrapping_ttl",
        "policy",
        "required_parameters",
    )
)
_COMMON_CAPABILITIES = frozenset((DENY, "create", "read", "update", "delete", "list", "sudo", "patch"))

OPENBAO = Dialect(
    capabilities=_COMMON_CAPABILITIES | {"scan"},
    keys=_COMMON_KEYS | {"expiration", "list_scan_response_keys_filter_path", "pagination_limit"},
    blocked=("/", "*", "+"),
    prefixes_rule_errors=True,
)
VAULT = Dialect(  # from Vault's documentation
    capabilities=_COMMON_CAPABILITIES | {"subscribe", "recover"},
    keys=_COMMON_KEYS | {"subscribe_event_types"},
    blocked=(),
    prefixes_rule_errors=False,
)


class PatternKind(Enum):
    """How a rule's pattern is matched."""

    EXACT = "exact"
    PREFIX = "prefix"
    SEGMENTS = "segments"


class Pattern(NamedTuple):
    """The paths a rule is for. `path` is relative to the policy's namespace; that of a prefix has no star."""

    kind: PatternKind
    path: str

    def __str__(self) -> str:
        return f"{self.path}*" if self.kind is PatternKind.PREFIX else self.path

    @classmethod
    def of(cls, key: str, namespace: str) -> "Pattern":
        """Return the pattern written as `key` in a namespace. Raises PolicyError for `+*`, which is forbidden."""
        path = key.removeprefix("/")
        if "+*" in path:
            raise PolicyError(f"path {quote(namespace + path)}: invalid use of wildcards ('+*' is forbidden)")
        if path == "+" or "/+" in path or path.startswith("+/"):
            return cls(PatternKind.SEGMENTS, path)
        if path.endswith("*"):
            return cls(PatternKind.PREFIX, path[:-1])
        return cls(PatternKind.EXACT, path)


@dataclass(frozen=True, slots=True)
class Factor:
    """One condition of a control group: so many approvals from members of one of the groups."""

    name: str
    operations: tuple[str, ...]
    group_names: tuple[str, ...]
    approvals: int


@dataclass(frozen=True, slots=True)
class ControlGroup:
    """Who has to approve a request before it is served, and for how long that may take (nanoseconds)."""

    ttl: int
    self_approval: bool
    factors: tuple[Factor, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Permissions:
    """What a rule allows, and on what conditions. Wrapping times are nanoseconds; 0 means no limit."""

    bits: int = 0
    min_wrapping: int = 0
    max_wrapping: int = 0
    allowed_parameters: Mapping[str, tuple[Any, ...]] | None = None
    denied_parameters: Mapping[str, tuple[Any, ...]] | None = None
    required_parameters: tuple[str, ...] = ()
    mfa_methods: tuple[str, ...] = ()
    pagination_limit: int = 0
    filter_path: str = ""
    control_group: ControlGroup | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One `path` stanza of a policy."""

    policy: str
    """The name of the policy it stands in."""
    line: int
    """The line it starts on; 0 when the policy is JSON."""
    key: str
    """The path as it is written, with templates."""
    pattern: Pattern
    templated: bool = False
    expiration: int = 0
    """When the rule ends, in nanoseconds since 1970; 0 for never."""
    permissions: Permissions = field(default_factory=Permissions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A parsed policy."""

    name: str
    rules: tuple[Rule, ...] = ()
    templated: bool = False
    """Whether any rule's path depends on who asks."""
    blocked: tuple[str, ...] = ()
    """What values put into templated paths must not hold."""
