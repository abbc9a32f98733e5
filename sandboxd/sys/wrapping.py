"""`sys/wrapping/`: wrap what is sent, and look up, unwrap and wrap again what was wrapped.

The pipeline has checked the wrapping token before any of these handlers runs. It comes as the request's own token,
whose one use the request then is, or in the body, from a **third party**; then it is used up here.

Source: OpenBao's system backend, for the order of the checks and their texts.
"""

from dataclasses import dataclass
from typing import Any, NoReturn

from sandboxd.vault import wrapping
from sandboxd.vault.durations import rfc3339
from sandboxd.vault.errors import fail, refuse
from sandboxd.vault.framework.backend import Path, Response, Result
from sandboxd.vault.framework.fields import NoArgs, param
from sandboxd.vault.system import SystemCall
from sandboxd.vault.tokens import Token
from sandboxd.vault.wrapping import Wrapped


@dataclass(frozen=True, kw_only=True)
class TokenArgs:
    token: str = param("", "The wrapping token; without it the token that asks is meant.")


def wrap(call: SystemCall, args: NoArgs) -> Response:
    del args
    if not call.request.wrap_ttl:
        refuse("endpoint requires response wrapping to be used")
    return Response(data=dict(call.request.data))


def lookup(call: SystemCall, args: TokenArgs) -> Result:
    kept = _wrapped(call, args)[1]
    return {
        "creation_ttl": kept.creation_ttl,
        "creation_time": rfc3339(kept.creation_time),
        "creation_path": kept.creation_path,
    }


async def unwrap(call: SystemCall, args: TokenArgs) -> Response:
    kept = await _used(call, args)
    body = kept.response.encode() if kept.body is None else kept.body
    return Response(status=kept.status, body=body, content_type=kept.content_type)


async def rewrap(call: SystemCall, args: TokenArgs) -> Response:
    kept = await _used(call, args, own_namespace=True)
    wanted = call.request.wrap_ttl
    return wrapping.wrap(
        call.world,
        call.request,
        call.namespace,
        Response(),
        path="sys/wrapping/rewrap",
        ttl=min(wanted, kept.creation_ttl) if wanted else kept.creation_ttl,
        display_name=call.caller.display_name if call.caller is not None else "",
        rewrapped=kept,
    )


async def _used(call: SystemCall, args: TokenArgs, *, own_namespace: bool = False) -> Wrapped:
    """What a wrapping token stands for, whose one use this is. Raises Failure when that use is already under way.

    With `own_namespace`, what was wrapped in another one than the caller's is used up, but not found.
    """
    token, kept = _wrapped(call, args)
    if args.token:
        if token.used_up:
            fail(
                "error decrementing wrapping token's use-count: invalid token entry provided for use count decrementing"
            )
        await call.world.leases.revoke_one(token)
    if own_namespace and token.namespace_id != call.namespace.id:
        _not_found(call)
    return kept


def _wrapped(call: SystemCall, args: TokenArgs) -> tuple[Token, Wrapped]:
    token = call.world.tokens.lookup(args.token or call.request.token)
    kept = None if token is None else wrapping.unwrapped(call.world, token)
    if token is None or kept is None:
        _not_found(call)
    return token, kept


def _not_found(call: SystemCall) -> NoReturn:
    product = "Vault" if call.profile == "vault" else "OpenBao"
    refuse(f"no information found; wrapping token may be from a previous {product} version")


PATHS: tuple[Path[Any, Any], ...] = (
    Path(
        "wrapping/lookup", TokenArgs, "Look up what a wrapping token stands for.", read=lookup, write=lookup, login=True
    ),
    Path("wrapping/rewrap", TokenArgs, "Exchange a wrapping token for a fresh one.", write=rewrap),
    Path("wrapping/unwrap", TokenArgs, "Get what was wrapped.", write=unwrap),
    Path("wrapping/wrap", NoArgs, "Wrap what is sent.", write=wrap, arbitrary=True),
)
