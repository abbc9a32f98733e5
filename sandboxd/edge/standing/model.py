"""What is said of a value."""

from __future__ import annotations

from typing import Literal

import msgspec

from sandboxd.vault.durations import rfc3339
from sandboxd.vault.ledger import Holder

State = Literal["current", "grace", "expired", "revoked", "superseded", "unknown", "unchecked"]
"""current: valid. grace: replaced, and still valid. expired, revoked: no more valid. superseded: replaced, and no more
valid. unknown: never issued here, as far as is known. unchecked: no sandbox was asked."""

Source = Literal["secret", "ledger", "token", "secret_id", "user", "fixture", ""]
"""What knows of a value: a secret of a key/value engine, the ledger (credentials that engines handed out, and tokens
that are no more), the token store, AppRole, userpass, or the fixture alone."""

RANKS: dict[State, int] = {"current": 0, "grace": 1}
VALID = frozenset(RANKS)


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What one part of the world says of a value.

    `path` is what it was read from, below `namespace`; a token's is what made it. `version` is 0 where there are none.
    `users` are the names that may go with it as a password, none for any. `holders`: who obtained it.
    """

    state: State
    source: Source = ""
    path: str = ""
    namespace: str = ""
    field: str = ""
    version: int = 0
    owner: str = ""
    users: tuple[str, ...] = ()
    holders: tuple[Holder, ...] = ()
    lease_id: str = ""
    issued_at: str = ""
    expires_at: str = ""
    ended_at: str = ""
    grace_until: str = ""

    @property
    def valid(self) -> bool:
        """Whether it may be used now."""
        return self.state in VALID

    @property
    def known(self) -> bool:
        """Whether anything is known of it."""
        return self.state not in ("unknown", "unchecked")


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """Which standings count. Empty for all."""

    path: str = ""
    namespace: str = ""
    field: str = ""

    def holds(self, found: Standing) -> bool:
        """Whether a standing counts; `path` is as it is read."""
        here = not self.path or (found.path, found.namespace) == (self.path, self.namespace)
        return here and self.field in ("", found.field)


UNKNOWN = Standing(state="unknown")
UNCHECKED = Standing(state="unchecked")


def shown(moment: int) -> str:
    """A moment, in nanoseconds since 1970, as it is shown; nothing for none."""
    return rfc3339(moment) if moment else ""
