"""What mounting secrets engines and auth methods have in common: their fields, their settings, how an entry is shown.

Source: OpenBao's system backend, for the order and the texts of the checks.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from sandboxd.sys import builtin
from sandboxd.sys.strict import (
    is_null,
    strict_bool,
    strict_int,
    strict_list,
    strict_object,
    strict_string,
    strict_unsigned,
)
from sandboxd.vault.durations import parse_seconds
from sandboxd.vault.errors import Failure, refuse
from sandboxd.vault.framework.fields import Pairs, Rest, param
from sandboxd.vault.framework.lenient import decode_comma_list
from sandboxd.vault.gotext import quote
from sandboxd.vault.mounts import MountConfig, Mounted, MountEntry, Table
from sandboxd.vault.request import Request
from sandboxd.vault.system import SystemCall
from sandboxd.vault.world import World

TOKEN_TYPES = {
    "": "default-service",
    "default-service": "default-service",
    "default-batch": "default-batch",
    "service": "service",
    "batch": "batch",
}
VISIBILITIES = ("", "hidden", "unauth")
_COMMA_LISTS = (
    "audit_non_hmac_request_keys",
    "audit_non_hmac_response_keys",
    "passthrough_request_headers",
    "allowed_response_headers",
)
_VERSION = re.compile(r"v?(\d+(?:\.\d+)*)(?:-?([0-9A-Za-z.~-]+))?(?:\+([0-9A-Za-z.~-]+))?\Z", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class MountArgs:
    """What a mount is made with."""

    path: Rest = param(help="Where it is mounted.")
    type: str = param(help="The type of the backend.")
    description: str = param(help="What it is for, in words of your own.")
    config: dict[str, Any] = param(factory=dict, help="Settings that can be tuned later.")
    local: bool = param(False, "Keep it out of replication.")
    seal_wrap: bool = param(False, "Wrap what it stores with the seal, where the seal can.")
    external_entropy_access: bool = param(False, "Let it draw randomness from outside.")
    plugin_name: str = param(help="Name of the plugin, for the type `plugin`.")
    options: Pairs = param(factory=dict, help="Options of the backend itself, such as `version` for kv.")
    plugin_version: str = param(help="The version of the plugin.")


@dataclass(frozen=True, kw_only=True)
class PathArgs:
    """A mount's path alone."""

    path: Rest = param(help="Where it is mounted.")


class Settings(msgspec.Struct, kw_only=True):
    """The `config` of a mount as a client sends it."""

    default_lease_ttl: str = ""
    max_lease_ttl: str = ""
    force_no_cache: bool = False
    audit_non_hmac_request_keys: tuple[str, ...] = ()
    audit_non_hmac_response_keys: tuple[str, ...] = ()
    listing_visibility: str = ""
    passthrough_request_headers: tuple[str, ...] = ()
    allowed_response_headers: tuple[str, ...] = ()
    token_type: str = ""
    plugin_name: str = ""
    plugin_version: str = ""
    allowed_managed_keys: tuple[str, ...] = ()
    delegated_auth_accessors: tuple[str, ...] = ()
    identity_token_key: str = ""


def sanitized(path: str) -> str:
    """A mount's path with its slash at the end and none in front."""
    return (path if path.endswith("/") else f"{path}/").removeprefix("/")


_LOCKOUT: Mapping[str, Callable[[Any], Any]] = {
    "lockout_threshold": strict_unsigned,
    "lockout_duration": strict_int,
    "lockout_counter_reset": strict_int,
    "disable_lockout": strict_bool,
}
_KINDS: Mapping[str, Callable[[Any], Any]] = {
    "default_lease_ttl": strict_string,
    "max_lease_ttl": strict_string,
    "force_no_cache": strict_bool,
    "audit_non_hmac_request_keys": strict_list,
    "audit_non_hmac_response_keys": strict_list,
    "listing_visibility": strict_string,
    "passthrough_request_headers": strict_list,
    "allowed_response_headers": strict_list,
    "token_type": strict_string,
    "user_lockout_config": lambda value: strict_object(value, _LOCKOUT),
    "plugin_version": strict_string,
    "plugin_name": strict_string,
}
_VAULT_KINDS: Mapping[str, Callable[[Any], Any]] = {  # from Vault's documentation
    **_KINDS,
    "allowed_managed_keys": strict_list,
    "delegated_auth_accessors": strict_list,
    "identity_token_key": strict_string,
}


