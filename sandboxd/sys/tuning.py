"""`sys/mounts/{path}/tune` and `sys/auth/{path}/tune`: the settings of a mount, shown and changed.

Source: OpenBao's system backend, for the order and the texts of the checks.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from sandboxd.sys import mounting
from sandboxd.sys.strict import strict_bool, strict_object, strict_string
from sandboxd.vault.durations import parse_seconds
from sandboxd.vault.errors import refuse
from sandboxd.vault.framework.backend import Response, Result
from sandboxd.vault.framework.fields import CommaList, Pairs, Rest, param
from sandboxd.vault.gotext import quote
from sandboxd.vault.mounts import LockoutConfig, MountConfig, Mounted, MountEntry
from sandboxd.vault.system import SystemCall

_UNTUNABLE = ("cubbyhole/", "sys/", "audit/", "identity/")
_ALWAYS_TUNABLE = frozenset({"path", "audit_non_hmac_request_keys", "audit_non_hmac_response_keys"})
_LISTS = (
    "audit_non_hmac_request_keys",
    "audit_non_hmac_response_keys",
    "passthrough_request_headers",
    "allowed_response_headers",
)
_VAULT_LISTS = ("allowed_managed_keys", "delegated_auth_accessors")
_LOCKABLE = ("ldap", "approle", "userpass")
_LOCKOUT: Mapping[str, Callable[[Any], Any]] = {
    "lockout_threshold": strict_string,
    "lockout_duration": strict_string,
    "lockout_counter_reset_duration": strict_string,
    "lockout_disable": lambda value: None if value is None else strict_bool(value),
}
_UNSIGNED_LIMIT = 1 << 64


@dataclass(frozen=True, kw_only=True)
class TuneArgs:
    """What can be tuned."""

    path: Rest = param(help="Where it is mounted.")
    default_lease_ttl: str = param(help="How long leases last when nothing else says; `system` for the system's.")
    max_lease_ttl: str = param(help="How long leases can last; `system` for the system's.")
    description: str = param(help="What it is for, in words of your own.")
    audit_non_hmac_request_keys: CommaList = param((), "Fields of requests that audit devices show as they are.")
    audit_non_hmac_response_keys: CommaList = param((), "Fields of answers that audit devices show as they are.")
    options: Pairs = param(factory=dict, help="Options of the backend itself; empty text removes one.")
    listing_visibility: str = param(help="Whether it is listed without a token: `unauth`, `hidden`, or empty.")
    passthrough_request_headers: CommaList = param((), "Headers of requests that the backend gets to see.")
    allowed_response_headers: CommaList = param((), "Headers that the backend may set.")
    token_type: str = param(help="The type of token that the auth method issues.")
    user_lockout_config: dict[str, Any] = param(factory=dict, help="When failed logins lock a user out.")
    plugin_version: str = param(help="The version of the plugin.")
    allowed_managed_keys: CommaList = param((), "Managed keys that the backend may use.")
    delegated_auth_accessors: CommaList = param((), "Auth methods that the backend may hand logins to.")
    identity_token_key: str = param(help="The key that signs identity tokens of plugins.")


def read_mount(call: SystemCall, args: TuneArgs) -> Result:
    """The settings of the mount that answers for a path."""
    return _read(call, args.path)


def read_method(call: SystemCall, args: TuneArgs) -> Result:
    """The settings of an auth method."""
    return _read(call, f"auth/{args.path}")


def tune_mount(call: SystemCall, args: TuneArgs) -> Result:
    """Change settings of a mount; of an auth method, too, by its whole path."""
    return _tune(call, args, args.path, is_auth=args.path.startswith("auth/"))


def tune_method(call: SystemCall, args: TuneArgs) -> Result:
    """Change settings of an auth method."""
    return _tune(call, args, f"auth/{args.path}", is_auth=True)


def _read(call: SystemCall, path: str) -> dict[str, Any]:
    path = mounting.sanitized(path)
    mounted = mounting.find(call, path)
    if mounted is None:
        refuse(f"cannot fetch sysview for path {quote(path)}")
    entry, config = mounted.entry, mounted.entry.config
    data: dict[str, Any] = {
        "description": entry.description,
        "default_lease_ttl": mounted.mount.bounds.default_ttl,
        "max_lease_ttl": mounted.mount.bounds.max_ttl,
        "force_no_cache": config.force_no_cache,
        **mounting.set_lists(config),
    }
    if entry.external_entropy_access:
        data["external_entropy_access"] = True
    if entry.table == "auth":
        data["token_type"] = config.token_type or "default-service"
    if config.listing_visibility:
        data["listing_visibility"] = config.listing_visibility
    if config.identity_token_key:
        data["identity_token_key"] = config.identity_token_key
    if config.lockout is not None:
        data |= mounting.lockout(config)
    if entry.options:
        data["options"] = entry.options
    if entry.plugin_version:
        data["plugin_version"] = entry.plugin_version
    return data


class _Upgrade(NamedTuple):
    """A kv store that is to keep versions from now on."""

    old: int
    new: int


def _tune(call: SystemCall, args: TuneArgs, path: str, *, is_auth: bool) -> Result:
    path = mounting.sanitized(path)
    untunable = path.startswith(_UNTUNABLE)
    if untunable:
        for name in sorted(call.given - _ALWAYS_TUNABLE):
            refuse(f"cannot tune parameter {name} of {path}")
    mounted = mounting.find(call, path)
    if mounted is None:
        refuse(f"tune of path {quote(path)} failed: no mount entry found")
    entry = mounted.entry
    config = entry.config if untunable else _timed(mounted, args)
    if "description" in call.given:
        entry = msgspec.structs.replace(entry, description=args.description)
    if "plugin_version" in call.given:
        entry = msgspec.structs.replace(entry, plugin_version=_version(call, entry, args.plugin_version))
    config = _listed(call, config, args)
    if "token_type" in call.given:
        config = msgspec.structs.replace(config, token_type=_token_type(entry, args.token_type, is_auth=is_auth))
    upgrade = _upgrade(entry, args) if "options" in call.given and args.options else None
    if args.options:
        entry = msgspec.structs.replace(entry, options=_options(entry, args.options))
    changed = call.world.mounts.change(mounted.namespace, msgspec.structs.replace(entry, config=config))
    if upgrade is None:
        return None
    mounting.initialize(call.world, call.request, changed)
    # OpenBao says 0 for the new version, whatever it is.
    new = 0 if call.profile == "openbao" else upgrade.new
    call.warn(
        f"Upgrading mount from version {upgrade.old} to version {new}. This mount will be unavailable for a brief "
        "period and will resume service shortly."
    )
    return Response()


def _timed(mounted: Mounted, args: TuneArgs) -> MountConfig:
    """The settings with the lease times and the lockout that the client sent."""
    config = mounted.entry.config
    default = _lease_time(args.default_lease_ttl, config.default_lease_ttl)
    highest = _lease_time(args.max_lease_ttl, config.max_lease_ttl)
    changed = (default, highest) != (config.default_lease_ttl, config.max_lease_ttl)
    if changed and default and highest and highest < default:
        refuse(f"backend max lease TTL of {highest} would be less than backend default lease TTL of {default}")
    lockout = _lockout(mounted, args.user_lockout_config) if args.user_lockout_config else config.lockout
    return msgspec.structs.replace(config, default_lease_ttl=default, max_lease_ttl=highest, lockout=lockout)


def _lease_time(text: str, current: int) -> int:
    if text == "":
        return current
    return 0 if text == "system" else _seconds(text)


def _seconds(text: str) -> int:
    try:
        return parse_seconds(text)
    except ValueError as error:
        refuse(str(error))


def _lockout(mounted: Mounted, raw: Mapping[str, Any]) -> LockoutConfig:
    try:
        sent = strict_object(raw, _LOCKOUT)
    except TypeError:
        refuse("unable to convert given user lockout config information")
    kind = mounted.entry.type
    if kind.lower() not in _LOCKABLE:
        refuse(f"tuning of user lockout configuration for auth type {quote(kind)} not allowed")
    changes: dict[str, Any] = {}
    threshold = sent.get("lockout_threshold")
    if threshold:
        changes["threshold"] = _unsigned(threshold) or None
    for name, attribute in (("lockout_duration", "duration"), ("lockout_counter_reset_duration", "counter_reset")):
        text = sent.get(name)
        if text:
            changes[attribute] = None if text == "system" else _seconds(text) or None
    if sent.get("lockout_disable") is not None:
        changes["disable"] = sent["lockout_disable"]
    return msgspec.structs.replace(mounted.entry.config.lockout or LockoutConfig(), **changes)


def _unsigned(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        refuse(f"unable to parse user lockout threshold: strconv.ParseUint: parsing {quote(text)}: invalid syntax")
    if int(text) >= _UNSIGNED_LIMIT:
        refuse(f"unable to parse user lockout threshold: strconv.ParseUint: parsing {quote(text)}: value out of range")
    return int(text)


def _version(call: SystemCall, entry: MountEntry, text: str) -> str:
    version = mounting.canonical_version(text)
    if version != mounting.running_version(call.world, entry.table, entry.type):
        refuse(f"plugin not found in the catalog: {entry.type}, version={version}")
    return version


def _listed(call: SystemCall, config: MountConfig, args: TuneArgs) -> MountConfig:
    names = (*_LISTS, *_VAULT_LISTS) if call.profile == "vault" else _LISTS
    changes: dict[str, Any] = {name: getattr(args, name) for name in names if name in call.given}
    if "listing_visibility" in call.given:
        mounting.check_visibility(args.listing_visibility)
        changes["listing_visibility"] = args.listing_visibility
    if call.profile == "vault" and "identity_token_key" in call.given:
        changes["identity_token_key"] = args.identity_token_key
    return msgspec.structs.replace(config, **changes)


def _token_type(entry: MountEntry, text: str, *, is_auth: bool) -> str:
    if not is_auth:
        refuse("'token_type' can only be modified on auth mounts")
    if entry.type in ("token", "ns_token"):
        refuse("'token_type' cannot be set for 'token' or 'ns_token' auth mounts")
    return mounting.TOKEN_TYPES.get(text) or refuse("invalid value for 'token_type'")


def _upgrade(entry: MountEntry, args: TuneArgs) -> _Upgrade | None:
    """The upgrade that the options ask for, or None. Raises Refusal for a version that can't be."""
    if "version" not in args.options:
        return None
    old = _integer((entry.options or {}).get("version", ""), "unable to parse mount entry")
    new = _integer(args.options["version"], "unable to parse options")
    if new not in (1, 2):
        refuse(f"invalid version provided: {new}")
    if old > new:
        refuse(f"cannot downgrade mount from version {old}")
    return _Upgrade(old, new) if old < new else None


def _integer(text: str, what: str) -> int:
    if not text:
        return 0
    try:
        return int(text)
    except ValueError:
        refuse(f"{what}: strconv.ParseInt: parsing {quote(text)}: invalid syntax")


def _options(entry: MountEntry, changes: Mapping[str, str]) -> dict[str, str]:
    options = dict(entry.options or {})
    for name, value in changes.items():
        if value == "" and name != "version":
            options.pop(name, None)
        else:
            options[name] = value
    return options
