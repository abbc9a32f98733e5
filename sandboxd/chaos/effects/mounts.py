"""Mounts that are gone, or elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandboxd.chaos.effects.aims import meant, mounts
from sandboxd.vault.errors import refuse
from sandboxd.vault.inside import inside

if TYPE_CHECKING:
    from sandboxd.chaos.kinds import state
    from sandboxd.chaos.run import Chaos
    from sandboxd.vault.mounts import Mounted

FIXED = frozenset(("system", "identity", "cubbyhole", "token", "ns_system", "ns_identity", "ns_cubbyhole", "ns_token"))
"""Types of mounts that cannot be disabled or moved."""


def _meant(chaos: Chaos, fault: state.MountGone | state.MountMoved) -> list[Mounted]:
    if not fault.path and not fault.mount_type:
        refuse("say which mounts: path=secret, path=auth/approle, or mount_type=database")
    return [
        mounted
        for mounted in mounts(chaos.world, fault)
        if mounted.entry.type not in FIXED and meant(fault, mounted.namespace, mounted.mount.path)
    ]


async def disable(chaos: Chaos, fault: state.MountGone) -> int:
    """Disable mounts, with all that is in them and was issued by them."""
    found = _meant(chaos, fault)
    async with inside(chaos.world, "chaos") as requests:
        for mounted in found:
            path = mounted.mount.path.rstrip("/")
            where = f"sys/{path}" if path.startswith("auth/") else f"sys/mounts/{path}"
            await requests.delete(mounted.namespace.path, where)
    return len(found)


async def move(chaos: Chaos, fault: state.MountMoved) -> int:
    """Move mounts to another path."""
    found = _meant(chaos, fault)
    if fault.to and len(found) > 1:
        refuse(f"{len(found)} mounts cannot all be moved to {fault.to}; leave `to` out, or aim at one of them")
    async with inside(chaos.world, "chaos") as requests:
        for mounted in found:
            source = mounted.mount.path.rstrip("/")
            await requests.write(
                mounted.namespace.path, "sys/remount", {"from": source, "to": fault.to.strip("/") or f"{source}-moved"}
            )
    return len(found)
