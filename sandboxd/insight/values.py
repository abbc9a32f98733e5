"""Whose a value is among the secrets of key/value engines, as they are now.

A value is found by an index of hashes, which is built when it is first asked for and learns of each write, so that a
question costs the same with ten thousand secrets. All that is told of a value is read from the secret itself. What a
secret lost for good goes to the ledger, so that it can be told from what never was: versions that were destroyed, with
their secret or alone, as *revoked*, and those that were written over or outnumbered as *superseded*. (Of the latter,
only the last ones are known from before the first question.)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from sandboxd.engines.kv import secret as v2
from sandboxd.engines.kv import v1
from sandboxd.vault.ledger import End, fingerprint

if TYPE_CHECKING:
    from sandboxd.vault.mounts import Mounted
    from sandboxd.vault.namespaces import Namespace
    from sandboxd.vault.world import World

MAX_UNSEEN = 2_000  # writes that are remembered until somebody asks
USER_FIELDS = ("username", "user")
"""Fields that name whom the other fields of the same secret are for."""

_MOUNTS = "mount/"
_FOLDERS = (v2.PREFIX, v1.PREFIX)

Kept = v2.Secret | v1.Document
_KINDS = (v2.Secret, v1.Document)


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A value in a secret.

    `path` is as clients read it, below `namespace`, and `name` the same without `data/`; nested fields are written
    `database.password`, and items of lists by their number. `version` is 0 where there are none; `current` is whether
    it is the latest one, `gone` whether it was deleted. Moments are RFC 3339, empty for none. `users`: the names of
    users in the same secret.
    """

    path: str
    name: str
    namespace: str
    field: str
    version: int = 0
    current: bool = True
    gone: bool = False
    created: str = ""
    replaced: str = ""
    deleted: str = ""
    metadata: dict[str, str] = {}
    users: tuple[str, ...] = ()


