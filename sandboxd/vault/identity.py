"""Identity: who is behind the tokens.

An **entity** is one person or program; its **aliases** are its names at auth methods. **Groups** collect entities and
other groups; an **external** group has an alias too, and its members come from an auth method. Entities and groups
carry policies, which come on top of those of the token. Each namespace has entities and groups of its own. Names are
told apart whatever the case of their letters. Moments are nanoseconds since 1970.

Where a value may be None, the real server tells "never set" (null) from "set to nothing", and forgets the difference
when the object is next changed: `settled` does the same.
"""

from collections.abc import Iterable, Mapping
from typing import TypeVar

import msgspec

from sandboxd.vault.clock import Clock
from sandboxd.vault.entropy import Entropy
from sandboxd.vault.framework.backend import Alias
from sandboxd.vault.namespaces import ROOT_ID
from sandboxd.vault.storage import Storage, View


class EntityAlias(msgspec.Struct, frozen=True, kw_only=True):
    """A name of an entity, or of an external group, at one auth mount."""

    id: str
    name: str
    canonical_id: str
    mount_accessor: str
    metadata: Mapping[str, str] | None = None
    custom_metadata: Mapping[str, str] | None = None
    creation_time: int = 0
    last_update_time: int = 0
    namespace_id: str = ROOT_ID
    local: bool = False
    merged_from_canonical_ids: tuple[str, ...] | None = None
    # Given up in a merge. The real server leaves it on its entity, unknown otherwise, until the entity changes again.
    dropped: bool = False


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
    merged_entity_ids: tuple[str, ...] | None = None
    namespace_id: str = ROOT_ID


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A set of entities and groups."""

    id: str
    name: str
    type: str = "internal"
    policies: tuple[str, ...] | None = None
    metadata: Mapping[str, str] | None = None
    member_entity_ids: tuple[str, ...] | None = None
    parent_group_ids: tuple[str, ...] | None = None
    alias: EntityAlias | None = None
    creation_time: int = 0
    last_update_time: int = 0
    modify_index: int = 0
    namespace_id: str = ROOT_ID


Record = TypeVar("Record", Entity, Group, EntityAlias)


def settled(record: Record) -> Record:
    """The record with what is empty made None, as the real server's copies have it."""
    empty = {
        name: None
        for name in record.__struct_fields__
        if name != "aliases" and getattr(record, name) in ((), {}) and _nullable(record, name)
    }
    changed = msgspec.structs.replace(record, **empty) if empty else record
    if isinstance(changed, EntityAlias) and changed.dropped:
        return msgspec.structs.replace(changed, dropped=False)
    if isinstance(changed, Entity) and changed.aliases:
        return msgspec.structs.replace(changed, aliases=tuple(map(settled, changed.aliases)))
    if isinstance(changed, Group) and changed.alias is not None:
        return msgspec.structs.replace(changed, alias=settled(changed.alias))
    return changed


def _nullable(record: Record, name: str) -> bool:
    return not (isinstance(record, Entity) and name == "policies")


