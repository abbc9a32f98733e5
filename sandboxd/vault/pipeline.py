"""The way of a request, from the decoded request to the answer. Read this first.

The order is the real server's, and shows on the wire: a token's use is counted even when policy denies it; permission
is decided before existence is revealed; what a login issues, a lease, and wrapping come after the handler, in this
order.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from sandboxd.vault import lockout, logins, wrapping
from sandboxd.vault.errors import (
    Failure,
    InternalError,
    InvalidCredentials,
    PermissionDenied,
    Refusal,
    UnsupportedOperation,
    UnsupportedPath,
    VaultError,
    listed,
)
from sandboxd.vault.faults import Trouble
from sandboxd.vault.framework import dispatch
from sandboxd.vault.framework.backend import AuthMethod, Response
from sandboxd.vault.framework.records import address_in
from sandboxd.vault.framework.ttl import calculate_ttl
from sandboxd.vault.gotext import quote
from sandboxd.vault.identity import Entity
from sandboxd.vault.ledger import holder_of
from sandboxd.vault.listings import filtered
from sandboxd.vault.namespaces import Namespace
from sandboxd.vault.policy_store import BrokenPolicy
from sandboxd.vault.request import Request
from sandboxd.vault.retarget import retarget
from sandboxd.vault.routing import Route, find, resolve
from sandboxd.vault.tokens import MalformedToken, Token
from sandboxd.vault.waiting import waited

if TYPE_CHECKING:
    from sandboxd.vault.policies import ACL, Decision
    from sandboxd.vault.world import World


INLINE = "x-vault-inline-auth-path"  # the header of a request that logs in by itself
_PLAIN = (Response, dict, msgspec.Raw)  # what a handler answers with when it did not have to wait


Issue = Callable[["World", "Route", Response], Response]


class Bearer(NamedTuple):
    """Who asks: the token, the entity behind it, and the rules that hold."""

    token: Token
    entity: Entity | None
    acl: "ACL"


async def handle(world: "World", request: Request) -> Response | None:
    """Answer a request.

    Gives None for "done, no data" and for "not there", which the edge tells apart by the operation. Raises VaultError
    for every refusal, with the texts as they go out.
    """
    world.check_open()
    await world.timeline.catch_up()
    namespace, path = resolve(world, request)
    trouble = request.trouble
    if trouble is not None and (wait := trouble.before(world, request)) is not None:
        await waited(wait)
    token = None
    if world.profile == "openbao" and INLINE in request.headers:
        from sandboxd.vault import inline

        answered, token = await inline.login(world, request)
        if answered is not None or token is None:
            return answered
        request = msgspec.structs.replace(request, token=token.id, inline=True)
    with world.audit.entry(request) as entry:
        response = None
        try:
            response = await serve(world, request, namespace, path, entry, token=token)
        finally:
            lent = None
            if response is not None and response.lease is not None:
                lent = world.leases.get(response.lease.id)
            try:
                if trouble is not None:
                    trouble.committing(world)
                world.commit()  # also on the way to a refusal: a use of a token counts, as a revocation does
            except Failure:
                if lent is not None:  # nobody will get to see its secret
                    await world.leases.revoke_unkept(lent)
                raise
        entry.response(response)
    return response if trouble is None else trouble.after(world, request, response)


async def serve(
    world: "World",
    request: Request,
    namespace: Namespace,
    path: str,
    entry: Any,
    *,
    token: Token | None = None,
    issue: "Issue" = logins.issue,
) -> Response | None:
    """Take a request from its path to its answer, wrapped if it is to be.

    Args:
        token: whose request it is, where that is known already.
        issue: gives a login its token.
    """
    if path.endswith("/") and request.operation in ("update", "create", "patch"):
        raise Refusal("cannot write to a path ending in '/'")
    check_form(world, request)
    namespace = retarget(world, request, namespace, path)
    if path in wrapping.PATHS:
        request = wrapping.admit(world, request)
    route = find(world, namespace, path)
    entry.about(route)
    if route.login:
        bearer = anyone(world, request, token)
        entry.request(route, bearer)
        response = await login(world, request, route, bearer, issue)
    else:
        bearer = authenticate(world, request, token)
        entry.about(route, bearer)
        try:
            response = await authorized(world, request, route, bearer, entry)
        finally:
            if bearer.token.used_up:
                await world.leases.revoke_tree(bearer.token)
        if bearer.token.used_up and response is not None and response.lease is not None and response.lease.id:
            raise Refusal(
                "Secret cannot be returned; token had one use left, so leased credentials were immediately revoked."
            )
    if response is not None:
        if route.mounted is not None:
            response.mount_type = route.mounted.entry.type
        if world.observer is not None and bearer is not None and not request.own:
            world.observer.answered(request, route, bearer.token, response)
        response = wrap(world, request, route, response, bearer)
    return response


def check_form(world: "World", request: Request) -> None:
    """Raise Failure for a batch token that does not decode: no route is so open that it is not looked at."""
    try:
        world.tokens.check_form(request.token)
    except MalformedToken as error:
        raise Failure(f"error performing token check: {'; '.join(error.errors)}") from None


def anyone(world: "World", request: Request, token: Token | None = None) -> Bearer | None:
    """Who asks for what needs no token, or None. Raises Refusal when the token's policies cannot be told."""
    try:
        return identify(world, request, token) if request.token else None
    except BrokenPolicy as error:
        raise (Refusal("Forbidden", status=403) if error.status == 403 else InternalError()) from error


