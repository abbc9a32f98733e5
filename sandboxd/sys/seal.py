"""`sys/seal-status`, `init`, `unseal`, `seal`: whether the server is open, and how it opens."""

import base64
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
from sandboxd.vault.nodes import Node, condition_of, seal_of
from sandboxd.vault.rekeying import check_pgp_keys, hidden
from sandboxd.vault.request import Request
from sandboxd.vault.seal import check_shares
from sandboxd.vault.system import SystemCall
from sandboxd.vault.world import World

COMMIT_DATE = "2026-10-26T20:32:27Z"  # OpenBao 2.7.2's
BUILD_DATE = "2026-10-27T08:13:11Z"  # a stand-in: Vault's documentation gives the form only
CLOSED = frozenset(("sealed", "uninitialized", "removed"))
"""The conditions of a node that shows itself as sealed."""
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


def cluster(world: World, node: Node | None = None) -> tuple[str, str] | None:
    """The name and id that a node shows of its cluster; None while it is sealed."""
    found = world.seal.cluster
    if found is None or condition_of(world, node) in CLOSED:
        return None
    return world.settings.cluster_name or found.name, found.id


def seal_status(world: World, node: Node | None = None) -> OpenBaoSealStatus | VaultSealStatus:
    """What `sys/seal-status` answers."""
    seal, condition = seal_of(world, node), condition_of(world, node)
    initialized = condition != "uninitialized"
    name, cluster_id = cluster(world, node) or (UNSET, UNSET)
    kind = VaultSealStatus if world.profile == "vault" else OpenBaoSealStatus
    return kind(
        initialized=initialized,
        sealed=condition in CLOSED,
        t=seal.threshold if initialized else 0,
        n=seal.shares if initialized else 0,
        progress=seal.progress,
        nonce=seal.nonce,
        version=world.settings.version,
        cluster_name=name,
        cluster_id=cluster_id,
        storage_type=world.settings.storage_type if node is None or not node.members else "raft",
    )


def new_root_token(world: World) -> str:
    """Make a root token, and give its id, which is as long as the real server's root tokens."""
    return create_root_token(world, _PREFIXES[world.profile] + world.entropy.text(24, BASE62)).id


def hex_and_base64(shares: "tuple[bytes, ...]") -> tuple[list[str], list[str]]:
    """Shares in the two notations that they are handed out in."""
    return [share.hex() for share in shares], [base64.b64encode(share).decode() for share in shares]


def _seal_status(world: World, request: Request) -> Answer:
    if request.operation != "read":
        raise refuse_method()
    return 200, seal_status(world, request.node)


def _init(world: World, request: Request) -> Answer:
    if request.operation == "read":
        return 200, InitStatus(condition_of(world, request.node) != "uninitialized")
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
    seal = seal_of(world, request.node)
    if body["reset"]:
        if not seal.sealed:
            refuse("vault is unsealed")
        seal.reset()
        return 200, seal_status(world, request.node)
    if not body["key"]:
        refuse("'key' must be specified in request body as JSON, or 'reset' set to true")
    try:
        share = decode_share(body["key"])
    except ValueError as error:
        refuse(str(error))
    if body["migrate"]:
        raise VaultError("can't perform a seal migration, no migration seal found", status=500)
    seal.unseal(share)
    return 200, seal_status(world, request.node)


async def _seal(world: World, request: Request) -> Answer:
    if request.operation != "update":
        raise refuse_method()
    seal = seal_of(world, request.node)
    condition = condition_of(world, request.node)
    if condition in CLOSED:
        return 204, None
    if condition != "active" and world.profile == "vault":  # from Vault's public source
        raise VaultError("vault cannot seal when in standby mode; please restart instead", status=500)
    if pipeline.identify(world, request) is None:
        raise Refusal("permission denied", status=403)
    bearer = pipeline.authenticate(world, request)
    world.audit.sealing(request, bearer)
    decision = bearer.acl.check("update", request.path, request.data, None)
    if not decision.allowed or not decision.sudo:
        raise Refusal(listed(("permission denied",)), status=403)
    if bearer.token.used_up:
        await world.leases.revoke_tree(bearer.token)
    seal.seal()
    return 204, None


DIRECT: dict[str, DirectHandler] = {
    "sys/init": _init,
    "sys/seal": _seal,
    "sys/seal-status": _seal_status,
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
    return Response(data=seal_status(call.world, call.request.node), bare=True)


PATHS: tuple[Path[Any, Any], ...] = (
    Path(
        "init", InitArgs, "Initialise the server, or tell whether it is.", read=not_routed, write=not_routed, login=True
    ),
    Path("seal", NoArgs, "Seal the server.", write=not_routed),
    Path(
        "seal-status",
        NoArgs,
        "Tell whether the server is sealed, and how it opens.",
        read=_read_seal_status,
        login=True,
    ),
    Path("unseal", UnsealArgs, "Hand in one share of the unseal key.", write=not_routed, login=True),
)
