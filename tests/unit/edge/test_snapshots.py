"""Named snapshots: what they keep, how they outlive the process, and what is said of files that are none."""

import os
import stat

import pytest
from unit.helpers import START, call

from sandboxd.edge import snapshots as module
from sandboxd.edge.sandbox import Options, open_sandbox
from sandboxd.edge.snapshots import Snapshots
from sandboxd.vault.clock import NANOSECONDS, Clock
from sandboxd.vault.errors import Refusal


class Real:
    def __init__(self) -> None:
        self.now = START * NANOSECONDS

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def real():
    return Real()


async def opened(real, folder=None, **options):
    return await open_sandbox(Options(root_token="root", snapshot_dir=folder, **options), Clock(real))


def answered(sandbox, method, path, body=None, token="root"):
    return call(sandbox.world, method, path, body, token=token)


def refusal(error) -> tuple[int, str]:
    return error.value.status, error.value.errors[0]


async def test_a_restore_brings_everything_back(real):
    sandbox = await opened(real)
    answered(sandbox, "POST", "secret/data/app", {"data": {"x": 1}})
    token = answered(sandbox, "POST", "auth/token/create", {}).json["auth"]["client_token"]
    await sandbox.save("then")
    answered(sandbox, "POST", "secret/data/app", {"data": {"x": 2}})
    answered(sandbox, "POST", "auth/token/revoke", {"token": token})
    answered(sandbox, "POST", "sys/mounts/more", {"type": "kv"})
    answered(sandbox, "POST", "sys/seal", {})
    await sandbox.restore("then")
    assert answered(sandbox, "GET", "secret/data/app").data["data"] == {"x": 1}
    assert answered(sandbox, "GET", "auth/token/lookup-self", token=token).status == 200
    assert answered(sandbox, "GET", "more/a").status == 404
    await sandbox.restore("then")
    assert answered(sandbox, "GET", "secret/data/app").data["data"] == {"x": 1}


async def test_a_restore_brings_a_moved_clock_back(real):
    sandbox = await opened(real)
    await sandbox.world.timeline.advance(3600)
    await sandbox.save("then")
    await sandbox.world.timeline.advance(3600)
    real.now += 600 * NANOSECONDS
    await sandbox.restore("then")
    assert sandbox.world.clock.now() == START + 3600
    real.now += 60 * NANOSECONDS
    assert sandbox.world.clock.now() == START + 3660


async def test_a_snapshot_is_listed_with_what_it_holds(real):
    sandbox = await opened(real)
    answered(sandbox, "POST", "secret/data/app", {"data": {"x": 1}})
    real.now += NANOSECONDS
    await sandbox.world.timeline.advance(60)
    await sandbox.save("b")
    real.now += NANOSECONDS
    await sandbox.save("a")
    found = sandbox.snapshots.list()
    assert [each.name for each in found] == ["b", "a"]
    first = found[0]
    assert (first.saved_at, first.at) == ((START + 1) * NANOSECONDS, (START + 61) * NANOSECONDS)
    assert (first.secrets, first.leases, first.tokens, first.problem) == (1, 0, 1, "")


async def test_a_taken_name_is_replaced_only_by_force(real, tmp_path):
    sandbox = await opened(real, tmp_path)
    await sandbox.save("s")
    with pytest.raises(Refusal) as error:
        await sandbox.save("s")
    assert refusal(error) == (409, 'there is a snapshot "s" already: --force replaces it')
    answered(sandbox, "POST", "secret/data/app", {"data": {"x": 1}})
    await sandbox.save("s", force=True)
    answered(sandbox, "DELETE", "secret/metadata/app")
    await sandbox.restore("s")
    assert answered(sandbox, "GET", "secret/data/app").status == 200


