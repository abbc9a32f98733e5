"""Roles: written, read, listed and deleted, and found by their role ID."""

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import msgspec

from sandboxd.auth.approle import cidrs
from sandboxd.vault.durations import format_duration
from sandboxd.vault.errors import fail, refuse
from sandboxd.vault.framework.backend import Call, Path, Result
from sandboxd.vault.framework.fields import CommaList, Duration, MaybeList, Name, NoArgs, param
from sandboxd.vault.framework.records import TokenFields, page, renamed, sent, update

MAX_HMAC_INPUT = 4096
"""Bytes of a role's name or a secret ID, at most."""


_ADJUSTED = {"default-service": "service", "default-batch": "batch"}


@dataclass(frozen=True, kw_only=True, repr=False)
class Role(TokenFields):
    """A role as it is stored. Source: OpenBao's approle, as for all that this package does."""

    bind_secret_id: bool = param(True, "Whether a login needs a secret ID.")
    local_secret_ids: bool = param(False, "Keep the role's secret IDs in this cluster; can only be set at first.")
    period: Duration = param(0, "Use `token_period` instead.", deprecated=True)
    policies: CommaList = param((), "Use `token_policies` instead.", deprecated=True)
    role_id: str = param("", "What finds the role at login; made up when not given.")
    secret_id_bound_cidrs: MaybeList = param(None, "CIDR blocks from which the role can be logged in to; none for all.")
    secret_id_num_uses: int = param(0, "How many logins a secret ID is good for; 0 for no limit.")
    secret_id_ttl: Duration = param(0, "How long a secret ID is good for; 0 for ever.")
    name: str = param("", hidden=True)
    hmac_key: str = param("", hidden=True)
    token_cidrs_written: bool = param(False, hidden=True)  # else their own path shows null, not an empty list


@dataclass(frozen=True, kw_only=True, repr=False)
class RoleArgs(Role):
    """A role as a client writes it."""

    role_name: Name = param(help="Name of the role, in any case of letters.")
    bound_cidr_list: CommaList = param((), "Use `secret_id_bound_cidrs` instead.", deprecated=True)


@dataclass(frozen=True, kw_only=True)
class NameArgs:
    """Which role."""

    role_name: Name = param(help="Name of the role, in any case of letters.")


@dataclass(frozen=True, kw_only=True)
class ListArgs:
    """Which part of a list."""

    after: str = param("", "Begin after this entry, which need not be there.", place="query")
    limit: int = param(0, "How many entries at most; 0 for all.", place="query")


class RoleRef(msgspec.Struct, frozen=True):
    """Where a role ID leads."""

    name: str


def load(call: Call, name: str) -> Role | None:
    """The role of that name."""
    return call.storage.get(f"role/{name.lower()}", Role)


def by_id(call: Call, role_id: str) -> Role | None:
    """The role with that role ID."""
    ref = call.storage.get(_index(role_id), RoleRef)
    return None if ref is None else load(call, ref.name)


def keep(call: Call, role: Role, previous: Role | None = None) -> None:
    """Store a role. Raises Failure when anyone could log in, or its role ID is another's."""
    status = 400 if call.warnings else 500  # the real server's way to answer errors that come with warnings
    if not (role.bind_secret_id or role.secret_id_bound_cidrs or role.token_bound_cidrs):
        fail("at least one constraint should be enabled on the role", status)
    ref = call.storage.get(_index(role.role_id), RoleRef)
    if ref is not None and ref.name != role.name:
        fail("role_id already in use", status)
    if previous is not None and previous.role_id not in ("", role.role_id):
        call.storage.delete(_index(previous.role_id))
    call.storage.put(f"role/{role.name}", role)
    call.storage.put(_index(role.role_id), RoleRef(role.name))


def exists(call: Call, args: RoleArgs) -> bool:
    return load(call, args.role_name) is not None


