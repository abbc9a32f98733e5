"""The token store: everything below `auth/token/`.

Tokens are made in `token_create`, and roles kept in `token_roles`; here tokens are looked up, renewed and revoked. A
token is renewed by whoever issued it: the auth method that it was got from, or the token store itself.

Source: OpenBao's token store and expiration manager, for the order of the checks and their texts.
"""

from dataclasses import dataclass
from inspect import isawaitable
from typing import Any

import msgspec

from sandboxd.sys import token_create, token_roles
from sandboxd.sys.leases import renewable, tidy_started
from sandboxd.vault.clock import NANOSECONDS
from sandboxd.vault.durations import rfc3339
from sandboxd.vault.errors import Failure, InvalidRequest, Refusal, fail, refuse
from sandboxd.vault.framework.backend import Auth, AuthMethod, Path, Response, Result
from sandboxd.vault.framework.fields import Duration, NoArgs, param
from sandboxd.vault.framework.ttl import calculate_ttl
from sandboxd.vault.gotext import quote
from sandboxd.vault.lease_entry import LeaseEntry
from sandboxd.vault.namespaces import ROOT_ID
from sandboxd.vault.system import SystemCall
from sandboxd.vault.tokens import MalformedToken, Token, split_namespace
from sandboxd.vault.waiting import waited


@dataclass(frozen=True, kw_only=True)
class TokenArgs:
    token: str = param("", "The token.")


@dataclass(frozen=True, kw_only=True)
class AccessorArgs:
    accessor: str = param("", "Accessor of the token.")


@dataclass(frozen=True, kw_only=True)
class RenewArgs:
    token: str = param("", "The token.")
    increment: Duration = param(0, "For how long to renew it.", shown_default=True)


@dataclass(frozen=True, kw_only=True)
class RenewAccessorArgs:
    accessor: str = param("", "Accessor of the token.")
    increment: Duration = param(0, "For how long to renew it.", shown_default=True)


# Looking up


def lookup(call: SystemCall, args: TokenArgs) -> Result:
    return described(call, args.token or call.request.token)


def lookup_self(call: SystemCall, args: TokenArgs) -> Result:
    del args
    return described(call, call.request.token)


def lookup_accessor(call: SystemCall, args: AccessorArgs) -> Result:
    token = by_accessor(call, args.accessor) or fail("invalid accessor", 400)
    return {**described(call, token.id), "id": ""}


def described(call: SystemCall, token_id: str) -> dict[str, Any]:
    """What whoever has a token may know of it: not its parent. Raises Refusal for a token that is no more."""
    tokens = call.world.tokens
    try:
        token = tokens.lookup(token_id)
        if token is not None and token.type == "batch":
            token = tokens.live(token_id, call.clock.now())
    except MalformedToken as error:
        refuse(error.errors[0])
    if token is None:
        refuse("bad token", 403)
    data: dict[str, Any] = {
        "id": token.id,
        "accessor": token.accessor,
        "policies": token.policies,
        "path": token.path,
        "meta": token.meta,
        "display_name": token.display_name,
        "num_uses": token.num_uses,
        "orphan": not token.parent,
        "creation_time": token.creation_time,
        "creation_ttl": token.ttl,
        "expire_time": None,
        "ttl": 0,
        "explicit_max_ttl": token.explicit_max_ttl,
        "entity_id": token.entity_id,
        "type": token.type,
    }
    if token.role:
        data["role"] = token.role
    if token.period:
        data["period"] = token.period
    if token.bound_cidrs:
        data["bound_cidrs"] = token.bound_cidrs
    if token.namespace_id != ROOT_ID:
        namespace = call.world.namespaces.get(token.namespace_id)
        data["namespace_path"] = "" if namespace is None else namespace.path
    return {**data, **_times(call, token), **_identity(call, token)}


def _times(call: SystemCall, token: Token) -> dict[str, Any]:
    if token.type == "batch":
        entry = _batch_lease(token)
    else:
        found = call.world.leases.of_token(token)
        if found is None or token.namespace_id != call.namespace.id:  # leases are looked for where the request is
            return {}
        entry = found
    data: dict[str, Any] = {"renewable": renewable(call, entry), "issue_time": rfc3339(entry.issue_time)}
    if entry.last_renewal:
        data["last_renewal_time"] = entry.last_renewal // NANOSECONDS
        data["last_renewal"] = rfc3339(entry.last_renewal)
    if entry.expire_time:
        data["expire_time"] = rfc3339(entry.expire_time)
        data["ttl"] = entry.ttl(call.clock.now_ns())
    return data


