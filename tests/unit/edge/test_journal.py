"""Keeping a world in SQLite."""

import os
import sqlite3
import stat

import pytest
from unit.helpers import START, call
from unit.leasing import lend

from sandboxd.edge.journal import FILE, DataDirError, Sqlite
from sandboxd.edge.runtime import make_world
from sandboxd.vault.bootstrap import start_dev
from sandboxd.vault.clock import NANOSECONDS, Clock
from sandboxd.vault.errors import Failure
from sandboxd.vault.mounts import MountEntry
from sandboxd.vault.world import Settings


@pytest.fixture
def opened(tmp_path):
    """Opens journals in one directory, and closes them at the end."""
    journals = []

    def opening(profile="openbao"):
        journals.append(Sqlite(tmp_path, profile))
        return journals[-1]

    yield opening
    for journal in journals:
        journal.close()


def world(journal):
    made = make_world(
        Settings(profile="openbao"), seed="tests", clock=Clock(lambda: START * NANOSECONDS), journal=journal
    )
    kept = journal.load()
    if kept:
        made.storage.load(kept)
        made.reload()
        made.seal.open()
    else:
        start_dev(made, "root")
    return made


def fill(made) -> None:
    """A bit of everything that can be stored."""
    nested = {"n": [1, 2.50, -0.0, 10**30, None, True, "é\u2028<>&"], "deep": {"a": {"b": {}}}}
    for method, path, body in (
        ("POST", "secret/data/app", {"data": nested}),
        ("POST", "secret/data/app", {"data": {"x": 2}, "options": {"cas": 1}}),
        ("POST", "secret/metadata/app", {"custom_metadata": {"owner": "me"}, "delete_version_after": "1h"}),
        ("POST", "secret/config", {"max_versions": 3}),
        ("POST", "sys/mounts/kv1", {"type": "kv", "options": {"version": "1"}, "config": {"max_lease_ttl": "3h"}}),
        ("POST", "kv1/a/b/c", nested),
        ("POST", "cubbyhole/mine", {"x": "y"}),
        ("POST", "sys/auth/userpass", {"type": "userpass"}),
        (
            "POST",
            "auth/userpass/users/ann",
            {"password": "pw", "token_policies": ["p"], "token_bound_cidrs": "127.0.0.0/8"},
        ),
        ("POST", "sys/auth/approle", {"type": "approle"}),
        ("POST", "auth/approle/role/app", {"token_ttl": "1h", "secret_id_num_uses": 3}),
        ("POST", "auth/approle/role/app/secret-id", {"metadata": '{"a": "b"}'}),
        ("POST", "sys/policies/acl/p", {"policy": 'path "secret/*" { capabilities = ["read"] }'}),
        ("POST", "sys/policies/password/pw", {"policy": 'length = 8\nrule "charset" { charset = "abc" }'}),
        ("POST", "sys/namespaces/team", {"custom_metadata": {"a": "b"}}),
        ("POST", "team/sys/mounts/kv", {"type": "kv"}),
        ("POST", "auth/token/roles/ci", {"allowed_policies": ["p"], "token_period": "1h"}),
        ("POST", "auth/token/create/ci", {"meta": {"a": "b"}, "num_uses": 5}),
        ("POST", "auth/token/create", {"type": "batch", "policies": ["p"]}),
        ("POST", "identity/entity", {"name": "e", "metadata": {"a": "b"}}),
        ("POST", "identity/group", {"name": "g", "policies": ["p"]}),
        ("POST", "sys/config/cors", {"allowed_origins": ["http://app.test"], "enabled": True}),
    ):
        reply = call(made, method, path, body)
        assert reply.status < 300, (path, reply.text)
    assert call(made, "GET", "secret/data/app", headers={"x-vault-wrap-ttl": "60"}).status == 200
    assert call(made, "POST", "auth/userpass/login/ann", {"password": "pw"}, token="").status == 200


def test_every_stored_value_comes_back_as_it_was(opened):
    made = world(opened())
    fill(made)
    values = dict(made.storage._values)
    found = made.storage._journal.load()
    assert found == values
    assert {path: repr(value) for path, value in found.items()} == {path: repr(value) for path, value in values.items()}
    assert len({type(value) for value in values.values()}) > 20


