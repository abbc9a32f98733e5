"""The live PostgreSQL plugin.

Each change is one transaction of the role's statements, under the lock of its connection. A user whose role has no
revocation statements loses all privileges one by one, as far as that goes, and is then dropped.

Source: OpenBao's internal/builtin/database/postgresql.
"""

import contextlib
import hashlib
import hmac
import re
from base64 import b64encode
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sandboxd.engines.database import details
from sandboxd.engines.database.drivers import expirations, postgres, postgres_url, statements
from sandboxd.engines.database.drivers.dialing import CLOSE_LIMIT, driver, limited, prefixed
from sandboxd.engines.database.plugin import NewUser, PluginError, UpdateUser, substituted
from sandboxd.vault.errors import listed
from sandboxd.vault.framework.urls import path_escaped

if TYPE_CHECKING:
    from sandboxd.engines.database.families import Family
    from sandboxd.engines.database.plugin import Opening
    from sandboxd.vault.framework.backend import Call

_CHANGE_PASSWORD = """ALTER ROLE "{{username}}" WITH PASSWORD '{{password}}';"""
_RENEW = """ALTER ROLE "{{name}}" VALID UNTIL '{{expiration}}';"""
_EXISTS = "SELECT exists (SELECT rolname FROM pg_roles WHERE rolname=$1);"
_SCHEMAS = "SELECT DISTINCT table_schema FROM information_schema.role_column_grants WHERE grantee=$1;"
_NOW = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000000)::bigint;"

_END = re.compile(r"\bEND\b")
_QUOTED = (re.compile(r'".*?"'), re.compile("'.*?'"))
_SCRAM_ROUNDS = 4096


