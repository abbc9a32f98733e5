"""Dynamic roles: an entry for each lease, made from LDIF and removed with the lease."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from sandboxd.engines.ldap import ldif
from sandboxd.engines.ldap.config import Config, generate_password
from sandboxd.engines.ldap.config import load as load_config
from sandboxd.vault.durations import SECOND, rfc3339
from sandboxd.vault.errors import Failure
from sandboxd.vault.framework.backend import Call, Lease, Path, Response, Result, SecretKind
from sandboxd.vault.framework.checkouts import FolderArgs, SlashedLower, listed
from sandboxd.vault.framework.fields import Duration, NoArgs, param
from sandboxd.vault.framework.records import update, without
from sandboxd.vault.framework.usernames import Record, Template
from sandboxd.vault.gotemplate import Function, TemplateError
from sandboxd.vault.gotemplate.values import text_of
from sandboxd.vault.gotext import decode_base64

USERNAME_TEMPLATE = "v_{{.DisplayName}}_{{.RoleName}}_{{random 10}}_{{unix_time}}"

TIMES = {"default_ttl", "max_ttl"}
"""What `null` sets to 0; it leaves the rest as it is."""


@dataclass(frozen=True, kw_only=True)
class DynamicRole:
    """A dynamic role, as stored. Times are in seconds."""

    creation_ldif: str = param("", "Template of the LDIF that makes the entry; may be in base64.", required=True)
    deletion_ldif: str = param("", "Template of the LDIF that removes it.", required=True)
    rollback_ldif: str = param("", "Template of the LDIF that cleans up when the entry could not be made.")
    username_template: str = param("", "Template of the user's name.")
    default_ttl: Duration = param(0, "How long an entry lasts; 0 for what the mount says.")
    max_ttl: Duration = param(0, "How long it can last when the lease is renewed; 0 for what the mount says.")


@dataclass(frozen=True, kw_only=True)
class DynamicRoleArgs(DynamicRole):
    """A dynamic role as a client writes it."""

    name: SlashedLower = param(help="Name of the role.", required=True)


@dataclass(frozen=True, kw_only=True)
class NameArgs:
    """Which role."""

    name: SlashedLower = param(help="Name of the role.")


def load(call: Call, name: str) -> DynamicRole | None:
    """The dynamic role of that name."""
    return call.storage.get(f"role/{name}", DynamicRole)


def exists(call: Call, args: DynamicRoleArgs) -> bool:
    return load(call, args.name) is not None


def write(call: Call, args: DynamicRoleArgs) -> None:
    given = {name for name in call.given if call.raw[name] is not None} | (call.raw.keys() & TIMES)
    role = update(load(call, args.name) or DynamicRole(), args, given)
    role = replace(
        role,
        creation_ldif=_unwrapped(role.creation_ldif),
        deletion_ldif=_unwrapped(role.deletion_ldif),
        rollback_ldif=_unwrapped(role.rollback_ldif),
    )
    for name in ("creation_ldif", "deletion_ldif"):
        if not getattr(role, name):
            raise Failure(f"missing {name}")
    for name in ("creation_ldif", "deletion_ldif", "rollback_ldif"):
        if getattr(role, name):
            try:
                _check(call, getattr(role, name))
            except ValueError as error:
                raise Failure(f"invalid {name}: {error}") from error
    # Under the name as it was written, where nobody looks for it in capitals, as in the real server.
    call.storage.put(f"role/{call.raw['name']}", role)


def _unwrapped(text: str) -> str:
    """LDIF that may be in base64."""
    try:
        return decode_base64(text).decode("utf-8", "replace")  # as the real server stores it
    except ValueError:
        return text


def _check(call: Call, template: str) -> None:
    """Raise ValueError for a template that gives no LDIF."""
    now = call.clock.now_ns()
    data = _data("testuser", "testpass", "testdisplayname", "testrolename", now, now + 86400 * SECOND)
    try:
        text = _filled(call, template, data)
    except ValueError as error:
        raise ValueError(f"invalid template: {error}") from None
    try:
        entries = ldif.dns(text)
    except ValueError as error:
        raise ValueError(f"LDIF is invalid: {error}") from None
    if not entries:
        raise ValueError("must specify at least one LDIF entry")


def _data(user: str, password: str, display_name: str, role: str, issued: int, expires: int) -> dict[str, Any]:
    """What templates of LDIF may use; moments are in nanoseconds since 1970."""
    return {
        "Username": user,
        "Password": password,
        "DisplayName": display_name,
        "RoleName": role,
        "IssueTime": rfc3339(issued // SECOND * SECOND),
        "IssueTimeSeconds": issued // SECOND,
        "ExpirationTime": rfc3339(expires // SECOND * SECOND),
        "ExpirationTimeSeconds": expires // SECOND,
    }


def _filled(call: Call, template: str, data: Mapping[str, object]) -> str:
    """A template of LDIF filled in. Raises ValueError."""
    functions = {"utf16le": Function(_utf16le, ("string",))}
    try:
        parsed = Template.parse(template, profile=call.profile, functions=functions)
    except TemplateError as error:
        raise ValueError(f"failed to parse template: {error}") from None
    try:
        return parsed.render(Record("openldap.dynamicTemplateData", **data), call.clock, call.entropy)
    except ValueError as error:
        raise ValueError(f"failed to execute template: {error}") from None


def _utf16le(text: str) -> str:
    """Text as Active Directory takes passwords: the bytes of UTF-16, which are text to Go."""
    return text_of(text.encode("utf-16-le", "replace"))


def read(call: Call, args: DynamicRoleArgs) -> Result:
    role = load(call, args.name)
    return None if role is None else without(role)


def delete(call: Call, args: DynamicRoleArgs) -> None:
    call.storage.delete(f"role/{args.name}")


def list_names(call: Call, _args: NoArgs) -> Result:
    return listed(call, "role/")


def list_folder(call: Call, args: FolderArgs) -> Result:
    return listed(call, f"role/{args.path}")


def generate(call: Call, args: NameArgs) -> Result:
    role = load(call, args.name)
    if role is None:
        return None
    config = _config(call)
    display_name = "" if call.caller is None else call.caller.display_name
    try:
        template = Template.parse(role.username_template or USERNAME_TEMPLATE, profile=call.profile)
        names = Record("openldap.usernameTemplateData", DisplayName=display_name, RoleName=args.name)
        username = template.render(names, call.clock, call.entropy)
    except ValueError as error:
        raise Failure(f"failed to generate username: {error}") from error
    password = generate_password(call, config, "password")
    now = call.clock.now_ns()
    data = _data(username, password, display_name, args.name, now, now + role.default_ttl * SECOND)
    try:
        entries = _executed(call, role.creation_ldif, data)
    except ValueError as error:
        raise Failure(*_failures(call, role, data, error)) from error
    return Response(
        data={"username": username, "password": password, "distinguished_names": entries},
        credentials=("password",),
        lease=Lease(
            kind=CREDENTIALS.type,
            ttl=role.default_ttl,
            max_ttl=role.max_ttl,
            internal={"name": args.name, "deletion_ldif": role.deletion_ldif, "template_data": data},
        ),
    )


def _failures(call: Call, role: DynamicRole, data: Mapping[str, object], error: ValueError) -> list[str]:
    """What is to be told of an entry that could not be made, and of the attempt to clean up."""
    found = [f"failed to create user: {error}"]
    if role.rollback_ldif:
        try:
            _executed(call, role.rollback_ldif, data)
        except ValueError as another:
            found.append(f"failed to roll back user creation: {another}")
    return found


def _config(call: Call) -> Config:
    config = load_config(call)
    if config is None:
        raise Failure("missing LDAP configuration")
    return config


def _executed(call: Call, template: str, data: Mapping[str, object]) -> list[str]:
    """The entries that the directory is told about. Raises ValueError with the real server's text."""
    try:
        text = _filled(call, template, data)
    except ValueError as error:
        raise ValueError(f"failed to apply template: {error}") from None
    try:
        return ldif.dns(text)
    except ValueError as error:
        raise ValueError(f"failed to parse generated LDIF: {error}") from None


