"""A world with a database engine, one simulated PostgreSQL at `config/pg`, and a look at its users."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from unit import helpers
from unit.helpers import START, Reply, world

from sandboxd.engines.database.connections import Connection
from sandboxd.engines.database.simulated import User

if TYPE_CHECKING:
    from sandboxd.vault.world import World

URL = "postgresql://{{username}}:{{password}}@127.0.0.1:5432/app"
ROOT_PASSWORD = "a-root-password"
call = partial(helpers.call, waits=True)


def database(profile: Any = "openbao", **config: Any) -> World:
    """The world. The connection is open to all roles, and has a user and a password of its own."""
    made = world(profile)
    call(made, "POST", "sys/mounts/database", {"type": "database"})
    connect(made, "pg", **config)
    return made


def connect(made: World, name: str, plugin: str = "postgresql", **config: Any) -> Reply:
    """Configure a connection; what is given replaces and adds to what a PostgreSQL has."""
    details = {"connection_url": URL, "username": "root", "password": ROOT_PASSWORD, "allowed_roles": "*", **config}
    return call(made, "POST", f"database/config/{name}", {"plugin_name": f"{plugin}-database-plugin", **details})


def role(made: World, name: str = "app", **fields: Any) -> Reply:
    """Write a role that makes users of the connection `pg`."""
    sent = {"db_name": "pg", "creation_statements": ['CREATE ROLE "{{name}}"'], **fields}
    return call(made, "POST", f"database/roles/{name}", sent)


def static_role(made: World, name: str = "app", **fields: Any) -> Reply:
    """Write a static role for the user `app` of the connection `pg`, rotated every minute."""
    return call(
        made,
        "POST",
        f"database/static-roles/{name}",
        {"db_name": "pg", "username": "app", "rotation_period": 60, **fields},
    )


def later(made: World, seconds: float) -> None:
    """Let time pass, with all that it brings about."""
    asyncio.run(made.timeline.advance(seconds))


def users(made: World, connection: str = "pg") -> dict[str, User]:
    """The users of a simulated database, by name."""
    mark = f"/users/{connection}/"
    found = {path.partition(mark)[2]: made.storage.get(path) for path in made.storage.walk("") if mark in path}
    return {name: user for name, user in found.items() if isinstance(user, User)}


def config_of(made: World, name: str = "pg") -> Any:
    """A connection as it is stored, its own password and all."""
    found = (made.storage.get(path) for path in made.storage.walk("") if path.endswith(f"/config/{name}"))
    return next(value for value in found if isinstance(value, Connection))


def authority(*, ca: bool = True) -> dict[str, str]:
    """A CA of a test's own, as a role's `credential_config` has it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a test's CA")])
    since = datetime.fromtimestamp(START, UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(since)
        .not_valid_after(since + timedelta(days=365))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return {
        "ca_cert": certificate.public_bytes(Encoding.PEM).decode(),
        "ca_private_key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
    }
