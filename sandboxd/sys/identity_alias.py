"""`identity/entity-alias`: the names of entities at auth mounts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from sandboxd.sys import identity_shown as shown
from sandboxd.sys.identity_entity import EntityArgs
from sandboxd.sys.identity_entity import write as write_entity
from sandboxd.vault.errors import Failure, refuse
from sandboxd.vault.framework.backend import Path, Result
from sandboxd.vault.framework.fields import Name, NoArgs, Pairs, param
from sandboxd.vault.gotext import quote
from sandboxd.vault.identity import Entity, EntityAlias, settled
from sandboxd.vault.mounts import Mounted
from sandboxd.vault.system import SystemCall

_MAX_KEYS, _MAX_KEY, _MAX_VALUE = 64, 128, 512
_FAULT = "custom_metadata validation failed"


@dataclass(frozen=True, kw_only=True)
class AliasArgs:
    """An alias as a client writes it."""

    id: Name = param(help="Id of an alias that is there already.")
    entity_id: str = param(help="The older name of `canonical_id`.", deprecated=True)
    canonical_id: str = param(help="Id of the entity that the alias is of.")
    mount_accessor: str = param(help="Accessor of the auth mount.")
    name: str = param(help="What the auth mount calls the entity.")
    custom_metadata: Pairs = param(factory=dict, help="Texts of your own, by key.")


def write(call: SystemCall, args: AliasArgs) -> Result:
    """Make an alias, or change the one with that id, or with that mount and name."""
    store, namespace_id = call.world.identity, call.namespace.id
    canonical_id = args.canonical_id or args.entity_id
    check_custom_metadata(args.custom_metadata)
    if args.id:
        alias = settled(_alias(call, args.id) or refuse("invalid alias ID provided"))
        if not (args.mount_accessor or args.name or canonical_id or "custom_metadata" in call.given):
            return None
        custom = args.custom_metadata if "custom_metadata" in call.given else alias.custom_metadata
        wanted = msgspec.structs.replace(
            alias,
            name=args.name or alias.name,
            mount_accessor=args.mount_accessor or alias.mount_accessor,
            custom_metadata=custom,
        )
        return _update(call, alias, wanted, canonical_id)
    if not args.mount_accessor or not args.name:
        refuse("'id' or 'mount_accessor' and 'name' must be provided")
    mounted = _mount(call, args.mount_accessor)
    if mounted.namespace.id != namespace_id:
        refuse("matching mount is in a different namespace than request", 403)
    entity = store.entity_of_alias(args.mount_accessor, args.name)
    if entity is None:
        return _create(call, args, canonical_id, mounted)
    alias = _of_factors(entity, args.mount_accessor, args.name)
    wanted = msgspec.structs.replace(alias, name=args.name, custom_metadata=args.custom_metadata)
    return _update(call, alias, wanted, canonical_id)


def read(call: SystemCall, args: AliasArgs) -> Result:
    """The alias with that id."""
    found = _alias(call, args.id)
    return None if found is None else shown.alias_shown(call, found)


def delete(call: SystemCall, args: AliasArgs) -> None:
    """Delete the alias with that id, if there is one; its entity stays."""
    alias = _alias(call, args.id)
    entity = call.world.identity.entity_of_alias_id(args.id)
    if alias is None or entity is None:
        return
    left = tuple(other for other in entity.aliases if other.id != alias.id)
    call.world.identity.put_entity(settled(msgspec.structs.replace(entity, aliases=left)))


def list_ids(call: SystemCall, _args: NoArgs) -> Result:
    """The ids of all aliases of entities."""
    entities = call.world.identity.entities(call.namespace.id)
    return shown.list_aliases(call, (alias for entity in entities for alias in entity.aliases))


def check_custom_metadata(metadata: Mapping[str, str]) -> None:
    """Raise Failure with all that is wrong with it."""
    faults: list[str] = []
    if len(metadata) > _MAX_KEYS:
        faults = [f"{_FAULT}: payload must contain at most {_MAX_KEYS} keys, provided {len(metadata)}"]
    else:
        for key, value in metadata.items():
            faults += _faults(key, value)
    if faults:
        raise Failure(*faults)


def _faults(key: str, value: str) -> list[str]:
    faults: list[str] = []
    size = len(key.encode())
    if not 0 < size <= _MAX_KEY:
        faults.append(f"{_FAULT}: length of key {quote(key)} is {size} but must be 0 < len(key) <= {_MAX_KEY}")
    size = len(value.encode())
    if not 0 < size <= _MAX_VALUE:
        faults.append(
            f"{_FAULT}: length of value for key {quote(key)} is {size} but must be 0 < len(value) <= {_MAX_VALUE}"
        )
    if not key.isprintable():
        faults.append(f"{_FAULT}: key {quote(key)} ({key}) contains unprintable characters")
    if not value.isprintable():
        faults.append(f"{_FAULT}: value for key {quote(key)} contains unprintable characters")
    return faults


def _alias(call: SystemCall, alias_id: str) -> EntityAlias | None:
    entity = call.world.identity.entity_of_alias_id(alias_id)
    if entity is None or entity.namespace_id != call.namespace.id:
        return None
    return next((alias for alias in entity.aliases if alias.id == alias_id), None)


def _mount(call: SystemCall, accessor: str) -> Mounted:
    found = call.world.mounts.by_accessor(accessor)
    return found or refuse(f"invalid mount accessor {quote(accessor)}")


def _of_factors(entity: Entity, accessor: str, name: str) -> EntityAlias:
    wanted = accessor, name.lower()
    return next(alias for alias in entity.aliases if (alias.mount_accessor, alias.name.lower()) == wanted)


def _create(call: SystemCall, args: AliasArgs, canonical_id: str, mounted: Mounted) -> Result:
    store, namespace_id = call.world.identity, call.namespace.id
    if canonical_id:
        entity = settled(store.entity_by_id(namespace_id, canonical_id) or refuse("invalid canonical ID"))
    else:
        entity = store.new_entity(namespace_id)
    if any(alias.mount_accessor == args.mount_accessor for alias in entity.aliases):
        refuse("Alias already exists for requested entity and mount accessor")
    now = call.clock.now_ns()
    alias = EntityAlias(
        id=store.new_id(namespace_id),
        name=args.name,
        canonical_id=entity.id,
        mount_accessor=args.mount_accessor,
        custom_metadata=args.custom_metadata,
        creation_time=now,
        last_update_time=now,
        namespace_id=namespace_id,
        local=mounted.entry.local,
    )
    store.put_entity(msgspec.structs.replace(entity, aliases=(*entity.aliases, alias)))
    return {"id": alias.id, "canonical_id": entity.id}


def _update(call: SystemCall, alias: EntityAlias, wanted: EntityAlias, canonical_id: str) -> Result:
    store = call.world.identity
    moving = canonical_id not in ("", alias.canonical_id)
    renamed = (wanted.name, wanted.mount_accessor) != (alias.name, alias.mount_accessor)
    other_metadata = dict(wanted.custom_metadata or {}) != dict(alias.custom_metadata or {})
    if not (moving or renamed or other_metadata):
        return None
    entity = store.entity_of_alias_id(alias.id) or refuse("given alias is not associated with an entity")
    if wanted.mount_accessor != alias.mount_accessor and not moving:
        _check_free(
            entity,
            wanted.mount_accessor,
            "Alias cannot be updated as the entity already has an alias for the given 'mount_accessor' ",
        )
    if renamed or other_metadata:
        mounted = _mount(call, wanted.mount_accessor)
        if mounted.namespace.id != alias.namespace_id:
            refuse("given mount accessor is not in the same namespace as the existing alias", 403)
        owner = store.entity_of_alias(wanted.mount_accessor, wanted.name)
        if owner is not None and _of_factors(owner, wanted.mount_accessor, wanted.name).id != alias.id:
            refuse("alias with combination of mount accessor and name already exists")
    else:
        wanted = msgspec.structs.replace(wanted, custom_metadata=alias.custom_metadata)
    found = call.world.mounts.by_accessor(wanted.mount_accessor)
    if found is None:
        raise Failure(f"invalid mount accessor {quote(wanted.mount_accessor)}")
    wanted = msgspec.structs.replace(wanted, last_update_time=call.clock.now_ns(), local=found.entry.local)
    if moving:
        return _move(call, entity, wanted, canonical_id)
    aliases = tuple(wanted if other.id == alias.id else settled(other) for other in entity.aliases)
    store.put_entity(msgspec.structs.replace(settled(entity), aliases=aliases))
    return {"id": alias.id, "canonical_id": entity.id}


def _move(call: SystemCall, entity: Entity, alias: EntityAlias, canonical_id: str) -> Result:
    """Give an alias to another entity."""
    store = call.world.identity
    if alias.local:
        refuse("local aliases can't be moved between entities")
    target = store.entity_by_id(entity.namespace_id, canonical_id)
    if target is None:
        refuse("given 'canonical_id' is not associated with an entity")
    _check_free(
        target,
        alias.mount_accessor,
        "Alias cannot be updated as the given entity already has an alias for this mount ",
    )
    left = tuple(other for other in entity.aliases if other.id != alias.id)
    store.put_entity(settled(msgspec.structs.replace(entity, aliases=left)))
    moved = msgspec.structs.replace(alias, canonical_id=target.id)
    target = settled(target)
    store.put_entity(msgspec.structs.replace(target, aliases=(*target.aliases, moved)))
    return {"id": alias.id, "canonical_id": target.id}


def _check_free(entity: Entity, accessor: str, text: str) -> None:
    if any(alias.mount_accessor == accessor for alias in entity.aliases):
        refuse(text)


_OLD = ("id", "entity_id", "mount_accessor", "name")


def _spelled(name: str, *, only: tuple[str, ...] = ()) -> tuple[Path[Any, Any], ...]:
    """The paths of aliases below one of their spellings."""
    return (
        Path(name, AliasArgs, "Make an alias of an entity.", only=only, write=write),
        Path(f"{name}/id/?", NoArgs, "List aliases of entities by id.", list=list_ids),
        Path(
            f"{name}/id/{{id}}",
            AliasArgs,
            "Manage an alias of an entity by id.",
            only=only,
            read=read,
            write=write,
            delete=delete,
        ),
    )


@dataclass(frozen=True, kw_only=True)
class PersonaArgs(EntityArgs, AliasArgs):
    """A persona: reading and deleting take it for an alias, writing for an entity, as in the real server."""


PATHS: tuple[Path[Any, Any], ...] = (
    *_spelled("entity-alias"),
    *_spelled("alias", only=_OLD),
    Path("persona/id/?", NoArgs, "List aliases of entities by id, at an older path.", list=list_ids),
    Path(
        "persona/id/{id}",
        PersonaArgs,
        "Manage an alias of an entity by id, at an older path.",
        only=("id", "name", "metadata"),
        read=read,
        write=write_entity,
        delete=delete,
    ),
)
