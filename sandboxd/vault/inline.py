"""Inline authentication: a request that brings its own login in headers, so that no token is ever kept.

The headers begin with `X-Vault-Inline-Auth-`: `Path` says where to log in, `Operation` and `Namespace` how and where,
and each `Parameter-…` is one field of the login, as unpadded URL-safe base64 of `{"key": …, "value": …}`. Only OpenBao
has this. Source: its request handling, and answers of a running 2.7.2.
"""

import base64
import binascii
import re
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from sandboxd.vault import logins, pipeline
from sandboxd.vault.errors import Failure, Refusal, VaultError
from sandboxd.vault.framework.backend import Response
from sandboxd.vault.framework.wire import decode
from sandboxd.vault.request import Operation, Request

if TYPE_CHECKING:
    from sandboxd.vault.routing import Route
    from sandboxd.vault.tokens import Token
    from sandboxd.vault.world import World

PREFIX = "x-vault-inline-auth-"
PARAMETER = f"{PREFIX}parameter-"
FAILED = {"X-Vault-Inline-Auth-Failed": "true"}  # tells a login's answer from that of the request proper

_OPERATIONS: dict[str, Operation] = {"create": "create", "update": "update", "read": "read"}
_BASE64 = re.compile(r"[A-Za-z0-9_-]*\Z")


async def login(world: "World", request: Request) -> tuple[Response | None, "Token | None"]:
    """Log in as a request's headers say.

    Gives the token, which is kept nowhere; or the answer of what turned out to be no login, which then is the request's
    own. Raises VaultError with the texts as they go out.
    """
    try:
        attempt = _attempt(world, request)
        response, token = await _run(world, attempt)
    except Refusal as error:
        error.headers = FAILED
        raise
    except Failure as error:
        raise VaultError(
            *(f"failed to perform inline authentication: {text}" for text in error.errors), status=error.status
        ) from error
    finally:
        world.commit()
    if token is None and response is not None:
        response.headers = {**response.headers, **FAILED}
    return response if token is None else None, token


async def _run(world: "World", attempt: Request) -> tuple[Response | None, "Token | None"]:
    issued: list[Token] = []

    def issue(world: "World", route: "Route", response: Response) -> Response:
        response, token = logins.settle(world, route, response)
        issued.append(token)
        return response

    found = world.namespaces.resolve(attempt.namespace, attempt.path)
    if found is None:
        _fail("inline auth namespace was not found")
    with world.audit.entry(attempt) as entry:
        response = await pipeline.serve(world, attempt, *found, entry, issue=issue)
        entry.response(response)
    if response is None:
        raise Failure("specified authentication path was not found", status=404)
    return response, issued[0] if issued else None


def _attempt(world: "World", request: Request) -> Request:
    """The login that a request's headers describe. Raises Failure."""
    path = _only(request, "path", "expected exactly one value for X-Vault-Inline-Auth-Path")
    if request.token:
        _fail("cannot layer inline authentication with token authentication")
    wanted = "update"
    if f"{PREFIX}operation" in request.headers:
        wanted = _only(request, "operation", "expected exactly one value for X-Vault-Inline-Auth-Operation")
    operation = _OPERATIONS.get(wanted)
    if operation is None:
        _fail("expected a valid login operation in X-Vault-Inline-Auth-Operation")
    namespace = request.namespace
    if f"{PREFIX}namespace" in request.headers:
        namespace = _only(request, "namespace", "expected at most one value for X-Vault-Inline-Auth-Namespace")
    return Request(
        id=world.entropy.uuid(),
        operation=operation,
        path=path,
        data=dict(_parameter(values) for name, values in request.headers.items() if name.startswith(PARAMETER)),
        namespace=namespace,
        headers=request.headers,
        remote_address=request.remote_address,
        remote_port=request.remote_port,
        client_certificates=request.client_certificates,
    )


def _only(request: Request, name: str, refusal: str) -> str:
    values = request.headers[PREFIX + name]
    return values[0] if len(values) == 1 else _fail(refusal)


def _parameter(values: tuple[str, ...]) -> tuple[str, Any]:
    """One field of the login, from its header. Raises Failure."""
    if len(values) != 1:
        _fail("expected exactly one value for each auth header parameter")
    if not _BASE64.match(values[0]):
        _fail("failed raw url-safe base64 decoding header value")
    try:
        text = base64.urlsafe_b64decode(values[0] + "=" * (-len(values[0]) % 4))
    except binascii.Error:
        _fail("failed raw url-safe base64 decoding header value")
    try:
        found = decode(text)
    except msgspec.DecodeError:
        found = ()
    if found is None:
        found = {}
    if not isinstance(found, dict):
        _fail("failed json decoding header value")
    if "key" not in found:
        _fail("decoded header lacked `key` field")
    if not isinstance(found["key"], str):
        _fail("decoded header had incorrect type for `key` field")
    if "value" not in found:
        _fail("decoded header lacked `value` field")
    if len(found) != 2:
        _fail("unexpected field in decoded request parameter")
    return found["key"], found["value"]


def _fail(text: str) -> NoReturn:
    raise Failure(text)
