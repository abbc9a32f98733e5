"""`sys/locked-users`: who is locked out after too many failed logins, and letting them log in again."""

from dataclasses import dataclass

import msgspec

from sandboxd.vault.framework.backend import Path, Result
from sandboxd.vault.framework.fields import Rest, param
from sandboxd.vault.namespaces import Namespace
from sandboxd.vault.system import SystemCall


@dataclass(frozen=True, kw_only=True)
class LockedArgs:
    """Which mount's users to list."""

    mount_accessor: str = param("", "Accessor of the mount to look at; empty for all.")


@dataclass(frozen=True, kw_only=True)
class UnlockArgs:
    """Whom to let log in again."""

    mount_accessor: Rest = param(help="Accessor of the mount that the user logs in at.")
    alias_identifier: Rest = param(help="Name of the user's alias: the user name, or the role ID.")


class _MountUsers(msgspec.Struct, frozen=True):
    mount_accessor: str
    counts: int
    alias_identifiers: list[str] | None


class _NamespaceUsers(msgspec.Struct, frozen=True):
    namespace_id: str
    namespace_path: str
    counts: int
    mount_accessors: list[_MountUsers]


def locked(call: SystemCall, args: LockedArgs) -> Result:
    """The locked users, most first: of one mount, or of the namespace and those below it."""
    if args.mount_accessor:
        users = call.world.lockouts.listed(call.namespace).get(args.mount_accessor)
        found = [_gathered(call.namespace, {args.mount_accessor: users})]
    else:
        namespaces = [namespace for namespace in call.world.namespaces if call.namespace.holds(namespace)]
        found = [_gathered(namespace, {**call.world.lockouts.listed(namespace)}) for namespace in namespaces]
        found.sort(key=lambda entry: -entry.counts)
    return {"by_namespace": found, "total": sum(entry.counts for entry in found)}


def _gathered(namespace: Namespace, users: dict[str, list[str] | None]) -> _NamespaceUsers:
    mounts = [_MountUsers(accessor, len(names or ()), names) for accessor, names in users.items()]
    mounts.sort(key=lambda entry: -entry.counts)
    return _NamespaceUsers(namespace.id, namespace.path, sum(entry.counts for entry in mounts), mounts)


def unlock(call: SystemCall, args: UnlockArgs) -> None:
    """Forget the failures of a user; it is no error when there are none."""
    call.world.lockouts.unlock(call.namespace, args.mount_accessor, args.alias_identifier)


PATHS = (
    Path("locked-users", LockedArgs, "List the users that are locked out.", read=locked),
    Path(
        "locked-users/{mount_accessor}/unlock/{alias_identifier}",
        UnlockArgs,
        "Let a locked user log in again.",
        write=unlock,
    ),
)