def authenticate(world: "World", request: Request, known: Token | None = None) -> Bearer:
    """Who asks, with the token's use counted. Raises PermissionDenied for a token that is not valid."""
    if request.trouble is not None:
        request.trouble.authenticating(world, request)
    try:
        bearer = identify(world, request, known)
    except BrokenPolicy as error:
        if error.status == 403:
            raise Refusal("Forbidden") from error
        raise Refusal(listed((InternalError.text,)), status=500) from error
    if bearer is None:
        raise rejected(world, request)
    token = bearer.token
    if token.num_uses > 0:
        if request.inline:
            raise Refusal(listed((InternalError.text,)), status=500)  # there is nothing kept to count on
        left = token.num_uses - 1
        token = msgspec.structs.replace(token, num_uses=left or -1, used_up=left == 0)
        world.tokens.put(token)
        bearer = bearer._replace(token=token)
    return bearer


def rejected(world: "World", request: Request) -> VaultError:
    """The refusal of a token that is not valid. Current Vault says so in a second line (from its documentation)."""
    if world.profile == "vault" and request.token and not world.tokens.forged(request.token):
        return Refusal(listed(("permission denied", "invalid token")), status=403)
    return Refusal("permission denied", status=403)


def identify(world: "World", request: Request, token: Token | None = None) -> Bearer | None:
    """Who asks, or None when the token is missing, unknown, expired, used up, or used from elsewhere.

    Args:
        token: the request's, where it is kept nowhere.
    """
    if token is None and request.token:
        token = world.tokens.live(request.token, world.clock.now())
    if token is None:
        return None
    if token.ttl and token.bound_cidrs and not address_in(request.remote_address, token.bound_cidrs):
        return None
    entity = world.identity.entity(token.entity_id) if token.entity_id else None
    if token.entity_id and (entity is None or entity.disabled):
        return None
    return Bearer(token, entity, world.policies.acl(token, entity))


async def authorized(world: "World", request: Request, route: Route, bearer: Bearer, entry: Any) -> Response | None:
    """Run a request that needs a token. Texts of failures come out as a list of one, as routing words them."""
    operation, sent = request.operation, request.data
    call = None
    if route.mounted is not None:
        call = world.call(request, route.mounted, route.inner, token=bearer.token)
        call.acl = bearer.acl
        if operation == "update":
            known = dispatch.exists(route.match, call)
            operation = call.operation = "create" if known is False else "update"
    entry.about(route, bearer, operation)
    decision = permit(request, route, bearer, operation)
    if decision.limit is not None and call is not None:
        sent = call.raw = {**sent, "limit": decision.limit}
    entry.request(route, bearer, operation)
    if call is None or route.mounted is None:
        raise Refusal(f"no handler for route {quote(route.path)}. route entry not found.", status=404)
    try:
        if request.trouble is not None:
            await handled(request.trouble, world, route, call)
        response = await run(route, call, sent)
        if response is not None and decision.filter_path:
            response = filtered(world, route, bearer.acl, response, decision.filter_path)
        if response is not None and response.lease is not None:
            if request.trouble is not None:
                request.trouble.lending(world, route, response)
            response = lease(world, route, bearer.token, response)
            if request.inline and response.lease is not None and response.lease.id:
                await world.leases.revoke_prefix(response.lease.id, namespace_id=route.namespace.id)
                raise Refusal("requests with inline authentication cannot generate leases", status=500)
        if response is not None and response.credentials:
            note_credentials(world, route, bearer.token, response)
        if response is not None and response.auth is not None:
            if request.trouble is not None:
                request.trouble.lending(world, route, response)
            response = logins.finish(world, call, response)
        if response is not None and route.path == "cubbyhole/response" and bearer.token.policies == (wrapping.POLICY,):
            response = msgspec.structs.replace(response, warnings=[*response.warnings, wrapping.READ_DIRECTLY])
    except Failure as error:
        raise Failure(listed(error.errors), status=error.status) from error
    return response


def permit(request: Request, route: Route, bearer: Bearer, operation: str) -> "Decision":
    """What policies say of a request that they allow. Raises Refusal when they do not."""
    if request.trouble is not None:
        request.trouble.permitting(request, route)
    path = route.namespace.path + route.path
    if not route.inner and operation in ("create", "update") and not path.endswith("/"):
        path += "/"  # the real server's check for existence leaves the mount's slash on the path
    decision = bearer.acl.check(operation, path, request.data, request.wrap_ttl or None)
    if not decision.allowed or (route.sudo and not decision.sudo):
        raise Refusal(listed(("permission denied",)), status=403)
    return decision


