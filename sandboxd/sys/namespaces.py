"""`sys/namespaces`: making, showing, locking and deleting namespaces.

Source: a running OpenBao 2.7.2. Vault has namespaces in its Enterprise edition; what it does otherwise is from its
documentation.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from sandboxd.sys import mounting
from sandboxd.vault.bootstrap import furnish
from sandboxd.vault.errors import Refusal, fail, refuse
from sandboxd.vault.framework.backend import Path, Response, Result
from sandboxd.vault.framework.fields import NoArgs, Rest, param
from sandboxd.vault.framework.lenient import go_type
from sandboxd.vault.gotext import quote
from sandboxd.vault.namespaces import RESERVED, Namespace, canonical
from sandboxd.vault.system import SystemCall

_ID_LENGTHS = {"openbao": 6, "vault": 5}


@dataclass(frozen=True, kw_only=True)
class NamespaceArgs:
    """A namespace as a client writes it."""

    path: Rest = param(help="Name of the namespace.")
    custom_metadata: dict[str, Any] = param(factory=dict, help="Texts of your own, by key.")


@dataclass(frozen=True, kw_only=True)
class LockArgs:
    """Which namespace to lock."""

    path: Rest = param(help="Path of a namespace below this one; this one when left out.")


@dataclass(frozen=True, kw_only=True)
class UnlockArgs(LockArgs):
    """Which namespace to unlock, and by what right."""

    unlock_key: str = param(help="The key that locking gave; not needed with sudo.")


def list_children(call: SystemCall, _args: NoArgs) -> Result:
    """The namespaces right below."""
    return _listed(call, call.world.namespaces.below(call.namespace))


def scan(call: SystemCall, _args: NoArgs) -> Result:
    """All namespaces below."""
    return _listed(call, call.world.namespaces.below(call.namespace, deep=True))


def read(call: SystemCall, args: NamespaceArgs) -> Result:
    """One namespace."""
    found = call.world.namespaces.at(call.namespace.path + _name(args.path))
    return None if found is None else _shown(call, found)


def write(call: SystemCall, args: NamespaceArgs) -> Result:
    """Make a namespace, or replace its metadata."""
    name = _name(args.path)
    if not all(isinstance(value, str) for value in args.custom_metadata.values()):
        refuse("custom_metadata values must be strings")
    found = call.world.namespaces.at(call.namespace.path + name)
    if found is not None:
        changed = msgspec.structs.replace(found, custom_metadata=args.custom_metadata)
        call.world.namespaces.put(changed)
        return _shown(call, changed)
    _check(call, name)
    made = call.world.namespaces.create(call.namespace, name, args.custom_metadata, id_length=_ID_LENGTHS[call.profile])
    furnish(call.world, made)
    return _shown(call, made)


def patch(call: SystemCall, args: NamespaceArgs) -> Result:
    """Change some of a namespace's metadata; null takes a key away, or all of them."""
    name = _name(args.path)
    for value in args.custom_metadata.values():
        if value is not None and not isinstance(value, str):
            refuse(f"metadata patch can only have string or null values, got {go_type(value)}")
    found = call.world.namespaces.at(call.namespace.path + name) or refuse("namespace not found")
    changed = msgspec.structs.replace(found, custom_metadata=_patched(call, found, args.custom_metadata))
    call.world.namespaces.put(changed)
    return _shown(call, changed)


async def delete(call: SystemCall, args: NamespaceArgs) -> Result:
    """Delete a namespace with all that it holds; its children have to go first."""
    found = call.world.namespaces.at(call.namespace.path + _name(args.path))
    if found is None:
        call.warn("requested namespace does not exist")
        return Response()
    if call.world.namespaces.below(found):
        refuse("unable to delete namespace containing child namespaces")
    await _empty(call, found)
    call.world.namespaces.delete(found)
    call.world.quotas.deleted(found)
    # The real server goes on with it in the background; here it is done already.
    return None if call.profile == "vault" else {"status": "in-progress"}


def lock(call: SystemCall, args: LockArgs) -> Result:
    """Shut the API of a namespace and of all below it."""
    found = _lockable(call, args.path)
    locking = call.world.namespaces.locking(found)
    if locking is not None and locking.id == found.id:
        refuse(f"cannot lock namespace {quote(found.path)}: is already locked")
    if locking is not None:
        refuse(f"cannot lock namespace {quote(found.path)}: ancestor namespace {quote(locking.path)} is already locked")
    key = call.entropy.text(24)
    call.world.namespaces.put(msgspec.structs.replace(found, locked=True, unlock_key=key))
    return {"unlock_key": key}