class Values:
    """The values in the secrets of one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._paths: dict[str, str | set[str]] | None = None  # by the value's fingerprint
        self._hashes: dict[str, frozenset[str]] = {}
        self._unseen: deque[tuple[str, Kept | None, Kept | None, int]] = deque()
        world.storage.watch(_KINDS, self._changed)

    def forget(self) -> None:
        """Begin anew, after the state was replaced."""
        self._paths = None
        self._hashes = {}
        self._unseen.clear()

    def _changed(self, path: str, old: Any, new: Any) -> None:
        """Take note of a write to the storage; None stands for nothing there."""
        now = self._world.clock.now_ns()
        if old is not None and (new is None or _same_version(old, new)):
            self._bury(path, old, new, now)  # at once: this is seldom
            old = None
        if old is None and self._paths is None:
            return
        self._unseen.append((path, old, new, now))
        if len(self._unseen) > MAX_UNSEEN:
            if self._paths is None:
                self._unseen.popleft()
            else:
                self._learn()

    def find(self, value: str) -> Iterator[Held]:
        """Where a value is."""
        if self._paths is None:
            self._build()
        self._learn()
        assert self._paths is not None
        paths = self._paths.get(fingerprint(value), ())
        for path in (paths,) if isinstance(paths, str) else paths:
            uuid, _, rest = path.removeprefix(_MOUNTS).partition("/")
            mounted = self._world.mounts.by_uuid(uuid)
            if mounted is not None:
                yield from self._held(mounted, rest.partition("/")[2], value)

    def at(self, namespace: Namespace, path: str, value: str) -> Iterator[Held]:
        """Where a value is in one secret. `path` is as `as_read` gives it."""
        found = self._world.mounts.find(namespace, path)
        if found is not None:
            mounted, below = found
            yield from self._held(mounted, below.removeprefix("data/") if _versioned(mounted) else below, value)

    def as_read(self, namespace: Namespace, path: str) -> str:
        """The path that clients read a secret at, given that or the one without `data/`; other paths stay the same."""
        path = path.strip("/")
        found = self._world.mounts.find(namespace, path)
        if found is None or not _versioned(found[0]) or found[1].startswith("data/"):
            return path
        return f"{found[0].mount.path}data/{found[1]}"

    def there(self, namespace: Namespace, path: str) -> bool:
        """Whether there is a secret. `path` is as `as_read` gives it."""
        found = self._world.mounts.find(namespace, path)
        if found is None:
            return False
        view, below = found[0].view, found[1]
        secret = view.get(v2.PREFIX + below.removeprefix("data/"))
        if not isinstance(secret, v2.Secret):
            return view.get(v1.PREFIX + below) is not None
        version = secret.versions.get(secret.current_version)
        return version is not None and not version.destroyed and not version.deleted(self._world.clock.now_ns())

    def _held(self, mounted: Mounted, path: str, value: str) -> Iterator[Held]:
        for folder in _FOLDERS:
            kept = mounted.view.get(folder + path)
            if isinstance(kept, v1.Document):
                document = msgspec.json.decode(kept.data)
                for field in fields_of(document, value):
                    yield Held(
                        path=mounted.mount.path + path,
                        name=mounted.mount.path + path,
                        namespace=mounted.namespace.path,
                        field=field,
                        users=_users(document),
                    )
            elif isinstance(kept, v2.Secret):
                yield from self._versions(mounted, path, kept, value)

    def _versions(self, mounted: Mounted, path: str, secret: v2.Secret, value: str) -> Iterator[Held]:
        now = self._world.clock.now_ns()
        for number in sorted(secret.versions, reverse=True):
            version = secret.versions[number]
            if version.data is None:
                continue
            document = msgspec.json.decode(version.data)
            following = secret.versions.get(number + 1)
            for field in fields_of(document, value):
                yield Held(
                    path=f"{mounted.mount.path}data/{path}",
                    name=mounted.mount.path + path,
                    namespace=mounted.namespace.path,
                    field=field,
                    version=number,
                    current=number == secret.current_version,
                    gone=version.deleted(now),
                    created=version.created_time,
                    replaced="" if following is None else following.created_time,
                    deleted=version.deletion_time,
                    metadata=secret.custom_metadata,
                    users=_users(document),
                )

    # The index

    def _build(self) -> None:
        self._paths = {}
        storage = self._world.storage
        mounts = [name for name in storage.list(_MOUNTS) if name.endswith("/")]
        for folder in (f"{_MOUNTS}{name}{below}" for name in mounts for below in _FOLDERS):
            for path in storage.walk(folder):
                self._enter(path, storage.get(path))

    def _learn(self) -> None:
        """Take in the writes that were noted."""
        unseen, self._unseen = self._unseen, deque()
        for path, before, after, at in unseen:
            if before is not None:
                self._bury(path, before, after, at)
        if self._paths is not None:
            for path in dict.fromkeys(path for path, *_ in unseen):
                self._enter(path, self._world.storage.get(path))

    def _enter(self, path: str, kept: object) -> None:
        """Have the index know what a secret holds now."""
        paths = self._paths
        assert paths is not None
        old = self._hashes.pop(path, frozenset())
        texts = [data for data in _contents(kept).values() if data] if isinstance(kept, _KINDS) else []
        new = frozenset(fingerprint(value) for data in texts for value, _ in strings(msgspec.json.decode(data)))
        if new:
            self._hashes[path] = new
        for key in old - new:
            known = paths[key]
            if isinstance(known, str):
                del paths[key]
            else:
                known.discard(path)
                if len(known) == 1:
                    paths[key] = known.pop()
        for key in new - old:
            known = paths.setdefault(key, path)
            if isinstance(known, set):
                known.add(path)
            elif known != path:
                paths[key] = {known, path}

    def _bury(self, path: str, before: Kept, after: Kept | None, at: int) -> None:
        """Enter into the ledger what a secret has no more since a moment."""
        old, new = _contents(before), {} if after is None else _contents(after)
        lost = [data for number, data in old.items() if data is not None and new.get(number) is not data]
        uuid, _, rest = path.removeprefix(_MOUNTS).partition("/")
        mounted = self._world.mounts.by_uuid(uuid) if lost else None
        if mounted is None:
            return
        left = {value for data in new.values() if data for value, _ in strings(msgspec.json.decode(data))}
        folder, _, below = rest.partition("/")
        name = f"{mounted.mount.path}{'data/' if f'{folder}/' == v2.PREFIX else ''}{below}"
        how: End = "revoked" if after is None or _same_version(before, after) else "superseded"
        for value, field in (each for data in lost for each in strings(msgspec.json.decode(data))):
            if value not in left:
                self._world.ledger.lost(value, path=name, field=field, namespace=mounted.namespace.path, how=how, at=at)


def fields_of(document: Any, value: str) -> Iterator[str]:
    """The fields of a secret that hold a value."""
    return (field for found, field in strings(document) if found == value)


def strings(document: Any) -> Iterator[tuple[str, str]]:
    """The texts in a secret that are not empty, each with its field."""
    todo: list[tuple[Any, str]] = [(document, "")]
    while todo:
        found, field = todo.pop()
        if isinstance(found, str):
            if found and field:
                yield found, field
        elif isinstance(found, dict | list):
            items = found.items() if isinstance(found, dict) else enumerate(found)
            todo.extend((inner, f"{field}.{name}" if field else str(name)) for name, inner in items)


def _contents(kept: Kept) -> dict[int, bytes | None]:
    """What a secret holds, by version."""
    if isinstance(kept, v1.Document):
        return {0: kept.data}
    return {number: version.data for number, version in kept.versions.items()}


def _versioned(mounted: Mounted) -> bool:
    return mounted.entry.type in ("kv", "generic") and mounted.mount.options.get("version") == "2"


def _users(document: Any) -> tuple[str, ...]:
    found = (document.get(name) for name in USER_FIELDS) if isinstance(document, dict) else ()
    return tuple(each for each in found if isinstance(each, str) and each)


def _same_version(before: Kept, after: Kept) -> bool:
    """Whether a change of a secret was no new version of it: then what is gone was destroyed."""
    if isinstance(before, v1.Document) or isinstance(after, v1.Document):
        return False
    return before.current_version == after.current_version
