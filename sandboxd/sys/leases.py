"""`sys/leases/`: look up, renew and revoke what was lent out for a time.

Source: OpenBao's system backend, for the order of the checks and their texts.
"""

import re
from dataclasses import dataclass
from typing import Any

import msgspec

from sandboxd.vault.clock import NANOSECONDS
from sandboxd.vault.durations import rfc3339
from sandboxd.vault.errors import Failure, VaultError, fail, refuse
from sandboxd.vault.framework.backend import Path, Response, Result
from sandboxd.vault.framework.fields import AnyRest, Duration, NoArgs, Rest, param
from sandboxd.vault.framework.ttl import calculate_ttl
from sandboxd.vault.gotext import quote
from sandboxd.vault.lease_entry import LeaseEntry
from sandboxd.vault.system import SystemCall

MAX_SHOWN = 10_000
_ACCEPTED = Response(status=202, body=b"")


@dataclass(frozen=True, kw_only=True)
class LookupArgs:
    lease_id: str = param("", "Id of the lease.")


@dataclass(frozen=True, kw_only=True)
class PrefixArgs:
    prefix: AnyRest = param("", "Where to look: lease ids begin with the path that made them.")


@dataclass(frozen=True, kw_only=True)
class RenewArgs:
    url_lease_id: Rest = param("", "Id of the lease, in the path.")
    lease_id: str = param("", "Id of the lease.")
    increment: Duration = param(0, "For how long to renew it.")


@dataclass(frozen=True, kw_only=True)
class RevokeArgs:
    url_lease_id: Rest = param("", "Id of the lease, in the path.")
    lease_id: str = param("", "Id of the lease.")
    sync: bool = param(True, "Answer when it is done, rather than at once.")


@dataclass(frozen=True, kw_only=True)
class RevokeForceArgs:
    prefix: Rest = param("", "All leases whose ids begin with it are revoked.")


@dataclass(frozen=True, kw_only=True)
class RevokePrefixArgs:
    prefix: Rest = param("", "All leases whose ids begin with it are revoked.")
    sync: bool = param(True, "Answer when it is done, rather than at once.")


@dataclass(frozen=True, kw_only=True)
class CountArgs:
    type: str = param("", "Which leases: `irrevocable` is all there is.", required=True, place="query")
    include_child_namespaces: bool = param(False, "Whether to go into namespaces below.", place="query")


@dataclass(frozen=True, kw_only=True)
class ListArgs(CountArgs):
    limit: str = param("", "How many to show at most: a number, or `none`.", place="query")


def lookup(call: SystemCall, args: LookupArgs) -> Result:
    lease_id = args.lease_id or refuse("lease_id must be specified")
    entry = _entry(call, lease_id) or refuse("invalid lease")
    data: dict[str, Any] = {
        "id": lease_id,
        "issue_time": rfc3339(entry.issue_time),
        "expire_time": None,
        "last_renewal": None,
        "ttl": 0,
        "path": entry.path,
        "renewable": renewable(call, entry),
    }
    if call.namespace.path:
        data["namespace_path"] = call.namespace.path
    if entry.revoke_error:
        data["revoke_error"] = entry.revoke_error
    if entry.last_renewal:
        data["last_renewal"] = rfc3339(entry.last_renewal)
    if entry.expire_time:
        data["expire_time"] = rfc3339(entry.expire_time)
        data["ttl"] = entry.ttl(call.clock.now_ns())
    return data


def list_prefix(call: SystemCall, args: PrefixArgs) -> Result:
    prefix = f"{args.prefix.rstrip('/')}/" if args.prefix else ""
    keys = call.world.leases.names(prefix, call.namespace.id)
    return {"keys": keys} if keys else {}


async def renew(call: SystemCall, args: RenewArgs) -> Response:
    lease_id = _asked(call, args.lease_id)
    leases = call.world.leases
    try:
        entry = leases.check_renewable(_entry(call, lease_id))
    except Failure as error:
        refuse(error.errors[0])
    if entry.secret is None or leases.revoker is None:
        refuse("tokens cannot be renewed through this endpoint")
    found = call.world.mounts.find(call.namespace, entry.path)
    if found is None:
        refuse("unable to retrieve system view from router")
    try:
        secret = await leases.revoker.renew_secret(entry, args.increment)
    except VaultError as error:
        refuse(f"failed to renew entry: resp: (*logical.Response)(nil) err: {error.errors[0]}")
    try:
        ttl, warnings = calculate_ttl(
            found[0].mount.bounds,
            now=int(call.clock.now()),
            increment=args.increment,
            ttl=secret.ttl,
            max_ttl=secret.max_ttl,
            start=entry.issue_time // NANOSECONDS,
        )
        renewed = leases.renew(entry, ttl=ttl, secret=secret)
    except ValueError as error:
        refuse(str(error))
    except Failure as error:
        refuse(error.errors[0])
    return Response(lease=msgspec.structs.replace(renewed.secret or secret, id=lease_id), warnings=warnings)


async def revoke(call: SystemCall, args: RevokeArgs) -> Result:
    lease_id = _asked(call, args.lease_id)
    entry = _entry(call, lease_id)
    if not args.sync:
        if entry is not None:
            await call.world.leases.revoke_later(entry)
        return _ACCEPTED
    if entry is not None:
        try:
            await call.world.leases.revoke(entry)
        except Failure as error:
            refuse(error.errors[0])
    return None


