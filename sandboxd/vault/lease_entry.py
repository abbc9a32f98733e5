"""What is kept of one lease, and where. Moments are nanoseconds since 1970, durations seconds."""

from typing import Any

import msgspec

from sandboxd.vault.clock import NANOSECONDS
from sandboxd.vault.framework.backend import Auth, Lease
from sandboxd.vault.framework.moments import postponed
from sandboxd.vault.namespaces import ROOT_ID
from sandboxd.vault.tokens import Token, split_namespace, token_hash

LEASES = "core/lease/id/"
NOTABLE = 10  # seconds that a lease must last for its end to be announced


class LeaseEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One lease. Exactly one of `auth` and `secret` is there."""

    id: str
    path: str  # of the request that made it, below its namespace
    namespace_id: str
    token: str  # hash of the token that asked for it, or of the token that it is about
    token_type: str = "service"
    owner: str = ""  # hash of the token that it ends with
    token_end: int = 0  # when a batch token that asked for it ends
    auth: Auth | None = None
    secret: Lease | None = None
    data: Any = None
    credentials: tuple[str, ...] = ()  # their keys in the ledger
    issue_time: int = 0
    expire_time: int = 0  # 0: never
    last_renewal: int = 0
    tries: int = 0
    retry_at: int = 0  # when its revocation is tried again
    revoke_error: str = ""

    def later(self, by: int) -> "LeaseEntry":
        """The same lease, so many nanoseconds later."""
        return postponed(self, by, "token_end", "issue_time", "expire_time", "last_renewal", "retry_at")

    @property
    def irrevocable(self) -> bool:
        """Whether its revocation was given up."""
        return bool(self.revoke_error)

    @property
    def due(self) -> int:
        """When something is to be done about it; 0 for never."""
        return 0 if self.irrevocable else self.retry_at or self.expire_time

    @property
    def notice(self) -> int:
        """When its coming end is told of: two thirds of the way, when clients renew; 0 for never."""
        start = self.last_renewal or self.issue_time
        left = self.expire_time - start
        return 0 if self.tries or left < NOTABLE * NANOSECONDS else start + left * 2 // 3

    def ttl(self, now: int) -> int:
        """The whole seconds left at a moment, which the real server rounds first."""
        left = self.expire_time - rounded(now) * NANOSECONDS
        return left // NANOSECONDS if left >= 0 else -(-left // NANOSECONDS)


def rounded(nanoseconds: int) -> int:
    """Whole seconds, rounded as the real server does."""
    return (nanoseconds + NANOSECONDS // 2) // NANOSECONDS


def token_lease_id(token: Token) -> str:
    """The id of a service token's lease."""
    suffix = "" if token.namespace_id == ROOT_ID else f".{token.namespace_id}"
    return f"{token.path.rstrip('/')}/{token_hash(token.id)}{suffix}"


def folder(namespace_id: str) -> str:
    """Where the storage has the leases of a namespace."""
    return f"{LEASES}{namespace_id}/"


def lease_path(lease_id: str) -> str:
    """Where the storage has a lease."""
    return folder(split_namespace(lease_id)[1] or ROOT_ID) + lease_id
