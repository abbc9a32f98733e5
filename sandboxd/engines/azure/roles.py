"""Roles: what a service principal is to be, or to which application a secret is added."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import msgspec

from sandboxd.engines.azure.config import Config, NoArgs, connected, load
from sandboxd.vault.errors import Failure, Refusal, refuse
from sandboxd.vault.framework.backend import Call, Result
from sandboxd.vault.framework.fields import CommaList, Duration, Lower, param
from sandboxd.vault.framework.records import only, update

AUDIENCES = ("AzureADMyOrg", "AzureADMultipleOrgs", "AzureADandPersonalMicrosoftAccount", "PersonalMicrosoftAccount")
BUILT_IN = {
    "Contributor": "b24988ac-6180-42a0-ab88-20f7382dd24c",
    "Owner": "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
    "Reader": "acdd72a7-3385-48ef-bd42-f606fba81ae7",
    "User Access Administrator": "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
}
"""Roles that every subscription has, with their documented ids."""


class AzureRole(msgspec.Struct, frozen=True, kw_only=True):
    """A role of Azure that a service principal gets in a scope."""

    role_name: str = ""
    role_id: str = ""
    scope: str = ""


class AzureGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A group of Azure that a service principal joins."""

    group_name: str = ""
    object_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Role:
    """What a service principal is to be, as stored. Times are in seconds."""

    application_object_id: str = param("", "Application that exists already, to which secrets are added.")
    sign_in_audience: str = param("", "Who may sign in to the application.")
    tags: CommaList = param((), "Tags of the application.")
    ttl: Duration = param(0, "How long credentials last; 0 for what the mount says.")
    max_ttl: Duration = param(0, "How long they can be renewed; 0 for what the mount says.")
    explicit_max_ttl: Duration = param(0, "How long they and the application last at most.")
    permanently_delete: bool = param(False, "Delete applications for good when they are revoked.")
    persist_app: bool = param(False, "Keep one application for all credentials of the role.")
    roles: tuple[AzureRole, ...] | None = None
    groups: tuple[AzureGroup, ...] | None = None
    application_id: str = ""
    managed_application: str = ""


@dataclass(frozen=True, kw_only=True)
class RoleArgs(Role):
    """A role, as a client describes it."""

    name: Lower = param(help="Name of the role.")
    azure_roles: str = param("", "Roles to assign, as a JSON list.")
    azure_groups: str = param("", "Groups to join, as a JSON list.")


def role_of(call: Call, name: str) -> Role | None:
    """The role of that name."""
    return call.storage.get(f"roles/{name}", Role)


def role_exists(call: Call, args: RoleArgs) -> bool:
    return role_of(call, args.name) is not None


def read_role(call: Call, args: RoleArgs) -> Result:
    found = role_of(call, args.name)
    if found is None:
        return None
    return {
        "ttl": found.ttl,
        "max_ttl": found.max_ttl,
        "explicit_max_ttl": found.explicit_max_ttl,
        "azure_roles": None if found.roles is None else [msgspec.structs.asdict(each) for each in found.roles],
        "azure_groups": None if found.groups is None else [msgspec.structs.asdict(each) for each in found.groups],
        "application_object_id": "" if found.persist_app else found.application_object_id,
        "permanently_delete": found.permanently_delete,
        "persist_app": found.persist_app,
        "sign_in_audience": found.sign_in_audience,
        "tags": list(found.tags) or None,
    }


def list_roles(call: Call, _args: NoArgs) -> Result:
    names = call.storage.list("roles/")
    return {"keys": names} if names else {}


def delete_role(call: Call, args: RoleArgs) -> None:
    call.storage.delete(f"roles/{args.name}")


