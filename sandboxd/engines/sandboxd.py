"""The engine for what no real engine covers: dynamic credentials whose fields a fixture declares.

Its paths are those of the fixture's section `dynamic`. A read hands out a credential with fresh values under a lease,
which is renewed and revoked as any other. The real server has no such engine; its answers have the form of those that
it has.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from sandboxd.vault.framework.backend import Call, Engine, Lease, Path, Response, Result, SecretKind
from sandboxd.vault.framework.fields import AnyRest, param

DECLARED = "declared/"
_COUNT = "count/"


class Dynamic(msgspec.Struct, frozen=True, kw_only=True):
    """How a declared credential is lent out. Times are in seconds; 0 means what the mount says."""

    ttl: int = 0
    max_ttl: int = 0
    renewable: bool = True
    credentials: tuple[str, ...] = ()


class Count(msgspec.Struct, frozen=True):
    """How many credentials a path has handed out."""

    number: int


@dataclass(frozen=True, kw_only=True)
class Args:
    """Which path."""

    path: AnyRest = param(help="A path that the fixture declares.")


def hand_out(call: Call, args: Args) -> Result:
    """A fresh credential under a lease."""
    found = call.storage.get(DECLARED + args.path, Dynamic)
    if found is None:
        return None
    count = call.storage.get(_COUNT + args.path, Count) or Count(0)
    number = count.number + 1
    fields = call.system.declared(f"{call.mount.path}{args.path}", number)
    call.storage.put(_COUNT + args.path, Count(number))
    lease = Lease(
        ttl=found.ttl,
        max_ttl=found.max_ttl,
        renewable=found.renewable,
        kind="declared",
        internal={"path": args.path, "number": number},
    )
    return Response(data=fields, lease=lease, credentials=found.credentials)


def list_paths(call: Call, args: Args) -> Result:
    """What is declared below a folder."""
    folder = args.path if not args.path or args.path.endswith("/") else f"{args.path}/"
    names = call.storage.list(DECLARED + folder)
    return {"keys": names} if names else None


def renew(call: Call, lease: Lease) -> Lease:
    """For as long again as the fixture says now."""
    found = call.storage.get(DECLARED + lease.internal["path"], Dynamic) or Dynamic()
    return msgspec.structs.replace(lease, ttl=found.ttl, max_ttl=found.max_ttl)


def revoke(_call: Call, _lease: Lease) -> None:
    """Nothing is kept anywhere else, so there is nothing to undo."""


ENGINE = Engine(
    type="sandboxd",
    help="Dynamic credentials that a fixture declares.",
    paths=(
        Path(
            "{path}",
            Args,
            "Get a credential that the fixture declares.",
            read=hand_out,
            write=hand_out,
            list=list_paths,
        ),
    ),
    secrets=(SecretKind("declared", revoke=revoke, renew=renew),),
)
