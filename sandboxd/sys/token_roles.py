"""Token roles: what tokens made through `auth/token/create/<role>` may and must be.

Several fields exist twice, with and without `token_` in front. The bare ones are deprecated; what a client wrote there
is read back there. Source: OpenBao's token store, for the order of the checks and their texts.
"""

import re
from dataclasses import dataclass, replace
from typing import Any

from sandboxd.vault.errors import Refusal, refuse
from sandboxd.vault.framework.backend import Path, Result
from sandboxd.vault.framework.fields import CommaList, Duration, Name, NoArgs, param
from sandboxd.vault.framework.records import parse_cidrs, sanitize_policies
from sandboxd.vault.gotext import quote
from sandboxd.vault.system import SystemCall

_SUFFIX = r"\w[\w-.]+\w"  # as the real server shows it; Python wants the dash escaped
_SUFFIX_PATTERN = re.compile(r"\w[\w\-.]+\w", re.ASCII)
_TYPES = ("service", "batch", "default-service", "default-batch")


@dataclass(frozen=True, kw_only=True)
class Role:
    """A stored role. Times are in seconds."""

    name: str
    allowed_policies: tuple[str, ...] = ()
    disallowed_policies: tuple[str, ...] = ()
    allowed_policies_glob: tuple[str, ...] = ()
    disallowed_policies_glob: tuple[str, ...] = ()
    allowed_entity_aliases: tuple[str, ...] | None = None
    orphan: bool = False
    renewable: bool = True
    path_suffix: str = ""
    period: int = 0
    explicit_max_ttl: int = 0
    bound_cidrs: tuple[str, ...] = ()
    token_period: int = 0
    token_explicit_max_ttl: int = 0
    token_bound_cidrs: tuple[str, ...] = ()
    token_num_uses: int = 0
    token_no_default_policy: bool = False
    token_type: str = "default-service"

    @property
    def limits_policies(self) -> bool:
        """Whether it says which policies its tokens may have."""
        return bool(
            self.allowed_policies
            or self.disallowed_policies
            or self.allowed_policies_glob
            or self.disallowed_policies_glob
        )


@dataclass(frozen=True, kw_only=True)
class RoleArgs:
    role_name: Name = param(help="Name of the role.")
    allowed_policies: CommaList = param(
        (), "Policies that a token of this role may have, whatever those of its maker; none for no such rule."
    )
    disallowed_policies: CommaList = param((), "Policies that a token of this role must not have.")
    allowed_policies_glob: CommaList = param((), "Patterns (with `*`) of further policies that are allowed.")
    disallowed_policies_glob: CommaList = param((), "Patterns (with `*`) of further policies that are not allowed.")
    orphan: bool = param(False, "Make tokens without a parent.")
    period: Duration = param(0, "Use `token_period`.", deprecated=True)
    path_suffix: str = param(
        "", f"Text to put behind the path of the role's tokens, so that they can be revoked by it. Matches {_SUFFIX}."
    )
    explicit_max_ttl: Duration = param(0, "Use `token_explicit_max_ttl`.", deprecated=True)
    renewable: bool = param(True, "Make tokens that can be renewed.")
    bound_cidrs: CommaList = param((), "Use `token_bound_cidrs`.", deprecated=True)
    allowed_entity_aliases: CommaList = param(
        (), "Entity aliases that a token of this role may be made for; they may have `*` in them."
    )
    token_bound_cidrs: CommaList = param((), "Addresses and CIDR blocks that may use the token; none for all.")
    token_explicit_max_ttl: Duration = param(
        0, "How long the token can live in all, whatever the role or mount says later; 0 for no such limit."
    )
    token_no_default_policy: bool = param(False, "Leave the `default` policy off the token.")
    token_num_uses: int = param(0, "How many times the token can be used; 0 for no limit.")
    token_period: Duration = param(0, "Makes the token periodic: each renewal gives it this long again.")
    token_type: str = param(
        "default-service", "Type of the token: service, batch, default-service or default-batch.", values=_TYPES
    )


def load(call: SystemCall, name: str) -> Role | None:
    """The role with that name, or None."""
    return call.mounted.view.get(f"role/{name}", Role)


def read(call: SystemCall, args: RoleArgs) -> Result:
    role = load(call, args.role_name)
    if role is None:
        return None
    data: dict[str, Any] = {
        name: getattr(role, name)
        for name in (
            "name",
            "period",
            "token_period",
            "explicit_max_ttl",
            "token_explicit_max_ttl",
            "disallowed_policies",
            "allowed_policies",
            "disallowed_policies_glob",
            "allowed_policies_glob",
            "orphan",
            "path_suffix",
            "renewable",
            "token_type",
            "allowed_entity_aliases",
            "token_no_default_policy",
        )
    }
    data.update({name: found for name in ("token_bound_cidrs", "bound_cidrs") if (found := getattr(role, name))})
    if role.token_num_uses > 0:
        data["token_num_uses"] = role.token_num_uses
    return data


def write(call: SystemCall, args: RoleArgs) -> None:
    role = _named(load(call, args.role_name) or Role(name=args.role_name), call, args)
    role = _typed(_token_fields(role, call, args), call, args)
    role = _bare_fields(role, call, args)
    _check_batch(role)
    if "allowed_entity_aliases" in call.given:
        role = replace(role, allowed_entity_aliases=_distinct(args.allowed_entity_aliases))
    call.mounted.view.put(f"role/{role.name}", role)


