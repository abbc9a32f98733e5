"""A secrets engine to test leases with: it lends out anything, and remembers what was renewed and revoked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandboxd.vault.errors import VaultError
from sandboxd.vault.framework.backend import Call, Engine, Lease, Path, Response, SecretKind
from sandboxd.vault.framework.fields import Duration, Name, param
from sandboxd.vault.mounts import MountEntry
from sandboxd.vault.namespaces import ROOT

if TYPE_CHECKING:
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
    """The catalogue of a world, with the engine put beside what is there."""

    def __init__(self, catalog: Any, engine: Engine) -> None:
        self.catalog = catalog
        self.engine = engine

    def load(self, table: Any, kind: str, options: Any) -> Any:
        return self.engine if kind == "lender" else self.catalog.load(table, kind, options)

    def names(self, table: Any) -> list[str]:
        found: list[str] = self.catalog.names(table)
        return found


def lend(world: World) -> Lender:
    """Mount the engine at `lend/`."""
    lender = Lender()
    world.mounts.catalog = Shelf(world.mounts.catalog, lender.engine)
    world.mounts.add(
        ROOT,
        MountEntry(
            table="mounts",
            path="lend/",
            type="lender",
            uuid=world.entropy.uuid(),
            accessor=world.mounts.new_accessor("mounts", "lender"),
            namespace_id=ROOT.id,
        ),
    )
    return lender