async def revoke_prefix(call: SystemCall, args: RevokePrefixArgs) -> Result:
    try:
        await call.world.leases.revoke_prefix(args.prefix, namespace_id=call.namespace.id, later=not args.sync)
    except Failure as error:
        refuse(error.errors[0])
    return None if args.sync else _ACCEPTED


async def revoke_force(call: SystemCall, args: RevokeForceArgs) -> None:
    await call.world.leases.revoke_prefix(args.prefix, namespace_id=call.namespace.id, force=True)


async def tidy(call: SystemCall, args: NoArgs) -> Response:
    del args
    await call.world.leases.tidy(call.namespace.id)
    return tidy_started(call)


def tidy_started(call: SystemCall) -> Response:
    """The answer to all requests to sweep up, here as in the token store."""
    product = "Vault" if call.profile == "vault" else "OpenBao"  # from Vault's documentation
    text = (
        "Tidy operation successfully started. Any information from the operation will be printed to "
        f"{product}'s server logs."
    )
    body = call.world.encode(Response(warnings=[text]), call.request.id).encode()
    return Response(status=202, body=body)


def count(call: SystemCall, args: CountArgs) -> Result:
    if args.type.lower() != "irrevocable":
        return None
    counts: dict[str, int] = {}
    for entry in _irrevocable(call, deep=args.include_child_namespaces):
        accessor = _mount_accessor(call, entry)
        counts[accessor] = counts.get(accessor, 0) + 1
    return {"lease_count": sum(counts.values()), "counts": counts}


def list_irrevocable(call: SystemCall, args: ListArgs) -> Result:
    if args.type.lower() != "irrevocable":
        return None
    limit = _limit(args.limit)
    found = _irrevocable(call, deep=args.include_child_namespaces)
    if limit is not None and len(found) > limit:
        found = found[:limit]
        call.warn(
            "Command halted because many irrevocable leases were found. To emit the entire list, re-run the command "
            "with force set true."
        )
    leases = [
        {"lease_id": entry.id, "mount_id": _mount_accessor(call, entry), "error": entry.revoke_error} for entry in found
    ]
    return {"lease_count": len(leases), "leases": leases}


def _limit(text: str) -> int | None:
    if not text or text.lower() == "none":
        return None if text else MAX_SHOWN
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        fail(f"invalid 'limit' provided: strconv.Atoi: parsing {quote(text)}: invalid syntax")
    if int(text) < 1:
        fail("limit must be 'none' or a positive integer")
    return int(text)


def _irrevocable(call: SystemCall, *, deep: bool) -> list[LeaseEntry]:
    here = {call.namespace.id}
    if deep:
        here |= {namespace.id for namespace in call.world.namespaces.below(call.namespace, deep=True)}
    return [entry for entry in call.world.leases.irrevocable() if entry.namespace_id in here]


def _mount_accessor(call: SystemCall, entry: LeaseEntry) -> str:
    namespace = call.world.namespaces.get(entry.namespace_id)
    found = None if namespace is None else call.world.mounts.find(namespace, entry.path)
    return "mount-accessor-not-found" if found is None else found[0].entry.accessor


def _asked(call: SystemCall, lease_id: str) -> str:
    """The lease that is meant: named in the body, else by the path. `url_lease_id` in a body means nothing."""
    return lease_id or call.path.removeprefix("leases/").partition("/")[2] or refuse("lease_id must be specified")


def _entry(call: SystemCall, lease_id: str) -> LeaseEntry | None:
    if not {".", ".."}.isdisjoint(lease_id.split("/")):
        refuse(f"failed to read lease entry {lease_id}: relative paths not supported")
    entry = call.world.leases.get(lease_id)
    return entry if entry is not None and entry.namespace_id == call.namespace.id else None


def renewable(call: SystemCall, entry: LeaseEntry) -> bool:
    """Whether a lease shows as renewable."""
    try:
        call.world.leases.check_renewable(entry)
    except Failure:
        return False
    return entry.token_type != "batch"


def _paths(folder: str, *profiles: str) -> tuple[Path[Any, Any], ...]:
    """The paths that Vault has in two places."""
    return (
        Path(f"{folder}renew[/{{url_lease_id}}]", RenewArgs, "Renew a lease.", write=renew, profiles=profiles),
        Path(f"{folder}revoke[/{{url_lease_id}}]", RevokeArgs, "Revoke a lease.", write=revoke, profiles=profiles),
        Path(
            f"{folder}revoke-force/{{prefix}}",
            RevokeForceArgs,
            "Revoke all leases below a prefix, and forget those that can't be revoked.",
            write=revoke_force,
            profiles=profiles,
        ),
        Path(
            f"{folder}revoke-prefix/{{prefix}}",
            RevokePrefixArgs,
            "Revoke all leases below a prefix.",
            write=revoke_prefix,
            profiles=profiles,
        ),
    )


PATHS: tuple[Path[Any, Any], ...] = (
    Path("leases", ListArgs, "List the leases that could not be revoked.", read=list_irrevocable),
    Path("leases/count", CountArgs, "Count the leases that could not be revoked.", read=count),
    Path("leases/lookup", LookupArgs, "Look up a lease.", write=lookup),
    Path("leases/lookup/[{prefix}]", PrefixArgs, "List the leases below a prefix.", list=list_prefix),
    Path("leases/tidy", NoArgs, "Revoke leases whose token is gone.", write=tidy),
    *_paths("leases/", "vault", "openbao"),
    *_paths("", "vault"),  # from Vault's documentation
)
