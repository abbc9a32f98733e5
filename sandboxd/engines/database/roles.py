"""Dynamic roles: each read of `creds/{name}` makes a user that lasts as long as its lease."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from sandboxd.engines.database import connections, credentials
from sandboxd.engines.database.plugin import CREDENTIAL_TYPES, PASSWORD, NewUser, UpdateUser
from sandboxd.vault.errors import Failure, refuse
from sandboxd.vault.framework.backend import Call, Lease, Response, Result
from sandboxd.vault.framework.fields import Duration, Name, NoArgs, Pairs, Strings, param
from sandboxd.vault.framework.records import page
from sandboxd.vault.framework.ttl import calculate_ttl
from sandboxd.vault.gotext import quote

NANOSECONDS = 1_000_000_000
BUFFER = 5  # seconds that a user outlasts its lease
KIND = "creds"
UNIQUE = "Role and Static Role names must be unique"


@dataclass(frozen=True, kw_only=True)
class NameArgs:
    name: Name = param(help="Name of the role.")


@dataclass(frozen=True, kw_only=True)
class ListArgs:
    """Which part of a list."""

    after: str = param("", "Begin after this entry, which need not be there.", place="query")
    limit: int = param(0, "How many entries at most; 0 for all.", place="query")


@dataclass(frozen=True, kw_only=True)
class SharedArgs(NameArgs):
    """What dynamic and static roles have in common."""

    credential_config: Pairs = param(help="How credentials of the type are made.", factory=dict)
    credential_type: str = param(
        "password", "What is handed out: password, rsa_private_key or client_certificate.", shown_default=True
    )
    db_name: str = param("", "Name of the connection that the role uses.")


@dataclass(frozen=True, kw_only=True)
class RoleArgs(SharedArgs):
    creation_statements: Strings = param((), "Statements that make a user.")
    default_ttl: Duration = param(0, "How long a lease lasts at first; 0 for what the mount says.")
    max_ttl: Duration = param(0, "How long a lease can be made to last; 0 for what the mount says.")
    renew_statements: Strings = param((), "Statements that let a user last longer.")
    revocation_statements: Strings = param((), "Statements that drop a user.")
    rollback_statements: Strings = param((), "Statements that undo a creation which failed.")


class Role(msgspec.Struct, frozen=True, kw_only=True):
    """One role, as it is stored. Times are in seconds."""

    db_name: str
    credential_type: str = PASSWORD
    credential_config: Mapping[str, str | int] = {}
    creation_statements: tuple[str, ...] = ()
    revocation_statements: tuple[str, ...] = ()
    rollback_statements: tuple[str, ...] = ()
    renew_statements: tuple[str, ...] = ()
    default_ttl: int = 0
    max_ttl: int = 0


def exists(call: Call, args: NameArgs) -> bool:
    return call.storage.get(f"role/{args.name}") is not None


def list_names(call: Call, args: ListArgs | NoArgs) -> Result:
    """The names of the dynamic or the static roles."""
    folder = "static-role/" if call.path.startswith("static-roles") else "role/"
    names = call.storage.list(folder)
    if isinstance(args, ListArgs):
        names = page(names, args.after, args.limit)
    return {"keys": names} if names else {}


def read(call: Call, args: RoleArgs) -> Result:
    role = call.storage.get(f"role/{args.name}", Role)
    if role is None:
        return None
    data = msgspec.structs.asdict(role)
    return data if role.credential_config else {name: data[name] for name in data if name != "credential_config"}


def write(call: Call, args: RoleArgs) -> None:
    if call.storage.get(f"static-role/{args.name}") is not None:
        refuse(UNIQUE)
    role = call.storage.get(f"role/{args.name}", Role) or Role(db_name="")
    role = msgspec.structs.replace(role, db_name=args.db_name if "db_name" in call.given else role.db_name)
    if not role.db_name:
        refuse("database name is required")
    changed = credential_fields(call, args, role.credential_type)
    changed |= {
        name: getattr(args, name)
        for name in call.given
        if name.endswith("_statements") or name in ("default_ttl", "max_ttl")
    }
    if "revocation_statements" in changed:
        changed["revocation_statements"] = tuple(filter(None, changed["revocation_statements"]))
    call.storage.put(f"role/{args.name}", msgspec.structs.replace(role, **changed))


def delete(call: Call, args: RoleArgs) -> None:
    call.storage.delete(f"role/{args.name}")


def credential_fields(call: Call, args: SharedArgs, kind: str) -> dict[str, Any]:
    """What a write changes of a role's credentials; `kind` is their type as it is. Raises Refusal.

    The configuration is checked even when none is sent, and only then left as it is when it comes out empty.
    """
    if "credential_type" in call.given:
        kind = args.credential_type
        if kind not in CREDENTIAL_TYPES:
            refuse(f"invalid credential_type {quote(kind)}")
    config = credentials.configured(call, kind, args.credential_config)
    return {"credential_type": kind} | ({"credential_config": config} if config else {})


async def read_creds(call: Call, args: NameArgs) -> Result:
    """Make a user, and lend it out."""
    role = call.storage.get(f"role/{args.name}", Role) or refuse(f"unknown role: {args.name}")
    connection = connections.known(call, role.db_name)
    connections.check_allowed(connection, args.name)
    if not connection.supports(role.credential_type):
        refuse(f"unsupported credential_type: {quote(role.credential_type)}")
    ttl, _ = calculate_ttl(call.mount.bounds, now=int(call.clock.now()), ttl=role.default_ttl, max_ttl=role.max_ttl)
    expiration = call.clock.now_ns() + (ttl + BUFFER) * NANOSECONDS
    display_name = call.caller.display_name if call.caller is not None else ""
    async with connections.database(call, role.db_name) as plugin:
        made = await credentials.make(
            call,
            role.credential_type,
            role.credential_config,
            policy=connection.password_policy,
            expiration=expiration,
            names=credentials.names_of(display_name, args.name),
        )
        username = await plugin.new_user(
            NewUser(
                display_name=display_name,
                role_name=args.name,
                statements=role.creation_statements,
                rollback=role.rollback_statements,
                credential_type=role.credential_type,
                password=made.password,
                public_key=made.public_key,
                subject=made.subject,
                expiration=expiration,
            )
        )
    lease = Lease(
        ttl=role.default_ttl,
        max_ttl=role.max_ttl,
        kind=KIND,
        internal={
            "username": username,
            "role": args.name,
            "db_name": role.db_name,
            "revocation_statements": role.revocation_statements,
        },
    )
    return Response(data={**made.data, "username": username}, lease=lease, credentials=made.secret)


async def renew(call: Call, lease: Lease) -> Lease:
    """Let a user last longer, by what its role says now."""
    name = lease.internal["role"]
    role = call.storage.get(f"role/{name}", Role)
    if role is None:
        raise Failure(f"error during renew: could not find role with name {quote(name)}")
    ttl, _ = calculate_ttl(
        call.mount.bounds,
        now=int(call.clock.now()),
        increment=call.raw.get("increment", 0),
        ttl=role.default_ttl,
        max_ttl=role.max_ttl,
        start=call.raw.get("issue_time", 0) // NANOSECONDS,
    )
    expiration = call.clock.now_ns() + (ttl + BUFFER) * NANOSECONDS
    change = UpdateUser(username=lease.internal["username"], expiration=expiration, statements=role.renew_statements)
    async with connections.database(call, role.db_name) as plugin:
        await plugin.update_user(change)
    return msgspec.structs.replace(lease, ttl=role.default_ttl, max_ttl=role.max_ttl)


async def revoke(call: Call, lease: Lease) -> None:
    """Drop a user: as its role says now, or said when the user was made if the role is gone."""
    role = call.storage.get(f"role/{lease.internal['role']}", Role)
    db_name = lease.internal["db_name"] if role is None else role.db_name
    statements = lease.internal["revocation_statements"] if role is None else role.revocation_statements
    async with connections.database(call, db_name) as plugin:
        await plugin.delete_user(lease.internal["username"], tuple(statements))
