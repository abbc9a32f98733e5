"""All kinds: what the modules of `entries/` declare, found by looking into the folder.

Nothing is loaded until a kind is asked for.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING

from sandboxd.fakes import entries
from sandboxd.fakes.errors import UnknownKind

if TYPE_CHECKING:
    from sandboxd.fakes.model import Kind


@cache
def kinds() -> tuple[Kind, ...]:
    """Every kind, by name."""
    found: list[Kind] = []
    for module in pkgutil.iter_modules(entries.__path__, f"{entries.__name__}."):
        found += importlib.import_module(module.name).KINDS
    return tuple(sorted(found, key=lambda kind: kind.name))


@cache
def _index() -> dict[str, Kind]:
    index: dict[str, Kind] = {}
    for kind in kinds():
        for name in (kind.name, kind.id, *kind.aliases):
            if index.setdefault(name, kind) is not kind:
                raise RuntimeError(f"two kinds are called {name!r}: {index[name].id} and {kind.id}")
    return index


def kind(name: str) -> Kind:
    """The kind of a name, an alias or an id. Raises UnknownKind."""
    found = _index().get(name)
    if found is None:
        import difflib

        close = difflib.get_close_matches(name.lower(), _index(), n=3) or _related(name)
        raise UnknownKind(name, tuple(close))
    return found


def _related(name: str) -> list[str]:
    """Names of the same provider, or that hold the same word."""
    words = {word for word in name.lower().replace("_", ".").replace("-", ".").split(".") if len(word) > 2}
    return [each.name for each in kinds() if words & set(each.name.replace("_", ".").split("."))][:3]
