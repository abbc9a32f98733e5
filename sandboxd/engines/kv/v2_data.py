"""The versioned store's handlers for data: to read, write, patch, delete, undelete and destroy versions."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from sandboxd.engines.kv.secret import (
    Secret,
    Version,
    add_version,
    check_cas,
    config_of,
    deletion,
    find,
    keep,
    version_json,
)
from sandboxd.vault.errors import fail, refuse
from sandboxd.vault.framework import wire
from sandboxd.vault.framework.backend import Call, Response, Result
from sandboxd.vault.framework.fields import AnyRest, CommaInts, param


@dataclass(frozen=True, kw_only=True)
class DataArgs:
    path: AnyRest = param(help="Location of the secret.")
    version: int = param(0, "The version to read; the current one when not given.")
    options: dict[str, Any] = param(
        factory=dict,
        help="Options of the write. With `cas` it is done only if that is the current version (0: if there is none).",
    )
    data: dict[str, Any] = param(factory=dict, help="The secret itself.")


@dataclass(frozen=True, kw_only=True)
class VersionsArgs:
    path: AnyRest = param(help="Location of the secret.")
    versions: CommaInts = param((), "The numbers of the versions.")


@dataclass(frozen=True, kw_only=True)
class SubkeysArgs:
    path: AnyRest = param(help="Location of the secret.")
    version: int = param(0, "The version to read; the current one when not given.")
    depth: int = param(0, "How many levels of keys to show; 0 for all.")


def exists(call: Call, args: Any) -> bool:
    """Whether there is a secret at the path, deleted or not."""
    return find(call, args.path) is not None


def read(call: Call, args: DataArgs) -> Result:
    found = versioned(call, args.path, args.version)
    if found is None:
        return None
    secret, number, version = found
    data, facts = readable(call, args.path, version), version_json(secret, number, version)
    if data is None:
        return Response(data=msgspec.Raw(b'{"data":null,"metadata":%b}' % facts), status=404)
    return msgspec.Raw(b"".join((b'{"data":', data, b',"metadata":', facts, b"}")))


def read_subkeys(call: Call, args: SubkeysArgs) -> Result:
    found = versioned(call, args.path, args.version)
    if found is None:
        return None
    secret, number, version = found
    data, facts = readable(call, args.path, version), version_json(secret, number, version)
    if data is None:
        return Response(data=msgspec.Raw(b'{"metadata":%b,"subkeys":null}' % facts), status=404)
    keys = wire.encode(subkeys(wire.decode(data), args.depth))
    return msgspec.Raw(b'{"metadata":%b,"subkeys":%b}' % (facts, keys))


def versioned(call: Call, path: str, wanted: int) -> tuple[Secret, int, Version] | None:
    """The secret at a path, and the number and value of the wanted version; None when either is not there."""
    secret = find(call, path)
    if secret is None:
        return None
    number, version = secret.version(wanted)
    return None if version is None else (secret, number, version)


def readable(call: Call, path: str, version: Version) -> bytes | None:
    """A version's data, or None when it is deleted or destroyed."""
    if version.destroyed or version.deleted(call.clock.now_ns()):
        return None
    if path.endswith("/"):
        fail("could not find version data")  # the real server finds the secret without the slash, but not its data
    return version.data


def write(call: Call, args: DataArgs) -> Result:
    if "data" not in call.given:
        refuse("no data provided")
    config, secret = config_of(call), find(call, args.path)
    check_cas(args.options, config, secret)
    return add_version(call, args.path, config, secret, encoded(call, args.data))


def patch(call: Call, args: DataArgs) -> Result:
    if "data" not in call.given:
        refuse("no data provided")
    secret = find(call, args.path)
    if secret is None:
        return Response(status=404, body=b"")
    config = config_of(call)
    check_cas(args.options, config, secret)
    number, version = secret.version(0)
    if version is None:
        return Response(status=404, body=b"")
    data = readable(call, args.path, version)
    if data is None:
        return Response(data=msgspec.Raw(version_json(secret, number, version)), status=404)
    document = wire.decode(data)
    if document is None:
        fail("resource does not exist")
    return add_version(call, args.path, config, secret, encoded(call, merged(document, args.data)))


def encoded(call: Call, data: dict[str, Any]) -> bytes:
    """A version's data as it is kept. When the client sent null for it, it is null, not an empty object."""
    return b"null" if call.raw["data"] is None else wire.as_floats(wire.encode(data))


def delete(call: Call, args: DataArgs) -> None:
    found = versioned(call, args.path, 0)
    if found is None:
        return
    secret, number, version = found
    now = call.clock.now_ns()
    if not version.destroyed and not version.deleted(now):
        keep(call, args.path, secret.with_versions({number: version.deleting(now)}))


def delete_versions(call: Call, args: VersionsArgs) -> None:
    if not args.versions:
        refuse("No version number provided")

    def changed(_: Secret, version: Version) -> Version:
        now = call.clock.now_ns()
        return version if version.deleted(now) else version.deleting(now)

    change(call, args, changed)


def undelete_versions(call: Call, args: VersionsArgs) -> None:
    if not args.versions:
        refuse("No version number provided")
    config = config_of(call)
    change(call, args, lambda secret, version: version.deleting(deletion(config, secret, call.clock.now_ns())))


def destroy_versions(call: Call, args: VersionsArgs) -> None:
    if not args.versions:
        refuse("no version number provided")
    change(call, args, lambda _, version: msgspec.structs.replace(version, data=None, destroyed=True))


def change(call: Call, args: VersionsArgs, changed: Callable[[Secret, Version], Version]) -> None:
    """Replace those of the named versions that are there and not destroyed."""
    secret = find(call, args.path)
    if secret is None:
        return
    found = {number: secret.versions[number] for number in args.versions if number in secret.versions}
    kept = {number: changed(secret, version) for number, version in found.items() if not version.destroyed}
    keep(call, args.path, secret.with_versions(kept))


def subkeys(document: dict[str, Any] | None, depth: int) -> dict[str, Any] | None:
    """A document's keys with null for every value; objects below `depth` levels are values too (0: there are none)."""
    if document is None:
        return None
    shown: dict[str, Any] = {}
    todo = [(document, shown, 1)]
    while todo:
        source, target, level = todo.pop()
        for key, value in source.items():
            target[key] = None
            if isinstance(value, dict) and value and (depth == 0 or level < depth):
                target[key] = {}
                todo.append((value, target[key], level + 1))
    return shown


def merged(document: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The document, which is changed in place, after a merge patch (RFC 7396): null removes, objects are merged."""
    todo = [(document, changes)]
    while todo:
        target, patches = todo.pop()
        for key, value in patches.items():
            if value is None:
                target.pop(key, None)
            elif isinstance(value, dict) and isinstance(target.get(key), dict):
                todo.append((target[key], value))
            else:
                target[key] = pruned(value)
    return document


def pruned(value: Any) -> Any:
    """A copy of a value without the members of objects that are null, also inside arrays, as the real server does."""
    root = [value]
    todo: list[Any] = [root]
    while todo:
        box = todo.pop()
        for key, item in box.items() if isinstance(box, dict) else enumerate(box):
            if isinstance(item, dict):
                box[key] = {name: inner for name, inner in item.items() if inner is not None}
                todo.append(box[key])
            elif isinstance(item, list):
                box[key] = list(item)
                todo.append(box[key])
    return root[0]
