"""The world: the whole state of one sandbox. It holds the parts and does nothing itself.

A world can be snapshotted and restored: everything that lasts is in its storage, and the parts read it again.
"""

from collections.abc import Callable, Mapping
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, Literal, Protocol

import msgspec

from sandboxd.vault.audit import Audit
from sandboxd.vault.audit.devices import Declared
from sandboxd.vault.clock import NANOSECONDS, Clock
from sandboxd.vault.durations import rfc3339
from sandboxd.vault.entropy import Entropy
from sandboxd.vault.errors import Failure, Refusal, Sealed
from sandboxd.vault.events import Events
from sandboxd.vault.faults import Faults
from sandboxd.vault.framework.backend import Response
from sandboxd.vault.framework.loopback import is_live
from sandboxd.vault.framework.records import sanitize_policies
from sandboxd.vault.framework.ttl import Bounds
from sandboxd.vault.identity import Identity
from sandboxd.vault.lease_entry import LeaseEntry
from sandboxd.vault.leases import Leases
from sandboxd.vault.ledger import End, Ledger, holder_of
from sandboxd.vault.lockout import Lockouts
from sandboxd.vault.mounts import Catalog, Mounted, MountEntry, Mounts
from sandboxd.vault.namespaces import Namespace, Namespaces
from sandboxd.vault.policy_store import PolicyStore
from sandboxd.vault.quotas import Quotas
from sandboxd.vault.request import Request
from sandboxd.vault.seal import Seal
from sandboxd.vault.storage import Journal, Snapshot, Storage, View
from sandboxd.vault.system import SystemCall, WorldSystem
from sandboxd.vault.timeline import Timeline
from sandboxd.vault.timers import Timers
from sandboxd.vault.tokens import Token, Tokens
from sandboxd.vault.waiting import waited

if TYPE_CHECKING:
    from sandboxd.vault.nodes import Peers
    from sandboxd.vault.pipeline import Bearer
    from sandboxd.vault.routing import Route
    from sandboxd.vault.writes import Writes

Profile = Literal["vault", "openbao"]
VERSIONS: dict[Profile, str] = {"vault": "2.1.1", "openbao": "2.7.2"}

DAY = 24 * 60 * 60
DEFAULT_TTL = MAX_TTL = 32 * DAY


class Observer(Protocol):
    """Sees what was answered: a slot that stays empty until somebody wants to know."""

    @property
    def answered(self) -> "Callable[[Request, Route, Token, Response], None]":
        """Told of each request with a token that was answered with a response, before that is wrapped."""

    def reload(self) -> None:
        """The state was replaced: what was seen of it is no more."""

    def beside(self, storage: Storage) -> "Observer":
        """What sees the same for a replica of the world, which has a storage of its own."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What is set when a world is made, and stays. Times are in seconds."""

    profile: Profile = "vault"
    cluster_name: str = ""
    default_ttl: int = DEFAULT_TTL
    max_ttl: int = MAX_TTL
    api_address: str = ""
    storage_type: str = "inmem"
    raw_storage: bool = False
    unauthenticated_rekey: bool = False
    unauthenticated_generate_root: bool = False
    audit_devices: tuple[Declared, ...] = ()
    live: bool = False  # whether engines reach upstreams on this machine, where their mounts say nothing of it

    @property
    def version(self) -> str:
        """The version of the real server whose behaviour is followed."""
        return VERSIONS[self.profile]


class CorsConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Which web pages may use the API; `*` alone stands for all origins."""

    allowed_origins: tuple[str, ...] = ()
    allowed_headers: tuple[str, ...] = ()
    allow_credentials: bool = False


CORS = "core/config/cors"
"""Where the storage has the `CorsConfig`, once CORS is set up."""


class World:
    """Everything that one sandbox is made of.

    Args:
        catalog: knows the backends.
        settings: what stays as it is.
        clock, entropy: where time and chance come from.
        journal: keeps the state beyond the process; None for memory alone.
        encode: gives the JSON text of a whole answer, for a wrapping token to hold.
    """

    def __init__(
        self,
        catalog: Catalog,
        settings: Settings,
        *,
        clock: Clock,
        entropy: Entropy,
        encode: Callable[[Response, str], str],
        journal: Journal | None = None,
    ) -> None:
        self.settings = settings
        self.profile = settings.profile
        self.clock = clock
        self.entropy = entropy
        self.encode = encode
        self.storage = Storage(journal)
        self.seal = Seal(self.storage, entropy)
        self.namespaces = Namespaces(View(self.storage, "core/namespace/"), entropy)
        self.identity = Identity(self.storage, clock, entropy, settings.profile)
        self.policies = PolicyStore(self.storage, self.namespaces, self.identity, clock, settings.profile)
        bounds = Bounds(settings.default_ttl, settings.max_ttl)
        self.mounts = Mounts(self.storage, catalog, entropy, bounds, settings.profile)
        self.tokens = Tokens(self.storage, entropy, settings.profile)
        self.leases = Leases(self.storage, clock, entropy, self.tokens)
        self.leases.revoker = Revocations(self)
        self.leases.on_end = self._lease_ended
        self.leases.on_token_end = self._token_ended
        self.leases.on_notice = self._lease_ending
        self.leases.on_failure = self._revocation_failed
        self.ledger = Ledger(self.storage, clock)
        self.events = Events(clock)
        self.timers = Timers(self.storage, clock)
        self.timers.ring = self._ring
        self.timeline = Timeline(self.storage, clock, self.leases, self.timers, self.commit, self._slow)
        self.lockouts = Lockouts(self.storage, self.mounts, clock)
        self.quotas = Quotas(self.storage, clock)
        self.mounts.on_remove = self._unmounted
        self.mounts.on_move = self.quotas.moved
        self.audit = Audit(self.storage, clock, entropy, settings.profile)
        self.audit.running_version = lambda entry: catalog.version(
            settings.profile, settings.version, entry.table, entry.type
        )
        self.audit.identity_of = self._identity_policies
        self.seal.on_open = self._opened
        self.faults: Faults | None = None
        self.peers: Peers | None = None  # the cluster, where there is one
        self.address = ""  # where it answers, once it does
        self.observer: Observer | None = None
        self.writes: Writes | None = None  # once somebody counts them
        self.declared: Callable[[str, str, int], dict[str, Any]] = _undeclared
        self._systems: dict[str, WorldSystem] = {}

    def snapshot(self) -> Snapshot:
        """The state as it is now."""
        return self.storage.snapshot(self.clock.now_ns())

    def restore(self, snapshot: Snapshot) -> None:
        """Make the state what it was."""
        self.storage.restore(snapshot)
        self.reload()

    def return_to(self, snapshot: Snapshot) -> int:
        """Make the state what it was, and as fresh as it was: what had an hour to go has an hour to go again.

        A clock that had been moved shows again what it showed then; another one keeps showing real time, and what ends
        at a moment ends so much later. Gives the nanoseconds that have passed since; 0 for none to speak of.
        """
        self.storage.restore(snapshot)
        passed = self.timeline.take_up(snapshot.at)
        passed = passed if passed >= NANOSECONDS else 0
        if passed:
            self.storage.postpone(passed)
        self.reload()
        return passed

    def reload(self) -> None:
        """Have all parts read the storage again."""
        self.timeline.reload()
        self.seal.reload()
        self.namespaces.reload()
        self.identity.reload()
        self.policies.reload()
        self.mounts.reload(iter(self.namespaces))
        self.tokens.reload()
        self.leases.reload()
        self.timers.reload()
        self.ledger.reload()
        self.lockouts.reload()
        self.quotas.reload()
        self.audit.reload()
        if self.observer is not None:
            self.observer.reload()

    def commit(self) -> None:
        """Keep what was written since the last time. Raises Failure, with nothing of it done, when that cannot be."""
        try:
            self.storage.commit()
        except OSError as error:
            self.reload()
            raise Failure(f"failed to persist: {error}") from error

    def system(self, namespace: Namespace) -> WorldSystem:
        """The services lent to handlers, for requests of a namespace."""
        found = self._systems.get(namespace.id)
        if found is None:
            found = self._systems[namespace.id] = WorldSystem(self, namespace)
        return found

    def cubbyhole(self, token: Token) -> View:
        """What a token keeps for itself."""
        return View(self.storage, f"core/cubbyhole/{token.hash}/")

    def call(
        self,
        request: Request,
        mounted: Mounted,
        path: str,
        *,
        operation: str = "",
        token: Token | None = None,
        raw: Mapping[str, Any] | None = None,
    ) -> SystemCall:
        """A call of a handler of a mount."""
        backend = mounted.backend
        storage = mounted.view
        if getattr(backend, "per_token", False):
            if token is None or token.type == "batch":
                quoted = "'service'" if self.profile == "openbao" else '"service"'
                raise Refusal(f"cubbyhole operations are only supported by {quoted} type tokens")
            storage = self.cubbyhole(token)
        call = SystemCall(
            request=request,
            operation=operation or request.operation,
            path=path,
            mount=mounted.mount,
            storage=storage,
            clock=self.clock,
            entropy=self.entropy,
            system=self.system(mounted.namespace),
            raw=request.data if raw is None else raw,
            timers=self.timers.of(mounted.entry.uuid),
            bearer=token,
        )
        if backend.system:
            call.world, call.namespace, call.mounted, call.token = self, mounted.namespace, mounted, token
        return call

    def cors_origins(self) -> tuple[str, ...]:
        """The origins that CORS lets in; `*` for all."""
        config = self.cors()
        return () if config is None else config.allowed_origins

    def cors(self) -> CorsConfig | None:
        """How CORS is set up, or None."""
        found = self.storage.get(CORS)
        return found if isinstance(found, CorsConfig) else None

    def _opened(self) -> None:
        """Begin to answer, after the seal was opened."""
        self.quotas.reload()
        self.audit.declare(self.settings.audit_devices)

    def _identity_policies(self, bearer: "Bearer") -> tuple[str, ...]:
        """The names of the policies that a token has from the identity behind it, in its own namespace."""
        if bearer.entity is None:
            return ()
        return sanitize_policies(self.identity.policies(bearer.entity).get(bearer.token.namespace_id, ()))

    def _unmounted(self, namespace: Namespace, entry: MountEntry) -> None:
        self.timers.clear(entry.uuid)
        self.quotas.unmounted(namespace, entry.route)

    async def _ring(self, owner: str, name: str) -> None:
        """Have a mount do what it set a timer for."""
        mounted = self.mounts.by_uuid(owner)
        if mounted is None or mounted.backend.on_timer is None:
            return
        request = Request(id=self.entropy.uuid(), operation="timer", path=mounted.mount.path, data={})
        work = mounted.backend.on_timer(self.call(request, mounted, name), name)
        if isawaitable(work):
            await waited(work)

    def _slow(self, what: LeaseEntry | str) -> bool:
        """Whether a real upstream is behind a lease, or behind the mount that a timer belongs to."""
        if isinstance(what, str):
            mounted = self.mounts.by_uuid(what)
        else:
            namespace = self.namespaces.get(what.namespace_id)
            found = None if namespace is None or what.secret is None else self.mounts.find(namespace, what.path)
            mounted = None if found is None else found[0]
        return mounted is not None and is_live(mounted.mount.options, sandbox=self.settings.live)

    def _lease_ended(self, entry: LeaseEntry, how: End) -> None:
        for key in entry.credentials:
            self.ledger.ended(key, how)
        if entry.secret is not None:
            self._tell(f"lease.{how}", entry)
        else:
            self._tell(f"token.{how}", entry)

    def _lease_ending(self, entry: LeaseEntry) -> None:
        grant = entry.secret or entry.auth
        renewable = grant is not None and grant.renewable
        kind = "lease.expiring" if entry.auth is None else "token.expiring"
        self._tell(kind, entry, expires_at=rfc3339(entry.expire_time), renewable=renewable)

    def _revocation_failed(self, entry: LeaseEntry) -> None:
        again = {"next_try": rfc3339(entry.retry_at)} if entry.retry_at and not entry.irrevocable else {}
        self._tell("lease.revocation_failed", entry, tries=entry.tries, irrevocable=entry.irrevocable, **again)

    def _tell(self, kind: str, entry: LeaseEntry, **details: Any) -> None:
        namespace = self.namespaces.get(entry.namespace_id)
        name = {"lease_id": entry.id} if entry.auth is None else {"accessor": entry.auth.accessor}
        where = "" if namespace is None else namespace.path
        self.events.tell(kind, entry.path, namespace=where, **name, **details)

    def _token_ended(self, token: Token, how: End) -> None:
        self.ledger.token_ended(token.id, holder_of(token, token.creation_time * NANOSECONDS), path=token.path, how=how)

    def check_open(self) -> None:
        """Raise Sealed when requests cannot be served."""
        if self.seal.sealed:
            raise Sealed


def _undeclared(_namespace: str, path: str, _number: int) -> dict[str, Any]:
    raise Failure(f"no fixture is loaded that declares {path}")


class Revocations:
    """Carries out what leases end with."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def revoke_secret(self, entry: LeaseEntry) -> None:
        """Have the engine revoke the secret; nothing to do when its mount is gone."""
        found = self._kind(entry)
        if found is None or entry.secret is None:
            return
        kind, call = found
        result = kind.revoke(call, entry.secret)
        if isawaitable(result):
            await waited(result)

    def clear_cubbyhole(self, token: Token) -> None:
        """Remove what the token kept for itself."""
        self._world.cubbyhole(token).clear()
        self._world.storage.delete(f"core/wrapped/{token.hash}")

    def _kind(self, entry: LeaseEntry) -> Any:
        world = self._world
        namespace = world.namespaces.get(entry.namespace_id)
        found = None if namespace is None else world.mounts.find(namespace, entry.path)
        if found is None or entry.secret is None:
            return None
        mounted, path = found
        kinds = {kind.type: kind for kind in getattr(mounted.backend, "secrets", ())}
        kind = kinds.get(entry.secret.kind)
        if kind is None:
            return None
        request = Request(id=world.entropy.uuid(), operation="revoke", path=entry.path, data={})
        return kind, world.call(request, mounted, path)

    async def renew_secret(self, entry: LeaseEntry, increment: int) -> Any:
        """Have the engine renew the secret: the lease with its new TTLs, or None when it has no say."""
        found = self._kind(entry)
        if found is None or found[0].renew is None:
            return entry.secret
        kind, call = found
        call.operation, call.raw = "renew", {"increment": increment, "issue_time": entry.issue_time}
        result = kind.renew(call, entry.secret)
        return await waited(result) if isawaitable(result) else result
