"""`sys/rotate/root` and `sys/rotate/recovery`: OpenBao's rekey, which takes a token."""

import base64
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from sandboxd.sys import keyring
from sandboxd.sys.direct import decode_share
from sandboxd.sys.keyring import OPENBAO, root_only
from sandboxd.sys.seal import hex_and_base64
from sandboxd.vault import rekeying
from sandboxd.vault.errors import fail, refuse
from sandboxd.vault.framework.backend import Path, Result
from sandboxd.vault.framework.fields import NoArgs, Strings, param
from sandboxd.vault.rekeying import ROTATE, Backup, Rotated
from sandboxd.vault.storage import View
from sandboxd.vault.system import SystemCall
from sandboxd.vault.world import World


class RekeyStatus(msgspec.Struct, kw_only=True):
    """How far a rekey is."""

    nonce: str = ""
    started: bool = False
    t: int = 0
    n: int = 0
    progress: int = 0
    required: int
    pgp_fingerprints: tuple[str, ...] | None = None
    backup: bool = False
    verification_required: bool = False
    verification_nonce: str | UnsetType = UNSET


class VerifyStatus(msgspec.Struct):
    """How far the verification of a rekey is."""

    nonce: str
    started: bool
    t: int
    n: int
    progress: int


@dataclass(frozen=True, kw_only=True)
class RotationArgs:
    """What begins a rotation of the key."""

    secret_shares: int = param(0, "How many shares to split the new key into.", required=True)
    secret_threshold: int = param(0, "How many shares give the new key back.", required=True)
    pgp_keys: Strings = param((), "PGP public keys, one for each new share, to hide the shares with.")
    backup: bool = param(False, "Keep the hidden shares, to be read again.")
    require_verification: bool = param(False, "Have the new shares handed in again before the new key holds.")


@dataclass(frozen=True, kw_only=True)
class ShareArgs:
    """What a share is handed in with."""

    key: str = param("", "One share of the key.")
    nonce: str = param("", "The nonce of the operation.")


def seal_view(world: World) -> View:
    return View(world.storage, "core/seal/")


def rekey_status(world: World) -> RekeyStatus:
    seal = world.seal
    found = seal.rotation
    if found is None:
        return RekeyStatus(required=seal.threshold)
    return RekeyStatus(
        nonce=found.ceremony.nonce,
        started=True,
        t=found.threshold,
        n=found.shares,
        progress=found.ceremony.progress,
        required=seal.threshold,
        pgp_fingerprints=_fingerprints(found.pgp_keys),
        backup=found.backup and bool(found.pgp_keys),
        verification_required=found.verify,
        verification_nonce=found.verification.nonce or UNSET,
    )


def _fingerprints(keys: tuple[str, ...]) -> tuple[str, ...] | None:
    if not keys:
        return None
    from sandboxd.vault import pgp

    return tuple(map(pgp.fingerprint, keys))


def verify_status(world: World, none: str) -> VerifyStatus:
    found = world.seal.rotation
    if found is None:
        refuse(none)
    return VerifyStatus(
        found.verification.nonce, found.pending is not None, found.threshold, found.shares, found.verification.progress
    )


def restart_verification(world: World) -> None:
    if world.seal.rotation is not None:
        world.seal.rotation.verification.restart(world.entropy.uuid())


def _rotate_root(call: SystemCall, _args: NoArgs) -> None:
    if call.namespace.path:
        fail("failed to rotate barrier root key: namespace is not sealable")


def _rotation_data(world: World) -> dict[str, Any]:
    status = rekey_status(world)
    data: dict[str, Any] = {"started": status.started, "t": status.t, "n": status.n, "required": status.required}
    if status.started:
        data |= {
            "nonce": status.nonce,
            "progress": status.progress,
            "verification_required": status.verification_required,
            "verification_nonce": "" if status.verification_nonce is UNSET else status.verification_nonce,
        }
        if status.pgp_fingerprints:
            data |= {"pgp_fingerprints": status.pgp_fingerprints, "backup": status.backup}
    return data


def _read_rotation(call: SystemCall, _args: RotationArgs) -> Result:
    return _rotation_data(root_only(call))


def _start_rotation(call: SystemCall, args: RotationArgs) -> Result:
    world = root_only(call)
    rekeying.start_rotation(
        world.seal,
        ROTATE,
        shares=args.secret_shares,
        threshold=args.secret_threshold,
        pgp_keys=args.pgp_keys,
        backup=args.backup,
        verify=args.require_verification,
    )
    return _rotation_data(world)


def _cancel_rotation(call: SystemCall, _args: RotationArgs) -> None:
    if not call.namespace.path:
        call.world.seal.rotation = None


def _given_share(args: ShareArgs) -> bytes:
    if not args.key:
        refuse("missing required field 'key'")
    if not args.nonce:
        refuse("missing required field 'nonce'")
    try:
        return decode_share(args.key)
    except ValueError as error:
        refuse(str(error))


def _rotated(done: Rotated, nonce: str) -> dict[str, Any]:
    keys, keys_base64 = hex_and_base64(done.shares)
    return {
        "complete": True,
        "nonce": nonce,
        "backup": done.rotation.backup,
        "pgp_fingerprints": done.fingerprints,
        "verification_required": done.rotation.verify,
        "verification_nonce": done.verification_nonce,
        "keys": keys,
        "keys_base64": keys_base64,
    }


