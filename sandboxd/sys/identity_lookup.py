"""`identity/lookup`: finding an entity or a group by what is known of it."""

from dataclasses import dataclass
from typing import Any

from sandboxd.sys import identity_shown as shown
from sandboxd.vault.errors import refuse
from sandboxd.vault.framework.backend import Path, Result
from sandboxd.vault.framework.fields import param
from sandboxd.vault.identity import Entity, Group
from sandboxd.vault.system import SystemCall


@dataclass(frozen=True, kw_only=True)
class LookupArgs:
    """What is known: one of these, or the name and the mount of an alias."""

    name: str = param(help="Name of the entity or group.")
    id: str = param(help="Id of the entity or group.")
    alias_id: str = param(help="Id of its alias.")
    alias_name: str = param(help="Name of its alias, together with `alias_mount_accessor`.")
    alias_mount_accessor: str = param(help="Accessor of the mount that its alias is at.")


def lookup_entity(call: SystemCall, args: LookupArgs) -> Result:
    """The entity that is known so."""
    _check(call, args)
    store, namespace_id = call.world.identity, call.namespace.id
    found: Entity | None = None
    if args.id:
        found = store.entity_by_id(namespace_id, args.id)
    elif args.name:
        found = store.entity_named(namespace_id, args.name)
    elif args.alias_id:
        found = store.entity_of_alias_id(args.alias_id)
    elif args.alias_name:
        found = store.entity_of_alias(args.alias_mount_accessor, args.alias_name)
    if found is None or found.namespace_id != namespace_id:
        return None
    return shown.entity_shown(call, found)


def lookup_group(call: SystemCall, args: LookupArgs) -> Result:
    """The group that is known so."""
    _check(call, args)
    store, namespace_id = call.world.identity, call.namespace.id
    found: Group | None = None
    if args.id:
        found = store.group_by_id(namespace_id, args.id)
    elif args.name:
        found = store.group_named(namespace_id, args.name)
    elif args.alias_id:
        found = store.group_of_alias_id(args.alias_id)
    elif args.alias_name:
        found = store.group_of_alias(args.alias_mount_accessor, args.alias_name)
    if found is None or found.namespace_id != namespace_id:
        return None
    return shown.group_shown(call, found)


def _check(call: SystemCall, args: LookupArgs) -> None:
    count = len(call.given)
    if count == 0:
        refuse("query parameter not supplied")
    if count == 1 and (args.alias_name or args.alias_mount_accessor):
        refuse("both 'alias_name' and 'alias_mount_accessor' needs to be set")
    if count != 1 and not (count == 2 and args.alias_name and args.alias_mount_accessor):
        refuse("query parameter conflict; please supply distinct set of query parameters")


PATHS: tuple[Path[Any, Any], ...] = (
    Path("lookup/entity", LookupArgs, "Find an entity.", write=lookup_entity),
    Path("lookup/group", LookupArgs, "Find a group.", write=lookup_group),
)
