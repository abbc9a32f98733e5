"""Credentials for a lease: access keys of IAM users, and temporary ones of STS, which nobody can take back."""

from __future__ import annotations

import re
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

from sandboxd.engines.aws import policies, roles, users
from sandboxd.engines.aws.config import TEMPLATE, lengths
from sandboxd.engines.aws.roles import ASSUMED_ROLE, FEDERATION, IAM_USER, SESSION, Role
from sandboxd.engines.aws.sdk import AwsError
from sandboxd.engines.aws.services import Found, iam, load, settled, sts
from sandboxd.vault.durations import SECOND
from sandboxd.vault.errors import Failure, Refusal, refuse
from sandboxd.vault.framework.backend import Call, Lease, Response, Result
from sandboxd.vault.framework.fields import Duration, NameAt, param
from sandboxd.vault.framework.usernames import Record, Template, TemplateError
from sandboxd.vault.gotext import quote

KIND = "access_keys"
FIELDS = ("access_key", "secret_key", "session_token", "security_token")
LONGEST_USER, LONGEST_STS = 64, 32  # characters of a name
SETTLES = 5 * 60 * SECOND
"""How long after a user was made AWS may not know it everywhere: until then a missing one is not taken for deleted."""


@dataclass(frozen=True, kw_only=True)
class CredentialArgs:
    """Which credentials."""

    name: NameAt = param(help="Name of the role.")
    role_arn: str = param("", f"ARN of the role to assume; for {ASSUMED_ROLE}.")
    role_session_name: str = param("", "Name of the session of an assumed role, of 64 characters at most.")
    ttl: Duration = param(3600, "How long temporary credentials are to last.")
    mfa_code: str = param("", f"Code of the MFA device; for {SESSION}.")


def give(call: Call, args: CredentialArgs) -> Result | Awaitable[Result]:
    role = roles.load(call, args.name) or refuse(f"Role {quote(args.name)} not found")
    through = call.path.partition("/")[0]
    kind = role.credential_types[0]
    if len(role.credential_types) > 1:
        kind = IAM_USER if through == "creds" else FEDERATION
    if role.legacy and (kind == IAM_USER) != (through == "creds"):
        refuse(
            f"attempted to retrieve {kind} credentials through the {through} path; this is not allowed for legacy roles"
        )
    if kind == IAM_USER:
        return settled(call, _user(call, args.name, role))
    asked = args.ttl if "ttl" in call.given else role.default_sts_ttl or args.ttl
    seconds = min(asked, role.max_sts_ttl or call.mount.bounds.max_ttl)
    if kind == ASSUMED_ROLE:
        return settled(call, _assumed(call, args, role, _role_arn(args, role), seconds))
    if kind == FEDERATION:
        return settled(call, _federated(call, args.name, role, seconds))
    return settled(call, _session(call, role, args.mfa_code, seconds))


def _role_arn(args: CredentialArgs, role: Role) -> str:
    arns = role.role_arns or ()
    if not args.role_arn:
        if len(arns) != 1:
            refuse("did not supply a role_arn parameter and unable to determine one")
        return arns[0]
    if args.role_arn not in arns:
        refuse(f"role_arn {quote(args.role_arn)} not in allowed role arns for Vault role {quote(args.name)}")
    return args.role_arn


async def _user(call: Call, name: str, role: Role) -> Result:
    username = _name(call, "IAM", name)
    key = await users.make(iam(call), username, name, role)
    ttl, max_ttl = lengths(call)
    internal = {"username": username, "is_sts": False, "live": call.live, "made": call.clock.now_ns()}
    return Response(
        data={
            "access_key": key["AccessKeyId"],
            "secret_key": key["SecretAccessKey"],
            "session_token": None,
            "security_token": None,
        },
        lease=Lease(kind=KIND, ttl=ttl, max_ttl=max_ttl, internal=internal),
        credentials=FIELDS,
    )


async def _assumed(call: Call, args: CredentialArgs, role: Role, arn: str, seconds: int) -> Result:
    narrowed = await _narrowed(call, role)
    service = await sts(call)
    # Whether the real server cuts a longer name of the client's is told by its documentation alone.
    session = _normal(args.role_session_name)[:LONGEST_USER] or _name(call, "IAM", args.name)
    tags = [{"Key": key, "Value": value} for key, value in sorted((role.session_tags or {}).items())]
    more: Found = {"Tags": tags} if tags else {}
    if role.external_id:
        more["ExternalId"] = role.external_id
    try:
        found = await service(
            "AssumeRole", RoleArn=arn, RoleSessionName=session, DurationSeconds=seconds, **narrowed, **more
        )
    except AwsError as error:
        raise Refusal(f"Error assuming role: {error}") from None
    return _temporary(call, found, seconds, arn=found["AssumedRoleUser"]["Arn"])


