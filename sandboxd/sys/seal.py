"""`sys/seal-status`, `init`, `unseal`, `seal`, `step-down`, `leader`, `health`: the state of the server itself."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from sandboxd.sys.direct import Answer, DirectHandler, body_fields, decode_share, refuse_method
from sandboxd.vault import pipeline
from sandboxd.vault.bootstrap import create_root_token, furnish
from sandboxd.vault.entropy import BASE62
from sandboxd.vault.errors import Refusal, UnsupportedOperation, VaultError, listed, refuse
from sandboxd.vault.framework.backend import Path, Response, Result
from sandboxd.vault.framework.fields import NoArgs, Strings, param
from sandboxd.vault.namespaces import ROOT
from sandboxd.vault.rekeying import check_pgp_keys, hidden
from sandboxd.vault.request import Request
from sandboxd.vault.seal import check_shares
from sandboxd.vault.system import SystemCall
from sandboxd.vault.world import World

COMMIT_DATE = "2026-10-26T20:32:27Z"  # OpenBao 2.7.2's
BUILD_DATE = "2026-10-27T08:13:11Z"  # a stand-in: Vault's documentation gives the form only
NEVER = "0001-01-01T00:00:00Z"  # how Go writes a moment that was never set

_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"", "0", "f", "F", "FALSE", "false", "False"})
_PREFIXES = {"vault": "hvs.", "openbao": "s."}


class _SealStatus(msgspec.Struct, kw_only=True):
    type: str = "shamir"
    initialized: bool
    sealed: bool
    t: int
    n: int
    progress: int
    nonce: str


class OpenBaoSealStatus(_SealStatus, kw_only=True):
    """OpenBao's answer to `sys/seal-status`."""

    recovery_seal: bool = False
    version: str
    commit_date: str = COMMIT_DATE
    migration: bool = False
    cluster_name: str | UnsetType = UNSET
    cluster_id: str | UnsetType = UNSET
    storage_type: str


class VaultSealStatus(_SealStatus, kw_only=True):
    """Vault's answer to `sys/seal-status`. From Vault's documentation."""

    version: str
    build_date: str = BUILD_DATE
    migration: bool = False
    cluster_name: str | UnsetType = UNSET
    cluster_id: str | UnsetType = UNSET
    recovery_seal: bool = False
    storage_type: str


class InitStatus(msgspec.Struct):
    """The answer to `GET sys/init`."""

    initialized: bool


class InitAnswer(msgspec.Struct):
    """The answer to `PUT sys/init`: the shares of the unseal key, shown once, and a root token."""

    keys: list[str]
    keys_base64: list[str]
    root_token: str


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
    """Vault's answer to `sys/health`. From Vault's documentation."""

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


class OpenBaoLeader(msgspec.Struct):
    """OpenBao's answer to `sys/leader` without high availability."""

    ha_enabled: bool = False


class VaultLeader(msgspec.Struct):
    """Vault's answer to `sys/leader` without high availability. From Vault's documentation."""

    ha_enabled: bool = False
    is_self: bool = False
    active_time: str = NEVER
    leader_address: str = ""
    leader_cluster_address: str = ""
    performance_standby: bool = False
    performance_standby_last_remote_wal: int = 0


def cluster(world: World) -> tuple[str, str] | None:
    """The name and id that the server shows of its cluster; None while it is sealed."""
    found = world.seal.cluster
    if found is None or world.seal.sealed:
        return None
    return world.settings.cluster_name or found.name, found.id


def seal_status(world: World) -> OpenBaoSealStatus | VaultSealStatus:
    """What `sys/seal-status` answers."""
    seal = world.seal
    name, cluster_id = cluster(world) or (UNSET, UNSET)
    kind = VaultSealStatus if world.profile == "vault" else OpenBaoSealStatus
    return kind(
        initialized=seal.initialized,
        sealed=seal.sealed,
        t=seal.threshold,
        n=seal.shares,
        progress=seal.progress,
        nonce=seal.nonce,
        version=world.settings.version,
        cluster_name=name,
        cluster_id=cluster_id,
        storage_type=world.settings.storage_type,
    )


