"""`sys/key-status` and `sys/rotate`: the key that the real server encrypts its storage with, shown only."""

from dataclasses import dataclass
from typing import Any

import msgspec

from sandboxd.vault.durations import SECOND, format_duration, rfc3339
from sandboxd.vault.errors import refuse
from sandboxd.vault.framework.backend import Path, Result
from sandboxd.vault.framework.fields import Duration, Int64, NoArgs, param
from sandboxd.vault.seal import MAX_OPERATIONS, Keyring
from sandboxd.vault.system import SystemCall
from sandboxd.vault.world import World

OPENBAO = ("openbao",)
MIN_OPERATIONS = 1_000_000
DAY = 24 * 60 * 60  # seconds


@dataclass(frozen=True, kw_only=True)
class KeyringConfigArgs:
    """When the storage's key is to be replaced by itself."""

    enabled: bool = param(False, "Replace it by itself.")
    max_operations: Int64 = param(0, "After how many encryptions.")
    interval: Duration = param(0, "After how long; 0 for no such limit.")


def root_only(call: SystemCall) -> World:
    """The world, whose root namespace alone has a seal. Raises Refusal in any other namespace."""
    if call.namespace.path:
        refuse("namespace is not sealable")
    return call.world


def keyring(world: World) -> Keyring:
    """The storage's key as it is now: replaced as often as its interval passed, whatever the clock jumped over."""
    found = world.seal.keyring
    if found.enabled and found.interval:
        passed = (world.clock.now_ns() - found.install_time) // (found.interval * SECOND)
        if passed > 0:
            found = msgspec.structs.replace(
                found,
                term=found.term + passed,
                install_time=found.install_time + passed * found.interval * SECOND,
                stored=len(world.storage),
            )
            world.seal.keyring = found
    return found


def _read_key_status(call: SystemCall, _args: NoArgs) -> Result:
    world = root_only(call)
    found = keyring(world)
    encryptions = max(0, len(world.storage) - found.stored)
    return {"term": found.term, "install_time": rfc3339(found.install_time), "encryptions": encryptions}


def _rotate_keyring(call: SystemCall, _args: NoArgs) -> None:
    world = root_only(call)
    found = keyring(world)
    world.seal.keyring = msgspec.structs.replace(
        found, term=found.term + 1, install_time=world.clock.now_ns(), stored=len(world.storage)
    )


def _read_keyring_config(call: SystemCall, _args: NoArgs) -> Result:
    found = keyring(root_only(call))
    interval = format_duration(found.interval) if found.interval else 0
    return {"enabled": found.enabled, "interval": interval, "max_operations": found.max_operations}


def _write_keyring_config(call: SystemCall, args: KeyringConfigArgs) -> None:
    world = root_only(call)
    changed = {name: getattr(args, name) for name in ("enabled", "interval", "max_operations") if name in call.given}
    found = msgspec.structs.replace(keyring(world), **changed)
    if found.interval and found.interval < DAY:
        refuse("interval must be greater or equal to 24h0m0s")
    if not MIN_OPERATIONS <= found.max_operations <= MAX_OPERATIONS:
        refuse(f"max_operations must be in the range [{MIN_OPERATIONS},{MAX_OPERATIONS}]")
    world.seal.keyring = found


PATHS: tuple[Path[Any, Any], ...] = (
    Path(
        "rotate/config",
        KeyringConfigArgs,
        "When the storage's key is replaced by itself.",
        read=_read_keyring_config,
        write=_write_keyring_config,
    ),
    Path(
        "rotate/keyring/config",
        KeyringConfigArgs,
        "When the storage's key is replaced by itself.",
        read=_read_keyring_config,
        write=_write_keyring_config,
        profiles=OPENBAO,
    ),
    Path("key-status", NoArgs, "Tell about the storage's key.", read=_read_key_status),
    Path("rotate", NoArgs, "Replace the storage's key.", write=_rotate_keyring),
    Path("rotate/keyring", NoArgs, "Replace the storage's key.", write=_rotate_keyring, sudo=True, profiles=OPENBAO),
)
