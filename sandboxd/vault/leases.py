"""Leases: how long secrets and tokens last, and what happens at their end.

Every service token has a lease too, whose id is the path that made it and the token's hash; so a token expires, and is
listed and revoked by prefix, as a secret is. What is due is revoked in the order of its expiry. A revocation that an
engine fails is tried again, further and further apart, and the lease is **irrevocable** after the last try, or at once
when the engine knows no way.

A lease belongs to its **owner**, the token that it ends with: the one that asked, or the parent of a batch token.
Moments are nanoseconds since 1970, durations seconds.

Source: OpenBao's expiration manager, for the order of checks, the texts and the number of tries. The real server draws
the time to the next try from around the doubled one; here it is the doubled one.
"""

import heapq
from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from sandboxd.vault.clock import NANOSECONDS, Clock
from sandboxd.vault.entropy import Entropy
from sandboxd.vault.errors import (
    Failure,
    InternalError,
    InvalidRequest,
    UnsupportedOperation,
    UnsupportedPath,
    VaultError,
)
from sandboxd.vault.framework.backend import Auth, Lease
from sandboxd.vault.gotext import quote
from sandboxd.vault.lease_entry import LEASES, LeaseEntry, folder, lease_path, rounded, token_lease_id
from sandboxd.vault.ledger import End
from sandboxd.vault.namespaces import ROOT_ID, Namespace
from sandboxd.vault.reporting import report
from sandboxd.vault.storage import Storage, View
from sandboxd.vault.tokens import Token, Tokens

MAX_TRIES = 6
RETRY = 10  # seconds, doubled at each try
MAX_ERROR = 240  # characters kept of the reason why a lease is irrevocable


class LeaseRef(msgspec.Struct, frozen=True):
    """Points to a lease."""

    id: str


