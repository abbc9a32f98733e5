"""The database secrets engine: users of databases, made on demand or rotated on schedule.

A **connection** (`connections.py`) is one database server; a **plugin** (`plugin.py`) knows its **family**
(`families.py`). A **role** (`roles.py`) makes users that end with their leases; a **static role** (`static.py`) rotates
the credential of a user that is there. Databases are simulated (`simulated.py`) unless the mount is live.

Source: OpenBao's engine, observed on a running 2.7.2; what only Vault has, from its documentation and public source.
"""

from typing import Any

from sandboxd.engines.database import connections, roles, static
from sandboxd.engines.database.going_back import going_back
from sandboxd.vault.framework.backend import Call, Engine, Path, Rotates, SecretKind
from sandboxd.vault.framework.fields import NoArgs


async def on_timer(call: Call, name: str) -> None:
    """Rotate what a timer is about: a static role, or a connection's own password."""
    folder, _, which = name.partition("/")
    if folder == "static-roles":
        await static.on_timer(call, which)
    elif call.storage.get(f"config/{which}") is not None:
        await connections.rotate_root(call, connections.NameArgs(name=which))


def paths(profile: str) -> tuple[Path[Any, Any], ...]:
    """The paths that take other fields in one profile than in the other."""
    openbao = profile == "openbao"
    listing: type[Any] = roles.ListArgs if openbao else NoArgs
    return (
        Path(
            "config/{name}",
            connections.ConfigArgs if openbao else connections.VaultConfigArgs,
            "Configure the connection to a database.",
            description="What is not declared here is for the plugin: the connection details of its kind of database.",
            read=connections.read,
            write=connections.write,
            delete=connections.delete,
            exists=connections.exists,
            profiles=(profile,),
            operation_ids={
                "read": "database-read-connection-configuration",
                "write": "database-configure-connection",
                "delete": "database-delete-connection-configuration",
            },
        ),
        Path(
            "roles/?",
            listing,
            "List the roles.",
            list=roles.list_names,
            profiles=(profile,),
            operation_ids={"list": "database-list-roles"},
        ),
        Path(
            "static-roles/?",
            listing,
            "List the static roles.",
            list=roles.list_names,
            profiles=(profile,),
            operation_ids={"list": "database-list-static-roles"},
        ),
        Path(
            "static-roles/{name}",
            static.StaticRoleArgs if openbao else static.VaultStaticRoleArgs,
            "Manage one static role: a user whose credential is rotated.",
            read=static.read,
            write=static.write,
            delete=static.delete,
            exists=static.exists,
            profiles=(profile,),
            operation_ids={
                "read": "database-read-static-role",
                "write": "database-write-static-role",
                "delete": "database-delete-static-role",
            },
        ),
    )


ENGINE = Engine(
    type="database",
    help="Lend out users of databases, and rotate the credentials of those that are there.",
    paths=(
        *paths("openbao"),
        *paths("vault"),
        Path(
            "config/?",
            NoArgs,
            "List the connections.",
            list=connections.list_connections,
            operation_ids={"list": "database-list-connections"},
        ),
        Path(
            "reset/{name}",
            connections.NameArgs,
            "Connect to a database anew.",
            write=connections.reset,
            operation_ids={"write": "database-reset-connection"},
        ),
        Path(
            "reload/{plugin_name}",
            connections.ReloadArgs,
            "Connect anew to all databases of a plugin.",
            write=connections.reload,
            profiles=("vault",),
            operation_ids={"write": "database-reload-plugin"},
        ),
        Path(
            "rotate-root/{name}",
            connections.NameArgs,
            "Rotate the password of the user that a connection itself uses.",
            write=connections.rotate_root,
            operation_ids={"write": "database-rotate-root-credentials"},
        ),
        Path(
            "roles/{name}",
            roles.RoleArgs,
            "Manage one role: users made on demand.",
            description=(
                "Statements may hold placeholders: {{name}} (also {{username}}), {{password}} and {{expiration}}."
            ),
            read=roles.read,
            write=roles.write,
            delete=roles.delete,
            exists=roles.exists,
            operation_ids={
                "read": "database-read-role",
                "write": "database-write-role",
                "delete": "database-delete-role",
            },
        ),
        Path(
            "creds/{name}",
            roles.NameArgs,
            "Make a user for a role, and lend it out.",
            read=roles.read_creds,
            operation_ids={"read": "database-generate-credentials"},
        ),
        Path(
            "static-creds/{name}",
            static.StaticNameArgs,
            "Read the credential of a static role.",
            read=static.read_creds,
            operation_ids={"read": "database-read-static-role-credentials"},
        ),
        Path(
            "rotate-role/{name}",
            static.StaticNameArgs,
            "Rotate the credential of a static role now.",
            write=static.rotate_role,
            operation_ids={"write": "database-rotate-static-role-credentials"},
        ),
    ),
    secrets=(SecretKind(roles.KIND, revoke=roles.revoke, renew=roles.renew),),
    rotates=(
        Rotates("static-roles/{name}", "rotate-role/{name}", read="static-creds/{name}"),
        Rotates("config/{name}", "rotate-root/{name}"),
    ),
    on_timer=on_timer,
    going_back=going_back,
)
