"""Databases, and sandboxes that make users in them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from live.databases import MariaDB, PostgreSQL, Redis
from unit.helpers import START, Reply, call

from sandboxd.edge.runtime import make_world
from sandboxd.vault.bootstrap import start_dev
from sandboxd.vault.clock import NANOSECONDS, Clock
from sandboxd.vault.world import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from live.databases import Database

    from sandboxd.vault.world import World

KINDS: dict[str, type[Database]] = {"postgresql": PostgreSQL, "mariadb": MariaDB, "redis": Redis}


@pytest.fixture(scope="session")
def running() -> Iterator[dict[str, Database]]:
    """The databases that were started so far."""
    found: dict[str, Database] = {}
    yield found
    for database in found.values():
        database.remove()


def database_of(running: dict[str, Database], kind: str) -> Database:
    """A running database of a kind, whatever the last test did to it."""
    if kind not in running:
        running[kind] = KINDS[kind]()
    if not running[kind].running:
        running[kind].start()
    return running[kind]


@pytest.fixture
def postgresql(running: dict[str, Database]) -> Database:
    return database_of(running, "postgresql")


@pytest.fixture
def mariadb(running: dict[str, Database]) -> Database:
    return database_of(running, "mariadb")


@pytest.fixture
def redis(running: dict[str, Database]) -> Database:
    return database_of(running, "redis")


@pytest.fixture(params=list(KINDS))
def database(running: dict[str, Database], request: pytest.FixtureRequest) -> Database:
    """Each kind in turn."""
    return database_of(running, request.param)


@dataclass
class Sandbox:
    """A sandbox whose mount `db/` is live, with the connection `app` to a database. Its clock moves only when told."""

    world: World
    database: Database

    def ask(self, method: str, path: str, data: Any = None) -> Reply:
        """Send a request."""
        return call(self.world, method, path, data, waits=True)

    def do(self, method: str, path: str, data: Any = None) -> Reply:
        """Send a request that must succeed."""
        reply = self.ask(method, path, data)
        assert reply.status < 300, reply.text
        return reply

    def connect(self, name: str = "app", **fields: Any) -> Reply:
        """Configure a connection."""
        plugin = self.database.plugin
        if self.world.profile == "vault":
            plugin = plugin.replace("valkey", "redis")
        details = self.database.details(allowed_roles="*", plugin_name=plugin, **fields)
        return self.ask("POST", f"db/config/{name}", details)

    def role(self, name: str = "app", **fields: Any) -> None:
        """Write a role whose users last an hour at first, and a day at most."""
        body = {"db_name": "app", "creation_statements": self.database.creation, "default_ttl": "1h", "max_ttl": "24h"}
        self.do("POST", f"db/roles/{name}", {**body, **fields})

    def lend(self, name: str = "app") -> Lent:
        """Ask for a user."""
        reply = self.do("GET", f"db/creds/{name}")
        return Lent(**reply.data, lease=reply.json["lease_id"])

    def static(self, name: str = "fixed", **fields: Any) -> None:
        """Write a static role for the user of that name."""
        self.do(
            "POST", f"db/static-roles/{name}", {"db_name": "app", "username": name, "rotation_period": 3600} | fields
        )

    def password(self, name: str = "fixed") -> str:
        """The password of a static role."""
        found: str = self.do("GET", f"db/static-creds/{name}").data["password"]
        return found

    def advance(self, seconds: float) -> None:
        """Let time pass, and what is due happen."""
        asyncio.run(self.world.timeline.advance(seconds))

    def leases(self) -> list[str]:
        """The ids of the leases of the role `app` that there still are."""
        reply = self.ask("LIST", "sys/leases/lookup/db/creds/app")
        return reply.data["keys"] if reply.status == 200 else []


@dataclass(frozen=True)
class Lent:
    """A user that was lent out."""

    username: str
    password: str
    lease: str


def sandbox_of(database: Database, profile: Any = "openbao") -> Sandbox:
    """A sandbox that is connected to a database."""
    # Without a seed: one that repeats the users of an earlier test would find them there.
    world = make_world(Settings(profile=profile), clock=Clock(lambda: START * NANOSECONDS))
    start_dev(world, "root")
    made = Sandbox(world, database)
    made.do("POST", "sys/mounts/db", {"type": "database", "options": {"live": "true"}})
    reply = made.connect()
    assert reply.status < 300, reply.text
    made.role()
    return made


@pytest.fixture
def sandbox(database: Database) -> Sandbox:
    return sandbox_of(database)
