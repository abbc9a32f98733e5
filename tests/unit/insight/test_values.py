"""Where a value is among the secrets, as they are now."""

import pytest
from unit.helpers import call, world

from sandboxd.edge.runtime import make_world
from sandboxd.insight import insight, values
from sandboxd.vault.bootstrap import start_dev
from sandboxd.vault.clock import Clock
from sandboxd.vault.world import Settings


@pytest.fixture
def made():
    made = world()
    call(made, "POST", "sys/mounts/plain", {"type": "kv", "options": {"version": "1"}})
    return made


def put(made, path, **fields):
    data = {"data": fields} if "/data/" in path else fields
    assert call(made, "POST", path, data).status in (200, 204)


def find(made, value):
    found = insight(made).values.find(value)
    return sorted((each.path, each.field, each.version, each.current, each.gone) for each in found)


def ended(made, value):
    issued = made.ledger.find(value)
    return None if issued is None else (issued.path, issued.field, issued.end)


def test_a_value_is_found_with_its_path_field_and_version(made):
    put(made, "secret/data/a/b", key="one", other="x")
    assert find(made, "one") == [("secret/data/a/b", "key", 1, True, False)]


def test_a_value_that_nobody_wrote_is_not_found(made):
    put(made, "secret/data/a", key="one")
    assert find(made, "two") == []


def test_secrets_without_versions_are_searched_too(made):
    put(made, "plain/a", key="one")
    assert find(made, "one") == [("plain/a", "key", 0, True, False)]


def test_an_older_version_is_told_from_the_current_one(made):
    put(made, "secret/data/a", key="one")
    put(made, "secret/data/a", key="two")
    assert find(made, "one") == [("secret/data/a", "key", 1, False, False)]
    assert find(made, "two") == [("secret/data/a", "key", 2, True, False)]


def test_nested_fields_and_items_of_lists_are_searched(made):
    put(made, "secret/data/a", db={"hosts": ["h1", {"password": "deep"}]}, number=5, empty="", nothing=None)
    assert find(made, "deep") == [("secret/data/a", "db.hosts.1.password", 1, True, False)]
    assert find(made, "h1") == [("secret/data/a", "db.hosts.0", 1, True, False)]
    assert find(made, "") == find(made, "5") == []


def test_a_value_may_be_in_several_places(made):
    put(made, "secret/data/a", x="same", y="same")
    put(made, "secret/data/b", z="same")
    put(made, "plain/c", z="same")
    assert [(path, field) for path, field, *_ in find(made, "same")] == [
        ("plain/c", "z"),
        ("secret/data/a", "x"),
        ("secret/data/a", "y"),
        ("secret/data/b", "z"),
    ]


def test_writes_after_the_first_question_are_known(made):
    assert find(made, "one") == []
    put(made, "secret/data/a", key="one")
    put(made, "secret/data/b", key="one")
    assert len(find(made, "one")) == 2
    call(made, "DELETE", "secret/metadata/a")
    assert find(made, "one") == [("secret/data/b", "key", 1, True, False)]
    call(made, "DELETE", "secret/metadata/b")
    assert find(made, "one") == []


def test_a_deleted_version_is_gone_until_it_is_undeleted(made):
    put(made, "secret/data/a", key="one")
    call(made, "DELETE", "secret/data/a")
    assert find(made, "one") == [("secret/data/a", "key", 1, True, True)]
    call(made, "POST", "secret/undelete/a", {"versions": [1]})
    assert find(made, "one") == [("secret/data/a", "key", 1, True, False)]


def test_a_version_that_deletes_itself_is_gone_from_then_on(made):
    call(made, "POST", "secret/metadata/a", {"delete_version_after": "1m"})
    put(made, "secret/data/a", key="one")
    assert find(made, "one") == [("secret/data/a", "key", 1, True, False)]
    made.clock.advance(60)
    assert find(made, "one") == [("secret/data/a", "key", 1, True, True)]


def test_namespaces_are_searched_too(made):
    call(made, "POST", "sys/namespaces/team", {})
    call(made, "POST", "team/sys/mounts/kv", {"type": "kv", "options": {"version": "2"}})
    call(made, "POST", "team/kv/data/a", {"data": {"key": "one"}})
    (held,) = insight(made).values.find("one")
    assert (held.namespace, held.path) == ("team/", "kv/data/a")


def test_a_moved_mount_is_told_by_its_new_path(made):
    put(made, "secret/data/a", key="one")
    assert find(made, "one")
    call(made, "POST", "sys/remount", {"from": "secret", "to": "moved"})
    assert [path for path, *_ in find(made, "one")] == ["moved/data/a"]


