"""What engines made in upstreams on this machine, when the state that knows of it goes away."""

from __future__ import annotations

from inspect import isawaitable
from typing import TYPE_CHECKING

from sandboxd.vault.errors import VaultError
from sandboxd.vault.framework.loopback import is_live
from sandboxd.vault.lease_entry import lease_path
from sandboxd.vault.request import Request
from sandboxd.vault.storage import Snapshot, Storage, View
from sandboxd.vault.waiting import waited

if TYPE_CHECKING:
    from sandboxd.vault.mounts import Mounted
    from sandboxd.vault.world import World


async def let_go(world: World, kept: Snapshot | None = None) -> None:
    """Have engines undo what they made in upstreams, less what is in the state that is `kept`.

    Where that state takes an upstream to be another than it is now, engines bring it there. What cannot be done is told
    of as an event.
    """
    mounts = [mounted for namespace in world.namespaces for mounted in world.mounts.list(namespace, "mounts")]
    live = [mounted for mounted in mounts if is_live(mounted.mount.options, sandbox=world.settings.live)]
    for mounted in live:
        for lease_id in world.leases.walk(mounted.mount.path, mounted.namespace.id):
            entry = world.leases.get(lease_id)
            if entry is not None and (kept is None or lease_path(lease_id) not in kept.values):
                await world.leases.revoke_later(entry)
    if kept is not None and any(mounted.backend.going_back for mounted in live):
        then = Storage()
        then.restore(kept)
        for mounted in live:
            await _bring_back(world, mounted, then)


async def _bring_back(world: World, mounted: Mounted, then: Storage) -> None:
    if mounted.backend.going_back is None:
        return
    request = Request(id=world.entropy.uuid(), operation="timer", path=mounted.mount.path, data={})
    past = View(then, f"mount/{mounted.entry.uuid}/")
    try:
        work = mounted.backend.going_back(world.call(request, mounted, ""), past)
        if isawaitable(work):
            await waited(work)
    except VaultError as error:
        reason = "; ".join(error.errors)
        world.events.tell("state.upstream_failed", mounted.mount.path, namespace=mounted.namespace.path, reason=reason)