@pytest.mark.parametrize(
    "name", ["", "a/b", "../a", ".a", "-a", "a b", "ä", "a" * 65, "now", "baseline", "NOW", "a\x1b"]
)
async def test_a_name_that_cannot_be_used_is_refused(real, tmp_path, name):
    sandbox = await opened(real, tmp_path / "snapshots")
    with pytest.raises(Refusal) as error:
        await sandbox.save(name)
    status, text = refusal(error)
    assert status == 400
    assert text.startswith('a snapshot cannot be called "')
    assert text.isprintable()
    assert not (tmp_path / "snapshots").exists()


async def test_a_name_that_is_not_there_is_told_with_those_that_are(real):
    sandbox = await opened(real)
    with pytest.raises(Refusal) as error:
        await sandbox.restore("s")
    assert refusal(error) == (404, 'there is no snapshot "s"; there are none')
    await sandbox.save("b")
    await sandbox.save("a")
    with pytest.raises(Refusal) as error:
        sandbox.snapshots.delete("s")
    assert refusal(error) == (404, 'there is no snapshot "s"; there are: a, b')


async def test_a_deleted_snapshot_is_gone(real, tmp_path):
    sandbox = await opened(real, tmp_path)
    await sandbox.save("s")
    sandbox.snapshots.delete("s")
    assert sandbox.snapshots.list() == []
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(Refusal):
        await sandbox.restore("s")


async def test_going_back_to_the_baseline_is_a_reset(real):
    sandbox = await opened(real)
    answered(sandbox, "POST", "secret/data/app", {"data": {"x": 1}})
    await sandbox.restore("baseline")
    assert answered(sandbox, "GET", "secret/data/app").status == 404


# In files


async def test_a_file_outlives_the_sandbox(real, tmp_path):
    first = await opened(real, tmp_path)
    answered(first, "POST", "secret/data/app", {"data": {"x": 1.50, "y": "ü", "n": 12345678901234567890}})
    made = answered(first, "POST", "auth/token/create", {"ttl": "1h"}).json["auth"]["client_token"]
    before = answered(first, "GET", "secret/data/app").text.partition('"data"')[2]
    await first.save("s")
    real.now += 7200 * NANOSECONDS
    again = await opened(real, tmp_path)
    assert [saved.name for saved in again.snapshots.list()] == ["s"]
    await again.restore("s")
    assert answered(again, "GET", "secret/data/app").text.partition('"data"')[2] == before
    assert answered(again, "GET", "auth/token/lookup-self", token=made).data["ttl"] == 3600


async def test_the_root_token_of_the_sandbox_holds_after_another_ones_snapshot(real, tmp_path):
    await (await opened(real, tmp_path)).save("s")
    again = await open_sandbox(Options(root_token="mine", snapshot_dir=tmp_path), Clock(real))
    await again.restore("s")
    assert again.root_token == "mine"
    assert answered(again, "GET", "auth/token/lookup-self", token="mine").data["policies"] == ["root"]


async def test_snapshots_lie_below_a_data_directory(real, tmp_path):
    sandbox = await opened(real, data_dir=tmp_path)
    await sandbox.save("s")
    assert (tmp_path / "snapshots" / "s.snapshot").is_file()
    await sandbox.close()


async def test_a_restore_with_a_data_directory_is_kept(real, tmp_path):
    sandbox = await opened(real, data_dir=tmp_path)
    answered(sandbox, "POST", "secret/data/app", {"data": {"x": 1}})
    await sandbox.save("s")
    answered(sandbox, "POST", "secret/data/app", {"data": {"x": 2}})
    answered(sandbox, "POST", "secret/data/more", {"data": {"x": 2}})
    await sandbox.restore("s")
    await sandbox.close()
    again = await opened(real, data_dir=tmp_path)
    assert answered(again, "GET", "secret/data/app").data["data"] == {"x": 1}
    assert answered(again, "GET", "secret/data/more").status == 404
    await again.close()


async def test_files_are_for_their_owner_alone(real, tmp_path):
    umask = os.umask(0)
    try:
        await (await opened(real, tmp_path / "new" / "snapshots")).save("s")
    finally:
        os.umask(umask)
    assert stat.S_IMODE((tmp_path / "new" / "snapshots").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "new" / "snapshots" / "s.snapshot").stat().st_mode) == 0o600