def settings(profile: str, raw: Mapping[str, Any], what: str) -> Settings:
    """The settings that a client sent with a new mount ("mount") or auth method ("auth"). Raises Refusal."""
    given = {
        name: decode_comma_list(value) if name in _COMMA_LISTS and isinstance(value, str) else value
        for name, value in raw.items()
    }
    try:
        found = strict_object(given, _VAULT_KINDS if profile == "vault" else _KINDS)
    except TypeError:
        refuse(f"unable to convert given {what} config information")
    found.pop("user_lockout_config", None)  # checked, but only tuning sets it
    return Settings(**found)


def lease_times(sent: Settings, maximum: int) -> tuple[int, int]:
    """The default and maximum TTL in seconds; `maximum` is the system's. Raises Refusal."""
    default, highest = (
        _lease_time(sent.default_lease_ttl, "default"),
        _lease_time(sent.max_lease_ttl, "max"),
    )
    if highest and default > highest:
        refuse("given default lease TTL greater than given max lease TTL")
    if default > maximum and not highest:
        refuse(f"given default lease TTL greater than system max lease TTL of {maximum}")
    return default, highest


def _lease_time(text: str, which: str) -> int:
    if text in ("", "system"):
        return 0
    try:
        return parse_seconds(text)
    except ValueError as error:
        refuse(f"unable to parse {which} TTL of {text}: {error}")


def kind_of(args: MountArgs, sent: Settings) -> str:
    """The type that is asked for. Raises Refusal when there is none."""
    if args.type == "":
        refuse("backend type must be specified as a string")
    if args.type == "plugin":
        return sent.plugin_name or args.plugin_name or refuse("plugin_name must be provided for plugin backend")
    return args.type


def canonical_version(text: str) -> str:
    """A version as the real server writes it, with all three numbers. Raises Refusal for what is none."""
    found = _VERSION.match(text)
    if found is None:
        refuse(f"version {quote(text)} is not a valid semantic version: malformed version: {text}")
    numbers = [str(int(number)) for number in found[1].split(".")]
    numbers += ["0"] * (3 - len(numbers))
    return f"v{'.'.join(numbers)}{f'-{found[2]}' if found[2] else ''}{f'+{found[3]}' if found[3] else ''}"


def wanted_version(call: SystemCall, table: Table, kind: str, text: str) -> str:
    """The plugin version to keep with a mount: empty for the builtin one. Raises Refusal."""
    if not text:
        return ""
    version = canonical_version(text)
    if version == running_version(call.world, table, kind):
        return ""
    if builtin.refuses_versions(table, kind):
        what = "secrets" if table == "mounts" else "auth"
        refuse(f"cannot select non-builtin version of {what} plugin {builtin.ALIASES[table].get(kind, kind)}")
    return version


def running_version(world: World, table: Table, kind: str) -> str:
    """The version that a builtin runs with."""
    return builtin.version(world.profile, world.settings.version, table, kind.removeprefix("ns_"))


def config_of(sent: Settings, default_ttl: int, max_ttl: int, *, token_type: str = "") -> MountConfig:
    """The settings as they are kept."""
    return MountConfig(
        default_lease_ttl=default_ttl,
        max_lease_ttl=max_ttl,
        force_no_cache=sent.force_no_cache,
        audit_non_hmac_request_keys=sent.audit_non_hmac_request_keys,
        audit_non_hmac_response_keys=sent.audit_non_hmac_response_keys,
        listing_visibility=sent.listing_visibility,
        passthrough_request_headers=sent.passthrough_request_headers,
        allowed_response_headers=sent.allowed_response_headers,
        token_type=token_type,
        allowed_managed_keys=sent.allowed_managed_keys,
        delegated_auth_accessors=sent.delegated_auth_accessors,
        identity_token_key=sent.identity_token_key,
    )


def check_visibility(text: str) -> None:
    """Raise Refusal for a listing visibility that is none."""
    if text not in VISIBILITIES:
        refuse(f"invalid listing_visibility {text}")


def install(call: SystemCall, table: Table, kind: str, args: MountArgs, config: MountConfig, version: str) -> None:
    """Mount a backend where nothing is in the way. Raises Refusal."""
    world, namespace, path = call.world, call.namespace, sanitized(args.path)
    for mounted in world.mounts.list(namespace, table):
        existing = mounted.entry.path
        if existing.startswith(path) or path.startswith(existing):
            refuse(f"path is already in use at {existing}")
    route = f"auth/{path}" if table == "auth" else path
    conflict = conflicting(call, route)
    if conflict:
        refuse(f"existing mount at {conflict}")
    unknown = builtin.ALIASES[table].get(kind, kind)
    if version or not builtin.available(world.profile, table, kind):
        refuse(f"plugin not found in the catalog: {unknown}{f', version={version}' if version else ''}")
    if table == "mounts" and unknown == "kv" and args.options.get("version", "") not in ("", "1", "2"):
        refuse(f'nil backend of type "{kind}" returned from factory')
    entry = MountEntry(
        table=table,
        path=path,
        type=kind,
        uuid=world.entropy.uuid(),
        accessor=world.mounts.new_accessor(table, kind),
        namespace_id=namespace.id,
        description=args.description,
        config=config,
        options=None if not args.options and is_null(call, "options") else args.options,
        local=args.local,
        seal_wrap=args.seal_wrap,
        external_entropy_access=args.external_entropy_access,
        plugin_version=version,
    )
    try:
        mounted = world.mounts.add(namespace, entry)
    except LookupError:
        refuse(f"plugin not found in the catalog: {unknown}")
    initialize(world, call.request, mounted)


