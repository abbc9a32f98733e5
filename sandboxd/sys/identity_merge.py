"""`identity/entity/merge`: making one entity of several."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from sandboxd.sys import identity_shown as shown
from sandboxd.vault.errors import listed, refuse
from sandboxd.vault.framework.backend import Path, Response, Result
from sandboxd.vault.framework.fields import CommaList, param
from sandboxd.vault.identity import Entity, EntityAlias, Group, settled
from sandboxd.vault.system import SystemCall


@dataclass(frozen=True, kw_only=True)
class MergeArgs:
    """Which entities become which."""

    from_entity_ids: CommaList = param((), "Ids of the entities that end in the other one.")
    to_entity_id: str = param(help="Id of the entity that stays.")
    conflicting_alias_ids_to_keep: CommaList = param(
        (), "Where both have an alias at the same mount: ids of the aliases to keep."
    )
    force: bool = param(False, "Keep the MFA secrets of the entity that stays, where both have some.")


_CLASHES = (
    "toEntity and at least one fromEntity have aliases with the same mount accessor, "
    "repeat the merge request specifying exactly one fromEntity, clashes: "
)


class _Clash(NamedTuple):
    """Aliases of the entity that stays and of one that goes, at the same mount."""

    stays: EntityAlias
    goes: EntityAlias
    leaving: Entity


class _Clashes(msgspec.Struct):
    """The body of a refusal that tells which aliases clash."""

    errors: list[str]
    data: list[dict[str, str]]


def merge(call: SystemCall, args: MergeArgs) -> Result:
    """Merge entities into one, which gets their aliases and their places in groups."""
    if not args.to_entity_id:
        refuse("missing entity id to merge to")
    if not args.from_entity_ids:
        refuse("missing entity ids to merge from")
    store, namespace_id = call.world.identity, call.namespace.id
    target = store.entity_by_id(namespace_id, args.to_entity_id) or refuse("entity id to merge to is invalid")
    keep = args.conflicting_alias_ids_to_keep
    if len(args.from_entity_ids) > 1 and len(keep) > 1:
        refuse("aliases conflicts cannot be resolved with multiple from entity ids - merge one entity at a time")
    leaving = [_leaving(call, target, entity_id) for entity_id in shown.without_repeats(args.from_entity_ids)]
    if not keep:
        clashes = list(_clashes(target, leaving))
        if clashes:
            return _clash_answer(call, target, clashes)
    merged = settled(target)
    groups: list[Group] = []
    for entity in map(settled, leaving):
        merged = _joined(merged, entity, keep)
        for group in store.direct_groups(entity.id):
            left = tuple(member for member in group.member_entity_ids or () if member != entity.id)
            groups.append(store.put_group(msgspec.structs.replace(settled(group), member_entity_ids=left)))
        store.drop_entity(entity)
    store.put_entity(merged)
    for group in groups:
        members = (*(group.member_entity_ids or ()), merged.id)
        store.put_group(msgspec.structs.replace(group, member_entity_ids=members))
    return None


def _leaving(call: SystemCall, target: Entity, entity_id: str) -> Entity:
    if entity_id == target.id:
        refuse("to_entity_id should not be present in from_entity_ids")
    found = call.world.identity.entity_by_id(call.namespace.id, entity_id)
    return found or refuse("entity id to merge from is invalid")


def _clashes(target: Entity, leaving: list[Entity]) -> Iterator[_Clash]:
    owners: dict[str, str] = {}
    for entity in leaving:
        for stays in target.aliases:
            for goes in entity.aliases:
                if owners.setdefault(goes.mount_accessor, entity.id) != entity.id:
                    refuse(
                        f"mount accessor {goes.mount_accessor} found in multiple fromEntities, "
                        "merge should be done with one fromEntity at a time"
                    )
                if stays.mount_accessor == goes.mount_accessor:
                    yield _Clash(stays, goes, entity)


def _clash_answer(call: SystemCall, target: Entity, clashes: list[_Clash]) -> Response:
    """The refusal of a merge whose aliases clash: unlike any other, it has data."""
    texts = [_CLASHES]
    data: list[dict[str, str]] = []
    for clash in clashes:
        texts.append(
            f"mountAccessor: {clash.stays.mount_accessor}, toEntity ID: {target.id}, "
            f"fromEntity ID: {clash.leaving.id}, conflicting toEntity alias ID: {clash.stays.id}, "
            f"conflicting fromEntity alias ID: {clash.goes.id}"
        )
        for entity, alias in ((target, clash.stays), (clash.leaving, clash.goes)):
            mount = shown.mount_of(call, alias.mount_accessor)
            data.append(
                {
                    "alias": alias.name,
                    "entity": entity.name,
                    "entity_id": entity.id,
                    "mount": mount.get("mount_type", ""),
                    "mount_path": mount.get("mount_path", ""),
                }
            )
    return Response(data=_Clashes(errors=[listed(texts)], data=data), status=400, bare=True)


def _joined(target: Entity, leaving: Entity, keep: tuple[str, ...]) -> Entity:
    """The entity that stays with what the leaving one brings. Raises Refusal for a clash that nobody decided."""
    aliases = list(target.aliases)
    for goes in leaving.aliases:
        clashing = [alias for alias in target.aliases if alias.mount_accessor == goes.mount_accessor]
        kept_instead = False
        for stays in clashing:
            if stays.id in keep:
                kept_instead = True
            elif goes.id in keep:
                aliases[aliases.index(stays)] = msgspec.structs.replace(stays, dropped=True)
            else:
                refuse(
                    "conflicting mount accessors in following alias IDs and neither were present in "
                    f"conflicting_alias_ids_to_keep: {goes.id}, {stays.id}"
                )
        if not kept_instead:
            origin = (*(goes.merged_from_canonical_ids or ()), leaving.id)
            aliases.append(msgspec.structs.replace(goes, canonical_id=target.id, merged_from_canonical_ids=origin))
    merged = (*(target.merged_entity_ids or ()), *(leaving.merged_entity_ids or ()), leaving.id)
    return msgspec.structs.replace(target, aliases=tuple(aliases), merged_entity_ids=merged)


PATHS: tuple[Path[Any, Any], ...] = (Path("entity/merge/?", MergeArgs, "Merge entities into one.", write=merge),)
