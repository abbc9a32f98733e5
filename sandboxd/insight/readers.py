"""Who read what last: for each path of a secrets engine, the tokens that read it, which version, and when.

A **reader** is a token that was given what lies at a path; of batch tokens, which have no accessor, those of one login
count as one. It is kept in memory alone and forgotten with the state: paths and readers that were not seen for longest
make room for new ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from sandboxd.engines.kv.secret import PREFIX, Secret
from sandboxd.vault.framework.lenient import decode_int

if TYPE_CHECKING:
    from sandboxd.vault.framework.backend import Response
    from sandboxd.vault.request import Request
    from sandboxd.vault.routing import Route
    from sandboxd.vault.storage import Storage
    from sandboxd.vault.tokens import Token
    from sandboxd.vault.world import World

MAX_PATHS = 10_000
MAX_READERS = 100  # of one path
_DATA = "data/"


class Reader(msgspec.Struct, frozen=True, kw_only=True):
    """What a token read last at a path. `version` is 0 where there are none; `at` is in nanoseconds since 1970."""

    accessor: str
    display_name: str
    entity_id: str
    metadata: Mapping[str, str]
    version: int
    at: int


class _Seen:
    """One path of a mount. `kept` is where the storage has the secret, when it is a versioned one's data."""

    __slots__ = ("at", "kept", "mount", "readers")

    def __init__(self, mount: str, kept: str) -> None:
        self.mount = mount
        self.kept = kept
        self.at = 0
        self.readers: dict[str, tuple[Token, int, int]] = {}


class Readers:
    """The readers of one world.

    Args:
        paths, readers: how many paths, and readers of one path, are remembered.
    """

    def __init__(self, world: World, *, paths: int = MAX_PATHS, readers: int = MAX_READERS) -> None:
        self._storage = world.storage
        self._clock = world.clock
        self._namespaces = world.namespaces
        self._most_paths = paths
        self._most_readers = readers
        self._paths: dict[tuple[str, str], _Seen] = {}

    def of(self, namespace: str, path: str) -> tuple[Reader, ...]:
        """Who read a path, the latest first.

        Args:
            namespace: its path; empty for the root.
            path: as it is read, `secret/data/app` where there are versions.
        """
        where = self._namespaces.at(namespace)
        seen = None if where is None else self._paths.get((where.id, path.strip("/")))
        if seen is None:
            return ()
        found = sorted(seen.readers.values(), key=_moment, reverse=True)
        return tuple(
            Reader(
                accessor=token.accessor,
                display_name=token.display_name,
                entity_id=token.entity_id,
                metadata=token.meta or {},
                version=version,
                at=at,
            )
            for token, version, at in found
        )

    def forget(self) -> None:
        """Forget all of it."""
        self._paths = {}

    def answered(
        self, request: Request, route: Route, token: Token, response: Response, *, storage: Storage | None = None
    ) -> None:
        """Note who was given what, if it is something of a secrets engine.

        Args:
            storage: where the answer came from, when it was another one than the world's.
        """
        mounted = route.mounted
        # Credentials may also be made by a write.
        if mounted is None or (request.operation != "read" and not response.credentials):
            return
        key = route.namespace.id, route.path
        seen = self._paths.get(key)
        if seen is None or seen.mount != mounted.entry.uuid:
            backend = mounted.backend
            if mounted.entry.table == "auth" or backend.system or getattr(backend, "per_token", False):
                return
            seen = self._new(key, mounted.entry.uuid, route.inner)
        if response.status >= 400:
            return  # what was deleted is told of with its metadata, and without its data
        version = 0
        if seen.kept and isinstance(secret := (self._storage if storage is None else storage).get(seen.kept), Secret):
            version = _asked(request.data["version"]) if "version" in request.data else 0
            version = version if version > 0 else secret.current_version
        seen.at = at = self._clock.now_ns()
        name = token.accessor or f"{token.display_name} {token.entity_id}"
        if name not in seen.readers and len(seen.readers) >= self._most_readers:
            del seen.readers[min(seen.readers.items(), key=_at)[0]]
        seen.readers[name] = token, version, at

    def _new(self, key: tuple[str, str], mount: str, path: str) -> _Seen:
        if len(self._paths) >= self._most_paths:
            # For more than one path, so that it is seldom needed.
            for old in sorted(self._paths, key=lambda old: self._paths[old].at)[: max(1, self._most_paths // 10)]:
                del self._paths[old]
        kept = f"mount/{mount}/{PREFIX}{path[len(_DATA) :]}" if path.startswith(_DATA) else ""
        seen = self._paths[key] = _Seen(mount, kept)
        return seen


def _at(item: tuple[str, tuple[Token, int, int]]) -> int:
    return item[1][2]


def _moment(seen: tuple[Token, int, int]) -> int:
    return seen[2]


def _asked(version: Any) -> int:
    """The version that a request asked for; it was answered, so this is a number."""
    return decode_int(version)
