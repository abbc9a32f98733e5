"""What is behind an engine is down: the database, the cloud.

Databases have the words that the real plugins have for a port that refuses, as seen with live ones; the other engines
have Go's for a request that cannot be made.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sandboxd.chaos.troubles.struck import Struck
from sandboxd.engines.database.connections import Connection
from sandboxd.vault.errors import Failure

if TYPE_CHECKING:
    from sandboxd.vault.routing import Route
    from sandboxd.vault.world import World

REACHING = re.compile(
    r"(?:creds|sts|rotate-role|rotate-root|reset|token|key|roles?/[^/]+/creds)(?:/.*)?"
    r"|(?:roleset|static-account|impersonated-account)/[^/]+/(?:token|key|rotate|rotate-key)|library/[^/]+/check-(?:out|in)"
)
"""The paths of engines that reach what is behind them."""

PORTS = {"postgresql": 5432, "redshift": 5439, "mysql": 3306, "valkey": 6379, "redis": 6379, "mssql": 1433}
_TCP = re.compile(r"tcp\(([^)]*)\)")

# Where the other engines' requests go. From the engines' documentation.
_ADDRESSES = {
    "aws": 'Post "https://sts.amazonaws.com/"',
    "azure": 'Get "https://management.azure.com/"',
    "gcp": 'Post "https://iam.googleapis.com/"',
    "alicloud": 'Post "https://ram.aliyuncs.com/"',
    "consul": 'Put "http://127.0.0.1:8500/v1/acl/token"',
    "nomad": 'Put "http://127.0.0.1:4646/v1/acl/token"',
    "rabbitmq": 'Put "http://127.0.0.1:15672/api/users/"',
    "terraform": 'Post "https://app.terraform.io/api/v2/"',
    "mongodbatlas": 'Post "https://cloud.mongodb.com/api/atlas/v1.0/"',
    "kubernetes": 'Post "https://127.0.0.1:443/api/v1/"',
    "ldap": 'LDAP Result Code 200 "Network Error"',
    "ad": 'LDAP Result Code 200 "Network Error"',
}


class UpstreamDown(Struck):
    """What is behind the engine does not answer."""

    def handling(self, world: World, route: Route, call: Any) -> None:  # noqa: ARG002 -- the mount knows all
        """Fail where the engine would reach it."""
        mounted = route.mounted
        if mounted is None or not getattr(mounted.backend, "secrets", ()) or not REACHING.fullmatch(route.inner):
            return
        kind = mounted.entry.type
        if kind == "database":
            raise Failure(_database(call, route.inner))
        if kind in _ADDRESSES:
            asked = _ADDRESSES[kind]
            host = urlsplit(asked.split('"')[1]).netloc or "127.0.0.1:389"
            host = host if ":" in host else f"{host}:443"
            raise Failure(f"{asked}: dial tcp {host}: connect: connection refused")
        raise Failure("dial tcp 127.0.0.1:443: connect: connection refused")


def _database(call: Any, inner: str) -> str:
    connection = _connection(call, inner)
    if connection is None:
        return "dial tcp 127.0.0.1:5432: connect: connection refused"
    plugin = connection.plugin_name.partition("-")[0]
    details = {name.lower(): value for name, value in connection.given.items()}
    host, port, user, name = _address(plugin, details)
    dial = f"dial tcp {host}:{port}: connect: connection refused"
    if plugin in ("postgresql", "redshift"):
        if call.profile == "vault":
            who = f"`host={host} user={user} database={name}`"
            return f"unable to start transaction: failed to connect to {who}: dial error ({dial})"
        who = f"`user={user} database={name}`"
        return f"unable to start transaction: failed to connect to {who}: {host}:{port} ({host}): dial error: {dial}"
    if plugin in ("valkey", "redis"):
        return f"failed to get connection: {dial}"
    return dial


def _connection(call: Any, inner: str) -> Connection | None:
    name = inner.rpartition("/")[2]
    for folder in ("role", "static-role"):
        role = call.storage.get(f"{folder}/{name}")
        if role is not None:
            name = str(getattr(role, "db_name", name))
            break
    found = call.storage.get(f"config/{name}")
    return found if isinstance(found, Connection) else None


def _address(plugin: str, details: dict[str, Any]) -> tuple[str, int, str, str]:
    url = str(details.get("connection_url", ""))
    user = str(details.get("username", ""))
    default = PORTS.get(plugin, 5432)
    tcp = _TCP.search(url)
    if tcp is not None:
        host, _, port = tcp[1].partition(":")
        return host, int(port) if port.isdigit() else default, user, ""
    parts = urlsplit(url.replace("{{", "").replace("}}", ""))
    host = str(details.get("host") or parts.hostname or "127.0.0.1")
    given = details.get("port") or _port(parts.netloc)
    return host, int(given) if str(given).isdigit() else default, user, parts.path.strip("/")


def _port(netloc: str) -> str:
    return netloc.rpartition("@")[2].partition(":")[2]