async def test_what_cannot_be_written_leaves_the_old_one(real, tmp_path, monkeypatch):
    sandbox = await opened(real, tmp_path)
    await sandbox.save("s")
    before = (tmp_path / "s.snapshot").read_bytes()

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "fsync", full)
    answered(sandbox, "POST", "secret/data/app", {"data": {"x": 1}})
    with pytest.raises(Refusal) as error:
        await sandbox.save("s", force=True)
    assert refusal(error) == (500, f"cannot write below {tmp_path}: No space left on device")
    assert (tmp_path / "s.snapshot").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["s.snapshot"]
    await sandbox.restore("s")
    assert answered(sandbox, "GET", "secret/data/app").status == 404


def _foreign(_raw):
    return b"\x89PNG\r\n"


def _newer(raw):
    return raw.replace(b"snapshot 1", b"snapshot 2", 1)


def _cut(raw):
    return raw[:-1]


def _flipped(raw):
    return raw[:-100] + bytes([raw[-100] ^ 1]) + raw[-99:]


def _headless(raw):
    return raw[: raw.index(b"\n") + 1]


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (_foreign, "s.snapshot is no snapshot of sandboxd"),
        (_newer, "s.snapshot was written by another version of sandboxd"),
        (_cut, "s.snapshot is damaged"),
        (_flipped, "s.snapshot is damaged"),
        (_headless, "s.snapshot is damaged"),
    ],
)
async def test_a_file_that_is_no_snapshot_is_told_as_such_and_changes_nothing(real, tmp_path, damage, text):
    await (await opened(real, tmp_path)).save("s")
    file = tmp_path / "s.snapshot"
    file.write_bytes(damage(file.read_bytes()))
    sandbox = await opened(real, tmp_path)
    values = dict(sandbox.world.storage._values)
    with pytest.raises(Refusal) as error:
        await sandbox.restore("s")
    assert refusal(error) == (409, f'the snapshot "s" cannot be used: {tmp_path}/{text}')
    assert sandbox.world.storage._values == values
    assert [(saved.name, saved.problem) for saved in sandbox.snapshots.list()] == [("s", f"{tmp_path}/{text}")]


async def test_a_snapshot_of_another_profile_is_refused(real, tmp_path):
    await (await opened(real, tmp_path, profile="openbao")).save("s")
    sandbox = await opened(real, tmp_path)
    with pytest.raises(Refusal) as error:
        await sandbox.restore("s")
    assert refusal(error)[1].endswith("it is of a sandbox of the openbao profile, and this one is of vault")


async def test_a_value_of_an_unknown_kind_is_named_but_not_shown(real, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "pack", lambda value: ("os:system", b"hunter2"))
    await (await opened(real, tmp_path)).save("s")
    sandbox = await opened(real, tmp_path)
    with pytest.raises(Refusal) as error:
        await sandbox.restore("s")
    assert refusal(error)[1].endswith(", and this version does not know its kind")
    assert "hunter2" not in refusal(error)[1]


def test_other_files_in_the_folder_are_nobodys(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / ".s.1.new").write_text("x")
    (tmp_path / "a b.snapshot").write_text("x")
    assert Snapshots("vault", tmp_path).list() == []


# In worlds beside the main one


async def test_a_world_has_snapshots_of_its_own_and_can_use_those_of_the_sandbox(real):
    sandbox = await opened(real)
    await sandbox.save("shared")
    own = Snapshots("vault", inherited=sandbox.snapshots)
    assert own.get("shared") is sandbox.snapshots.get("shared")
    own.save("mine", sandbox.world.snapshot(), saved_at=1)
    own.save("shared", sandbox.world.snapshot(), saved_at=1)
    assert own.get("shared") is not sandbox.snapshots.get("shared")
    assert [saved.name for saved in own.list()] == ["mine", "shared"]
    assert sandbox.snapshots.names() == {"shared"}
