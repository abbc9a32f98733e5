"""Wrong answers in good HTTP, stale and late ones: as a bare socket sees them, and what hvac and `bao` make of them."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import hvac
import pytest
import requests
from clients.outages import PATIENCE, Done, bao, read
from hvac import exceptions

from sandboxd.testing.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

LAG = "lagging lag=1h"  # longer than any test
NGINX = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n"
    b"<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(profile="vault", root_token="root") as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[hvac.Client]:
    """An hvac client, of a sandbox with one secret and nothing else."""
    sandbox.reset()
    made = hvac.Client(url=sandbox.address, token=sandbox.token)
    made.secrets.kv.v2.create_or_update_secret("app", {"x": 1})
    yield made
    made.adapter.close()


def raw(sandbox: Sandbox, *headers: str) -> tuple[str, dict[str, str], bytes]:
    """The first line, the headers and the body of a read, as they come in at a socket."""
    host, _, port = sandbox.address.removeprefix("http://").partition(":")
    lines = ["GET /v1/secret/data/app HTTP/1.1", f"Host: {host}", "X-Vault-Token: root", "Connection: close", *headers]
    with socket.create_connection((host, int(port)), PATIENCE) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        whole = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = whole.partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    return first, dict(line.split(": ", 1) for line in rest), body


def bao_reads(sandbox: Sandbox, *, retries: int = 1) -> Done:
    return bao(sandbox, "read", "-field=data", "secret/data/app", retries=retries)


# status


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (400, exceptions.InvalidRequest),
        (403, exceptions.Forbidden),
        (412, exceptions.UnexpectedError),  # although hvac has a PreconditionFailed
        (429, exceptions.RateLimitExceeded),
        (473, exceptions.UnexpectedError),
        (500, exceptions.InternalServerError),
        (502, exceptions.BadGateway),
        (503, exceptions.VaultDown),
        (504, exceptions.UnexpectedError),
    ],
)
def test_hvac_raises_what_a_status_is_to_it(sandbox, client, code, error):
    with (
        sandbox.chaos.start(f"status code={code} errors=busy") as fault,
        pytest.raises(exceptions.VaultError) as raised,
    ):
        read(client)
    assert type(raised.value) is error
    assert raised.value.errors == ["busy"]
    assert fault.struck == 0  # it is over
    assert read(client) == 1


def test_hvac_asks_once(sandbox, client):
    with sandbox.chaos.start("status code=503") as fault:
        with pytest.raises(exceptions.VaultDown):
            read(client)
        assert fault.struck == 1


def test_bao_tries_again_and_shows_the_errors(sandbox, client):
    with sandbox.chaos.start("status code=412 errors=wait") as fault:
        done = bao_reads(sandbox)
        assert fault.struck == 2
    assert done.status == 2
    assert f"URL: GET {sandbox.address}/v1/secret/data/app\nCode: 412. Errors:\n\n* wait\n" in done.problem


def test_bao_gets_what_it_asks_for_the_second_time(sandbox, client):
    with sandbox.chaos.start("status code=502 times=1") as fault:
        assert bao_reads(sandbox)[:2] == (0, "map[x:1]")
        assert fault.struck == 1


def test_a_status_on_the_wire(sandbox, client):
    with sandbox.chaos.start("status code=503 errors=down"):
        first, headers, body = raw(sandbox)
    assert first == "HTTP/1.1 503 Service Unavailable"
    assert headers["Cache-Control"] == "no-store"
    assert (headers["Content-Type"], body) == ("application/json", b'{"errors":["down"]}\n')


# proxy-page and throttled


def test_a_proxy_page_on_the_wire(sandbox, client):
    with sandbox.chaos.start("proxy-page"):
        first, headers, body = raw(sandbox)
    assert first == "HTTP/1.1 502 Bad Gateway"
    assert headers.keys() == {"Server", "Date", "Content-Type", "Content-Length", "Connection"}
    assert (headers["Server"], headers["Content-Type"], body) == ("nginx", "text/html", NGINX)


def test_hvac_has_the_page_for_a_text(sandbox, client):
    with sandbox.chaos.start("proxy-page"), pytest.raises(exceptions.BadGateway) as raised:
        read(client)
    assert raised.value.text == NGINX.decode()
    assert raised.value.errors is None


def test_bao_shows_the_page(sandbox, client):
    with sandbox.chaos.start("proxy-page"):
        done = bao_reads(sandbox, retries=0)
    assert done.status == 2
    assert "Code: 502. Raw Message:\n\n<html>\n<head><title>502 Bad Gateway</title></head>\n" in done.problem


def test_a_gateways_429_on_the_wire(sandbox, client):
    with sandbox.chaos.start("throttled retry_after=3 limit=10"):
        first, headers, body = raw(sandbox)
    assert first == "HTTP/1.1 429 Too Many Requests"
    assert (headers["Retry-After"], headers["X-RateLimit-Limit"], body) == ("3", "10", b"Too Many Requests\n")
    assert "Cache-Control" not in headers


def test_hvac_is_throttled(sandbox, client):
    with sandbox.chaos.start("throttled"), pytest.raises(exceptions.RateLimitExceeded):
        read(client)


def test_bao_comes_again_when_it_is_told_to(sandbox, client):
    with sandbox.chaos.start("throttled retry_after=1 times=1"):
        assert bao_reads(sandbox)[:2] == (0, "map[x:1]")


# content-type


@pytest.mark.parametrize("type_", ["text/html", ""])
def test_nobody_looks_at_the_type(sandbox, client, type_):
    with sandbox.chaos.start(f"content-type type={type_}"):
        assert raw(sandbox)[1].get("Content-Type", "") == type_
        assert read(client) == 1
        assert bao_reads(sandbox)[:2] == (0, "map[x:1]")


# redirect


def test_a_redirect_on_the_wire(sandbox, client):
    with sandbox.chaos.start("redirect to=leader"):
        first, headers, body = raw(sandbox)
    assert first == "HTTP/1.1 307 Temporary Redirect"
    assert headers["Location"] == f"{sandbox.address}/v1/secret/data/app"
    assert (headers["Content-Length"], body) == ("0", b"")
    assert "Content-Type" not in headers


def test_hvac_follows_to_a_dead_leader(sandbox, client):
    with sandbox.chaos.start("redirect"), pytest.raises(requests.exceptions.ConnectionError, match="refused"):
        read(client)


def test_bao_follows_to_a_dead_leader(sandbox, client):
    with sandbox.chaos.start("redirect"):
        done = bao_reads(sandbox, retries=0)
    assert done.status == 2
    assert "connect: connection refused" in done.problem


def test_hvac_goes_round_in_a_circle_until_it_has_had_enough(sandbox, client):
    with sandbox.chaos.start("redirect to=loop") as fault:
        with pytest.raises(requests.exceptions.TooManyRedirects):
            read(client)
        assert fault.struck == 31


def test_bao_follows_once_and_takes_the_next_redirect_for_nothing(sandbox, client):
    with sandbox.chaos.start("redirect to=loop") as fault:
        assert bao_reads(sandbox) == (2, "", "No value found at secret/data/app\n")
        assert fault.struck == 2


# stale and lagging


def test_clients_see_what_was(sandbox, client):
    with sandbox.chaos.start("stale"):
        client.secrets.kv.v2.create_or_update_secret("app", {"x": 2})
        assert read(client) == 1
        assert bao_reads(sandbox)[:2] == (0, "map[x:1]")
    assert read(client) == 2


def test_clients_miss_their_own_writes(sandbox, client):
    with sandbox.chaos.start(LAG):
        assert bao(sandbox, "kv", "put", "secret/app", "x=2").status == 0
        assert read(client) == 1
        assert bao_reads(sandbox)[:2] == (0, "map[x:1]")
    assert read(client) == "2"


def test_an_index_that_is_not_reached_on_the_wire(sandbox, client):
    with sandbox.chaos.start(LAG):
        index = written(sandbox)
        first, _, body = raw(sandbox, f"X-Vault-Index: {index}")
        assert (first, body) == (
            "HTTP/1.1 412 Precondition Failed",
            b'{"errors":["required index state not present"]}\n',
        )
        first, _, body = raw(sandbox, f"X-Vault-Index: {index}", "X-Vault-Inconsistent: forward-active-node")
        assert first == "HTTP/1.1 200 OK"
        assert b'"x":2' in body


def test_hvac_does_not_know_what_a_412_is(sandbox, client):
    with sandbox.chaos.start(LAG):
        client.session.headers["X-Vault-Index"] = written(sandbox)
        with pytest.raises(exceptions.UnexpectedError, match="required index state not present"):
            read(client)


def test_hvac_can_ask_for_the_active_node(sandbox, client):
    with sandbox.chaos.start(LAG):
        client.session.headers["X-Vault-Index"] = written(sandbox)
        client.session.headers["X-Vault-Inconsistent"] = "forward-active-node"
        assert read(client) == 2


def test_a_replica_does_not_know_a_token_of_vault_that_was_just_made(sandbox, client):
    client.sys.create_or_update_policy("app", 'path "secret/*" { capabilities = ["read"] }')
    with sandbox.chaos.start(LAG):
        fresh = client.auth.token.create(policies=["app"])["auth"]["client_token"]
        other = hvac.Client(url=sandbox.address, token=fresh)
        with pytest.raises(exceptions.UnexpectedError, match="required index state not present"):
            read(other)
        other.adapter.close()


def written(sandbox: Sandbox) -> str:
    """The index of a write."""
    answer = requests.post(
        f"{sandbox.address}/v1/secret/data/app",
        json={"data": {"x": 2}},
        headers={"X-Vault-Token": sandbox.token},
        timeout=PATIENCE,
    )
    return answer.headers["X-Vault-Index"]
