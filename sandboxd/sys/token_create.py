"""Making tokens: `auth/token/create`, `create-orphan` and `create/<role>`.

Who makes a token is its parent. Without sudo on the path, a child gets no policy that its parent does not have, unless
a role allows it. Source: OpenBao's token store, for the order of the checks and their texts.
"""

import re
from dataclasses import dataclass
from typing import Any, NamedTuple

from sandboxd.sys.token_roles import Role, load
from sandboxd.vault.durations import parse_seconds
from sandboxd.vault.errors import Failure, refuse
from sandboxd.vault.framework.backend import Alias, Auth, Path, Response, Result
from sandboxd.vault.framework.fields import Name, Pairs, Strings, param
from sandboxd.vault.framework.records import sanitize_policies
from sandboxd.vault.framework.ttl import calculate_ttl
from sandboxd.vault.gotext import quote
from sandboxd.vault.policy_store import UNASSIGNABLE
from sandboxd.vault.system import SystemCall
from sandboxd.vault.tokens import Token, TokenType

_UNNAMEABLE = re.compile(r"[^a-zA-Z0-9-]")


@dataclass(frozen=True, kw_only=True)
class CreateArgs:
    display_name: str = param("", "Name to show for the token, in audit logs and lookups.")
    entity_alias: str = param("", "Name of the entity alias to make the token for; only together with a role.")
    explicit_max_ttl: str = param("", "How long the token can live in all, whatever its renewals.")
    id: str = param("", "The token to make, instead of a random one; only for root and sudo.")
    lease: str = param("", "Use `ttl`.", deprecated=True)
    meta: Pairs = param(help="Names and values to keep with the token; they show in audit logs.", factory=dict)
    no_default_policy: bool = param(False, "Leave the `default` policy off the token.")
    no_parent: bool = param(False, "Make a token without a parent; only for root and sudo.")
    num_uses: int = param(0, "How many times the token can be used; 0 for no limit.")
    period: str = param("", "Makes the token periodic: each renewal gives it this long again.")
    policies: Strings = param((), "Policies of the token; those of its maker when there are none.")
    renewable: bool = param(True, "Whether the token can be renewed.")
    ttl: str = param("", "How long the token lasts at first.")
    type: str = param("", "Type of the token: service or batch.", values=("service", "batch"))


@dataclass(frozen=True, kw_only=True)
class RoleCreateArgs(CreateArgs):
    role_name: Name = param(help="Name of the role.")


class Times(NamedTuple):
    """How long a new token may last, in seconds."""

    ttl: int
    explicit_max_ttl: int  # what the caller asks for
    explicit_max_ttl_used: int  # what holds, with the role's
    period: int
    period_used: int


def create(call: SystemCall, args: CreateArgs) -> Result:
    return _create(call, args, orphan=False, role=None)


def create_orphan(call: SystemCall, args: CreateArgs) -> Result:
    return _create(call, args, orphan=True, role=None)


def create_with_role(call: SystemCall, args: RoleCreateArgs) -> Result:
    role = load(call, args.role_name) or refuse(f"unknown role {args.role_name}")
    return _create(call, args, orphan=False, role=role)