def write_role(call: Call, args: RoleArgs) -> None:
    if load(call) is None:
        raise Failure("config is nil")
    config = connected(call)
    role = update(role_of(call, args.name) or Role(), only(Role, args), call.given)
    if "permanently_delete" not in call.given:
        role = replace(role, permanently_delete=False)
    _check_times(role)
    if "sign_in_audience" in call.given and args.sign_in_audience not in AUDIENCES:
        refuse(f"Invalid value for sign_in_audience field. Valid values are: {', '.join(AUDIENCES)}")
    role = replace(role, tags=_tags(role.tags))
    if role.application_object_id:
        role = replace(role, application_id=directory_id("application", role.application_object_id))
        if role.permanently_delete:
            refuse("permanently_delete must be false if application_object_id is provided")
    if role.persist_app:
        role = replace(role, application_object_id=role.managed_application)
    if "azure_roles" in call.given:
        parsed = _parsed(args.azure_roles, AzureRole, "roles", "AzureRole")
        role = replace(role, roles=_looked_up_roles(parsed, config))
    if "azure_groups" in call.given:
        role = replace(role, groups=_looked_up_groups(_parsed(args.azure_groups, AzureGroup, "groups", "AzureGroup")))
    if not (role.application_object_id or role.roles or role.groups):
        refuse("either Azure role definitions, group definitions, or an Application Object ID must be provided")
    if role.persist_app and not role.managed_application:
        made = call.entropy.uuid()
        role = replace(
            role,
            managed_application=made,
            application_object_id=made,
            application_id=directory_id("application", made),
        )
    call.storage.put(f"roles/{args.name}", role)


def _check_times(role: Role) -> None:
    if role.max_ttl and role.ttl > role.max_ttl:
        refuse("ttl cannot be greater than max_ttl")
    if role.explicit_max_ttl and role.ttl > role.explicit_max_ttl:
        refuse("ttl cannot be greater than explicit_max_ttl")
    if role.explicit_max_ttl and role.max_ttl > role.explicit_max_ttl:
        refuse("max_ttl cannot be greater than explicit_max_ttl")


def _tags(tags: tuple[str, ...]) -> tuple[str, ...]:
    kept = tuple(sorted({tag.strip() for tag in tags} - {""}))
    for tag in kept:
        if len(tag.encode()) > 256:
            refuse("individual tag size must be between 1 and 256 characters (inclusive)")
        if " " in tag:
            refuse("whitespaces are not allowed in tags")
    return kept


def _parsed(text: str, kind: type[Any], what: str, go_name: str) -> list[Any]:
    """A JSON list that a client sent. Raises Refusal, in Go's words for the commonest mistakes."""
    try:
        found: list[Any] = msgspec.json.decode(text, type=list[kind])  # type: ignore[valid-type]
    except msgspec.ValidationError:
        shape = _SHAPES.get(text.strip()[:1], "number")
        reason = f"json: cannot unmarshal {shape} into Go value of type []*azuresecrets.{go_name}"
    except msgspec.DecodeError:
        first = text.strip()[:1]
        begun = first in ("", *_SHAPES)
        reason = "unexpected EOF" if begun else f"invalid character '{first}' looking for beginning of value"
    else:
        return found
    raise Refusal(f"error parsing Azure {what} '{text}': {reason}")


_SHAPES = {"{": "object", '"': "string", "t": "bool", "f": "bool", "[": "array"}


def _looked_up_roles(roles: list[AzureRole], config: Config) -> tuple[AzureRole, ...]:
    found: list[AzureRole] = []
    for role in roles:
        if role.role_id:
            known = {value: key for key, value in BUILT_IN.items()}
            name = known.get(role.role_id.rpartition("/")[2]) or role.role_name or "Custom role"
            looked_up = msgspec.structs.replace(role, role_name=name)
        elif role.role_name:
            guid = BUILT_IN.get(role.role_name) or directory_id("role", role.role_name)
            place = f"/subscriptions/{config.subscription_id}/providers/Microsoft.Authorization/roleDefinitions/"
            looked_up = msgspec.structs.replace(role, role_id=place + guid)
        else:
            refuse("no role found for role_name: ''")
        if any((other.role_id, other.scope) == (looked_up.role_id, looked_up.scope) for other in found):
            refuse(f"duplicate role_id and scope: '{looked_up.role_id}', '{looked_up.scope}'")
        found.append(looked_up)
    return tuple(found)


def _looked_up_groups(groups: list[AzureGroup]) -> tuple[AzureGroup, ...]:
    found: list[AzureGroup] = []
    for group in groups:
        if not group.object_id and not group.group_name:
            refuse("no group found for group_name: ''")
        looked_up = AzureGroup(
            group_name=group.group_name or f"group-{group.object_id[:8]}",
            object_id=group.object_id or directory_id("group", group.group_name),
        )
        if any(other.object_id == looked_up.object_id for other in found):
            refuse(f"duplicate object_id '{looked_up.object_id}'")
        found.append(looked_up)
    return tuple(found)


def directory_id(what: str, name: str) -> str:
    """The id that something has in the simulated directory: always the same one for a name."""
    text = sha256(f"azure {what} {name}".encode()).hexdigest()
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-8{text[17:20]}-{text[20:32]}"
