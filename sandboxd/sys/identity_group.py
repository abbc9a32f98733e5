"""`identity/group`: making, changing, showing and deleting groups."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from sandboxd.sys import identity_shown as shown
from sandboxd.sys.strict import is_null
from sandboxd.vault.errors import fail, refuse
from sandboxd.vault.framework.backend import Path, Result
from sandboxd.vault.framework.fields import CommaList, Name, NoArgs, Pairs, Rest, param
from sandboxd.vault.gotext import quote
from sandboxd.vault.identity import Group, settled
from sandboxd.vault.system import SystemCall


@dataclass(frozen=True, kw_only=True)
class GroupArgs:
    """A group as a client writes it."""

    id: Name = param(help="Id of a group that is there already.")
    name: Rest = param(help="Name of the group; made up when there is none.")
    type: str = param(help="`internal`, or `external` for a group whose members an auth method names.")
    metadata: Pairs = param(factory=dict, help="Texts of your own, by key.")
    policies: CommaList = param((), "Policies that the members' tokens get on top of their own.")
    member_group_ids: CommaList = param((), "Ids of the groups that are in this one.")
    member_entity_ids: CommaList = param((), "Ids of the entities that are in this group.")


def register(call: SystemCall, args: GroupArgs) -> Result:
    """Make a group, or change the one with that id or name."""
    if "id" in call.given:
        return write_by_id(call, args)
    if "name" in call.given:
        return write_by_name(call, args)
    return _write(call, args, None)


def write_by_id(call: SystemCall, args: GroupArgs) -> Result:
    """Change the group with that id."""
    if not args.id:
        refuse("empty group ID")
    found = call.world.identity.group_by_id(call.namespace.id, args.id)
    return _write(call, args, found or refuse("invalid group ID"))


def write_by_name(call: SystemCall, args: GroupArgs) -> Result:
    """Make the group with that name, or change it."""
    if not args.name:
        refuse("empty group name")
    return _write(call, args, call.world.identity.group_named(call.namespace.id, args.name))


def read_by_id(call: SystemCall, args: GroupArgs) -> Result:
    """The group with that id."""
    found = call.world.identity.group_by_id(call.namespace.id, args.id)
    return None if found is None else shown.group_shown(call, found)


def read_by_name(call: SystemCall, args: GroupArgs) -> Result:
    """The group with that name."""
    found = call.world.identity.group_named(call.namespace.id, args.name)
    return None if found is None else shown.group_shown(call, found)


def delete_by_id(call: SystemCall, args: GroupArgs) -> None:
    """Delete the group with that id, if there is one."""
    _delete(call, call.world.identity.group_by_id(call.namespace.id, args.id))


def delete_by_name(call: SystemCall, args: GroupArgs) -> None:
    """Delete the group with that name, if there is one."""
    _delete(call, call.world.identity.group_named(call.namespace.id, args.name))


def list_ids(call: SystemCall, _args: NoArgs) -> Result:
    """The ids of all groups."""
    found = call.world.identity.groups(call.namespace.id)
    return shown.listed([group.id for group in found], _info(call, found))


def list_names(call: SystemCall, _args: NoArgs) -> Result:
    """The names of all groups."""
    found = call.world.identity.groups(call.namespace.id)
    return shown.listed([group.name for group in found], _info(call, found))


def _info(call: SystemCall, groups: list[Group]) -> Mapping[str, Any]:
    labels = shown.Labels(call)
    info: dict[str, dict[str, Any]] = {}
    for group in groups:
        info[group.id] = {
            "name": group.name,
            "num_member_entities": len(group.member_entity_ids or ()),
            "num_parent_groups": len(group.parent_group_ids or ()),
        }
        if group.alias is not None:
            info[group.id]["alias"] = shown.alias_in_list(labels, group.alias)
    return info


def _delete(call: SystemCall, group: Group | None) -> None:
    if group is not None:
        call.world.identity.delete_group(group)


def _write(call: SystemCall, args: GroupArgs, old: Group | None) -> Result:
    store, given = call.world.identity, call.given
    group = settled(old) if old is not None else Group(id="", name="", type="", namespace_id=call.namespace.id)
    changes: dict[str, Any] = {}
    if "policies" in given:
        changes["policies"] = shown.unique_policies(args.policies)
    if "root" in (changes.get("policies", group.policies) or ()):
        refuse("policies cannot contain root")
    if "type" in given and group.type and args.type != group.type:
        refuse("group type cannot be changed")
    kind = group.type or args.type or "internal"
    if kind not in ("internal", "external"):
        refuse(f"invalid group type {quote(kind)}")
    changes["type"] = kind
    if args.name:
        named = store.group_named(call.namespace.id, args.name)
        if named is not None and named.id != group.id:
            refuse("group name is already in use")
        changes["name"] = args.name
    if "metadata" in given:
        changes["metadata"] = None if is_null(call, "metadata") else args.metadata
    if "member_entity_ids" in given:
        if kind == "external":
            refuse("member entities can't be set manually for external groups")
        changes["member_entity_ids"] = args.member_entity_ids
    members: tuple[str, ...] | None = None
    if "member_group_ids" in given:
        if kind == "external":
            refuse("member groups can't be set for external groups")
        members = args.member_group_ids
    group = msgspec.structs.replace(group, **changes)
    group = keep(call, group, members)
    return None if old is not None else {"id": group.id, "name": group.name}


def keep(call: SystemCall, group: Group, members: tuple[str, ...] | None) -> Group:
    """Keep a group, new (with an empty id) or changed; `members` are the groups to be in it (None: as they are)."""
    store = call.world.identity
    fresh, now = not group.id, call.clock.now_ns()
    if fresh:
        group = msgspec.structs.replace(
            group,
            id=store.new_id(group.namespace_id),
            name=group.name or store.new_name("group", group.namespace_id),
            creation_time=now,
        )
    group = msgspec.structs.replace(group, last_update_time=now)
    shown.check_metadata(group.metadata, "group")
    if group.member_entity_ids is not None:
        entity_ids = shown.without_repeats(group.member_entity_ids)
        for entity_id in entity_ids:
            if store.entity_by_id(group.namespace_id, entity_id) is None:
                fail(f"invalid entity ID {quote(entity_id)}")
        group = msgspec.structs.replace(group, member_entity_ids=entity_ids)
    changed = [] if members is None else _members(call, group, shown.without_repeats(members), fresh=fresh)
    if group.alias is not None:
        updated = call.clock.now_ns()  # the clock went on since the alias was made, and the real server shows it
        alias = msgspec.structs.replace(group.alias, canonical_id=group.id, last_update_time=updated)
        group = msgspec.structs.replace(group, alias=alias)
    for member in changed:
        store.put_group(member)
    return store.put_group(group)


def _members(call: SystemCall, group: Group, wanted: tuple[str, ...], *, fresh: bool) -> list[Group]:
    """The groups that have to change for a group to have just the wanted members."""
    store = call.world.identity
    changed: list[Group] = []
    for member in store.member_groups(group.id):
        if member.id not in wanted:
            left = tuple(parent for parent in member.parent_group_ids or () if parent != group.id)
            changed.append(msgspec.structs.replace(settled(member), parent_group_ids=left))
    for member_id in wanted:
        found = store.group_by_id(group.namespace_id, member_id)
        if found is None:
            fail(f"invalid member group ID {quote(member_id)}")
        parents = found.parent_group_ids or ()
        if group.id in parents:
            continue
        if group.id == member_id:
            fail(f"member group ID {quote(member_id)} is same as the ID of the group")
        if not fresh and _reaches(call, member_id, group.id):
            refuse(f"cyclic relationship detected for member group ID {quote(member_id)}")
        changed.append(msgspec.structs.replace(settled(found), parent_group_ids=(*parents, group.id)))
    return changed


def _reaches(call: SystemCall, start: str, wanted: str) -> bool:
    """Whether a group is in another one, through however many."""
    seen, fresh = {start}, [start]
    while fresh:
        group_id = fresh.pop()
        if group_id == wanted:
            return True
        below = {member.id for member in call.world.identity.member_groups(group_id)} - seen
        seen |= below
        fresh.extend(below)
    return False


PATHS: tuple[Path[Any, Any], ...] = (
    Path("group", GroupArgs, "Make a group.", write=register),
    Path("group/id/?", NoArgs, "List groups by id.", list=list_ids),
    Path(
        "group/id/{id}",
        GroupArgs,
        "Manage a group by id.",
        read=read_by_id,
        write=write_by_id,
        delete=delete_by_id,
    ),
    Path("group/name/?", NoArgs, "List groups by name.", list=list_names),
    Path(
        "group/name/{name}",
        GroupArgs,
        "Manage a group by name.",
        read=read_by_name,
        write=write_by_name,
        delete=delete_by_name,
    ),
)
