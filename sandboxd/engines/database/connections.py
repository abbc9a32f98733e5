"""Connections: `config/{name}` and what is done with a whole connection: resetting it, rotating its own password.

A **connection** is one database server, by the name of its plugin and the details that the plugin wants to know.
"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import quote, unquote_to_bytes

import msgspec

from sandboxd.engines.database import families
from sandboxd.engines.database.credentials import new_password
from sandboxd.engines.database.plugin import PASSWORD, Plugin, PluginError, UpdateUser
from sandboxd.vault.errors import Failure, Refusal, VaultError, fail, refuse
from sandboxd.vault.framework import urls, wire
from sandboxd.vault.framework.backend import Call, Response, Result
from sandboxd.vault.framework.cron import next_after
from sandboxd.vault.framework.fields import CommaList, Duration, Name, NoArgs, Strings, param
from sandboxd.vault.gotext import quote as quoted

NANOSECONDS = 1_000_000_000
BOTH_ROTATIONS = (
    "mutually exclusive fields rotation_period and rotation_schedule were both specified; only one of them can be "
    "provided"
)
_VERSION = re.compile(r"v?([0-9]+(?:\.[0-9]+)*)(-[0-9A-Za-z.~-]+)?(\+[0-9A-Za-z.~-]+)?")
_HIDDEN = ("password", "private_key")


@dataclass(frozen=True, kw_only=True)
class NameArgs:
    name: Name = param(help="Name of this database connection")


@dataclass(frozen=True, kw_only=True)
class ReloadArgs:
    plugin_name: Name = param(help="Name of the database plugin")


@dataclass(frozen=True, kw_only=True)
class ConfigArgs(NameArgs):
    """What both servers take for a connection; the rest is for its plugin."""

    allowed_roles: CommaList = param((), "Names of the roles that may use the connection, with globs; `*` for all.")
    password_policy: str = param("", "Password policy to make passwords by.")
    plugin_name: str = param("", "Name of the plugin for this kind of database.")
    plugin_version: str = param("", "Version of the plugin.")
    root_rotation_statements: Strings = param((), "Statements that rotate the connection's own password.")
    verify_connection: bool = param(True, "Connect to the database, to see that the details are right.")


@dataclass(frozen=True, kw_only=True)
class VaultConfigArgs(ConfigArgs):
    """What Vault takes in addition. From its documentation; rotation by itself is of its Enterprise edition."""

    disable_automated_rotation: bool = param(False, "Don't rotate the connection's own password by itself.")
    override_pinned_version: bool = param(False, "Use the given version of the plugin even if another one is pinned.")
    rotation_period: Duration = param(0, "How often to rotate the connection's own password.")
    rotation_policy: str = param("", "Name of the policy of these rotations.")
    rotation_schedule: str = param("", "When to rotate the connection's own password, as a cron schedule.")
    rotation_window: Duration = param(0, "How long after a scheduled moment rotation may be tried.")
    skip_static_role_import_rotation: bool = param(False, "Leave the passwords of new static roles as they are.")


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """One connection, as it is stored. Times are in seconds."""

    plugin_name: str
    plugin_version: str = ""
    details: bytes = b"{}"  # JSON
    allowed_roles: tuple[str, ...] = ()
    root_rotation_statements: tuple[str, ...] = ()
    password_policy: str = ""
    verify_connection: bool = True
    skip_static_role_import_rotation: bool = False
    rotation_period: int = 0
    rotation_schedule: str = ""
    rotation_window: int = 0
    rotation_policy: str = ""
    disable_automated_rotation: bool = False

    @property
    def given(self) -> dict[str, Any]:
        """The details."""
        found: dict[str, Any] = wire.decode(self.details)
        return found

    def allows(self, role: str) -> bool:
        """Whether a role may use it."""
        return any(_glob(pattern, role) for pattern in self.allowed_roles)

    def supports(self, credential_type: str) -> bool:
        """Whether its plugin can set credentials of a type."""
        announced = self.given.get(families.SUPPORTED)
        return credential_type in announced if isinstance(announced, list) else credential_type == PASSWORD


def known(call: Call, name: str) -> Connection:
    """The connection of that name. Raises Failure when there is none."""
    found = call.storage.get(f"config/{name}", Connection)
    return found or fail(f"failed to find entry for connection with name: {quoted(name)}")


def check_allowed(connection: Connection, role: str) -> None:
    """Raise Failure for a role that may not use the connection."""
    if not connection.allows(role):
        raise Failure(f"{quoted(role)} is not an allowed role")


def opened(call: Call, name: str, plugin_name: str, version: str = "") -> Plugin:
    """A connection's plugin, not initialized yet. Raises PluginError when there is none so named."""
    family = families.find(call.profile, plugin_name, version)
    return families.opening(call, family)(call, family, name)


