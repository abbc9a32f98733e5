"""Static roles: credentials of users that are there, rotated as time passes."""

import pytest
from unit.databases import authority, call, connect, database, later, role, static_role, users

from sandboxd.engines.database.plugin import PluginError
from sandboxd.engines.database.simulated import Simulated
from sandboxd.fakes import Status, verify


@pytest.fixture
def made():
    return database()


def creds(made, name="app"):
    return call(made, "GET", f"database/static-creds/{name}").data


@pytest.fixture
def refusing(monkeypatch):
    """A switch: while it is set, databases refuse to change users."""
    trouble = []
    really = Simulated.update_user

    async def update_user(self, change) -> None:
        if trouble:
            raise PluginError(trouble[0])
        await really(self, change)

    monkeypatch.setattr(Simulated, "update_user", update_user)
    return trouble


def test_a_new_static_role_takes_its_user_over(made) -> None:
    assert static_role(made).status == 204

    assert users(made)["app"].password == creds(made)["password"]
    assert verify(creds(made)["password"]).status is Status.MADE_HERE


def test_the_time_that_is_left_counts_down(made) -> None:
    static_role(made)
    later(made, 20)

    assert creds(made) == {
        "username": "app",
        "password": creds(made)["password"],
        "ttl": 40,
        "rotation_period": 60,
        "last_vault_rotation": "2026-01-01T00:00:00Z",
    }


def test_the_password_changes_when_its_period_is_over(made) -> None:
    static_role(made)
    first = creds(made)["password"]
    later(made, 59)
    assert creds(made)["password"] == first

    later(made, 1)

    second = creds(made)
    assert second["password"] != first
    assert second["last_vault_rotation"] == "2026-01-01T00:01:00Z"
    assert users(made)["app"].password == second["password"]


def test_each_rotation_within_a_jump_happens_at_its_moment(made) -> None:
    static_role(made)

    later(made, 3 * 60 + 10)

    assert creds(made)["last_vault_rotation"] == "2026-01-01T00:03:00Z"
    assert creds(made)["ttl"] == 50


def test_the_old_password_is_no_longer_valid(made) -> None:
    static_role(made)
    first = creds(made)["password"]
    assert made.ledger.find(first).valid(made.clock.now_ns())

    call(made, "POST", "database/rotate-role/app")

    assert not made.ledger.find(first).valid(made.clock.now_ns())
    assert made.ledger.find(creds(made)["password"]).valid(made.clock.now_ns())


def test_rotating_by_hand_begins_the_period_anew(made) -> None:
    static_role(made)
    later(made, 50)

    assert call(made, "POST", "database/rotate-role/app").status == 204

    assert creds(made)["ttl"] == 60


def test_a_rotation_that_the_database_refuses_is_tried_again(made, refusing) -> None:
    static_role(made)
    first = creds(made)["password"]
    refusing.append("no")
    later(made, 61)
    assert (creds(made)["password"], creds(made)["ttl"]) == (first, 0)

    refusing.clear()
    later(made, 10)

    assert creds(made)["password"] != first


def test_rotating_by_hand_tells_why_it_failed_and_goes_on_trying(made, refusing) -> None:
    static_role(made)
    first = creds(made)["password"]
    refusing.append("the server is down")

    refused = call(made, "POST", "database/rotate-role/app")
    refusing.clear()
    later(made, 10)

    assert refused.status == 500
    assert refused.errors[0] == (
        "1 error occurred:\n\t* unable to finish rotating credentials; retries will continue in the background but it "
        "is also safe to retry manually: error setting credentials: the server is down\n\n"
    )
    assert creds(made)["password"] != first


def test_a_role_whose_first_rotation_fails_is_not_made(made, refusing) -> None:
    refusing.append("no such user")

    refused = static_role(made)

    assert refused.errors == ["1 error occurred:\n\t* error setting credentials: no such user\n\n"]
    assert call(made, "GET", "database/static-roles/app").status == 404


def test_a_changed_period_holds_from_the_last_rotation_on(made) -> None:
    static_role(made)
    later(made, 30)
    first = creds(made)["password"]

    static_role(made, rotation_period=100)

    assert (creds(made)["password"], creds(made)["ttl"]) == (first, 70)


def test_a_deleted_static_role_is_rotated_no_more(made) -> None:
    static_role(made)
    password = users(made)["app"].password

    call(made, "DELETE", "database/static-roles/app")
    later(made, 600)

    assert users(made)["app"].password == password


def test_names_of_roles_and_static_roles_exclude_each_other(made) -> None:
    static_role(made, "one")
    role(made, "two")

    assert role(made, "one").errors == ["Role and Static Role names must be unique"]
    assert static_role(made, "two").errors == ["Role and Static Role names must be unique"]


def test_the_user_of_a_static_role_stays_the_same(made) -> None:
    static_role(made)

    assert static_role(made, username="other").errors == ["cannot update static account username"]


