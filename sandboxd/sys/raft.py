"""`sys/storage/raft/*`: who is in a cluster with integrated storage, and what its autopilot holds of them.

A single server has other storage, and none of these paths; `join` and `bootstrap`, which every server has, are in
`joining`. There is no log here, so there are no snapshots of it either, and nodes that join show no proof.

OpenBao's answers were captured from a cluster of three; Vault's are from its documentation.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from sandboxd.sys import backend
from sandboxd.vault.clock import NANOSECONDS
from sandboxd.vault.durations import format_duration, format_nanoseconds, rfc3339
from sandboxd.vault.errors import Failure, Refusal, refuse
from sandboxd.vault.framework.backend import Path, Result
from sandboxd.vault.framework.fields import Duration, NoArgs, param
from sandboxd.vault.nodes import Member, Node, Peers
from sandboxd.vault.system import SystemCall

ECHO = 5 * NANOSECONDS
"""How often a standby tells the leader that it is there."""
UNSIGNED = 1 << 64
"""Numbers below zero wrap around, as Go's unsigned ones do."""


@dataclass(frozen=True, kw_only=True)
class ServerArgs:
    """Which node is meant."""

    server_id: str = param("", "The node's name.")


@dataclass(frozen=True, kw_only=True)
class AutopilotArgs:
    """When a node counts as healthy, as dead, as one that votes."""

    cleanup_dead_servers: bool = param(False, "Whether to remove nodes that are dead.")
    last_contact_threshold: Duration = param(0, "How long a healthy node may be without the leader.")
    dead_server_last_contact_threshold: Duration = param(
        0, "How long a node may be without the leader until it is dead."
    )
    max_trailing_logs: int = param(0, "How many entries a healthy node may be behind.")
    min_quorum: int = param(0, "How many nodes are kept, dead or not.")
    server_stabilization_time: Duration = param(0, "How long a node has to be healthy before it votes.")
    disable_upgrade_migration: bool = param(False, "Whether to do without automated upgrades.")


class Autopilot(msgspec.Struct, frozen=True, kw_only=True):
    """How the autopilot is set. Times are in seconds."""

    cleanup_dead_servers: bool = False
    dead_server_last_contact_threshold: int = 24 * 3600
    last_contact_threshold: int = 10
    max_trailing_logs: int = 1000
    min_quorum: int = 0
    server_stabilization_time: int = 10
    disable_upgrade_migration: bool = False


class Server(msgspec.Struct, kw_only=True):
    """A node, as the configuration has it."""

    node_id: str
    address: str
    leader: bool
    protocol_version: str = "3"
    voter: bool


class Configuration(msgspec.Struct, kw_only=True):
    """Who is in the cluster."""

    servers: list[Server]
    index: int = 0


class ServerState(msgspec.Struct, kw_only=True):
    """A node, as the autopilot sees it."""

    id: str
    name: str
    address: str
    node_status: str = "alive"
    last_contact: str
    last_term: int
    last_index: int
    healthy: bool
    stable_since: str
    status: str
    version: str
    node_type: str


AUTOPILOT = "core/raft/autopilot/configuration"


def _here(call: SystemCall) -> tuple[Node, Peers]:
    """The node that was asked, and the cluster. Raises Refusal where there is none: in a world beside the main one."""
    node, peers = call.request.node, call.world.peers
    if node is None or peers is None:
        raise Refusal("raft storage is not in use")
    return node, peers


def _leads(node: Node, member: Member) -> bool:
    return node.leader is not None and node.leader.name == member.name


def read_configuration(call: SystemCall, _args: NoArgs) -> Result:
    """Who is in the cluster."""
    node, _ = _here(call)
    servers = [
        Server(
            node_id=each.name,
            address=each.cluster_address.partition("://")[2],
            leader=_leads(node, each),
            voter=each.voter or _leads(node, each),
        )
        for each in node.members
    ]
    return {"config": Configuration(servers=servers)}


def _named(args: ServerArgs) -> str:
    return args.server_id or refuse("no server id provided")


def remove_peer(call: SystemCall, args: ServerArgs) -> None:
    """Take a node out of the cluster; nothing happens for one that is not in it."""
    name = _named(args)
    node, peers = _here(call)
    if any(each.name == name for each in node.members):
        peers.remove(name)


def _voting(*, wanted: bool) -> Callable[[SystemCall, ServerArgs], None]:
    def handler(call: SystemCall, args: ServerArgs) -> None:
        name = _named(args)
        node, peers = _here(call)
        found = next((each for each in node.members if each.name == name), None)
        if found is None:
            raise Failure(f"server {name} not found in raft configuration")
        if found.voter == wanted:
            raise Failure("server is not a non-voter" if wanted else "server is already a non-voter")
        peers.vote(name, wanted=wanted)

    return handler


