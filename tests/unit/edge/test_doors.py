"""Faults at the listener, as they are seen from a raw socket."""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import asynccontextmanager

import pytest
from unit.helpers import world

from sandboxd.chaos.run import Chaos
from sandboxd.edge.doors import Door, Doors, Listener
from sandboxd.edge.http1 import Server
from sandboxd.edge.messages import Answer
from sandboxd.edge.nodes import Cluster
from sandboxd.edge.tls import make_files, server_context
from sandboxd.fixtures.scenarios import fault_of
from sandboxd.vault.clock import Clock
from sandboxd.vault.errors import Refusal

REQUEST = b"GET /v1/sys/health HTTP/1.1\r\nHost: localhost\r\n\r\n"
PATIENCE = 5.0  # seconds; nothing waits for as long unless it is broken
SHORT = 0.05  # seconds in which nothing is to come


class Well:
    async def answer(self, incoming):
        return Answer(200, b"{}")


class Place:
    """A listener, and what goes wrong at it."""

    def __init__(self, doors: Doors, server: Server, tls: ssl.SSLContext | None) -> None:
        self.doors = doors
        self.server = server
        self.chaos = Chaos(world("vault"))
        self.chaos.check_door = doors.check
        self.tls = tls
        self.writers: list[asyncio.StreamWriter] = []

    async def start(self, text: str) -> str:
        active = await self.chaos.start(fault_of(text, "test"))
        await self.doors.follow(self.chaos)
        return active.id

    async def stop(self) -> None:
        await self.chaos.stop_all()
        await self.doors.follow(self.chaos)

    async def connect(self, *, tls: bool = True):
        host, port = self.doors.addresses[0]
        context = self.tls if tls else None
        name = "localhost" if context is not None else None
        opening = asyncio.open_connection(host, port, ssl=context, server_hostname=name)
        reader, writer = await asyncio.wait_for(opening, PATIENCE)
        self.writers.append(writer)
        return reader, writer

    async def status(self) -> int:
        reader, writer = await self.connect()
        try:
            return await status(reader, writer)
        finally:
            writer.close()


async def status(reader, writer) -> int:
    writer.write(REQUEST)
    line = await asyncio.wait_for(reader.readline(), PATIENCE)
    return int(line.split()[1])


@asynccontextmanager
async def place(listener: Listener, tls: ssl.SSLContext | None = None):
    doors = Doors()
    server = Server(Well(), Clock().now, lambda incoming: None)
    await doors.open(listener, server)
    found = Place(doors, server, tls)
    try:
        yield found
    finally:
        for writer in found.writers:
            writer.close()
        await doors.close()


@pytest.fixture
async def plain():
    async with place(Listener(port=0)) as found:
        yield found


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return make_files(tmp_path_factory.mktemp("tls"), ["localhost"], Clock())


def trusting(files) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(files.ca))


@pytest.fixture
async def secure(files):
    listener = Listener(port=0, tls=server_context(files.certificate, files.key), authority=files.authority)
    async with place(listener, trusting(files)) as found:
        yield found


@pytest.fixture(params=["plain", "secure"])
def any_place(request):
    return request.getfixturevalue(request.param)


async def test_a_port_that_refuses_refuses_and_comes_back(any_place):
    address = any_place.doors.addresses
    await any_place.start("refused")
    with pytest.raises(ConnectionRefusedError):
        await any_place.connect()
    await any_place.stop()
    assert await any_place.status() == 200
    assert any_place.doors.addresses == address


async def test_a_port_that_refuses_is_still_ours(plain):
    await plain.start("refused")
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(plain.doors.addresses[0])


async def test_connections_that_were_open_end_when_the_port_refuses(any_place):
    reader, writer = await any_place.connect()
    assert await status(reader, writer) == 200
    await any_place.start("refused")
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await asyncio.wait_for(reader.readuntil(b"\x00"), PATIENCE)
    writer.close()


async def test_an_unreachable_port_neither_accepts_nor_refuses(plain):
    await plain.start("unreachable")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.open_connection(*plain.doors.addresses[0]), SHORT)
    await plain.stop()
    assert await plain.status() == 200


async def test_connections_that_were_open_hear_nothing_of_an_unreachable_port_and_are_reset_at_its_end(plain):
    reader, writer = await plain.connect()
    assert await status(reader, writer) == 200
    await asyncio.wait_for(reader.readuntil(b"{}"), PATIENCE)
    await plain.start("unreachable")
    writer.write(REQUEST)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(1), SHORT)
    await plain.stop()
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(reader.read(1), PATIENCE)


async def test_a_connection_is_reset_at_once(any_place):
    await any_place.start("connect-reset")
    reader, _ = await any_place.connect(tls=False)
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(reader.read(1), PATIENCE)
    await any_place.stop()
    assert await any_place.status() == 200


@pytest.mark.parametrize("kind", ["connect-silent", "tls-stalled"])
async def test_a_connection_is_accepted_and_nothing_comes_and_it_is_reset_at_the_end(secure, kind):
    await secure.start(kind)
    reader, writer = await secure.connect(tls=False)
    writer.write(b"\x16\x03\x01\x00\x05hello")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(1), SHORT)
    await secure.stop()
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(reader.read(1), PATIENCE)
    assert await secure.status() == 200


async def test_those_who_are_not_struck_are_served(any_place):
    await any_place.start("connect-reset every=2")
    with pytest.raises((ConnectionError, ssl.SSLError, asyncio.IncompleteReadError)):
        await any_place.status()
    assert await any_place.status() == 200


