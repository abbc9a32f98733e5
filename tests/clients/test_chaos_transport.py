"""What real clients meet when connections and bytes go wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests
from clients.outages import bao, connect, read

from sandboxd.testing import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

SHORT = 0.5  # seconds that hvac waits where nothing is to come


@pytest.fixture(scope="module", params=["http", "https"])
def up(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with Sandbox(root_token="root", tls=request.param == "https") as found:
        yield found


@pytest.fixture
def sandbox(up: Sandbox) -> Sandbox:
    up.reset()
    client = connect(up)
    client.secrets.kv.v2.create_or_update_secret("app", {"x": 1})
    client.adapter.close()
    return up


@pytest.fixture(scope="module")
def secure() -> Iterator[Sandbox]:
    with Sandbox(root_token="root", tls=True) as found:
        client = connect(found)
        client.secrets.kv.v2.create_or_update_secret("app", {"x": 1})
        client.adapter.close()
        yield found


@pytest.mark.parametrize(
    ("fault", "error", "told", "exit_status"),
    [
        ("refused", requests.exceptions.ConnectionError, "connection refused", 2),
        ("unreachable", requests.exceptions.ConnectTimeout, "deadline exceeded|timeout", 2),
        ("connect-reset", requests.exceptions.ConnectionError, "connection reset by peer|EOF|broken pipe", 2),
        ("connect-silent", requests.exceptions.Timeout, "deadline exceeded|timeout", 2),
        ("connection-cap most=0 beyond=close", requests.exceptions.ConnectionError, "EOF|reset by peer|broken pipe", 2),
        ("silent", requests.exceptions.ReadTimeout, "deadline exceeded|timeout", 2),
        ("silent close_after=100ms", requests.exceptions.ConnectionError, "EOF", 2),
        ("reset", requests.exceptions.ConnectionError, "connection reset by peer", 2),
        ("reset at=answer", requests.exceptions.ChunkedEncodingError, "connection reset by peer|malformed|EOF", 2),
        ("empty", requests.exceptions.ConnectionError, "EOF", 2),
        ("answer-lost", requests.exceptions.ConnectionError, "connection reset by peer", 2),
        ("truncated keep=20", requests.exceptions.ChunkedEncodingError, "unexpected EOF", 2),
        ("malformed-chunk", requests.exceptions.ChunkedEncodingError, "invalid|malformed|unexpected EOF", 2),
        ("garbage", requests.exceptions.ConnectionError, "malformed HTTP", 2),
        ("dribble pieces=100 over=1h", requests.exceptions.Timeout, "deadline exceeded|timeout", 2),
        ("slow delay=1h", requests.exceptions.ReadTimeout, "deadline exceeded|timeout", 2),
    ],
)
def test_clients_fail_as_they_do_in_production_and_are_well_afterwards(sandbox, fault, error, told, exit_status):
    client = connect(sandbox, timeout=SHORT)
    with sandbox.chaos.start(fault), pytest.raises(error):
        read(client)
    client.adapter.close()
    with sandbox.chaos.start(fault):
        done = bao(sandbox, "read", "secret/data/app", timeout="1s")
    assert done.status == exit_status
    assert any(part in done.problem for part in told.split("|")), done.problem
    client = connect(sandbox)
    assert read(client) == 1
    client.adapter.close()
    assert bao(sandbox, "kv", "get", "-field=x", "secret/app").out == "1"


@pytest.mark.parametrize(
    ("fault", "python", "go"),
    [
        ("tls-expired", "certificate has expired", "certificate has expired or is not yet valid"),
        ("tls-ca-expired", "certificate has expired", "certificate has expired or is not yet valid"),
        ("tls-wrong-name", "IP address mismatch|doesn't match", "doesn't contain any IP SANs|not 127.0.0.1"),
        ("tls-unknown-ca", "unable to get local issuer|self.signed", "signed by unknown authority"),
    ],
)
def test_clients_do_not_trust_a_bad_certificate(secure, fault, python, go):
    client = connect(secure)
    with secure.chaos.start(fault), pytest.raises(requests.exceptions.SSLError) as caught:
        read(client)
    client.adapter.close()
    assert any(part in str(caught.value) for part in python.split("|"))
    with secure.chaos.start(fault):
        done = bao(secure, "read", "secret/data/app")
    assert done.status == 2
    assert any(part in done.problem for part in go.split("|")), done.problem
    client = connect(secure)
    assert read(client) == 1
    client.adapter.close()


def test_clients_wait_for_a_handshake_that_stands_still(secure):
    client = connect(secure, timeout=SHORT)
    with secure.chaos.start("tls-stalled"), pytest.raises(requests.exceptions.Timeout):
        read(client)
    client.adapter.close()
    with secure.chaos.start("tls-stalled"):
        assert bao(secure, "read", "secret/data/app", timeout="1s").status == 2


def test_a_slow_line_is_slower_than_gos_timeout_for_the_whole_and_not_than_pythons_between_bytes(sandbox):
    with sandbox.chaos.start("bandwidth rate=1000"):
        client = connect(sandbox, timeout=SHORT)
        assert read(client) == 1
        client.adapter.close()
    with sandbox.chaos.start("bandwidth rate=100"):
        assert "deadline exceeded" in bao(sandbox, "read", "secret/data/app", timeout="1s").problem


def test_bao_asks_again_after_a_connection_that_was_reset_and_hvac_does_not(sandbox):
    with sandbox.chaos.start("status code=500 times=1 path=secret/data/*"):
        assert bao(sandbox, "kv", "get", "-field=x", "secret/app", retries=2, timeout="10s").out == "1"
    client = connect(sandbox)
    with sandbox.chaos.start("reset times=1"):
        with pytest.raises(requests.exceptions.ConnectionError):
            read(client)
        assert read(client) == 1
    client.adapter.close()


def test_a_write_whose_answer_was_lost_was_applied_and_applied_again_by_who_asks_again(sandbox):
    client = connect(sandbox)
    with sandbox.chaos.start("answer-lost operation=write times=1"):
        with pytest.raises(requests.exceptions.ConnectionError):
            client.secrets.kv.v2.create_or_update_secret("lost", {"x": 2})
        assert client.secrets.kv.v2.read_secret_version("lost", raise_on_deleted_version=True)["data"]["data"]["x"] == 2
        client.secrets.kv.v2.create_or_update_secret("lost", {"x": 2})
    metadata = client.secrets.kv.v2.read_secret_metadata("lost")
    assert metadata["data"]["current_version"] == 2
    client.adapter.close()


def test_the_control_api_answers_while_the_port_burns(sandbox):
    with sandbox.chaos.start("refused"):
        assert sandbox.control.ask("GET", "status")["name"] == "test"
    client = connect(sandbox)
    assert read(client) == 1
    client.adapter.close()
