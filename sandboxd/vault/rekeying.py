"""The steps of the two ceremonies that take shares while the server is open: the rotation of its key, and root tokens.

Two doors lead to them on the wire, an older one without a token (`sys/rekey/*`, `sys/generate-root/*`) and a newer one
with (`sys/rotate/root/*`, `sys/generate-root-token/*`). They share all steps, but not the words for what goes wrong,
which are the real servers': `Words` holds a door's. Source: OpenBao's rekey and rotation.
"""

import base64
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple, NoReturn

import msgspec

from sandboxd.vault.entropy import BASE62, Entropy
from sandboxd.vault.errors import Refusal, VaultError, refuse
from sandboxd.vault.gotext import quote
from sandboxd.vault.seal import (
    UNDECRYPTED,
    Ceremony,
    Generation,
    Rotation,
    Seal,
    WrongKeyError,
    check_length,
    check_shares,
    opens,
)
from sandboxd.vault.storage import View


class Words(NamedTuple):
    """How one door words its refusals of a rotation."""

    busy: str
    none: str
    none_to_verify: str
    no_verification: str
    pending: str
    nonce: str
    again: str
    uncombined: str
    unverified: str
    bad_config: str
    unprintable: bool  # errors inside errors come out as Go's %!w(...), with 400 where it would be 500


REKEY = Words(
    busy="rekey already in progress",
    none="no barrier rekey in progress",
    none_to_verify="no rekey in progress",
    no_verification="no rekey verification in progress",
    pending="rekey operation already finished; verification must be performed; nonce for the verification operation is",
    nonce="incorrect nonce supplied; nonce for this rekey operation is",
    again="given key has already been provided during this generation operation",
    uncombined="failed to compute root key",
    unverified="rekey verification failed; incorrect key shares supplied",
    bad_config="invalid rekey seal configuration",
    unprintable=False,
)
ROTATE = Words(
    busy="rotation already in progress",
    none="no rotation in progress",
    none_to_verify="no rotation in progress",
    no_verification="no rotation verification in progress",
    pending="rotation already finished; verification must be performed; nonce for the verification operation is",
    nonce="incorrect nonce supplied; nonce for rotation is",
    again="given key has already been provided during this rotation",
    uncombined="failed to compute key",
    unverified="rotation verification failed; incorrect key shares supplied",
    bad_config="invalid rotate seal configuration",
    unprintable=True,
)


class Backup(msgspec.Struct, frozen=True):
    """The hidden shares of a rotation, kept for their owners: by the fingerprint of the PGP key, in hexadecimal."""

    nonce: str
    keys: Mapping[str, tuple[str, ...]]


class Rotated(NamedTuple):
    """What a rotation hands out once all shares are in."""

    rotation: Rotation
    shares: tuple[bytes, ...]
    fingerprints: tuple[str, ...] | None
    verification_nonce: str


def _broken(words: Words, lead: str, text: str, kind: str = "*errors.errorString", tail: str = "") -> NoReturn:
    if words.unprintable:
        raise Refusal(f"{lead}: %!w({kind}=&{{{text}{tail}}})")
    raise VaultError(f"{lead}: {text}", status=500)


def start_rotation(
    seal: Seal,
    words: Words,
    *,
    shares: int,
    threshold: int,
    pgp_keys: Sequence[str] = (),
    backup: bool = False,
    verify: bool = False,
) -> None:
    """Begin a rotation. Raises Refusal or VaultError in the door's words."""
    if words is ROTATE and seal.rotation is not None:
        refuse(words.busy)
    try:
        check_shares(shares, threshold)
        check_pgp_keys(pgp_keys, shares)
    except ValueError as error:
        cause = getattr(error, "cause", None)
        kind, tail = ("*errors.errorString", "") if cause is None else ("*fmt.wrapError", f" {cause}")
        _broken(words, words.bad_config, str(error), kind, tail)
    if seal.rotation is not None:
        refuse(words.busy)
    seal.rotation = Rotation(
        ceremony=seal.ceremony(),
        shares=shares,
        threshold=threshold,
        pgp_keys=tuple(pgp_keys),
        backup=backup,
        verify=verify,
    )