def test_a_world_goes_on_where_it_was(opened):
    first = opened()
    made = world(first)
    fill(made)
    before = [call(made, "GET", path).text for path in ("secret/data/app", "kv1/a/b/c", "sys/mounts", "cubbyhole/mine")]
    first.close()
    again = world(opened())
    after = [call(again, "GET", path).text for path in ("secret/data/app", "kv1/a/b/c", "sys/mounts", "cubbyhole/mine")]
    assert [text.partition("lease_id")[2] for text in after] == [text.partition("lease_id")[2] for text in before]
    assert call(again, "POST", "auth/userpass/login/ann", {"password": "pw"}, token="").status == 200
    assert call(again, "LIST", "secret/metadata").data == {"keys": ["app"]}


def test_what_was_deleted_stays_deleted(opened):
    first = opened()
    made = world(first)
    call(made, "POST", "cubbyhole/a", {"x": 1})
    call(made, "DELETE", "cubbyhole/a")
    first.close()
    assert call(world(opened()), "GET", "cubbyhole/a").status == 404


def test_a_restored_snapshot_is_kept(opened):
    first = opened()
    made = world(first)
    call(made, "POST", "cubbyhole/a", {"x": 1})
    snapshot = made.snapshot()
    call(made, "POST", "cubbyhole/b", {"x": 1})
    call(made, "POST", "cubbyhole/a", {"x": 2})
    made.restore(snapshot)
    made.commit()
    first.close()
    again = world(opened())
    assert call(again, "LIST", "cubbyhole").data == {"keys": ["a"]}
    assert call(again, "GET", "cubbyhole/a").data == {"x": 1}


class Full:
    """A disk that is full whenever `full` is set."""

    def __init__(self) -> None:
        self.full = False
        self.kept: dict[str, object] = {}

    def load(self) -> dict[str, object]:
        return {}

    def commit(self, batch: dict[str, object]) -> None:
        if self.full:
            raise OSError("no space left on device")
        self.kept |= batch


def test_a_secret_whose_lease_cannot_be_kept_is_revoked():
    disk = Full()
    made = world(disk)
    lender = lend(made)
    made.commit()
    disk.full = True
    reply = call(made, "GET", "lend/creds/a?ttl=60")
    assert reply.errors == ["failed to persist: no space left on device"]
    assert lender.revoked == ["a"]
    assert made.leases.walk("lend/") == []


def test_a_secret_that_can_be_neither_kept_nor_revoked_is_told_of():
    disk = Full()
    made = world(disk)
    lender = lend(made)
    made.commit()
    disk.full, lender.trouble = True, Failure("down")
    assert call(made, "GET", "lend/creds/a?ttl=60").status == 500
    told = made.events.after(0, ("lease.revocation_failed",))
    assert [(event.path, event.details["irrevocable"]) for event in told] == [("lend/creds/a", True)]


def test_a_write_that_cannot_be_kept_is_refused_and_nothing_of_it_stays():
    disk = Full()
    made = world(disk)
    call(made, "POST", "secret/data/app", {"data": {"x": 1}})
    values = dict(made.storage._values)
    disk.full = True
    reply = call(made, "POST", "secret/data/app", {"data": {"x": 2}})
    assert reply.status == 500
    assert reply.errors == ["failed to persist: no space left on device"]
    assert call(made, "POST", "secret/data/new", {"data": {"x": 2}}).status == 500
    assert call(made, "POST", "sys/mounts/kv2", {"type": "kv"}).status == 500
    assert call(made, "POST", "auth/token/create", {"id": "mine"}).status == 500
    assert call(made, "POST", "sys/policies/acl/p", {"policy": 'path "a" { capabilities = ["read"] }'}).status == 500
    assert made.storage._values == values
    assert call(made, "GET", "secret/data/app").data["data"] == {"x": 1}
    assert "kv2/" not in call(made, "GET", "sys/mounts").data
    assert call(made, "GET", "auth/token/lookup-self", token="mine").status == 403
    assert call(made, "GET", "sys/policies/acl/p").status == 404


def test_writing_goes_on_when_there_is_room_again():
    disk = Full()
    made = world(disk)
    disk.full = True
    call(made, "POST", "secret/data/app", {"data": {"x": 1}})
    disk.full = False
    assert call(made, "POST", "secret/data/app", {"data": {"x": 2}}).data["version"] == 1
    assert {path: value for path, value in disk.kept.items() if value is not None} == made.storage._values


def test_reading_goes_on_while_the_disk_is_full():
    disk = Full()
    made = world(disk)
    call(made, "POST", "secret/data/app", {"data": {"x": 1}})
    disk.full = True
    assert call(made, "GET", "secret/data/app").status == 200
    assert call(made, "LIST", "secret/metadata").status == 200


