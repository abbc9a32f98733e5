"""Storage: a map from path to an immutable value, with prefix lists that stay fast.

A value is a frozen dataclass or msgspec Struct; it is replaced, never changed. So a snapshot is a copy of the map and a
reset is an assignment. Each mount sees the map through a `View` that holds its prefix. Whoever persists the state
(`Journal`) is told of the writes of each request in one batch, before the request is answered.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar, overload

from sandboxd.vault.errors import InvalidKey

T = TypeVar("T")
Follower = Callable[[str, object, object], None]
"""Is told of a write: the path, the old and the new value, or None."""


class Journal(Protocol):
    """Keeps writes beyond the life of the process."""

    def commit(self, batch: dict[str, object]) -> None:
        """Keep the batch (path to value, None for deleted) durably, or raise OSError and keep none of it."""


class Snapshot:
    """The whole state at one moment: `at`, in nanoseconds since 1970, by the world's own clock."""

    __slots__ = ("at", "children", "values")

    def __init__(self, values: dict[str, object], children: dict[str, dict[str, int]], at: int = 0) -> None:
        self.values = values
        self.children = children
        self.at = at


class Storage:
    """The whole state of one world."""

    def __init__(self, journal: Journal | None = None) -> None:
        self._values: dict[str, object] = {}
        # For each folder ("a/b/"), its entries ("c", "d/") with the number of keys at or below each.
        self._children: dict[str, dict[str, int]] = {}
        self._sorted: dict[str, list[str]] = {}
        self._journal = journal
        self._undo: dict[str, object] = {}
        self._watched: frozenset[type] = frozenset()
        self._watcher: Callable[[str, Any, Any], None] = lambda *_change: None
        self._followers: tuple[Follower, ...] = ()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, path: str) -> object:
        """The value at the path, or None."""
        return self._values.get(path)

    def put(self, path: str, value: object) -> None:
        """Set the value at the path. Raises ValueError for None or a path that ends in a slash."""
        if value is None or not path or path.endswith("/"):
            raise ValueError("a value needs a path that does not end in a slash")
        old = self._values.get(path)
        if self._journal is not None:
            self._undo.setdefault(path, old)
        self._values[path] = value
        if old is None:
            self._count(path, 1)
        if type(value) in self._watched:
            self._watcher(path, old, value)
        for tell in self._followers:
            tell(path, old, value)

    def delete(self, path: str) -> None:
        """Remove the value at the path, if there is one."""
        old = self._values.pop(path, None)
        if old is not None:
            if self._journal is not None:
                self._undo.setdefault(path, old)
            self._count(path, -1)
            if type(old) in self._watched:
                self._watcher(path, old, None)
            for tell in self._followers:
                tell(path, old, None)

    def watch(self, kinds: tuple[type, ...], watcher: Callable[[str, Any, Any], None]) -> None:
        """Have a function told of each write of a value of these kinds: the path, the old and the new value, or None.

        It is not told of what a restored snapshot or a failed commit brings back.
        """
        self._watched, self._watcher = frozenset(kinds), watcher

    def follow(self, follower: Follower) -> Callable[[], None]:
        """Have a function told of each write, whatever brought it about: the path, the old and the new value, or None.

        Gives what ends that.
        """
        self._followers += (follower,)

        def end() -> None:
            self._followers = tuple(each for each in self._followers if each is not follower)

        return end

    @contextmanager
    def unkept(self) -> Iterator[None]:
        """Have what is written meanwhile not be kept: after a restart all is as if it had never been."""
        journal, self._journal = self._journal, None
        try:
            yield
        finally:
            self._journal = journal

    def list(self, folder: str) -> list[str]:
        """The entries of a folder ("" or ending in a slash), sorted; folders among them end in a slash."""
        ready = self._sorted.get(folder)
        if ready is None:
            ready = self._sorted[folder] = sorted(self._children.get(folder, ()))
        return ready

    def count(self, folder: str) -> int:
        """How many keys lie below the folder, at any depth."""
        return sum(self._children.get(folder, {}).values())

    def walk(self, folder: str) -> Iterator[str]:
        """Every key below the folder at any depth, sorted within each folder."""
        for name in list(self.list(folder)):
            path = folder + name
            if name.endswith("/"):
                yield from self.walk(path)
            else:
                yield path

    def clear(self, folder: str) -> None:
        """Remove everything below the folder."""
        for path in list(self.walk(folder)):
            self.delete(path)

    def commit(self) -> None:
        """Hand the writes since the last commit to the journal.

        Raises OSError when they could not be kept; then they are undone here as well, so that memory never shows what
        a restart would lose.
        """
        if not self._undo or self._journal is None:
            return
        undo, self._undo = self._undo, {}
        try:
            self._journal.commit({path: self._values.get(path) for path in undo})
        except OSError:
            watched, self._watched = self._watched, frozenset()
            for path, old in undo.items():
                if old is None:
                    self.delete(path)
                else:
                    self.put(path, old)
            self._undo, self._watched = {}, watched
            raise

    def load(self, values: dict[str, object]) -> None:
        """Take over what a journal kept, without telling the journal."""
        journal, self._journal = self._journal, None
        for path, value in values.items():
            self.put(path, value)
        self._journal = journal

    def snapshot(self, at: int = 0) -> Snapshot:
        """The state as it is now. `at` is the moment, in nanoseconds since 1970."""
        return Snapshot(dict(self._values), {folder: dict(names) for folder, names in self._children.items()}, at)

    def postpone(self, by: int) -> None:
        """Have all that ends at a moment end so many nanoseconds later: see `framework.moments`."""
        for path, value in list(self._values.items()):
            later = getattr(value, "later", None)
            if later is not None and (moved := later(by)) is not value:
                self.put(path, moved)

    def restore(self, snapshot: Snapshot) -> None:
        """Make the state what it was; the snapshot can be used again."""
        if self._followers:
            for path in self._values.keys() | snapshot.values.keys():
                old, new = self._values.get(path), snapshot.values.get(path)
                if old is not new:
                    for tell in self._followers:
                        tell(path, old, new)
        if self._journal is not None:
            for path in self._values.keys() | snapshot.values.keys():
                if self._values.get(path) is not snapshot.values.get(path):
                    self._undo.setdefault(path, self._values.get(path))
        self._values = dict(snapshot.values)
        self._children = {folder: dict(names) for folder, names in snapshot.children.items()}
        self._sorted = {}

    def _count(self, path: str, step: int) -> None:
        end = len(path)
        name_end = end
        while name_end > 0:
            cut = path.rfind("/", 0, name_end - 1) + 1
            folder, name = path[:cut], path[cut:name_end]
            names = self._children.get(folder)
            if names is None:
                names = self._children[folder] = {}
            count = names.get(name, 0) + step
            if count:
                if count == step:
                    self._sorted.pop(folder, None)
                names[name] = count
            else:
                del names[name]
                self._sorted.pop(folder, None)
                if not names:
                    del self._children[folder]
            name_end = cut


