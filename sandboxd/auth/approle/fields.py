"""Below `role/{role_name}/`: one path for each field of a role, to read, set and reset it alone."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sandboxd.auth.approle import cidrs
from sandboxd.auth.approle.roles import NameArgs, Role, RoleArgs, check_period, keep, load
from sandboxd.vault.errors import Refusal, UnsupportedPath, refuse
from sandboxd.vault.framework.backend import Call, Handler, Path, Result
from sandboxd.vault.framework.records import parse_cidrs, renamed, sanitize_policies, sent, update

Change = Callable[[Call, Role, RoleArgs], Role]
"""What a write makes of a role. Raises Refusal."""

Show = Callable[[Role], dict[str, Any]]

PROFILES = ("vault", "openbao")


def field_path(
    name: str,
    text: str,
    *,
    change: Change,
    show: Show | None = None,
    reset: Callable[[Role], Role] | None = None,
    also: tuple[str, ...] = (),
    profiles: tuple[str, ...] = PROFILES,
) -> Path[Call, RoleArgs]:
    """The path of one field.

    Args:
        name: the field.
        text: one line for path-help.
        change: what a write does.
        show: what a read shows; by default the field.
        reset: what a deletion does; by default the field gets its default.
        also: further fields that the path takes.
        profiles: those that have the path.
    """

    def read(call: Call, args: RoleArgs) -> Result:
        role = load(call, args.role_name)
        if role is None:
            return None
        return {name: getattr(role, name)} if show is None else show(role)

    def write(call: Call, args: RoleArgs) -> None:
        role = load(call, args.role_name)
        if role is None:
            raise UnsupportedPath
        keep(call, change(call, role, args))

    def delete(call: Call, args: RoleArgs) -> None:
        role = load(call, args.role_name)
        if role is not None:
            keep(call, replace(role, **{name: getattr(Role, name)}) if reset is None else reset(role))

    return _path(name, text, read=read, write=write, delete=delete, only=(name, *also), profiles=profiles)


def _path(
    name: str,
    text: str,
    *,
    read: Handler[Call, RoleArgs] | None = None,
    write: Handler[Call, RoleArgs] | None = None,
    delete: Handler[Call, RoleArgs] | None = None,
    only: tuple[str, ...],
    profiles: tuple[str, ...] = PROFILES,
) -> Path[Call, RoleArgs]:
    return Path(
        f"role/{{role_name}}/{name.replace('_', '-')}",
        RoleArgs,
        text,
        read=read,
        write=write,
        delete=delete,
        only=("role_name", *only),
        folds=True,
        profiles=profiles,
    )


def _set(name: str, fault: Callable[[Role], str] = lambda _: "") -> Change:
    """A change of one field to what was sent, which must be there. `fault` says what is wrong with the role then."""

    def change(call: Call, role: Role, args: RoleArgs) -> Role:
        given = sent(call, RoleArgs)
        if name not in given:
            refuse(f"missing {name}")
        changed = update(role, args, given & {name})
        text = fault(changed)
        if text:
            refuse(text)
        return changed

    return change


def _negative_uses(role: Role) -> str:
    return "secret_id_num_uses cannot be negative" if role.secret_id_num_uses < 0 else ""


def _too_long_ttl(role: Role) -> str:
    return "token_ttl should not be greater than token_max_ttl" if 0 < role.token_max_ttl < role.token_ttl else ""


def _too_short_max_ttl(role: Role) -> str:
    return "token_max_ttl should be greater than or equal to token_ttl" if _too_long_ttl(role) else ""


def _set_policies(call: Call, role: Role, args: RoleArgs) -> Role:
    given = sent(call, RoleArgs) & {"policies", "token_policies"}
    if not given:
        refuse("missing token_policies")
    role = update(role, args, given)
    role = replace(role, token_policies=sanitize_policies(role.token_policies))
    return renamed(role, given, "policies", "token_policies")


def _show_policies(role: Role) -> dict[str, Any]:
    shown = {"token_policies": role.token_policies}
    return shown | {"policies": role.policies} if role.policies else shown


def _set_period(call: Call, role: Role, args: RoleArgs) -> Role:
    given = sent(call, RoleArgs) & {"period", "token_period"}
    if not given:
        refuse("missing period")
    role = renamed(update(role, args, given), given, "period", "token_period")
    check_period(call, role, role.token_period)
    return role


def _show_period(role: Role) -> dict[str, Any]:
    shown = {"token_period": role.token_period}
    return shown | {"period": role.period} if role.period else shown


def _set_login_cidrs(name: str) -> Change:
    """Both names of the blocks to log in from; writing nothing to them is fine."""

    def change(call: Call, role: Role, args: RoleArgs) -> Role:
        if name not in sent(call, RoleArgs):
            return role
        blocks: tuple[str, ...] = getattr(args, name)
        if not blocks:
            refuse("missing bound_cidr_list")
        fault = cidrs.fault(blocks)
        if fault:
            refuse(f"failed to validate CIDR blocks: {fault}")
        return replace(role, secret_id_bound_cidrs=blocks)

    return change


def _set_token_cidrs(call: Call, role: Role, args: RoleArgs) -> Role:
    if "token_bound_cidrs" not in sent(call, RoleArgs):
        return role
    try:
        return replace(role, token_bound_cidrs=parse_cidrs(args.token_bound_cidrs), token_cidrs_written=True)
    except Refusal as error:
        refuse(f"failed to parse token_bound_cidrs: {error.errors[0]}")


def _read_bound_cidr_list(call: Call, args: RoleArgs) -> Result:
    if load(call, args.role_name) is None:
        return None
    call.warn(
        'The "bound_cidr_list" field is deprecated and will be removed. Please use "secret_id_bound_cidrs" instead.'
    )
    return {"bound_cidr_list": None}


def _read_role_id(call: Call, args: RoleArgs) -> Result:
    role = load(call, args.role_name)
    return None if role is None else {"role_id": role.role_id}


def _write_role_id(call: Call, args: RoleArgs) -> None:
    role = load(call, args.role_name)
    if role is None:
        raise UnsupportedPath
    keep(call, replace(role, role_id=args.role_id or refuse("missing role_id")), role)


def _read_local_secret_ids(call: Call, args: NameArgs) -> Result:
    role = load(call, args.role_name)
    return None if role is None else {"local_secret_ids": role.local_secret_ids}


def _unsupported(call: Call, args: RoleArgs) -> None:
    # OpenBao 2.7.2 lists this path, and finds no way to it.
    del call, args
    raise UnsupportedPath


_BIND = "bind_secret_id", "Whether a login needs a secret ID."

_BOUND_CIDR_LIST = field_path(
    "bound_cidr_list",
    "Deprecated: use secret-id-bound-cidrs.",
    change=_set_login_cidrs("bound_cidr_list"),
    reset=lambda role: role,
)

PATHS: tuple[Path[Any, Any], ...] = (
    field_path(*_BIND, change=_set("bind_secret_id"), profiles=("vault",)),
    _path(
        *_BIND,
        read=_unsupported,
        write=_unsupported,
        delete=_unsupported,
        only=("bind_secret_id",),
        profiles=("openbao",),
    ),
    replace(_BOUND_CIDR_LIST, read=_read_bound_cidr_list),
    Path(
        "role/{role_name}/local-secret-ids",
        NameArgs,
        "Whether the role's secret IDs stay in this cluster.",
        read=_read_local_secret_ids,
        folds=True,
    ),
    field_path(
        "period",
        "How long each renewal of a token gives it.",
        change=_set_period,
        show=_show_period,
        reset=lambda role: replace(role, period=0, token_period=0),
        also=("token_period",),
    ),
    field_path(
        "policies",
        "The policies of the tokens.",
        change=_set_policies,
        show=_show_policies,
        reset=lambda role: replace(role, policies=(), token_policies=()),
        also=("token_policies",),
    ),
    _path("role_id", "What finds the role at login.", read=_read_role_id, write=_write_role_id, only=("role_id",)),
    field_path(
        "secret_id_bound_cidrs",
        "The CIDR blocks from which the role can be logged in to.",
        change=_set_login_cidrs("secret_id_bound_cidrs"),
    ),
    field_path(
        "secret_id_num_uses",
        "How many logins a secret ID is good for.",
        change=_set("secret_id_num_uses", _negative_uses),
    ),
    field_path("secret_id_ttl", "How long a secret ID is good for.", change=_set("secret_id_ttl")),
    field_path(
        "token_bound_cidrs",
        "The addresses and CIDR blocks that may use the tokens.",
        change=_set_token_cidrs,
        show=lambda role: {"token_bound_cidrs": role.token_bound_cidrs if role.token_cidrs_written else None},
        reset=lambda role: replace(role, token_bound_cidrs=(), token_cidrs_written=False),
    ),
    field_path(
        "token_max_ttl",
        "How long a token can live when it is renewed.",
        change=_set("token_max_ttl", _too_short_max_ttl),
    ),
    field_path("token_num_uses", "How often a token can be used.", change=_set("token_num_uses")),
    field_path("token_ttl", "How long a token lasts at first.", change=_set("token_ttl", _too_long_ttl)),
)
