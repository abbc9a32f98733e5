"""The families of databases, and the names of their plugins.

A **family** is what the engine has to know of one kind of database: how users are named, what connection details it
takes, which credentials it can set, what statements it must be given.

Sources: OpenBao's plugins, observed on a running 2.7.2; for the families that only Vault has, its documentation of the
plugins and their public sources.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from sandboxd.engines.database import creation, details
from sandboxd.engines.database.credentials import names_of
from sandboxd.engines.database.plugin import (
    CLIENT_CERTIFICATE,
    PASSWORD,
    RSA_PRIVATE_KEY,
    NewUser,
    Opening,
    PluginError,
    sanitized,
)
from sandboxd.vault.framework.backend import Call
from sandboxd.vault.framework.usernames import Template

SUPPORTED = "supported_credential_types"
"""The connection detail in which a plugin tells what it can set, where it is not passwords alone."""


@dataclass(frozen=True, kw_only=True)
class Family:
    """One kind of database.

    Args:
        type: its name.
        template: how users are named where the connection's `username_template` does not say.
        check: checks and decodes the connection details.
        statements: checks a role's creation statements when a user is to be made.
        named_first: whether the username template is looked at before the other details.
        prefix: what stands before the reason when the details are refused.
        custom_names: whether connections take a `username_template`.
        credentials: what the plugin says it can set; empty when it says nothing, and sets passwords.
        no_name: what stands before the reason when the username template is no text.
        afterwards: checks what the real plugin looks at last.
        secrets: details that errors never show; they show their names in brackets instead.
        in_url: the secrets that a connection's URL holds, where the real plugin takes them out.
        live: the module in `plugins/` that talks to a real server; empty when there is none.
    """

    type: str
    template: str
    check: details.Check
    statements: Callable[[tuple[str, ...]], None] = creation.some
    named_first: bool = False
    prefix: str = ""
    custom_names: bool = True
    credentials: tuple[str, ...] = ()
    no_name: str = "failed to retrieve username_template: "
    afterwards: Callable[[details.Details], object] | None = None
    secrets: tuple[str, ...] = ("password",)
    in_url: Callable[[details.Details], Mapping[str, str]] = details.nothing
    live: str = ""

    def settings(self, call: Call, given: Mapping[str, Any]) -> dict[str, Any]:
        """The decoded connection details.

        Raises PluginError, without secrets, for what the real plugin refuses before it connects.
        """
        try:
            return self._settings(call, given)
        except PluginError as error:
            raise PluginError(sanitized(error.text, self.hidden(given))) from None

    def username(self, call: Call, given: Mapping[str, Any], user: NewUser) -> str:
        """A name for a new user of a connection with these details. Raises PluginError."""
        if user.credential_type == CLIENT_CERTIFICATE:
            return user.subject  # what the database knows the bearer of the certificate by
        try:
            return self._template(call, given).render(
                names_of(user.display_name, user.role_name), call.clock, call.entropy
            )
        except ValueError as error:
            raise PluginError(str(error)) from None

    def hidden(self, given: Mapping[str, Any]) -> dict[str, str]:
        """The values that errors must not show, each with what they show instead."""
        shown = {name: value for name in self.secrets if isinstance(value := given.get(name), str)}
        return {value: f"[{name}]" for name, value in {**shown, **self.in_url(given)}.items()}

    def _settings(self, call: Call, given: Mapping[str, Any]) -> dict[str, Any]:
        if self.named_first:
            self._check_name(call, given)
        try:
            found = self.check(given)
        except PluginError as error:
            raise PluginError(self.prefix + error.text) from None
        if not self.named_first:
            self._check_name(call, given)
        if self.afterwards is not None:
            self.afterwards(given)
        return found

    def _check_name(self, call: Call, given: Mapping[str, Any]) -> None:
        if not self.custom_names:
            return
        try:
            template = self._template(call, given)
        except ValueError as error:
            raise PluginError(f"unable to initialize username template: {error}") from None
        try:
            template.render(names_of("", ""), call.clock, call.entropy)
        except ValueError as error:
            raise PluginError(f"invalid username template: {error}") from None

    def _template(self, call: Call, given: Mapping[str, Any]) -> Template:
        text = ""
        if self.custom_names:
            try:
                text = details.text(given, "username_template")
            except PluginError as error:
                raise PluginError(self.no_name + error.text) from None
        return Template.parse(text or self.template, profile=call.profile)


_CASSANDRA_NAME = (
    '{{ printf "v_%s_%s_%s_%s" (.DisplayName | truncate 15) (.RoleName | truncate 15) (random 20) (unix_time) '
    '| truncate 100 | replace "-" "_" | lowercase }}'
)
_ELASTICSEARCH_NAME = (
    '{{ printf "v-%s-%s-%s-%s" (.DisplayName | truncate 15) (.RoleName | truncate 15) (random 20) (unix_time) '
    "| truncate 100 }}"
)
_REDIS_NAME = (
    '{{ printf "v_%s_%s_%s_%s" (.DisplayName | truncate 64) (.RoleName | truncate 64) (random 20) (unix_time) '
    "| truncate 100 | uppercase }}"
)

POSTGRESQL = Family(
    type="postgresql",
    template=(
        '{{ printf "v-%s-%s-%s-%s" (.DisplayName | truncate 8) (.RoleName | truncate 8) (random 20) (unix_time) '
        "| truncate 63 }}"
    ),
    check=details.sql,
    afterwards=details.password_authentication,
    live="postgresql",
)
MYSQL = Family(
    type="mysql",
    template=(
        '{{ printf "v-%s-%s-%s-%s" (.DisplayName | truncate 10) (.RoleName | truncate 10) (random 20) (unix_time) '
        "| truncate 32 }}"
    ),
    check=details.mysql,
    named_first=True,
    no_name="",
    live="mysql",
)
MYSQL_LEGACY = Family(
    type="mysql",
    # The real one has a third %s, without a value, which the cut at 16 characters always takes away.
    template='{{ printf "v-%s-%s" (.RoleName | truncate 4) (random 20) | truncate 16 }}',
    check=details.mysql,
    named_first=True,
    no_name="",
    live="mysql",
)
CASSANDRA = Family(
    type="cassandra",
    template=_CASSANDRA_NAME,
    check=details.cassandra,
    statements=creation.anything,
    named_first=True,
    prefix="failed to initialize: ",
    secrets=("password", "pem_bundle", "pem_json"),
)
INFLUXDB = Family(
    type="influxdb",
    template=_CASSANDRA_NAME,
    check=details.influxdb,
    statements=creation.anything,
    named_first=True,
    secrets=("password", "pem_bundle", "pem_json"),
)
VALKEY = Family(
    type="valkey",
    template=_REDIS_NAME,
    check=details.valkey,
    statements=creation.anything,
    custom_names=False,
    secrets=("password", "username"),
    in_url=details.redis_url_secrets,
    live="redis",
)
REDIS = Family(
    type="redis",
    template=_REDIS_NAME,
    check=details.redis,
    statements=creation.acl_rules,
    custom_names=False,
    secrets=("password", "username"),
    live="redis",
)
MONGODB = Family(
    type="mongodb",
    template=(
        '{{ printf "v-%s-%s-%s-%s" (.DisplayName | truncate 15) (.RoleName | truncate 15) (random 20) (unix_time) '
        '| replace "." "-" | truncate 100 }}'
    ),
    check=details.mongodb,
    statements=creation.mongodb,
    named_first=True,
)
MONGODBATLAS = Family(
    type="mongodbatlas",
    template='{{ printf "v-%s-%s" (.RoleName | truncate 15) (random 20) | truncate 20 }}',
    check=details.mongodbatlas,
    statements=creation.mongodbatlas,
    named_first=True,
    prefix="failed to initialize: ",
    credentials=(PASSWORD, CLIENT_CERTIFICATE),
    secrets=("private_key",),
)
MSSQL = Family(
    type="mssql",
    template=(
        '{{ printf "v-%s-%s-%s-%s" (.DisplayName | truncate 20) (.RoleName | truncate 20) (random 20) (unix_time) '
        "| truncate 128 }}"
    ),
    check=details.sql,
)
ORACLE = Family(
    type="oracle",
    template=(
        '{{ printf "V_%s_%s_%s_%s" (.DisplayName | truncate 8) (.RoleName | truncate 8) (random 20) (unix_time) '
        '| truncate 30 | uppercase | replace "-" "_" | replace "." "_" }}'
    ),
    check=details.sql,
)
COUCHBASE = Family(
    type="couchbase",
    template=(
        '{{ printf "V_%s_%s_%s_%s" (printf "%s" .DisplayName | uppercase | truncate 64) '
        '(printf "%s" .RoleName | uppercase | truncate 64) (random 20 | uppercase) (unix_time) | truncate 128 }}'
    ),
    check=details.couchbase,
    statements=creation.couchbase,
    named_first=True,
)
ELASTICSEARCH = Family(
    type="elasticsearch",
    template=_ELASTICSEARCH_NAME,
    check=details.elasticsearch,
    statements=creation.elasticsearch,
    named_first=True,
    secrets=("password", "client_key"),
)
HANA = Family(
    type="hdb",
    template=(
        '{{ printf "v_%s_%s_%s_%s" (.DisplayName | truncate 32) (.RoleName | truncate 20) (random 20) (unix_time) '
        '| truncate 127 | replace "-" "_" | uppercase }}'
    ),
    check=details.sql,
)
REDSHIFT = Family(
    type="redshift",
    template=(
        '{{ printf "v-%s-%s-%s-%s" (.DisplayName | truncate 8) (.RoleName | truncate 8) (random 20) (unix_time) '
        "| truncate 63 | lowercase }}"
    ),
    check=details.sql,
)
SNOWFLAKE = Family(
    type="snowflake",
    template=(
        '{{ printf "v_%s_%s_%s_%s" (.DisplayName | truncate 32) (.RoleName | truncate 32) (random 20) (unix_time) '
        '| truncate 255 | replace "-" "_" }}'
    ),
    check=details.sql,
    credentials=(PASSWORD, RSA_PRIVATE_KEY),
)
ELASTICACHE = Family(
    type="redisElastiCache",
    template="",
    check=details.elasticache,
    statements=creation.unsupported,
    custom_names=False,
    secrets=("password", "secret_access_key"),
)

_BOTH = {
    "cassandra-database-plugin": CASSANDRA,
    "influxdb-database-plugin": INFLUXDB,
    "mysql-aurora-database-plugin": MYSQL,
    "mysql-database-plugin": MYSQL,
    "mysql-legacy-database-plugin": MYSQL_LEGACY,
    "mysql-rds-database-plugin": MYSQL,
    "postgresql-database-plugin": POSTGRESQL,
}
PLUGINS: Mapping[str, Mapping[str, Family]] = {
    "openbao": {**_BOTH, "redis-database-plugin": VALKEY, "valkey-database-plugin": VALKEY},
    "vault": {
        **_BOTH,
        "couchbase-database-plugin": COUCHBASE,
        "elasticsearch-database-plugin": ELASTICSEARCH,
        "hana-database-plugin": HANA,
        "mongodb-database-plugin": MONGODB,
        "mongodbatlas-database-plugin": MONGODBATLAS,
        "mssql-database-plugin": MSSQL,
        "redis-database-plugin": REDIS,
        "redis-elasticache-database-plugin": ELASTICACHE,
        "redshift-database-plugin": REDSHIFT,
        "snowflake-database-plugin": SNOWFLAKE,
        # Not built in: it is registered under one of these names.
        "oracle-database-plugin": ORACLE,
        "vault-plugin-database-oracle": ORACLE,
    },
}
"""The database plugins that a profile has, by name."""


def find(profile: str, name: str, version: str = "") -> Family:
    """The family behind a plugin's name. Raises PluginError when there is no such plugin, in that version."""
    family = PLUGINS[profile].get(name)
    if family is None or version:
        unknown = f"plugin not found in the catalog: {name}" + (f", version={version}" if version else "")
        raise PluginError(f"invalid database version: 2 errors occurred:\n\t* {unknown}\n\t* {unknown}\n\n")
    return family


def turn(call: Call, name: str) -> AbstractAsyncContextManager[None]:
    """What keeps others from a live connection for as long as it is entered."""
    if not call.live:
        return nullcontext()
    from sandboxd.engines.database.drivers import dialing

    return dialing.turn(call.mount.uuid, name)


def opening(call: Call, family: Family) -> Opening:
    """How a plugin of a family is made for a call: live where that is asked for and the family has it."""
    if call.live and family.live:
        found: Opening = import_module(f"sandboxd.engines.database.plugins.{family.live}").PLUGIN
        return found
    from sandboxd.engines.database.simulated import Simulated

    return Simulated
