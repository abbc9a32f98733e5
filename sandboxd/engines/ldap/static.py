"""Static roles: entries whose passwords are rotated, after a period or on a schedule."""

from dataclasses import dataclass, replace
from typing import Any

from sandboxd.engines.ldap.config import generate_password, known
from sandboxd.engines.ldap.config import load as load_config
from sandboxd.engines.ldap.managed import is_managed, manage, release
from sandboxd.vault.durations import SECOND, ZERO_TIME, rfc3339
from sandboxd.vault.errors import Failure, refuse
from sandboxd.vault.framework.backend import Call, Path, Response, Result
from sandboxd.vault.framework.checkouts import FolderArgs, SlashedLower, listed
from sandboxd.vault.framework.fields import NoArgs, param
from sandboxd.vault.framework.records import update
from sandboxd.vault.framework.rotating import RETRY, Rotation, check, deferred, plan
from sandboxd.vault.gotext import quote

PREFIX = "static-role/"
SHORTEST_PERIOD = 5


@dataclass(frozen=True, kw_only=True, repr=False)
class StaticRole(Rotation):
    """A static role, as stored."""

    username: str = param("", "Name of the user whose password it is.")
    dn: str = param("", "DN of the entry, which finds it more surely than the user's name.")
    password_policy: str = param("", "Password policy that the password follows, in the place of the engine's.")
    password: str = param("", hidden=True)
    last_password: str = param("", hidden=True)
    last_vault_rotation: int = param(0, hidden=True)  # nanoseconds since 1970


@dataclass(frozen=True, kw_only=True, repr=False)
class StaticRoleArgs(StaticRole):
    """A static role as a client writes it."""

    name: SlashedLower = param(help="Name of the role.")
    skip_import_rotation: bool = param(False, "Leave the password as it is until the first rotation is due.")


@dataclass(frozen=True, kw_only=True)
class NameArgs:
    """Which role."""

    name: SlashedLower = param(help="Name of the role.")


def load(call: Call, name: str) -> StaticRole | None:
    """The static role of that name."""
    return call.storage.get(PREFIX + name, StaticRole)


def exists(call: Call, args: StaticRoleArgs) -> bool:
    return load(call, args.name) is not None


def create(call: Call, args: StaticRoleArgs) -> None:
    if "username" not in call.given:
        refuse("username is a required field to manage a static account")
    if not args.username:
        refuse("username must not be empty")
    if is_managed(call, args.username):
        refuse(f"{quote(args.username)} is already managed by the secrets engine")
    role = update(StaticRole(), args, call.given)
    if "rotation_period" not in call.given and not role.rotation_schedule and not role.disable_automated_rotation:
        refuse("rotation_period is required to create static accounts")
    _check_times(call, role)
    skip = args.skip_import_rotation
    if "skip_import_rotation" not in call.given:
        config = load_config(call) or refuse("missing LDAP configuration")
        skip = config.skip_static_role_import_rotation
    if skip:
        call.storage.put(PREFIX + args.name, role)
        plan(call, PREFIX + args.name, role.next(call.clock.now_ns()))
    else:
        rotate(call, args.name, role)
    manage(call, args.username)


def change(call: Call, args: StaticRoleArgs) -> None:
    old = load(call, args.name) or StaticRole()
    if "username" in call.given:
        if not args.username:
            refuse("username must not be empty")
        if args.username != old.username:
            refuse("cannot update static account username")
    if "dn" in call.given and args.dn not in ("", old.dn):
        refuse("cannot update static account distinguished name (dn)")
    role = update(old, args, call.given)
    _check_times(call, role)
    if "skip_import_rotation" in call.given:
        refuse("skip_import_rotation has no effect on updates")
    if "rotation_schedule" in call.given and role.rotation_schedule:
        role = replace(role, rotation_period=0)
    elif "rotation_period" in call.given:
        role = replace(role, rotation_schedule="", rotation_window=0)
    call.storage.put(PREFIX + args.name, role)
    plan(call, PREFIX + args.name, role.next(role.last_vault_rotation or call.clock.now_ns()))


def _check_times(call: Call, role: StaticRole) -> None:
    """Raise Refusal for a period that is too short, or times that do not go together."""
    if "rotation_period" in call.given and role.rotation_period < SHORTEST_PERIOD:
        refuse(f"rotation_period must be {SHORTEST_PERIOD} seconds or more")
    check(call, role)