def _batch_lease(token: Token) -> LeaseEntry:
    issued = token.creation_time * NANOSECONDS
    return LeaseEntry(
        id="",
        path=token.path,
        namespace_id=token.namespace_id,
        token=token.hash,
        token_type="batch",
        issue_time=issued,
        expire_time=issued + token.ttl * NANOSECONDS,
    )


def _identity(call: SystemCall, token: Token) -> dict[str, Any]:
    entity = call.world.identity.entity(token.entity_id)
    found = {} if entity is None or token.no_identity_policies else call.world.identity.policies(entity)
    if not found:
        return {}
    return {
        "identity_policies": found.pop(token.namespace_id, None),
        "external_namespace_policies": found,
    }


def by_accessor(call: SystemCall, accessor: str) -> Token | None:
    """The token of an accessor of the request's own namespace. Raises Failure for another's."""
    if not accessor:
        fail("missing accessor", 400)
    owner = split_namespace(accessor)[1]
    known = call.world.namespaces.get(owner or ROOT_ID)
    if known is not None and known.id != call.namespace.id:
        fail("cannot lookup token in different namespace")
    return call.world.tokens.by_accessor(accessor)


def list_accessors(call: SystemCall, args: NoArgs) -> Result:
    del args
    return {"keys": call.world.tokens.accessors(call.namespace.id)}


# Renewing


async def renew(call: SystemCall, args: RenewArgs) -> Response | None:
    return await _renew(call, *_renewable(call, args.token), args.increment)


async def renew_self(call: SystemCall, args: RenewArgs) -> Response | None:
    return await _renew(call, *_renewable(call, call.request.token), args.increment)


async def renew_accessor(call: SystemCall, args: RenewAccessorArgs) -> Response | None:
    token = by_accessor(call, args.accessor) or fail("invalid accessor", 400)
    try:
        token, entry = _renewable(call, token.id)
    except Refusal:
        raise InvalidRequest from None  # the real server loses the reason on its way
    response = await _renew(call, token, entry, args.increment)
    if response is not None and response.auth is not None:
        response.auth.token = ""
    return response


def _renewable(call: SystemCall, token_id: str) -> tuple[Token, LeaseEntry]:
    """A token and its lease. Raises Refusal or Failure when it can't be renewed."""
    if not token_id:
        refuse("missing token ID")
    world = call.world
    try:
        token = world.tokens.live(token_id, call.clock.now())
    except MalformedToken as error:
        fail(f"error looking up token to renew: {error.errors[0]}")
    if token is None:
        refuse("token not found")
    if token.type == "batch":
        refuse("batch tokens cannot be renewed")
    if token.namespace_id != call.namespace.id:
        fail("cannot renew a token across namespaces")
    entry = world.leases.of_token(token) or refuse("invalid lease ID")
    try:
        world.leases.check_renewable(entry)
    except Failure as error:
        refuse(error.errors[0])
    return token, entry


async def _renew(call: SystemCall, token: Token, entry: LeaseEntry, increment: int) -> Response | None:
    world = call.world
    found = world.mounts.find(call.namespace, entry.path)
    if entry.auth is None or found is None:
        fail("failed to renew entry: unsupported path", 404)
    mounted, path = found
    if not isinstance(mounted.backend, AuthMethod) or mounted.backend.renew is None:
        refuse("this auth type doesn't support renew")
    own = entry.path.startswith("auth/token/")  # only the token store gets to see the token itself
    auth = msgspec.structs.replace(entry.auth, token=token.id if own else "")
    renewing = world.call(call.request, mounted, path, operation="renew", raw={})
    try:
        result = mounted.backend.renew(renewing, auth)
        renewed = await waited(result) if isawaitable(result) else result
    except Failure as error:
        fail(f"failed to renew entry: {error.errors[0]}", error.status)
    if renewed is None:
        return None
    auth = renewed
    try:
        ttl, warnings = calculate_ttl(
            mounted.mount.bounds,
            now=int(call.clock.now()),
            increment=increment,
            ttl=auth.ttl,
            period=auth.period,
            max_ttl=auth.max_ttl,
            explicit_max_ttl=auth.explicit_max_ttl,
            start=entry.issue_time // NANOSECONDS,
        )
    except ValueError as error:
        fail(str(error))
    if auth.entity_id and auth.alias is not None:
        world.identity.refresh_external_groups(auth.entity_id, auth.group_aliases, mounted.entry.accessor)
    auth = msgspec.structs.replace(auth, ttl=ttl, token=token.id)
    world.leases.renew(entry, ttl=ttl, auth=auth)
    return Response(auth=auth, warnings=warnings)


