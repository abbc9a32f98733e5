"""What a state holds, by name, and what is different between two of them. Never a value.

An **object** is what a user knows by a name: a mount, a policy, a secret, a token. It is made of the stored values that
belong to it, by which two states are compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

import msgspec

from sandboxd.engines.kv.secret import PREFIX as VERSIONED
from sandboxd.engines.kv.v1 import PREFIX as PLAIN
from sandboxd.rotation import Rotating
from sandboxd.vault.clock import NANOSECONDS, ClockState
from sandboxd.vault.durations import rfc3339
from sandboxd.vault.lease_entry import LeaseEntry
from sandboxd.vault.mounts import MountEntry
from sandboxd.vault.namespaces import Namespace
from sandboxd.vault.storage import Snapshot
from sandboxd.vault.timeline import CLOCK
from sandboxd.vault.tokens import Token


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One difference. `before` and `after` tell more where there is more to tell, such as a secret's version."""

    kind: str
    change: Literal["added", "changed", "removed"]
    name: str
    before: str = ""
    after: str = ""


class Object(NamedTuple):
    """One object: the values that it is made of, by where they lie, and what else is told of it."""

    values: dict[str, object]
    about: str = ""


Objects = Mapping[tuple[str, str], Object]
"""All objects of a state, by kind and name."""

# Where the storage keeps what has a name of its own, and the kind that it is told as.
_NAMED = (
    ("core/audit/device/", "audit device", "path"),
    ("core/identity/entity/", "entity", "name"),
    ("core/identity/group/", "group", "name"),
    ("core/quotas/rate-limit/", "quota", "name"),
)
# What follows from other things, and what only the sandbox itself is about.
_SILENT = (
    "core/lease/by-token/",
    "core/ledger/",
    "core/token/",
    "core/wrapped/",
    "core/timer/rotation/",
    "sandboxd/fixture",
)
_NAMESPACED = (("policy/acl/", "policy"), ("password-policy/", "password policy"))
# What an engine or auth method keeps, by the first folder.
_KINDS = {
    "config": "config",
    "groups": "group",
    "key": "key",
    "keys": "key",
    "role": "role",
    "roles": "role",
    "secret_id": "secret ID",
    "static-role": "role",
    "static-roles": "role",
    "user": "user",
    "users": "user",
}
_LOOKUPS = ("accessor/", "role_id/", "tidied")


def differences(before: Snapshot, after: Snapshot) -> list[Change]:
    """What was added, changed and removed on the way from one state to another, by kind and name."""
    old, new = objects(before), objects(after)
    found = []
    for kind, name in sorted(old.keys() | new.keys()):
        was, now = old.get((kind, name)), new.get((kind, name))
        if was is None or now is None or was.values != now.values:
            before_text = "" if was is None else was.about
            after_text = "" if now is None else now.about
            change = _change(was, now)
            found.append(Change(kind=kind, change=change, name=name, before=before_text, after=after_text))
    return found


def _change(was: Object | None, now: Object | None) -> Literal["added", "changed", "removed"]:
    return "added" if was is None else "removed" if now is None else "changed"


def objects(snapshot: Snapshot) -> Objects:
    """All that a state holds."""
    found: dict[tuple[str, str], Object] = {}
    for kind, name, place, value, about in _Reader(snapshot).read():
        known = found.get((kind, name))
        if known is None:
            found[kind, name] = Object({place: value}, about)
        else:
            known.values[place] = value
            if about and not known.about:
                found[kind, name] = Object(known.values, about)
    return found


_Row = tuple[str, str, str, object, str]  # kind, name, place, value, about


