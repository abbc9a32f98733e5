"""Namespaces: a tree of separate vaults in one. The root namespace has the empty path and the id `root`."""

from collections.abc import Iterator, Mapping

import msgspec

from sandboxd.vault.entropy import Entropy
from sandboxd.vault.storage import View

ROOT_ID = "root"


class Namespace(msgspec.Struct, frozen=True, kw_only=True):
    """One namespace. `path` is empty for the root, else it ends in a slash."""

    id: str
    uuid: str
    path: str
    custom_metadata: Mapping[str, str] = {}
    locked: bool = False
    unlock_key: str = ""

    @property
    def prefix(self) -> str:
        """Where its own state lies in the storage."""
        return f"ns/{self.id}/"

    def holds(self, other: "Namespace") -> bool:
        """Whether the other one is this one or below it."""
        return other.path.startswith(self.path)


ROOT = Namespace(id=ROOT_ID, uuid="00000000-0000-0000-0000-000000000000", path="")


class Namespaces:
    """All namespaces of a world."""

    def __init__(self, view: View, entropy: Entropy) -> None:
        self._view = view
        self._entropy = entropy
        self.reload()

    def reload(self) -> None:
        """Read the storage again, after it was restored."""
        self._by_path: dict[str, Namespace] = {"": ROOT}
        for name in self._view.list():
            found = self._view.get(name, Namespace)
            if found is not None:
                self._by_path[found.path] = found
        self._by_id = {found.id: found for found in self._by_path.values()}

    def __iter__(self) -> Iterator[Namespace]:
        return iter([self._by_path[path] for path in sorted(self._by_path)])

    def get(self, namespace_id: str) -> Namespace | None:
        """The namespace with that id."""
        return self._by_id.get(namespace_id)

    def at(self, path: str) -> Namespace | None:
        """The namespace at that absolute path, with or without its trailing slash."""
        return self._by_path.get(canonical(path))

    def resolve(self, header: str, path: str) -> tuple[Namespace, str] | None:
        """The namespace of a request, from its header and the leading segments of its path, and the path below it.

        None when the header names a namespace that is not there.
        """
        if len(self._by_path) == 1 and not header:
            return ROOT, path
        base = self._by_path.get(canonical(header))
        if base is None:
            return None
        found, rest = base, path
        at = path.find("/")
        while at >= 0:
            deeper = self._by_path.get(base.path + path[: at + 1])
            if deeper is None:
                break
            found, rest = deeper, path[at + 1 :]
            at = path.find("/", at + 1)
        return found, rest

    def create(self, parent: Namespace, name: str, custom_metadata: Mapping[str, str]) -> Namespace:
        """Make a namespace below another one, whose parents are all there."""
        found = Namespace(
            id=self._entropy.text(6),
            uuid=self._entropy.uuid(),
            path=parent.path + canonical(name),
            custom_metadata=custom_metadata,
        )
        self.put(found)
        return found

    def put(self, namespace: Namespace) -> None:
        """Keep a namespace, new or changed."""
        self._view.put(namespace.id, namespace)
        self._by_path[namespace.path] = self._by_id[namespace.id] = namespace

    def delete(self, namespace: Namespace) -> None:
        """Forget a namespace. What it held is the caller's to remove."""
        self._view.delete(namespace.id)
        self._by_path.pop(namespace.path, None)
        self._by_id.pop(namespace.id, None)

    def below(self, parent: Namespace, *, deep: bool = False) -> list[Namespace]:
        """The namespaces below one, sorted by path; only its children unless `deep`."""
        return [
            found
            for path, found in sorted(self._by_path.items())
            if path != parent.path
            and path.startswith(parent.path)
            and (deep or "/" not in path[len(parent.path) :].rstrip("/"))
        ]


def canonical(path: str) -> str:
    """A namespace path without a leading and with a trailing slash; empty for the root."""
    path = path.strip("/")
    return f"{path}/" if path and path != ROOT_ID else ""
