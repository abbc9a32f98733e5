"""Dialing on this machine, and Go's words for what goes wrong."""

from __future__ import annotations

import asyncio
import gc
import socket
from typing import TYPE_CHECKING

import pytest

from sandboxd.engines.database.drivers import dialing
from sandboxd.engines.database.plugin import PluginError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def closed() -> int:
    """A port at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_a_port_at_which_nobody_listens_refuses(closed: int) -> None:
    with pytest.raises(PluginError) as caught:
        await dialing.dial_tcp("127.0.0.1", str(closed))
    assert caught.value.text == f"dial tcp 127.0.0.1:{closed}: connect: connection refused"


async def test_a_name_is_shown_as_its_address(closed: int) -> None:
    with pytest.raises(PluginError, match=rf"^dial tcp (127\.0\.0\.1|\[::1\]):{closed}: connect: connection refused$"):
        await dialing.dial_tcp("localhost", str(closed))


async def test_no_host_is_this_machine(closed: int) -> None:
    with pytest.raises(PluginError) as caught:
        await dialing.dial_tcp("", str(closed))
    assert caught.value.text == f"dial tcp :{closed}: connect: connection refused"


@pytest.mark.parametrize(
    ("host", "port", "network", "text"),
    [
        ("127.0.0.1", "", "tcp", "dial tcp 127.0.0.1:0: connect: connection refused"),
        ("127.0.0.1", "99999", "tcp", "dial tcp: address 99999: invalid port"),
        ("127.0.0.1", "-1", "tcp", "dial tcp: address -1: invalid port"),
        ("127.0.0.1", "no-such-service", "tcp", "dial tcp: lookup tcp/no-such-service: unknown port"),
        ("127.0.0.1", "1", "tcp6", "dial tcp6: address 127.0.0.1: no suitable address found"),
    ],
)
async def test_what_cannot_be_dialed_is_told(host: str, port: str, network: str, text: str) -> None:
    with pytest.raises(PluginError) as caught:
        await dialing.dial_tcp(host, port, network)
    assert caught.value.text == text


async def test_a_socket_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(PluginError) as caught:
        await dialing.dial_unix(f"{tmp_path}/none")
    assert caught.value.text == f"dial unix {tmp_path}/none: connect: no such file or directory"


async def test_a_name_that_leads_elsewhere_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(*args: object, **options: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 0))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", answer)
    with pytest.raises(PluginError) as caught:
        await dialing.dial_tcp("localhost", "1")
    assert caught.value.text == "dial tcp: lookup localhost: no such host"


def test_a_missing_driver_is_named_with_its_extra() -> None:
    with pytest.raises(PluginError, match=r"pip install 'sandboxd\[mysql\]'"):
        dialing.driver("no_such_driver", "mysql")


async def test_what_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialing, "LIMIT", 0.01)
    with pytest.raises(PluginError, match=r"^too long$"):
        async with dialing.limited("too long"):
            await asyncio.Event().wait()


async def test_nobody_waits_for_a_turn_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialing, "LIMIT", 0.01)
    async with dialing.turn("mount", "name"):
        with pytest.raises(PluginError, match=r"^context deadline exceeded$"):
            async with dialing.turn("mount", "name"):
                pytest.fail("it is not its turn")


async def test_other_connections_have_turns_of_their_own() -> None:
    async with dialing.turn("mount", "name"), dialing.turn("mount", "other"), dialing.turn("another", "name"):
        pass
    gc.collect()
    assert not [key for key in dialing._turns if key[1] in ("mount", "another")]


@pytest.mark.parametrize(
    ("address", "parts"),
    [("h:1", ("h", "1")), ("h", ("h", "9")), ("[::1]:1", ("::1", "1")), ("[::1]", ("::1", "9")), ("::1", ("::1", "9"))],
)
def test_an_address_is_split_at_its_port(address: str, parts: tuple[str, str]) -> None:
    assert dialing.split(address, "9") == parts
