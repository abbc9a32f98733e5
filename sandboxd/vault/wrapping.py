"""Response wrapping: the answer is kept in the cubbyhole of a one-use token, which is handed out instead."""

from typing import TYPE_CHECKING, Any

import msgspec

from sandboxd.vault.errors import InvalidWrappingToken, PermissionDenied, Refusal, UnsupportedPath
from sandboxd.vault.framework.backend import Auth, Response, WrapInfo
from sandboxd.vault.framework.records import Stored
from sandboxd.vault.namespaces import Namespace
from sandboxd.vault.request import Request
from sandboxd.vault.tokens import Token

if TYPE_CHECKING:
    from sandboxd.vault.world import World

POLICY = "response-wrapping"
PATHS = frozenset({"sys/wrapping/lookup", "sys/wrapping/rewrap", "sys/wrapping/unwrap"})


class Wrapped(msgspec.Struct, frozen=True, kw_only=True):
    """What a wrapping token stands for."""

    response: str  # the whole answer, as JSON text
    creation_time: int  # nanoseconds since 1970
    creation_ttl: int  # seconds
    creation_path: str
    wrapped_accessor: str = ""


def wrap(
    world: "World",
    request: Request,
    namespace: Namespace,
    response: Response,
    *,
    path: str,
    ttl: int,
    display_name: str = "",
    body: str = "",
    creation_path: str = "",
) -> Response:
    """Put a response away and give the answer that tells where.

    Args:
        path: the request's path below its namespace.
        ttl: seconds that the wrapping token lasts.
        body: the JSON text to put away; empty for the response itself.
        creation_path: the path to show as the origin; empty for the request's.
    """
    keys = response.data.get("keys") if isinstance(response.data, dict) else None
    if request.operation in ("list", "scan") and not keys and not response.warnings and not response.data:
        raise UnsupportedPath
    now = world.clock.now_ns()
    token = world.tokens.create(
        Token(
            id="",
            policies=(POLICY,),
            path=path,
            display_name=display_name,
            num_uses=1,
            creation_time=int(world.clock.now()),
            ttl=ttl,
            explicit_max_ttl=ttl,
            namespace_id=namespace.id,
        )
    )
    accessor = response.auth.accessor if response.auth is not None else ""
    if isinstance(response.data, dict) and response.auth is None:
        accessor = response.data.get("secret_id_accessor", "")
    kept = Wrapped(
        response=body or world.encode(response, request.id),
        creation_time=now,
        creation_ttl=ttl,
        creation_path=creation_path or path,
        wrapped_accessor=accessor,
    )
    world.cubbyhole(token).put("response", Stored(data={"response": kept.response}))
    world.storage.put(_key(token), kept)
    world.leases.register_auth(token, Auth(policies=(POLICY,), ttl=ttl, renewable=False))
    info = WrapInfo(
        token=token.id,
        accessor=token.accessor,
        ttl=ttl,
        creation_time=now,
        creation_path=kept.creation_path,
        wrapped_accessor=accessor,
    )
    return Response(wrap_info=info, warnings=response.warnings)


def check(world: "World", request: Request) -> Token:
    """The wrapping token that a request to one of `PATHS` is about.

    Raises Refusal or InvalidWrappingToken, in the order and words of the real server.
    """
    given: Any = request.data.get("token")
    if given is None:
        given = request.token
    elif not isinstance(given, str):
        raise Refusal("error validating wrapping token: could not decode token in request body", status=403)
    elif not given:
        raise Refusal("error validating wrapping token: empty token in request body", status=403)
    token = world.tokens.lookup(given) if given else None
    if token is None or token.policies != (POLICY,) or token.used_up:
        raise InvalidWrappingToken
    return token


def unwrapped(world: "World", token: Token) -> Wrapped:
    """What a wrapping token stands for. Raises PermissionDenied when it is not there any more."""
    found = world.storage.get(_key(token))
    if not isinstance(found, Wrapped):
        raise PermissionDenied
    return found


def forget(world: "World", token: Token) -> None:
    """Remove what a wrapping token stands for."""
    world.storage.delete(_key(token))


def _key(token: Token) -> str:
    return f"core/wrapped/{token.hash}"
