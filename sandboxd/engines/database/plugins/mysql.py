"""The live plugin for MySQL and MariaDB.

Each change is one transaction of the role's statements, as far as these servers have transactions for what makes and
drops users. A user whose role has no revocation statements loses all privileges and is dropped. There is no expiration
to be renewed.

Source: OpenBao's internal/builtin/database/mysql.
"""

import contextlib
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any

from sandboxd.engines.database.drivers import expirations, mysql, mysql_url, statements
from sandboxd.engines.database.drivers.dialing import DEADLINE, limited, prefixed
from sandboxd.engines.database.plugin import NewUser, PluginError, UpdateUser, substituted
from sandboxd.vault.framework.urls import path_escaped

if TYPE_CHECKING:
    from sandboxd.engines.database.families import Family
    from sandboxd.engines.database.plugin import Opening
    from sandboxd.vault.framework.backend import Call

_CHANGE_PASSWORD = "ALTER USER '{{username}}'@'%' IDENTIFIED BY '{{password}}';"
_DROP = "REVOKE ALL PRIVILEGES, GRANT OPTION FROM '{{name}}'@'%'; DROP USER '{{name}}'@'%'"
_EXISTS = "SELECT exists (SELECT user FROM mysql.user WHERE user=%s);"
_NOW = "SELECT CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000000 AS SIGNED);"


class MySQL:
    """One connection to a MySQL or MariaDB server on this machine."""

    def __init__(self, call: "Call", family: "Family", name: str) -> None:
        self._call = call
        self._family = family
        self._name = name
        self._config: Mapping[str, Any] = {}
        self._found: Mapping[str, Any] = {}
        self._session: mysql.Session | None = None

    async def initialize(self, config: Mapping[str, Any], *, verify: bool) -> dict[str, Any]:
        """See `Plugin`. Raises Refusal for a host elsewhere."""
        self._config, self._found = config, self._family.settings(self._call, config)
        try:
            mysql_url.check(self._settings(), f"the database {self._name}")
        except PluginError as error:
            if verify:
                raise PluginError(f"error verifying - connection: {error.text}") from None
        if verify:
            async with self._connected("error verifying - ping: "):
                pass
        return dict(config)

    async def new_user(self, user: NewUser) -> str:
        """See `Plugin`."""
        self._family.statements(user.statements)
        name = self._family.username(self._call, self._config, user)
        async with self._connected("", user.password) as session:
            values = {"name": name, "username": name, "password": user.password}
            if any("{{expiration}}" in statement for statement in user.statements):
                now = await session.run(_now)
                values["expiration"] = expirations.shown(
                    user.expiration, sandbox=self._call.clock.now_ns(), database=now
                )
            await _transact(session, user.statements, values)
        return name

    async def update_user(self, change: UpdateUser) -> None:
        """See `Plugin`."""
        if change.password is None:
            return
        if not change.username or not change.password:
            raise PluginError("failed to change password: must provide both username and password")
        own = (change.username, change.self_managed_password) if change.self_managed_password else None
        hidden = (change.password, change.self_managed_password)
        with prefixed("failed to change password: "):
            async with self._connected("", *hidden, own=own) as session:
                values = {"name": change.username, "username": change.username, "password": change.password}
                await _transact(session, change.statements or (_CHANGE_PASSWORD,), values)

    async def delete_user(self, username: str, statements: tuple[str, ...]) -> None:
        """See `Plugin`."""
        values = {"name": username, "username": username}
        async with self._connected() as session:
            if not statements and not await session.run(lambda connection: _exists(connection, username)):
                return
            await _transact(session, statements or (_DROP,), values)

    async def close(self) -> None:
        """See `Plugin`."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    @contextlib.asynccontextmanager
    async def _connected(
        self, before: str = "", *hidden: str, own: tuple[str, str] | None = None
    ) -> AsyncIterator[mysql.Session]:
        """The connection, for a limited time.

        Args:
            before: stands before the reason when there is none to be had.
            hidden: passwords that errors must not show, beside the configured one.
            own: log in as this user, by this password, instead of as the configured one.
        """
        labels = self._family.hidden(self._config) | dict.fromkeys(hidden, "[password]")
        async with limited(DEADLINE, labels):
            if self._session is None:
                settings = self._settings(own)
                with prefixed(before):
                    name = self._found["tls_server_name"]
                    self._session = await mysql.connect(settings, self._context(), server_name=name)
            yield self._session

    def _settings(self, own: tuple[str, str] | None = None) -> mysql_url.Settings:
        username, password = own or (self._found["username"], self._found["password"])
        values = {"username": path_escaped(username), "password": password}
        return mysql_url.read(substituted(self._found["connection_url"], values))

    def _context(self) -> ssl.SSLContext | None:
        """What the connection details say of TLS, or None when they say nothing."""
        authority, pair = self._found["tls_ca"], self._found["tls_certificate_key"]
        if not authority and not pair:
            return None
        from sandboxd.engines.database import bundles

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if authority:
            context.load_verify_locations(cadata=bundles.pool(authority))
        if pair:
            with NamedTemporaryFile("w", suffix=".pem") as file:  # OpenSSL reads a certificate and its key from files
                file.write(bundles.key_pair(pair, pair))
                file.flush()
                context.load_cert_chain(file.name)
        if self._found["tls_skip_verify"]:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


PLUGIN: "Opening" = MySQL


async def _transact(session: mysql.Session, templates: Iterable[str], values: Mapping[str, str]) -> None:
    pieces = [substituted(piece, values) for template in templates for piece in statements.split(template)]

    def work(connection: mysql.Connection) -> None:
        mysql.execute(connection, "START TRANSACTION")
        try:
            for piece in pieces:
                mysql.execute(connection, piece)
        except BaseException:
            with contextlib.suppress(Exception):
                mysql.execute(connection, "ROLLBACK")
            raise
        mysql.execute(connection, "COMMIT")

    await session.run(work)


def _exists(connection: mysql.Connection, username: str) -> bool:
    return bool(mysql.value(connection, _EXISTS, username))


def _now(connection: mysql.Connection) -> int:
    return int(str(mysql.value(connection, _NOW)))
