"""`sys/rekey`: a new unseal key for who holds the shares, without a token, as Vault has it.

Here too, all that concerns the server's keys is gathered: OpenBao's `sys/rotate/root`, and the making of root tokens.
"""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from sandboxd.sys import generate_root, rotate
from sandboxd.sys.direct import Answer, DirectHandler, body_fields, refuse_method, share_in, unauthenticated
from sandboxd.sys.rotate import (
    RotationArgs,
    ShareArgs,
    delete_backup,
    delete_recovery_backup,
    read_backup,
    read_recovery_backup,
    rekey_status,
    restart_verification,
    seal_view,
    verify_status,
)
from sandboxd.sys.seal import hex_and_base64, not_routed
from sandboxd.vault import pipeline, rekeying
from sandboxd.vault.errors import UnsupportedPath, VaultError, refuse
from sandboxd.vault.framework.backend import Path
from sandboxd.vault.framework.fields import NoArgs
from sandboxd.vault.rekeying import REKEY
from sandboxd.vault.request import Request
from sandboxd.vault.world import World


class RekeyDone(msgspec.Struct, kw_only=True):
    """What the last share of a rekey brings: the new shares, shown once."""

    nonce: str
    complete: bool = True
    keys: list[str]
    keys_base64: list[str]
    pgp_fingerprints: tuple[str, ...] | None = None
    backup: bool
    verification_required: bool = False
    verification_nonce: str | UnsetType = UNSET


class VerifyDone(msgspec.Struct):
    """What the last share of a verification brings."""

    nonce: str
    complete: bool = True


def _rekey_init(world: World, request: Request) -> Answer:
    if request.operation == "read":
        return 200, rekey_status(world)
    if request.operation == "delete":
        world.seal.rotation = None
        return 204, None
    if request.operation != "update":
        raise refuse_method()
    body = body_fields(
        world,
        request,
        "RekeyRequest",
        shares=("secret_shares", int),
        threshold=("secret_threshold", int),
        pgp_keys=("pgp_keys", list),
        backup=("backup", bool),
        verify=("require_verification", bool),
    )
    if body["backup"] and not body["pgp_keys"]:
        refuse("cannot request a backup of the new keys without providing PGP keys for encryption")
    if body["pgp_keys"] and len(body["pgp_keys"]) != body["shares"]:
        refuse("incorrect number of PGP keys for rekey")
    rekeying.start_rotation(world.seal, REKEY, **body)
    return 200, rekey_status(world)


def _rekey_update(world: World, request: Request) -> Answer:
    share, nonce = share_in(world, request, "RekeyUpdateRequest")
    done = rekeying.rotate(world.seal, REKEY, seal_view(world), world.entropy, share, nonce)
    if done is None:
        return 200, rekey_status(world)
    keys, keys_base64 = hex_and_base64(done.shares)
    return 200, RekeyDone(
        nonce=nonce,
        keys=keys,
        keys_base64=keys_base64,
        pgp_fingerprints=done.fingerprints,
        backup=done.rotation.backup,
        verification_required=done.rotation.verify,
        verification_nonce=done.verification_nonce or UNSET,
    )


def _rekey_verify(world: World, request: Request) -> Answer:
    if request.operation == "update":
        share, nonce = share_in(world, request, "RekeyVerificationUpdateRequest", tagged=True)
        if rekeying.verify_rotation(world.seal, REKEY, world.entropy, share, nonce):
            return 200, VerifyDone(nonce)
    elif request.operation == "delete":
        restart_verification(world)
    elif request.operation != "read":
        raise refuse_method()
    return 200, verify_status(world, "no rekey configuration found")


def _recovery_init(_world: World, _request: Request) -> Answer:
    refuse("recovery rekeying not supported")


def _recovery_update(world: World, request: Request) -> Answer:
    share_in(world, request, "RekeyUpdateRequest")
    raise VaultError("failed to fetch existing recovery config: recovery not supported", status=500)


def _recovery(handler: Callable[[World, Request], Answer]) -> DirectHandler:
    async def answer(world: World, request: Request) -> Answer:
        world.check_open()
        if world.profile == "openbao" and not world.settings.unauthenticated_rekey:
            if request.operation in ("list", "scan"):
                await pipeline.handle(world, request)
            raise UnsupportedPath
        return handler(world, request)

    return answer


DIRECT: dict[str, DirectHandler] = {
    **generate_root.DIRECT,
    "sys/rekey/init": unauthenticated(_rekey_init, "unauthenticated_rekey"),
    "sys/rekey/update": unauthenticated(_rekey_update, "unauthenticated_rekey"),
    "sys/rekey/verify": unauthenticated(_rekey_verify, "unauthenticated_rekey"),
    "sys/rekey-recovery-key/init": _recovery(_recovery_init),
    "sys/rekey-recovery-key/update": _recovery(_recovery_update),
    "sys/rekey-recovery-key/verify": _recovery(_recovery_init),
}


PATHS: tuple[Path[Any, Any], ...] = (
    *rotate.PATHS,
    *generate_root.PATHS,
    Path(
        "rekey/backup",
        NoArgs,
        "Read or remove the hidden shares of the last rekey.",
        read=read_backup,
        delete=delete_backup,
    ),
    Path(
        "rekey/init",
        RotationArgs,
        "Begin, look at or end a rekey.",
        read=not_routed,
        write=not_routed,
        delete=not_routed,
        login=True,
    ),
    Path(
        "rekey/recovery-key-backup",
        NoArgs,
        "Read or remove the hidden shares of the recovery key.",
        read=read_recovery_backup,
        delete=delete_recovery_backup,
    ),
    Path(
        "rekey/verify",
        ShareArgs,
        "Hand in a share of the new key.",
        read=not_routed,
        write=not_routed,
        delete=not_routed,
        login=True,
    ),
    Path("rekey/update", ShareArgs, "Hand in a share of the present key.", write=not_routed, login=True),
)
