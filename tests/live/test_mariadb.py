"""What only MySQL and MariaDB have: failover, TLS from the connection details, sockets, names of servers' own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from live.conftest import sandbox_of

if TYPE_CHECKING:
    from live.conftest import Sandbox
    from live.databases import MariaDB


@pytest.fixture
def sandbox(mariadb: MariaDB) -> Sandbox:
    return sandbox_of(mariadb)


def test_a_socket_is_as_good_as_an_address(sandbox: Sandbox, mariadb: MariaDB) -> None:
    url = f"{{{{username}}}}:{{{{password}}}}@unix({mariadb.socket})/"
    assert sandbox.connect(connection_url=url).status == 204
    lent = sandbox.lend()
    assert mariadb.login(lent.username, lent.password)


def test_a_server_that_is_down_is_passed_over_for_another_one(sandbox: Sandbox, mariadb: MariaDB) -> None:
    url = f"{{{{username}}}}:{{{{password}}}}@tcp(127.0.0.1:1,127.0.0.1:{mariadb.port})/"
    assert sandbox.connect(connection_url=url).status == 204
    sandbox.lend()


def test_a_connection_can_be_encrypted(sandbox: Sandbox, mariadb: MariaDB) -> None:
    assert sandbox.connect("safe", tls_ca="# é\n" + (mariadb.home / "ca.pem").read_text()).status == 204
    cipher = "SELECT variable_value FROM information_schema.session_status WHERE variable_name = 'ssl_cipher'"
    noting = f"CREATE DATABASE IF NOT EXISTS seen; CREATE OR REPLACE TABLE seen.cipher AS {cipher}"
    sandbox.role("safe", db_name="safe", creation_statements=noting)
    sandbox.lend("safe")
    assert mariadb.sql("SELECT * FROM seen.cipher")[0][0]


def test_a_certificate_of_another_name_is_refused(sandbox: Sandbox, mariadb: MariaDB) -> None:
    ca = (mariadb.home / "ca.pem").read_text()
    reply = sandbox.connect("safe", tls_ca=ca, tls_server_name="elsewhere.example")
    assert "tls: failed to verify certificate: x509: certificate is valid for" in reply.errors[0]
    assert sandbox.connect("safe", tls_ca=ca, tls_server_name="elsewhere.example", tls_skip_verify=True).status == 204


def test_a_user_that_someone_else_dropped_is_no_trouble(sandbox: Sandbox, mariadb: MariaDB) -> None:
    lent = sandbox.lend()
    mariadb.sql("DROP USER %s@'%%'", lent.username)
    sandbox.do("PUT", "sys/leases/revoke", {"lease_id": lent.lease, "sync": True})


def test_a_renewal_asks_nothing_of_the_server(sandbox: Sandbox, mariadb: MariaDB) -> None:
    lent = sandbox.lend()
    mariadb.kill()
    sandbox.do("PUT", "sys/leases/renew", {"lease_id": lent.lease, "increment": 7200})


def test_statements_may_say_when_a_user_ends(sandbox: Sandbox, mariadb: MariaDB) -> None:
    note = (
        "CREATE TABLE IF NOT EXISTS test_ends.ends (moment text); INSERT INTO test_ends.ends VALUES ('{{expiration}}')"
    )
    sandbox.role("noted", creation_statements=f"CREATE DATABASE IF NOT EXISTS test_ends; {note}")
    sandbox.lend("noted")
    [[moment]] = mariadb.sql("SELECT moment FROM test_ends.ends")
    [[left]] = mariadb.sql("SELECT UNIX_TIMESTAMP(LEFT(%s, 19)) - UNIX_TIMESTAMP(UTC_TIMESTAMP())", moment)
    assert float(left) == pytest.approx(3605, abs=5)
    assert moment.endswith("+0000")


def test_a_legacy_plugin_is_served_as_well(sandbox: Sandbox, mariadb: MariaDB) -> None:
    details = mariadb.details(plugin_name="mysql-legacy-database-plugin", allowed_roles="*")
    sandbox.do("POST", "db/config/app", details)
    lent = sandbox.lend()
    assert len(lent.username) <= 16
    assert mariadb.login(lent.username, lent.password)