class PostgreSQL:
    """One connection to a PostgreSQL server on this machine."""

    def __init__(self, call: "Call", family: "Family", name: str) -> None:
        self._call = call
        self._family = family
        self._name = name
        self._config: Mapping[str, Any] = {}
        self._found: Mapping[str, Any] = {}
        self._connection: postgres.Connection | None = None
        self._broken = False

    async def initialize(self, config: Mapping[str, Any], *, verify: bool) -> dict[str, Any]:
        """See `Plugin`. Raises Refusal for a host elsewhere."""
        self._config, self._found = config, self._family.settings(self._call, config)
        try:
            postgres.check(self._settings(), f"the database {self._name}")
        except PluginError:
            if verify:
                raise
        if verify:
            async with self._connected("error verifying connection: "):
                pass
        return dict(config)

    async def new_user(self, user: NewUser) -> str:
        """See `Plugin`."""
        self._family.statements(user.statements)
        name = self._family.username(self._call, self._config, user)
        password = self._sent(user.password)
        async with self._connected("unable to start transaction: ", user.password, password) as connection:
            values = {"name": name, "username": name, "password": password}
            values["expiration"] = await self._expiration(connection, user.statements, user.expiration)
            await self._transact(connection, _pieces(user.statements), values, "failed to execute query: ")
        return name

    async def update_user(self, change: UpdateUser) -> None:
        """See `Plugin`."""
        faults = []
        if change.password is not None:
            try:
                await self._change_password(change, change.password)
            except PluginError as error:
                faults.append(error.text)
        if change.expiration is not None:
            try:
                await self._change_expiration(change, change.expiration)
            except PluginError as error:
                faults.append(error.text)
        if faults:
            raise PluginError(listed(faults))

    async def delete_user(self, username: str, statements: tuple[str, ...]) -> None:
        """See `Plugin`."""
        async with self._connected() as connection:
            if statements:
                values = {"name": username, "username": username}
                await self._transact(connection, _pieces(statements), values)
            else:
                await self._drop(connection, username)

    async def close(self) -> None:
        """See `Plugin`."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if self._broken:
            connection.terminate()
            return
        asyncpg = driver("asyncpg", "postgresql")
        try:
            await connection.close(timeout=CLOSE_LIMIT)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            connection.terminate()

    async def _change_password(self, change: UpdateUser, new: str) -> None:
        if not new:
            raise PluginError("missing password")
        password = self._sent(new)
        own = (change.username, change.self_managed_password) if change.self_managed_password else None
        before = "user does not appear to exist: "
        hidden = (new, password, change.self_managed_password)
        async with self._connected(before, *hidden, own=own) as connection:
            values = {"name": change.username, "username": change.username, "password": password}
            pieces = _split(change.statements or (_CHANGE_PASSWORD,))
            await self._transact(connection, pieces, values, "failed to execute query: ")

    async def _change_expiration(self, change: UpdateUser, moment: int) -> None:
        templates = change.statements or (_RENEW,)
        async with self._connected() as connection:
            values = {"name": change.username, "username": change.username}
            values["expiration"] = await self._expiration(connection, templates, moment)
            await self._transact(connection, _split(templates), values)

    async def _drop(self, connection: postgres.Connection, username: str) -> None:
        """Take all privileges away that can be, in no transaction, then drop the user."""
        with _worded():
            if not await connection.fetchval(_EXISTS, username):
                return
            schemas = [row[0] for row in await connection.fetch(_SCHEMAS, username)]
            database = await connection.fetchval("SELECT current_database();")
        user = _quoted(username)
        revocations = []
        for schema in map(_quoted, schemas):
            revocations.append(f"REVOKE ALL PRIVILEGES ON ALL TABLES IN SCHEMA {schema} FROM {user};")
            revocations.append(f"REVOKE USAGE ON SCHEMA {schema} FROM {user};")
        revocations += [
            f"REVOKE ALL PRIVILEGES ON ALL TABLES IN SCHEMA public FROM {user};",
            f"REVOKE ALL PRIVILEGES ON ALL SEQUENCES IN SCHEMA public FROM {user};",
            f"REVOKE USAGE ON SCHEMA public FROM {user};",
            f"REVOKE CONNECT ON DATABASE {_quoted(database)} FROM {user};",
        ]
        fault = None
        for revocation in revocations:
            try:
                await _run(connection, revocation)
            except PluginError as error:
                fault = error
        if fault is not None:
            raise PluginError(f"could not perform all revocation statements: {fault.text}")
        await _run(connection, f"DROP ROLE IF EXISTS {user};")

    async def _transact(
        self, connection: postgres.Connection, templates: Iterable[str], values: Mapping[str, str], before: str = ""
    ) -> None:
        """Run statements in one transaction. `before` stands before the reason when one fails."""
        await _run(connection, "begin")
        try:
            for template in templates:
                await _run(connection, substituted(template, values))
        except PluginError as error:
            with contextlib.suppress(PluginError):
                await _run(connection, "rollback")
            raise PluginError(before + error.text) from None
        await _run(connection, "commit")

    @contextlib.asynccontextmanager
    async def _connected(
        self, before: str = "", *hidden: str, own: tuple[str, str] | None = None
    ) -> AsyncIterator[postgres.Connection]:
        """The connection, for a limited time.

        Args:
            before: stands before the reason when there is none to be had.
            hidden: passwords that errors must not show, beside the configured one.
            own: log in as this user, by this password, instead of as the configured one.
        """
        labels = self._family.hidden(self._config) | dict.fromkeys(hidden, "[password]")
        async with limited(postgres.TIMED_OUT, labels):
            if self._connection is None:
                settings = self._settings(own)
                with prefixed(before):
                    self._connection = await postgres.connect(settings, self._call.profile)
            self._broken = True
            yield self._connection
            self._broken = False

    def _settings(self, own: tuple[str, str] | None = None) -> postgres_url.Settings:
        username, password = own or (self._found["username"], self._found["password"])
        if not self._found["disable_escaping"]:
            username, password = path_escaped(username), path_escaped(password)
        url = substituted(self._found["connection_url"], {"username": username, "password": password})
        if url.startswith(("postgres://", "postgresql://")):
            url += ("&" if "?" in url else "?") + "timezone=UTC"
            url += "" if "application_name" in url else "&application_name=vault"
        return postgres_url.read(url)

    async def _expiration(self, connection: postgres.Connection, templates: tuple[str, ...], moment: int) -> str:
        if not any("{{expiration}}" in template for template in templates):
            return ""
        with _worded():
            now = await connection.fetchval(_NOW)
        return expirations.shown(moment, sandbox=self._call.clock.now_ns(), database=now)

    def _sent(self, password: str) -> str:
        """A password as statements hold it."""
        if not password or details.password_authentication(self._config) == "password":
            return password
        salt = self._call.entropy.bytes(16)
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _SCRAM_ROUNDS)
        client = hmac.digest(salted, b"Client Key", "sha256")
        parts = (salt, hashlib.sha256(client).digest(), hmac.digest(salted, b"Server Key", "sha256"))
        shown = [b64encode(part).decode() for part in parts]
        return f"SCRAM-SHA-256${_SCRAM_ROUNDS}:{shown[0]}${shown[1]}:{shown[2]}"


PLUGIN: "Opening" = PostgreSQL


@contextlib.contextmanager
def _worded() -> Any:
    """Raise what asyncpg raises as PluginError in pgx's words."""
    asyncpg = driver("asyncpg", "postgresql")
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise PluginError(postgres.text_of(error)) from None
    except ConnectionError:
        raise PluginError(postgres.LOST) from None


async def _run(connection: postgres.Connection, statement: str) -> None:
    with _worded():
        await connection.execute(statement)


def _split(templates: Iterable[str]) -> list[str]:
    return [piece for template in templates for piece in statements.split(template)]


def _pieces(templates: Iterable[str]) -> list[str]:
    """The statements to run one by one; what has a word END is taken for a block and stays whole."""
    return [piece for template in templates for piece in ((template,) if _is_block(template) else _split((template,)))]


def _is_block(template: str) -> bool:
    bare = template
    for literal in (found for pattern in _QUOTED for found in pattern.findall(template)):
        bare = template.replace(literal, "")  # of the whole text each time, as the real plugin does
    return _END.search(bare) is not None


def _quoted(identifier: str) -> str:
    return '"' + identifier.partition("\0")[0].replace('"', '""') + '"'
