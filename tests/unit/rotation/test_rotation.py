"""Rotating secrets and what engines rotate: by hand, on schedule, and through a jump of the clock."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from unit.helpers import START, call, world
from unit.leasing import mount

from sandboxd.fixtures import apply, load, make_plan
from sandboxd.insight import insight
from sandboxd.rotation import Rotation, kept, rows
from sandboxd.vault.clock import NANOSECONDS
from sandboxd.vault.errors import Refusal
from sandboxd.vault.framework.backend import Engine, Path, Rotates
from sandboxd.vault.framework.fields import Name, param
from sandboxd.vault.inside import inside

DAY = 86400
FIXTURE = """
sandbox: shop
secrets:
  secret/db:
    owner: team-orders
    expires: 90d
    rotation: {every: 30d, grace: 1d}
    fields: {username: orders, password: {kind: password}}
  secret/url:
    fields: {url: {template: "postgres://orders:{{ secret/db#password }}@127.0.0.1/shop"}, key: {kind: hex}}
  secret/still:
    fields: {a: {kind: password}}
"""


@pytest.fixture
def made(tmp_path):
    file = tmp_path / "shop.yaml"
    file.write_text(FIXTURE)
    plan = make_plan(load(file))
    found = world()
    asyncio.run(apply(found, plan))
    return SimpleNamespace(world=found, rotation=Rotation(found, lambda: plan.remaker), plan=plan)


def rotate(made, path):
    return asyncio.run(made.rotation.rotate(path))


def advance(made, seconds):
    asyncio.run(made.world.timeline.advance(seconds))


def secret(made, name, version=0):
    query = f"?version={version}" if version else ""
    return call(made.world, "GET", f"secret/data/{name}{query}").data["data"]


def version(made, name):
    return call(made.world, "GET", f"secret/data/{name}").data["metadata"]["version"]


def told(made, kind="rotation."):
    return [(event.kind, event.path) for event in made.world.events.after(0, (kind,))]


def shown(made, readers=None):
    return {row.path: row for row in asyncio.run(rows(made.world, made.rotation, readers))}


@pytest.mark.parametrize("path", ["secret/db", "secret/data/db", "/secret/db/"])
def test_a_secret_gets_a_new_version_with_new_values_where_values_are_made(made, path):
    before = secret(made, "db")
    rotate(made, path)
    after = secret(made, "db")
    assert version(made, "db") == 2
    assert after["username"] == before["username"]
    assert after["password"] != before["password"]
    assert secret(made, "db", 1) == before


def test_secrets_whose_templates_take_it_get_a_new_version_too(made):
    before = secret(made, "url")
    rotate(made, "secret/db")
    after = secret(made, "url")
    assert secret(made, "db")["password"] in after["url"]
    assert after["key"] == before["key"]
    assert version(made, "still") == 1


def test_what_a_client_added_to_the_secret_stays(made):
    call(made.world, "POST", "secret/data/db", {"data": {**secret(made, "db"), "mine": 1}})
    rotate(made, "secret/db")
    assert secret(made, "db")["mine"] == 1


def test_the_old_value_is_valid_through_the_grace_window_only(made):
    old = secret(made, "db")["password"]
    rotate(made, "secret/db")
    ledger, clock = made.world.ledger, made.world.clock
    assert ledger.find(old).valid(clock.now_ns())
    advance(made, DAY)
    assert not ledger.find(old).valid(clock.now_ns())
    assert told(made)[-1] == ("rotation.grace_over", "secret/db")


def test_a_schedule_rotates_at_each_of_its_moments(made):
    advance(made, 95 * DAY)
    assert version(made, "db") == 4
    done = made.world.events.after(0, ("rotation.done",))
    assert [(event.at // NANOSECONDS - START) / DAY for event in done] == [30, 60, 90]


def test_a_rotation_by_hand_starts_the_period_anew(made):
    advance(made, 20 * DAY)
    rotate(made, "secret/db")
    advance(made, 29 * DAY)
    assert version(made, "db") == 2
    advance(made, DAY)
    assert version(made, "db") == 3


def test_a_rotation_is_announced_before_it_happens(made):
    advance(made, 30 * DAY)
    assert told(made)[:2] == [("rotation.coming", "secret/db"), ("rotation.done", "secret/db")]
    coming = made.world.events.after(0, ("rotation.coming",))[0]
    assert coming.at // NANOSECONDS == START + 29 * DAY
    assert coming.details == {"owner": "team-orders", "at": "2026-01-31T00:00:00Z"}


def test_an_end_counts_from_the_last_rotation_and_is_written_to_the_metadata(made):
    advance(made, 60 * DAY)
    metadata = call(made.world, "GET", "secret/metadata/db").data
    assert metadata["custom_metadata"]["expires"] == "2026-05-31T00:00:00Z"
    assert told(made, "secret.") == []


def test_events_hold_no_values(made):
    rotate(made, "secret/db")
    values = {*secret(made, "db").values(), *secret(made, "db", 1).values()} - {"orders"}
    assert not any(value in str(event) for event in made.world.events.after(0) for value in values)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("secret/none", "secret/none is not declared in the fixture"),
        ("nowhere/x", "nothing is mounted at nowhere/x"),
        ("secret/", "say which secret"),
        ("sys/policies", "sys/policies cannot be rotated"),
        ("cubbyhole/x", "cubbyhole/x cannot be rotated"),
    ],
)
def test_what_cannot_be_rotated_says_why(made, path, text):
    with pytest.raises(Refusal) as refused:
        rotate(made, path)
    assert text in str(refused.value.errors)


def test_a_rotation_that_fails_is_told_of_and_tried_again(made):
    call(made.world, "DELETE", "sys/mounts/secret")
    advance(made, 30 * DAY)
    failed = made.world.events.after(0, ("rotation.failed",))
    assert failed[0].details["reason"] == "nothing is mounted at secret/db"
    assert shown(made)["secret/db"].failure == "nothing is mounted at secret/db"
    assert made.world.timers.of("rotation").at("rotate//secret/db") == made.world.clock.now_ns() + 10 * NANOSECONDS


def test_the_states_of_a_life(made):
    states = [shown(made)["secret/db"].state]
    for days in (29, 1, 2):
        advance(made, days * DAY)
        states.append(shown(made)["secret/db"].state)
    call(made.world, "DELETE", "secret/data/db")
    states.append(shown(made)["secret/db"].state)
    assert states == ["created", "due", "grace", "current", "revoked"]


def test_a_secret_that_ends_without_rotation_expires(tmp_path):
    file = tmp_path / "shop.yaml"
    file.write_text("sandbox: shop\nsecrets: {secret/a: {owner: me, expires: 10d, fields: {x: 1}}}")
    plan, found = make_plan(load(file)), world()
    asyncio.run(apply(found, plan))
    made = SimpleNamespace(world=found, rotation=Rotation(found, lambda: plan.remaker))
    states = []
    for days in (8, 1, 1):
        advance(made, days * DAY)
        states.append(shown(made)["secret/a"].state)
    assert states == ["created", "expiring", "expired"]
    assert told(made, "secret.") == [("secret.expiring", "secret/a"), ("secret.expired", "secret/a")]


def test_rows_tell_what_there_is_to_know(made):
    rotate(made, "secret/db")
    row = shown(made)["secret/db"]
    assert (row.owner, row.schedule, row.version, row.state) == ("team-orders", "every 30d", 2, "grace")
    assert (row.rotated, row.next) == ("2026-01-01T00:00:00Z", "2026-01-31T00:00:00Z")
    assert (row.expires, row.grace_until) == ("2026-04-01T00:00:00Z", "2026-01-02T00:00:00Z")


def test_who_still_uses_an_old_version_is_shown(made):
    def reader(accessor, version):
        return SimpleNamespace(
            accessor=accessor,
            display_name="approle",
            entity_id="",
            metadata={"role_name": "orders"},
            version=version,
            at=START * NANOSECONDS,
        )

    class Readers:
        def of(self, namespace, path):
            return (reader("acc", 1), reader("new", 2)) if path == "secret/data/db" else ()

    assert shown(made, Readers())["secret/db"].old_in_use_by == ()
    rotate(made, "secret/db")
    (user,) = shown(made, Readers())["secret/db"].old_in_use_by
    assert (user.name, user.accessor, user.version, user.token_alive) == ("orders", "acc", 1, False)


@dataclass(frozen=True, kw_only=True)
class Args:
    name: Name = param(help="Which.")


class Roles:
    """An engine with roles that it can rotate."""

    def __init__(self) -> None:
        self.rotated = []
        paths = (Path("rotate-role/{name}", Args, "Rotate.", write=self.rotate),)
        self.engine = Engine(
            type="roles",
            help="Roles.",
            paths=paths,
            rotates=(Rotates("static-roles/{name}", "rotate-role/{name}", read="static-creds/{name}"),),
        )

    def rotate(self, call, args):
        self.rotated.append(args.name)


@pytest.mark.parametrize("path", ["roles/static-roles/app", "roles/static-creds/app"])
def test_an_engine_rotates_its_own_objects(made, path):
    roles = Roles()
    mount(made.world, roles.engine, "roles/")
    found = rotate(made, path)
    assert roles.rotated == ["app"]
    assert (found.plan.path, found.version) == ("roles/static-roles/app", 2)


def test_what_else_an_engine_can_rotate_is_named(made):
    mount(made.world, Roles().engine, "roles/")
    with pytest.raises(Refusal, match="these can: roles/static-roles/") as refused:
        rotate(made, "roles/roles/app")
    assert refused.value.status == 400


def test_what_an_engine_schedules_is_shown(made):
    entry = mount(made.world, Roles().engine, "roles/")
    made.world.timers.of(entry.uuid).set("static-roles/app", (START + DAY) * NANOSECONDS)
    row = shown(made)["roles/static-roles/app"]
    assert (row.next, row.state) == ("2026-01-02T00:00:00Z", "created")


def test_who_still_uses_what_an_engine_rotated_by_itself_is_shown(made):
    seen = insight(made.world).readers

    async def declared():
        connection = {"plugin_name": "postgresql-database-plugin", "connection_url": "postgresql://u@db.test/x"}
        role = {"db_name": "main", "username": "app", "rotation_period": DAY}
        async with inside(made.world, "test") as requests:
            await requests.write("", "sys/mounts/database", {"type": "database"})
            await requests.write("", "database/config/main", {**connection, "allowed_roles": "*"})
            await requests.write("", "database/static-roles/app", role)

    asyncio.run(declared())
    call(made.world, "GET", "database/static-creds/app")
    assert shown(made, seen)["database/static-roles/app"].old_in_use_by == ()
    advance(made, DAY + 1)
    assert len(shown(made, seen)["database/static-roles/app"].old_in_use_by) == 1
    call(made.world, "GET", "database/static-creds/app")
    assert shown(made, seen)["database/static-roles/app"].old_in_use_by == ()


def test_what_rotates_is_kept_with_the_state(made):
    before = made.world.snapshot()
    rotate(made, "secret/db")
    made.world.restore(before)
    assert {found.plan.path: found.version for found in kept(made.world)}["secret/db"] == 1
    advance(made, 30 * DAY)
    assert version(made, "db") == 2
