"""The key/value store, version 1: one document at each path, kept as the client wrote it.

A document may hold a `ttl` (or `lease`): it is answered as the lease duration, a hint when to read again. Nothing
expires.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from sandboxd.engines.kv.lists import folder, listed, scan
from sandboxd.vault.durations import parse_seconds
from sandboxd.vault.errors import refuse
from sandboxd.vault.framework import wire
from sandboxd.vault.framework.backend import Call, Engine, Lease, Path, Response, Result
from sandboxd.vault.framework.fields import AnyRest, param
from sandboxd.vault.framework.numbers import Number
from sandboxd.vault.framework.records import write_document

PREFIX = "plain/"
"""Where the documents lie in the mount's storage."""


class Document(msgspec.Struct, frozen=True):
    """What a client wrote, as JSON, and the seconds that its `ttl` says; None for what the mount says."""

    data: bytes
    ttl: int | None = None


@dataclass(frozen=True, kw_only=True)
class PathArgs:
    path: AnyRest = param(help="Location of the secret.")


def read(call: Call, args: PathArgs) -> Result:
    found = call.storage.get(PREFIX + args.path, Document)
    if found is None:
        return None
    ttl = call.mount.bounds.default_ttl if found.ttl is None else found.ttl
    return Response(data=msgspec.Raw(found.data), lease=Lease(ttl=ttl, renewable=False))


def write(call: Call, args: PathArgs) -> None:
    if not args.path:
        refuse("missing path")
    data = call.request.data  # without the path, which `call.raw` has too
    if not data:
        refuse("missing data fields")
    write_document(call, PREFIX + args.path, Document(wire.encode(data), hinted_ttl(data)))


def hinted_ttl(data: Mapping[str, Any]) -> int | None:
    """The seconds that a document's `ttl`, or else its `lease`, means; None for none, or for what is no duration."""
    for name in ("ttl", "lease"):
        if name in data:
            try:
                return parse_seconds(str(data[name]) if isinstance(data[name], Number) else data[name])
            except ValueError:
                return None
    return None


def delete(call: Call, args: PathArgs) -> None:
    call.storage.delete(PREFIX + args.path)


def list_keys(call: Call, args: PathArgs) -> Result:
    return listed(call.storage.list(folder(PREFIX, args.path)))


def scan_keys(call: Call, args: PathArgs) -> Result:
    return listed(scan(call, folder(PREFIX, args.path)))


def exists(call: Call, args: PathArgs) -> bool:
    return call.storage.get(PREFIX + args.path) is not None


def secrets(profile: str) -> Path[Call, PathArgs]:
    """The one path of the engine, as a profile has it."""
    return Path(
        "{path}",
        PathArgs,
        "Read, write, list and delete secrets.",
        description="A `ttl` in a secret is answered as its lease duration: a hint when to read it again.",
        read=read,
        write=write,
        delete=delete,
        list=list_keys,
        scan=scan_keys if profile == "openbao" else None,
        exists=exists,
        profiles=(profile,),
    )


ENGINE = Engine(
    type="kv",
    help="Store secrets of any form, one at each path.",
    paths=(secrets("vault"), secrets("openbao")),
    leased=False,
)
