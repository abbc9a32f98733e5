"""The versioned store's handlers for metadata: what holds for all versions of a secret, and the lists of secrets."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import msgspec

from sandboxd.engines.kv.lists import folder, listed, page, scan
from sandboxd.engines.kv.secret import (
    PREFIX,
    Config,
    Secret,
    config_of,
    custom_json,
    find,
    keep,
    metadata_json,
)
from sandboxd.vault.durations import rfc3339
from sandboxd.vault.errors import fail, refuse
from sandboxd.vault.errors import listed as listed_errors
from sandboxd.vault.framework.backend import Call, Response, Result
from sandboxd.vault.framework.fields import AnyRest, Duration, param
from sandboxd.vault.framework.lenient import decode_string
from sandboxd.vault.gotext import quote

SETTINGS = ("cas_required", "custom_metadata", "delete_version_after", "max_versions", "metadata_cas_required")
"""What can be set for a secret as a whole."""

MAX_CUSTOM_KEYS = 64
MAX_CUSTOM_KEY = 128  # bytes
MAX_CUSTOM_VALUE = 512  # bytes
_UINT32 = 1 << 32


@dataclass(frozen=True, kw_only=True)
class ListArgs:
    path: AnyRest = param(help="Location of the secret, or the folder to list.")
    after: str = param("", "List what sorts after this key only; it need not be there.")
    limit: int = param(0, "How many keys to list at most; all when 0 or less.")


@dataclass(frozen=True, kw_only=True)
class MetadataArgs(ListArgs):
    cas_required: bool = param(False, "Take no write of this secret without the `cas` option.")
    metadata_cas_required: bool = param(False, "Take no write of this metadata without `metadata_cas`.")
    max_versions: int = param(0, "How many versions to keep; 0 for what the mount says.")
    delete_version_after: Duration = param(
        0, "How long until a version deletes itself, if the mount does not say less; 0 for what the mount says."
    )
    custom_metadata: dict[str, Any] = param(factory=dict, help="Text for any use, by key; it has no versions.")
    metadata_cas: int = param(0, "Do the write only if this is the metadata's current version (0: if there is none).")


def read(call: Call, args: MetadataArgs) -> Result:
    secret = find(call, args.path)
    return None if secret is None else msgspec.Raw(metadata_json(secret, call.profile))


def write(call: Call, args: MetadataArgs) -> None:
    settings = call.given.intersection(SETTINGS)
    if not settings:
        return
    config = config_of(call)
    changes: dict[str, Any] = {name: getattr(args, name) for name in settings}
    if "custom_metadata" in changes:
        changes["custom_metadata"] = checked_custom(args.custom_metadata)
        changes["custom_json"] = custom_json(changes["custom_metadata"])
    if "max_versions" in changes:
        changes["max_versions"] %= _UINT32  # as the real server's conversion does, also with negative numbers
    warn_of_mandates(call, args, config, settings)
    secret = find(call, args.path)
    check_metadata_cas(call, args, config, secret)
    now = rfc3339(call.clock.now_ns())
    if secret is None:
        secret = Secret(created_time=now, updated_time=now)
    number = secret.metadata_version + 1
    keep(call, args.path, msgspec.structs.replace(secret, metadata_version=number, updated_time=now, **changes))


def patch(call: Call, args: MetadataArgs) -> Result:
    settings = call.given.intersection(SETTINGS)
    if not settings:
        return None
    if "custom_metadata" in settings:
        checked_custom({key: value for key, value in args.custom_metadata.items() if value is not None})
    config, secret = config_of(call), find(call, args.path)
    if secret is None:
        return Response(status=404, body=b"")
    check_metadata_cas(call, args, config, secret)
    warn_of_mandates(call, args, config, settings)
    changes = {name: getattr(args, name) for name in settings}
    if "custom_metadata" in changes:
        changes["custom_metadata"] = patched_custom(call, secret, args.custom_metadata)
        changes["custom_json"] = custom_json(changes["custom_metadata"])
    if not 0 <= args.max_versions < _UINT32:
        fail(f"json: cannot unmarshal number {args.max_versions} into Go struct field .max_versions of type uint32")
    if not args.delete_version_after:
        changes.pop("delete_version_after", None)  # 0 changes nothing in the real server, only a write does
    now = rfc3339(call.clock.now_ns())
    number = secret.metadata_version + 1
    keep(call, args.path, msgspec.structs.replace(secret, metadata_version=number, updated_time=now, **changes))
    return None


def delete(call: Call, args: MetadataArgs) -> None:
    call.storage.delete(PREFIX + args.path.rstrip("/"))


def list_keys(call: Call, args: ListArgs) -> Result:
    return listed(page(call.storage.list(folder(PREFIX, args.path)), args.after, args.limit))


def scan_keys(call: Call, args: ListArgs) -> Result:
    return listed(scan(call, folder(PREFIX, args.path)))


def list_details(call: Call, args: ListArgs) -> Result:
    return detailed(call, args.path, page(call.storage.list(folder(PREFIX, args.path)), args.after, args.limit))


def scan_details(call: Call, args: ListArgs) -> Result:
    return detailed(call, args.path, scan(call, folder(PREFIX, args.path)))


def detailed(call: Call, path: str, keys: list[str]) -> dict[str, Any]:
    """A list of keys with their metadata; a folder has that of the secret of the same name, if there is one."""
    if not keys:
        return {}
    top = folder("", path)
    info: dict[str, Any] = {}
    for key in keys:
        secret = find(call, top + key)
        info[key] = {} if secret is None else msgspec.Raw(metadata_json(secret, call.profile))
    return {"keys": keys, "key_info": info}


def check_metadata_cas(call: Call, args: MetadataArgs, config: Config, secret: Secret | None) -> None:
    """Raise Refusal unless `metadata_cas`, if given or required, is the metadata's version."""
    if "metadata_cas" not in call.given:
        if config.metadata_cas_required or (secret is not None and secret.metadata_cas_required):
            refuse("metadata check-and-set parameter required for this call")
    elif secret is None and args.metadata_cas != 0:
        refuse("metadata_cas must be 0 when creating new metadata")
    elif secret is not None and args.metadata_cas != secret.metadata_version:
        refuse("metadata check-and-set parameter does not match the current version")