async def _federated(call: Call, name: str, role: Role, seconds: int) -> Result:
    narrowed = await _narrowed(call, role)
    service = await sts(call)
    username = _name(call, "STS", name)
    if not narrowed:  # the credentials could do all that the engine itself can
        refuse(f"must specify at least one of policy_arns or policy_document with {FEDERATION} credential_type")
    return await _token(call, service, "GetFederationToken", seconds, Name=username, **narrowed)


async def _session(call: Call, role: Role, code: str, seconds: int) -> Result:
    given = {"SerialNumber": role.mfa_serial_number, "TokenCode": code}
    more = {name: value for name, value in given.items() if value}
    return await _token(call, await sts(call), "GetSessionToken", seconds, **more)


async def _token(call: Call, service: Any, action: str, seconds: int, **params: Any) -> Result:
    try:
        found = await service(action, DurationSeconds=seconds, **params)
    except AwsError as error:
        raise Refusal(f"Error generating STS keys: {error}") from None
    return _temporary(call, found, seconds)


def _temporary(call: Call, found: Found, seconds: int, **more: str) -> Response:
    # AWS counts in whole seconds, so some of the first one is over.
    now = call.clock.now_ns()
    left = ((now // SECOND + seconds) * SECOND - now) // SECOND
    made = found["Credentials"]
    return Response(
        data={
            "access_key": made["AccessKeyId"],
            "secret_key": made["SecretAccessKey"],
            "session_token": made["SessionToken"],
            "security_token": made["SessionToken"],  # the name before Vault 1.16, which goes on beside the other
            **more,
            "ttl": left,
        },
        lease=Lease(kind=KIND, ttl=left, renewable=False, internal={"is_sts": True}),
        credentials=FIELDS,
    )


async def _narrowed(call: Call, role: Role) -> Found:
    """The policies that temporary credentials are narrowed down to, those of groups included. Raises Refusal."""
    document, arns = role.policy_document, list(role.policy_arns or ())
    if role.iam_groups:
        try:
            inline, attached = await policies.of_groups(iam(call), role.iam_groups)
            document = policies.combined([*inline, document]) if inline else document
        except (AwsError, ValueError) as error:
            raise Refusal(str(error)) from None
        arns += attached
    found: Found = {"Policy": document} if document else {}
    if arns:
        found["PolicyArns"] = [{"arn": arn} for arn in arns]
    return found


def _name(call: Call, kind: str, role: str) -> str:
    """A name by the configured template, for a user or session (`IAM`), or for STS. Raises Failure."""
    config = load(call)
    text = (config.username_template if config is not None else "") or TEMPLATE
    caller = call.caller
    names = {} if kind == "STS" else {"DisplayName": caller.display_name if caller else "", "PolicyName": role}
    shown = {name: _normal(names.get(name, "")) for name in ("DisplayName", "PolicyName")}
    try:
        template = Template.parse(text, profile="vault")
    except TemplateError as error:
        raise Failure(f"unable to initialize username template: {error}") from None
    try:
        name = template.render(Record("aws.UsernameMetadata", Type=kind, **shown), call.clock, call.entropy)
    except TemplateError as error:
        raise Failure(f"failed to generate username: {error}") from None
    longest = LONGEST_STS if kind == "STS" else LONGEST_USER
    if len(name.encode()) > longest:
        raise Failure(
            f"the username generated by the template exceeds the {kind} username length limits of {longest} chars"
        )
    return name


def _normal(name: str) -> str:
    return re.sub(r"[^a-zA-Z0-9+=,.@_-]", "_", name)


def renew(call: Call, lease: Lease) -> Lease:
    lease.ttl, lease.max_ttl = lengths(call)
    return lease


def revoke(call: Call, lease: Lease) -> Awaitable[None] | None:
    return _removed(call, lease) if lease.internal.get("live") else None


async def _removed(call: Call, lease: Lease) -> None:
    try:
        await users.remove(iam(call, live=True), str(lease.internal["username"]))
    except AwsError as error:
        age = call.clock.now_ns() - int(lease.internal["made"])
        if error.code != "NoSuchEntity" or age <= SETTLES:
            raise Failure(str(error)) from None