def _create(call: SystemCall, args: CreateArgs, *, orphan: bool, role: Role | None) -> Response:
    parent = call.token
    if parent is None or parent.used_up or (call.request.inline and parent.type == "service"):
        refuse("parent token lookup failed: no parent found")
    if parent.type == "batch":
        refuse("batch tokens cannot create more tokens")
    if parent.num_uses > 0:
        refuse("restricted use token cannot generate child tokens")
    sudo = call.sudo
    if call.namespace.id != parent.namespace_id:
        if not sudo:
            refuse("root or sudo privileges required to directly generate a token in a child namespace")
        if "root" in args.policies:
            refuse("root tokens may not be created from a parent namespace")
    kind = _kind(args, role)
    renewable = args.renewable and kind == "service" and (role is None or role.renewable)
    if args.num_uses < 0:
        refuse("number of uses cannot be negative")
    entity_id = _entity_id(call, args, role)
    if args.id and not sudo:
        refuse("root or sudo privileges required to specify token id")
    if args.id and call.namespace.path:
        refuse("token IDs can only be manually specified in the root namespace")
    policies = _policies(call, args, role, parent, sudo=sudo)
    if "root" in policies:
        if not parent.root:
            refuse("root tokens may not be created without parent token being root")
        if kind == "batch":
            refuse("batch tokens cannot be root tokens")
    if role is not None:
        orphan = role.orphan
    elif args.no_parent:
        if not sudo:
            refuse("root or sudo privileges required to create orphan token")
        orphan = True
    times = _times(call, args, role, kind, sudo=sudo)
    ttl = _ttl(call, times, policies)
    cidrs = role.token_bound_cidrs if role is not None else ()
    if not orphan:
        entity_id = entity_id or parent.entity_id
        cidrs = cidrs if role is not None else parent.bound_cidrs
    if ttl == 0:
        if parent.ttl:
            refuse("expiring root tokens cannot create non-expiring root tokens")
        renewable, cidrs = False, ()
    if args.id:
        call.warn(
            "Supplying a custom ID for the token uses the weaker SHA1 hashing instead of the more secure SHA2-256 HMAC "
            "for token obfuscation. SHA1 hashed tokens on the wire leads to less secure lookups."
        )
        _check_id(call, args.id)
    token = call.world.tokens.create(
        Token(
            id=args.id,
            parent="" if orphan else parent.hash,
            policies=policies,
            path=_path(call, role),
            meta=args.meta if call.raw.get("meta") is not None else None,
            display_name=_display_name(args.display_name),
            num_uses=_num_uses(args, role),
            creation_time=int(call.clock.now()),
            ttl=ttl,
            explicit_max_ttl=times.explicit_max_ttl,
            period=times.period,
            entity_id=entity_id,
            bound_cidrs=cidrs,
            namespace_id=call.namespace.id,
            type=kind,
            role="" if role is None else role.name,
        )
    )
    for name in policies:
        if name != "root" and call.world.policies.get(call.namespace, name) is None:
            call.warn(f"Policy {quote(name)} does not exist")
    return Response(
        auth=Auth(
            policies=policies,
            metadata=token.meta,
            display_name=token.display_name,
            entity_id=entity_id,
            ttl=ttl,
            explicit_max_ttl=times.explicit_max_ttl_used,
            period=times.period_used,
            num_uses=token.num_uses,
            token_type=kind,
            renewable=renewable,
            token=token.id,
            accessor=token.accessor,
            orphan=orphan,
        )
    )


def _kind(args: CreateArgs, role: Role | None) -> TokenType:
    wanted = args.type
    if role is not None:
        if role.token_type in ("service", "batch"):
            wanted = role.token_type
        elif role.token_type == "default-batch":
            wanted = wanted or "batch"
    if wanted in ("", "service"):
        return "service"
    if wanted != "batch":
        refuse("invalid 'token_type' value")
    bad = ""
    if args.explicit_max_ttl:
        bad = "explicit_max_ttl" if _parsed(args.explicit_max_ttl, "explicit_max_ttl") else ""
    elif args.num_uses:
        bad = "num_uses"
    elif args.period:
        bad = "period" if _parsed(args.period, "period") else ""
    if bad:
        refuse(f'batch tokens cannot have "{bad}" set')
    return "batch"


def _parsed(text: str, name: str) -> int:
    try:
        return parse_seconds(text)
    except ValueError:
        refuse(f"'{name}' value could not be parsed")


def _entity_id(call: SystemCall, args: CreateArgs, role: Role | None) -> str:
    if not args.entity_alias:
        return ""
    if role is None:
        refuse("'entity_alias' is only allowed in combination with token role")
    allowed = role.allowed_entity_aliases or ()
    if not _matches(allowed, args.entity_alias.lower()):
        refuse("invalid 'entity_alias' value")
    mount = call.mounted.entry
    entity = call.world.identity.login(
        Alias(name=args.entity_alias),
        namespace_id=call.namespace.id,
        accessor=mount.accessor,
    )
    if entity.disabled:
        refuse("entity from given entity alias is disabled", 403)
    return entity.id


def _policies(call: SystemCall, args: CreateArgs, role: Role | None, parent: Token, *, sudo: bool) -> tuple[str, ...]:
    wanted, add_default = args.policies, False
    if role is not None and role.limits_policies:
        wanted = _policies_of_role(args, role, parent)
    elif call.namespace.id != parent.namespace_id:
        add_default = not args.no_default_policy
    elif not wanted:
        wanted = parent.policies
    elif not sudo:
        if not set(sanitize_policies(wanted)) <= set(sanitize_policies(parent.policies)):
            refuse("child policies must be subset of parent")
        add_default = not args.no_default_policy and "default" in parent.policies
    else:
        add_default = not args.no_default_policy
    found = sanitize_policies(wanted, add_default=add_default)
    if args.no_default_policy:
        found = tuple(name for name in found if name != "default")
    for name in found:
        if name in UNASSIGNABLE:
            refuse(f"cannot assign policy {quote(name)}")
    return found


