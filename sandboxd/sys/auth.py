"""`sys/auth`: enabling, showing and disabling auth methods."""

from typing import Any

from sandboxd.sys import mounting, tuning
from sandboxd.sys.mounting import MountArgs, PathArgs
from sandboxd.vault.errors import refuse
from sandboxd.vault.framework.backend import Path, Result
from sandboxd.vault.framework.fields import NoArgs
from sandboxd.vault.gotext import quote
from sandboxd.vault.system import SystemCall


def list_methods(call: SystemCall, _args: NoArgs) -> Result:
    """All auth methods of the namespace."""
    found = call.world.mounts.list(call.namespace, "auth")
    return {mounted.entry.path: mounting.mount_info(call.world, mounted) for mounted in found}


def read_method(call: SystemCall, args: PathArgs) -> Result:
    """The auth method at just that path."""
    path = mounting.sanitized(args.path)
    mounted = call.world.mounts.at(call.namespace, f"auth/{path}")
    if mounted is None:
        refuse(f"No auth engine at {path}")
    return mounting.mount_info(call.world, mounted)


def enable(call: SystemCall, args: MountArgs) -> None:
    """Enable an auth method."""
    sent = mounting.settings(call.profile, args.config, "auth")
    default, highest = mounting.lease_times(sent, call.world.mounts.bounds.max_ttl)
    token_type = mounting.TOKEN_TYPES.get(sent.token_type) or refuse("invalid value for 'token_type'")
    kind = mounting.kind_of(args, sent)
    version = mounting.wanted_version(call, "auth", kind, sent.plugin_version)
    if args.options.get("version"):
        refuse(f"auth method {quote(kind)} does not allow setting a version")
    mounting.check_visibility(sent.listing_visibility)
    if kind in ("token", "ns_token"):
        refuse("token credential backend cannot be instantiated")
    config = mounting.config_of(sent, default, highest, token_type=token_type)
    mounting.install(call, "auth", kind, args, config, version)


async def disable(call: SystemCall, args: PathArgs) -> None:
    """Disable an auth method, if there is one at just that path; its tokens are revoked."""
    path = mounting.sanitized(args.path)
    mounted = call.world.mounts.at(call.namespace, f"auth/{path}")
    if mounted is None:
        return
    if path == "token/":
        refuse("token credential backend cannot be disabled")
    await mounting.uninstall(call, mounted)


PATHS: tuple[Path[Any, Any], ...] = (
    Path("auth", NoArgs, "List the auth methods.", read=list_methods),
    Path(
        "auth/{path}",
        MountArgs,
        "Enable, show or disable an auth method.",
        read=read_method,
        write=enable,
        delete=disable,
    ),
    Path(
        "auth/{path}/tune",
        tuning.TuneArgs,
        "Show or change the settings of an auth method.",
        read=tuning.read_method,
        write=tuning.tune_method,
    ),
)
