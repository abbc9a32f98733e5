"""Namespaces: a tree of separate vaults in one. The root namespace has the empty path and the id `root`."""

import posixpath
from collections.abc import Iterator, Mapping

import msgspec

from sandboxd.vault.entropy import Entropy
from sandboxd.vault.storage import View

ROOT_ID = "root"
RESERVED = ("", ".", "..", "root", "sys", "audit", "auth", "cubbyhole", "identity")
"""Names that no namespace can have."""

# Below `sys/`: what only the root namespace has. Source: OpenBao's request handling.
_ROOT_ONLY = (
    "audit",
    "audit-hash",
    "config/auditing",
    "config/cors",
    "config/reload",
    "config/state",
    "config/ui",
    "generate-recovery-token",
    "generate-root",
    "health",
    "host-info",
    "in-flight-req",
    "init",
    "internal/counters/activity",
    "internal/counters/config",
    "internal/inspect/router",
    "loggers",
    "metrics",
    "mfa/method",
    "monitor",
    "pprof",
    "quotas/config",
    "quotas/lease-count",
    "quotas/rate-limit",
    "raw",
    "rekey",
    "rekey-recovery-key",
    "replication/merkle-check",
    "replication/recover",
    "replication/reindex",
    "replication/status",
    "seal",
    "sealwrap/rewrap",
    "step-down",
    "storage",
    "sync/config",
    "unseal",
)


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
        """The namespace at that absolute path, with or without its trailing slash; `""` is the root."""
        return self._by_path.get(canonical(path))

    def resolve(self, header: str, path: str) -> tuple[Namespace, str] | None:
        """The namespace of a request, from its header and the leading segments of its path, and the path below it.

        None when the header names a namespace that is not there.
        """
        if len(self._by_path) == 1 and not header:
            return ROOT, path
        header = canonical(header)
        base = self._by_path.get("" if header == f"{ROOT_ID}/" else header)
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

    def create(self, parent: Namespace, name: str, custom_metadata: Mapping[str, str], *, id_length: int) -> Namespace:
        """Make a namespace right below another one. `name` ends in a slash."""
        namespace_id = self._entropy.text(id_length)
        while namespace_id in self._by_id:
            namespace_id = self._entropy.text(id_length)
        found = Namespace(
            id=namespace_id,
            uuid=self._entropy.uuid(),
            path=parent.path + name,
            custom_metadata=custom_metadata,
        )
        self.put(found)
        return found

    def locking(self, namespace: Namespace) -> Namespace | None:
        """The namespace whose lock holds for this one: itself or the highest above it that is locked."""
        if len(self._by_path) == 1:
            return None
        around = (other for path, other in sorted(self._by_path.items()) if namespace.path.startswith(path))
        return next((other for other in around if other.locked), None)

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
    """A namespace path without a slash in front and with one at the end, cleaned of doubled ones; empty for none."""
    clean = posixpath.normpath(path.lstrip("/"))
    return "" if clean == "." else clean if clean.endswith("/") else f"{clean}/"


def root_only(path: str) -> bool:
    """Whether a path below `sys/` is there in the root namespace alone."""
    return any(path == name or path.startswith(f"{name}/") for name in _ROOT_ONLY)
