"""What a kind of fault takes, in words: read off its declaration."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import NamedTuple, cast

from msgspec import NODEFAULT
from msgspec import inspect as mi

from sandboxd.chaos.kinds import kind_name
from sandboxd.chaos.model import CHECKED, Fault

DEPTHS = {
    "door": "at the listener, before there is a request: aim at a node, or the client's address",
    "request": "at each request that it is aimed at",
    "state": "it changes the state when it begins, for everybody, and puts it back when it ends",
}


class Key(NamedTuple):
    """Something that a fault takes."""

    name: str
    default: str
    help: str


def keys(kind: type[Fault]) -> tuple[list[Key], list[Key]]:
    """What a kind takes: its own keys, and those that all faults have."""
    common = set(Fault.__struct_encode_fields__)
    found = [_key(each) for each in cast("mi.StructType", mi.type_info(kind)).fields]
    return [key for key in found if key.name not in common], [key for key in found if key.name in common]


def _key(field: mi.Field) -> Key:
    wanted, told, form = field.type, "", ""
    while isinstance(wanted, mi.Metadata):
        told = told or (wanted.extra_json_schema or {}).get("description", "")
        form = form or (wanted.extra or {}).get(CHECKED, ("", ""))[1]
        wanted = wanted.type
    values = form or ", ".join(_literals(wanted))
    default = field.default if field.default is not NODEFAULT else ""
    shown = "" if default in ((), "", 0, None) else str(default)
    return Key(field.encode_name, shown, told.removesuffix(".") + (f": {values}" if values else ""))


def _literals(wanted: mi.Type) -> Iterator[str]:
    if isinstance(wanted, mi.LiteralType):
        yield from map(str, wanted.values)
    elif isinstance(wanted, mi.UnionType):
        for each in wanted.types:
            yield from _literals(each)


def reference(kind: type[Fault]) -> str:
    """A kind of fault as a page: what it does, and what it takes."""
    own, common = keys(kind)
    width = max(len(key.name) for key in (*own, *common))
    lines = [f"{kind_name(kind)}: {kind.HELP}", "", inspect.getdoc(kind) or "", f"Depth: {DEPTHS[kind.DEPTH]}.", ""]
    for title, part in (("Its own", own), ("Aim and limits", common)):
        if part:
            lines.append(f"{title}:")
            lines += [_line(key, width) for key in part]
            lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _line(key: Key, width: int) -> str:
    default = f" ({key.default} without)" if key.default else ""
    return f"  {key.name:<{width}}  {key.help}{default}"
