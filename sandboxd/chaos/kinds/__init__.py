"""All kinds of faults, by name. To add one, add a Struct to the module of its like, and to that module's `KINDS`."""

from __future__ import annotations

from collections.abc import Mapping

from sandboxd.chaos.kinds import http, state, transport, vault
from sandboxd.chaos.model import Fault

FAMILIES: Mapping[str, tuple[type[Fault], ...]] = {
    "transport": transport.KINDS,
    "http": http.KINDS,
    "vault": vault.KINDS,
    "state": state.KINDS,
}
"""The kinds by what they are about."""

KINDS: Mapping[str, type[Fault]] = {
    str(kind.__struct_config__.tag): kind for family in FAMILIES.values() for kind in family
}
"""The kinds by their names."""


def kind_name(fault: Fault | type[Fault]) -> str:
    """The name of a fault's kind."""
    return str(fault.__struct_config__.tag)
