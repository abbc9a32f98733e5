"""Changes of Vault's state that an app did not expect. They are real, and undone when the fault ends.

The aim says which things are changed: `path` the secrets, mounts or leases, `policy` the policies, `role` the roles;
and whose tokens: `accessor`, `entity`, `role`, `policy`, `app` (their display names).
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta

from sandboxd.chaos.model import Depth, Fault, Ordinal, Span


class _State(Fault, frozen=True):
    DEPTH: ClassVar[Depth] = "state"


class TokensRevoked(_State, frozen=True, tag="tokens-revoked"):
    """Tokens are revoked before their time."""

    HELP: ClassVar[str] = "Tokens are gone, with their leases: those aimed at, or all but root tokens."


class TokensShortened(_State, frozen=True, tag="tokens-shortened"):
    """Tokens end sooner than they were told."""

    HELP: ClassVar[str] = "Tokens end after a short time, whatever their TTL was."

    ttl: Annotated[Span, Meta(description="How long they have left.")] = "10s"


class LeasesRevoked(_State, frozen=True, tag="leases-revoked"):
    """Leases are revoked en masse."""

    HELP: ClassVar[str] = "Leases of dynamic secrets below a path are gone, and what they lent is no longer valid."


class PolicyNarrowed(_State, frozen=True, tag="policy-narrowed"):
    """A policy allows less than before."""

    HELP: ClassVar[str] = "Policies lose capabilities, or paths."

    lose: Annotated[
        tuple[str, ...], Meta(description="The capabilities that go; none for all of the paths aimed at.")
    ] = ()


class MountGone(_State, frozen=True, tag="mount-gone"):
    """A secrets engine or an auth method was disabled."""

    HELP: ClassVar[str] = "A secrets engine or auth method is disabled, with its secrets, tokens and leases."


class MountMoved(_State, frozen=True, tag="mount-moved"):
    """A mount goes by another path."""

    HELP: ClassVar[str] = "A secrets engine or auth method is moved to another path."

    to: Annotated[str, Meta(description="The new path; the old one with -moved without.")] = ""


class SecretDeleted(_State, frozen=True, tag="secret-deleted"):
    """A secret is deleted."""

    HELP: ClassVar[str] = "Secrets are deleted: KV version 2 keeps their data for an undelete, version 1 does not."

    destroy: Annotated[bool, Meta(description="Destroy the data of KV version 2 as well.")] = False


class SecretRolledBack(_State, frozen=True, tag="secret-rolled-back"):
    """An older version of a secret is the newest again."""

    HELP: ClassVar[str] = "Secrets of KV version 2 show the data of an earlier version."

    versions: Annotated[Ordinal, Meta(description="How many versions back.")] = 1


class SecretRotated(_State, frozen=True, tag="secret-rotated"):
    """A secret is rotated, and what it was before is no longer accepted."""

    HELP: ClassVar[str] = "Declared secrets are rotated at once, with no time of grace for the old values."


class SecretIdsGone(_State, frozen=True, tag="secret-ids-gone"):
    """The secret IDs of AppRole roles are used up or expired."""

    HELP: ClassVar[str] = "The secret IDs of AppRole roles are gone: logins fail until there is a new one."


class UsersLockedOut(_State, frozen=True, tag="users-locked-out"):
    """Users failed to log in too often."""

    HELP: ClassVar[str] = "Logins are refused for the lockout's time, also with the right password or secret ID."


KINDS: tuple[type[Fault], ...] = (
    TokensRevoked,
    TokensShortened,
    LeasesRevoked,
    PolicyNarrowed,
    MountGone,
    MountMoved,
    SecretDeleted,
    SecretRolledBack,
    SecretRotated,
    SecretIdsGone,
    UsersLockedOut,
)
