"""Mounts: where secrets engines and auth methods answer.

A **mount entry** is what is stored and shown; a **mounted** backend is an entry with its routes and its storage view.
Paths end in a slash; auth methods live below `auth/`. There is one table for each namespace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, Protocol

import msgspec

from sandboxd.vault.entropy import Entropy
from sandboxd.vault.framework.backend import AuthMethod, Backend, Engine, Mount
from sandboxd.vault.framework.dispatch import Match, Router
from sandboxd.vault.framework.ttl import Bounds
from sandboxd.vault.namespaces import Namespace
from sandboxd.vault.storage import Storage, View

Table = Literal["mounts", "auth"]


class LockoutConfig(msgspec.Struct, frozen=True, kw_only=True):
    """When failed logins lock a user out, where it differs from the defaults. Times are in seconds."""

    threshold: int | None = None
    duration: int | None = None
    counter_reset: int | None = None
    disable: bool | None = None


class MountConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What can be tuned. Times are in seconds; 0 means what the system says."""

    default_lease_ttl: int = 0
    max_lease_ttl: int = 0
    force_no_cache: bool = False
    audit_non_hmac_request_keys: tuple[str, ...] = ()
    audit_non_hmac_response_keys: tuple[str, ...] = ()
    listing_visibility: str = ""
    passthrough_request_headers: tuple[str, ...] = ()
    allowed_response_headers: tuple[str, ...] = ()
    token_type: str = ""
    plugin_name: str = ""
    allowed_managed_keys: tuple[str, ...] = ()
    delegated_auth_accessors: tuple[str, ...] = ()
    identity_token_key: str = ""
    lockout: LockoutConfig | None = None


class MountEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a mount table, as stored."""

    table: Table
    path: str  # "secret/", without `auth/`
    type: str
    uuid: str
    accessor: str
    namespace_id: str
    description: str = ""
    config: MountConfig = MountConfig()
    options: Mapping[str, str] | None = None
    local: bool = False
    seal_wrap: bool = False
    external_entropy_access: bool = False
    plugin_version: str = ""

    @property
    def route(self) -> str:
        """Where it answers in its namespace: `path`, below `auth/` for auth methods."""
        return f"auth/{self.path}" if self.table == "auth" else self.path


class Catalog(Protocol):
    """Knows the backends that can be mounted, and loads each when it is first needed."""

    def load(self, table: Table, kind: str, options: Mapping[str, str]) -> Backend | None:
        """The backend of that type, or None when there is none."""

    def names(self, table: Table) -> list[str]:
        """The types that clients can mount, sorted."""

    def version(self, profile: str, server: str, table: Table, kind: str) -> str:
        """The version that a backend of that type runs with. `server` is the server's own."""


class Mounted(msgspec.Struct, frozen=True, kw_only=True):
    """A mount entry made ready to answer."""

    entry: MountEntry
    backend: Backend
    router: Router
    mount: Mount
    view: View
    namespace: Namespace

    def match(self, path: str) -> Match | None:
        """The route for a path below the mount."""
        return self.router.find(path)

    @property
    def lockout(self) -> bool:
        """Whether failed logins may lock users out here."""
        return isinstance(self.backend, AuthMethod) and self.backend.lockout

    @property
    def leased(self) -> bool:
        """Whether its secrets are registered as leases."""
        return not isinstance(self.backend, Engine) or self.backend.leased


