"""Roles: what a service principal is to be, or to which application a secret is added."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import msgspec

from sandboxd.engines.azure import directory
from sandboxd.engines.azure.config import Config, configured, connected, load
from sandboxd.engines.azure.metadata import Metadata
from sandboxd.vault.errors import Failure, refuse
from sandboxd.vault.framework.backend import Call, Result
from sandboxd.vault.framework.fields import CommaList, Duration, Lower, NoArgs, param
from sandboxd.vault.framework.gojson import TEXT, ListOf, Struct, unmarshal
from sandboxd.vault.framework.records import only, update

AUDIENCES = ("AzureADMyOrg", "AzureADMultipleOrgs", "AzureADandPersonalMicrosoftAccount", "PersonalMicrosoftAccount")


class AzureRole(msgspec.Struct, frozen=True, kw_only=True):
    """A role of Azure that a service principal gets in a scope."""

    role_name: str = ""
    role_id: str = ""
    scope: str = ""


class AzureGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A group of Azure that a service principal joins."""

    group_name: str = ""
    object_id: str = ""


@dataclass(frozen=True)
class Pointers(ListOf):
    """A slice of pointers to a shape."""

    @property
    def type(self) -> str:
        """What Go calls it."""
        return f"[]*{self.item.type}"


_ROLES = Pointers(Struct("azuresecrets.AzureRole", dict.fromkeys(AzureRole.__struct_fields__, TEXT)))
_GROUPS = Pointers(Struct("azuresecrets.AzureGroup", dict.fromkeys(AzureGroup.__struct_fields__, TEXT)))


@dataclass(frozen=True, kw_only=True)
class Role:
    """What a service principal is to be, as stored. Times are in seconds; None is what was never said."""

    application_object_id: str = param("", "Application that exists already, to which secrets are added.")
    sign_in_audience: str = param("", "Who may sign in to the application.")
    ttl: Duration = param(0, "How long credentials last; 0 for what the mount says.")
    max_ttl: Duration = param(0, "How long they can be renewed; 0 for what the mount says.")
    explicit_max_ttl: Duration = param(0, "How long they and the application last at most.")
    permanently_delete: bool = param(False, "Delete applications for good when they are revoked.")
    persist_app: bool = param(False, "Keep one application for all credentials of the role.")
    metadata: Metadata = param(factory=dict, help="Pairs that come with the credentials.")
    tag_names: tuple[str, ...] | None = None
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
    tags: CommaList = param((), "Tags of the application.")


def role_of(call: Call, name: str) -> Role | None:
    """The role of that name."""
    return call.storage.get(f"roles/{name}", Role)


def role_exists(call: Call, args: RoleArgs) -> bool:
    return role_of(call, args.name) is not None


def read_role(call: Call, args: RoleArgs) -> Result:
    if load(call) is None:
        raise Failure("config is nil")
    found = role_of(call, args.name)
    if found is None:
        return None
    data = {
        "ttl": found.ttl,
        "max_ttl": found.max_ttl,
        "explicit_max_ttl": found.explicit_max_ttl,
        "azure_roles": None if found.roles is None else [msgspec.structs.asdict(each) for each in found.roles],
        "azure_groups": None if found.groups is None else [msgspec.structs.asdict(each) for each in found.groups],
        "application_object_id": found.application_object_id,
        "permanently_delete": found.permanently_delete,
        "persist_app": found.persist_app,
        "sign_in_audience": found.sign_in_audience,
        "tags": found.tag_names,
    }
    return {**data, "metadata": found.metadata} if found.metadata else data


def list_roles(call: Call, _args: NoArgs) -> Result:
    names = call.storage.list("roles/")
    return {"keys": names} if names else {}


def delete_role(call: Call, args: RoleArgs) -> None:
    found = role_of(call, args.name)
    if found is not None and found.persist_app:
        try:
            connected(call)
        except Failure as error:
            raise Failure(f"error during delete: {error.errors[0]}") from None
    call.storage.delete(f"roles/{args.name}")


