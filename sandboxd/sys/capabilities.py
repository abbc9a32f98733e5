"""`sys/capabilities*`: what a token may do at which paths.

Source: OpenBao's system backend, for the order of the checks and their texts.
"""

from dataclasses import dataclass
from typing import Any

from sandboxd.sys.token import by_accessor
from sandboxd.vault.errors import fail, refuse
from sandboxd.vault.framework.backend import Path, Result
from sandboxd.vault.framework.fields import CommaList, param
from sandboxd.vault.system import SystemCall


@dataclass(frozen=True, kw_only=True)
class PathsArgs:
    path: CommaList = param((), "Use `paths`.", deprecated=True)
    paths: CommaList = param((), "Paths to ask about.")


@dataclass(frozen=True, kw_only=True)
class TokenArgs(PathsArgs):
    token: str = param("", "The token.")


@dataclass(frozen=True, kw_only=True)
class AccessorArgs(PathsArgs):
    accessor: str = param("", "Accessor of the token.")


def of_token(call: SystemCall, args: TokenArgs) -> Result:
    given = call.raw.get("token")
    return _capabilities(call, given if isinstance(given, str) else "", args, invalid="invalid token")


def of_self(call: SystemCall, args: TokenArgs) -> Result:
    return _capabilities(call, call.request.token, args, invalid="")


def of_accessor(call: SystemCall, args: AccessorArgs) -> Result:
    if not args.accessor:
        refuse("missing accessor")
    token = by_accessor(call, args.accessor) or fail("invalid accessor", 400)
    return _capabilities(call, token.id, args, invalid="invalid token")


def _capabilities(call: SystemCall, token_id: str, args: PathsArgs, *, invalid: str) -> Result:
    """What the token may do at each path. `invalid` is said of one whose entity is gone or disabled, if anything."""
    paths = args.paths or args.path
    if not token_id:
        fail("no token found")
    if not paths:
        refuse("paths must be supplied")
    found: dict[str, Any] = {}
    for path in paths:
        if not path:
            fail("missing path", 400)
        token = call.world.tokens.live(token_id, call.clock.now()) or fail("invalid token", 400)
        entity = call.world.identity.entity(token.entity_id) if token.entity_id else None
        if token.entity_id and (entity is None or entity.disabled):
            fail(invalid or "permission denied", 400 if invalid else 403)
        acl = call.world.policies.acl(token, entity)
        found[path] = acl.capabilities(call.namespace.path + path)
    if len(paths) == 1:
        found["capabilities"] = found[paths[0]]
    return found


PATHS: tuple[Path[Any, Any], ...] = (
    Path("capabilities", TokenArgs, "What a token may do.", write=of_token),
    Path("capabilities-accessor", AccessorArgs, "What the token of an accessor may do.", write=of_accessor),
    Path("capabilities-self", TokenArgs, "What the token that asks may do.", write=of_self),
)