def read_state(call: SystemCall, _args: NoArgs) -> Result:
    """What the autopilot holds of each node."""
    node, peers = _here(call)
    now = call.clock.now_ns()
    version = call.world.settings.version
    servers: dict[str, ServerState] = {}
    voters = [each for each in node.members if each.voter or _leads(node, each)]
    for each in sorted(node.members, key=lambda member: member.name):
        leads = _leads(node, each)
        servers[each.name] = ServerState(
            id=each.name,
            name=each.name,
            address=each.cluster_address.partition("://")[2],
            last_contact="0s" if leads else format_nanoseconds((now - each.since) % ECHO),
            last_term=peers.terms,
            last_index=node.index,
            healthy=each.alive,
            stable_since=rfc3339(each.since),
            status="leader" if leads else "voter" if each.voter else "non-voter",
            version=version,
            node_type="voter" if each.voter else "non-voter",
        )
    healthy = sum(1 for each in voters if each.alive)
    others = [name for name, server in servers.items() if server.node_type == "non-voter"]
    return {
        "failure_tolerance": max(healthy - (len(voters) // 2 + 1), 0),
        "healthy": all(each.alive for each in node.members),
        "leader": "" if node.leader is None else node.leader.name,
        **({"non_voters": others} if others else {}),
        "servers": servers,
        "voters": sorted(each.name for each in voters),
    }


def _autopilot(call: SystemCall) -> Autopilot:
    found = call.world.storage.get(AUTOPILOT)
    return found if isinstance(found, Autopilot) else Autopilot()


def read_autopilot(call: SystemCall, _args: AutopilotArgs) -> Result:
    """How the autopilot is set."""
    _here(call)
    found = _autopilot(call)
    shown: dict[str, Any] = {
        "cleanup_dead_servers": found.cleanup_dead_servers,
        "dead_server_last_contact_threshold": format_duration(found.dead_server_last_contact_threshold),
        "last_contact_threshold": format_duration(found.last_contact_threshold),
        "max_trailing_logs": found.max_trailing_logs,
        "min_quorum": found.min_quorum,
        "server_stabilization_time": format_duration(found.server_stabilization_time),
    }
    if call.profile == "vault":
        shown["disable_upgrade_migration"] = found.disable_upgrade_migration
    return shown


def write_autopilot(call: SystemCall, args: AutopilotArgs) -> None:
    """Set the autopilot. Numbers and times of 0 leave what was there."""
    _here(call)
    known = Autopilot.__struct_fields__
    changes = {name: getattr(args, name) for name in known if name in call.given and getattr(args, name)}
    for name in ("cleanup_dead_servers", "disable_upgrade_migration"):
        if name in call.given:
            changes[name] = getattr(args, name)
    for name in ("max_trailing_logs", "min_quorum"):
        if name in changes:
            changes[name] %= UNSIGNED
    found = msgspec.structs.replace(_autopilot(call), **changes)
    if found.cleanup_dead_servers and found.min_quorum < 3:
        refuse(
            "min_quorum must be set when cleanup_dead_servers is set and it should at least be 3; "
            f"cleanup_dead_servers: true, min_quorum: {found.min_quorum:#x}"
        )
    if found.cleanup_dead_servers and found.dead_server_last_contact_threshold < 60:
        name = "dead_server_last_contact_threshold"
        received = getattr(args, name) if name in call.given else 0
        refuse(f"{name} should not be set to less than 1m; received: {received}")
    call.world.storage.put(AUTOPILOT, found)


PATHS: tuple[Path[Any, Any], ...] = (
    Path(
        "storage/raft/autopilot/configuration",
        AutopilotArgs,
        "Read or set the autopilot.",
        read=read_autopilot,
        write=write_autopilot,
    ),
    Path("storage/raft/autopilot/state", NoArgs, "Read what the autopilot holds of each node.", read=read_state),
    Path("storage/raft/configuration", NoArgs, "Read who is in the cluster.", read=read_configuration),
    Path("storage/raft/demote", ServerArgs, "Have a node vote no longer.", write=_voting(wanted=False)),
    Path("storage/raft/promote", ServerArgs, "Have a node vote.", write=_voting(wanted=True)),
    Path("storage/raft/remove-peer", ServerArgs, "Take a node out of the cluster.", write=remove_peer),
)

BACKEND = replace(backend.BACKEND, paths=(*backend.BACKEND.paths, *PATHS))
"""The system backend of a node of a cluster."""