@asynccontextmanager
async def database(call: Call, name: str, *, verify: bool = False) -> AsyncIterator[Plugin]:
    """The plugin of a connection, ready for use. Raises Failure for each PluginError within.

    What was read of the connection before may have changed when its turn has come. Who writes right after this, without
    waiting again, does so before the next one's turn.
    """
    try:
        async with families.turn(call, name):
            connection = known(call, name)
            plugin = opened(call, name, connection.plugin_name)
            try:
                await plugin.initialize(connection.given, verify=verify)
                yield plugin
            finally:
                await plugin.close()
    except PluginError as error:
        raise Failure(error.text) from None


def exists(call: Call, args: NameArgs) -> bool:
    return call.storage.get(f"config/{args.name}") is not None


def list_connections(call: Call, args: NoArgs) -> Result:
    del args
    names = call.storage.list("config/")
    return {"keys": names} if names else {}


def read(call: Call, args: ConfigArgs) -> Result:
    found = call.storage.get(f"config/{args.name}", Connection)
    if found is None:
        return None
    given = found.given
    if isinstance(given.get("connection_url"), str):
        given["connection_url"] = shown_url(given["connection_url"])
    hidden = _HIDDEN if call.profile == "openbao" else (*_HIDDEN, "service_account_json")
    data = {
        "allowed_roles": found.allowed_roles,
        "connection_details": {name: value for name, value in given.items() if name not in hidden},
        "password_policy": found.password_policy,
        "plugin_name": found.plugin_name,
        "plugin_version": found.plugin_version,
        "root_credentials_rotate_statements": found.root_rotation_statements,
    }
    if call.profile == "vault":
        data |= {
            name: getattr(found, name)
            for name in (
                "disable_automated_rotation",
                "rotation_period",
                "rotation_policy",
                "rotation_schedule",
                "rotation_window",
                "skip_static_role_import_rotation",
                "verify_connection",
            )
        }
    return data


async def write(call: Call, args: ConfigArgs) -> None:
    """Make or change a connection: what is not sent stays as it is."""
    try:
        async with families.turn(call, args.name):
            await _write(call, args)
    except PluginError as error:
        raise Refusal(f"error creating database object: {error.text}") from None


async def _write(call: Call, args: ConfigArgs) -> None:
    old = call.storage.get(f"config/{args.name}", Connection)
    found = old or Connection(plugin_name="")
    declared = {field.name for field in fields(args)}
    changed = declared.intersection(Connection.__struct_fields__, call.given)
    found = msgspec.structs.replace(found, **{name: getattr(args, name) for name in changed})
    if not found.plugin_name:
        refuse("empty plugin name")
    version = builtin_version(found.plugin_version)
    if call.profile == "vault":
        found = _scheduled(call, found)
    given = found.given
    given |= {name: value for name, value in call.raw.items() if name not in declared}
    verify = found.verify_connection if call.profile == "vault" else args.verify_connection
    plugin = opened(call, args.name, found.plugin_name, version)
    try:
        details = await plugin.initialize(given, verify=verify)
    finally:
        await plugin.close()
    found = msgspec.structs.replace(found, plugin_version=version, details=wire.encode(details))
    call.storage.put(f"config/{args.name}", found)
    if call.profile == "vault":
        schedule(call, args.name, found, changed=bool(call.given & {"rotation_period", "rotation_schedule"}))
    if has_password(details.get("connection_url")):
        call.warn(
            "Password found in connection_url, use a templated url to enable root rotation and prevent read access to "
            "password information."
        )


def delete(call: Call, args: ConfigArgs) -> None:
    """Forget a connection. What its roles lent out cannot be revoked until there is one of that name again."""
    call.storage.delete(f"config/{args.name}")
    call.timers.cancel(f"config/{args.name}")


async def reset(call: Call, args: NameArgs) -> None:
    """Connect anew."""
    async with database(call, args.name, verify=True):
        pass


async def reload(call: Call, args: ReloadArgs) -> Result:
    """Connect anew with all connections of a plugin. From Vault's documentation."""
    reloaded = []
    for name in call.storage.list("config/"):
        connection = known(call, name)
        if connection.plugin_name == args.plugin_name:
            try:
                await reset(call, NameArgs(name=name))
            except VaultError:
                continue  # the real server leaves it out of its answer, too
            reloaded.append(name)
    return Response(data={"connections": reloaded, "count": len(reloaded)})


