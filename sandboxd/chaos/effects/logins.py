"""Logins that no longer work: secret IDs that are gone, users who are locked out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandboxd.chaos.effects.aims import meant, mounts
from sandboxd.chaos.facts import fits
from sandboxd.vault.inside import Requests, inside
from sandboxd.vault.lockout import THRESHOLD, enabled

if TYPE_CHECKING:
    from sandboxd.chaos.kinds import state
    from sandboxd.chaos.model import Fault
    from sandboxd.chaos.run import Chaos
    from sandboxd.vault.mounts import Mounted


async def _names(requests: Requests, mounted: Mounted, folder: str, fault: Fault) -> list[str]:
    """The roles or users of an auth method that a fault is aimed at."""
    if not meant(fault, mounted.namespace, mounted.mount.path):
        return []
    response = await requests.send("list", mounted.namespace.path, f"{mounted.mount.path}{folder}/")
    names: list[str] = [] if response is None else (response.data or {}).get("keys", [])
    return [name for name in names if not fault.role or fits(fault.role, name)]


async def destroy_secret_ids(chaos: Chaos, fault: state.SecretIdsGone) -> int:
    """Destroy the secret IDs of AppRole roles."""
    count = 0
    async with inside(chaos.world, "chaos") as requests:
        for mounted in mounts(chaos.world, fault, "approle"):
            for role in await _names(requests, mounted, "role", fault):
                base, namespace = f"{mounted.mount.path}role/{role}", mounted.namespace.path
                response = await requests.send("list", namespace, f"{base}/secret-id/")
                for accessor in [] if response is None else (response.data or {}).get("keys", []):
                    destroying = {"secret_id_accessor": accessor}
                    await requests.write(namespace, f"{base}/secret-id-accessor/destroy", destroying)
                    count += 1
    return count


async def lock_out(chaos: Chaos, fault: state.UsersLockedOut) -> int:
    """Have users fail to log in as often as it takes."""
    world, count = chaos.world, 0
    async with inside(world, "chaos") as requests:
        for kind, folder in (("approle", "role"), ("userpass", "users")):
            for mounted in mounts(world, fault, kind):
                if not enabled(mounted):
                    continue
                for name in await _names(requests, mounted, folder, fault):
                    alias: Any = name
                    if kind == "approle":
                        where = f"{mounted.mount.path}role/{name}/role-id"
                        alias = (await requests.read(mounted.namespace.path, where))["role_id"]
                    for _ in range(THRESHOLD):
                        world.lockouts.failed(mounted, alias)
                    count += 1
    return count
