"""Backends of tests' own, and an engine that lends out anything and remembers what was revoked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandboxd.vault.framework.backend import AuthMethod, Backend, Call, Engine, Lease, Path, Response, SecretKind
from sandboxd.vault.framework.fields import Duration, Name, param
from sandboxd.vault.mounts import MountConfig, MountEntry, Table
from sandboxd.vault.namespaces import ROOT

if TYPE_CHECKING:
    from sandboxd.vault.errors import VaultError
    from sandboxd.vault.world import World


@dataclass(frozen=True, kw_only=True)
class Args:
    name: Name = param(help="What to lend.")
    ttl: Duration = param(0, "For how long.")
    max_ttl: Duration = param(0, "For how long at most.")


class Lender:
    """The engine and its memory. While `trouble` is set, renewals and revocations fail with it."""

    def __init__(self) -> None:
        self.revoked: list[str] = []
        self.trouble: VaultError | None = None
        path: Path[Any, Any] = Path("creds/{name}", Args, "Lend.", read=self.lend, write=self.lend)
        kind: SecretKind[Any] = SecretKind("creds", revoke=self.revoke, renew=self.renew)
        self.engine = Engine(type="lender", help="Lend.", paths=(path,), secrets=(kind,))

    def lend(self, call: Call, args: Args) -> Response:
        lease = Lease(ttl=args.ttl, max_ttl=args.max_ttl, kind="creds", internal={"name": args.name})
        return Response(data={"name": args.name}, lease=lease)

    def renew(self, call: Call, lease: Lease) -> Lease:
        self.check()
        return lease

    def revoke(self, call: Call, lease: Lease) -> None:
        self.check()
        self.revoked.append(lease.internal["name"])

    def check(self) -> None:
        if self.trouble is not None:
            raise self.trouble


class Shelf:
    """The catalogue of a world, with one more backend beside what is there."""

    def __init__(self, catalog: Any, backend: Backend) -> None:
        self.catalog = catalog
        self.backend = backend

    def load(self, table: Any, kind: str, options: Any) -> Any:
        return self.backend if kind == self.backend.type else self.catalog.load(table, kind, options)

    def names(self, table: Any) -> list[str]:
        found: list[str] = self.catalog.names(table)
        return found


def mount(world: World, backend: Backend, path: str, **config: Any) -> MountEntry:
    """Mount a backend of a test's own."""
    table: Table = "auth" if isinstance(backend, AuthMethod) else "mounts"
    world.mounts.catalog = Shelf(world.mounts.catalog, backend)
    entry = MountEntry(
        table=table,
        path=path,
        type=backend.type,
        uuid=world.entropy.uuid(),
        accessor=world.mounts.new_accessor(table, backend.type),
        namespace_id=ROOT.id,
        config=MountConfig(**config),
    )
    world.mounts.add(ROOT, entry)
    return entry


def lend(world: World) -> Lender:
    """Mount the engine at `lend/`."""
    lender = Lender()
    mount(world, lender.engine, "lend/")
    return lender