def renew(call: Call, lease: Lease) -> Lease:
    """Renew for the times that the role has now. Raises Failure when it is gone."""
    role = load(call, lease.internal["name"])
    if role is None:
        raise Failure("unable to renew: role does not exist")
    return msgspec.structs.replace(lease, ttl=role.default_ttl, max_ttl=role.max_ttl)


def revoke(call: Call, lease: Lease) -> None:
    """Have the directory remove the entry. Raises Failure without a configuration, or when the LDIF does not do."""
    _config(call)
    try:
        _executed(call, lease.internal["deletion_ldif"], lease.internal["template_data"])
    except ValueError as error:
        raise Failure(str(error)) from error


CREDENTIALS = SecretKind("creds", revoke=revoke, renew=renew)

PATHS = (
    Path(
        "role/{name}",
        DynamicRoleArgs,
        "Write, read or delete a dynamic role.",
        description="A lease of the role stands for an entry that is made from the LDIF of the role.",
        read=read,
        write=write,
        delete=delete,
        exists=exists,
        operation_ids={
            "read": "ldap-read-dynamic-role",
            "write": "ldap-write-dynamic-role",
            "delete": "ldap-delete-dynamic-role",
        },
    ),
    Path(
        "role/?",
        NoArgs,
        "List the dynamic roles.",
        list=list_names,
        operation_ids={"list": "ldap-list-dynamic-roles"},
    ),
    Path(
        "role/{path}",
        FolderArgs,
        "List the dynamic roles in a folder.",
        list=list_folder,
        operation_ids={"list": "ldap-list-role-path"},
    ),
    Path(
        "creds/{name}",
        NameArgs,
        "Have an entry made, and its password.",
        read=generate,
        operation_ids={"read": "ldap-request-dynamic-role-credentials"},
    ),
)