def _policies_of_role(args: CreateArgs, role: Role, parent: Token) -> tuple[str, ...]:
    add_default = not (
        args.no_default_policy
        or role.token_no_default_policy
        or "default" in role.disallowed_policies
        or _matches(role.disallowed_policies_glob, "default")
    )
    found = sanitize_policies(args.policies, add_default=add_default) if args.policies else ()
    if role.allowed_policies or role.allowed_policies_glob:
        allowed = sanitize_policies(role.allowed_policies, add_default=add_default)
        if not found:
            found = allowed
        elif any(name not in allowed and not _matches(role.allowed_policies_glob, name) for name in found):
            refuse(
                f"token policies ({_listed(found)}) must be subset of the role's allowed policies "
                f"({_listed(allowed)}) or glob policies ({_listed(role.allowed_policies_glob)})"
            )
    elif not found:
        found = sanitize_policies(parent.policies, add_default=add_default)
    for name in found:
        if name in role.disallowed_policies or _matches(role.disallowed_policies_glob, name):
            refuse(f"token policy {quote(name)} is disallowed by this role")
    return found


def _times(call: SystemCall, args: CreateArgs, role: Role | None, kind: str, *, sudo: bool) -> Times:
    explicit = _positive(args.explicit_max_ttl, "explicit_max_ttl")
    period = _positive(args.period, "period")
    if period and not sudo:
        refuse("root or sudo privileges required to create periodic token")
    ttl = _positive(args.ttl, "ttl") if args.ttl else _positive(args.lease, "lease")
    used, period_used = explicit, period
    if role is not None and kind == "service":
        used = _lesser(call, "Explicit max TTL", explicit, role.token_explicit_max_ttl)
        period_used = _lesser(call, "Period", period, role.token_period)
    return Times(ttl, explicit, used, period, period_used)


def _positive(text: str, name: str) -> int:
    try:
        seconds = parse_seconds(text)
    except ValueError as error:
        refuse(str(error))
    if seconds < 0:
        refuse(f"{name} must be positive")
    return seconds


def _lesser(call: SystemCall, what: str, asked: int, of_role: int) -> int:
    if not asked or not of_role:
        return asked or of_role
    lesser = min(asked, of_role)
    call.warn(f"{what} specified both during creation call and in role; using the lesser value of {lesser} seconds")
    return lesser


def _ttl(call: SystemCall, times: Times, policies: tuple[str, ...]) -> int:
    if not times.period_used and not times.ttl and "root" in policies:
        return times.explicit_max_ttl_used
    try:
        ttl, warnings = calculate_ttl(
            call.mount.bounds,
            now=int(call.clock.now()),
            ttl=times.ttl,
            period=times.period_used,
            explicit_max_ttl=times.explicit_max_ttl_used,
        )
    except ValueError as error:
        raise Failure(str(error)) from None
    call.warnings += warnings
    return ttl


def _check_id(call: SystemCall, token_id: str) -> None:
    for prefix in ("hvs.", "s."):
        if token_id.startswith(prefix):
            refuse(f"custom token ID cannot have the '{prefix}' prefix")
    if "." in token_id:
        refuse("custom token ID cannot have a '.' in the value")
    if call.world.tokens.lookup(token_id) is not None:
        refuse("cannot create a token with a duplicate ID")


def _path(call: SystemCall, role: Role | None) -> str:
    suffix = "" if role is None or not role.path_suffix else f"/{role.path_suffix}"
    return f"auth/token/{call.path}{suffix}"


def _display_name(given: str) -> str:
    return _UNNAMEABLE.sub("-", f"token-{given}").removesuffix("-") if given else "token"


def _num_uses(args: CreateArgs, role: Role | None) -> int:
    limits = [limit for limit in (args.num_uses, 0 if role is None else role.token_num_uses) if limit]
    return min(limits, default=0)


def _matches(patterns: tuple[str, ...], text: str) -> bool:
    """Whether a text is one of the patterns, in which `*` stands for anything."""
    return any(
        re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, re.DOTALL) is not None for pattern in patterns
    )


def _listed(names: tuple[str, ...]) -> str:
    return "[" + " ".join(map(quote, names)) + "]"


PATHS: tuple[Path[Any, Any], ...] = (
    Path("create-orphan", CreateArgs, "Make a token without a parent.", write=create_orphan),
    Path("create/{role_name}", RoleCreateArgs, "Make a token as a role says.", write=create_with_role),
    Path("create", CreateArgs, "Make a token.", write=create),
)