def _update_rotation(call: SystemCall, args: ShareArgs) -> Result:
    share = _given_share(args)
    world = root_only(call)
    done = rekeying.rotate(world.seal, ROTATE, seal_view(world), world.entropy, share, args.nonce)
    return _rotation_data(world) if done is None else _rotated(done, args.nonce)


def _verification_data(world: World) -> Result:
    return msgspec.structs.asdict(verify_status(world, "no rotation configuration found"))


def _read_verification(call: SystemCall, _args: ShareArgs) -> Result:
    return _verification_data(root_only(call))


def _update_verification(call: SystemCall, args: ShareArgs) -> Result:
    share = _given_share(args)
    world = root_only(call)
    if rekeying.verify_rotation(world.seal, ROTATE, world.entropy, share, args.nonce):
        return {"complete": True, "nonce": args.nonce}
    return _verification_data(world)


def _restart(call: SystemCall, _args: ShareArgs) -> Result:
    world = root_only(call)
    restart_verification(world)
    return _verification_data(world)


def read_backup(call: SystemCall, _args: NoArgs) -> Result:
    found = None if call.namespace.path else seal_view(call.world).get("backup", Backup)
    if found is None:
        refuse("no backed-up keys found")
    in_base64 = {
        owner: [base64.b64encode(bytes.fromhex(key)).decode() for key in keys] for owner, keys in found.keys.items()
    }
    return {"nonce": found.nonce, "keys": found.keys, "keys_base64": in_base64}


def delete_backup(call: SystemCall, _args: NoArgs) -> None:
    if not call.namespace.path:
        seal_view(call.world).delete("backup")


# The seal here has no recovery keys, which is what these answer.


def _read_recovery_rotation(call: SystemCall, _args: RotationArgs) -> Result:
    root_only(call)
    refuse("unable to look up config: %!w(*errors.errorString=&{recovery not supported})")


def _start_recovery_rotation(call: SystemCall, _args: RotationArgs) -> Result:
    root_only(call)
    refuse("recovery keys not supported")


def _cancel_recovery_rotation(_call: SystemCall, _args: RotationArgs) -> None:
    return


def _update_recovery_rotation(call: SystemCall, args: ShareArgs) -> Result:
    _given_share(args)
    root_only(call)
    refuse("failed to fetch existing config: %!w(*errors.errorString=&{recovery not supported})")


def _read_recovery_verification(_call: SystemCall, _args: ShareArgs) -> Result:
    refuse("no rotation configuration found")


def _update_recovery_verification(_call: SystemCall, args: ShareArgs) -> Result:
    _given_share(args)
    refuse("no rotation in progress")


def read_recovery_backup(_call: SystemCall, _args: NoArgs) -> Result:
    refuse("no backed-up keys found")


def delete_recovery_backup(_call: SystemCall, _args: NoArgs) -> None:
    return


PATHS: tuple[Path[Any, Any], ...] = (
    *keyring.PATHS,
    Path(
        "rotate/recovery/backup",
        NoArgs,
        "Read or remove the hidden shares of the recovery key.",
        read=read_recovery_backup,
        delete=delete_recovery_backup,
        profiles=OPENBAO,
    ),
    Path(
        "rotate/recovery/init",
        RotationArgs,
        "Begin, look at or end a rotation of the recovery key.",
        read=_read_recovery_rotation,
        write=_start_recovery_rotation,
        delete=_cancel_recovery_rotation,
        profiles=OPENBAO,
    ),
    Path(
        "rotate/recovery/update",
        ShareArgs,
        "Hand in a share of the recovery key.",
        write=_update_recovery_rotation,
        profiles=OPENBAO,
    ),
    Path(
        "rotate/recovery/verify",
        ShareArgs,
        "Hand in a share of the new recovery key.",
        read=_read_recovery_verification,
        write=_update_recovery_verification,
        delete=_read_recovery_verification,
        profiles=OPENBAO,
    ),
    Path(
        "rotate/root",
        NoArgs,
        "Replace the key that the storage's keys are kept with.",
        write=_rotate_root,
        sudo=True,
        profiles=OPENBAO,
    ),
    Path(
        "rotate/root/backup",
        NoArgs,
        "Read or remove the hidden shares of the last rotation.",
        read=read_backup,
        delete=delete_backup,
        profiles=OPENBAO,
    ),
    Path(
        "rotate/root/init",
        RotationArgs,
        "Begin, look at or end a rotation of the unseal key.",
        read=_read_rotation,
        write=_start_rotation,
        delete=_cancel_rotation,
        profiles=OPENBAO,
    ),
    Path(
        "rotate/root/update", ShareArgs, "Hand in a share of the present key.", write=_update_rotation, profiles=OPENBAO
    ),
    Path(
        "rotate/root/verify",
        ShareArgs,
        "Hand in a share of the new key.",
        read=_read_verification,
        write=_update_verification,
        delete=_restart,
        profiles=OPENBAO,
    ),
)
