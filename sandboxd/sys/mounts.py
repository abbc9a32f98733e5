"""`sys/mounts`: mounting, showing and unmounting secrets engines."""

from dataclasses import replace
from typing import Any

from sandboxd.sys import mounting, remounting, tuning
from sandboxd.sys.mounting import MountArgs, PathArgs
from sandboxd.vault.errors import refuse
from sandboxd.vault.framework.backend import Path, Result
from sandboxd.vault.framework.fields import NoArgs
from sandboxd.vault.gotext import quote
from sandboxd.vault.system import SystemCall

PROTECTED = ("audit/", "auth/", "sys/", "cubbyhole/", "identity/")
SINGLETONS = (
    "cubbyhole",
    "ns_cubbyhole",
    "system",
    "ns_system",
    "token",
    "ns_token",
    "identity",
    "ns_identity",
)
_KV_VERSIONS = {"kv-v1": "1", "kv-v2": "2"}


def list_mounts(call: SystemCall, _args: NoArgs) -> Result:
    """All secrets engines of the namespace."""
    found = call.world.mounts.list(call.namespace, "mounts")
    return {mounted.entry.path: mounting.mount_info(call.world, mounted) for mounted in found}


def read_mount(call: SystemCall, args: PathArgs) -> Result:
    """The mount that answers for a path, of either table."""
    path = mounting.sanitized(args.path)
    found = mounting.find(call, path)
    if found is None:
        refuse(f"No secret engine mount at {path}")
    return mounting.mount_info(call.world, found)


def mount(call: SystemCall, args: MountArgs) -> None:
    """Mount a secrets engine."""
    sent = mounting.settings(call.profile, args.config, "mount")
    default, highest = mounting.lease_times(sent, call.world.mounts.bounds.max_ttl)
    kind = mounting.kind_of(args, sent)
    if kind in _KV_VERSIONS:
        args = replace(args, options={**args.options, "version": _KV_VERSIONS[kind]})
        kind = "kv"
    elif kind != "kv" and args.options.get("version"):
        refuse(f"secrets engine {quote(kind)} does not allow setting a version")
    version = mounting.wanted_version(call, "mounts", kind, sent.plugin_version)
    mounting.check_visibility(sent.listing_visibility)
    path = mounting.sanitized(args.path)
    if path.startswith(PROTECTED):
        refuse(f"cannot mount {quote(path)}")
    if kind in SINGLETONS:
        refuse(f"mount type of {quote(kind)} is not mountable")
    mounting.install(call, "mounts", kind, args, mounting.config_of(sent, default, highest), version)


async def unmount(call: SystemCall, args: PathArgs) -> None:
    """Unmount a secrets engine, if there is one at just that path."""
    path = mounting.sanitized(args.path)
    mounted = mounting.find(call, path)
    if mounted is None or mounted.namespace.path + mounted.mount.path != call.namespace.path + path:
        return
    if path.startswith(PROTECTED):
        refuse(f"cannot unmount {quote(path)}")
    if mounted.namespace.id != call.namespace.id:
        refuse("failed to taint entry in mounts table")  # the real server looks for it in this namespace's table
    await mounting.uninstall(call, mounted)


PATHS: tuple[Path[Any, Any], ...] = (
    Path("mounts", NoArgs, "List the secrets engines.", read=list_mounts),
    Path(
        "mounts/{path}",
        MountArgs,
        "Mount, show or unmount a secrets engine.",
        read=read_mount,
        write=mount,
        delete=unmount,
    ),
    Path(
        "mounts/{path}/tune",
        tuning.TuneArgs,
        "Show or change the settings of a mount.",
        read=tuning.read_mount,
        write=tuning.tune_mount,
    ),
    *remounting.PATHS,
)