def warn_of_mandates(call: Call, args: MetadataArgs, config: Config, settings: Collection[str]) -> None:
    """Warn of settings that the mount overrules."""
    for name in ("cas_required", "metadata_cas_required"):
        if name in settings and getattr(config, name) and not getattr(args, name):
            call.warn(f'"{name}" set to false, but is mandated by backend config. This value will be ignored.')


def checked_custom(sent_metadata: dict[str, Any]) -> dict[str, str]:
    """Custom metadata as text. Raises Refusal for what is none, or is too much, too long or cannot be printed."""
    try:
        custom = {key: decode_string(value) for key, value in sorted(sent_metadata.items())}
    except ValueError as error:
        refuse(f"custom_metadata validation failed: {error}")
    problems = [f"custom_metadata validation failed: {problem}" for problem in custom_problems(custom)]
    if problems:
        refuse(listed_errors(problems))
    return custom


def custom_problems(custom: dict[str, str]) -> list[str]:
    """What is wrong with custom metadata, key by key."""
    if len(custom) > MAX_CUSTOM_KEYS:
        return [f"payload must contain at most {MAX_CUSTOM_KEYS} keys, provided {len(custom)}"]
    found: list[str] = []
    for key, value in custom.items():
        length = len(key.encode())
        if not 0 < length <= MAX_CUSTOM_KEY:
            found.append(f"length of key {quote(key)} is {length} but must be 0 < len(key) <= {MAX_CUSTOM_KEY}")
        length = len(value.encode())
        if not 0 < length <= MAX_CUSTOM_VALUE:
            found.append(
                f"length of value for key {quote(key)} is {length} but must be 0 < len(value) <= {MAX_CUSTOM_VALUE}"
            )
        if not key.isprintable():
            found.append(f"key {quote(key)} ({key}) contains unprintable characters")
        if not value.isprintable():
            found.append(f"value for key {quote(key)} contains unprintable characters")
    return found


def patched_custom(call: Call, secret: Secret, changes: dict[str, Any]) -> dict[str, str]:
    """Custom metadata after a merge patch. Raises Failure for numbers and booleans; only a write makes text of them."""
    if call.raw["custom_metadata"] is None:
        return {}
    custom = dict(secret.custom_metadata)
    for key, value in sorted(changes.items()):
        if value is None:
            custom.pop(key, None)
        elif isinstance(value, str):
            custom[key] = value
        else:
            kind = "bool" if isinstance(value, bool) else "number"
            fail(f"json: cannot unmarshal {kind} into Go struct field .custom_metadata.{key} of type string")
    return custom
