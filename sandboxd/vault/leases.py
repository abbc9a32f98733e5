"""Leases: how long secrets and tokens last, and what happens at their end.

Every service token has a lease too, whose id is the path that made it and the token's hash; so a token expires, and is
listed and revoked by prefix, as a secret is. What is due is revoked in the order of its expiry. A revocation that an
engine fails is tried again, further and further apart, and shown as **irrevocable** after the last try.

Moments are nanoseconds since 1970, durations seconds.
"""

import heapq
from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from sandboxd.vault.clock import NANOSECONDS, Clock
from sandboxd.vault.entropy import Entropy
from sandboxd.vault.errors import Failure, VaultError
from sandboxd.vault.framework.backend import Auth, Lease
from sandboxd.vault.namespaces import Namespace
from sandboxd.vault.storage import Storage, View
from sandboxd.vault.tokens import Token, Tokens, token_hash

MAX_TRIES = 6
FIRST_RETRY = 10  # seconds; doubled at each further try


class LeaseEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One lease. Exactly one of `auth` and `secret` is there."""

    id: str
    path: str  # of the request that made it, below its namespace
    namespace_id: str
    token: str  # hash of the token that it belongs to, or of the token that it is about
    token_type: str = "service"
    auth: Auth | None = None
    secret: Lease | None = None
    data: Any = None
    issue_time: int = 0
    expire_time: int = 0  # 0: never
    last_renewal: int = 0
    tries: int = 0
    revoke_error: str = ""

    @property
    def irrevocable(self) -> bool:
        """Whether its revocation was given up."""
        return bool(self.revoke_error)


class LeaseRef(msgspec.Struct, frozen=True):
    """Points to a lease."""

    id: str


class Revoker(Protocol):
    """Carries revocations out: the engine's part of it."""

    async def revoke_secret(self, entry: LeaseEntry) -> None:
        """Have the engine revoke the secret, or raise VaultError."""

    def clear_cubbyhole(self, token: Token) -> None:
        """Remove what the token kept for itself."""