def write_role(call: Call, args: RoleArgs) -> None:
    config, given = configured(call), call.given
    role = update(role_of(call, args.name) or Role(), only(Role, args), given)
    role = replace(role, permanently_delete=args.permanently_delete)  # what is not sent is false
    _check_times(role)
    if "sign_in_audience" in given and args.sign_in_audience not in AUDIENCES:
        refuse(f"Invalid value for sign_in_audience field. Valid values are: {', '.join(AUDIENCES)}")
    if "tags" in given:
        role = replace(role, tag_names=_tags(args.tags))
    if role.application_object_id:
        role = replace(role, application_id=directory.application_id(role.application_object_id))
        if role.permanently_delete:
            refuse("permanently_delete must be false if application_object_id is provided")
    if "persist_app" in given and role.persist_app:
        role = replace(role, application_object_id=role.managed_application)
    if "azure_roles" in given:
        role = replace(role, roles=_parsed(args.azure_roles, "roles", _ROLES, AzureRole))
    if "azure_groups" in given:
        role = replace(role, groups=_parsed(args.azure_groups, "groups", _GROUPS, AzureGroup))
    role = replace(role, roles=_looked_up_roles(role.roles, config), groups=_looked_up_groups(role.groups))
    if not (role.application_object_id or role.roles or role.groups):
        refuse("either Azure role definitions, group definitions, or an Application Object ID must be provided")
    if role.persist_app and not role.managed_application:
        made = call.entropy.uuid()
        role = replace(
            role,
            managed_application=made,
            application_object_id=made,
            application_id=directory.application_id(made),
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
        if len(tag.encode("utf-8", "surrogatepass")) > 256:
            refuse("individual tag size must be between 1 and 256 characters (inclusive)")
        if " " in tag:
            refuse("whitespaces are not allowed in tags")
    return kept


def _parsed(text: str, what: str, shape: Pointers, kind: type[Any]) -> tuple[Any, ...] | None:
    """A JSON list that a client sent; None for `null`. Raises Refusal, in Go's words."""
    if not text:
        refuse(f"error parsing Azure {what} '': 'data' being decoded is nil")
    try:
        found = unmarshal(text, shape)
    except ValueError as error:
        refuse(f"error parsing Azure {what} '{text}': {error}")
    return None if text.strip() == "null" else tuple(kind(**each) for each in found)


def _looked_up_roles(roles: tuple[AzureRole, ...] | None, config: Config) -> tuple[AzureRole, ...] | None:
    """The roles with names and ids as Azure knows them; an id tells more than a name."""
    found: dict[tuple[str, str], AzureRole] = {}
    for role in roles or ():
        if not role.role_id and not role.role_name:
            refuse("no role found for role_name: ''")
        name, role_id = role.role_name, role.role_id
        if role_id:
            name = directory.role_name(role_id, name)
        else:
            name, role_id = directory.role_named(name, config.subscription_id)
        if (role_id, role.scope) in found:
            refuse(f"duplicate role_id and scope: '{role_id}', '{role.scope}'")
        found[role_id, role.scope] = AzureRole(role_name=name, role_id=role_id, scope=role.scope)
    return None if roles is None else tuple(found.values())


def _looked_up_groups(groups: tuple[AzureGroup, ...] | None) -> tuple[AzureGroup, ...] | None:
    """The groups with names and ids as Azure knows them; an id tells more than a name."""
    found: dict[str, AzureGroup] = {}
    for group in groups or ():
        if not group.object_id and not group.group_name:
            refuse("no group found for group_name: ''")
        group_id = group.object_id or directory.group_named(group.group_name)
        if group_id in found:
            refuse(f"duplicate object_id '{group_id}'")
        name = directory.group_name(group_id, group.group_name)
        found[group_id] = AzureGroup(group_name=name, object_id=group_id)
    return None if groups is None else tuple(found.values())
