"""What happens when the database is in trouble: errors in the real server's words, and nothing is lost."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import pytest
from live.conftest import database_of, sandbox_of

from sandboxd.edge.app import App
from sandboxd.edge.messages import Incoming
from sandboxd.engines.database.drivers import dialing

if TYPE_CHECKING:
    from live.conftest import Sandbox
    from live.databases import Database

REFUSED = {
    "postgresql-database-plugin": (
        "unable to start transaction: failed to connect to `user=admin database=postgres`:\n\t127.0.0.1:PORT "
        "(127.0.0.1): dial error: dial tcp 127.0.0.1:PORT: connect: connection refused\n\t127.0.0.1:PORT (127.0.0.1): "
        "dial error: dial tcp 127.0.0.1:PORT: connect: connection refused"
    ),
    "mysql-database-plugin": "dial tcp 127.0.0.1:PORT: connect: connection refused",
    "valkey-database-plugin": "failed to get connection: dial tcp 127.0.0.1:PORT: connect: connection refused",
}


def test_a_database_that_is_down_is_told_in_the_real_servers_words(sandbox: Sandbox) -> None:
    sandbox.database.kill()
    reply = sandbox.ask("GET", "db/creds/app")
    text = REFUSED[sandbox.database.plugin].replace("PORT", str(sandbox.database.port))
    assert (reply.status, reply.errors) == (500, [f"1 error occurred:\n\t* {text}\n\n"])
    assert sandbox.leases() == []


def test_it_works_again_when_the_database_is_back(sandbox: Sandbox) -> None:
    sandbox.database.kill()
    assert sandbox.ask("GET", "db/creds/app").status == 500
    sandbox.database.start()
    lent = sandbox.lend()
    assert sandbox.database.login(lent.username, lent.password)


def test_a_lease_outlives_a_revocation_that_fails(sandbox: Sandbox) -> None:
    lent = sandbox.lend()
    sandbox.database.kill()
    reply = sandbox.ask("PUT", "sys/leases/revoke", {"lease_id": lent.lease, "sync": True})
    assert reply.status == 400
    assert "connect: connection refused" in reply.errors[0]
    assert len(sandbox.leases()) == 1
    sandbox.database.start()
    sandbox.do("PUT", "sys/leases/revoke", {"lease_id": lent.lease, "sync": True})
    assert lent.username not in sandbox.database.users()


def test_an_expired_lease_is_revoked_later_when_the_database_was_down(sandbox: Sandbox) -> None:
    lent = sandbox.lend()
    sandbox.database.kill()
    sandbox.advance(3601)
    assert len(sandbox.leases()) == 1
    sandbox.database.start()
    sandbox.advance(60)
    assert sandbox.leases() == []
    assert lent.username not in sandbox.database.users()


def test_a_rotation_is_made_up_for_when_the_database_was_down(sandbox: Sandbox) -> None:
    sandbox.database.make_user("late", "before")
    sandbox.static("late")
    old = sandbox.password("late")
    sandbox.database.kill()
    sandbox.advance(3601)
    assert sandbox.password("late") == old
    sandbox.database.start()
    if "late" not in sandbox.database.users():
        sandbox.database.make_user("late", old)
    sandbox.advance(60)
    assert sandbox.password("late") != old
    assert sandbox.database.login("late", sandbox.password("late"))


def test_a_rotation_by_hand_that_fails_leaves_the_password_as_it_is(sandbox: Sandbox) -> None:
    sandbox.database.make_user("steady", "before")
    sandbox.static("steady")
    old = sandbox.password("steady")
    sandbox.database.kill()
    assert sandbox.ask("POST", "db/rotate-role/steady").status == 500
    sandbox.database.start()
    assert sandbox.password("steady") == old


def test_the_connections_own_password_stays_when_its_rotation_fails(sandbox: Sandbox) -> None:
    sandbox.database.kill()
    assert sandbox.ask("POST", "db/rotate-root/app").status == 500
    sandbox.database.start()
    sandbox.lend()


@pytest.mark.parametrize(("kind", "driver"), [("postgresql", "asyncpg"), ("mariadb", "pymysql")])
def test_a_missing_driver_is_told_with_the_extra_that_brings_it(
    running: dict[str, Database], monkeypatch: pytest.MonkeyPatch, kind: str, driver: str
) -> None:
    sandbox = sandbox_of(database_of(running, kind))
    monkeypatch.setitem(sys.modules, driver, None)
    extra = sandbox.database.plugin.partition("-")[0]
    for reply in (sandbox.connect(), sandbox.ask("GET", "db/creds/app")):
        assert f"needs the Python package {driver}" in reply.errors[0]
        assert f"pip install 'sandboxd[{extra}]'" in reply.errors[0]


def test_a_stuck_database_holds_nobody_else_up(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    app = App(sandbox.world)
    answered: list[str] = []

    async def ask(path: str) -> tuple[int, bytes]:
        answer = await app.answer(Incoming("GET", f"/v1/{path}", {"x-vault-token": ("root",)}, b"", "127.0.0.1", 1))
        answered.append(path)
        return answer.status, answer.body

    async def all_at_once() -> list[tuple[int, bytes]]:
        return list(await asyncio.gather(ask("db/creds/app"), ask("db/creds/app"), ask("db/roles/app")))

    with sandbox.database.stuck(), monkeypatch.context() as hurry:
        hurry.setattr(dialing, "LIMIT", 0.5)
        first, second, other = asyncio.run(all_at_once())
    assert answered == ["db/roles/app", "db/creds/app", "db/creds/app"]
    assert other[0] == 200
    for status, body in (first, second):
        assert status == 500
        assert b"context deadline exceeded" in body
    lent = sandbox.lend()
    assert sandbox.database.login(lent.username, lent.password)


def test_no_request_waits_for_the_end_of_a_user_in_a_stuck_database(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    lent = sandbox.lend()
    app = App(sandbox.world)

    async def ask() -> int:
        asked = Incoming("GET", "/v1/sys/mounts", {"x-vault-token": ("root",)}, b"", "127.0.0.1", 1)
        return (await asyncio.wait_for(app.answer(asked), 5)).status

    async def one_after_another() -> list[int]:
        sandbox.world.clock.advance(3600)
        statuses = [await ask(), await ask()]
        assert sandbox.world.leases.get(lent.lease) is not None
        await asyncio.gather(*(task for task in asyncio.all_tasks() if task is not asyncio.current_task()))
        return statuses

    with sandbox.database.stuck(), monkeypatch.context() as hurry:
        hurry.setattr(dialing, "LIMIT", 0.5)
        assert asyncio.run(one_after_another()) == [200, 200]
    sandbox.advance(60)
    assert lent.username not in sandbox.database.users()


def test_a_user_whose_lease_cannot_be_kept_is_dropped_again(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    before = sandbox.database.users()

    def full() -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(sandbox.world.storage, "commit", full)
        assert sandbox.ask("GET", "db/creds/app").status == 500
    assert sandbox.database.users() == before


def test_who_waits_while_the_connections_own_password_is_rotated_uses_the_new_one(sandbox: Sandbox) -> None:
    sandbox.database.make_user("rotated", "before", admin=True)
    sandbox.database.make_user("in-turn", "before")
    sandbox.do("POST", "db/config/app", {"username": "rotated", "password": "before"})
    sandbox.static("in-turn")
    app = App(sandbox.world)

    async def ask(method: str, path: str, body: bytes = b"") -> int:
        asked = Incoming(method, f"/v1/db/{path}", {"x-vault-token": ("root",)}, body, "127.0.0.1", 1)
        return (await app.answer(asked)).status

    async def all_at_once() -> list[int]:
        return list(
            await asyncio.gather(
                ask("GET", "creds/app"),
                ask("POST", "rotate-root/app"),
                ask("GET", "creds/app"),
                ask("POST", "config/app", b'{"verify_connection": false, "custom": 1}'),
                ask("POST", "rotate-role/in-turn"),
                ask("POST", "rotate-root/app"),
                ask("POST", "rotate-role/in-turn"),
                ask("POST", "config/app", b"{}"),
                ask("GET", "creds/app"),
            )
        )

    assert set(asyncio.run(all_at_once())) == {200, 204}
    sandbox.lend()
    assert sandbox.database.login("in-turn", sandbox.password("in-turn"))