async def rotate_root(call: Call, args: NameArgs) -> None:
    """Give the user that the connection itself uses a new password, which nobody gets to see."""
    connection = known(call, args.name)
    given = connection.given
    for field in ("username", "password"):
        if not isinstance(given.get(field), str) or not given[field]:
            raise Failure(f"unable to rotate root credentials: no {field} in configuration")
    async with database(call, args.name) as plugin:
        password = new_password(call, connection.password_policy)
        change = UpdateUser(
            username=given["username"], password=password, statements=connection.root_rotation_statements
        )
        try:
            await plugin.update_user(change)
        except PluginError as error:
            raise PluginError(f"failed to update user: {error.text}") from None
    connection = known(call, args.name)  # it may have been changed while the database was at work
    details = wire.encode({**connection.given, "password": password})
    call.storage.put(f"config/{args.name}", msgspec.structs.replace(connection, details=details))
    if call.profile == "vault":
        schedule(call, args.name, connection, changed=True)


def schedule(call: Call, name: str, connection: Connection, *, changed: bool) -> None:
    """Set the timer of a connection that rotates its own password by itself, or take it away."""
    timer = f"config/{name}"
    now = call.clock.now_ns()
    if connection.disable_automated_rotation or not (connection.rotation_period or connection.rotation_schedule):
        call.timers.cancel(timer)
    elif changed or not call.timers.at(timer):
        if connection.rotation_schedule:
            call.timers.set(timer, next_after(connection.rotation_schedule, now))
        else:
            call.timers.set(timer, now + connection.rotation_period * NANOSECONDS)


def _scheduled(call: Call, connection: Connection) -> Connection:
    """The connection with its rotation settled: a period and a schedule exclude each other, the newer one stays."""
    both = {"rotation_period", "rotation_schedule"}
    if connection.rotation_period and connection.rotation_schedule:
        if both <= call.given:
            refuse(BOTH_ROTATIONS)
        gone = {"rotation_period": 0} if "rotation_schedule" in call.given else {"rotation_schedule": ""}
        connection = msgspec.structs.replace(connection, **gone)
    if connection.rotation_schedule:
        try:
            next_after(connection.rotation_schedule, call.clock.now_ns())
        except ValueError as error:
            refuse(f"failed to parse provided rotation_schedule: {error}")
    elif connection.rotation_window:
        refuse("rotation_window does not apply to period")
    return connection


def builtin_version(version: str) -> str:
    """A version as the real server spells it; empty for those that are built in. Raises Refusal for what is none."""
    if not version:
        return ""
    found = _VERSION.fullmatch(version)
    if found is None:
        refuse(f"version {quoted(version)} is not a valid semantic version: malformed version: {version}")
    if "builtin" in (found[3] or ""):
        return ""
    numbers = (*found[1].split("."), "0", "0")[: max(3, found[1].count(".") + 1)]
    return f"v{'.'.join(numbers)}{found[2] or ''}{found[3] or ''}"


def has_password(url: object) -> bool:
    """Whether a URL holds a password of its own, rather than a placeholder."""
    try:
        return isinstance(url, str) and urls.parse(url).password is not None
    except ValueError:
        return False


def shown_url(text: str) -> str:
    """A connection's URL as it is read back: what Go takes for a URL is spelled its way, without the password."""
    try:
        found = urls.parse(text)
    except ValueError:
        return text
    rest, hash_sign, fragment = text.partition("#")
    fragment = _escaped(fragment, "!()*'?")
    if found.scheme:
        rest = found.scheme + rest[len(found.scheme) :]
    head, question, query = rest.partition("?")
    start = head.index(":") + 1 if found.scheme else 0
    before, path = head[:start], head[start:]
    if found.scheme and not path.startswith("/"):
        return rest + hash_sign + fragment
    if path.startswith("//"):
        authority, slash, path = path[2:].partition("/")
        path = slash + path
        userinfo, at, host = authority.rpartition("@")
        if found.password is not None:
            userinfo = userinfo.partition(":")[0] + ":xxxxx"
        before += "//" + userinfo + at + host
    return before + _escaped(path, "") + question + query + hash_sign + fragment


_ENCODED = re.compile(r"[A-Za-z0-9\-_.~!$&'()*+,;=:@/\[\]%]*")


def _escaped(path: str, more: str) -> str:
    return path if _ENCODED.fullmatch(path) else quote(unquote_to_bytes(path), safe=f"$&+,/:;=@{more}")


def _glob(pattern: str, name: str) -> bool:
    """Whether a name fits a pattern in which each `*` stands for anything, in its case."""
    parts = map(re.escape, pattern.split("*"))
    return re.fullmatch(".*".join(parts), name, re.DOTALL) is not None
