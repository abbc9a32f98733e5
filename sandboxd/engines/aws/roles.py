"""Roles: what credentials of AWS are for, and of which type.

A **legacy** role was written with the deprecated `policy` or `arn`: its keys of IAM users come from `creds/`, and its
temporary ones from `sts/`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import msgspec

from sandboxd.engines.aws.policies import check_managed, resource_of
from sandboxd.vault.errors import Failure, Refusal, listed, refuse
from sandboxd.vault.framework.backend import Call, Result
from sandboxd.vault.framework.fields import CommaList, Duration, NameAt, Pairs, param
from sandboxd.vault.framework.jsontext import compact
from sandboxd.vault.gotext import quote

IAM_USER, ASSUMED_ROLE, FEDERATION, SESSION = "iam_user", "assumed_role", "federation_token", "session_token"
TYPES = (IAM_USER, ASSUMED_ROLE, FEDERATION, SESSION)
TEMPORARY = (ASSUMED_ROLE, FEDERATION, SESSION)
_NAMES = f"{ASSUMED_ROLE}, {FEDERATION}, and {SESSION}"
_USER_PATH = r"^\/([\x21-\x7F]{0,510}\/)?$"
# In the order of the checks; of the others the legacy parameters are not an error.
_NOT_LEGACY = (
    "role_arns",
    "policy_arns",
    "policy_document",
    "default_sts_ttl",
    "max_sts_ttl",
    "user_path",
    "permissions_boundary_arn",
)


@dataclass(frozen=True, kw_only=True)
class RoleArgs:
    """A role as a client writes it. Times are in seconds."""

    name: NameAt = param(help="Name of the role.")
    credential_type: str = param("", "The type of credential: " + ", ".join(TYPES) + ".", values=TYPES)
    role_arns: CommaList = param((), f"ARNs of the roles that may be assumed; for {ASSUMED_ROLE}.")
    policy_arns: CommaList = param(
        (), "ARNs of managed policies: attached to users, or what temporary credentials are narrowed down to."
    )
    policy_document: str = param(
        "", "A policy (JSON): of users, or what temporary credentials are narrowed down to, together with the others."
    )
    iam_groups: CommaList = param((), "Groups that users join, or whose policies temporary credentials get.")
    iam_tags: Pairs = param(factory=dict, help="Tags of users.")
    session_tags: Pairs = param(factory=dict, help=f"Tags of sessions; for {ASSUMED_ROLE}.")
    external_id: str = param("", f"External ID to assume roles with; for {ASSUMED_ROLE}.")
    default_sts_ttl: Duration = param(0, "How long temporary credentials last that are asked for without a TTL.")
    max_sts_ttl: Duration = param(0, "How long temporary credentials last at most.")
    user_path: str = param("/", f"Path of users; for {IAM_USER}.")
    permissions_boundary_arn: str = param("", f"ARN of a policy that bounds what users may do; for {IAM_USER}.")
    mfa_serial_number: str = param("", f"Serial number or ARN of an MFA device; for {SESSION}.")
    arn: str = param("", "Use `role_arns` or `policy_arns` instead.", deprecated=True)
    policy: str = param("", "Use `policy_document` instead.", deprecated=True)


class Role(msgspec.Struct, frozen=True, kw_only=True):
    """A role, as stored; None stands for what was never written."""

    credential_types: tuple[str, ...] = ()
    role_arns: tuple[str, ...] | None = None
    policy_arns: tuple[str, ...] | None = None
    policy_document: str = ""
    iam_groups: tuple[str, ...] | None = None
    iam_tags: dict[str, str] | None = None
    session_tags: dict[str, str] | None = None
    external_id: str = ""
    default_sts_ttl: int = 0
    max_sts_ttl: int = 0
    user_path: str = ""
    permissions_boundary_arn: str = ""
    mfa_serial_number: str = ""
    legacy: bool = False


_STORED = frozenset(Role.__struct_fields__)


def load(call: Call, name: str) -> Role | None:
    """The role of that name."""
    return call.storage.get(f"roles/{name}", Role)


def read(call: Call, args: RoleArgs) -> Result:
    role = load(call, args.name)
    if role is None:
        return None
    data = msgspec.structs.asdict(role)
    del data["legacy"]
    return {"credential_type": ",".join(data.pop("credential_types")), **data}


def write(call: Call, args: RoleArgs) -> None:
    if args.policy and args.arn:
        raise Failure("only one of policy or arn should be provided")
    legacy = args.policy or args.arn
    if legacy and "credential_type" in call.given:
        refuse("cannot supply deprecated role or policy parameters with an explicit credential_type")
    for name in _NOT_LEGACY:
        if legacy and name in call.given:
            refuse(f"cannot supply deprecated role or policy parameters with {name}")
        if name == "policy_document" and args.policy_document:
            try:
                compact(args.policy_document)
            except ValueError:
                refuse(f"cannot parse policy document: {quote(args.policy_document)}")
    role = _from_legacy(legacy) if legacy else _changed(call, load(call, args.name) or Role(), args)
    if legacy:
        call.warn("Detected use of legacy role or policy parameter. Please upgrade to use the new parameters.")
    faults = _faults(role)
    if faults:
        refuse(f"error(s) validating supplied role data: {quote(listed(faults))}")
    call.storage.put(f"roles/{args.name}", role)


def _changed(call: Call, role: Role, args: RoleArgs) -> Role:
    changes: dict[str, Any] = {name: getattr(args, name) for name in call.given & _STORED}
    if "policy_document" in changes and args.policy_document:
        changes["policy_document"] = compact(args.policy_document)
    if "credential_type" in call.given:
        changes["credential_types"] = (args.credential_type,)
    return msgspec.structs.replace(role, legacy=False, **changes)


def _from_legacy(text: str) -> Role:
    """The role that an ARN or a policy stands for. Raises Refusal for what is neither."""
    try:
        if not text.startswith("arn:"):
            # Which of the two is told by where the credentials are asked for.
            return Role(credential_types=(IAM_USER, FEDERATION), policy_document=compact(text), legacy=True)
        kind = resource_of(text)[1].partition("/")[0]
    except ValueError:
        kind = ""
    if kind == "role":
        return Role(credential_types=(ASSUMED_ROLE,), role_arns=(text,), legacy=True)
    if kind == "policy":
        return Role(credential_types=(IAM_USER,), policy_arns=(text,), legacy=True)
    raise Refusal(f"unable to parse supplied data: {quote(text)}")


def _faults(role: Role) -> list[str]:
    """What does not go together in a role, in the real server's words."""
    types = role.credential_types
    faults = [] if types else ["did not supply credential_type"]
    faults += [f"unrecognized credential type: {kind}" for kind in types if kind not in TYPES]
    faults += [
        f"{name} parameter only valid for {_NAMES} credential types"
        for name in ("default_sts_ttl", "max_sts_ttl")
        if getattr(role, name) and not set(types) & set(TEMPORARY)
    ]
    if 0 < role.max_sts_ttl < role.default_sts_ttl:
        faults.append('"default_sts_ttl" value must be less than or equal to "max_sts_ttl" value')
    if role.user_path and IAM_USER not in types:
        faults.append(f"user_path parameter only valid for {IAM_USER} credential type")
    if role.user_path and not re.fullmatch(_USER_PATH[1:-1], role.user_path):
        faults.append(f"the specified value for user_path is invalid. It must match {quote(_USER_PATH)} regexp")
    if role.permissions_boundary_arn:
        faults = _boundary_faults(role, faults)
    if (role.policy_document or role.policy_arns) and SESSION in types:
        faults.append(f"cannot supply a policy or role when using credential_type {SESSION}")
    faults += [
        f"cannot supply {name} when credential_type isn't {ASSUMED_ROLE}"
        for name in ("role_arns", "session_tags", "external_id")
        if getattr(role, name) and ASSUMED_ROLE not in types
    ]
    return faults


def _boundary_faults(role: Role, before: list[str]) -> list[str]:
    try:
        check_managed(role.permissions_boundary_arn)
    except ValueError as error:
        return [f"invalid permissions_boundary_arn parameter: {error}"]  # the real server forgets the others here
    if IAM_USER in role.credential_types:
        return before
    return [*before, f"cannot supply permissions_boundary_arn when credential_type isn't {IAM_USER}"]


def delete(call: Call, args: RoleArgs) -> None:
    call.storage.delete(f"roles/{args.name}")


def list_names(call: Call, _args: Any) -> Result:
    names = call.storage.list("roles/")
    return {"keys": names} if names else None