class Identity:
    """The identity store. `generation` grows with every change, so that what was derived can tell when it is stale."""

    def __init__(self, storage: Storage, clock: Clock, entropy: Entropy, profile: str) -> None:
        self._entities = View(storage, "core/identity/entity/")
        self._groups = View(storage, "core/identity/group/")
        self._clock = clock
        self._entropy = entropy
        self._profile = profile
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
        self._group_by_alias: dict[tuple[str, str], str] = {}
        self._group_alias_ids: dict[str, str] = {}
        self._groups_by_member: dict[str, set[str]] = {}
        self._groups_by_parent: dict[str, set[str]] = {}
        for entity in self.entities():
            self._index_entity(entity)
        for group in self.groups():
            self._index_group(group)

    # What is new

    def new_id(self, namespace_id: str) -> str:
        """A fresh id for something in a namespace."""
        fresh = self._entropy.uuid()
        return fresh if namespace_id == ROOT_ID else f"{fresh}.{namespace_id}"

    def new_name(self, kind: str, namespace_id: str) -> str:
        """A fresh name for an `entity` or a `group`."""
        taken = self._entity_names if kind == "entity" else self._group_names
        while True:
            name = f"{kind}_{self._entropy.bytes(4).hex()}"
            if self._profile == "openbao":
                name = f"{name}.{namespace_id}"
            if (namespace_id, name.lower()) not in taken:
                return name

    def new_entity(self, namespace_id: str, name: str = "") -> Entity:
        """An entity that is not kept yet."""
        now = self._clock.now_ns()
        return Entity(
            id=self.new_id(namespace_id),
            name=name or self.new_name("entity", namespace_id),
            creation_time=now,
            last_update_time=now,
            namespace_id=namespace_id,
        )

    # Entities

    def entities(self, namespace_id: str = "") -> list[Entity]:
        """All entities, or those of a namespace, by id."""
        found = (self._entities.get(name, Entity) for name in self._entities.list())
        return [entity for entity in found if entity is not None and namespace_id in ("", entity.namespace_id)]

    def entity(self, entity_id: str) -> Entity | None:
        """The entity with that id, or the one that it was merged into."""
        found = self._entities.get(entity_id, Entity) if entity_id else None
        if found is None and entity_id in self._merged:
            return self.entity(self._merged[entity_id])
        return found

    def entity_by_id(self, namespace_id: str, entity_id: str) -> Entity | None:
        """The entity of a namespace with just that id."""
        found = self._entities.get(entity_id, Entity) if entity_id and not entity_id.endswith("/") else None
        return found if found is not None and found.namespace_id == namespace_id else None

    def entity_named(self, namespace_id: str, name: str) -> Entity | None:
        """The entity with that name (in any case of letters)."""
        return self._entity_at(self._entity_names.get((namespace_id, name.lower())))

    def entity_of_alias(self, mount_accessor: str, name: str) -> Entity | None:
        """The entity that an auth mount knows by that name (in any case of letters)."""
        return self._entity_at(self._by_alias.get((mount_accessor, name.lower())))

    def entity_of_alias_id(self, alias_id: str) -> Entity | None:
        """The entity that has the alias with that id."""
        return self._entity_at(self._alias_ids.get(alias_id))

    def put_entity(self, entity: Entity) -> None:
        """Keep an entity, new or changed."""
        self._unindex_entity(entity.id)
        self._entities.put(entity.id, entity)
        self._index_entity(entity)
        self.generation += 1

    def delete_entity(self, entity: Entity) -> None:
        """Forget an entity; groups lose the member."""
        for group in self.direct_groups(entity.id):
            left = tuple(member for member in group.member_entity_ids or () if member != entity.id)
            self.put_group(msgspec.structs.replace(settled(group), member_entity_ids=left))
        self.drop_entity(entity)

    def drop_entity(self, entity: Entity) -> None:
        """Forget an entity, and leave the groups as they are."""
        self._unindex_entity(entity.id)
        self._entities.delete(entity.id)
        self.generation += 1

    def clear(self, namespace_id: str) -> None:
        """Forget all entities and groups of a namespace."""
        for group in self.groups(namespace_id):
            self.delete_group(group)
        for entity in self.entities(namespace_id):
            self.drop_entity(entity)

    def login(self, alias: Alias, *, namespace_id: str, accessor: str, local: bool = False) -> Entity:
        """The entity behind a login, made when the alias is new; the alias gets the metadata that the login brought."""
        now = self._clock.now_ns()
        metadata = dict(alias.metadata) or None
        entity = self.entity_of_alias(accessor, alias.name)
        if entity is None:
            made = self.new_entity(namespace_id)
            found = EntityAlias(
                id=self.new_id(namespace_id),
                name=alias.name,
                canonical_id=made.id,
                mount_accessor=accessor,
                metadata=metadata,
                creation_time=now,
                last_update_time=now,
                namespace_id=namespace_id,
                local=local,
            )
            made = msgspec.structs.replace(made, aliases=(found,))
            self.put_entity(made)
            return made
        for index, known in enumerate(entity.aliases):
            same = (known.mount_accessor, known.name) == (accessor, alias.name)
            if same and (known.metadata or None) != metadata:
                changed = msgspec.structs.replace(settled(known), metadata=metadata, last_update_time=now)
                aliases = (*entity.aliases[:index], changed, *entity.aliases[index + 1 :])
                entity = msgspec.structs.replace(settled(entity), aliases=aliases)
                self.put_entity(entity)
                break
        return entity

    # Groups

    def groups(self, namespace_id: str = "") -> list[Group]:
        """All groups, or those of a namespace, by id."""
        found = (self._groups.get(name, Group) for name in self._groups.list())
        return [group for group in found if group is not None and namespace_id in ("", group.namespace_id)]

    def group(self, group_id: str) -> Group | None:
        """The group with that id."""
        return self._groups.get(group_id, Group) if group_id and not group_id.endswith("/") else None

    def group_by_id(self, namespace_id: str, group_id: str) -> Group | None:
        """The group of a namespace with that id."""
        found = self.group(group_id)
        return found if found is not None and found.namespace_id == namespace_id else None

    def group_named(self, namespace_id: str, name: str) -> Group | None:
        """The group with that name (in any case of letters)."""
        return self.group(self._group_names.get((namespace_id, name.lower()), ""))

    def group_of_alias(self, mount_accessor: str, name: str) -> Group | None:
        """The external group that an auth mount knows by that name (in any case of letters)."""
        return self.group(self._group_by_alias.get((mount_accessor, name.lower()), ""))

    def group_of_alias_id(self, alias_id: str) -> Group | None:
        """The external group that has the alias with that id."""
        return self.group(self._group_alias_ids.get(alias_id, ""))

    def put_group(self, group: Group) -> Group:
        """Keep a group, new or changed; each time counts in its `modify_index`."""
        kept = msgspec.structs.replace(group, modify_index=group.modify_index + 1)
        self._unindex_group(kept.id)
        self._groups.put(kept.id, kept)
        self._index_group(kept)
        self.generation += 1
        return kept

    def delete_group(self, group: Group) -> None:
        """Forget a group; its members still name it as their parent."""
        self._unindex_group(group.id)
        self._groups.delete(group.id)
        self.generation += 1

    def member_groups(self, group_id: str) -> list[Group]:
        """The groups that are members of a group, by id."""
        return self._found(self._groups_by_parent.get(group_id, ()))

    def direct_groups(self, entity_id: str) -> list[Group]:
        """The groups that an entity is in by itself, by id."""
        return self._found(self._groups_by_member.get(entity_id, ()))

    def groups_of(self, entity_id: str) -> list[Group]:
        """The groups that an entity is in: by itself, by id, and then those through other groups, by id."""
        direct = self.direct_groups(entity_id)
        seen = {group.id for group in direct}
        inherited: set[str] = set()
        fresh = list(direct)
        while fresh:
            for parent_id in fresh.pop().parent_group_ids or ():
                parent = self.group(parent_id)
                if parent is not None and parent_id not in seen:
                    seen.add(parent_id)
                    inherited.add(parent_id)
                    fresh.append(parent)
        return [*direct, *self._found(inherited)]

    def refresh_external_groups(self, entity_id: str, aliases: Iterable[Alias], accessor: str) -> None:
        """Make the entity a member of just those external groups of the auth mount that the login named."""
        named = {group.id for alias in aliases if (group := self.group_of_alias(accessor, alias.name)) is not None}
        for group_id in sorted(named):
            group = self.group(group_id)
            if group is not None and group.type == "external" and entity_id not in (group.member_entity_ids or ()):
                members = (*(group.member_entity_ids or ()), entity_id)
                self.put_group(msgspec.structs.replace(settled(group), member_entity_ids=members))
        for group in self.direct_groups(entity_id):
            if group.id in named or group.type != "external":
                continue
            if group.alias is not None and group.alias.mount_accessor != accessor:
                continue
            left = tuple(member for member in group.member_entity_ids or () if member != entity_id)
            self.put_group(msgspec.structs.replace(settled(group), member_entity_ids=left))

    def policies(self, entity: Entity) -> dict[str, tuple[str, ...]]:
        """The names of the policies that an entity and its groups bring, by the id of the policies' namespace."""
        found: dict[str, list[str]] = {}
        if entity.policies:
            found[entity.namespace_id] = list(entity.policies)
        for group in self.groups_of(entity.id):
            if group.policies:
                found.setdefault(group.namespace_id, []).extend(group.policies)
        return {namespace_id: tuple(dict.fromkeys(names)) for namespace_id, names in found.items()}

    # Indexes

    def _entity_at(self, entity_id: str | None) -> Entity | None:
        return self._entities.get(entity_id, Entity) if entity_id else None

    def _found(self, group_ids: Iterable[str]) -> list[Group]:
        return [group for group_id in sorted(group_ids) if (group := self.group(group_id)) is not None]

    def _index_entity(self, entity: Entity) -> None:
        self._entity_names[entity.namespace_id, entity.name.lower()] = entity.id
        for alias in entity.aliases:
            if not alias.dropped:
                self._by_alias[alias.mount_accessor, alias.name.lower()] = entity.id
                self._alias_ids[alias.id] = entity.id
        for merged in entity.merged_entity_ids or ():
            self._merged[merged] = entity.id

    def _unindex_entity(self, entity_id: str) -> None:
        old = self._entities.get(entity_id, Entity)
        if old is None:
            return
        _drop(self._entity_names, (old.namespace_id, old.name.lower()), entity_id)
        for alias in old.aliases:
            _drop(self._by_alias, (alias.mount_accessor, alias.name.lower()), entity_id)
            _drop(self._alias_ids, alias.id, entity_id)
        for merged in old.merged_entity_ids or ():
            _drop(self._merged, merged, entity_id)

    def _index_group(self, group: Group) -> None:
        self._group_names[group.namespace_id, group.name.lower()] = group.id
        if group.alias is not None:
            self._group_by_alias[group.alias.mount_accessor, group.alias.name.lower()] = group.id
            self._group_alias_ids[group.alias.id] = group.id
        for member in group.member_entity_ids or ():
            self._groups_by_member.setdefault(member, set()).add(group.id)
        for parent in group.parent_group_ids or ():
            self._groups_by_parent.setdefault(parent, set()).add(group.id)

    def _unindex_group(self, group_id: str) -> None:
        old = self._groups.get(group_id, Group)
        if old is None:
            return
        _drop(self._group_names, (old.namespace_id, old.name.lower()), group_id)
        if old.alias is not None:
            _drop(self._group_by_alias, (old.alias.mount_accessor, old.alias.name.lower()), group_id)
            _drop(self._group_alias_ids, old.alias.id, group_id)
        for member in old.member_entity_ids or ():
            self._groups_by_member.get(member, set()).discard(group_id)
        for parent in old.parent_group_ids or ():
            self._groups_by_parent.get(parent, set()).discard(group_id)


Key = TypeVar("Key")


def _drop(index: dict[Key, str], key: Key, owner: str) -> None:
    if index.get(key) == owner:
        del index[key]
