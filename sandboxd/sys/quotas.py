"""`sys/quotas/…`: rate limits for namespaces, mounts, paths and roles. `vault/quotas` is what counts."""

from dataclasses import dataclass
from typing import Any

import msgspec

from sandboxd.sys.mounting import sanitized
from sandboxd.vault.errors import refuse
from sandboxd.vault.framework.backend import AuthMethod, Path, Result
from sandboxd.vault.framework.fields import Duration, Strings, param
from sandboxd.vault.framework.wire import as_floats
from sandboxd.vault.gotext import quote
from sandboxd.vault.namespaces import Namespace
from sandboxd.vault.quotas import Place, QuotaConfig, Rule
from sandboxd.vault.system import SystemCall

TYPE = "rate-limit"


@dataclass(frozen=True, kw_only=True)
class ConfigArgs:
    """What all rules have in common."""

    rate_limit_exempt_paths: Strings = param((), "Paths that are never limited; as prefixes.")
    absolute_rate_limit_exempt_paths: Strings = param((), "The same, with the namespace in front.")
    enable_rate_limit_audit_logging: bool = param(False, "Audit the requests that are refused.")
    enable_rate_limit_response_headers: bool = param(False, "Tell clients in headers how far they are.")


@dataclass(frozen=True, kw_only=True)
class ListArgs:
    """A list takes no fields."""


@dataclass(frozen=True, kw_only=True)
class RuleArgs:
    """What a rule holds for, and how much it allows."""

    name: str = param(help="Name of the rule.")
    type: str = param("", "Type of the rule; there is one only.")
    path: str = param("", "Where it holds: a namespace, a mount, or a path below one; everywhere when empty.")
    role: str = param("", "The role whose logins it holds for; `path` is then an auth method.")
    rate: float = param(0.0, "How many requests a client may send in an interval.")
    interval: Duration = param(0, "How long an interval lasts; a second when not said.")
    block_interval: Duration = param(0, "How long a client is refused that sent too many.")
    inheritable: bool = param(False, "Whether it holds in the namespaces below too, where they have none of their own.")


def read_config(call: SystemCall, _args: ConfigArgs) -> Result:
    config = call.world.quotas.config
    shown = {
        "enable_rate_limit_audit_logging": config.audit_refusals,
        "enable_rate_limit_response_headers": config.show_headers,
        "rate_limit_exempt_paths": config.exempt,
    }
    # From Vault's documentation.
    if call.profile == "openbao":
        return shown
    return {**shown, "absolute_rate_limit_exempt_paths": config.exempt_absolutely}


def write_config(call: SystemCall, args: ConfigArgs) -> None:
    call.world.quotas.configure(
        QuotaConfig(
            audit_refusals=args.enable_rate_limit_audit_logging,
            show_headers=args.enable_rate_limit_response_headers,
            exempt=args.rate_limit_exempt_paths,
            exempt_absolutely=args.absolute_rate_limit_exempt_paths,
        )
    )


def list_rules(call: SystemCall, _args: ListArgs) -> Result:
    names = [rule.name for rule in call.world.quotas.rules]
    return {"keys": names} if names else {}


def read_rule(call: SystemCall, args: RuleArgs) -> Result:
    rule = call.world.quotas.get(args.name)
    if rule is None:
        return None
    place = rule.place
    return {
        "type": TYPE,
        "name": rule.name,
        "path": place.namespace + place.mount + place.suffix,
        "role": place.role,
        "rate": msgspec.Raw(as_floats(repr(rule.rate).encode())),
        "interval": rule.interval,
        "block_interval": rule.block_interval,
        "inheritable": rule.inheritable,
    }


def write_rule(call: SystemCall, args: RuleArgs) -> None:
    if args.rate <= 0:
        refuse("'rate' is invalid")
    quotas = call.world.quotas
    place = _place(call, args)
    same = quotas.at(place)
    if same is not None and same.name != args.name:
        refuse(f"quota rule with similar properties exists under the name {quote(same.name)}")
    known = quotas.get(args.name)
    if known is not None:
        place = place._replace(role=known.place.role)  # a rule keeps its role, as in the real server
    everywhere = not place.namespace and not place.mount
    quotas.put(
        Rule(
            name=args.name,
            place=place,
            rate=args.rate,
            interval=args.interval or 1,
            block_interval=args.block_interval,
            inheritable=args.inheritable if "inheritable" in call.given else everywhere,
        )
    )


def _place(call: SystemCall, args: RuleArgs) -> Place:
    """What a rule is to hold for. Raises Refusal when there is no such thing."""
    world = call.world
    namespace, path = _namespace(call, sanitized(args.path))
    mount = suffix = ""
    mounted = None
    if path:
        found = world.mounts.find(namespace, path)
        if found is None:
            refuse(f"invalid mount path {quote(path)}")
        mounted = found[0]
        mount, suffix = mounted.mount.path, found[1].removesuffix("/")
    if args.role:
        if suffix:
            refuse(
                "Quotas cannot contain both a path suffix and a role. If a role is provided, path must be a valid auth "
                "mount with a concept of roles"
            )
        if mounted is None or not isinstance(mounted.backend, AuthMethod):
            refuse(
                f"Mount path {quote(mount)} is not a valid auth method and therefore unsuitable for use with "
                "role-based "
                "quotas"
            )
        if mounted.backend.role_of is None:
            refuse(f"Mount path {quote(mount)} does not support use with role-based quotas")
    return Place(namespace.path, mount, suffix, args.role)


def _namespace(call: SystemCall, path: str) -> tuple[Namespace, str]:
    """The namespace that a path lies in, and the path below it."""
    found = call.world.namespaces.resolve("", path)
    assert found is not None  # without a header there is always one
    return found


def delete_rule(call: SystemCall, args: RuleArgs) -> None:
    call.world.quotas.delete(args.name)


def _config_path(profile: str, *only: str) -> Path[SystemCall, ConfigArgs]:
    return Path(
        "quotas/config",
        ConfigArgs,
        "Configure what all rate limits have in common.",
        read=read_config,
        write=write_config,
        only=only,
        profiles=(profile,),
    )


PATHS: tuple[Path[Any, Any], ...] = (
    _config_path("vault"),
    _config_path(
        "openbao",
        "rate_limit_exempt_paths",
        "enable_rate_limit_audit_logging",
        "enable_rate_limit_response_headers",
    ),
    Path("quotas/rate-limit/?", ListArgs, "List the rate limits.", list=list_rules),
    Path(
        "quotas/rate-limit/{name}",
        RuleArgs,
        "Manage a rate limit.",
        read=read_rule,
        write=write_rule,
        delete=delete_rule,
    ),
)
