"""Static roles: users that are there already, whose credentials are rotated by a period or a schedule.

A rotation that the database refuses is tried again; until one succeeds, the role shows the credential that it had.
"""

from dataclasses import dataclass
from typing import Any

import msgspec

from sandboxd.engines.database import connections, credentials
from sandboxd.engines.database.connections import NANOSECONDS
from sandboxd.engines.database.plugin import CLIENT_CERTIFICATE, PASSWORD, RSA_PRIVATE_KEY, PluginError, UpdateUser
from sandboxd.engines.database.roles import UNIQUE, NameArgs, SharedArgs, credential_fields
from sandboxd.vault.durations import ZERO_TIME, rfc3339
from sandboxd.vault.errors import Failure, VaultError, refuse
from sandboxd.vault.framework.backend import Call, Response, Result
from sandboxd.vault.framework.cron import next_after
from sandboxd.vault.framework.fields import Duration, Name, Strings, param
from sandboxd.vault.framework.moments import postponed
from sandboxd.vault.gotext import quote

SHORTEST_PERIOD = 5  # seconds
SHORTEST_WINDOW = 3600  # seconds
RETRY = 10  # seconds until a rotation that was asked for, and failed, is tried again
RETRIED = (
    "unable to finish rotating credentials; retries will continue in the background but it is also safe to retry "
    "manually: "
)


@dataclass(frozen=True, kw_only=True)
class StaticNameArgs:
    name: Name = param(help="Name of the static role.")


@dataclass(frozen=True, kw_only=True)
class StaticRoleArgs(SharedArgs):
    """What both servers take for a static role."""

    rotation_period: Duration = param(0, "How often to rotate the credential.")
    rotation_statements: Strings = param((), "Statements that rotate the credential.")
    username: str = param("", "Name of the user, as the database knows it.")


@dataclass(frozen=True, kw_only=True)
class VaultStaticRoleArgs(StaticRoleArgs):
    """What Vault takes in addition. From its documentation; the last three are of its Enterprise edition."""

    rotation_schedule: str = param("", "When to rotate the credential, as a cron schedule.")
    rotation_window: Duration = param(0, "How long after a scheduled moment rotation may be tried.")
    password: str = param("", "The password that the user has, for when it is not rotated at first.")
    self_managed_password: str = param(
        "", "The password that the user has, if it rotates it by itself.", deprecated=True
    )
    skip_import_rotation: bool = param(False, "Leave the user's password as it is until the first rotation.")


class StaticRole(msgspec.Struct, frozen=True, kw_only=True):
    """One static role, as it is stored. Times are in seconds, moments in nanoseconds since 1970."""

    db_name: str = ""
    username: str = ""
    credential_type: str = PASSWORD
    credential_config: dict[str, str | int] = {}
    rotation_statements: tuple[str, ...] = ()
    rotation_period: int = 0
    rotation_schedule: str = ""
    rotation_window: int = 0
    skip_import_rotation: bool = False
    self_managed: bool = False
    password: str = ""
    private_key: str = ""
    last_rotation: int = 0  # 0: never
    next_rotation: int = 0

    def later(self, by: int) -> "StaticRole":
        """The same role, so many nanoseconds later."""
        return postponed(self, by, "next_rotation")

    @property
    def current(self) -> str:
        """The credential."""
        return self.private_key if self.credential_type == RSA_PRIVATE_KEY else self.password

    def missed(self, now: int) -> bool:
        """Whether the window of the planned rotation is over, in which it may be tried."""
        return bool(self.rotation_window) and now >= self.next_rotation + self.rotation_window * NANOSECONDS

    def due(self, after: int) -> int:
        """When to rotate, after a moment."""
        if self.rotation_schedule:
            return next_after(self.rotation_schedule, after)
        return after + self.rotation_period * NANOSECONDS


def exists(call: Call, args: NameArgs) -> bool:
    return call.storage.get(f"static-role/{args.name}") is not None


def read(call: Call, args: StaticRoleArgs) -> Result:
    role = call.storage.get(f"static-role/{args.name}", StaticRole)
    if role is None:
        return None
    data: dict[str, Any] = {
        "db_name": role.db_name,
        "credential_type": role.credential_type,
        "rotation_statements": role.rotation_statements,
        "username": role.username,
        **_timing(role),
    }
    if role.last_rotation:
        data["last_vault_rotation"] = rfc3339(role.last_rotation)
    if role.credential_config:
        data["credential_config"] = role.credential_config
    if role.skip_import_rotation:
        data["skip_import_rotation"] = True
    return data