def _check(path: str) -> None:
    """Refuse what came in as invalid UTF-8: the edge keeps such bytes as lone surrogates."""
    try:
        path.encode()
    except UnicodeEncodeError:
        raise InvalidKey from None


class View:
    """The part of the storage that lies below one prefix: all that an engine can reach."""

    __slots__ = ("_prefix", "_storage")

    def __init__(self, storage: Storage, prefix: str) -> None:
        self._storage = storage
        self._prefix = prefix

    @overload
    def get(self, path: str) -> object: ...
    @overload
    def get(self, path: str, kind: type[T]) -> T | None: ...
    def get(self, path: str, kind: type[T] | None = None) -> object:
        """The value at the path, or None. Raises TypeError when it is of another kind than the one asked for."""
        value = self._storage.get(self._prefix + path)
        if kind is not None and value is not None and not isinstance(value, kind):
            raise TypeError(f"{self._prefix}{path} holds a {type(value).__name__}, not a {kind.__name__}")
        return value

    def put(self, path: str, value: object) -> None:
        """Set the value at the path. Raises InvalidKey for a path that is no text."""
        _check(path)
        self._storage.put(self._prefix + path, value)

    def delete(self, path: str) -> None:
        """Remove the value at the path, if there is one. Raises InvalidKey for a path that is no text."""
        _check(path)
        self._storage.delete(self._prefix + path)

    def list(self, folder: str = "") -> list[str]:
        """A new list of the folder's entries, sorted; folders among them end in a slash."""
        return list(self._storage.list(self._prefix + folder))

    def count(self, folder: str = "") -> int:
        """How many keys lie below the folder, at any depth."""
        return self._storage.count(self._prefix + folder)

    def walk(self, folder: str = "") -> Iterator[str]:
        """Every key below the folder at any depth."""
        cut = len(self._prefix)
        return (path[cut:] for path in self._storage.walk(self._prefix + folder))

    def clear(self, folder: str = "") -> None:
        """Remove everything below the folder."""
        self._storage.clear(self._prefix + folder)

    def below(self, folder: str) -> "View":
        """A narrower view."""
        return View(self._storage, self._prefix + folder)
