"""Connecting to PostgreSQL, as far as it goes without one. The words are pgx's, as OpenBao shows them."""

from __future__ import annotations

import asyncio
import socket
import ssl

import pytest

from sandboxd.engines.database.drivers import postgres
from sandboxd.engines.database.drivers.postgres_url import read
from sandboxd.engines.database.plugin import PluginError


@pytest.fixture
def closed() -> int:
    """A port at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def said(text: str, profile: str = "openbao") -> str:
    with pytest.raises(PluginError) as caught:
        await postgres.connect(read(text), profile)
    return caught.value.text


async def test_one_attempt_is_told_in_a_line(closed: int) -> None:
    assert await said(f"host=127.0.0.1 port={closed} user=u dbname=d sslmode=disable") == (
        f"failed to connect to `user=u database=d`: 127.0.0.1:{closed} (127.0.0.1): dial error: dial tcp "
        f"127.0.0.1:{closed}: connect: connection refused"
    )


async def test_each_of_several_attempts_has_a_line_of_its_own(closed: int) -> None:
    line = f"127.0.0.1:{closed} (127.0.0.1): dial error: dial tcp 127.0.0.1:{closed}: connect: connection refused"
    assert await said(f"host=127.0.0.1 port={closed} user=u dbname=d") == (
        f"failed to connect to `user=u database=d`:\n\t{line}\n\t{line}"
    )


async def test_vaults_driver_tells_of_the_last_one(closed: int) -> None:
    assert await said(f"host=127.0.0.1 port={closed} user=u dbname=d", "vault") == (
        "failed to connect to `host=127.0.0.1 user=u database=d`: dial error "
        f"(dial tcp 127.0.0.1:{closed}: connect: connection refused)"
    )


@pytest.mark.parametrize(
    ("profile", "text"),
    [
        ("openbao", "`user=u database=`: hostname resolving error: lookup localhost: no such host"),
        ("vault", "`host=localhost user=u database=`: hostname resolving error (lookup localhost: no such host)"),
    ],
)
async def test_a_name_without_a_loopback_address_is_not_followed(
    monkeypatch: pytest.MonkeyPatch, profile: str, text: str
) -> None:
    async def answer(*args: object, **options: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 0))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", answer)
    assert await said("host=localhost user=u", profile) == f"failed to connect to {text}"


@pytest.mark.parametrize(
    ("answer", "mode", "reason"),
    [
        (b"N", "require", "tls error: server refused TLS connection"),
        (b"", "require", "tls error: EOF"),
        (b"", "disable", "failed to receive message: unexpected EOF"),
    ],
)
async def test_a_server_that_breaks_off_is_told(answer: bytes, mode: str, reason: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(8)
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        text = await said(f"host=127.0.0.1 port={port} user=u dbname=d sslmode={mode}")
    assert text == f"failed to connect to `user=u database=d`: 127.0.0.1:{port} (127.0.0.1): {reason}"


def test_an_error_of_the_server_is_shown_with_its_code() -> None:
    class ServerError(Exception):
        severity, message, sqlstate = "ERROR", "no", "42601"

    assert postgres.text_of(ServerError()) == "ERROR: no (SQLSTATE 42601)"


def test_a_lost_connection_has_no_code() -> None:
    assert postgres.text_of(ConnectionError()) == "unexpected EOF"


def test_a_context_asks_for_the_name_that_was_given() -> None:
    [context] = read("host=localhost sslmode=verify-full").places[0].contexts
    assert isinstance(context, ssl.SSLContext)
    made = context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="127.0.0.1")
    assert made.server_hostname == "localhost"
