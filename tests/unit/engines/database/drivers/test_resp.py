"""The client for Redis and Valkey, against a server that says what a test wants. Texts were captured from OpenBao."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from sandboxd.engines.database.drivers import resp
from sandboxd.engines.database.plugin import PluginError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@asynccontextmanager
async def speaking(*answers: bytes, password: str = "") -> AsyncIterator[tuple[resp.Connection, list[bytes]]]:
    """A connection to a server that answers one command after another so, and then hangs up; and what it was sent."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            heard.append(await reader.read(1 << 16))
            writer.write(answer)
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = str(listening.sockets[0].getsockname()[1])
    connection = await resp.connect(resp.Server(host="127.0.0.1", port=port, username="u", password=password))
    try:
        yield connection, heard
    finally:
        await connection.close()
        listening.close()


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b"+OK\r\n", "OK"),
        (b":3\r\n", 3),
        (b"$5\r\na\r\nbc\r\n", "a\r\nbc"),
        (b"$-1\r\n", None),
        (b"*-1\r\n", []),
        (b"*3\r\n$1\r\na\r\n:1\r\n*1\r\n+b\r\n", ["a", 1, ["b"]]),
    ],
)
async def test_an_answer_is_read(sent: bytes, answer: object) -> None:
    async with speaking(sent) as (connection, _):
        assert await connection.command("PING") == answer


async def test_a_command_is_sent_as_texts_of_known_length() -> None:
    async with speaking(b"+OK\r\n") as (connection, heard):
        await connection.command("SET", "é", "a b\r\n")
        assert heard == [b"*3\r\n$3\r\nSET\r\n$2\r\n\xc3\xa9\r\n$5\r\na b\r\n\r\n"]


async def test_it_logs_in_where_there_is_a_password() -> None:
    async with speaking(b"+OK\r\n", b"+PONG\r\n", password="p") as (connection, heard):
        await connection.command("PING")
        assert heard[0] == b"*3\r\n$4\r\nAUTH\r\n$1\r\nu\r\n$1\r\np\r\n"


async def test_a_refusal_is_passed_on_in_the_servers_words() -> None:
    async with speaking(b"-NOPERM not you\r\n") as (connection, _):
        with pytest.raises(resp.ServerError, match=r"^response returned from Conn: NOPERM not you$"):
            await connection.command("ACL", "LIST")


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (b"", "response returned from Conn: EOF"),
        (b"$5\r\nab", "response returned from Conn: EOF"),
        (b"dabc\n", 'response returned from Conn: malformed resp "abc\\n"'),
        (b":x\r\n", "response returned from Conn: malformed resp"),
        (b"$9999999\r\n", "response returned from Conn: malformed resp"),
    ],
)
async def test_what_is_no_answer_is_told_in_radixs_words(sent: bytes, text: str) -> None:
    async with speaking(sent) as (connection, _):
        with pytest.raises(PluginError) as caught:
            await connection.command("PING")
    assert caught.value.text == text
