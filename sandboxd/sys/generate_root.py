"""`sys/generate-root`, `sys/decode-token`, OpenBao's `sys/generate-root-token`: root tokens for the shares' holders."""

import base64
import binascii
from dataclasses import dataclass
from typing import Any

import msgspec

from sandboxd.sys.direct import Answer, DirectHandler, body_fields, refuse_method, share_in, unauthenticated
from sandboxd.sys.keyring import OPENBAO, root_only
from sandboxd.sys.rotate import ShareArgs
from sandboxd.sys.seal import new_root_token, not_routed
from sandboxd.vault import rekeying
from sandboxd.vault.errors import fail, refuse
from sandboxd.vault.framework.backend import Path, Result
from sandboxd.vault.framework.fields import param
from sandboxd.vault.request import Request
from sandboxd.vault.system import SystemCall
from sandboxd.vault.world import World


class RootStatus(msgspec.Struct, kw_only=True):
    """How far the making of a root token is."""

    nonce: str = ""
    started: bool = False
    progress: int = 0
    required: int
    complete: bool = False
    encoded_token: str = ""
    encoded_root_token: str = ""
    pgp_fingerprint: str = ""
    otp: str = ""
    otp_length: int = 0


def _root_status(world: World, otp: str = "") -> RootStatus:
    found = world.seal.generation
    status = RootStatus(required=world.seal.threshold, otp=otp, otp_length=rekeying.otp_length(world.profile))
    if found is not None:
        status.nonce, status.started = found.ceremony.nonce, True
        status.progress, status.pgp_fingerprint = found.ceremony.progress, found.pgp_fingerprint
    return status


def _root_attempt(world: World, request: Request) -> Answer:
    if request.operation == "read":
        return 200, _root_status(world)
    if request.operation == "delete":
        world.seal.generation = None
        return 204, None
    if request.operation != "update":
        raise refuse_method()
    body = body_fields(world, request, "GenerateRootInitRequest", otp=("otp", str), pgp_key=("pgp_key", str))
    made = rekeying.start_generation(world.seal, world.profile, world.entropy, body["otp"], body["pgp_key"])
    return 200, _root_status(world, made)


def _root_update(world: World, request: Request) -> Answer:
    share, nonce = share_in(world, request, "GenerateRootUpdateRequest")
    try:
        generation, progress, done = rekeying.generate(world.seal, share, nonce)
    except ValueError as error:
        refuse(str(error))
    encoded = rekeying.encode_token(new_root_token(world), generation, world.entropy) if done else ""
    return 200, RootStatus(
        nonce=nonce,
        started=True,
        progress=progress,
        required=world.seal.threshold,
        complete=progress == world.seal.threshold,
        encoded_token=encoded,
        encoded_root_token=encoded,
        pgp_fingerprint=generation.pgp_fingerprint,
    )


DIRECT: dict[str, DirectHandler] = {
    "sys/generate-root/attempt": unauthenticated(_root_attempt, "unauthenticated_generate_root"),
    "sys/generate-root/update": unauthenticated(_root_update, "unauthenticated_generate_root"),
}


@dataclass(frozen=True, kw_only=True)
class RootTokenArgs:
    """What begins the making of a root token."""

    otp: str = param("", "A one-time password to mix the token with.")
    pgp_key: str = param("", "A PGP public key to hide the token with.")


@dataclass(frozen=True, kw_only=True)
class DecodeArgs:
    """What a root token is read with."""

    encoded_token: str = param("", "The token as it was handed out.")
    otp: str = param("", "The one-time password that it was mixed with.")


def _root_token_data(world: World, otp: str = "") -> dict[str, Any]:
    status = _root_status(world, otp)
    names: tuple[str, ...] = ("started", "complete", "progress", "required", "otp", "otp_length")
    if status.started:
        names += ("nonce", "pgp_fingerprint")
    return {name: getattr(status, name) for name in names}


def _read_root_token(call: SystemCall, _args: RootTokenArgs) -> Result:
    return _root_token_data(root_only(call))


def _start_root_token(call: SystemCall, args: RootTokenArgs) -> Result:
    world = root_only(call)
    made = rekeying.start_generation(world.seal, world.profile, world.entropy, args.otp, args.pgp_key)
    return _root_token_data(world, made)


def _cancel_root_token(call: SystemCall, _args: RootTokenArgs) -> None:
    if not call.namespace.path:
        call.world.seal.generation = None


def _update_root_token(call: SystemCall, args: ShareArgs) -> Result:
    if not args.nonce:
        refuse("nonce is required")
    if not args.key:
        refuse("key is required")
    key = args.key.strip()
    try:
        share = bytes.fromhex(key) if key.isalnum() else base64.b64decode(key, validate=True)
    except ValueError:
        try:
            share = base64.b64decode(key, validate=True)
        except (binascii.Error, ValueError):
            fail("'key' must be a valid hex or base64 string")
    world = call.world
    if call.namespace.path:
        fail("namespace is not sealable")
    try:
        generation, progress, done = rekeying.generate(world.seal, share, args.nonce)
    except ValueError as error:
        fail(str(error))
    return {
        "started": True,
        "complete": progress == world.seal.threshold,
        "progress": progress,
        "required": world.seal.threshold,
        "nonce": args.nonce,
        "encoded_token": rekeying.encode_token(new_root_token(world), generation, world.entropy) if done else "",
        "pgp_fingerprint": generation.pgp_fingerprint,
    }


def _decode_token(_call: SystemCall, args: DecodeArgs) -> Result:
    if not args.encoded_token or not args.otp:
        refuse("provided 'encoded_token' or 'otp' is empty")
    try:
        return {"token": rekeying.decode_token(args.encoded_token, args.otp)}
    except ValueError as error:
        refuse(str(error))


PATHS: tuple[Path[Any, Any], ...] = (
    Path(
        "decode-token",
        DecodeArgs,
        "Read a root token that was mixed with a one-time password.",
        write=_decode_token,
        login=True,
    ),
    Path(
        "generate-root/attempt",
        RootTokenArgs,
        "Make a root token.",
        read=not_routed,
        write=not_routed,
        delete=not_routed,
        login=True,
    ),
    Path(
        "generate-root-token/attempt",
        RootTokenArgs,
        "Make a root token.",
        read=_read_root_token,
        write=_start_root_token,
        delete=_cancel_root_token,
        profiles=OPENBAO,
    ),
    Path(
        "generate-root-token/update",
        ShareArgs,
        "Hand in a share for a root token.",
        write=_update_root_token,
        profiles=OPENBAO,
    ),
    Path("generate-root", RootTokenArgs, "Make a root token.", read=not_routed, write=not_routed, delete=not_routed),
    Path("generate-root/update", ShareArgs, "Hand in a share for a root token.", write=not_routed, login=True),
)