def leader(world: World) -> OpenBaoLeader | VaultLeader:
    """What `sys/leader` answers."""
    return VaultLeader() if world.profile == "vault" else OpenBaoLeader()


def new_root_token(world: World) -> str:
    """Make a root token, and give its id, which is as long as the real server's root tokens."""
    return create_root_token(world, _PREFIXES[world.profile] + world.entropy.text(24, BASE62)).id


def hex_and_base64(shares: "tuple[bytes, ...]") -> tuple[list[str], list[str]]:
    """Shares in the two notations that they are handed out in."""
    return [share.hex() for share in shares], [base64.b64encode(share).decode() for share in shares]


def _seal_status(world: World, request: Request) -> Answer:
    if request.operation != "read":
        raise refuse_method()
    return 200, seal_status(world)


def _init(world: World, request: Request) -> Answer:
    if request.operation == "read":
        return 200, InitStatus(world.seal.initialized)
    if request.operation != "update":
        raise refuse_method()
    body = body_fields(
        world,
        request,
        "InitRequest",
        secret_shares=("secret_shares", int),
        secret_threshold=("secret_threshold", int),
        pgp_keys=("pgp_keys", list),
        recovery_shares=("recovery_shares", int),
        recovery_threshold=("recovery_threshold", int),
        recovery_pgp_keys=("recovery_pgp_keys", list),
        root_token_pgp_key=("root_token_pgp_key", str),
        **({"stored_shares": ("stored_shares", int)} if world.profile == "vault" else {}),
    )
    recovery = [name for name in ("recovery_shares", "recovery_threshold", "recovery_pgp_keys") if body[name]]
    if recovery:
        refuse(f"parameters {','.join(recovery)} not applicable to seal type shamir")
    if body.get("stored_shares"):
        refuse("parameters stored_shares not applicable to seal type shamir")  # from Vault's public source
    shares, threshold, keys = body["secret_shares"], body["secret_threshold"], tuple(body["pgp_keys"])
    token_key = body["root_token_pgp_key"]
    try:
        check_shares(shares, threshold)
        check_pgp_keys(keys, shares)
    except ValueError as error:
        refuse(f"invalid seal configuration: {error}")
    if world.seal.initialized:
        refuse("Vault is already initialized")
    if token_key:
        try:
            check_pgp_keys((token_key,), 1)
        except ValueError as error:
            refuse(str(error))
    parts = world.seal.initialize(shares, threshold, now=world.clock.now_ns())
    furnish(world, ROOT)
    token = new_root_token(world)
    if token_key:
        from sandboxd.vault import pgp

        token = base64.b64encode(pgp.encrypt(token.encode(), token_key, world.entropy)).decode()
    return 200, InitAnswer(*hex_and_base64(hidden(parts, keys, world.entropy)), root_token=token)


def _unseal(world: World, request: Request) -> Answer:
    if request.operation != "update":
        raise refuse_method()
    body = body_fields(
        world, request, "UnsealRequest", key=("Key", str), reset=("Reset", bool), migrate=("Migrate", bool)
    )
    if body["reset"]:
        if not world.seal.sealed:
            refuse("vault is unsealed")
        world.seal.reset()
        return 200, seal_status(world)
    if not body["key"]:
        refuse("'key' must be specified in request body as JSON, or 'reset' set to true")
    try:
        share = decode_share(body["key"])
    except ValueError as error:
        refuse(str(error))
    if body["migrate"]:
        raise VaultError("can't perform a seal migration, no migration seal found", status=500)
    world.seal.unseal(share)
    return 200, seal_status(world)


async def _seal(world: World, request: Request) -> Answer:
    if request.operation != "update":
        raise refuse_method()
    if world.seal.sealed:
        return 204, None
    if pipeline.identify(world, request) is None:
        raise Refusal("permission denied", status=403)
    bearer = pipeline.authenticate(world, request)
    world.audit.sealing(request, bearer)
    decision = bearer.acl.check("update", request.path, request.data, None)
    if not decision.allowed or not decision.sudo:
        raise Refusal(listed(("permission denied",)), status=403)
    if bearer.token.used_up:
        await world.leases.revoke_tree(bearer.token)
    world.seal.seal()
    return 204, None