class _Reader:
    """Reads the storage of one state, in which mounts, namespaces and tokens are known by their ids."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._values = snapshot.values
        self._at = snapshot.at
        self._namespaces = {"root": ""}
        self._mounts: dict[str, str] = {}
        mounts = []
        for value in self._values.values():
            if isinstance(value, Namespace):
                self._namespaces[value.id] = value.path
            elif isinstance(value, MountEntry):
                mounts.append(value)
        for entry in mounts:
            self._mounts[entry.uuid] = self._in_namespace(entry.namespace_id, entry.route)

    def _in_namespace(self, namespace_id: str, name: str) -> str:
        return self._namespaces.get(namespace_id, f"{namespace_id}/") + name

    def read(self) -> Iterator[_Row]:
        for path, value in self._values.items():
            row = self._row(path, value)
            if row is not None:
                yield row
        if not isinstance(self._values.get(CLOCK), ClockState):
            yield "clock", "clock", CLOCK, None, "real time"

    def _row(self, path: str, value: Any) -> _Row | None:
        if isinstance(value, Token):
            return "token", value.accessor, path, value, value.display_name
        if isinstance(value, LeaseEntry):
            if value.auth is None:
                return "lease", self._in_namespace(value.namespace_id, value.id), path, value, ""
            token = self._values.get(f"core/token/id/{value.token}")
            return ("token", token.accessor, "lease", value, "") if isinstance(token, Token) else None
        if isinstance(value, MountEntry):
            kind = "auth method" if value.table == "auth" else "mount"
            return kind, self._mounts[value.uuid], "entry", value, value.type
        if isinstance(value, Namespace):
            return "namespace", value.path, path, value, ""
        if isinstance(value, ClockState):
            return "clock", "clock", path, value, self._clock(value)
        if path.startswith("mount/"):
            return self._stored(path, value)
        if path.startswith(_SILENT):
            return None
        return self._system(path, value)

    def _clock(self, state: ClockState) -> str:
        pace = "frozen" if not state.scale else "" if state.scale == 1 else f"{state.scale:g} times as fast"
        return ", ".join(filter(None, (rfc3339(self._at // NANOSECONDS * NANOSECONDS), pace)))

    def _stored(self, path: str, value: Any) -> _Row | None:
        """What an engine or auth method keeps."""
        _, uuid, inner = path.split("/", 2)
        mount = self._mounts.get(uuid, f"{uuid}/")
        if inner.startswith(VERSIONED):
            version = getattr(value, "current_version", 0)
            return "secret", mount + inner[len(VERSIONED) :], inner, value, f"version {version}"
        if inner.startswith(PLAIN):
            return "secret", mount + inner[len(PLAIN) :], inner, value, ""
        if inner.startswith(_LOOKUPS):
            return None
        return _KINDS.get(inner.partition("/")[0], "entry"), mount + inner, inner, value, ""

    def _system(self, path: str, value: Any) -> _Row:
        """What the system keeps."""
        for prefix, kind, field in _NAMED:
            if path.startswith(prefix):
                name = getattr(value, field, "") or path[len(prefix) :]
                return kind, self._in_namespace(getattr(value, "namespace_id", "root"), name), path, value, ""
        if path.startswith("core/cubbyhole/"):
            hashed = path.split("/")[2]
            token = self._values.get(f"core/token/id/{hashed}")
            return "cubbyhole", token.accessor if isinstance(token, Token) else hashed, path, value, ""
        if path.startswith("core/timer/"):
            owner, _, name = path.removeprefix("core/timer/").partition("/")
            return "timer", self._mounts.get(owner, f"{owner}/") + name, name, value, ""
        if isinstance(value, Rotating):
            return "rotation", value.plan.namespace + value.plan.path, path, value, ""
        if path.startswith("ns/"):
            _, namespace_id, rest = path.split("/", 2)
            for prefix, kind in _NAMESPACED:
                if rest.startswith(prefix):
                    return kind, self._in_namespace(namespace_id, rest[len(prefix) :]), rest, value, ""
            return "setting", self._in_namespace(namespace_id, rest), rest, value, ""
        return "setting", path.removeprefix("core/"), path, value, ""