def rotate(seal: Seal, words: Words, view: View, entropy: Entropy, share: bytes, nonce: str) -> Rotated | None:
    """Take a share of the present key; give the new shares when it was the last one needed, else None.

    The new key holds from now on, or once it is verified. Raises Refusal or VaultError in the door's words.
    """
    if not words.unprintable:
        try:
            check_length(share)
        except ValueError as error:
            refuse(str(error))
    rotation = seal.rotation
    if rotation is None:
        refuse(words.none)
    if rotation.pending is not None:
        refuse(f"{words.pending} {quote(rotation.verification.nonce)}")
    if nonce != rotation.ceremony.nonce:
        refuse(f"{words.nonce} {quote(rotation.ceremony.nonce)}")
    if not rotation.ceremony.add(share):
        refuse(words.again)
    try:
        key = rotation.ceremony.key(seal.threshold)
    except ValueError as error:
        _broken(words, words.uncombined, str(error))
    if key is None:
        return None
    _verify(seal, words, key)
    made = seal.make(rotation.shares, rotation.threshold)
    shares, fingerprints = made.shares, None
    if rotation.pgp_keys:
        from sandboxd.vault import pgp

        shares = hidden(shares, rotation.pgp_keys, entropy)
        fingerprints = tuple(map(pgp.fingerprint, rotation.pgp_keys))
        if rotation.backup:
            kept: dict[str, tuple[str, ...]] = {}
            for owner, part in zip(fingerprints, shares, strict=True):
                kept[owner] = (*kept.get(owner, ()), part.hex())
            view.put("backup", Backup(nonce, kept))
    if rotation.verify:
        rotation.pending = made.config
        rotation.verification = seal.ceremony()
        return Rotated(rotation, shares, fingerprints, rotation.verification.nonce)
    seal.adopt(made.config)
    seal.rotation = None
    return Rotated(rotation, shares, fingerprints, "")


def _verify(seal: Seal, words: Words, key: bytes) -> None:
    try:
        seal.verify(key)
    except WrongKeyError as error:
        if error.size:
            if words.unprintable:
                refuse(f"failed to setup unseal key: %!w(aes.KeySizeError={error.size})")
            raise VaultError(
                f"failed to setup unseal key: crypto/aes: invalid key size {error.size}", status=500
            ) from None
        text = UNDECRYPTED if words.unprintable else f"invalid key: {UNDECRYPTED}"
        _broken(words, "failed to read root key", text, "*vault.ErrInvalidKey")


def verify_rotation(seal: Seal, words: Words, entropy: Entropy, share: bytes, nonce: str) -> bool:
    """Take a share of the new key; give whether it was the last one needed, after which the new key holds.

    Raises Refusal or VaultError in the door's words.
    """
    if not words.unprintable:
        try:
            check_length(share)
        except ValueError as error:
            refuse(str(error))
    rotation = seal.rotation
    if rotation is None:
        refuse(words.none_to_verify)
    if rotation.pending is None:
        refuse(words.no_verification)
    ceremony = rotation.verification
    if nonce != ceremony.nonce:
        refuse(f"incorrect nonce supplied; nonce for this verify operation is {quote(ceremony.nonce)}")
    if words.unprintable:
        ceremony.add_again(share)  # the newer door doesn't notice
    elif not ceremony.add(share):
        refuse("given key has already been provided during this verify operation")
    try:
        key = ceremony.key(rotation.threshold)
    except ValueError as error:
        ceremony.restart(entropy.uuid())
        _broken(words, "failed to compute key for verification", str(error))
    if key is None:
        return False
    if not opens(rotation.pending, key):
        ceremony.restart(entropy.uuid())
        refuse(words.unverified)
    seal.adopt(rotation.pending)
    seal.rotation = None
    return True


def otp_length(profile: str) -> int:
    """How long the password is that hides a root token: as long as the token."""
    return 28 if profile == "vault" else 26