def _step_down(world: World, request: Request) -> Answer:
    del world  # without high availability there is nothing to step down from, and no token is looked at
    if request.operation != "update":
        raise refuse_method()
    return 204, None


def _leader(world: World, request: Request) -> Answer:
    if request.operation != "read":
        raise refuse_method()
    return 200, leader(world)


def _health(world: World, request: Request) -> Answer:
    if request.operation not in ("read", "header"):
        raise refuse_method()
    seal = world.seal
    query = request.data
    if _first(query, "standbyok") not in _TRUE | _FALSE:
        raise VaultError(status=400)
    codes = {"uninitcode": 501, "sealedcode": 503, "standbycode": 429, "activecode": 200}
    if world.profile == "vault":  # from Vault's documentation
        codes |= {"drsecondarycode": 472, "performancestandbycode": 473, "haunhealthycode": 474, "removedcode": 530}
    codes = {name: _code(query, name, code) for name, code in codes.items()}
    status = codes["uninitcode" if not seal.initialized else "sealedcode" if seal.sealed else "activecode"]
    name, cluster_id = cluster(world) or (UNSET, UNSET)
    kind = VaultHealth if world.profile == "vault" else OpenBaoHealth
    replication = "unknown" if seal.sealed else "disabled"
    return status, kind(
        initialized=seal.initialized,
        sealed=seal.sealed,
        standby=seal.sealed,
        replication_performance_mode=replication,
        replication_dr_mode=replication,
        server_time_utc=int(world.clock.now()),
        version=world.settings.version,
        cluster_name=name,
        cluster_id=cluster_id,
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


DIRECT: dict[str, DirectHandler] = {
    "sys/health": _health,
    "sys/init": _init,
    "sys/leader": _leader,
    "sys/seal": _seal,
    "sys/seal-status": _seal_status,
    "sys/step-down": _step_down,
    "sys/unseal": _unseal,
}


# The same routes as the system backend lists them. Only two of them answer when asked for in a namespace.


@dataclass(frozen=True, kw_only=True)
class InitArgs:
    """What initialising the server takes."""

    pgp_keys: Strings = param((), "PGP public keys, one for each share of the unseal key, to hide the shares with.")
    recovery_pgp_keys: Strings = param((), "PGP public keys, one for each share of the recovery key.")
    recovery_shares: int = param(0, "How many shares to split the recovery key into.")
    recovery_threshold: int = param(0, "How many shares give the recovery key back.")
    root_token_pgp_key: str = param("", "A PGP public key to hide the root token with.")
    secret_shares: int = param(0, "How many shares to split the unseal key into.")
    secret_threshold: int = param(0, "How many shares give the unseal key back.")
    stored_shares: int = param(0, "How many shares an external seal keeps; none does here.")


@dataclass(frozen=True, kw_only=True)
class UnsealArgs:
    """What a share is handed in with."""

    key: str = param("", "One share of the unseal key.")
    reset: bool = param(False, "Forget the shares given so far.")


def not_routed(_call: SystemCall, _args: object) -> Result:
    """A route that is answered before the system backend is reached, so that here there is nothing to call."""
    raise UnsupportedOperation


def _read_seal_status(call: SystemCall, _args: NoArgs) -> Result:
    return Response(data=seal_status(call.world), bare=True)


def _read_leader(call: SystemCall, _args: NoArgs) -> Result:
    return Response(data=leader(call.world), bare=True)


PATHS: tuple[Path[Any, Any], ...] = (
    Path("health", NoArgs, "Tell whether the server is initialised, sealed, active.", read=not_routed, login=True),
    Path(
        "init", InitArgs, "Initialise the server, or tell whether it is.", read=not_routed, write=not_routed, login=True
    ),
    Path("leader", NoArgs, "Tell about high availability.", read=_read_leader, login=True),
    Path("seal", NoArgs, "Seal the server.", write=not_routed),
    Path(
        "seal-status",
        NoArgs,
        "Tell whether the server is sealed, and how it opens.",
        read=_read_seal_status,
        login=True,
    ),
    Path("step-down", NoArgs, "Give up being the active node.", write=not_routed),
    Path("unseal", UnsealArgs, "Hand in one share of the unseal key.", write=not_routed, login=True),
)
