"""Faults that give the node which got a request another condition: sealed, a standby, without a leader, …

Where there is a single server, it is taken for one of a cluster whose leader answers at the same address.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from sandboxd.chaos.kinds import vault
from sandboxd.edge.nodes import cluster_address
from sandboxd.vault.nodes import Condition, Member, Node
from sandboxd.vault.seal import Seal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sandboxd.chaos.model import Fault
    from sandboxd.chaos.rules import Active
    from sandboxd.chaos.run import Chaos
    from sandboxd.edge.messages import Answer
    from sandboxd.edge.struck import Case

LONE = "node-1"
LEADER = "node-2"
"""What the leader is called that a single server is a standby of."""


async def _as(condition: Condition, case: Case, **changes: Any) -> Answer:
    """Answer as a node of that condition."""
    node = case.incoming.node
    if node is None:
        address = case.app.world.address
        leader = Member(name=LEADER, address=address, cluster_address=cluster_address(address))
        own = Member(name=LONE, address=address, cluster_address=leader.cluster_address)
        closed = condition == "uninitialized"
        node = Node(
            name=LONE,
            condition=condition,
            address=address,
            cluster_address=own.cluster_address,
            leader=None if closed else leader,
            members=() if closed else (own, leader),
            index=len(case.app.world.storage),
        )
    return await case.served(node=replace(node, condition=condition, **changes))


class _Shut:
    """The seal of a node that a fault has sealed. Shares of the real key open it, which ends the fault."""

    def __init__(self, chaos: Chaos, active: Active) -> None:
        self.seal = Seal(chaos.world.storage, chaos.world.entropy)
        self.seal.on_open = partial(chaos.lift, active)

    def close(self) -> None:
        """The fault has ended: there is nothing to let go of."""


async def _sealed(case: Case) -> Answer:
    active = case.strike.active
    shut = case.chaos.lasting.keep(active.id, lambda: _Shut(case.chaos, active))
    return await _as("active", case, leader=None, members=(), seal=shut.seal)


async def _standby(case: Case) -> Answer:
    return await _as("standby", case, forwards=case.fault.answers == "forward")


async def _leaderless(case: Case) -> Answer:
    return await _as("leaderless", case, leader=None)


async def _cut_off(case: Case) -> Answer:
    if case.app.world.profile == "openbao":  # which knows no such condition: its standby just loses sight of the leader
        return await _leaderless(case)
    return await _as("unreachable", case)


ACTS: Mapping[type[Fault], Callable[[Case], Awaitable[Answer]]] = {
    vault.Sealed: _sealed,
    vault.Uninitialized: partial(_as, "uninitialized"),
    vault.Standby: _standby,
    vault.PerformanceStandby: partial(_as, "perfstandby"),
    vault.DrSecondary: partial(_as, "dr"),
    vault.StandbyCutOff: _cut_off,
    vault.NodeRemoved: partial(_as, "removed"),
    vault.Election: _leaderless,
}
