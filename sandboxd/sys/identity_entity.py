"""`identity/entity`: making, changing, showing and deleting entities."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from sandboxd.sys import identity_shown as shown
from sandboxd.sys.strict import is_null
from sandboxd.vault.errors import refuse
from sandboxd.vault.framework.backend import Path, Result
from sandboxd.vault.framework.fields import CommaList, Name, NoArgs, Pairs, Rest, param
from sandboxd.vault.identity import Entity, settled
from sandboxd.vault.system import SystemCall


@dataclass(frozen=True, kw_only=True)
class EntityArgs:
    """An entity as a client writes it."""

    id: Name = param(help="Id of an entity that is there already.")
    name: Rest = param(help="Name of the entity; made up when there is none.")
    metadata: Pairs = param(factory=dict, help="Texts of your own, by key.")
    policies: CommaList = param((), "Policies that the entity's tokens get on top of their own.")
    disabled: bool = param(False, "Whether the entity's tokens are refused.")


@dataclass(frozen=True, kw_only=True)
class PersonaArgs(EntityArgs):
    """An entity as a client writes it at an older path."""

    entity_id: str = param(help="Taken, and of no effect.")
    mount_accessor: str = param(help="Taken, and of no effect.")


@dataclass(frozen=True, kw_only=True)
class BatchArgs:
    """Which entities to delete."""

    entity_ids: CommaList = param((), "Ids of the entities.")


def write(call: SystemCall, args: EntityArgs) -> Result:
    """Make an entity, or change the one with that id or name."""
    store, namespace_id = call.world.identity, call.namespace.id
    old = None
    if args.id:
        old = store.entity_by_id(namespace_id, args.id) or refuse("entity not found from id")
    if args.name:
        named = store.entity_named(namespace_id, args.name)
        if named is not None and old is not None and named.id != old.id:
            refuse("entity name is already in use")
        old = old or named
    changes: dict[str, Any] = {"name": args.name} if args.name else {}
    if "policies" in call.given:
        changes["policies"] = shown.unique_policies(args.policies)
    if "root" in changes.get("policies", old.policies if old is not None else ()):
        refuse("policies cannot contain root")
    if "disabled" in call.given:
        changes["disabled"] = args.disabled
    if "metadata" in call.given:
        changes["metadata"] = None if is_null(call, "metadata") else args.metadata
    shown.check_metadata(changes.get("metadata"), "entity")
    if old is not None:
        changes["last_update_time"] = call.clock.now_ns()
        store.put_entity(msgspec.structs.replace(settled(old), **changes))
        return None
    made = msgspec.structs.replace(store.new_entity(namespace_id, args.name), **changes)
    store.put_entity(made)
    return {"id": made.id, "name": made.name, "aliases": None}


def read_by_id(call: SystemCall, args: EntityArgs) -> Result:
    """The entity with that id."""
    found = call.world.identity.entity_by_id(call.namespace.id, args.id)
    return None if found is None else shown.entity_shown(call, found)


def read_by_name(call: SystemCall, args: EntityArgs) -> Result:
    """The entity with that name."""
    found = call.world.identity.entity_named(call.namespace.id, args.name)
    return None if found is None else shown.entity_shown(call, found)


def delete_by_id(call: SystemCall, args: EntityArgs) -> None:
    """Delete the entity with that id, if there is one."""
    _delete(call, call.world.identity.entity_by_id(call.namespace.id, args.id))


def delete_by_name(call: SystemCall, args: EntityArgs) -> None:
    """Delete the entity with that name, if there is one."""
    _delete(call, call.world.identity.entity_named(call.namespace.id, args.name))


def delete_batch(call: SystemCall, args: BatchArgs) -> None:
    """Delete many entities."""
    if not args.entity_ids:
        refuse("missing entity ids to delete")
    for entity_id in args.entity_ids:
        _delete(call, call.world.identity.entity_by_id(call.namespace.id, entity_id))


def list_ids(call: SystemCall, _args: NoArgs) -> Result:
    """The ids of all entities."""
    found = call.world.identity.entities(call.namespace.id)
    return shown.listed([entity.id for entity in found], _info(call, found))


def list_names(call: SystemCall, _args: NoArgs) -> Result:
    """The names of all entities."""
    found = call.world.identity.entities(call.namespace.id)
    return shown.listed([entity.name for entity in found], _info(call, found))


def _info(call: SystemCall, entities: list[Entity]) -> Mapping[str, Any]:
    labels = shown.Labels(call)
    info: dict[str, dict[str, Any]] = {}
    for entity in entities:
        info[entity.id] = {"name": entity.name}
        if entity.aliases:
            info[entity.id]["aliases"] = [shown.alias_in_list(labels, alias) for alias in entity.aliases]
    return info


def _delete(call: SystemCall, entity: Entity | None) -> None:
    if entity is not None:
        call.world.identity.delete_entity(entity)


_PERSONA = ("id", "name", "metadata", "entity_id", "mount_accessor")

PATHS: tuple[Path[Any, Any], ...] = (
    Path("entity", EntityArgs, "Make an entity.", write=write),
    Path("entity/id/?", NoArgs, "List entities by id.", list=list_ids),
    Path("entity/id/{id}", EntityArgs, "Manage an entity by id.", read=read_by_id, write=write, delete=delete_by_id),
    Path("entity/name/?", NoArgs, "List entities by name.", list=list_names),
    Path(
        "entity/name/{name}",
        EntityArgs,
        "Manage an entity by name.",
        read=read_by_name,
        write=write,
        delete=delete_by_name,
    ),
    Path("entity/batch-delete", BatchArgs, "Delete many entities.", write=delete_batch),
    Path("persona", PersonaArgs, "Make an entity, at an older path.", only=_PERSONA, write=write),
)
