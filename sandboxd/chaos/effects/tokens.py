"""Tokens and leases that end before their time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandboxd.chaos.effects.aims import meant, namespaces, tokens
from sandboxd.vault.clock import NANOSECONDS
from sandboxd.vault.durations import parse_nanoseconds

if TYPE_CHECKING:
    from sandboxd.chaos.kinds import state
    from sandboxd.chaos.run import Chaos


async def revoke(chaos: Chaos, fault: state.TokensRevoked) -> int:
    """Revoke tokens, with their children and leases."""
    world, count = chaos.world, 0
    for token in tokens(world, fault):
        if world.tokens.by_hash(token.hash) is not None:  # it may have gone with its parent
            await world.leases.revoke_tree(token)
            count += 1
    return count


async def shorten(chaos: Chaos, fault: state.TokensShortened) -> int:
    """Have tokens end soon."""
    world, count = chaos.world, 0
    ttl = max(parse_nanoseconds(fault.ttl) // NANOSECONDS, 1)
    end = world.clock.now_ns() + ttl * NANOSECONDS
    for token in tokens(world, fault):
        entry = world.leases.of_token(token)
        if entry is not None and (not entry.expire_time or entry.expire_time > end):
            world.leases.renew(entry, ttl=ttl, auth=entry.auth)
            count += 1
    return count


async def revoke_leases(chaos: Chaos, fault: state.LeasesRevoked) -> int:
    """Revoke leases of secrets."""
    world, count = chaos.world, 0
    for namespace in namespaces(world, fault):
        for lease_id in world.leases.walk("", namespace.id):
            entry = world.leases.get(lease_id)
            if entry is not None and entry.secret is not None and meant(fault, namespace, entry.path, lease_id):
                await world.leases.revoke(entry)
                count += 1
    return count