async def write(call: Call, args: StaticRoleArgs) -> None:
    """Make a static role, which rotates its credential, or change one, which does not."""
    if call.storage.get(f"role/{args.name}") is not None:
        refuse(UNIQUE)
    old = call.storage.get(f"static-role/{args.name}", StaticRole)
    role = _timed(call, args, _named(call, args, old or StaticRole()), new=old is None)
    if "rotation_statements" in call.given:
        role = msgspec.structs.replace(role, rotation_statements=args.rotation_statements)
    role = msgspec.structs.replace(role, **credential_fields(call, args, role.credential_type))
    if old is None:
        await _import(call, args, role)
        return
    if call.given & {"rotation_period", "rotation_schedule"}:
        began = old.next_rotation - old.rotation_period * NANOSECONDS if old.rotation_period else call.clock.now_ns()
        role = plan(call, args.name, role, began)
    call.storage.put(f"static-role/{args.name}", role)


def delete(call: Call, args: StaticRoleArgs) -> None:
    """Forget a static role. The user stays in the database, and so does its credential."""
    call.storage.delete(f"static-role/{args.name}")
    call.timers.cancel(timer(args.name))


def read_creds(call: Call, args: StaticNameArgs) -> Result:
    """The credential as it is now, and for how long."""
    role = call.storage.get(f"static-role/{args.name}", StaticRole) or refuse(f"unknown role: {args.name}")
    connections.check_allowed(connections.known(call, role.db_name), args.name)
    now = call.clock.now_ns()
    left = ((role.due(now) if role.rotation_schedule else role.next_rotation) - now) / NANOSECONDS
    data: dict[str, Any] = {"username": role.username, "ttl": max(0, int(left + 0.5)), **_timing(role)}
    if role.last_rotation:
        data["last_vault_rotation"] = rfc3339(role.last_rotation)
    elif call.profile == "openbao":
        data["last_vault_rotation"] = ZERO_TIME
    field = "rsa_private_key" if role.credential_type == RSA_PRIVATE_KEY else "password"
    if role.credential_type != CLIENT_CERTIFICATE:
        data[field] = role.current
    return Response(data=data, credentials=(field,))


async def rotate_role(call: Call, args: StaticNameArgs) -> None:
    """Rotate a credential now."""
    role = call.storage.get(f"static-role/{args.name}", StaticRole) or refuse("no static role found for role name")
    try:
        await rotate(call, args.name, role)
    except VaultError as error:
        call.timers.set(timer(args.name), call.clock.now_ns() + RETRY * NANOSECONDS)
        raise Failure(RETRIED + error.errors[0]) from None


async def on_timer(call: Call, name: str) -> None:
    """Rotate a credential when its time has come; outside of its window, wait for the next one."""
    role = call.storage.get(f"static-role/{name}", StaticRole)
    if role is None:
        return
    now = call.clock.now_ns()
    if role.missed(now):
        call.storage.put(f"static-role/{name}", plan(call, name, role, now))
        return
    await rotate(call, name, role)


async def rotate(call: Call, name: str, role: StaticRole, *, new: bool = False) -> None:
    """Give a user a new credential, keep it, and plan the next rotation. Raises Failure, with nothing changed.

    `new` is for a role that is not stored yet.
    """
    connection = connections.known(call, role.db_name)
    connections.check_allowed(connection, name)
    if not connection.supports(role.credential_type):
        raise Failure(f"unsupported credential_type: {quote(role.credential_type)}")
    async with connections.database(call, role.db_name) as plugin:
        role = call.storage.get(f"static-role/{name}", StaticRole) or role  # another rotation may have come first
        made = await credentials.renewed(call, role.credential_type, role.credential_config, connection.password_policy)
        change = UpdateUser(
            username=role.username,
            credential_type=role.credential_type,
            password=made.password or None,
            public_key=made.public_key or None,
            statements=role.rotation_statements,
            self_managed_password=role.password if role.self_managed else "",
        )
        try:
            await plugin.update_user(change)
        except PluginError as error:
            raise PluginError(f"error setting credentials: {error.text}") from None
    kept = call.storage.get(f"static-role/{name}", StaticRole)
    if kept is None and not new:
        return  # deleted while the database was at work
    now = call.clock.now_ns()
    role = msgspec.structs.replace(
        kept or role, password=made.password, private_key=made.data.get("rsa_private_key", ""), last_rotation=now
    )
    call.storage.put(f"static-role/{name}", plan(call, name, role, now))
    if kept is not None:
        call.superseded(kept.current)


