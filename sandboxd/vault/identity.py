"""Identity: who is behind the tokens.

An **entity** is one person or program; its **aliases** are its names at auth methods. **Groups** collect entities and
other groups; an external group's members come from an auth method. Entities and groups carry policies, which come on
top of those of the token. Moments are nanoseconds since 1970.
"""

from collections.abc import Iterable, Mapping

import msgspec

from sandboxd.vault.clock import Clock
from sandboxd.vault.entropy import Entropy
from sandboxd.vault.framework.backend import Alias
from sandboxd.vault.storage import Storage, View


class EntityAlias(msgspec.Struct, frozen=True, kw_only=True):
    """A name of an entity at one auth mount."""

    id: str
    name: str
    canonical_id: str
    mount_accessor: str
    mount_type: str = ""
    mount_path: str = ""
    metadata: Mapping[str, str] | None = None
    custom_metadata: Mapping[str, str] | None = None
    creation_time: int = 0
    last_update_time: int = 0
    namespace_id: str = "root"
    local: bool = False
    merged_from_canonical_ids: tuple[str, ...] = ()


class Entity(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody, whatever method they log in by."""

    id: str
    name: str
    aliases: tuple[EntityAlias, ...] = ()
    policies: tuple[str, ...] = ()
    metadata: Mapping[str, str] | None = None
    disabled: bool = False
    creation_time: int = 0
    last_update_time: int = 0
    merged_entity_ids: tuple[str, ...] = ()
    namespace_id: str = "root"


class GroupAlias(msgspec.Struct, frozen=True, kw_only=True):
    """The name of an external group at one auth mount."""

    id: str
    name: str
    canonical_id: str
    mount_accessor: str
    mount_type: str = ""
    mount_path: str = ""
    metadata: Mapping[str, str] | None = None
    creation_time: int = 0
    last_update_time: int = 0


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A set of entities and groups."""

    id: str
    name: str
    type: str = "internal"
    policies: tuple[str, ...] = ()
    metadata: Mapping[str, str] | None = None
    member_entity_ids: tuple[str, ...] = ()
    member_group_ids: tuple[str, ...] = ()
    alias: GroupAlias | None = None
    creation_time: int = 0
    last_update_time: int = 0
    modify_index: int = 1
    namespace_id: str = "root"


class Identity:
    """The identity store. `generation` grows with every change, so that what was derived can tell when it is stale."""

    def __init__(self, storage: Storage, clock: Clock, entropy: Entropy) -> None:
        self._entities = View(storage, "core/identity/entity/")
        self._groups = View(storage, "core/identity/group/")
        self._clock = clock
        self._entropy = entropy
        self.generation = 0
        self.reload()

    def reload(self) -> None:
        """Read the storage again, after it was restored."""
        self.generation += 1
        self._by_alias: dict[tuple[str, str], str] = {}
        self._alias_ids: dict[str, str] = {}
        self._entity_names: dict[tuple[str, str], str] = {}
        self._merged: dict[str, str] = {}
        self._group_names: dict[tuple[str, str], str] = {}
        for entity in self.entities():
            self._index(entity)
        for group in self.groups():
            self._group_names[group.namespace_id, group.name.lower()] = group.id

    # Entities

    def entities(self) -> list[Entity]:
        """All entities, by id."""
        found = (self._entities.get(name, Entity) for name in self._entities.list())
        return [entity for entity in found if entity is not None]

    def entity(self, entity_id: str) -> Entity | None:
        """The entity with that id, or the one that it was merged into."""
        found = self._entities.get(entity_id, Entity) if entity_id else None
        if found is None and entity_id in self._merged:
            return self.entity(self._merged[entity_id])
        return found

    def entity_named(self, namespace_id: str, name: str) -> Entity | None:
        """The entity with that name (in any case of letters)."""
        return self.entity(self._entity_names.get((namespace_id, name.lower()), ""))

    def entity_of_alias(self, mount_accessor: str, name: str) -> Entity | None:
        """The entity that an auth mount knows by that name."""
        return self.entity(self._by_alias.get((mount_accessor, name), ""))

    def entity_of_alias_id(self, alias_id: str) -> Entity | None:
        """The entity that has the alias with that id."""
        return self.entity(self._alias_ids.get(alias_id, ""))

    def put_entity(self, entity: Entity) -> None:
        """Keep an entity, new or changed."""
        self._unindex(entity.id)
        self._entities.put(entity.id, entity)
        self._index(entity)
        self.generation += 1

    def delete_entity(self, entity: Entity) -> None:
        """Forget an entity; groups lose the member."""
        self._unindex(entity.id)
        self._entities.delete(entity.id)
        for group in self.groups():
            if entity.id in group.member_entity_ids:
                left = tuple(member for member in group.member_entity_ids if member != entity.id)
                self.put_group(msgspec.structs.replace(group, member_entity_ids=left))
        self.generation += 1

    def clear(self, namespace_id: str) -> None:
        """Forget all entities and groups of a namespace."""
        for entity in self.entities():
            if entity.namespace_id == namespace_id:
                self.delete_entity(entity)
        for group in self.groups():
            if group.namespace_id == namespace_id:
                self.delete_group(group)

    def login(
        self, alias: Alias, *, namespace_id: str, accessor: str, mount_type: str, mount_path: str, local: bool = False
    ) -> Entity:
        """The entity behind a login, made when the alias is new; the alias gets the metadata that the login brought."""
        now = self._clock.now_ns()
        entity = self.entity_of_alias(accessor, alias.name)
        if entity is None:
            entity_id = self._entropy.uuid()
            found = EntityAlias(
                id=self._entropy.uuid(),
                name=alias.name,
                canonical_id=entity_id,
                mount_accessor=accessor,
                mount_type=mount_type,
                mount_path=mount_path,
                metadata=dict(alias.metadata) or None,
                creation_time=now,
                last_update_time=now,
                namespace_id=namespace_id,
                local=local,
            )
            entity = Entity(
                id=entity_id,
                name=f"entity_{self._entropy.bytes(4).hex()}",
                aliases=(found,),
                creation_time=now,
                last_update_time=now,
                namespace_id=namespace_id,
            )
            self.put_entity(entity)
            return entity
        if alias.metadata:
            changed = tuple(
                msgspec.structs.replace(known, metadata=dict(alias.metadata), last_update_time=now)
                if (known.mount_accessor, known.name) == (accessor, alias.name) and known.metadata != alias.metadata
                else known
                for known in entity.aliases
            )
            if changed != entity.aliases:
                entity = msgspec.structs.replace(entity, aliases=changed)
                self.put_entity(entity)
        return entity

    # Groups

    def groups(self) -> list[Group]:
        """All groups, by id."""
        found = (self._groups.get(name, Group) for name in self._groups.list())
        return [group for group in found if group is not None]

    def group(self, group_id: str) -> Group | None:
        """The group with that id, or None."""
        return self._groups.get(group_id, Group) if group_id else None

    def group_named(self, namespace_id: str, name: str) -> Group | None:
        """The group with that name (in any case of letters)."""
        return self.group(self._group_names.get((namespace_id, name.lower()), ""))

    def put_group(self, group: Group) -> None:
        """Keep a group, new or changed."""
        old = self.group(group.id)
        if old is not None:
            self._group_names.pop((old.namespace_id, old.name.lower()), None)
        self._groups.put(group.id, group)
        self._group_names[group.namespace_id, group.name.lower()] = group.id
        self.generation += 1

    def delete_group(self, group: Group) -> None:
        """Forget a group; groups that held it lose it."""
        self._groups.delete(group.id)
        self._group_names.pop((group.namespace_id, group.name.lower()), None)
        for other in self.groups():
            if group.id in other.member_group_ids:
                left = tuple(member for member in other.member_group_ids if member != group.id)
                self.put_group(msgspec.structs.replace(other, member_group_ids=left))
        self.generation += 1

    def direct_groups(self, entity_id: str) -> list[Group]:
        """The groups that list the entity itself."""
        return [group for group in self.groups() if entity_id in group.member_entity_ids]

    def groups_of(self, entity_id: str) -> list[Group]:
        """The groups that an entity is in, by itself or through other groups."""
        known = self.groups()
        found = {group.id: group for group in known if entity_id in group.member_entity_ids}
        fresh = list(found)
        while fresh:
            child = fresh.pop()
            for group in known:
                if child in group.member_group_ids and group.id not in found:
                    found[group.id] = group
                    fresh.append(group.id)
        return [found[group_id] for group_id in sorted(found)]

    def refresh_external_groups(self, entity_id: str, aliases: Iterable[Alias], accessor: str) -> None:
        """Make the entity a member of just those external groups that the login named."""
        names = {alias.name for alias in aliases}
        for group in self.groups():
            if group.alias is None or group.alias.mount_accessor != accessor:
                continue
            member = entity_id in group.member_entity_ids
            if member and group.alias.name not in names:
                left = tuple(other for other in group.member_entity_ids if other != entity_id)
                self.put_group(msgspec.structs.replace(group, member_entity_ids=left))
            elif not member and group.alias.name in names:
                joined = (*group.member_entity_ids, entity_id)
                self.put_group(msgspec.structs.replace(group, member_entity_ids=joined))

    def policies(self, entity: Entity) -> dict[str, tuple[str, ...]]:
        """The names of the policies that an entity and its groups bring, by the id of the policies' namespace."""
        found: dict[str, list[str]] = {}
        if entity.policies:
            found[entity.namespace_id] = list(entity.policies)
        for group in self.groups_of(entity.id):
            if group.policies:
                found.setdefault(group.namespace_id, []).extend(group.policies)
        return {namespace_id: tuple(dict.fromkeys(names)) for namespace_id, names in found.items()}

    def _index(self, entity: Entity) -> None:
        self._entity_names[entity.namespace_id, entity.name.lower()] = entity.id
        for alias in entity.aliases:
            self._by_alias[alias.mount_accessor, alias.name] = entity.id
            self._alias_ids[alias.id] = entity.id
        for merged in entity.merged_entity_ids:
            self._merged[merged] = entity.id

    def _unindex(self, entity_id: str) -> None:
        old = self._entities.get(entity_id, Entity)
        if old is None:
            return
        self._entity_names.pop((old.namespace_id, old.name.lower()), None)
        for alias in old.aliases:
            if self._by_alias.get((alias.mount_accessor, alias.name)) == entity_id:
                del self._by_alias[alias.mount_accessor, alias.name]
            if self._alias_ids.get(alias.id) == entity_id:
                del self._alias_ids[alias.id]
