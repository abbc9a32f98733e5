"""`sys/remount`: moving a mount to another path, also in another namespace.

The real server queues a move and reports on it by a migration id; here it is done by the time of the answer, and the
report stays.
"""

import posixpath
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from sandboxd.sys import mounting
from sandboxd.vault.errors import Refusal, refuse
from sandboxd.vault.framework.backend import Path, Response, Result
from sandboxd.vault.framework.fields import Rest, param
from sandboxd.vault.gotext import quote
from sandboxd.vault.mounts import Mounted
from sandboxd.vault.namespaces import Namespace
from sandboxd.vault.system import SystemCall

_PROTECTED = ("audit/", "auth/", "sys/", "cubbyhole/", "identity/")
_PROTECTED_AUTH = "auth/token"
_PRODUCTS = {"vault": "Vault", "openbao": "OpenBao"}


class Migration(msgspec.Struct, frozen=True, kw_only=True):
    """The report on a move."""

    source_mount: str
    target_mount: str
    status: str


class _Place(NamedTuple):
    """A path with the namespace that its leading segments name."""

    namespace: Namespace
    path: str  # below the namespace, with its slash at the end


@dataclass(frozen=True, kw_only=True)
class MoveArgs:
    """From where to where."""

    from_: str = param(help="Where the mount is.", name="from")
    to: str = param(help="Where the mount is to be.")


@dataclass(frozen=True, kw_only=True)
class StatusArgs:
    """Which move."""

    migration_id: Rest = param(help="The id that the move was answered with.")


async def remount(call: SystemCall, args: MoveArgs) -> Result:
    """Move a mount; its leases are revoked."""
    if not args.from_ or not args.to:
        refuse("both 'from' and 'to' path must be specified as a string")
    for name, text in (("from", args.from_), ("to", args.to)):
        if text.startswith(" ") or text.endswith(" "):
            refuse(f"'{name}' path cannot contain trailing whitespace")
    source, target = _place(call, args.from_), _place(call, args.to)
    _check(source, target, args.to)
    wanted = mounting.sanitized(args.from_)
    found = mounting.find(call, wanted)
    if found is None:
        refuse(f"no matching mount at {quote(wanted)}")
    conflict = mounting.conflicting(call, mounting.sanitized(args.to))
    if conflict and conflict != target.namespace.path:
        refuse(f"path already in use at {quote(conflict)}")
    status = await _move(call, found, source, target)
    migration_id = call.entropy.uuid()
    report = Migration(
        source_mount=source.namespace.path + source.path,
        target_mount=target.namespace.path + target.path,
        status=status,
    )
    call.world.storage.put(f"core/migration/{migration_id}", report)
    call.warn(
        f"Mount move has been queued. Progress will be reported in {_PRODUCTS[call.profile]}'s server log, tagged with "
        "the returned migration_id"
    )
    return Response(data={"migration_id": migration_id})


def read_status(call: SystemCall, args: StatusArgs) -> Result:
    """The report on a move."""
    found = call.world.storage.get(f"core/migration/{args.migration_id}")
    if not isinstance(found, Migration):
        return None
    return {"migration_id": args.migration_id, "migration_info": found}


def _place(call: SystemCall, path: str) -> _Place:
    full = call.namespace.path + path
    inside = [namespace for namespace in call.world.namespaces if full.startswith(namespace.path)]
    namespace = max(inside, key=lambda found: len(found.path))
    return _Place(namespace, mounting.sanitized(full[len(namespace.path) :]))


def _check(source: _Place, target: _Place, sent: str) -> None:
    path = target.path
    if not path:
        refuse(f"invalid destination mount path {quote(sent)}")
    clean = posixpath.normpath(path) + "/"
    if path != clean:
        refuse(f"invalid destination mount: path '{path}' does not match cleaned path '{clean}'")
    if not path.isprintable():
        refuse("invalid destination mount: path cannot contain non-printable characters")
    if source.path.startswith("auth/"):
        if not path.startswith("auth/"):
            refuse(f"cannot remount auth mount to non-auth mount {quote(path)}")
        if source.path.startswith(_PROTECTED_AUTH):
            refuse(f"cannot remount {quote(source.path)}")
        if path.startswith(_PROTECTED_AUTH):
            refuse(f"cannot remount to destination {quote(path)}")
        return
    for protected in _PROTECTED:
        if source.path.startswith(protected):
            refuse(f"cannot remount {quote(source.path)}")
        if path.startswith(protected):
            refuse(f"cannot remount to destination {path}")


async def _move(call: SystemCall, mounted: Mounted, source: _Place, target: _Place) -> str:
    """Move the mount if it is at just that path. Gives the status to report."""
    if mounted.mount.path != source.path:
        return "failure"
    try:
        await mounting.revoke_leases(call, mounted)
    except Refusal:
        return "failure"
    path = target.path.removeprefix("auth/") if mounted.entry.table == "auth" else target.path
    call.world.mounts.move(source.namespace, target.namespace, mounted.entry, path)
    return "success"


PATHS: tuple[Path[Any, Any], ...] = (
    Path("remount", MoveArgs, "Move a mount to another path.", write=remount),
    Path("remount/status/{migration_id}", StatusArgs, "Report on the move of a mount.", read=read_status),
)