async def handled(trouble: Trouble, world: "World", route: Route, call: Any) -> None:
    """What goes wrong on purpose in place of the handler. Raises VaultError."""
    wait = trouble.handling(world, route, call)
    if wait is not None:
        await waited(wait)


async def run(route: Route, call: Any, sent: Mapping[str, Any]) -> Response | None:
    """Call the handler and make a response of its result."""
    result = dispatch.run(route.match, call)
    if not (result is None or isinstance(result, _PLAIN)):
        system = route.mounted is not None and route.mounted.backend.system
        result = await (result if system else waited(result))
    if route.match is None:
        raise UnsupportedPath
    return dispatch.respond(result, route.match, call, sent)


def lease(world: "World", route: Route, token: Token, response: Response) -> Response:
    """Settle the time of a secret, and keep its lease where the engine has leases."""
    secret, mounted = response.lease, route.mounted
    if secret is None or mounted is None or secret.id:
        return response
    if not mounted.leased:
        secret = msgspec.structs.replace(secret, renewable=False)
        return msgspec.structs.replace(response, lease=secret)
    ttl, warnings = calculate_ttl(
        mounted.mount.bounds, now=int(world.clock.now()), ttl=secret.ttl, max_ttl=secret.max_ttl
    )
    secret = msgspec.structs.replace(secret, ttl=ttl)
    kept = world.leases.register_secret(route.path, route.namespace, token, secret, response.data)
    secret = msgspec.structs.replace(kept.secret or secret, id=kept.id)
    return msgspec.structs.replace(response, lease=secret, warnings=[*response.warnings, *warnings])


def note_credentials(world: "World", route: Route, token: Token, response: Response) -> None:
    """Enter the credentials of an answer into the ledger."""
    lease_id = response.lease.id if response.lease is not None else ""
    holder = holder_of(token, world.clock.now_ns())
    data: Mapping[str, Any] = response.data or {}
    username = data.get("username")
    keys = tuple(
        world.ledger.obtained(
            value,
            holder,
            path=route.path,
            field=field,
            namespace=route.namespace.path,
            lease_id=lease_id,
            username=username if isinstance(username, str) else "",
        )
        for field in response.credentials
        if isinstance(value := data.get(field), str) and value
    )
    entry = world.leases.get(lease_id) if lease_id else None
    if entry is not None:
        world.leases.note(entry, keys)


async def login(
    world: "World", request: Request, route: Route, bearer: Bearer | None, issue: "Issue"
) -> Response | None:
    """Run a request that needs no token; a login among them gets its token here."""
    mounted = route.mounted
    if mounted is None:
        raise PermissionDenied
    token = bearer.token if bearer is not None else None
    call = world.call(request, mounted, route.inner, token=token)
    if request.operation == "update":
        known = dispatch.exists(route.match, call)
        call.operation = "create" if known is False else "update"
    user = locked_out(world, route, call)
    try:
        if request.trouble is not None:
            await handled(request.trouble, world, route, call)
        response = await run(route, call, request.data)
        if response is not None and response.auth is not None and request.operation in ("update", "create", "read"):
            if request.trouble is not None:
                request.trouble.lending(world, route, response)
            if not isinstance(mounted.backend, AuthMethod):
                raise InternalError
            response = issue(world, route, response)
    except InvalidCredentials:
        if user is not None:
            world.lockouts.failed(mounted, user)
        raise
    if user is not None and response is not None and response.auth is not None:
        world.lockouts.succeeded(mounted, user)
    return response


def locked_out(world: "World", route: Route, call: Any) -> str | None:
    """The user whose failures count, or None where none do. Raises PermissionDenied when that user is locked out.

    Looking ahead for the user has refusals of its own, which come before those of the login.
    """
    mounted, match = route.mounted, route.match
    if mounted is None or not lockout.enabled(mounted):
        return None
    backend = mounted.backend
    if not isinstance(backend, AuthMethod) or backend.alias_of is None:
        return None
    if match is None:
        raise UnsupportedPath
    if not match.route.path.login:
        raise UnsupportedOperation
    raw = call.raw
    try:
        user = backend.alias_of(call, match.route.arguments(call, match.captures))
    except Refusal as error:
        raise Failure(*error.errors) from None
    call.raw = raw
    if world.lockouts.locked(mounted, user):
        raise PermissionDenied
    return user


def wrap(world: "World", request: Request, route: Route, response: Response, bearer: Bearer | None) -> Response:
    """Wrap the answer when the request or the engine asks for it; the shorter of the two times holds."""
    wanted = [ttl for ttl in (response.wrap_ttl, request.wrap_ttl) if ttl > 0]
    if not wanted or response.wrap_info is not None:
        return response
    login = response.auth if route.login else None
    name = login.display_name if login is not None else bearer.token.display_name if bearer is not None else ""
    return wrapping.wrap(world, request, route.namespace, response, path=route.path, ttl=min(wanted), display_name=name)
