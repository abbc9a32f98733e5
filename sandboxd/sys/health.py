"""`sys/health`: what load balancers and monitors ask a node."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from sandboxd.sys.direct import Answer, DirectHandler, refuse_method
from sandboxd.sys.seal import CLOSED, cluster, not_routed
from sandboxd.vault.errors import VaultError
from sandboxd.vault.framework.backend import Path
from sandboxd.vault.framework.fields import NoArgs
from sandboxd.vault.nodes import Condition, condition_of
from sandboxd.vault.request import Request
from sandboxd.vault.world import World

_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"", "0", "f", "F", "FALSE", "false", "False"})
CUT_OFF = 30_000
"""Milliseconds since the last heartbeat that a standby tells of when it does not reach the active node."""

# What decides on the status, by condition: the parameter that changes it, and the status without.
_CODES: Mapping[Condition, tuple[str, int]] = {
    "active": ("activecode", 200),
    "standby": ("standbycode", 429),
    "leaderless": ("standbycode", 429),
    "unreachable": ("standbycode", 429),
    "perfstandby": ("standbycode", 429),
    "dr": ("standbycode", 429),
    "sealed": ("sealedcode", 503),
    "removed": ("sealedcode", 503),
    "uninitialized": ("uninitcode", 501),
}
# From Vault's documentation.
_VAULT_CODES: Mapping[Condition, tuple[str, int]] = {
    **_CODES,
    "dr": ("drsecondarycode", 472),
    "perfstandby": ("performancestandbycode", 473),
    "unreachable": ("haunhealthycode", 474),
    "removed": ("removedcode", 530),
}


class OpenBaoHealth(msgspec.Struct, kw_only=True):
    """OpenBao's answer to `sys/health`."""

    initialized: bool
    sealed: bool
    standby: bool
    replication_performance_mode: str
    replication_dr_mode: str
    server_time_utc: int
    version: str
    cluster_name: str | UnsetType = UNSET
    cluster_id: str | UnsetType = UNSET


class VaultHealth(msgspec.Struct, kw_only=True):
    """Vault's answer to `sys/health`. From Vault's documentation and its Go client."""

    initialized: bool
    sealed: bool
    standby: bool
    performance_standby: bool = False
    replication_performance_mode: str
    replication_dr_mode: str
    server_time_utc: int
    version: str
    enterprise: bool = False
    cluster_name: str | UnsetType = UNSET
    cluster_id: str | UnsetType = UNSET
    echo_duration_ms: int = 0
    clock_skew_ms: int = 0
    replication_primary_canary_age_ms: int = 0
    removed_from_cluster: bool | UnsetType = UNSET
    ha_connection_healthy: bool | UnsetType = UNSET
    last_request_forwarding_heartbeat_ms: int | UnsetType = UNSET


def _health(world: World, request: Request) -> Answer:
    if request.operation not in ("read", "header"):
        raise refuse_method()
    query = request.data
    allowed = {name: _first(query, name) for name in ("standbyok", "perfstandbyok")}
    if allowed["standbyok"] not in _TRUE | _FALSE:
        raise VaultError(status=400)
    condition = condition_of(world, request.node)
    codes = _VAULT_CODES if world.profile == "vault" else _CODES
    # Each is read, so that one that is no status is refused whatever the condition.
    found = {name: _code(query, name, code) for name, code in sorted(codes.values())}
    name = codes[condition][0]
    if name == "standbycode" and allowed["standbyok"] in _TRUE:
        name = "activecode"
    if name == "performancestandbycode" and allowed["perfstandbyok"] in _TRUE:
        name = "activecode"
    return found[name], _shown(world, request, condition)


def _shown(world: World, request: Request, condition: Condition) -> OpenBaoHealth | VaultHealth:
    node = request.node
    cluster_name, cluster_id = cluster(world, node) or (UNSET, UNSET)
    closed = condition in CLOSED
    standby = condition != "active"
    performance = dr = "unknown" if closed else "disabled"
    now = int(world.clock.now())
    if world.profile == "openbao":
        if node is not None and node.members and not closed:
            # As OpenBao's nodes with raft storage call it, when they know of a leader.
            performance = "primary" if node.leader is not None else "unknown"
            dr = "disabled" if node.leader is not None else "unknown"
        return OpenBaoHealth(
            initialized=condition != "uninitialized",
            sealed=closed,
            standby=standby,
            replication_performance_mode=performance,
            replication_dr_mode=dr,
            server_time_utc=now,
            version=world.settings.version,
            cluster_name=cluster_name,
            cluster_id=cluster_id,
        )
    ha: bool | UnsetType = UNSET
    if node is not None and standby and not closed:
        ha = condition not in ("unreachable", "leaderless")
    return VaultHealth(
        initialized=condition != "uninitialized",
        sealed=closed,
        standby=standby,
        performance_standby=condition == "perfstandby",
        replication_performance_mode=performance,
        replication_dr_mode="secondary" if condition == "dr" else dr,
        server_time_utc=now,
        version=world.settings.version,
        enterprise=condition in ("perfstandby", "dr"),
        cluster_name=cluster_name,
        cluster_id=cluster_id,
        removed_from_cluster=condition == "removed" if node is not None and node.members else UNSET,
        ha_connection_healthy=ha,
        last_request_forwarding_heartbeat_ms=CUT_OFF if ha is False else UNSET,
    )


def _first(query: Mapping[str, Any], name: str) -> str:
    value = query.get(name, "")
    return str(value[0] if isinstance(value, list | tuple) else value)


def _code(query: Mapping[str, Any], name: str, default: int) -> int:
    """A status that the client wants. Raises VaultError (400, no text) for what is no status.

    The real server closes the connection when the number has not three digits; that is answered as a bad number here.
    """
    if name not in query:
        return default
    text = _first(query, name)
    if not re.fullmatch(r"[+]?[0-9]+", text, re.ASCII) or not 100 <= int(text[-20:]) <= 999:
        raise VaultError(status=400)
    return max(int(text), 200)  # below it, Go sends the status ahead and 200 with the body


DIRECT: dict[str, DirectHandler] = {"sys/health": _health}

PATHS: tuple[Path[Any, Any], ...] = (
    Path("health", NoArgs, "Tell whether the server is initialised, sealed, active.", read=not_routed, login=True),
)