class Mounts:
    """The mount tables of all namespaces.

    Args:
        bounds: the system's default and maximum TTL, in seconds.

    Attributes:
        on_remove: is told the namespace and the entry of a mount that is gone.
        on_move: is told the namespace and the route of a mount that moved, before and after.
    """

    def __init__(self, storage: Storage, catalog: Catalog, entropy: Entropy, bounds: Bounds, profile: str) -> None:
        self._storage = storage
        self._entropy = entropy
        self._routers: dict[int, Router] = {}
        self.catalog = catalog
        self.bounds = bounds
        self.profile = profile
        self._tables: dict[str, dict[str, Mounted]] = {}
        self.on_remove: Callable[[Namespace, MountEntry], None] = lambda _namespace, _entry: None
        self.on_move: Callable[[Namespace, str, Namespace, str], None] = lambda *_where: None
        # Where paths lead, as the pipeline found it; forgotten when a mount changes.
        self.routes: dict[tuple[str, str], Any] = {}

    def reload(self, namespaces: Iterator[Namespace]) -> None:
        """Read the storage again, after it was restored."""
        self._tables = {}
        self.routes.clear()
        for namespace in namespaces:
            view = View(self._storage, namespace.prefix + "mounts/")
            for name in view.list():
                entry = view.get(name, MountEntry)
                if entry is not None:
                    self._ready(namespace, entry)

    def find(self, namespace: Namespace, path: str) -> tuple[Mounted, str] | None:
        """The mount that answers for a path, and the path below it."""
        table = self._tables.get(namespace.id)
        if table is None:
            return None
        best: Mounted | None = None
        at = path.find("/")
        while at >= 0:
            found = table.get(path[: at + 1])
            if found is not None:
                best = found
            at = path.find("/", at + 1)
        if best is not None:
            return best, path[len(best.mount.path) :]
        found = table.get(path + "/")
        return None if found is None else (found, "")

    def at(self, namespace: Namespace, route: str) -> Mounted | None:
        """The mount whose route is exactly that ("secret/", "auth/approle/")."""
        return self._tables.get(namespace.id, {}).get(route)

    def by_accessor(self, accessor: str) -> Mounted | None:
        """The mount with that accessor, in any namespace."""
        for table in self._tables.values():
            for mounted in table.values():
                if mounted.entry.accessor == accessor:
                    return mounted
        return None

    def by_uuid(self, uuid: str) -> Mounted | None:
        """The mount with that UUID, in any namespace."""
        for table in self._tables.values():
            for mounted in table.values():
                if mounted.entry.uuid == uuid:
                    return mounted
        return None

    def by_type(self, namespace: Namespace, kind: str) -> Mounted | None:
        """The first mount of that type in a namespace."""
        return next((m for m in self._tables.get(namespace.id, {}).values() if m.entry.type == kind), None)

    def list(self, namespace: Namespace, table: Table | None = None) -> list[Mounted]:
        """The mounts of a namespace, of one table or both, sorted by route."""
        found = self._tables.get(namespace.id, {})
        return [found[route] for route in sorted(found) if table in (None, found[route].entry.table)]

    def conflict(self, namespace: Namespace, route: str) -> str:
        """The route of a mount in whose way a new one would be (above, at, or below it), or an empty string."""
        for existing in self._tables.get(namespace.id, {}):
            if existing.startswith(route) or route.startswith(existing):
                return existing
        return ""

    def new_accessor(self, table: Table, kind: str) -> str:
        """A fresh accessor for a mount of that type."""
        return f"{'auth_' if table == 'auth' else ''}{kind}_{self._entropy.bytes(4).hex()}"

    def add(self, namespace: Namespace, entry: MountEntry) -> Mounted:
        """Mount a backend. Raises LookupError when its type is unknown."""
        mounted = self._ready(namespace, entry)
        self._put(namespace, entry)
        return mounted

    def change(self, namespace: Namespace, entry: MountEntry) -> Mounted:
        """Replace the entry of a mount, known by its UUID: tuned, or moved."""
        for route, mounted in list(self._tables.get(namespace.id, {}).items()):
            if mounted.entry.uuid == entry.uuid:
                del self._tables[namespace.id][route]
        return self.add(namespace, entry)

    def move(self, source: Namespace, target: Namespace, entry: MountEntry, path: str) -> Mounted:
        """Move a mount to another path, also in another namespace. Its storage stays where it is."""
        self._forget(source, entry)
        moved = msgspec.structs.replace(entry, path=path, namespace_id=target.id)
        mounted = self.add(target, moved)
        self.on_move(source, entry.route, target, moved.route)
        return mounted

    def remove(self, namespace: Namespace, entry: MountEntry) -> None:
        """Unmount a backend and remove all that it stored."""
        self._storage.clear(f"mount/{entry.uuid}/")
        self._forget(namespace, entry)
        self.on_remove(namespace, entry)

    def _forget(self, namespace: Namespace, entry: MountEntry) -> None:
        self._storage.delete(f"{namespace.prefix}mounts/{entry.uuid}")
        self._tables.get(namespace.id, {}).pop(entry.route, None)
        self.routes.clear()

    def _put(self, namespace: Namespace, entry: MountEntry) -> None:
        self._storage.put(f"{namespace.prefix}mounts/{entry.uuid}", entry)

    def _ready(self, namespace: Namespace, entry: MountEntry) -> Mounted:
        backend = self.catalog.load(entry.table, entry.type, entry.options or {})
        if backend is None:
            raise LookupError(entry.type)
        router = self._routers.get(id(backend))
        if router is None:
            router = self._routers[id(backend)] = Router(backend, self.profile)
        config = entry.config
        mount = Mount(
            path=entry.route,
            type=entry.type,
            accessor=entry.accessor,
            uuid=entry.uuid,
            bounds=Bounds(
                config.default_lease_ttl or self.bounds.default_ttl, config.max_lease_ttl or self.bounds.max_ttl
            ),
            options=entry.options or {},
            token_type=config.token_type or "default-service",
            local=entry.local,
        )
        mounted = Mounted(
            entry=entry,
            backend=backend,
            router=router,
            mount=mount,
            view=View(self._storage, f"mount/{entry.uuid}/"),
            namespace=namespace,
        )
        self._tables.setdefault(namespace.id, {})[entry.route] = mounted
        self.routes.clear()
        return mounted
