"""`sys/leader`, `sys/step-down`: which node of a cluster is the active one."""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from sandboxd.sys.direct import Answer, DirectHandler, refuse_method
from sandboxd.sys.seal import CLOSED, not_routed
from sandboxd.vault import pipeline
from sandboxd.vault.durations import ZERO_TIME, rfc3339
from sandboxd.vault.errors import Refusal, Sealed, listed
from sandboxd.vault.framework.backend import Path, Response, Result
from sandboxd.vault.framework.fields import NoArgs
from sandboxd.vault.nodes import Node, condition_of
from sandboxd.vault.request import Request
from sandboxd.vault.system import SystemCall
from sandboxd.vault.world import World


class OpenBaoLeader(msgspec.Struct, kw_only=True):
    """OpenBao's answer to `sys/leader`."""

    ha_enabled: bool = False
    is_self: bool | UnsetType = UNSET
    active_time: str | UnsetType = UNSET
    leader_address: str | UnsetType = UNSET
    leader_cluster_address: str | UnsetType = UNSET
    raft_committed_index: int | UnsetType = UNSET
    raft_applied_index: int | UnsetType = UNSET


class VaultLeader(msgspec.Struct, kw_only=True):
    """Vault's answer to `sys/leader`. From Vault's documentation."""

    ha_enabled: bool = False
    is_self: bool = False
    active_time: str = ZERO_TIME
    leader_address: str = ""
    leader_cluster_address: str = ""
    performance_standby: bool = False
    performance_standby_last_remote_wal: int = 0
    raft_committed_index: int | UnsetType = UNSET
    raft_applied_index: int | UnsetType = UNSET


def leader(world: World, node: Node | None) -> OpenBaoLeader | VaultLeader:
    """What `sys/leader` answers. Raises Sealed for a node of a cluster that is sealed."""
    if node is None or not node.members:
        return VaultLeader() if world.profile == "vault" else OpenBaoLeader()
    condition = condition_of(world, node)
    if condition in CLOSED:
        raise Sealed
    found = node.leader
    active = condition == "active"
    if world.profile == "openbao":
        return OpenBaoLeader(
            ha_enabled=True,
            is_self=active,
            active_time=rfc3339(node.active_since) if active else UNSET,
            leader_address=UNSET if found is None else found.address,
            leader_cluster_address=UNSET if found is None else found.cluster_address,
            raft_committed_index=node.index,
            raft_applied_index=node.index,
        )
    return VaultLeader(
        ha_enabled=True,
        is_self=active,
        active_time=rfc3339(node.active_since) if active else ZERO_TIME,
        leader_address="" if found is None else found.address,
        leader_cluster_address="" if found is None else found.cluster_address,
        performance_standby=condition == "perfstandby",
        raft_committed_index=node.index,
        raft_applied_index=node.index,
    )


def _leader(world: World, request: Request) -> Answer:
    if request.operation != "read":
        raise refuse_method()
    return 200, leader(world, request.node)


async def _step_down(world: World, request: Request) -> Answer:
    if request.operation != "update":
        raise refuse_method()
    node = request.node
    if node is None or not node.members:
        return 204, None  # there is nothing to step down from, and no token is looked at
    if pipeline.identify(world, request) is None:
        raise Refusal("permission denied", status=403)
    bearer = pipeline.authenticate(world, request)
    decision = bearer.acl.check("update", request.path, request.data, None)
    if not decision.allowed or not decision.sudo:
        raise Refusal(listed(("permission denied",)), status=403)
    if bearer.token.used_up:
        await world.leases.revoke_tree(bearer.token)
    if world.peers is not None:
        world.peers.step_down()
    return 204, None


DIRECT: dict[str, DirectHandler] = {"sys/leader": _leader, "sys/step-down": _step_down}


def _read_leader(call: SystemCall, _args: NoArgs) -> Result:
    return Response(data=leader(call.world, call.request.node), bare=True)


PATHS: tuple[Path[Any, Any], ...] = (
    Path("leader", NoArgs, "Tell about high availability.", read=_read_leader, login=True),
    Path("step-down", NoArgs, "Give up being the active node.", write=not_routed),
)
