"""The simulated plugin: a database that consists of a record of its users.

The record lies in the engine's storage, one **user** at each `users/<connection>/<name>`. Whoever is changed or dropped
is taken to be there: the users of static roles were made by someone else.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from sandboxd.engines.database.families import SUPPORTED, Family
from sandboxd.engines.database.plugin import NewUser, UpdateUser
from sandboxd.vault.framework.backend import Call
from sandboxd.vault.framework.moments import postponed

USERS = "users/"


class User(msgspec.Struct, frozen=True, kw_only=True):
    """One user of a simulated database. Its credential is one of the first three."""

    password: str = ""
    public_key: str = ""
    subject: str = ""
    expiration: int = 0  # nanoseconds since 1970; 0 for never

    def later(self, by: int) -> "User":
        """The same user, so many nanoseconds later."""
        return postponed(self, by, "expiration")


class Simulated:
    """One connection to one simulated database."""

    def __init__(self, call: Call, family: Family, name: str) -> None:
        self._call = call
        self._family = family
        self._users = call.storage.below(f"{USERS}{name}/")
        self._config: Mapping[str, Any] = {}

    async def initialize(self, config: Mapping[str, Any], *, verify: bool) -> dict[str, Any]:
        """Check the connection details. Nothing is connected to, so there is nothing to verify."""
        del verify
        self._family.settings(self._call, config)
        self._config = config
        announced = {SUPPORTED: list(self._family.credentials)} if self._family.credentials else {}
        return {**config, **announced}

    async def new_user(self, user: NewUser) -> str:
        """Enter a user into the record."""
        self._family.statements(user.statements)
        name = self._family.username(self._call, self._config, user)
        self._users.put(
            _key(name),
            User(
                password=user.password,
                public_key=user.public_key,
                subject=user.subject,
                expiration=user.expiration,
            ),
        )
        return name

    async def update_user(self, change: UpdateUser) -> None:
        """Change the record of a user."""
        changed = {
            name: value
            for name in ("password", "public_key", "expiration")
            if (value := getattr(change, name)) is not None
        }
        known = self._users.get(_key(change.username), User) or User()
        self._users.put(_key(change.username), msgspec.structs.replace(known, **changed))

    async def delete_user(self, username: str, statements: tuple[str, ...]) -> None:
        """Take a user out of the record."""
        del statements
        self._users.delete(_key(username))

    async def close(self) -> None:
        """There is nothing to let go of."""


def _key(username: str) -> str:
    return username.replace("/", "%2F")
