"""A world with listeners, and the tasks that keep it going."""

import asyncio

import pytest
from unit.helpers import call, world

from sandboxd.edge import runtime
from sandboxd.edge.doors import Listener
from sandboxd.edge.runtime import run, serving
from sandboxd.edge.tasks import Ready, begin
from sandboxd.vault.errors import Failure
from sandboxd.vault.waiting import spawn


async def ask(port: int, path: str = "/v1/sys/health", host: str = "127.0.0.1") -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return answer


async def test_a_world_is_served_on_every_listener_until_the_end():
    async with serving(world(), [Listener(port=0), Listener("::1", port=0)]) as addresses:
        assert [host for host, _ in addresses] == ["127.0.0.1", "::1"]
        for host, port in addresses:
            assert (await ask(port, host=host)).startswith(b"HTTP/1.1 200 OK\r\n")
    for host, port in addresses:
        with pytest.raises(OSError, match="Connect call failed"):
            await ask(port, host=host)


async def test_a_port_that_is_taken_leaves_nothing_open():
    async with serving(world(), [Listener(port=0)]) as [(_, port)]:
        with pytest.raises(OSError, match="in use"):
            async with serving(world(), [Listener(port=0), Listener(port=port)]):
                pass


async def test_each_listener_knows_its_own_names():
    listener = Listener(port=0, allowed_hosts=("vault.corp.example",))
    async with serving(world(), [listener]) as [(_, port)]:
        for name, status in (("vault.corp.example", b"200"), ("other.corp.example", b"403")):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"GET /v1/sys/health HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
            assert (await reader.read())[9:12] == status
            writer.close()


async def ticked(made, monkeypatch, times: int) -> None:
    """Let the clock's task go round so many times."""
    rounds = 0

    async def sleep(_seconds: float) -> None:
        nonlocal rounds
        rounds += 1
        if rounds > times:
            raise asyncio.CancelledError

    monkeypatch.setattr(runtime.asyncio, "sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        await runtime.tick(made)


async def test_leases_end_also_when_nobody_asks(monkeypatch):
    made = world()
    token = call(made, "POST", "auth/token/create", {"ttl": "60s"}).json["auth"]["client_token"]
    assert made.tokens.lookup(token) is not None
    made.clock.advance(61)
    await ticked(made, monkeypatch, 1)
    assert made.tokens.lookup(token) is None


async def test_a_sealed_world_is_left_alone(monkeypatch):
    made = world()
    call(made, "POST", "auth/token/create", {"ttl": "60s"})
    call(made, "POST", "sys/seal")
    made.clock.advance(61)
    await ticked(made, monkeypatch, 1)
    assert made.leases.next_due


async def test_a_full_disk_is_told_of_once_and_does_not_stop_the_clock(monkeypatch, caplog):
    made = world()

    def commit() -> None:
        raise Failure("failed to persist: no space left on device")

    monkeypatch.setattr(made, "commit", commit)
    await ticked(made, monkeypatch, 3)
    assert [record.getMessage() for record in caplog.records] == ["failed to persist: no space left on device"]


def test_work_that_need_not_wait_is_done_at_once():
    async def work() -> int:
        return 7

    found = begin(work(), "work")
    assert isinstance(found, Ready)
    assert found.value == 7


async def test_work_that_waits_goes_on_as_a_task():
    gate: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def work() -> int:
        first = await gate
        await asyncio.sleep(0)
        return first + 1

    found = begin(work(), "work")
    assert isinstance(found, asyncio.Task)
    gate.set_result(7)
    assert await found == 8


async def test_errors_and_cancellation_reach_work_that_waits():
    gate: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    caught: list[str] = []

    async def work() -> None:
        try:
            await gate
        except ValueError:
            caught.append("error")
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            caught.append("cancelled")
            raise

    task = begin(work(), "work")
    assert isinstance(task, asyncio.Task)
    gate.set_exception(ValueError())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert caught == ["error", "cancelled"]


def test_an_error_before_the_first_wait_is_raised():
    async def work() -> None:
        raise ValueError("at once")

    with pytest.raises(ValueError, match="at once"):
        begin(work(), "work")


async def test_a_task_has_its_name():
    async def work() -> None:
        pass

    task = spawn(work(), "watching")
    assert task.get_name() == "watching"
    await task


def test_the_event_loop_gives_the_result():
    async def main() -> str:
        return type(asyncio.get_running_loop()).__module__

    assert run(main) in ("uvloop", "asyncio.unix_events")