def test_sqlite_without_room_refuses_and_recovers(opened):
    first = opened()
    made = world(first)
    pages = first._db.execute("PRAGMA page_count").fetchone()[0]
    first._db.execute(f"PRAGMA max_page_count={pages + 2}")
    reply = call(made, "POST", "secret/data/app", {"data": {"x": "v" * 100_000}})
    assert reply.status == 500
    assert reply.errors[0].startswith("failed to persist: cannot write ")
    assert reply.errors[0].endswith("database or disk is full")
    assert call(made, "GET", "secret/data/app").status == 404
    first._db.execute("PRAGMA max_page_count=100000")
    assert call(made, "POST", "secret/data/app", {"data": {"x": 1}}).data["version"] == 1
    assert first.load() == made.storage._values


def test_the_directory_is_for_its_owner_alone(tmp_path):
    journal = Sqlite(tmp_path / "a" / "b", "vault")
    journal.commit({"x": MountEntry(table="mounts", path="a/", type="kv", uuid="u", accessor="x", namespace_id="root")})
    modes = {entry.name: stat.S_IMODE(entry.stat().st_mode) for entry in (tmp_path / "a" / "b").iterdir()}
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700
    assert set(modes.values()) == {0o600}
    journal.close()


def test_a_directory_serves_one_sandbox_at_a_time(opened, tmp_path):
    opened()
    with pytest.raises(DataDirError, match="is in use by another sandbox; stop that one or choose another --data-dir"):
        Sqlite(tmp_path, "openbao")


def test_a_world_stays_in_its_profile(opened):
    opened("openbao").close()
    with pytest.raises(DataDirError, match="holds a sandbox of the openbao profile; start it with --as openbao"):
        opened("vault")


def test_another_format_is_refused(opened, tmp_path):
    opened().close()
    with sqlite3.connect(tmp_path / FILE) as database:
        database.execute("UPDATE meta SET value = '99' WHERE name = 'format'")
    database.close()
    with pytest.raises(DataDirError, match="was written by another version of sandboxd"):
        opened()


def test_a_refused_file_is_let_go_of(opened, tmp_path):
    opened("openbao").close()
    with pytest.raises(DataDirError):
        opened("vault")
    opened("openbao")


def test_a_file_that_is_no_database_is_refused_and_left_alone(opened, tmp_path):
    (tmp_path / FILE).write_text("these are my notes\n" * 100)
    with pytest.raises(DataDirError, match="is not a sandboxd data file"):
        opened()
    assert (tmp_path / FILE).read_text().startswith("these are my notes")


def test_another_programs_database_is_refused_and_left_alone(opened, tmp_path):
    with sqlite3.connect(tmp_path / FILE) as database:
        database.execute("CREATE TABLE state (path TEXT PRIMARY KEY, kind TEXT, value BLOB) WITHOUT ROWID")
        database.execute("CREATE TABLE notes (text)")
    database.close()
    with pytest.raises(DataDirError, match="is not a sandboxd data file"):
        opened()
    with sqlite3.connect(tmp_path / FILE) as database:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    database.close()
    assert tables == {"state", "notes"}


def test_a_damaged_file_is_refused(opened, tmp_path):
    first = opened()
    fill(world(first))
    first.close()
    path = tmp_path / FILE
    raw = bytearray(path.read_bytes())
    for at in range(4096, len(raw)):
        raw[at] ^= 0x5A
    path.write_bytes(bytes(raw))
    with pytest.raises(DataDirError, match=r"is not a sandboxd data file|cannot be read"):
        opened().load()


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("sandboxd.vault.tokens:Nothing", b"{}"),
        ("sandboxd.vault.nowhere:Token", b"{}"),
        ("sandboxd.vault.mounts:MountEntry", b"{"),
        ("sandboxd.vault.mounts:MountEntry", b'{"path": 7}'),
        ("os:system", b'"true"'),
    ],
)
def test_a_value_that_cannot_be_read_is_named_but_not_shown(opened, kind, value):
    journal = opened()
    journal._db.execute("INSERT INTO state VALUES ('logical/x', ?, ?)", (kind, value))
    with pytest.raises(DataDirError, match="logical/x"):
        journal.load()


def test_a_path_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DataDirError, match="cannot use "):
        Sqlite(tmp_path / "file", "vault")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_directory_without_permission_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(DataDirError, match="cannot use "):
        Sqlite(tmp_path / "new", "vault")


def test_only_records_can_be_kept(opened):
    with pytest.raises(TypeError, match="a dict cannot be kept"):
        opened().commit({"a": {"x": 1}})
