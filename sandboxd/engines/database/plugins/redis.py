"""The live plugin for Redis (Vault's) and Valkey (OpenBao's, which is made from it).

A user is made by one `ACL SETUSER` with the rules of the role, whose statements are a JSON list of rules; Valkey's
plugin takes the statements themselves for rules where they are none.

Source: OpenBao's internal/builtin/database/valkey; HashiCorp's vault-plugin-database-redis.
"""

import contextlib
import ssl
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

from sandboxd.engines.database.drivers import resp
from sandboxd.engines.database.drivers.dialing import limited, prefixed
from sandboxd.engines.database.drivers.statements import json_list
from sandboxd.engines.database.plugin import NewUser, PluginError, UpdateUser
from sandboxd.vault.framework import urls
from sandboxd.vault.framework.loopback import check_loopback

if TYPE_CHECKING:
    from sandboxd.engines.database.families import Family
    from sandboxd.engines.database.plugin import Opening
    from sandboxd.vault.framework.backend import Call

_DEFAULT_RULES = '["~*", "+@read"]'
_REFUSED = "response returned from Conn: "


class Redis:
    """One connection to a Redis or Valkey server on this machine."""

    def __init__(self, call: "Call", family: "Family", name: str) -> None:
        self._call = call
        self._family = family
        self._name = name
        self._config: Mapping[str, Any] = {}
        self._found: Mapping[str, Any] = {}
        self._connection: resp.Connection | None = None

    async def initialize(self, config: Mapping[str, Any], *, verify: bool) -> dict[str, Any]:
        """See `Plugin`. Raises Refusal for a host elsewhere."""
        self._config, self._found = config, self._family.settings(self._call, config)
        check_loopback(self._place()[0] or "localhost", f"the database {self._name}")
        if verify:
            async with self._connected("error verifying connection: "):
                pass
        return dict(config)

    async def new_user(self, user: NewUser) -> str:
        """See `Plugin`."""
        name = self._family.username(self._call, self._config, user)
        async with self._connected("failed to get connection: ", user.password) as connection:
            self._family.statements(user.statements)
            given = [statement.strip() for statement in user.statements if statement.strip()] or [_DEFAULT_RULES]
            rules = json_list(given[0])
            await connection.command(
                "ACL", "SETUSER", name, "ON", f">{user.password}", *(given if rules is None else rules)
            )
        return name

    async def update_user(self, change: UpdateUser) -> None:
        """See `Plugin`. There is no expiration to be changed."""
        if change.password is None:
            return
        async with self._connected("", change.password) as connection:
            await self._check_user(connection, change.username)
            await connection.command("ACL", "SETUSER", change.username, "RESETPASS", f">{change.password}")

    async def delete_user(self, username: str, statements: tuple[str, ...]) -> None:
        """See `Plugin`."""
        del statements
        async with self._connected("failed to make connection: ") as connection:
            await connection.command("ACL", "DELUSER", username)

    async def close(self) -> None:
        """See `Plugin`."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _check_user(self, connection: resp.Connection, username: str) -> None:
        try:
            found = await connection.command("ACL", "GETUSER", username)
        except resp.ServerError as error:
            raise PluginError(f"{self._family.type} error returned: {error.text.removeprefix(_REFUSED)}") from None
        except PluginError as error:
            raise PluginError(_reset_failed(username) + error.text) from None
        if found is None:  # newer servers say so, which the real plugin does not understand
            raise PluginError(f'{_reset_failed(username)}{_REFUSED}expected prefix "array", got "blob-string"')
        if not found:
            missing = ": user not found" if self._family.type == "valkey" else ", user not found!"
            raise PluginError(f"changeUserPassword for user {username} failed{missing}")

    @contextlib.asynccontextmanager
    async def _connected(self, before: str = "", *hidden: str) -> AsyncIterator[resp.Connection]:
        """The connection, for a limited time.

        Args:
            before: stands before the reason when there is none to be had.
            hidden: passwords that errors must not show, beside what the family hides.
        """
        labels = self._family.hidden(self._config) | dict.fromkeys(hidden, "[password]")
        async with limited(resp.TIMED_OUT, labels):
            if self._connection is None:
                with prefixed(before):
                    self._connection = await resp.connect(self._server())
            yield self._connection

    def _server(self) -> resp.Server:
        host, port = self._place()
        context = self._context() if self._found["tls"] else None
        username, password = self._found["username"], self._found["password"]
        return resp.Server(host=host, port=port, username=username, password=password, context=context)

    def _place(self) -> tuple[str, str]:
        if not self._found["connection_url"]:
            return self._found["host"], str(self._found["port"])
        url = urls.parse(self._found["connection_url"])
        return url.hostname, url.port

    def _context(self) -> ssl.SSLContext:
        from sandboxd.engines.database import bundles

        authority = bundles.pool(self._found["ca_cert"])
        if not authority:
            raise PluginError("failed to parse root certificate")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=authority)
        if self._found["insecure_tls"]:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


PLUGIN: "Opening" = Redis


def _reset_failed(username: str) -> str:
    return f"reset of passwords for user {username} failed in changeUserPassword: "