async def test_an_address_that_is_not_meant_is_served(any_place):
    await any_place.start("connect-reset address=10.0.0.0/8")
    assert await any_place.status() == 200


async def test_strikes_at_the_door_are_remembered(plain):
    await plain.start("connect-reset name=mine")
    reader, _ = await plain.connect()
    with pytest.raises(ConnectionError):
        await reader.read(1)
    assert [(each.name, each.key) for each in plain.chaos.rules.struck] == [("mine", "connection")]


@pytest.mark.parametrize(
    ("beyond", "seen"), [("reset", ConnectionResetError), ("close", b""), ("silent", TimeoutError)]
)
async def test_there_are_only_so_many_connections(plain, beyond, seen):
    await plain.start(f"connection-cap most=1 beyond={beyond}")
    reader, writer = await plain.connect()
    assert await status(reader, writer) == 200
    more, _ = await plain.connect()
    if seen == b"":
        assert await asyncio.wait_for(more.read(1), PATIENCE) == b""
    else:
        with pytest.raises(seen):
            await asyncio.wait_for(more.read(1), SHORT if seen is TimeoutError else PATIENCE)
    writer.close()
    await writer.wait_closed()
    async with asyncio.timeout(PATIENCE):
        while plain.server.connections:  # noqa: ASYNC110 -- nobody tells of it
            await asyncio.sleep(0)
    assert await plain.status() == 200  # there is room again


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("tls-expired", "certificate has expired"),
        ("tls-ca-expired", "certificate has expired"),
        ("tls-wrong-name", "not valid for 'localhost'"),
        ("tls-unknown-ca", "unable to get local issuer|self.signed"),
    ],
)
async def test_a_certificate_is_not_to_be_trusted(secure, kind, reason):
    await secure.start(kind)
    with pytest.raises(ssl.SSLCertVerificationError, match=reason):
        await secure.connect()
    await secure.stop()
    assert await secure.status() == 200


async def test_who_does_not_check_is_served_with_a_bad_certificate(secure):
    await secure.start("tls-expired")
    secure.tls = ssl._create_unverified_context()
    assert await secure.status() == 200


async def test_connections_over_tls_go_on_when_a_porter_comes_and_goes(secure):
    reader, writer = await secure.connect()
    for action in (secure.start("connect-silent"), secure.stop()):
        await action
        assert await status(reader, writer) == 200
        await asyncio.wait_for(reader.readuntil(b"{}"), PATIENCE)
    writer.close()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "refused path=secret/*",
            "refused cannot be judged by path: nobody here sees the connection; connect-reset can",
        ),
        ("unreachable address=127.0.0.1", "unreachable cannot be judged by address"),
        ("refused probability=30%", "refused cannot be judged by probability"),
        ("connect-reset app=shop", "connect-reset cannot be judged by app: there is no request yet; reset can"),
        ("connect-silent except=sys/*", "connect-silent cannot be judged by except"),
        ("tls-expired", "tls-expired: this sandbox has no TLS; start it with --tls"),
    ],
)
async def test_what_cannot_be_judged_at_the_door_is_refused(plain, text, told):
    with pytest.raises(Refusal, match=r"cannot|no TLS") as caught:
        await plain.start(text)
    assert told in str(caught.value)
    assert await plain.status() == 200


async def test_a_certificate_that_the_user_brought_has_no_other_of_its_ca(files):
    async with place(Listener(port=0, tls=server_context(files.certificate, files.key)), trusting(files)) as found:
        with pytest.raises(Refusal, match="is not sandboxd's own"):
            await found.start("tls-expired")
        await found.start("tls-unknown-ca")
        with pytest.raises(ssl.SSLCertVerificationError):
            await found.connect()


async def test_a_node_is_meant_by_its_name():
    doors, servers = Doors(), [Server(Well(), Clock().now, lambda incoming: None) for _ in range(2)]
    for number, server in enumerate(servers, 1):
        await doors.open(Listener(port=0, node=f"node-{number}"), server)
    here = Place(doors, servers[0], None)
    Cluster(here.chaos.world, 2)
    await here.start("refused node=node-2")
    try:
        assert await here.status() == 200
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(*doors.addresses[1])
    finally:
        await doors.close()


async def test_faults_follow_each_other_without_a_gap(plain):
    await plain.start("refused")
    await plain.start("connect-reset")
    with pytest.raises(ConnectionRefusedError):
        await plain.connect()
    await plain.chaos.stop("refused")
    await plain.doors.follow(plain.chaos)
    reader, _ = await plain.connect()
    with pytest.raises(ConnectionResetError):
        await reader.read(1)
    await plain.start("unreachable")
    await plain.stop()
    assert await plain.status() == 200


async def test_closing_lets_go_of_everything(plain):
    address = plain.doors.addresses[0]
    await plain.start("unreachable")
    await plain.doors.close()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(address)
        other.listen()


async def test_a_fault_that_ends_after_the_doors_were_closed_opens_none(plain):
    address = plain.doors.addresses[0]
    await plain.start("refused")
    await plain.doors.close()
    await plain.stop()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*address)


async def test_a_door_without_faults_is_what_it_was(plain):
    door: Door = plain.doors._doors[0]
    assert (door._porter, door._holding, door._state) == (None, [], "open")
    await plain.doors.follow(plain.chaos)
    assert (door._porter, door._holding, door._state) == (None, [], "open")