def test_the_user_beside_a_value_is_told(made):
    put(made, "secret/data/a", username="app", password="one")
    assert [held.users for held in insight(made).values.find("one")] == [("app",)]


@pytest.mark.parametrize("asked_before", [True, False])
def test_a_destroyed_value_is_remembered_as_revoked(made, asked_before):
    put(made, "secret/data/a", key="one")
    put(made, "secret/data/a", key="two")
    if asked_before:
        find(made, "one")
    call(made, "POST", "secret/destroy/a", {"versions": [1]})
    assert find(made, "one") == []
    assert ended(made, "one") == ("secret/data/a", "key", "revoked")
    assert ended(made, "two") is None


def test_a_value_that_another_version_still_has_is_not_lost(made):
    put(made, "secret/data/a", key="one")
    put(made, "secret/data/a", key="one")
    call(made, "POST", "secret/destroy/a", {"versions": [1]})
    assert ended(made, "one") is None


@pytest.mark.parametrize("path", ["secret/metadata/a", "sys/mounts/secret"])
def test_the_values_of_a_secret_that_is_removed_are_revoked(made, path):
    put(made, "secret/data/a", key="one")
    put(made, "secret/data/a", key="two")
    call(made, "DELETE", path)
    assert [ended(made, value)[2] for value in ("one", "two")] == ["revoked", "revoked"]


def test_a_value_that_was_written_over_is_superseded(made):
    put(made, "plain/a", key="one", other="x")
    put(made, "plain/a", key="two", other="x")
    assert find(made, "one") == []
    assert ended(made, "one") == ("plain/a", "key", "superseded")
    assert ended(made, "x") is None


def test_versions_beyond_the_most_that_are_kept_are_superseded(made):
    call(made, "POST", "secret/metadata/a", {"max_versions": 2})
    find(made, "one")
    for value in ("one", "two", "three"):
        put(made, "secret/data/a", key=value)
    assert find(made, "one") == []
    assert ended(made, "one") == ("secret/data/a", "key", "superseded")


def test_a_grace_window_survives_the_version_that_it_was_for(made):
    put(made, "plain/a", key="one")
    put(made, "plain/a", key="two")
    made.ledger.superseded("one", path="plain/a", field="key", grace=60)
    find(made, "one")
    assert made.ledger.find("one").valid(made.clock.now_ns())


def test_a_credential_that_was_copied_to_a_secret_does_not_end_with_it(made):
    put(made, "plain/copy", key="root")
    made.ledger.superseded("root", path="db/static-creds/a", grace=60)
    call(made, "DELETE", "plain/copy")
    assert ended(made, "root") == ("db/static-creds/a", "", "superseded")


def test_more_writes_than_are_noted_make_no_difference_to_what_is_found(made, monkeypatch):
    monkeypatch.setattr(values, "MAX_UNSEEN", 3)
    for asked in (False, True):
        for number in range(9):
            put(made, f"plain/{number % 5}", key=f"{asked}-{number}")
        assert [path for path, *_ in find(made, f"{asked}-8")] == ["plain/3"]
        assert find(made, f"{asked}-3") == []


def test_a_restored_state_is_searched_anew(made):
    put(made, "secret/data/a", key="one")
    before = made.snapshot()
    put(made, "secret/data/a", key="two")
    call(made, "POST", "secret/destroy/a", {"versions": [1]})
    assert find(made, "one") == []
    made.restore(before)
    assert find(made, "one") == [("secret/data/a", "key", 1, True, False)]
    assert find(made, "two") == []
    assert ended(made, "one") is None


def test_a_write_that_could_not_be_kept_never_was():
    class Full:
        full = False

        def commit(self, batch):
            if self.full:
                raise OSError("no space left on device")

    disk = Full()
    made = make_world(Settings(), seed="x", clock=Clock(lambda: 1_000_000_000), journal=disk)
    start_dev(made, "root")
    put(made, "secret/data/a", key="one")
    disk.full = True
    assert call(made, "DELETE", "secret/metadata/a").status == 500
    assert call(made, "POST", "secret/data/b", {"data": {"key": "two"}}).status == 500
    assert find(made, "one") == [("secret/data/a", "key", 1, True, False)]
    assert find(made, "two") == []
    assert ended(made, "one") is ended(made, "two") is None


def test_no_value_is_kept_by_the_index(made):
    put(made, "secret/data/a", key="one-of-a-kind")
    find(made, "one-of-a-kind")
    known = insight(made).values
    assert "one-of-a-kind" not in repr((known._paths, known._hashes))
