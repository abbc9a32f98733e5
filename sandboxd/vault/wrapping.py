"""Response wrapping: the answer is kept in the cubbyhole of a one-use token, which is handed out instead."""

import base64
from typing import TYPE_CHECKING, Any

import msgspec

from sandboxd.vault.clock import NANOSECONDS
from sandboxd.vault.errors import InvalidWrappingToken, Refusal, UnsupportedPath
from sandboxd.vault.framework.backend import Auth, Response, WrapInfo
from sandboxd.vault.framework.moments import postponed
from sandboxd.vault.framework.records import Stored
from sandboxd.vault.namespaces import ROOT, Namespace
from sandboxd.vault.request import Request
from sandboxd.vault.tokens import MalformedToken, Token

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
    status: int = 200
    body: bytes | None = None  # of an answer that has no envelope
    content_type: str = "application/json"

    def later(self, by: int) -> "Wrapped":
        """The same answer, wrapped so many nanoseconds later."""
        return postponed(self, by, "creation_time")


def wrap(
    world: "World",
    request: Request,
    namespace: Namespace,
    response: Response,
    *,
    path: str,
    ttl: int,
    display_name: str = "",
    rewrapped: Wrapped | None = None,
) -> Response:
    """Put a response away, its warnings too, and give the answer that tells where.

    Args:
        path: the request's path below its namespace.
        ttl: seconds that the wrapping token lasts.
        rewrapped: what to put away instead, when it was wrapped before.
    """
    if request.operation == "list" and not _worth_wrapping(response):
        raise UnsupportedPath
    form = response.wrap_format or request.wrap_format
    if form == "jwt":
        namespace = ROOT
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
    accessor = "" if response.auth is None else response.auth.accessor
    shown = token.id
    if form == "jwt":
        from sandboxd.vault.wrapping_jwt import sign

        shown = sign(world, token.id, moment=now // NANOSECONDS, ttl=ttl, accessor=accessor)
        if not world.settings.api_address:
            response = msgspec.structs.replace(response, warnings=[*response.warnings, _NO_ADDRESS])
    info = WrapInfo(
        token=shown,
        accessor=token.accessor,
        ttl=ttl,
        creation_time=now,
        creation_path=path if rewrapped is None else rewrapped.creation_path,
        wrapped_accessor=accessor or response.wrapped_accessor,
    )
    kept = rewrapped or Wrapped(
        response=_encoded(world, response, request.id),
        creation_time=now,
        creation_ttl=ttl,
        creation_path=path,
        status=response.status or 200,
        body=response.body,
        content_type=response.content_type,
    )
    kept = msgspec.structs.replace(kept, creation_time=now, creation_ttl=ttl)
    world.cubbyhole(token).put("response", Stored(data={"response": kept.response}))
    world.storage.put(_key(token), kept)
    world.leases.register_auth(token, Auth(policies=(POLICY,), ttl=ttl, renewable=False))
    return Response(wrap_info=info)


READ_DIRECTLY = (
    "Reading from 'cubbyhole/response' is deprecated. Please use sys/wrapping/unwrap to unwrap responses, as it "
    "provides additional security checks and other benefits."
)
_NO_ADDRESS = (
    "No redirect address set in Vault so none could be encoded in the token. You may need to supply Vault's API "
    "address when unwrapping the token."
)


def _worth_wrapping(response: Response) -> bool:
    data = response.data
    keys = data.get("keys") if isinstance(data, dict) else None
    return bool(keys) if keys is not None else bool(data or response.warnings)


def _encoded(world: "World", response: Response, request_id: str) -> str:
    """The answer as JSON; what has no envelope is put into one as the real server does."""
    if response.body is None:
        return world.encode(response, request_id)
    data = {
        "http_content_type": response.content_type,
        "http_raw_body": base64.b64encode(response.body).decode(),
        "http_status_code": response.status or 200,
    }
    return world.encode(Response(data=data, warnings=response.warnings), request_id)


def admit(world: "World", request: Request) -> Request:
    """Check the wrapping token that a request to one of `PATHS` is about; a JWT is replaced by the token in it.

    Raises Refusal or InvalidWrappingToken, in the order and words of the real server.
    """
    given: Any = request.data.get("token")
    third_party = given is not None
    if not third_party:
        given = request.token
        if world.tokens.forged(given):
            raise Refusal("permission denied", status=403)
    elif not isinstance(given, str):
        raise _invalid("could not decode token in request body")
    elif not given:
        raise _invalid("empty token in request body")
    if given.count(".") == 2:
        from sandboxd.vault import wrapping_jwt

        if wrapping_jwt.looks_like_one(given):
            given = wrapping_jwt.read(world, given)
            if third_party:
                request = msgspec.structs.replace(request, data={**request.data, "token": given})
            else:
                request = msgspec.structs.replace(request, token=given)
    if not given:
        raise _invalid("token is empty")
    try:
        token = world.tokens.live(given, world.clock.now())
    except MalformedToken as error:
        raise _invalid(*error.errors) from None
    if token is None or token.policies != (POLICY,):
        raise InvalidWrappingToken
    return request


def _invalid(why: str) -> Refusal:
    return Refusal(f"error validating wrapping token: {why}", status=403)


def unwrapped(world: "World", token: Token) -> Wrapped | None:
    """What a wrapping token stands for; None when it is not there any more."""
    found = world.storage.get(_key(token))
    return found if isinstance(found, Wrapped) else None


def _key(token: Token) -> str:
    return f"core/wrapped/{token.hash}"
