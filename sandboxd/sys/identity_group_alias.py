"""`identity/group-alias`: the names of external groups at auth mounts."""

from dataclasses import dataclass
from typing import Any

import msgspec

from sandboxd.sys import identity_shown as shown
from sandboxd.sys.identity_group import keep
from sandboxd.vault.errors import refuse
from sandboxd.vault.framework.backend import Path, Result
from sandboxd.vault.framework.fields import Name, NoArgs, param
from sandboxd.vault.gotext import quote
from sandboxd.vault.identity import EntityAlias, Group, settled
from sandboxd.vault.system import SystemCall


@dataclass(frozen=True, kw_only=True)
class GroupAliasArgs:
    """An alias of a group as a client writes it."""

    id: Name = param(help="Id of an alias that is there already.")
    name: str = param(help="What the auth mount calls the group.")
    mount_accessor: str = param(help="Accessor of the auth mount.")
    canonical_id: str = param(help="Id of the external group that the alias is of.")


def register(call: SystemCall, args: GroupAliasArgs) -> Result:
    """Make an alias of a group, and the group too when none is named."""
    return write(call, args) if "id" in call.given else _write(call, args, None)


def write(call: SystemCall, args: GroupAliasArgs) -> Result:
    """Change the alias with that id."""
    if not args.id:
        refuse("empty group alias ID")
    return _write(call, args, _alias(call, args.id) or refuse("invalid group alias ID"))


def read(call: SystemCall, args: GroupAliasArgs) -> Result:
    """The alias with that id."""
    found = _alias(call, args.id)
    return None if found is None else shown.alias_shown(call, found)


def delete(call: SystemCall, args: GroupAliasArgs) -> None:
    """Delete the alias with that id, if there is one; its group stays."""
    if _alias(call, args.id) is None:
        return
    group = call.world.identity.group_of_alias_id(args.id)
    if group is not None:
        call.world.identity.put_group(msgspec.structs.replace(settled(group), alias=None))


def list_ids(call: SystemCall, _args: NoArgs) -> Result:
    """The ids of all aliases of groups."""
    groups = call.world.identity.groups(call.namespace.id)
    return shown.list_aliases(call, (group.alias for group in groups if group.alias is not None))


def _alias(call: SystemCall, alias_id: str) -> EntityAlias | None:
    group = call.world.identity.group_of_alias_id(alias_id)
    return None if group is None or group.namespace_id != call.namespace.id else group.alias


def _write(call: SystemCall, args: GroupAliasArgs, old: EntityAlias | None) -> Result:
    if not args.name:
        refuse("missing alias name")
    if not args.mount_accessor:
        refuse("missing mount_accessor")
    same_name = old is not None and (old.name, old.mount_accessor) == (args.name, args.mount_accessor)
    if same_name and old is not None and args.canonical_id in ("", old.canonical_id):
        return None
    target = _target(call, args.canonical_id) if args.canonical_id else None
    _check_mount(call, args, old)
    store, now = call.world.identity, call.clock.now_ns()
    if old is None:
        alias = EntityAlias(
            id=store.new_id(call.namespace.id),
            name=args.name,
            canonical_id="",
            mount_accessor=args.mount_accessor,
            creation_time=now,
            last_update_time=now,
            namespace_id=call.namespace.id,
        )
        group = target or Group(id="", name="", type="external", namespace_id=call.namespace.id)
    else:
        alias = msgspec.structs.replace(
            settled(old), name=args.name, mount_accessor=args.mount_accessor, last_update_time=now
        )
        previous = store.group_of_alias_id(old.id) or refuse("group alias is not associated with a group")
        group = target or previous
        if group.id != previous.id:
            store.put_group(msgspec.structs.replace(settled(previous), alias=None))
    kept = keep(call, msgspec.structs.replace(settled(group), alias=alias), None)
    return {"id": alias.id, "canonical_id": kept.id}


def _target(call: SystemCall, group_id: str) -> Group:
    found = call.world.identity.group_by_id(call.namespace.id, group_id)
    if found is None:
        refuse("invalid group ID given in 'canonical_id'")
    if found.type != "external":
        refuse("alias can't be set on an internal group")
    return found


def _check_mount(call: SystemCall, args: GroupAliasArgs, old: EntityAlias | None) -> None:
    mounted = call.world.mounts.by_accessor(args.mount_accessor)
    if mounted is None:
        refuse(f"invalid mount accessor {quote(args.mount_accessor)}")
    if mounted.entry.local:
        refuse(f"mount accessor {quote(args.mount_accessor)} is a local mount")
    if mounted.namespace.id != call.namespace.id:
        refuse("mount referenced via 'mount_accessor' not in the same namespace as alias", 403)
    group = call.world.identity.group_of_alias(args.mount_accessor, args.name)
    if group is not None and group.alias is not None and (old is None or group.alias.id != old.id):
        refuse("combination of mount and group alias name is already in use")


PATHS: tuple[Path[Any, Any], ...] = (
    Path("group-alias", GroupAliasArgs, "Make an alias of a group.", write=register),
    Path("group-alias/id/?", NoArgs, "List aliases of groups by id.", list=list_ids),
    Path(
        "group-alias/id/{id}",
        GroupAliasArgs,
        "Manage an alias of a group by id.",
        read=read,
        write=write,
        delete=delete,
    ),
)
