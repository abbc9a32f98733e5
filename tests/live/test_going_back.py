"""A sandbox that goes back to an earlier state takes its real databases along."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sandboxd.edge.upstreams import let_go

if TYPE_CHECKING:
    from live.conftest import Sandbox


def go_back(sandbox: Sandbox, snapshot: object) -> None:
    asyncio.run(let_go(sandbox.world, snapshot))  # type: ignore[arg-type]
    sandbox.world.restore(snapshot)  # type: ignore[arg-type]


def own_user(sandbox: Sandbox, name: str) -> None:
    """Have the connection use a user that nobody else needs."""
    sandbox.database.make_user(name, "before", admin=True)
    assert sandbox.connect(username=name, password="before").status == 204


def test_users_that_were_lent_since_are_dropped_and_others_stay(sandbox: Sandbox) -> None:
    before = sandbox.lend()
    snapshot = sandbox.world.snapshot()
    after = sandbox.lend()
    go_back(sandbox, snapshot)
    assert sandbox.database.login(before.username, before.password)
    assert after.username not in sandbox.database.users()


def test_a_static_role_has_its_earlier_password_again(sandbox: Sandbox) -> None:
    sandbox.database.make_user("back", "before")
    sandbox.static("back")
    password = sandbox.password("back")
    snapshot = sandbox.world.snapshot()
    sandbox.do("POST", "db/rotate-role/back")
    go_back(sandbox, snapshot)
    assert sandbox.password("back") == password
    assert sandbox.database.login("back", password)


def test_a_connection_can_log_in_with_its_earlier_password_again(sandbox: Sandbox) -> None:
    own_user(sandbox, "owner")
    snapshot = sandbox.world.snapshot()
    sandbox.do("POST", "db/rotate-root/app")
    go_back(sandbox, snapshot)
    assert sandbox.database.login("owner", "before")
    lent = sandbox.lend()
    assert sandbox.database.login(lent.username, lent.password)


def test_a_database_that_is_down_is_told_of_and_the_state_goes_back_all_the_same(sandbox: Sandbox) -> None:
    own_user(sandbox, "another")
    snapshot = sandbox.world.snapshot()
    sandbox.do("POST", "db/rotate-root/app")
    sandbox.database.kill()
    go_back(sandbox, snapshot)
    (event,) = sandbox.world.events.after(0, ("state.upstream_failed",))
    assert event.path == "db/"
    assert "connection refused" in event.details["reason"]
