"""What only PostgreSQL has: expirations, transactions, hashed passwords, privileges to be taken away, TLS, sockets."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from live.conftest import sandbox_of

if TYPE_CHECKING:
    from live.conftest import Sandbox
    from live.databases import PostgreSQL


@pytest.fixture
def sandbox(postgresql: PostgreSQL) -> Sandbox:
    return sandbox_of(postgresql)


def valid_for(postgresql: PostgreSQL, username: str) -> float:
    """The seconds that the server lets a user log in."""
    [[left]] = postgresql.sql("SELECT rolvaliduntil - now() FROM pg_roles WHERE rolname = $1", username)
    assert isinstance(left, dt.timedelta)
    return left.total_seconds()


def test_the_server_knows_when_a_user_ends_by_its_own_clock(sandbox: Sandbox, postgresql: PostgreSQL) -> None:
    # The sandbox's clock stands still, long ago.
    assert valid_for(postgresql, sandbox.lend().username) == pytest.approx(3605, abs=5)


def test_a_renewal_moves_that_moment(sandbox: Sandbox, postgresql: PostgreSQL) -> None:
    lent = sandbox.lend()
    sandbox.do("PUT", "sys/leases/renew", {"lease_id": lent.lease, "increment": 7200})
    assert valid_for(postgresql, lent.username) == pytest.approx(7205, abs=5)


def test_a_creation_that_fails_half_way_leaves_nothing(sandbox: Sandbox, postgresql: PostgreSQL) -> None:
    before = postgresql.users()
    sandbox.role("half", creation_statements='CREATE ROLE "{{name}}" WITH LOGIN; GRANT SELECT ON nothing TO "{{name}}"')
    assert sandbox.ask("GET", "db/creds/half").errors == [
        '1 error occurred:\n\t* failed to execute query: ERROR: relation "nothing" does not exist (SQLSTATE 42P01)\n\n'
    ]
    assert postgresql.users() == before


def test_a_revocation_takes_all_privileges_away_first(sandbox: Sandbox, postgresql: PostgreSQL) -> None:
    postgresql.sql('CREATE SCHEMA IF NOT EXISTS "od d"')
    postgresql.sql('CREATE TABLE IF NOT EXISTS "od d".things (id int)')
    creation = """CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}';
                  GRANT USAGE ON SCHEMA "od d" TO "{{name}}"; GRANT SELECT ON ALL TABLES IN SCHEMA "od d" TO "{{name}}";
                  GRANT SELECT ON notes TO "{{name}}"; GRANT CONNECT ON DATABASE postgres TO "{{name}}";"""
    sandbox.role("wide", creation_statements=creation)
    lent = sandbox.lend("wide")
    assert postgresql.sql('SELECT * FROM "od d".things', username=lent.username, password=lent.password) == []
    sandbox.do("PUT", "sys/leases/revoke", {"lease_id": lent.lease, "sync": True})
    assert lent.username not in postgresql.users()


def test_a_user_that_still_owns_something_cannot_be_dropped(sandbox: Sandbox, postgresql: PostgreSQL) -> None:
    lent = sandbox.lend()
    postgresql.sql("CREATE TABLE owned (id int)")
    postgresql.sql(f'ALTER TABLE owned OWNER TO "{lent.username}"')
    reply = sandbox.ask("PUT", "sys/leases/revoke", {"lease_id": lent.lease, "sync": True})
    assert "cannot be dropped because some objects depend on it (SQLSTATE 2BP01)" in reply.errors[0]
    postgresql.sql("DROP TABLE owned")
    sandbox.do("PUT", "sys/leases/revoke", {"lease_id": lent.lease, "sync": True})


def test_a_user_that_someone_else_dropped_is_no_trouble(sandbox: Sandbox, postgresql: PostgreSQL) -> None:
    lent = sandbox.lend()
    postgresql.sql(f'DROP OWNED BY "{lent.username}"')
    postgresql.sql(f'DROP ROLE "{lent.username}"')
    sandbox.do("PUT", "sys/leases/revoke", {"lease_id": lent.lease, "sync": True})


def test_the_roles_own_statements_are_used_where_there_are_some(sandbox: Sandbox, postgresql: PostgreSQL) -> None:
    sandbox.role(
        "own",
        renew_statements="""ALTER ROLE "{{name}}" VALID UNTIL 'infinity'""",
        revocation_statements='ALTER ROLE "{{name}}" NOLOGIN',
    )
    lent = sandbox.lend("own")
    sandbox.do("PUT", "sys/leases/renew", {"lease_id": lent.lease})
    query = "SELECT rolvaliduntil = 'infinity', rolcanlogin FROM pg_roles WHERE rolname = $1"
    assert list(postgresql.sql(query, lent.username)[0]) == [True, True]
    sandbox.do("PUT", "sys/leases/revoke", {"lease_id": lent.lease, "sync": True})
    assert list(postgresql.sql(query, lent.username)[0]) == [True, False]


def test_a_block_with_semicolons_is_one_statement(sandbox: Sandbox, postgresql: PostgreSQL) -> None:
    block = """DO $$ BEGIN
                 CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}'; PERFORM 1;
               END $$;"""
    sandbox.role("block", creation_statements=block)
    lent = sandbox.lend("block")
    assert postgresql.login(lent.username, lent.password)


def test_passwords_can_be_sent_hashed(sandbox: Sandbox, postgresql: PostgreSQL) -> None:
    assert sandbox.connect(password_authentication="scram-sha-256").status == 204
    sandbox.role("hashed", creation_statements="""CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}'""")
    lent = sandbox.lend("hashed")
    assert postgresql.login(lent.username, lent.password)
    sandbox.role("seen", creation_statements="SELECT '{{password}}'::int")
    assert 'invalid input syntax for type integer: "[password]"' in sandbox.ask("GET", "db/creds/seen").errors[0]


