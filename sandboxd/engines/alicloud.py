"""The AliCloud secrets engine: RAM users with an access key, and sessions of a RAM role, made for a lease.

A **role** has either policies, of a user that is made with an access key, or the ARN of a RAM role, of which sessions
are had. Its *inline* policies are documents, made along with the user; *remote* ones are there already, and have a
name and a type. Alibaba Cloud is simulated: it has whatever a role names, and makes any user and session.

Vault's own. Source: Vault's plugin for AliCloud, for the order and texts of the checks, and its API documentation.
"""

from dataclasses import dataclass, replace
from typing import Any

from sandboxd.vault.durations import SECOND, rfc3339
from sandboxd.vault.errors import Failure
from sandboxd.vault.framework.backend import Call, Engine, Lease, Path, Response, Result, SecretKind
from sandboxd.vault.framework.fields import Duration, Lower, NoArgs, Strings, param
from sandboxd.vault.framework.jsontext import misfit, whole
from sandboxd.vault.framework.records import update
from sandboxd.vault.framework.resources import Single

KIND = "alicloud"
ROLES = "role/"
SESSION = 3600  # seconds that Alibaba Cloud gives a session, when nobody says how long

Policies = tuple[dict[str, Any], ...] | None  # None: never set, and shown as null


@dataclass(frozen=True, kw_only=True, repr=False)
class Config:
    """As whom to speak to Alibaba Cloud."""

    access_key: str = param("", "Id of an access key that may manage RAM users and policies, and have sessions.")
    secret_key: str = param("", "Secret of the access key.")


@dataclass(frozen=True, kw_only=True)
class Role:
    """What credentials are good for, as stored. Times are in seconds."""

    role_arn: str = param("", "ARN of the RAM role to have sessions of, in the place of policies.")
    ttl: Duration = param(0, "How long an access key lasts; 0 for what the mount says.")
    max_ttl: Duration = param(0, "How long it lasts when its lease is renewed; 0 for what the mount says.")
    inline: Policies = None
    remote: Policies = None


@dataclass(frozen=True, kw_only=True)
class NameArgs:
    """Which role."""

    name: Lower = param(help="Name of the role.")


@dataclass(frozen=True, kw_only=True)
class RoleArgs(Role, NameArgs):
    """A role as a client writes it."""

    inline_policies: str = param("", "JSON: a list of policy documents, made with each user.")
    remote_policies: Strings = param((), 'Policies that are there, as "name:AliyunRDSReadOnlyAccess,type:System".')


def check_config(call: Call, config: Config) -> Config:
    for name in ("access_key", "secret_key"):
        if name not in call.given:
            raise Failure(f"{name} is required")
    return config


CONFIG = Single(
    "config",
    Config,
    "Say as whom to speak to Alibaba Cloud.",
    hidden=("secret_key",),
    merges=False,
    check=check_config,
    operation_ids={
        "read": "ali-cloud-read-configuration",
        "write": "ali-cloud-configure",
        "delete": "ali-cloud-delete-configuration",
    },
)


def load(call: Call, name: str) -> Role | None:
    """The role of that name."""
    return call.storage.get(ROLES + name, Role)


def exists(call: Call, args: RoleArgs) -> bool:
    return load(call, args.name) is not None


def write(call: Call, args: RoleArgs) -> Result:
    role = update(load(call, args.name) or Role(), args, call.given)
    if "inline_policies" in call.given:
        documents = _documents(args.inline_policies)
        role = replace(
            role,
            inline=tuple({"hash": call.entropy.uuid().replace("-", ""), "policy_document": each} for each in documents),
        )
    if "remote_policies" in call.given:
        role = replace(role, remote=tuple(map(_remote, args.remote_policies)))
    _check(role)
    call.storage.put(ROLES + args.name, role)
    if role.role_arn and (role.ttl or role.max_ttl):
        call.warn("role_arn is set so ttl and max_ttl will be ignored because they're not editable on STS tokens")
    most = call.mount.bounds.max_ttl
    if role.ttl > most:
        # In nanoseconds, as the real server has it.
        call.warn(
            f"ttl of {role.ttl * SECOND} exceeds the system max ttl of {most * SECOND}, the latter will be used during "
            "login"
        )
    return Response() if call.warnings else None


def _documents(text: str) -> list[dict[str, Any] | None]:
    """The policy documents in a JSON text. Raises Failure with the text of Go's decoder."""
    expected = "map[string]interface {}"
    try:
        found = whole(text)
        if not isinstance(found, list | None):
            raise misfit(found, f"[]{expected}")
        for each in found or ():
            if not isinstance(each, dict | None):
                raise misfit(each, expected)
    except ValueError as error:
        raise Failure(str(error)) from None
    return found or []