def test_without_its_connection_a_static_role_has_no_credential(made) -> None:
    static_role(made)
    call(made, "DELETE", "database/config/pg")

    refused = call(made, "GET", "database/static-creds/app")

    assert refused.errors == ['1 error occurred:\n\t* failed to find entry for connection with name: "pg"\n\n']


def test_a_schedule_rotates_at_its_moments() -> None:
    made = database("vault")
    call(
        made,
        "POST",
        "database/static-roles/app",
        {"db_name": "pg", "username": "app", "rotation_schedule": "0 6 * * *"},
    )
    assert creds(made)["ttl"] == 6 * 3600
    first = creds(made)["password"]

    later(made, 6 * 3600)

    assert creds(made)["password"] != first
    assert creds(made)["ttl"] == 24 * 3600
    assert creds(made)["rotation_schedule"] == "0 6 * * *"


def test_a_scheduled_rotation_that_misses_its_window_waits_for_the_next(refusing) -> None:
    made = database("vault")
    sent = {"db_name": "pg", "username": "app", "rotation_schedule": "0 6 * * *", "rotation_window": "1h"}
    call(made, "POST", "database/static-roles/app", sent)
    first = creds(made)["password"]
    refusing.append("no")
    later(made, 8 * 3600)
    refusing.clear()

    later(made, 4 * 3600)
    waits = creds(made)["password"]
    later(made, 18 * 3600)

    assert waits == first
    assert creds(made)["password"] != first


def test_vault_may_leave_the_password_as_it_is_at_first() -> None:
    made = database("vault")

    static_role(made, skip_import_rotation=True, password="the-dba-set-this")

    assert creds(made)["password"] == "the-dba-set-this"
    assert "last_vault_rotation" not in creds(made)
    assert users(made) == {}
    later(made, 60)
    assert creds(made)["password"] != "the-dba-set-this"


def test_vaults_connection_may_say_so_for_all_of_its_static_roles() -> None:
    made = database("vault", skip_static_role_import_rotation=True)

    static_role(made, password="the-dba-set-this")
    static_role(made, "other", password="x", skip_import_rotation=False)

    assert creds(made)["password"] == "the-dba-set-this"
    assert creds(made, "other")["password"] != "x"


def test_a_user_that_rotates_its_own_password_is_asked_by_its_present_one(monkeypatch) -> None:
    made = database("vault")
    asked = []

    async def update_user(self, change) -> None:
        asked.append((change.self_managed_password, change.password))

    monkeypatch.setattr(Simulated, "update_user", update_user)

    static_role(made, self_managed_password="mine")
    call(made, "POST", "database/rotate-role/app")

    assert asked[0][0] == "mine"
    assert asked[1][0] == asked[0][1]


def test_rsa_keys_are_rotated_where_the_database_takes_them() -> None:
    made = database("vault")
    connect(made, "snow", "snowflake")
    sent = {"db_name": "snow", "username": "app", "rotation_period": 60, "credential_type": "rsa_private_key"}

    assert call(made, "POST", "database/static-roles/app", sent).status == 204

    assert verify(creds(made)["rsa_private_key"]).status is Status.MADE_HERE
    assert users(made, "snow")["app"].public_key.startswith("-----BEGIN PUBLIC KEY-----")
    assert "password" not in creds(made)


def test_a_static_role_has_no_certificate_to_rotate() -> None:
    made = database("vault")
    connect(made, "atlas", "mongodbatlas", public_key="k", private_key="s", project_id="p")
    config = {"common_name_template": "app", "key_type": "ed25519", **authority()}
    sent = {"credential_type": "client_certificate", "credential_config": config}

    assert static_role(made, db_name="atlas", **sent).status == 204

    assert sorted(creds(made)) == ["last_vault_rotation", "rotation_period", "ttl", "username"]


def test_a_role_that_is_deleted_while_the_database_is_at_work_stays_deleted(made, monkeypatch) -> None:
    static_role(made)

    async def update_user(self, change) -> None:
        path = next(path for path in made.storage.walk("") if path.endswith("static-role/app"))
        made.storage.delete(path)

    monkeypatch.setattr(Simulated, "update_user", update_user)

    call(made, "POST", "database/rotate-role/app")

    assert call(made, "GET", "database/static-roles/app").status == 404


def test_a_reset_leaves_as_much_time_as_there_was(made) -> None:
    static_role(made)
    later(made, 20)
    before = creds(made)
    kept = made.snapshot()
    later(made, 600)

    made.return_to(kept)

    assert creds(made)["password"] == before["password"]
    assert creds(made)["ttl"] == 40


def test_what_replaces_a_password_is_told_of(made) -> None:
    static_role(made)
    later(made, 60)
    call(made, "POST", "database/rotate-role/app")

    told = made.events.after(0, ("credential.superseded",))
    assert [(event.path, event.details) for event in told] == [
        ("database/static-roles/app", {"grace_seconds": 0}),
        ("database/rotate-role/app", {"grace_seconds": 0}),
    ]