def write(call: Call, args: RoleArgs) -> None:
    if len(args.role_name) > MAX_HMAC_INPUT:
        refuse(f"role_name is longer than maximum of {MAX_HMAC_INPUT} bytes")
    given = sent(call, RoleArgs)
    old = load(call, args.role_name)
    role = update(old or Role(name=args.role_name.lower(), hmac_key=call.entropy.uuid()), args, given)
    if role.token_type in _ADJUSTED:
        kind = _ADJUSTED[role.token_type]
        call.warn(f"{role.token_type} has no useful meaning; adjusting to {kind}")
        role = replace(role, token_type=kind)
    role = role.checked(call)
    if "token_bound_cidrs" in given:
        role = replace(role, token_cidrs_written=True)
    if "local_secret_ids" in given and old is not None:
        refuse("local_secret_ids can only be modified during role creation")
    if "role_id" not in given and old is None:
        role = replace(role, role_id=call.entropy.uuid())
    if not role.role_id:
        refuse("invalid role_id supplied, or failed to generate a role_id")
    if "bound_cidr_list" in given and "secret_id_bound_cidrs" not in given:
        role = replace(role, secret_id_bound_cidrs=args.bound_cidr_list)
    fault = cidrs.fault(role.secret_id_bound_cidrs or ())
    if fault:
        fail(f"failed to validate CIDR blocks: {fault}")
    if role.secret_id_num_uses < 0:
        refuse("secret_id_num_uses cannot be negative")
    role = renamed(role, given, "policies", "token_policies")
    role = renamed(role, given, "period", "token_period")
    check_period(call, role, role.period)
    if role.token_max_ttl > call.mount.bounds.max_ttl:
        call.warn(
            "token_max_ttl is greater than the backend mount's maximum TTL value; issued tokens' max TTL value will be "
            "truncated"
        )
    keep(call, role, old)


def check_period(call: Call, role: Role, period: int) -> None:
    """Raise Refusal when a period is longer than the mount allows; it shows the one under the deprecated name."""
    longest = call.mount.bounds.max_ttl
    if period > longest:
        refuse(
            f'period of "{format_duration(role.period)}" is greater than the backend\'s maximum lease TTL of '
            f'"{format_duration(longest)}"'
        )


def read(call: Call, args: RoleArgs) -> Result:
    role = load(call, args.role_name)
    if role is None:
        return None
    data: dict[str, Any] = {
        "bind_secret_id": role.bind_secret_id,
        "local_secret_ids": role.local_secret_ids,
        "secret_id_bound_cidrs": role.secret_id_bound_cidrs,
        "secret_id_num_uses": role.secret_id_num_uses,
        "secret_id_ttl": role.secret_id_ttl,
        **role.token_data(call.profile),
    }
    if role.period:
        data["period"] = role.period
    if role.policies:
        data["policies"] = role.policies
    return data


def delete(call: Call, args: RoleArgs) -> None:
    role = load(call, args.role_name)
    if role is None:
        return
    call.storage.clear(f"secret_id/{role.name}/")
    call.storage.delete(_index(role.role_id))
    call.storage.delete(f"role/{role.name}")


def list_names(call: Call, args: ListArgs | NoArgs) -> Result:
    names = call.storage.list("role/")
    if isinstance(args, ListArgs):
        names = page(names, args.after, args.limit)
    return {"keys": names} if names else {}


def _index(role_id: str) -> str:
    # Hashed, for a role ID may be any text, with slashes.
    return f"role_id/{sha256(role_id.encode('utf-8', 'surrogatepass')).hexdigest()}"


PATHS = (
    Path(
        "role/{role_name}",
        RoleArgs,
        "Write, read or delete a role.",
        description=(
            "A role stands for a kind of app: it says who can log in as it, and what the tokens can do.\n"
            "Writing a role again changes the fields that are sent."
        ),
        read=read,
        write=write,
        delete=delete,
        exists=exists,
        folds=True,
    ),
    Path("role/?", NoArgs, "List the roles.", list=list_names, profiles=("vault",)),
    Path("role/?", ListArgs, "List the roles.", list=list_names, profiles=("openbao",)),
)
