"""Rotation: credentials that are replaced on a schedule, with a grace window in which old and new are both valid.

What the app sees is what Vault does: a secret of a key/value engine gets a new version, a static role a new password, a
root credential is replaced in the engine. An object that rotates is known by its namespace and **path**, that of a
secret as the fixture has it (`secret/prod/db`), or that of an engine's object (`database/static-roles/app`).
"""

from sandboxd.rotation.keeper import Remake, Rotation, declare, describe, kept, version_of, withdraw
from sandboxd.rotation.model import Plan, Rotating, Row, State, User
from sandboxd.rotation.showing import rows, shown
from sandboxd.rotation.targets import matching

__all__ = [
    "Plan",
    "Remake",
    "Rotating",
    "Rotation",
    "Row",
    "State",
    "User",
    "declare",
    "describe",
    "kept",
    "matching",
    "rows",
    "shown",
    "version_of",
    "withdraw",
]