def find(call: SystemCall, path: str) -> Mounted | None:
    """The mount that answers for a path, whose leading segments may name namespaces below."""
    resolved = call.world.namespaces.resolve(call.namespace.path, path)
    found = None if resolved is None else call.world.mounts.find(*resolved)
    return None if found is None else found[0]


def conflicting(call: SystemCall, route: str) -> str:
    """The full path of what is in the way of a mount: a mount above, at or below it, or a namespace; or nothing."""
    here = call.namespace.path
    full = here + route
    taken = sorted(
        mounted.namespace.path + mounted.mount.path
        for namespace in call.world.namespaces
        for mounted in call.world.mounts.list(namespace)
    )
    above = [path for path in taken if full.startswith(path)]
    if above:
        return max(above, key=len)
    below = next((path for path in taken if path.startswith(full)), "")
    if below:
        return below
    # The real server tells a namespace by its mount `sys/`, and so takes any mount whose path ends like that for one.
    around = [path.removesuffix("sys/") for path in taken if path.startswith(here) and path.endswith("sys/")]
    return next((path for path in around if path != here and full.startswith(path)), "")


def initialize(world: World, request: Request, mounted: Mounted) -> None:
    """Let a new mount set up what it needs."""
    if mounted.backend.initialize is not None:
        mounted.backend.initialize(world.call(request, mounted, ""))


async def uninstall(call: SystemCall, mounted: Mounted) -> None:
    """Unmount a backend: end its leases, then remove all that it kept. Raises Refusal when a lease can't be ended."""
    await revoke_leases(call, mounted)
    call.world.mounts.remove(mounted.namespace, mounted.entry)


async def revoke_leases(call: SystemCall, mounted: Mounted) -> None:
    """End all leases of a mount. Raises Refusal when the backend fails to."""
    try:
        await call.world.leases.revoke_prefix(mounted.mount.path, namespace_id=mounted.namespace.id)
    except Failure as error:
        refuse("; ".join(error.errors))


def mount_info(world: World, mounted: Mounted) -> dict[str, Any]:
    """A mount as clients see it."""
    entry = mounted.entry
    config = entry.config
    settings: dict[str, Any] = {
        "default_lease_ttl": config.default_lease_ttl,
        "max_lease_ttl": config.max_lease_ttl,
        "force_no_cache": config.force_no_cache,
        **set_lists(config),
    }
    if config.listing_visibility:
        settings["listing_visibility"] = config.listing_visibility
    if entry.table == "auth":
        settings["token_type"] = config.token_type or "default-service"
    if config.identity_token_key:
        settings["identity_token_key"] = config.identity_token_key
    if config.lockout is not None:
        settings["user_lockout_config"] = lockout(config)
    info: dict[str, Any] = {
        "type": entry.type,
        "description": entry.description,
        "accessor": entry.accessor,
        "local": entry.local,
        "seal_wrap": entry.seal_wrap,
        "external_entropy_access": entry.external_entropy_access,
        "options": entry.options,
        "uuid": entry.uuid,
        "plugin_version": entry.plugin_version,
        "running_plugin_version": running_version(world, entry.table, entry.type),
        "running_sha256": "",
        "config": settings,
    }
    status = builtin.deprecation(entry.type)
    if status:
        info["deprecation_status"] = status
    return info


def set_lists(config: MountConfig) -> dict[str, tuple[str, ...]]:
    """The list settings that are set."""
    names = (*_COMMA_LISTS, "allowed_managed_keys", "delegated_auth_accessors")
    return {name: found for name in names if (found := getattr(config, name))}


def lockout(config: MountConfig) -> dict[str, Any]:
    """The settings of the user lockout as they are shown."""
    found = config.lockout
    return {
        "user_lockout_counter_reset_duration": (found and found.counter_reset) or 0,
        "user_lockout_threshold": (found and found.threshold) or 0,
        "user_lockout_duration": (found and found.duration) or 0,
        "user_lockout_disable": bool(found and found.disable),
    }
