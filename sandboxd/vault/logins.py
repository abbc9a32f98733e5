"""From a login that succeeded to a token: the identity behind it, its policies, its time, its lease."""

from typing import TYPE_CHECKING

import msgspec

from sandboxd.vault.errors import Failure, InternalError, PermissionDenied, Refusal
from sandboxd.vault.framework.backend import Auth, Response
from sandboxd.vault.framework.records import sanitize_policies
from sandboxd.vault.framework.ttl import calculate_ttl
from sandboxd.vault.policy_store import UNASSIGNABLE
from sandboxd.vault.tokens import Token, TokenType

if TYPE_CHECKING:
    from sandboxd.vault.routing import Route
    from sandboxd.vault.system import SystemCall
    from sandboxd.vault.world import World


def issue(world: "World", route: "Route", response: Response) -> Response:
    """Give a successful login its token, with a lease. Raises VaultError when it may not have one."""
    response, token = settle(world, route, response)
    if token.type == "service" and response.auth is not None:
        world.tokens.keep(token)
        world.leases.register_auth(token, msgspec.structs.replace(response.auth, policies=response.auth.token_policies))
    return response


def settle(world: "World", route: "Route", response: Response) -> tuple[Response, Token]:
    """A successful login with its token, which is not kept yet. Raises VaultError when it may not have one."""
    auth, mounted = response.auth, route.mounted
    if auth is None or mounted is None:
        raise InternalError
    namespace = route.namespace
    if auth.alias is not None:
        if not auth.alias.name:
            raise Failure("missing name in alias")
        entity = world.identity.login(
            auth.alias,
            namespace_id=namespace.id,
            accessor=mounted.entry.accessor,
            local=mounted.entry.local,
        )
        if entity.disabled:
            raise PermissionDenied
        auth.entity_id = entity.id
        world.identity.refresh_external_groups(entity.id, auth.group_aliases, mounted.entry.accessor)
    source = mounted.entry.path.replace("/", "-")
    auth.display_name = (source + auth.display_name).removesuffix("-")
    ttl, warnings = calculate_ttl(
        mounted.mount.bounds,
        now=int(world.clock.now()),
        ttl=auth.ttl,
        period=auth.period,
        max_ttl=auth.max_ttl,
        explicit_max_ttl=auth.explicit_max_ttl,
    )
    auth.token_policies = sanitize_policies(auth.policies, add_default=not auth.no_default_policy)
    auth.identity_policies = identity_policies(world, auth, namespace.id)
    everything = sanitize_policies((*auth.token_policies, *auth.identity_policies))
    if "root" in everything:
        raise Refusal("auth methods cannot create root tokens")
    for name in everything:
        if name in UNASSIGNABLE:
            raise Refusal(f'cannot assign policy "{name}"')
    auth.token_type = token_type(mounted.mount.token_type, auth.token_type)
    token = world.tokens.make(
        Token(
            id="",
            path=route.path,
            meta=auth.metadata,
            display_name=auth.display_name,
            creation_time=int(world.clock.now()),
            ttl=ttl,
            num_uses=auth.num_uses,
            entity_id=auth.entity_id,
            bound_cidrs=auth.bound_cidrs,
            policies=auth.token_policies,
            namespace_id=namespace.id,
            explicit_max_ttl=auth.explicit_max_ttl,
            period=auth.period,
            type=auth.token_type,
        )
    )
    auth.token, auth.accessor, auth.ttl, auth.orphan = token.id, token.accessor, ttl, True
    auth.policies = everything
    auth.renewable = auth.renewable and token.type == "service"
    return msgspec.structs.replace(response, auth=auth, warnings=[*response.warnings, *warnings]), token


def finish(world: "World", call: "SystemCall", response: Response) -> Response:
    """Settle what a token made or renewed below `auth/token/` shows of its policies; a new one gets its lease.

    Raises InternalError when anything else than the token store answers with a token.
    """
    auth = response.auth
    if auth is None or call.token is None or call.mount.path != "auth/token/":
        raise InternalError
    auth.identity_policies = identity_policies(world, auth, call.token.namespace_id)
    if call.path.startswith("renew"):
        auth.policies = sanitize_policies(auth.token_policies)
    else:
        auth.policies = auth.token_policies = sanitize_policies(auth.policies)
        token = world.tokens.lookup(auth.token)
        if token is not None and token.type == "service":
            world.leases.register_auth(token, auth)
    auth.policies = sanitize_policies((*auth.policies, *auth.identity_policies))
    return response


def identity_policies(world: "World", auth: Auth, namespace_id: str) -> tuple[str, ...]:
    """The policies that the identity brings in a namespace."""
    entity = world.identity.entity(auth.entity_id) if auth.entity_id else None
    if entity is None:
        return ()
    return sanitize_policies(world.identity.policies(entity).get(namespace_id, ()))


def token_type(mount: str, wanted: str) -> TokenType:
    """The type of token to issue, from what the mount says and the method wants."""
    if mount in ("service", "batch"):
        return "batch" if mount == "batch" else "service"
    if wanted in ("service", "batch"):
        return "batch" if wanted == "batch" else "service"
    return "batch" if mount == "default-batch" else "service"