def renew_own(call: SystemCall, auth: Auth) -> Auth:
    """Renew a token that the token store made: its role says for how long, as it is now."""
    token = call.world.tokens.live(auth.token, call.clock.now()) or fail("no token entry found during lookup")
    if not token.role:
        return msgspec.structs.replace(auth, period=token.period, explicit_max_ttl=token.explicit_max_ttl)
    role = token_roles.load(call, token.role) or fail(
        f"original token role {quote(token.role)} could not be found, not renewing"
    )
    return msgspec.structs.replace(auth, period=role.token_period, explicit_max_ttl=role.token_explicit_max_ttl)


# Revoking


async def revoke(call: SystemCall, args: TokenArgs) -> None:
    await _revoke(call, args.token or refuse("missing token ID"))


async def revoke_self(call: SystemCall, args: NoArgs) -> None:
    del args
    await _revoke(call, call.request.token)


async def revoke_accessor(call: SystemCall, args: AccessorArgs) -> Result:
    token = by_accessor(call, args.accessor)
    if token is None:
        return Response(warnings=["No token found with this accessor"])
    if token.used_up:
        refuse("token not found")
    await call.world.leases.revoke_tree(token)
    return None


async def revoke_orphan(call: SystemCall, args: TokenArgs) -> None:
    if not args.token:
        refuse("missing token ID")
    if not call.sudo:
        refuse("root or sudo privileges required to revoke and orphan")
    try:
        token = call.world.tokens.live(args.token, call.clock.now())
    except MalformedToken as error:
        fail(f"error when looking up token to revoke: {error.errors[0]}")
    if token is None:
        refuse("token to revoke not found")
    if token.type == "batch":
        refuse("batch tokens cannot be revoked")
    await call.world.leases.revoke_one(token)


async def _revoke(call: SystemCall, token_id: str) -> None:
    token = call.world.tokens.live(token_id, call.clock.now())
    if token is None:
        return
    if token.type == "batch":
        refuse("batch tokens cannot be revoked")
    await call.world.leases.revoke_tree(token)


def tidy(call: SystemCall, args: NoArgs) -> Response:
    del args  # every write here is whole, so that nothing is ever left behind
    return tidy_started(call)


PATHS: tuple[Path[Any, Any], ...] = (
    *token_roles.PATHS,
    *token_create.PATHS,
    Path("accessors/?", NoArgs, "List the accessors of all tokens.", list=list_accessors),
    Path("lookup", TokenArgs, "Look up a token.", read=lookup, write=lookup),
    Path("lookup-accessor", AccessorArgs, "Look up a token by its accessor.", write=lookup_accessor),
    Path("lookup-self", TokenArgs, "Look up the token that asks.", read=lookup_self, write=lookup_self),
    Path("renew", RenewArgs, "Renew a token.", write=renew),
    Path("renew-accessor", RenewAccessorArgs, "Renew a token by its accessor.", write=renew_accessor),
    Path("renew-self", RenewArgs, "Renew the token that asks.", write=renew_self),
    Path("revoke", TokenArgs, "Revoke a token and its children.", write=revoke),
    Path("revoke-accessor", AccessorArgs, "Revoke a token and its children by its accessor.", write=revoke_accessor),
    Path("revoke-orphan", TokenArgs, "Revoke a token; its children become orphans.", write=revoke_orphan),
    Path("revoke-self", NoArgs, "Revoke the token that asks, and its children.", write=revoke_self),
    Path("tidy", NoArgs, "Sweep up what revoked tokens left behind.", write=tidy),
)

BACKEND = AuthMethod(
    type="token",
    help="Make, look up, renew and revoke tokens, by which clients are known. It is built in, at auth/token/.",
    paths=PATHS,
    root=("revoke-orphan/*", "accessors*"),
    renew=renew_own,
    system=True,
    singleton=True,
)
