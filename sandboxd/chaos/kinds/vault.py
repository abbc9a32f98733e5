"""What Vault itself says when it is not well, or when the one who asks is not."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from sandboxd.chaos.model import Fault, Shift, Span, Wait


class Sealed(Fault, frozen=True, tag="sealed"):
    """The seal is closed, as after a restart."""

    HELP: ClassVar[str] = "Vault is sealed: 503 to everything but health and seal status. A real unseal key lifts it."


class Uninitialized(Fault, frozen=True, tag="uninitialized"):
    """The server was never initialised, as with an empty storage."""

    HELP: ClassVar[str] = "Vault has no state: health says 501, the rest that it is sealed."


class Standby(Fault, frozen=True, tag="standby"):
    """The node is a standby."""

    HELP: ClassVar[str] = "The node is a standby (health 429) that forwards to the leader or redirects there."

    answers: Annotated[
        Literal["forward", "redirect"], Meta(description="What becomes of requests that the leader has to answer.")
    ] = "forward"


class PerformanceStandby(Fault, frozen=True, tag="performance-standby"):
    """A performance standby of Vault Enterprise."""

    HELP: ClassVar[str] = "The node is a performance standby: health 473."
    VAULT_ONLY: ClassVar[bool] = True


class DrSecondary(Fault, frozen=True, tag="dr-secondary"):
    """The cluster is the secondary of a disaster recovery pair."""

    HELP: ClassVar[str] = "The cluster is a disaster recovery secondary: health 472."
    VAULT_ONLY: ClassVar[bool] = True


class StandbyCutOff(Fault, frozen=True, tag="standby-cut-off"):
    """A standby that does not reach the active node."""

    HELP: ClassVar[str] = "The node is a standby that cannot reach the active node: health 474 with Vault."


class NodeRemoved(Fault, frozen=True, tag="node-removed"):
    """The node was removed from the cluster."""

    HELP: ClassVar[str] = "The node was removed from the cluster: health 530 with Vault."


class Election(Fault, frozen=True, tag="election"):
    """The leader is gone, and no other has been found yet."""

    HELP: ClassVar[str] = "No node is active: 500 `local node not active but active cluster node not found`."


class Lagging(Fault, frozen=True, tag="lagging"):
    """A replica that is behind."""

    HELP: ClassVar[str] = "Reads miss what was written lately; with Vault, a required index not reached yet is a 412."

    lag: Annotated[Span, Meta(description="How far it is behind.")] = "5s"


class ReadOnly(Fault, frozen=True, tag="read-only"):
    """The storage takes no writes."""

    HELP: ClassVar[str] = "Whatever has to be written fails; what only reads goes on."


class StorageSlow(Fault, frozen=True, tag="storage-slow"):
    """The storage takes its time."""

    HELP: ClassVar[str] = "All that reads or writes the storage is late; health and seal status are not."

    delay: Annotated[Wait, Meta(description="How long it takes more than usual.")] = "lognormal(1s, 0.7)"


class StorageHangs(Fault, frozen=True, tag="storage-hangs"):
    """The storage does not answer."""

    HELP: ClassVar[str] = "Requests hang until the storage is back, or fail with `context deadline exceeded`."

    patience: Annotated[Span, Meta(description="How long the server waits for its storage.")] = "90s"


class AuditBlocked(Fault, frozen=True, tag="audit-blocked"):
    """No audit device can be written to."""

    HELP: ClassVar[str] = "Nothing can be audited, so nothing is answered: every request fails, or hangs."

    how: Annotated[Literal["error", "hang"], Meta(description="A device that fails, or one that blocks.")] = "error"


class RateLimited(Fault, frozen=True, tag="rate-limited"):
    """A rate limit quota of Vault's own is used up."""

    HELP: ClassVar[str] = "429 of a rate limit quota."

    headers: Annotated[
        bool, Meta(description="With Retry-After and X-RateLimit headers, which Vault sends where it is told to.")
    ] = False
    rate: Annotated[int, Meta(ge=1, description="The limit that the headers tell of.")] = 100
    retry_after: Annotated[Span, Meta(description="When the next request may come.")] = "1s"


class LeaseLimited(Fault, frozen=True, tag="lease-limited"):
    """The lease count quota of Vault Enterprise is used up."""

    HELP: ClassVar[str] = "429 to whatever would make a lease: logins and dynamic secrets."
    VAULT_ONLY: ClassVar[bool] = True


class Overloaded(Fault, frozen=True, tag="overloaded"):
    """Vault sheds load."""

    HELP: ClassVar[str] = "503 of adaptive overload protection."
    VAULT_ONLY: ClassVar[bool] = True


class Denied(Fault, frozen=True, tag="denied"):
    """The policy does not allow it, as after a change of policy; for the requests aimed at alone."""

    HELP: ClassVar[str] = "403 permission denied, as if no policy allowed the request. The token is well."


class TokenRejected(Fault, frozen=True, tag="token-rejected"):
    """The token is not valid, as if revoked or expired; for the requests aimed at alone."""

    HELP: ClassVar[str] = "403 as if the token were revoked or expired. Logging in anew helps."

    login_helps: Annotated[bool, Meta(description="Whether tokens that were made after the fault began are well.")] = (
        True
    )


class RenewalsRefused(Fault, frozen=True, tag="renewals-refused"):
    """Nothing can be renewed."""

    HELP: ClassVar[str] = "Renewals of tokens and leases are refused."

    why: Annotated[
        Literal["not-renewable", "not-found", "expired", "max-ttl"], Meta(description="What the refusal says.")
    ] = "not-renewable"


class RenewalsCapped(Fault, frozen=True, tag="renewals-capped"):
    """The maximum TTL comes near."""

    HELP: ClassVar[str] = "Renewals give less than was asked for: 200 with a warning that many clients miss."

    ttl: Annotated[Span, Meta(description="What they give.")] = "10s"


class LoginsRefused(Fault, frozen=True, tag="logins-refused"):
    """The credentials of the app are no longer accepted."""

    HELP: ClassVar[str] = "Logins are refused as with a used-up secret ID, a wrong password, or a user locked out."

    why: Annotated[Literal["credentials", "locked-out"], Meta(description="What they are refused for.")] = "credentials"


class UpstreamDown(Fault, frozen=True, tag="upstream-down"):
    """What is behind an engine is down: the database, the cloud."""

    HELP: ClassVar[str] = "What is behind a dynamic engine does not answer: 500 with the engine's own words."


class ClockSkew(Fault, frozen=True, tag="clock-skew"):
    """The server's clock is wrong."""

    HELP: ClassVar[str] = "The server's clock is ahead or behind: tokens expire early, time stamps and JWTs disagree."

    by: Annotated[Shift, Meta(description="How far ahead; with a minus sign, behind.")] = "5m"


KINDS: tuple[type[Fault], ...] = (
    Sealed,
    Uninitialized,
    Standby,
    PerformanceStandby,
    DrSecondary,
    StandbyCutOff,
    NodeRemoved,
    Election,
    Lagging,
    ReadOnly,
    StorageSlow,
    StorageHangs,
    AuditBlocked,
    RateLimited,
    LeaseLimited,
    Overloaded,
    Denied,
    TokenRejected,
    RenewalsRefused,
    RenewalsCapped,
    LoginsRefused,
    UpstreamDown,
    ClockSkew,
)