def unlock(call: SystemCall, args: UnlockArgs) -> Result:
    """Open the API of a namespace again, with its key or with sudo."""
    if not args.unlock_key and not call.sudo:
        fail("provided empty key")
    found = _lockable(call, args.path)
    if not found.locked:
        refuse(f"namespace {quote(found.path)} is not locked")
    locking = call.world.namespaces.locking(found)
    if locking is not None and locking.id != found.id:
        refuse(f"cannot unlock {quote(found.path)} with namespace {quote(locking.path)} being locked")
    if args.unlock_key and args.unlock_key != found.unlock_key:
        refuse("incorrect unlock key")
    call.world.namespaces.put(msgspec.structs.replace(found, locked=False, unlock_key=""))
    if args.unlock_key:
        return None
    call.warn("Namespace unlocked using sudo capabilities")
    return Response()


def _name(text: str) -> str:
    name = canonical(text)
    if not name:
        refuse("namespace name cannot be empty")
    if "/" in name[:-1]:
        refuse("namespace name cannot contain /")
    if name[:-1] in RESERVED:
        refuse(f"{quote(name)} is a reserved path and cannot be used as a namespace name")
    return name


def _check(call: SystemCall, name: str) -> None:
    """Raise Refusal for a name that cannot be, or that is in the way of a mount."""
    shown = quote(name[:-1])
    for char in name[:-1]:
        if not (char.isprintable() or char.isspace()):
            refuse(f"{shown} contains unicode characters that cannot be used in a namespace name: {_quoted_char(char)}")
        if char.isspace():
            refuse(f"{shown} contains space characters that cannot be used in a namespace name")
        if char in "+*":
            refuse(f"{shown} contains wildcard characters that cannot be used in a namespace name: '{char}'")
    wanted = call.namespace.path + name
    mounts = call.world.mounts.list(call.namespace)
    taken = next((mounted.entry.route for mounted in mounts if mounted.entry.route.startswith(name)), None)
    if taken is not None:
        refuse(f"new namespace conflicts with existing mount: {call.namespace.path}{taken}")
    if call.world.namespaces.at(wanted) is not None:
        refuse("unable to update when a namespace with this path already exists")


def _quoted_char(char: str) -> str:
    return f"'{quote(char)[1:-1]}'"


def _patched(call: SystemCall, found: Namespace, changes: Mapping[str, Any]) -> dict[str, str]:
    if "custom_metadata" in call.raw and call.raw["custom_metadata"] is None:
        return {}
    merged: dict[str, Any] = {**found.custom_metadata, **changes}
    return {key: value for key, value in merged.items() if value is not None}


def _lockable(call: SystemCall, path: str) -> Namespace:
    wanted = canonical(path)
    found = call.world.namespaces.at(call.namespace.path + wanted)
    if found is None:
        refuse("requested namespace does not exist")
    if not found.path:
        refuse("root namespace cannot be locked/unlocked")
    return found


async def _empty(call: SystemCall, namespace: Namespace) -> None:
    world = call.world
    for table in ("auth", "mounts"):
        for mounted in world.mounts.list(namespace, table):
            try:
                await mounting.revoke_leases(call, mounted)
            except Refusal as error:
                what = "auth" if table == "auth" else "secret"
                text = f"failed to unmount namespace {what} mount ({mounted.entry.path}): {error.errors[0]}"
                raise Refusal(text) from error
    for mounted in world.mounts.list(namespace):
        world.mounts.remove(namespace, mounted.entry)
    world.identity.clear(namespace.id)
    for name in world.policies.list(namespace):
        world.policies.delete(namespace, name)
    world.storage.clear(namespace.prefix)


def _listed(call: SystemCall, found: list[Namespace]) -> dict[str, Any]:
    if not found:
        return {}
    cut = len(call.namespace.path)
    shown = {namespace.path[cut:]: _shown(call, namespace) for namespace in found}
    return {"keys": list(shown), "key_info": shown}


def _shown(call: SystemCall, namespace: Namespace) -> dict[str, Any]:
    if call.profile == "vault":
        return {"id": namespace.id, "path": namespace.path, "custom_metadata": namespace.custom_metadata}
    return {
        "uuid": namespace.uuid,
        "path": namespace.path,
        "id": namespace.id,
        "tainted": False,
        "locked": namespace.locked,
        "custom_metadata": namespace.custom_metadata,
    }


PATHS: tuple[Path[Any, Any], ...] = (
    Path("namespaces/?", NoArgs, "List the namespaces below.", list=list_children, profiles=("vault",)),
    Path("namespaces/?", NoArgs, "List the namespaces below.", list=list_children, scan=scan, profiles=("openbao",)),
    Path("namespaces/api-lock/lock[/{path}]", LockArgs, "Lock a namespace.", write=lock),
    Path("namespaces/api-lock/unlock[/{path}]", UnlockArgs, "Unlock a namespace.", write=unlock),
    Path(
        "namespaces/{path}",
        NamespaceArgs,
        "Manage a namespace.",
        read=read,
        write=write,
        patch=patch,
        delete=delete,
    ),
)