def delete(call: SystemCall, args: RoleArgs) -> None:
    call.mounted.view.delete(f"role/{args.role_name}")


def list_names(call: SystemCall, args: NoArgs) -> Result:
    del args
    keys = call.mounted.view.list("role/")
    return {"keys": keys} if keys else {}


def exists(call: SystemCall, args: RoleArgs) -> bool:
    return load(call, args.role_name) is not None


def _named(role: Role, call: SystemCall, args: RoleArgs) -> Role:
    """Take over the fields that only token roles have."""
    changed: dict[str, Any] = {
        name: getattr(args, name)
        for name in ("orphan", "renewable", "path_suffix")
        if name in call.given or call.operation == "create"
    }
    suffix = changed.get("path_suffix", "")
    if suffix and not _SUFFIX_PATTERN.search(suffix):
        refuse(f"given role path suffix contains invalid characters; must match {_SUFFIX}")
    if ".." in suffix:
        refuse("error registering path suffix: path cannot contain parent references")
    for name in ("allowed_policies", "allowed_policies_glob"):
        if name in call.given:
            changed[name] = sanitize_policies(getattr(args, name))
    for name in ("disallowed_policies", "disallowed_policies_glob"):
        if name in call.given:
            changed[name] = _distinct(getattr(args, name))
    return replace(role, **changed)


def _token_fields(role: Role, call: SystemCall, args: RoleArgs) -> Role:
    """Take over the fields that the roles of all auth methods share."""
    if "token_type" in call.raw and call.raw["token_type"] is None:
        refuse("Invalid 'token_type' value: null")
    changed: dict[str, Any] = {
        name: getattr(args, name)
        for name in ("token_explicit_max_ttl", "token_no_default_policy", "token_period", "token_num_uses")
        if name in call.given
    }
    if "token_bound_cidrs" in call.given:
        try:
            changed["token_bound_cidrs"] = parse_cidrs(args.token_bound_cidrs)
        except Refusal as error:
            refuse(f"error parsing role fields: {error.errors[0]}")
    role = replace(role, **changed)
    if role.token_num_uses < 0:
        refuse("error parsing role fields: 'token_num_uses' cannot be negative")
    if "token_type" not in call.given and role.token_type in ("batch", "default-batch"):
        for bad, what in (
            (role.token_period, "generate periodic tokens"),
            (role.token_num_uses, "generate tokens with limited use count"),
        ):
            if bad:
                refuse(
                    "error parsing role fields: 'token_type' cannot be 'batch' or 'default_batch' when set to " + what
                )
    return role


def _typed(role: Role, call: SystemCall, args: RoleArgs) -> Role:
    if "token_type" not in call.given:
        return role
    if args.token_type not in _TYPES:
        refuse(f"invalid 'token_type' value {quote(args.token_type)}")
    return replace(role, token_type=args.token_type)


def _bare_fields(role: Role, call: SystemCall, args: RoleArgs) -> Role:
    """Take over the deprecated fields, where their successors are not given as well."""
    role = _twin(role, call, "period", args.period)
    cidrs = args.bound_cidrs
    if "bound_cidrs" in call.given and "token_bound_cidrs" not in call.given:
        try:
            cidrs = parse_cidrs(cidrs)
        except Refusal as error:
            refuse(f"error parsing bound_cidrs: {error.errors[0]}")
    role = _twin(role, call, "bound_cidrs", cidrs)
    role = _twin(role, call, "explicit_max_ttl", args.explicit_max_ttl)
    # The real server looks at the deprecated field alone when its successor is not given.
    final = role.token_explicit_max_ttl if "token_explicit_max_ttl" in call.given else role.explicit_max_ttl
    if final > call.mount.bounds.max_ttl:
        call.warn(
            f"Given explicit max TTL of {final} is greater than system/mount allowed value of "
            f"{call.mount.bounds.max_ttl} seconds; until this is fixed attempting to create tokens against this role "
            "will result in an error"
        )
    return role


def _twin(role: Role, call: SystemCall, name: str, value: Any) -> Role:
    if f"token_{name}" not in call.given:
        return replace(role, **{name: value, f"token_{name}": value}) if name in call.given else role
    if name in call.given:
        call.warn(f"Both 'token_{name}' and deprecated '{name}' value supplied, ignoring the deprecated value")
    return replace(role, **{name: type(value)()})


def _check_batch(role: Role) -> None:
    if role.token_type != "batch":
        return
    for bad, what in (
        (not role.orphan, "non-orphan tokens"),
        (role.period or role.token_period, "periodic tokens"),
        (role.renewable, "renewable tokens"),
        (role.explicit_max_ttl or role.token_explicit_max_ttl, "tokens with an explicit max TTL"),
    ):
        if bad:
            refuse(f"'token_type' cannot be 'batch' when role is set to generate {what}")


def _distinct(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({text.strip().lower() for text in texts} - {""}))


PATHS: tuple[Path[Any, Any], ...] = (
    Path("roles/?", NoArgs, "List the token roles.", list=list_names),
    Path(
        "roles/{role_name}",
        RoleArgs,
        "Create, read and delete token roles.",
        read=read,
        write=write,
        delete=delete,
        exists=exists,
    ),
)
