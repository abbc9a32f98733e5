"""The key/value store, version 2: secrets that keep their old versions, and the settings of the mount."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from sandboxd.engines.kv import v1, v2_data, v2_metadata
from sandboxd.engines.kv.secret import DISABLED, Secret, Version, config_of, keep
from sandboxd.vault.durations import format_duration, rfc3339
from sandboxd.vault.framework import wire
from sandboxd.vault.framework.backend import Call, Engine, Path, Response, Result
from sandboxd.vault.framework.fields import AnyRest, SignedDuration, param

# From Vault's documentation: it has no check-and-set of metadata, no pages, no scans and no lists with details.
_VAULT_CONFIG = ("cas_required", "delete_version_after", "max_versions")
_VAULT_METADATA = ("path", *_VAULT_CONFIG, "custom_metadata")

_ROOTS = ("metadata", "data", "delete", "undelete", "destroy")
_COMMANDS = {"create": "put", "update": "put", "read": "get"}


@dataclass(frozen=True, kw_only=True)
class ConfigArgs:
    cas_required: bool = param(False, "Take no write of a secret without the `cas` option.")
    metadata_cas_required: bool = param(False, "Take no write of metadata without `metadata_cas`.")
    max_versions: int = param(0, "How many versions of each secret to keep; 0 for 10.")
    delete_version_after: SignedDuration = param(
        0, "How long until a version deletes itself; 0 for never, below 0 for never whatever a secret's metadata says."
    )


@dataclass(frozen=True, kw_only=True)
class AnyArgs:
    path: AnyRest = param(help="A path that the store does not have.")


def read_config(call: Call, _: ConfigArgs) -> Result:
    config = config_of(call)
    data: dict[str, Any] = msgspec.structs.asdict(config)
    data["delete_version_after"] = format_duration(config.delete_version_after)
    if call.profile == "vault":
        del data["metadata_cas_required"]
    return data


def write_config(call: Call, args: ConfigArgs) -> None:
    changes = {name: getattr(args, name) for name in call.given}
    if not changes:
        return
    if "max_versions" in changes:
        changes["max_versions"] %= 1 << 32  # as the real server's conversion does, also with negative numbers
    if args.delete_version_after < 0:
        changes["delete_version_after"] = DISABLED
    call.storage.put("config", msgspec.structs.replace(config_of(call), **changes))


def no_such_path(call: Call, _: AnyArgs) -> Result:
    """Tell a client that takes the store for a version 1 so."""
    if call.path in _ROOTS:
        return Response(
            status=404, warnings=["Non-listing operations on the root of a K/V v2 mount are not supported."]
        )
    product, program = ("OpenBao", "bao") if call.profile == "openbao" else ("Vault", "vault")
    command = _COMMANDS.get(call.operation, call.operation)
    text = (
        "Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints to use. "
        f"If using the {product} CLI, use '{program} kv {command}' for this operation."
    )
    return Response(status=404, warnings=[text])


def upgrade(call: Call) -> None:
    """Make first versions of what the mount kept while it was a version 1; without such, nothing happens."""
    for name in list(call.storage.walk(v1.PREFIX)):
        found = call.storage.get(name, v1.Document)
        if found is not None:
            now = rfc3339(call.clock.now_ns())
            first = Version(data=wire.as_floats(found.data), created_time=now)
            secret = Secret(
                versions={1: first}, current_version=1, oldest_version=1, created_time=now, updated_time=now
            )
            keep(call, name.removeprefix(v1.PREFIX), secret)
        call.storage.delete(name)


def paths(profile: str) -> tuple[Path[Any, Any], ...]:
    """The paths of the engine, as a profile has them."""
    openbao = profile == "openbao"
    profiles = (profile,)

    def versions(name: str, text: str, handler: Callable[[Call, v2_data.VersionsArgs], Result]) -> Path[Any, Any]:
        return Path(f"{name}/{{path}}", v2_data.VersionsArgs, text, write=handler, profiles=profiles)

    own = (
        Path(
            "detailed-metadata/{path}",
            v2_metadata.ListArgs,
            "List secrets with their metadata.",
            list=v2_metadata.list_details,
            scan=v2_metadata.scan_details,
            exists=v2_data.exists,
            profiles=profiles,
        ),
    )
    return (
        Path(
            "config",
            ConfigArgs,
            "Read or change the settings that hold for all secrets of the mount.",
            only=() if openbao else _VAULT_CONFIG,
            read=read_config,
            write=write_config,
            profiles=profiles,
        ),
        Path(
            "data/{path}",
            v2_data.DataArgs,
            "Read a version of a secret, write or patch it to a new one, or delete the current one.",
            description="Deleted versions can be undeleted. A patch is a JSON merge patch of the current version.",
            read=v2_data.read,
            write=v2_data.write,
            patch=v2_data.patch,
            delete=v2_data.delete,
            exists=v2_data.exists,
            profiles=profiles,
        ),
        Path(
            "metadata/{path}",
            v2_metadata.MetadataArgs,
            "Read or change what holds for all versions of a secret, remove it for good, or list secrets.",
            only=() if openbao else _VAULT_METADATA,
            read=v2_metadata.read,
            write=v2_metadata.write,
            patch=v2_metadata.patch,
            delete=v2_metadata.delete,
            list=v2_metadata.list_keys,
            scan=v2_metadata.scan_keys if openbao else None,
            exists=v2_data.exists,
            profiles=profiles,
        ),
        *(own if openbao else ()),
        versions("delete", "Delete versions of a secret; this can be undone.", v2_data.delete_versions),
        versions("undelete", "Bring deleted versions of a secret back.", v2_data.undelete_versions),
        versions("destroy", "Remove the data of versions of a secret for good.", v2_data.destroy_versions),
        Path(
            "subkeys/{path}",
            v2_data.SubkeysArgs,
            "Read the structure of a secret, with null for each value.",
            read=v2_data.read_subkeys,
            profiles=profiles,
        ),
        Path(
            "{path}",
            AnyArgs,
            "No such path; there are those above.",
            read=no_such_path,
            write=no_such_path,
            patch=no_such_path,
            delete=no_such_path,
            list=no_such_path,
            scan=no_such_path if openbao else None,
            arbitrary=True,
            unpublished=True,
            profiles=profiles,
        ),
    )


ENGINE_V2 = Engine(
    type="kv",
    help="Store secrets of any form, and keep their old versions.",
    paths=paths("vault") + paths("openbao"),
    leased=False,
    initialize=upgrade,
)