def _remote(text: str) -> dict[str, Any]:
    """A policy that is there already, by name and type. Raises Failure."""
    policy = {"name": "", "type": ""}
    for pair in text.split(","):
        key, *values = pair.split(":")
        if len(values) != 1:
            raise Failure(f"unable to recognize pair in {pair}")
        if key not in policy:
            raise Failure(f"invalid key: {key}")
        policy[key] = values[0]
    for key, value in policy.items():
        if not value:
            raise Failure(f"policy {key} is required in {text}")
    return policy


def _check(role: Role) -> None:
    """Raise Failure for a role that makes no sense."""
    if 0 < role.max_ttl < role.ttl:
        raise Failure("ttl exceeds max_ttl")
    if not role.role_arn:
        if not role.inline and not role.remote:
            raise Failure("must include an arn, or at least one of inline_policies or remote_policies")
    elif role.remote:
        raise Failure("remote_policies must be blank when an arn is present")
    elif role.inline:
        raise Failure("inline_policies must be blank when an arn is present")


def read(call: Call, args: RoleArgs) -> Result:
    role = load(call, args.name)
    if role is None:
        return None
    return {
        "role_arn": role.role_arn,
        "remote_policies": role.remote,
        "inline_policies": role.inline,
        "ttl": role.ttl,
        "max_ttl": role.max_ttl,
    }


def delete(call: Call, args: RoleArgs) -> None:
    call.storage.delete(ROLES + args.name)


def list_names(call: Call, _args: NoArgs) -> Result:
    names = call.storage.list(ROLES)
    return {"keys": names} if names else {}


def generate(call: Call, args: NameArgs) -> Result:
    role = load(call, args.name)
    if role is None:
        return None
    if CONFIG.load(call) is None:
        raise Failure("unable to create secret because no credentials are configured")
    return _session(call) if role.role_arn else _access_key(call, args.name, role)


def _session(call: Call) -> Response:
    made = call.fakes("alicloud.temporary_access_key_id", "access_key")
    now = call.clock.now_ns()
    expiration = (now // SECOND + SESSION) * SECOND
    ttl = (expiration - now) // SECOND
    return Response(
        data={
            "access_key": made["value"],
            "secret_key": made["secret_access_key"],
            "security_token": made["security_token"],
            "expiration": rfc3339(expiration),
        },
        lease=Lease(kind=KIND, ttl=ttl, max_ttl=ttl, renewable=False, internal={"role_type": "sts"}),
        credentials=("access_key", "secret_key", "security_token"),
    )


def _access_key(call: Call, name: str, role: Role) -> Response:
    made = call.fakes("alicloud.access_key_id", "access_key")
    return Response(
        data={"access_key": made["value"], "secret_key": made["secret_access_key"]},
        lease=Lease(kind=KIND, ttl=role.ttl, max_ttl=role.max_ttl, internal={"role_type": "ram", "role_name": name}),
        credentials=("access_key", "secret_key"),
    )


def renew(call: Call, lease: Lease) -> Lease:
    """A session is never renewed: its lease says so. An access key lasts as its role says by now."""
    name = str(lease.internal["role_name"])
    role = load(call, name)
    if role is None:
        raise Failure(f"role {name} has been deleted so no further renewals are allowed")
    lease.ttl, lease.max_ttl = role.ttl or lease.ttl, role.max_ttl or lease.max_ttl
    return lease


def revoke(call: Call, lease: Lease) -> None:
    """Nobody else knows of what was made, but to delete a user takes the engine's own access key."""
    if lease.internal["role_type"] == "ram" and CONFIG.load(call) is None:
        raise Failure("unable to delete access key because no credentials are configured")


ENGINE = Engine(
    type="alicloud",
    help="Make RAM users with access keys, and sessions of RAM roles, which last as long as their lease.",
    paths=(
        *CONFIG.paths(),
        Path(
            "role/{name}",
            RoleArgs,
            "Write, read or delete a role.",
            read=read,
            write=write,
            delete=delete,
            exists=exists,
            operation_ids={
                "read": "ali-cloud-read-role",
                "write": "ali-cloud-write-role",
                "delete": "ali-cloud-delete-role",
            },
        ),
        Path(
            "role/?",
            NoArgs,
            "List the roles.",
            list=list_names,
            operation_ids={"list": "ali-cloud-list-roles"},
        ),
        Path(
            "creds/{name}",
            NameArgs,
            "Have an access key or a session made, as a role says.",
            read=generate,
            operation_ids={"read": "ali-cloud-generate-credentials"},
        ),
    ),
    secrets=(SecretKind(KIND, revoke=revoke, renew=renew),),
)
