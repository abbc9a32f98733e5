"""How entities, groups and their aliases are shown, and what all paths of `identity/` share.

Source: OpenBao's identity store, for the order and the texts of the checks.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from sandboxd.vault.durations import rfc3339
from sandboxd.vault.errors import fail
from sandboxd.vault.framework.backend import Response, Result
from sandboxd.vault.gotext import quote
from sandboxd.vault.identity import Entity, EntityAlias, Group
from sandboxd.vault.system import SystemCall

_MAX_PAIRS, _MAX_KEY, _MAX_VALUE = 64, 128, 512
_KEY = re.compile(r"[a-zA-Z0-9=/+_-]+\Z")
_RESERVED = "vault-"


def check_metadata(metadata: Mapping[str, str] | None, what: str) -> None:
    """Raise Failure for metadata that an entity, a group or an alias can't have."""
    found = _fault(metadata or {})
    if found:
        fail(f"invalid {what} metadata: {found}")


def _fault(metadata: Mapping[str, str]) -> str:
    if len(metadata) > _MAX_PAIRS:
        return f"metadata cannot contain more than {_MAX_PAIRS} key/value pairs"
    for key, value in metadata.items():
        fault = _pair_fault(key, value)
        if fault:
            return f"failed to load metadata pair ({quote(key)}, {quote(value)}): {fault}"
    return ""


def _pair_fault(key: str, value: str) -> str:
    if not key:
        return "key cannot be blank"
    if not _KEY.match(key):
        return "key contains invalid characters"
    if len(key) > _MAX_KEY:
        return f"key is too long (limit: {_MAX_KEY} characters)"
    if key.startswith(_RESERVED):
        return f"key prefix {quote(_RESERVED)} is reserved for internal use"
    if len(value.encode()) > _MAX_VALUE:
        return f"value is too long (limit: {_MAX_VALUE} characters)"
    return ""


def unique_policies(names: Iterable[str]) -> tuple[str, ...]:
    """Policy names in lower case, sorted, each once."""
    return tuple(sorted({name.strip().lower() for name in names} - {""}))


def without_repeats(items: Iterable[str]) -> tuple[str, ...]:
    """Texts without blanks around them, sorted, each once."""
    return tuple(sorted({item.strip() for item in items} - {""}))


def mount_of(call: SystemCall, accessor: str) -> dict[str, Any]:
    """The path and type of the mount with that accessor; nothing when it is gone."""
    found = call.world.mounts.by_accessor(accessor)
    return {} if found is None else {"mount_path": found.entry.route, "mount_type": found.entry.type}


class Labels:
    """The paths and types of mounts, as a list shows them.

    Of a mount that is gone the real server says nothing at first, and shows empty texts from its second alias on.
    """

    def __init__(self, call: SystemCall) -> None:
        self._call = call
        self._gone: set[str] = set()

    def of(self, accessor: str) -> dict[str, Any]:
        """The path and type of the mount with that accessor."""
        found = mount_of(self._call, accessor)
        if not found and accessor in self._gone:
            return {"mount_path": "", "mount_type": ""}
        if not found:
            self._gone.add(accessor)
        return found


def listed(keys: list[str], info: Mapping[str, Any]) -> Result:
    """The answer to a LIST: keys, and what there is to say of them."""
    if not keys:
        return {}
    shown = {key: info[key] for key in keys if key in info}
    return {"keys": keys, "key_info": shown} if shown else {"keys": keys}


def alias_in_list(labels: Labels, alias: EntityAlias) -> dict[str, Any]:
    """An alias as the list of its entities or groups shows it."""
    return {
        "id": alias.id,
        "name": alias.name,
        "mount_accessor": alias.mount_accessor,
        **labels.of(alias.mount_accessor),
    }


def list_aliases(call: SystemCall, aliases: Iterable[EntityAlias]) -> Result:
    """The answer to a LIST of aliases."""
    labels = Labels(call)
    info = {
        alias.id: {
            "name": alias.name,
            "canonical_id": alias.canonical_id,
            "mount_accessor": alias.mount_accessor,
            "custom_metadata": alias.custom_metadata,
            "metadata": alias.metadata,
            "local": alias.local,
            **labels.of(alias.mount_accessor),
        }
        for alias in sorted(aliases, key=lambda alias: alias.id)
        if not alias.dropped
    }
    return listed(list(info), info)


def alias_shown(call: SystemCall, alias: EntityAlias) -> dict[str, Any]:
    """An alias as it is read by its id."""
    return {
        **_alias_core(call, alias),
        "custom_metadata": alias.custom_metadata,
        "namespace_id": alias.namespace_id,
        "local": alias.local,
    }


def _alias_core(call: SystemCall, alias: EntityAlias) -> dict[str, Any]:
    return {
        "id": alias.id,
        "canonical_id": alias.canonical_id,
        "mount_accessor": alias.mount_accessor,
        "metadata": alias.metadata,
        "name": alias.name,
        "merged_from_canonical_ids": alias.merged_from_canonical_ids,
        "creation_time": rfc3339(alias.creation_time),
        "last_update_time": rfc3339(alias.last_update_time),
        **mount_of(call, alias.mount_accessor),
    }


def entity_shown(call: SystemCall, entity: Entity) -> Response:
    """An entity as it is read."""
    store = call.world.identity
    direct = [group.id for group in store.direct_groups(entity.id)]
    inherited = [group.id for group in store.groups_of(entity.id)[len(direct) :]]
    data: dict[str, Any] = {
        "id": entity.id,
        "name": entity.name,
        "metadata": entity.metadata,
        "merged_entity_ids": entity.merged_entity_ids,
        "policies": entity.policies,
        "disabled": entity.disabled,
        "namespace_id": entity.namespace_id,
        "creation_time": rfc3339(entity.creation_time),
        "last_update_time": rfc3339(entity.last_update_time),
        "aliases": [
            {**_alias_core(call, alias), "local": alias.local, "custom_metadata": alias.custom_metadata}
            for alias in entity.aliases
        ],
        "direct_group_ids": direct,
        "inherited_group_ids": inherited,
        "group_ids": [*direct, *inherited],
    }
    if call.profile == "vault":
        data["mfa_secrets"] = {}  # from Vault's documentation
    return Response(data=data)


def group_shown(call: SystemCall, group: Group) -> Response:
    """A group as it is read."""
    members = [member.id for member in call.world.identity.member_groups(group.id)]
    return Response(
        data={
            "id": group.id,
            "name": group.name,
            "policies": group.policies,
            "member_entity_ids": group.member_entity_ids,
            "parent_group_ids": group.parent_group_ids,
            "metadata": group.metadata,
            "creation_time": rfc3339(group.creation_time),
            "last_update_time": rfc3339(group.last_update_time),
            "modify_index": group.modify_index,
            "type": group.type,
            "namespace_id": group.namespace_id,
            "alias": {} if group.alias is None else _alias_core(call, group.alias),
            "member_group_ids": members or None,
        }
    )