def test_a_password_of_odd_signs_is_escaped_or_not_as_configured(sandbox: Sandbox, postgresql: PostgreSQL) -> None:
    assert sandbox.connect("raw", disable_escaping=True).status == 400
    url = f"host=127.0.0.1 port={postgresql.port} user={{{{username}}}} password='{{{{password}}}}' dbname=postgres"
    assert sandbox.connect("raw", disable_escaping=True, connection_url=url).status == 204
    assert sandbox.connect("raw", disable_escaping=False).status == 204


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_a_connection_can_be_encrypted(sandbox: Sandbox, postgresql: PostgreSQL, mode: str) -> None:
    url = (
        f"postgresql://{{{{username}}}}:{{{{password}}}}@localhost:{postgresql.port}/postgres"
        f"?sslmode={mode}&sslrootcert={postgresql.home}/ca.pem"
    )
    assert sandbox.connect("safe", connection_url=url).status == 204
    sandbox.role(
        "safe",
        db_name="safe",
        creation_statements="SELECT 1/(ssl::int - 1) FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
    )
    assert "division by zero" in sandbox.ask("GET", "db/creds/safe").errors[0]


def test_a_socket_is_as_good_as_an_address(sandbox: Sandbox, postgresql: PostgreSQL) -> None:
    url = f"postgresql://{{{{username}}}}:{{{{password}}}}@/postgres?host={postgresql.home}&port={postgresql.port}"
    assert sandbox.connect(connection_url=url).status == 204
    lent = sandbox.lend()
    assert postgresql.login(lent.username, lent.password)


def test_a_server_that_is_down_is_passed_over_for_another_one(sandbox: Sandbox, postgresql: PostgreSQL) -> None:
    url = f"postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:1,127.0.0.1:{postgresql.port}/postgres"
    assert sandbox.connect(connection_url=url).status == 204
    sandbox.lend()


def test_the_environment_has_no_say(sandbox: Sandbox, postgresql: PostgreSQL, monkeypatch: pytest.MonkeyPatch) -> None:
    misleading = {
        "PGHOST": "db.example",
        "PGHOSTADDR": "192.0.2.1",
        "PGPORT": "1",
        "PGUSER": "nobody",
        "PGPASSWORD": "wrong",
        "PGDATABASE": "none",
        "PGSERVICE": "elsewhere",
        "PGSSLMODE": "verify-full",
        "PGSSLNEGOTIATION": "direct",
        "PGTARGETSESSIONATTRS": "standby",
    }
    with monkeypatch.context() as environment:
        for name, value in misleading.items():
            environment.setenv(name, value)
        assert sandbox.connect().status == 204
        lent = sandbox.lend()
    assert lent.username in postgresql.users()


def test_vault_tells_of_a_connection_in_its_older_drivers_words(postgresql: PostgreSQL) -> None:
    sandbox = sandbox_of(postgresql, "vault")
    [text] = sandbox.connect("other", password="wrong").errors
    assert text == (
        "error creating database object: error verifying connection: failed to connect to `host=127.0.0.1 user=admin "
        'database=postgres`: failed SASL auth (FATAL: password authentication failed for user "admin" (SQLSTATE 28P01))'
    )


def test_a_user_can_change_its_own_password(postgresql: PostgreSQL) -> None:
    sandbox = sandbox_of(postgresql, "vault")
    postgresql.make_user("self", "before")
    sandbox.static("self", self_managed_password="before", password="before", skip_import_rotation=True)
    sandbox.do("POST", "db/rotate-role/self")
    assert postgresql.login("self", sandbox.password("self"))
    assert not postgresql.login("self", "before")