def plan(call: Call, name: str, role: StaticRole, after: int) -> StaticRole:
    """Set the timer of the next rotation after a moment; gives the role that knows of it."""
    moment = role.due(after)
    call.timers.set(timer(name), moment)
    return msgspec.structs.replace(role, next_rotation=moment)


def timer(name: str) -> str:
    """The name of a role's timer."""
    return f"static-roles/{name}"


async def _import(call: Call, args: StaticRoleArgs, role: StaticRole) -> None:
    """Take over a user: rotate its credential, unless the role or the connection says otherwise."""
    skip = role.skip_import_rotation
    if isinstance(args, VaultStaticRoleArgs):
        password = args.password or args.self_managed_password
        role = msgspec.structs.replace(role, password=password, self_managed=bool(args.self_managed_password))
        if "skip_import_rotation" not in call.given:
            skip = connections.known(call, role.db_name).skip_static_role_import_rotation
    if not skip:
        await rotate(call, args.name, role, new=True)
        return
    connections.check_allowed(connections.known(call, role.db_name), args.name)
    role = msgspec.structs.replace(role, skip_import_rotation=True)
    call.storage.put(f"static-role/{args.name}", plan(call, args.name, role, call.clock.now_ns()))


def _named(call: Call, args: StaticRoleArgs, role: StaticRole) -> StaticRole:
    """The role with the database and the user that a write says."""
    db_name = args.db_name if "db_name" in call.given else role.db_name
    if not db_name:
        refuse("database name is a required field")
    if not args.username and not role.username:
        refuse("username is a required field to create a static account")
    if role.username and role.username != args.username:
        refuse("cannot update static account username")
    return msgspec.structs.replace(role, db_name=db_name, username=args.username)


def _timed(call: Call, args: StaticRoleArgs, role: StaticRole, *, new: bool) -> StaticRole:
    """The role with the period or the schedule that a write says."""
    period = "rotation_period" in call.given
    scheduled = isinstance(args, VaultStaticRoleArgs) and bool(args.rotation_schedule)
    if scheduled and period:
        refuse(connections.BOTH_ROTATIONS)
    if new and not period and not scheduled:
        if call.profile == "openbao":
            refuse("rotation_period is required to create static accounts")
        refuse("one of rotation_schedule or rotation_period must be provided to create a static account")
    if period:
        if args.rotation_period < SHORTEST_PERIOD:
            refuse(f"rotation_period must be {SHORTEST_PERIOD} seconds or more")
        if "rotation_window" in call.given and isinstance(args, VaultStaticRoleArgs):
            refuse("rotation_window is invalid with use of rotation_period")
        role = msgspec.structs.replace(
            role, rotation_period=args.rotation_period, rotation_schedule="", rotation_window=0
        )
    if isinstance(args, VaultStaticRoleArgs):
        if args.rotation_schedule:
            role = _with_schedule(call, args, role)
        if "skip_import_rotation" in call.given:
            role = msgspec.structs.replace(role, skip_import_rotation=args.skip_import_rotation)
    return role


def _with_schedule(call: Call, args: VaultStaticRoleArgs, role: StaticRole) -> StaticRole:
    # The real server hands the reason to a function that formats it, without a place for it in the text.
    try:
        next_after(args.rotation_schedule, call.clock.now_ns())
    except ValueError as error:
        refuse(f"could not parse rotation_schedule%!(EXTRA string=error, *errors.errorString={error})")
    window = role.rotation_window
    if "rotation_window" in call.given:
        window = args.rotation_window
        if window < SHORTEST_WINDOW:
            why = f"rotation_window must be {SHORTEST_WINDOW} seconds or more"
            refuse(f"rotation_window is invalid%!(EXTRA string=error, *errors.errorString={why})")
    return msgspec.structs.replace(
        role, rotation_period=0, rotation_schedule=args.rotation_schedule, rotation_window=window
    )


def _timing(role: StaticRole) -> dict[str, Any]:
    if not role.rotation_schedule:
        return {"rotation_period": role.rotation_period}
    window = {"rotation_window": role.rotation_window} if role.rotation_window else {}
    return {"rotation_schedule": role.rotation_schedule, **window}
