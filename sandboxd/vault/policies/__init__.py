"""ACL policies: parsing their texts, compiling them, and judging requests by them.

`parse_policy` gives a `Policy`; `ACL.compile` joins the policies of one token; `ACL.check` says of one request whether
it is allowed, and if not, why. All of it is pure: time and identities are handed in.
"""

from sandboxd.vault.policies.acl import ACL
from sandboxd.vault.policies.builtin import DEFAULT_POLICIES
from sandboxd.vault.policies.filter_path import render_filter
from sandboxd.vault.policies.grants import Decision, Grant, Refused
from sandboxd.vault.policies.model import (
    OPENBAO,
    VAULT,
    ControlGroup,
    Dialect,
    Factor,
    ForbiddenValueError,
    Pattern,
    PatternKind,
    Permissions,
    Policy,
    PolicyError,
    Rule,
)
from sandboxd.vault.policies.parse import parse_policy
from sandboxd.vault.policies.templates import AliasView, EntityView, GroupView, IdentityView

__all__ = [
    "ACL",
    "DEFAULT_POLICIES",
    "OPENBAO",
    "VAULT",
    "AliasView",
    "ControlGroup",
    "Decision",
    "Dialect",
    "EntityView",
    "Factor",
    "ForbiddenValueError",
    "Grant",
    "GroupView",
    "IdentityView",
    "Pattern",
    "PatternKind",
    "Permissions",
    "Policy",
    "PolicyError",
    "Refused",
    "Rule",
    "parse_policy",
    "render_filter",
]
