"""What a database plugin is: the part of the engine that knows one kind of database.

A **plugin** makes, changes and drops users of one database server. There is one per **family** of databases (`mysql`
stands behind four plugin names; `families.py` has the table), in two forms: the **simulated** one keeps a record of
the users in the engine's storage and contacts nobody, a **live** one (`plugins/<family>.py`, chosen where `call.live`
says so) talks to a server on this machine.

One plugin object serves one request: the engine makes it, has it initialized with the stored **connection details**,
calls what it needs, and closes it. The engine decides what a request may do, and makes the credentials; the plugin is
told the credential and makes up the user name.

Source: OpenBao's sdk/database/dbplugin/v5, whose calls these are.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from sandboxd.engines.database.families import Family
    from sandboxd.vault.framework.backend import Call

PASSWORD = "password"
RSA_PRIVATE_KEY = "rsa_private_key"
CLIENT_CERTIFICATE = "client_certificate"
CREDENTIAL_TYPES = (PASSWORD, RSA_PRIVATE_KEY, CLIENT_CERTIFICATE)


class PluginError(Exception):
    """What a plugin refuses or fails with, in the real plugin's words and without a secret.

    The engine puts words of its own in front and decides on the status, as the real one does.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


@dataclass(frozen=True, kw_only=True)
class NewUser:
    """A user to be made.

    Args:
        display_name, role_name: what the user name may be made of.
        statements: the role's creation statements, with their placeholders ({{name}}, {{password}}, ...); may be empty.
        rollback: statements to undo what the creation did when it fails half-way.
        credential_type: one of `CREDENTIAL_TYPES`; of the next three, the one that belongs to it is set.
        password: in clear.
        public_key: PEM, PKIX.
        subject: the distinguished name of a client certificate ("CN=app").
        expiration: when the lease ends, and five seconds; nanoseconds since 1970.
    """

    display_name: str
    role_name: str
    statements: tuple[str, ...] = ()
    rollback: tuple[str, ...] = ()
    credential_type: str = PASSWORD
    password: str = ""
    public_key: str = ""
    subject: str = ""
    expiration: int


@dataclass(frozen=True, kw_only=True)
class UpdateUser:
    """A change to a user: its password, its public key or its expiration, whichever is not None.

    Args:
        statements: the statements of that change (rotation or renewal); may be empty.
        expiration: nanoseconds since 1970.
        self_managed_password: the user's present password, where the change is to be made as that user rather than
            as the configured one; else empty.
    """

    username: str
    credential_type: str = PASSWORD
    password: str | None = None
    public_key: str | None = None
    expiration: int | None = None
    statements: tuple[str, ...] = ()
    self_managed_password: str = ""


class Plugin(Protocol):
    """One connection to one database. All methods raise PluginError."""

    async def initialize(self, config: Mapping[str, Any], *, verify: bool) -> dict[str, Any]:
        """Take the connection details, as the client sent them, and give them back as they are to be stored.

        Comes before every other call. With `verify` the database is reached now; else at the first call that needs it.
        """

    async def new_user(self, user: NewUser) -> str:
        """Make a user; returns its name."""

    async def update_user(self, change: UpdateUser) -> None:
        """Change a user."""

    async def delete_user(self, username: str, statements: tuple[str, ...]) -> None:
        """Drop a user, by the role's revocation statements if there are any; a user that is gone is no error."""

    async def close(self) -> None:
        """Let go of the connection. Never fails."""


Opening = Callable[["Call", "Family", str], Plugin]
"""How a plugin is made: from the call it serves, its family, and the connection's name (`config/<name>`).

A module `plugins/<family>.py` exports one of these as `PLUGIN`.
"""


def substituted(template: str, values: Mapping[str, str]) -> str:
    """A statement or URL with its placeholders filled in: `{{name}}` by `values["name"]`. Others stay."""
    for name, value in values.items():
        template = template.replace("{{" + name + "}}", value)
    return template


def sanitized(text: str, secrets: Mapping[str, str]) -> str:
    """An error text in which each secret value is replaced by what stands for it (`{password: "[password]"}`)."""
    for value, label in secrets.items():
        if value:
            text = text.replace(value, label)
    return text