def read(call: Call, args: StaticRoleArgs) -> Result:
    role = load(call, args.name)
    if role is None:
        return None
    data = {"dn": role.dn, "username": role.username, **_times(role)}
    if role.last_vault_rotation:
        data["last_vault_rotation"] = rfc3339(role.last_vault_rotation)
    return data


def _times(role: StaticRole) -> dict[str, Any]:
    """When the role's password is rotated. What Vault's community edition lacks is shown where it is set."""
    data: dict[str, Any] = {"rotation_period": role.rotation_period}
    if role.rotation_schedule:
        data = {"rotation_schedule": role.rotation_schedule, "rotation_window": role.rotation_window}
    if role.disable_automated_rotation:
        data["disable_automated_rotation"] = True
    return data


def delete(call: Call, args: StaticRoleArgs) -> None:
    role = load(call, args.name)
    if role is not None:
        call.timers.cancel(PREFIX + args.name)
        call.storage.delete(PREFIX + args.name)
        release(call, role.username)


def list_names(call: Call, _args: NoArgs) -> Result:
    return listed(call, PREFIX)


def list_folder(call: Call, args: FolderArgs) -> Result:
    return listed(call, PREFIX + args.path)


def read_credentials(call: Call, args: NameArgs) -> Result:
    role = load(call, args.name) or refuse(f"unknown role: {args.name}")
    left = max(0, call.timers.at(PREFIX + args.name) - call.clock.now_ns())
    return Response(
        data={
            "dn": role.dn,
            "username": role.username,
            "password": role.password,
            "last_password": role.last_password,
            "ttl": (left + SECOND // 2) // SECOND,
            **_times(role),
            "last_vault_rotation": rfc3339(role.last_vault_rotation) if role.last_vault_rotation else ZERO_TIME,
        },
        credentials=("password",) if role.password else (),
    )


def rotate(call: Call, name: str, role: StaticRole) -> None:
    """Give a role a new password, and plan the next rotation. Raises Failure without a configuration."""
    new = generate_password(call, known(call), "password", role.password_policy)
    call.superseded(role.password)
    now = call.clock.now_ns()
    role = replace(role, password=new, last_password=role.password, last_vault_rotation=now)
    call.storage.put(PREFIX + name, role)
    plan(call, PREFIX + name, role.next(now))


def rotate_now(call: Call, args: NameArgs) -> None:
    role = load(call, args.name) or refuse(f"role doesn't exist: {args.name}")
    try:
        rotate(call, args.name, role)
    except Failure as error:
        call.timers.set(PREFIX + args.name, call.clock.now_ns() + RETRY * SECOND)
        raise Failure(
            "unable to finish rotating credentials; retries will continue in the background but it is also safe to "
            f"retry manually: {error.errors[0]}"
        ) from error


def rotate_on_schedule(call: Call, name: str) -> None:
    """Rotate a role whose time has come. Raises Failure, to be tried again."""
    role = load(call, name) or refuse(f"unknown role: {name}")
    if not deferred(call, PREFIX + name, role):
        rotate(call, name, role)


_DESCRIPTION = (
    "The engine gives the entry a new password when the role is written, and then after each period or at each moment "
    "of the schedule."
)

PATHS = (
    Path(
        "static-role/{name}",
        StaticRoleArgs,
        "Write, read or delete a static role.",
        description=_DESCRIPTION,
        read=read,
        write=change,
        create=create,
        delete=delete,
        exists=exists,
        operation_ids={
            "read": "ldap-read-static-role",
            "write": "ldap-write-static-role",
            "delete": "ldap-delete-static-role",
        },
    ),
    Path(
        "static-role/?",
        NoArgs,
        "List the static roles.",
        list=list_names,
        operation_ids={"list": "ldap-list-static-roles"},
    ),
    Path(
        "static-role/{path}",
        FolderArgs,
        "List the static roles in a folder.",
        list=list_folder,
        operation_ids={"list": "ldap-list-static-role-path"},
    ),
    Path(
        "static-cred/{name}",
        NameArgs,
        "Read the password of a static role.",
        read=read_credentials,
        operation_ids={"read": "ldap-request-static-role-credentials"},
    ),
    Path(
        "rotate-role/{name}",
        NameArgs,
        "Rotate the password of a static role.",
        write=rotate_now,
        operation_ids={"write": "ldap-rotate-static-role"},
    ),
)
