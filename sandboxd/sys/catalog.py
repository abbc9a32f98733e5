"""Which backends there are: the folders `engines/` and `auth/` are the registry."""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache

from sandboxd.sys import builtin
from sandboxd.vault.framework.backend import Backend
from sandboxd.vault.mounts import Table

_SYSTEM = {
    ("mounts", "system"): "sandboxd.sys.backend",
    ("mounts", "identity"): "sandboxd.sys.identity",
    ("mounts", "cubbyhole"): "sandboxd.engines.cubbyhole",
    ("auth", "token"): "sandboxd.sys.token",
}
_NAMES = {"mounts": ("sandboxd.engines", "ENGINE"), "auth": ("sandboxd.auth", "METHOD")}
_ALIASES = {"ns_system": "system", "ns_identity": "identity", "ns_cubbyhole": "cubbyhole", "ns_token": "token"}


class BuiltIn:
    """The backends that ship with sandboxd."""

    def load(self, table: Table, kind: str, options: Mapping[str, str]) -> Backend | None:
        """The backend of that type, or None when there is none."""
        kind = _ALIASES.get(kind, kind)
        package, name = _NAMES[table]
        system = _SYSTEM.get((table, kind))
        if system is not None:
            return _load(system, "BACKEND")
        kind = builtin.ALIASES[table].get(kind, kind)
        if kind not in self.names(table):
            return None
        module = f"{package}.{kind.replace('-', '_')}"
        backend = _load(module, name)
        if kind == "kv":
            return _load(module, "ENGINE_V2" if options.get("version") == "2" else "ENGINE")
        return backend

    def names(self, table: Table) -> list[str]:
        """The types that clients can mount, sorted."""
        return _found(_NAMES[table][0])

    def version(self, profile: str, server: str, table: Table, kind: str) -> str:
        """The version that a backend of that type runs with. `server` is the server's own."""
        return builtin.version(profile, server, table, kind)


class Clustered(BuiltIn):
    """The same for the nodes of a cluster."""

    def load(self, table: Table, kind: str, options: Mapping[str, str]) -> Backend | None:
        """The backend of that type, or None when there is none."""
        if (table, _ALIASES.get(kind, kind)) == ("mounts", "system"):
            return _load("sandboxd.sys.raft", "BACKEND")
        return super().load(table, kind, options)


@cache
def _found(package: str) -> list[str]:
    folder = importlib.import_module(package)
    names = (module.name.replace("_", "-") for module in pkgutil.iter_modules(folder.__path__))
    return sorted(name for name in names if name != "cubbyhole" and not name.startswith("-"))


@cache
def _load(module: str, name: str) -> Backend:
    found: Backend = getattr(importlib.import_module(module), name)
    return found