class Revoker(Protocol):
    """Carries revocations and renewals out: the engine's part of it."""

    async def revoke_secret(self, entry: LeaseEntry) -> None:
        """Have the engine revoke the secret, or raise VaultError."""

    async def renew_secret(self, entry: LeaseEntry, increment: int) -> Lease:
        """Have the engine renew the secret for so many seconds, or raise VaultError: the lease with its new times."""

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
        self._notices: list[tuple[int, str, int]] = []
        self.revoker: Revoker | None = None
        self.on_end: Callable[[LeaseEntry, End], None] = lambda _entry, _how: None
        self.on_notice: Callable[[LeaseEntry], None] = lambda _entry: None
        self.on_failure: Callable[[LeaseEntry], None] = lambda _entry: None
        self.on_token_end: Callable[[Token, End], None] = lambda _token, _how: None
        self.reload()

    def reload(self) -> None:
        """Read the storage again, after it was restored."""
        entries = self.all()
        self._due = [(entry.due, entry.id) for entry in entries if entry.due]
        heapq.heapify(self._due)
        self._notices = [(entry.notice, entry.id, entry.expire_time) for entry in entries if entry.notice]
        heapq.heapify(self._notices)

    # Finding

    def get(self, lease_id: str) -> LeaseEntry | None:
        """The lease with that id, or None."""
        found = self._storage.get(lease_path(lease_id)) if lease_id and not lease_id.endswith("/") else None
        return found if isinstance(found, LeaseEntry) else None

    def of_token(self, token: Token) -> LeaseEntry | None:
        """The lease of a service token."""
        return self.get(token_lease_id(token))

    def names(self, prefix: str, namespace_id: str = ROOT_ID) -> list[str]:
        """The entries of a namespace right below a prefix that ends in a slash (or is empty)."""
        return list(self._storage.list(folder(namespace_id) + prefix))

    def walk(self, prefix: str, namespace_id: str = "") -> list[str]:
        """The ids of all leases below a prefix, in one namespace or (without its id) in all of them."""
        namespaces = [namespace_id] if namespace_id else [name[:-1] for name in self._storage.list(LEASES)]
        return [path[len(below) :] for below in map(folder, namespaces) for path in self._storage.walk(below + prefix)]

    def all(self) -> list[LeaseEntry]:
        """Every lease."""
        found = (self.get(lease_id) for lease_id in self.walk(""))
        return [entry for entry in found if entry is not None]

    def irrevocable(self) -> list[LeaseEntry]:
        """The leases that could not be revoked, in the order of their expiry."""
        found = [entry for entry in self.all() if entry.irrevocable]
        return sorted(found, key=lambda entry: (entry.expire_time, entry.id))

    @property
    def next_due(self) -> int:
        """When the next lease expires, in nanoseconds since 1970; 0 when none does."""
        while self._due:
            moment, lease_id = self._due[0]
            entry = self.get(lease_id)
            if entry is not None and entry.due == moment:
                return moment
            heapq.heappop(self._due)  # it was renewed or revoked meanwhile
        return 0

    def stirs(self, now: int) -> bool:
        """Whether something may be due at a moment: the cheap question before the exact ones."""
        return bool(self._due and self._due[0][0] <= now) or bool(self._notices and self._notices[0][0] <= now)

    @property
    def next_notice(self) -> int:
        """When the end of a lease is to be told of next, in nanoseconds since 1970; 0 for never."""
        while self._notices:
            moment, lease_id, expires = self._notices[0]
            entry = self.get(lease_id)
            if entry is not None and entry.expire_time == expires and not entry.tries:
                return moment
            heapq.heappop(self._notices)
        return 0

    def give_notice(self) -> None:
        """Tell of the coming end of the lease that `next_notice` is about."""
        _, lease_id, _ = heapq.heappop(self._notices)
        entry = self.get(lease_id)
        if entry is not None:
            self.on_notice(entry)

    @property
    def next_id(self) -> str:
        """The id of the lease that expires next, or an empty string."""
        return self._due[0][1] if self.next_due else ""

    # Making

    def register_secret(self, path: str, namespace: Namespace, token: Token, secret: Lease, data: Any) -> LeaseEntry:
        """Keep the lease of a secret whose `ttl` is settled; no secret outlasts the batch token that asked for it."""
        now = self._clock.now_ns()
        expires = now + secret.ttl * NANOSECONDS
        end = 0
        if token.type == "batch":
            end = (token.creation_time + token.ttl) * NANOSECONDS
            expires = min(expires, end)
        suffix = "" if namespace.path == "" else f".{namespace.id}"
        entry = LeaseEntry(
            id=f"{path.rstrip('/')}/{self._entropy.text(24)}{suffix}",
            path=path,
            namespace_id=namespace.id,
            token=token.hash,
            token_type=token.type,
            owner=token.parent if token.type == "batch" else token.hash,
            token_end=end,
            secret=msgspec.structs.replace(secret, ttl=rounded(expires - now)),
            data=data,
            issue_time=now,
            expire_time=expires,
        )
        self._put(entry)
        if entry.owner:
            self._by_token.put(f"{entry.owner}/{entry.id}", LeaseRef(id=entry.id))
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
        """Let a lease last `ttl` seconds from now on, or as long as the batch token that asked for it.

        Raises Failure when that token is no more.
        """
        now = self._clock.now_ns()
        expires = now + ttl * NANOSECONDS
        if entry.token_type == "batch":
            parent = self._tokens.by_hash(entry.owner) if entry.owner else None
            if now > entry.token_end or (entry.owner and parent is None):
                raise Failure("cannot renew lease, no valid associated token")
            expires = min(expires, entry.token_end)
        renewed = msgspec.structs.replace(
            entry,
            auth=entry.auth if auth is None else msgspec.structs.replace(auth, token=""),
            secret=None if secret is None else msgspec.structs.replace(secret, ttl=rounded(expires - now)),
            expire_time=expires,
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

    def note(self, entry: LeaseEntry, credentials: tuple[str, ...]) -> None:
        """Keep with a lease which entries of the ledger end with it."""
        self._storage.put(lease_path(entry.id), msgspec.structs.replace(entry, credentials=credentials))

    # Ending

    def take_due(self) -> LeaseEntry | None:
        """The lease that is due next, for `expire` to revoke; it is due no more."""
        _, lease_id = heapq.heappop(self._due)
        return self.get(lease_id)

    async def revoke(self, entry: LeaseEntry, *, force: bool = False) -> None:
        """End a lease now. Raises Failure when the engine can't revoke its secret, unless forced."""
        if entry.auth is not None:
            token = self._tokens.by_hash(entry.token)
            if token is not None:
                await self.revoke_tree(token)
            self._delete(entry)
            return
        try:
            if self.revoker is not None:
                await self.revoker.revoke_secret(entry)
        except VaultError as error:
            if not force:
                text = "; ".join(error.errors)
                raise Failure(f"failed to revoke entry: resp: (*logical.Response)(nil) err: {text}") from error
        self._delete(entry)

    async def revoke_later(self, entry: LeaseEntry) -> None:
        """End a lease now if its engine can, else as an expired one: tried again, and shown."""
        await self.expire(msgspec.structs.replace(entry, expire_time=self._clock.now_ns()))

    async def revoke_unkept(self, entry: LeaseEntry) -> None:
        """Have an engine revoke a secret whose lease could not be kept. When that fails too, it is told of."""
        try:
            if self.revoker is not None:
                await self.revoker.revoke_secret(entry)
        except VaultError:
            self.on_failure(msgspec.structs.replace(entry, tries=MAX_TRIES, revoke_error="it could not be kept"))

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
        self.on_token_end(token, "revoked" if own is None else self._how(own))
        ids = [ref.id for ref in self._refs(token.hash)]
        self._tokens.delete(token)
        if own is not None:
            self._delete(own)
        for lease_id in ids:
            entry = self.get(lease_id)
            if entry is not None:
                await self.revoke_later(entry)

    async def revoke_prefix(
        self, prefix: str, *, namespace_id: str = ROOT_ID, force: bool = False, later: bool = False
    ) -> None:
        """End all leases of a namespace below a prefix, or the one with that id.

        Raises Failure at the first that its engine can't revoke, unless `force` ignores that, or `later` leaves it to
        be tried again.
        """
        ids = [prefix] if not prefix.endswith("/") and self.get(prefix) is not None else []
        alone = bool(ids)
        if not alone:
            ids = self.walk(prefix if prefix.endswith("/") else f"{prefix}/", namespace_id)
        for number, lease_id in enumerate(ids, 1):
            entry = self.get(lease_id)
            if entry is None:
                continue
            if later:
                await self.revoke_later(entry)
                continue
            try:
                await self.revoke(entry, force=force)
            except Failure as error:
                place = "" if alone else f" ({number} / {len(ids)})"
                raise Failure(f"failed to revoke {quote(lease_id)}{place}: {'; '.join(error.errors)}") from error

    async def tidy(self, namespace_id: str) -> int:
        """End the leases of a namespace whose token is gone; gives their number."""
        gone = 0
        for lease_id in self.walk("", namespace_id):
            entry = self.get(lease_id)
            if entry is not None and entry.token_type != "batch" and self._tokens.by_hash(entry.token) is None:
                await self.revoke(entry, force=True)
                gone += 1
        return gone

    def of_owner(self, token: Token) -> list[LeaseEntry]:
        """The leases of the secrets that belong to a token."""
        found = (self.get(ref.id) for ref in self._refs(token.hash))
        return [entry for entry in found if entry is not None]

    async def expire(self, entry: LeaseEntry) -> None:
        """Revoke a lease whose time has come; one that cannot be is tried again later, or given up."""
        try:
            await self.revoke(entry)
        except Failure as error:
            self._again(entry, "; ".join(error.errors), hopeless=isinstance(error.__cause__, _HOPELESS))
        except Exception as error:  # noqa: BLE001 -- told of; what is due must not be lost for a fault in one engine
            report(error)
            self._again(entry, InternalError.text)

    def _again(self, entry: LeaseEntry, text: str, *, hopeless: bool = False) -> None:
        tries = entry.tries + 1
        if tries < MAX_TRIES and not hopeless:
            wait = RETRY * 2**tries * NANOSECONDS
            entry = msgspec.structs.replace(entry, tries=tries, retry_at=self._clock.now_ns() + wait)
        else:
            text = f"out of retries: {text}" if tries >= MAX_TRIES else text or "unknown"
            entry = msgspec.structs.replace(entry, tries=tries, revoke_error=text[:MAX_ERROR])
        self._put(entry)
        self.on_failure(entry)

    def _refs(self, hashed: str) -> list[LeaseRef]:
        found = (self._by_token.get(path, LeaseRef) for path in list(self._by_token.walk(f"{hashed}/")))
        return [ref for ref in found if ref is not None]

    def _put(self, entry: LeaseEntry) -> None:
        self._storage.put(lease_path(entry.id), entry)
        if entry.due:
            heapq.heappush(self._due, (entry.due, entry.id))
        if entry.notice:
            heapq.heappush(self._notices, (entry.notice, entry.id, entry.expire_time))

    def _delete(self, entry: LeaseEntry) -> None:
        if self.get(entry.id) is not None:  # a token's tree has taken its lease with it
            self.on_end(entry, self._how(entry))
        self._storage.delete(lease_path(entry.id))
        if entry.owner:
            self._by_token.delete(f"{entry.owner}/{entry.id}")

    def _how(self, entry: LeaseEntry) -> End:
        """How a lease that ends now ends."""
        kept = self.get(entry.id) or entry  # what is revoked early carries the moment of that as its end
        return "expired" if 0 < kept.expire_time <= self._clock.now_ns() else "revoked"


_HOPELESS = (UnsupportedOperation, UnsupportedPath, InvalidRequest)