def start_generation(seal: Seal, profile: str, entropy: Entropy, otp: str, pgp_key: str) -> str:
    """Begin to make a root token; give the password to read it with when neither that nor a PGP key was given.

    Raises Refusal with the real server's text; Vault's differ, from its public source.
    """
    made = ""
    if not otp and not pgp_key:
        otp = made = entropy.text(otp_length(profile), BASE62)
    owner = ""
    if otp:
        if len(otp.encode()) != otp_length(profile):
            refuse("OTP string is wrong length" if profile == "vault" else "OTP string has incorrect length")
    else:
        from sandboxd.vault import pgp

        try:
            owner = pgp.fingerprint(pgp_key)
        except ValueError as error:
            refuse(f"error parsing PGP key: {error}")
    if seal.generation is not None:
        refuse(f"root generation already in progress{'' if profile == 'vault' else ' for this namespace'}")
    seal.generation = Generation(
        ceremony=seal.ceremony(), otp=otp, pgp_key="" if otp else pgp_key, pgp_fingerprint=owner
    )
    return made


def generate(seal: Seal, share: bytes, nonce: str) -> tuple[Generation, int, bool]:
    """Take a share; give the generation, its progress, and whether the root token may be made now.

    Raises ValueError with the real server's text.
    """
    try:
        check_length(share)
    except ValueError as error:
        raise ValueError(f"invalid key: {error}") from None
    generation = seal.generation
    if generation is None:
        raise ValueError("no root generation in progress")
    ceremony: Ceremony = generation.ceremony
    if nonce != ceremony.nonce:
        raise ValueError(
            f"incorrect nonce supplied; nonce for this root generation operation is {quote(ceremony.nonce)}"
        )
    if not ceremony.add(share):
        raise ValueError("given key has already been provided during this generation operation")
    progress = ceremony.progress
    try:
        key = ceremony.key(seal.threshold)
    except ValueError as error:
        raise ValueError(f"failed to compute root key: {error}") from None
    if key is None:
        return generation, progress, False
    try:
        seal.verify(key)
    except WrongKeyError as error:
        raise ValueError(f"root generation aborted: unable to authenticate: {error}") from None
    seal.generation = None
    return generation, progress, True


def encode_token(token: str, generation: Generation, entropy: Entropy) -> str:
    """The new root token as only whoever asked for it can read it."""
    if generation.pgp_key:
        from sandboxd.vault import pgp

        return base64.b64encode(pgp.encrypt(token.encode(), generation.pgp_key, entropy)).decode()
    mixed = bytes(a ^ b for a, b in zip(token.encode(), generation.otp.encode(), strict=True))
    return base64.b64encode(mixed).decode().rstrip("=")


def decode_token(encoded: str, otp: str) -> str:
    """The root token that was mixed with a password. Raises ValueError with the real server's text."""
    bad = re.search(r"[^A-Za-z0-9+/]", encoded)
    if bad or len(encoded) % 4 == 1:
        at = bad.start() if bad else len(encoded) - 1
        raise ValueError(f"error decoding base64'd token: illegal base64 data at input byte {at}")
    mixed = base64.b64decode(encoded + "=" * (-len(encoded) % 4))
    password = otp.encode()
    if len(mixed) != len(password):
        raise ValueError(
            f"error xoring token: length of byte slices is not equivalent: {len(mixed)} != {len(password)}"
        )
    return bytes(a ^ b for a, b in zip(mixed, password, strict=True)).decode("utf-8", "replace")


def check_pgp_keys(keys: Sequence[str], shares: int) -> None:
    """Raise ValueError with the real server's text unless there are no keys, or a good one for each share."""
    if not keys:
        return
    from sandboxd.vault import pgp

    if len(keys) != shares:
        raise ValueError("count mismatch between number of provided PGP keys and number of shares")
    pgp.check(keys)


def hidden(shares: tuple[bytes, ...], keys: Sequence[str], entropy: Entropy) -> tuple[bytes, ...]:
    """Each share as only the owner of its PGP key can read it; the shares themselves when there are no keys."""
    if not keys:
        return shares
    from sandboxd.vault import pgp

    return tuple(pgp.encrypt(share.hex().encode(), key, entropy) for share, key in zip(shares, keys, strict=True))
