"""HTTP to upstreams on this machine. Texts are those of Go's HTTP client, as OpenBao's engines hand them on."""

import socket
import ssl
import threading

import pytest
from conformance.broker_api import BrokerApi, Said

from sandboxd.vault.errors import Refusal
from sandboxd.vault.framework.upstream import Answer, CallFailed, Upstream


@pytest.fixture
def api():
    made = BrokerApi()
    yield made
    made.close()


@pytest.fixture
def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


@pytest.fixture
def silent():
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def upstream(url, timeout=5.0):
    return Upstream(url, "the upstream", {"Authorization": "Basic eA=="}, timeout)


async def failed(url, patience=5.0, method="GET"):
    with pytest.raises(CallFailed) as error:
        await upstream(url, patience).call(method, "/api")
    return str(error.value)


async def test_a_call_goes_below_the_url_with_its_headers(api):
    api.plan = {("PUT", ""): Said(201, b"done")}
    answer = await upstream(f"{api.address}/base%20path?x=y").call("PUT", "/api", b'{"a":1}', "application/json")
    assert answer == Answer(201, b"done", "text/plain")
    assert api.taken() == [("PUT", "/base%20path/api", "Basic eA==", "application/json", {"a": 1})]


async def test_an_upstream_elsewhere_is_refused():
    with pytest.raises(Refusal, match="the upstream is elsewhere"):
        await upstream("http://192.0.2.1").call("GET", "/")


async def test_a_refused_connection_is_told_without_the_password(closed_port):
    host = f"localhost:{closed_port}"
    assert await failed(f"http://u:p@{host}", method="DELETE") == (
        f'Delete "http://u:***@{host}/api": dial tcp 127.0.0.1:{closed_port}: connect: connection refused'
    )


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://127.0.0.1", 'unsupported protocol scheme "ftp"'),
        ("http://", "http: no Host in request URL"),
        ("http://127.0.0.1:99999", "dial tcp: address 99999: invalid port"),
    ],
)
async def test_a_url_that_leads_nowhere_shows_with_the_first_call(url, reason):
    assert await failed(url) == f'Get "{url}/api": {reason}'
    assert upstream(url).fault == reason


def test_what_is_no_url_is_refused():
    with pytest.raises(ValueError, match="missing protocol scheme"):
        upstream("://")


async def test_silence_ends(silent):
    text = await failed(f"http://127.0.0.1:{silent.getsockname()[1]}", patience=0.05)
    assert text.endswith("context deadline exceeded (Client.Timeout exceeded while awaiting headers)")


async def test_a_connection_that_is_closed_is_told_of(silent):
    def close():
        connection, _ = silent.accept()
        connection.recv(1024)
        connection.close()

    thread = threading.Thread(target=close)
    thread.start()
    assert (await failed(f"http://127.0.0.1:{silent.getsockname()[1]}")).endswith(": EOF")
    thread.join()


async def test_an_unknown_authority_is_told_of(silent, monkeypatch):
    def refuse(*_, **__):
        raise ssl.SSLCertVerificationError("self-signed certificate")

    monkeypatch.setattr("ssl.SSLContext.wrap_socket", refuse)
    text = await failed(f"https://127.0.0.1:{silent.getsockname()[1]}")
    assert text.endswith("tls: failed to verify certificate: x509: certificate signed by unknown authority")