class Leases:
    """All leases of a world."""

    def __init__(self, storage: Storage, clock: Clock, entropy: Entropy, tokens: Tokens) -> None:
        self._storage = storage
        self._clock = clock
        self._entropy = entropy
        self._tokens = tokens
        self._by_token = View(storage, "core/lease/by-token/")
        self._due: list[tuple[int, str]] = []
        self.revoker: Revoker | None = None
        self.on_expired: Callable[[LeaseEntry], None] = lambda _entry: None
        self.reload()

    def reload(self) -> None:
        """Read the storage again, after it was restored."""
        self._due = []
        for path in self._storage.walk("core/lease/id/"):
            entry = self._storage.get(path)
            if isinstance(entry, LeaseEntry) and entry.expire_time and not entry.irrevocable:
                self._due.append((entry.expire_time, entry.id))
        heapq.heapify(self._due)

    # Finding

    def get(self, lease_id: str) -> LeaseEntry | None:
        """The lease with that id, or None."""
        found = self._storage.get(_key(lease_id)) if lease_id and not lease_id.endswith("/") else None
        return found if isinstance(found, LeaseEntry) else None

    def of_token(self, token: Token) -> LeaseEntry | None:
        """The lease of a service token."""
        return self.get(token_lease_id(token))

    def names(self, prefix: str) -> list[str]:
        """The entries right below a prefix that ends in a slash (or is empty)."""
        return list(self._storage.list(_key(prefix)))

    def walk(self, prefix: str) -> list[str]:
        """The ids of all leases below a prefix."""
        cut = len(_key(""))
        return [path[cut:] for path in self._storage.walk(_key(prefix))]

    def all(self) -> list[LeaseEntry]:
        """Every lease."""
        found = (self.get(lease_id) for lease_id in self.walk(""))
        return [entry for entry in found if entry is not None]

    @property
    def next_due(self) -> int:
        """When the next lease expires, in nanoseconds since 1970; 0 when none does."""
        return self._due[0][0] if self._due else 0

    # Making

    def register_secret(self, path: str, namespace: Namespace, token: Token, secret: Lease, data: Any) -> LeaseEntry:
        """Keep the lease of a secret whose `ttl` is settled; it belongs to the token that asked."""
        now = self._clock.now_ns()
        expires = now + secret.ttl * NANOSECONDS if secret.ttl else 0
        if token.type == "batch":
            end = (token.creation_time + token.ttl) * NANOSECONDS
            expires = min(expires, end) if expires else end
        suffix = "" if namespace.path == "" else f".{namespace.id}"
        entry = LeaseEntry(
            id=f"{path.rstrip('/')}/{self._entropy.text(24)}{suffix}",
            path=path,
            namespace_id=namespace.id,
            token=token.hash,
            token_type=token.type,
            secret=secret,
            data=data,
            issue_time=now,
            expire_time=expires,
        )
        self._put(entry)
        owner = token.parent if token.type == "batch" else token.hash
        if owner:
            self._by_token.put(f"{owner}/{entry.id}", LeaseRef(id=entry.id))
        return entry

    def register_auth(self, token: Token, auth: Auth) -> LeaseEntry:
        """Keep the lease of a new service token, whose `ttl` is settled."""
        now = self._clock.now_ns()
        entry = LeaseEntry(
            id=token_lease_id(token),
            path=token.path,
            namespace_id=token.namespace_id,
            token=token.hash,
            auth=msgspec.structs.replace(auth, token=""),
            issue_time=now,
            expire_time=now + auth.ttl * NANOSECONDS if auth.ttl else 0,
        )
        self._put(entry)
        return entry

    def renew(
        self, entry: LeaseEntry, *, ttl: int, auth: Auth | None = None, secret: Lease | None = None
    ) -> LeaseEntry:
        """Let a lease last `ttl` seconds from now on."""
        now = self._clock.now_ns()
        renewed = msgspec.structs.replace(
            entry,
            auth=entry.auth if auth is None else msgspec.structs.replace(auth, token=""),
            secret=secret or entry.secret,
            expire_time=now + ttl * NANOSECONDS,
            last_renewal=now,
        )
        self._put(renewed)
        return renewed

    def check_renewable(self, entry: LeaseEntry | None) -> LeaseEntry:
        """Give the lease back. Raises Failure with the real server's text when it can't be renewed."""
        if entry is None:
            raise Failure("lease not found")
        if entry.irrevocable:
            raise Failure("lease is expired and has failed previous revocation attempts")
        if not entry.expire_time:
            raise Failure("lease is not renewable")
        if entry.token_type != "batch":
            if entry.expire_time < self._clock.now_ns():
                raise Failure("lease expired")
            grant = entry.secret or entry.auth
            if grant is not None and not grant.renewable:
                raise Failure("lease is not renewable")
        return entry

    # Ending

    async def expire(self) -> None:
        """Revoke all that is due, in the order of its expiry."""
        while self._due and self._due[0][0] <= self._clock.now_ns():
            moment, lease_id = heapq.heappop(self._due)
            entry = self.get(lease_id)
            if entry is None or entry.irrevocable or (entry.expire_time != moment and not entry.tries):
                continue
            await self._expire(entry)

    async def revoke(self, entry: LeaseEntry, *, force: bool = False) -> None:
        """End a lease now. Raises VaultError when the engine can't revoke its secret, unless forced."""
        if entry.auth is not None:
            token = self._tokens.by_hash(entry.token)
            if token is not None:
                await self.revoke_tree(token)
            self._delete(entry)
            return
        try:
            if self.revoker is not None:
                await self.revoker.revoke_secret(entry)
        except VaultError:
            if not force:
                raise
        self._delete(entry)

    async def revoke_later(self, entry: LeaseEntry) -> None:
        """End a lease now if its engine can, else as an expired one: tried again, and shown."""
        await self._expire(entry)

    async def revoke_tree(self, token: Token) -> None:
        """Revoke a token and its children, the deepest first."""
        stack, order = [token], []
        while stack:
            found = stack.pop()
            order.append(found)
            stack.extend(self._tokens.children(found.hash))
        for found in reversed(order):
            await self.revoke_one(found)

    async def revoke_one(self, token: Token) -> None:
        """Revoke a token and what belongs to it alone; its children become orphans."""
        if self.revoker is not None:
            self.revoker.clear_cubbyhole(token)
        own = self.of_token(token)
        ids = [ref.id for ref in self._refs(token.hash)]
        self._tokens.delete(token)
        if own is not None:
            self._delete(own)
        for lease_id in ids:
            entry = self.get(lease_id)
            if entry is not None:
                await self._expire(entry)

    async def revoke_prefix(self, prefix: str, *, force: bool = False) -> None:
        """End all leases below a prefix, or the one with that id. Raises VaultError at the first that fails."""
        if not prefix.endswith("/"):
            entry = self.get(prefix)
            if entry is not None:
                await self.revoke(entry, force=force)
                return
            prefix += "/"
        ids = self.walk(prefix)
        for number, lease_id in enumerate(ids, 1):
            entry = self.get(lease_id)
            if entry is None:
                continue
            try:
                await self.revoke(entry, force=force)
            except VaultError as error:
                text = f'failed to revoke "{lease_id}" ({number} / {len(ids)}): {"; ".join(error.errors)}'
                raise Failure(text) from error

    def of_owner(self, token: Token) -> list[LeaseEntry]:
        """The leases of the secrets that belong to a token."""
        found = (self.get(ref.id) for ref in self._refs(token.hash))
        return [entry for entry in found if entry is not None]

    async def _expire(self, entry: LeaseEntry) -> None:
        try:
            await self.revoke(entry)
        except VaultError as error:
            tries = entry.tries + 1
            text = "; ".join(error.errors) if tries >= MAX_TRIES else ""
            failed = msgspec.structs.replace(entry, tries=tries, revoke_error=text)
            self._storage.put(_key(entry.id), failed)
            if not text:
                wait = FIRST_RETRY * 2 ** (tries - 1) * NANOSECONDS
                heapq.heappush(self._due, (self._clock.now_ns() + wait, entry.id))
        else:
            self.on_expired(entry)

    def _refs(self, hashed: str) -> list[LeaseRef]:
        found = (self._by_token.get(path, LeaseRef) for path in list(self._by_token.walk(f"{hashed}/")))
        return [ref for ref in found if ref is not None]

    def _put(self, entry: LeaseEntry) -> None:
        self._storage.put(_key(entry.id), entry)
        if entry.expire_time:
            heapq.heappush(self._due, (entry.expire_time, entry.id))

    def _delete(self, entry: LeaseEntry) -> None:
        self._storage.delete(_key(entry.id))
        if entry.secret is not None:
            self._by_token.delete(f"{entry.token}/{entry.id}")


def token_lease_id(token: Token) -> str:
    """The id of a service token's lease."""
    suffix = "" if token.namespace_id == "root" else f".{token.namespace_id}"
    return f"{token.path.rstrip('/')}/{token_hash(token.id)}{suffix}"


def _key(lease_id: str) -> str:
    return f"core/lease/id/{lease_id}"
