"""The ledger: which credentials were handed out, to whom, and what became of them.

It answers whether a value is valid now. A credential with a lease is valid while the lease lasts; one without is valid
until it is superseded, and through its **grace** window then. Values are known by their hash alone.
"""

from collections import deque
from hashlib import sha256
from typing import Literal

import msgspec

from sandboxd.vault.clock import NANOSECONDS, Clock
from sandboxd.vault.framework.moments import postponed
from sandboxd.vault.storage import Storage
from sandboxd.vault.tokens import Token

End = Literal["", "expired", "revoked", "superseded"]
REMEMBERED = 200_000  # credentials whose end is remembered
_LEDGER = "core/ledger/"


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """Who obtained a credential."""

    accessor: str  # of the token
    display_name: str = ""
    entity_id: str = ""
    at: int = 0  # nanoseconds since 1970


class Issued(msgspec.Struct, frozen=True, kw_only=True):
    """One credential. Moments are nanoseconds since 1970; 0 stands for none."""

    path: str  # of the request that it answered, with the mount
    field: str
    namespace: str = ""
    lease_id: str = ""
    username: str = ""  # that goes with it
    issued_at: int = 0
    holders: tuple[Holder, ...] = ()
    end: End = ""
    ended_at: int = 0
    grace_until: int = 0

    def later(self, by: int) -> "Issued":
        """The same credential, so many nanoseconds later: its grace lasts as long as before."""
        return postponed(self, by, "ended_at", "grace_until")

    def valid(self, now: int) -> bool:
        """Whether it may be used at a moment."""
        return not self.end or now < self.grace_until


MAX_HOLDERS = 20


class Ledger:
    """All credentials of a world."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock
        self._ended: deque[str] = deque()

    def reload(self) -> None:
        """Read the storage again, after it was restored."""
        ended = [(found.ended_at, key) for key in self._storage.list(_LEDGER) if (found := self._at(key)) and found.end]
        self._ended = deque(key for _, key in sorted(ended))

    def find(self, value: str) -> Issued | None:
        """What is known of a value, or None when it was never handed out."""
        return self._at(fingerprint(value))

    def obtained(
        self, value: str, holder: Holder, *, path: str, field: str, namespace: str, lease_id: str, username: str = ""
    ) -> str:
        """Note that a token was given a credential; gives the key that it is known by."""
        key = fingerprint(value)
        now = self._clock.now_ns()
        known = self._at(key)
        if known is None or (known.end and known.lease_id != lease_id):
            known = Issued(
                path=path, field=field, namespace=namespace, lease_id=lease_id, username=username, issued_at=now
            )
        others = tuple(other for other in known.holders if other.accessor != holder.accessor)
        self._put(key, msgspec.structs.replace(known, holders=(*others, holder)[-MAX_HOLDERS:]))
        return key

    def superseded(self, value: str, *, path: str, field: str = "", namespace: str = "", grace: int = 0) -> None:
        """Note that a credential was replaced, and stays valid for `grace` seconds."""
        key = fingerprint(value)
        now = self._clock.now_ns()
        known = self._at(key) or Issued(path=path, field=field, namespace=namespace, issued_at=now)
        until = now + grace * NANOSECONDS if grace else 0
        self._end(key, msgspec.structs.replace(known, end="superseded", ended_at=now, grace_until=until))

    def lost(self, value: str, *, path: str, field: str, namespace: str, how: End, at: int) -> None:
        """Note that what kept a value, at a path, has it no more since a moment.

        What is known of the value from elsewhere stays as it is, and so does a grace window.
        """
        key = fingerprint(value)
        known = self._at(key) or Issued(path=path, field=field, namespace=namespace)
        elsewhere = (known.path, known.namespace) != (path, namespace)
        if not elsewhere and not (how == known.end == "superseded"):
            self._end(key, msgspec.structs.replace(known, end=how, ended_at=at, grace_until=0))

    def token_ended(self, token: str, holder: Holder, *, path: str, how: End) -> None:
        """Note that a token is no more."""
        known = Issued(path=path, field="token", issued_at=holder.at, holders=(holder,))
        self._end(fingerprint(token), msgspec.structs.replace(known, end=how, ended_at=self._clock.now_ns()))

    def ended(self, key: str, how: End) -> None:
        """Note that the lease of a credential ended. `key` is what `obtained` gave."""
        known = self._at(key)
        if known is not None and not known.end:
            self._end(key, msgspec.structs.replace(known, end=how, ended_at=self._clock.now_ns()))

    def forget(self, value: str) -> None:
        """Forget a value: the sandbox's own doings are not the user's."""
        self._storage.delete(_LEDGER + fingerprint(value))

    def _end(self, key: str, issued: Issued) -> None:
        self._put(key, issued)
        self._ended.append(key)
        while len(self._ended) > REMEMBERED:
            oldest = self._at(gone := self._ended.popleft())
            if oldest is not None and oldest.end:
                self._storage.delete(_LEDGER + gone)

    def _at(self, key: str) -> Issued | None:
        found = self._storage.get(_LEDGER + key)
        return found if isinstance(found, Issued) else None

    def _put(self, key: str, issued: Issued) -> None:
        self._storage.put(_LEDGER + key, issued)


def holder_of(token: Token, at: int) -> Holder:
    """Who holds a token. `at` is when something was obtained, in nanoseconds since 1970."""
    return Holder(accessor=token.accessor, display_name=token.display_name, entity_id=token.entity_id, at=at)


def fingerprint(value: str) -> str:
    """What a credential is known by."""
    return sha256(value.encode("utf-8", "surrogateescape")).hexdigest()[:40]
