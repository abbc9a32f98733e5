"""Users are really made, changed and dropped, whatever the kind of database."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest
from unit.helpers import call

from sandboxd.edge.app import App
from sandboxd.edge.messages import Incoming

if TYPE_CHECKING:
    from live.conftest import Sandbox


def test_a_user_that_is_lent_can_log_in(sandbox: Sandbox) -> None:
    lent = sandbox.lend()
    assert sandbox.database.login(lent.username, lent.password)
    assert not sandbox.database.login(lent.username, "wrong")


def test_a_revoked_user_is_gone(sandbox: Sandbox) -> None:
    lent = sandbox.lend()
    sandbox.do("PUT", "sys/leases/revoke", {"lease_id": lent.lease, "sync": True})
    assert not sandbox.database.login(lent.username, lent.password)
    assert lent.username not in sandbox.database.users()


def test_a_user_ends_with_its_lease(sandbox: Sandbox) -> None:
    lent = sandbox.lend()
    sandbox.advance(3599)
    assert sandbox.database.login(lent.username, lent.password)
    sandbox.advance(2)
    assert not sandbox.database.login(lent.username, lent.password)


def test_a_renewed_user_lasts_longer_but_not_beyond_the_max_ttl(sandbox: Sandbox) -> None:
    lent = sandbox.lend()
    sandbox.advance(3000)
    sandbox.do("PUT", "sys/leases/renew", {"lease_id": lent.lease, "increment": 7200})
    sandbox.advance(3600)
    assert sandbox.database.login(lent.username, lent.password)
    reply = sandbox.do("PUT", "sys/leases/renew", {"lease_id": lent.lease, "increment": 999_999})
    assert reply.json["lease_duration"] == 86_400 - 6_600
    sandbox.advance(86_400 - 6_600 + 1)
    assert not sandbox.database.login(lent.username, lent.password)


def test_a_user_ends_with_the_token_that_asked_for_it(sandbox: Sandbox) -> None:
    token = sandbox.do("POST", "auth/token/create", {"policies": ["root"]}).json["auth"]["client_token"]
    reply = sandbox.ask("GET", "db/creds/app")
    other = reply.data["username"]
    mine = call(sandbox.world, "GET", "db/creds/app", token=token, waits=True).data["username"]
    sandbox.do("POST", "auth/token/revoke", {"token": token})
    assert mine not in sandbox.database.users()
    assert other in sandbox.database.users()


def test_all_users_of_a_mount_can_be_revoked_at_once(sandbox: Sandbox) -> None:
    lent = [sandbox.lend().username for _ in range(3)]
    sandbox.do("PUT", "sys/leases/revoke-prefix/db/creds")
    assert not sandbox.database.users().intersection(lent)


def test_many_ask_at_once_and_each_gets_a_user_of_its_own(sandbox: Sandbox) -> None:
    app = App(sandbox.world)

    async def ask() -> tuple[str, str]:
        headers = {"x-vault-token": ("root",)}
        answer = await app.answer(Incoming("GET", "/v1/db/creds/app", headers, b"", "127.0.0.1", 1))
        assert answer.status == 200, answer.body
        data = json.loads(answer.body)["data"]
        return data["username"], data["password"]

    async def all_at_once() -> list[tuple[str, str]]:
        return list(await asyncio.gather(*(ask() for _ in range(12))))

    users = asyncio.run(all_at_once())
    assert len(dict(users)) == 12
    assert all(sandbox.database.login(*user) for user in users)


def test_a_static_role_takes_over_its_user_and_gives_it_a_new_password(sandbox: Sandbox) -> None:
    sandbox.database.make_user("taken", "before")
    sandbox.static("taken")
    assert sandbox.database.login("taken", sandbox.password("taken"))
    assert sandbox.password("taken") != "before"
    if sandbox.database.plugin != "valkey-database-plugin":
        assert not sandbox.database.login("taken", "before")


def test_a_rotation_by_hand_replaces_the_password(sandbox: Sandbox) -> None:
    sandbox.database.make_user("by-hand", "before")
    sandbox.static("by-hand")
    old = sandbox.password("by-hand")
    sandbox.do("POST", "db/rotate-role/by-hand")
    new = sandbox.password("by-hand")
    assert sandbox.database.login("by-hand", new)
    assert not sandbox.database.login("by-hand", old)


def test_a_static_role_rotates_as_time_passes(sandbox: Sandbox) -> None:
    sandbox.database.make_user("in-time", "before")
    sandbox.static("in-time")
    old = sandbox.password("in-time")
    sandbox.advance(3599)
    assert sandbox.password("in-time") == old
    sandbox.advance(2)
    new = sandbox.password("in-time")
    assert new != old
    assert sandbox.database.login("in-time", new)
    assert not sandbox.database.login("in-time", old)


def test_the_connections_own_password_can_be_rotated(sandbox: Sandbox) -> None:
    sandbox.database.make_user("boss", "before", admin=True)
    assert sandbox.connect(username="boss", password="before").status == 204
    sandbox.do("POST", "db/rotate-root/app")
    assert not sandbox.database.login("boss", "before")
    lent = sandbox.lend()
    assert sandbox.database.login(lent.username, lent.password)


def test_a_wrong_password_is_refused_when_the_connection_is_verified(sandbox: Sandbox) -> None:
    reply = sandbox.connect("other", password="wrong")
    assert reply.status == 400
    assert "wrong" not in reply.text
    assert sandbox.ask("GET", "db/config/other").status == 404


def test_a_connection_that_is_not_verified_is_not_made_before_it_is_needed(sandbox: Sandbox) -> None:
    assert sandbox.connect("other", password="wrong", verify_connection=False).status == 204
    sandbox.role("other", db_name="other")
    assert sandbox.ask("GET", "db/creds/other").status == 500


@pytest.mark.parametrize("verify", [True, False])
def test_a_database_elsewhere_is_refused_and_told_why(sandbox: Sandbox, verify: bool) -> None:
    details = sandbox.database.details()
    where = {name: str(details[name]).replace("127.0.0.1", "db.example") for name in details if name != "port"}
    reply = sandbox.connect("away", **where, verify_connection=verify)
    assert reply.status == 400
    assert "the database away is elsewhere: use localhost or a loopback address" in reply.errors[0]
