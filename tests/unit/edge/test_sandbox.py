import pytest
from unit.helpers import START, call
from unit.leasing import lend

from sandboxd.edge.journal import DataDirError
from sandboxd.edge.sandbox import Options, open_sandbox
from sandboxd.fixtures import FixtureError, load, make_plan
from sandboxd.vault.clock import NANOSECONDS, Clock
from sandboxd.vault.errors import Failure
from sandboxd.vault.pipeline import handle
from sandboxd.vault.request import Request

FIXTURE = """
sandbox: shop
secrets:
  secret/app:
    fields:
      url: http://127.0.0.1:9090
      key: {kind: hex, bytes: 16}
"""


@pytest.fixture
def fixture(tmp_path):
    path = tmp_path / "shop.yaml"
    path.write_text(FIXTURE)
    return path


def clock() -> Clock:
    return Clock(lambda: START * NANOSECONDS)


def answered(sandbox, method, path, body=None):
    return call(sandbox.world, method, path, body, token=sandbox.root_token)


async def test_an_empty_sandbox_is_a_development_server():
    sandbox = await open_sandbox(Options(root_token="root"), clock())
    assert sandbox.root_token == "root"
    assert answered(sandbox, "GET", "sys/mounts").data.keys() == {"cubbyhole/", "identity/", "secret/", "sys/"}
    assert sandbox.files() == ()


async def test_a_root_token_is_made_where_none_is_asked_for():
    sandbox = await open_sandbox(Options(), clock())
    assert sandbox.root_token.startswith("hvs.")
    assert answered(sandbox, "GET", "auth/token/lookup-self").status == 200


async def test_a_seed_makes_everything_repeatable():
    tokens = {(await open_sandbox(Options(seed="x"), clock())).root_token for _ in range(2)}
    assert len(tokens) == 1
    assert (await open_sandbox(Options(seed="y"), clock())).root_token not in tokens


async def test_a_fixture_fills_it(fixture):
    sandbox = await open_sandbox(Options(fixture=fixture), clock())
    assert answered(sandbox, "GET", "secret/data/app").data["data"]["url"] == "http://127.0.0.1:9090"
    assert sandbox.files() == (fixture,)


async def test_a_bad_fixture_opens_nothing(fixture, tmp_path):
    fixture.write_text("sandbox: [")
    with pytest.raises(FixtureError):
        await open_sandbox(Options(fixture=fixture, data_dir=tmp_path / "data"), clock())
    assert not (tmp_path / "data").exists()


async def test_a_reset_goes_back_to_the_fixture(fixture):
    sandbox = await open_sandbox(Options(fixture=fixture), clock())
    before = answered(sandbox, "GET", "secret/data/app").data
    token = answered(sandbox, "POST", "auth/token/create", {}).json["auth"]["client_token"]
    answered(sandbox, "POST", "secret/data/app", {"data": {"x": 1}})
    answered(sandbox, "POST", "sys/mounts/kv", {"type": "kv"})
    await sandbox.reset()
    assert answered(sandbox, "GET", "secret/data/app").data == before
    assert answered(sandbox, "GET", "kv/a").status == 404
    assert call(sandbox.world, "GET", "auth/token/lookup-self", token=token).status == 403
    await sandbox.reset()
    assert answered(sandbox, "GET", "secret/data/app").data == before


async def test_a_reset_opens_a_sealed_sandbox():
    sandbox = await open_sandbox(Options(), clock())
    answered(sandbox, "POST", "sys/seal")
    assert sandbox.report(1, "", 0).sealed
    await sandbox.reset()
    assert not sandbox.report(1, "", 0).sealed
    assert answered(sandbox, "GET", "sys/mounts").status == 200


async def test_a_fixture_is_applied_again(fixture):
    sandbox = await open_sandbox(Options(fixture=fixture), clock())
    answered(sandbox, "POST", "secret/data/mine", {"data": {"x": 1}})
    fixture.write_text(FIXTURE.replace("9090", "9191"))
    await sandbox.fill(make_plan(load(fixture)))
    assert answered(sandbox, "GET", "secret/data/app").data["data"]["url"] == "http://127.0.0.1:9191"
    assert answered(sandbox, "GET", "secret/data/mine").status == 200


async def test_a_fixture_that_cannot_be_applied_changes_nothing(fixture, monkeypatch):
    sandbox = await open_sandbox(Options(fixture=fixture), clock())
    values = dict(sandbox.world.storage._values)
    plan = sandbox.plan

    async def half(world, plan, *, previous):
        world.storage.put("logical/half", sandbox.options)
        raise Failure("no more")

    monkeypatch.setattr("sandboxd.fixtures.apply", half)
    with pytest.raises(Failure):
        await sandbox.fill(make_plan(load(fixture), seed="other"))
    assert sandbox.world.storage._values == values
    assert sandbox.plan is plan


async def test_a_data_directory_keeps_the_state(fixture, tmp_path):
    options = Options(fixture=fixture, data_dir=tmp_path / "data")
    first = await open_sandbox(options, clock())
    answered(first, "POST", "secret/data/mine", {"data": {"x": 1}})
    await first.close()
    again = await open_sandbox(options, clock())
    assert again.root_token == first.root_token
    assert answered(again, "GET", "secret/data/mine").data["data"] == {"x": 1}
    assert answered(again, "GET", "secret/data/app").data["metadata"]["version"] == 1
    await again.close()


async def test_a_root_token_that_is_asked_for_is_made_beside_the_kept_one(tmp_path):
    options = Options(data_dir=tmp_path)
    first = await open_sandbox(options, clock())
    await first.close()
    again = await open_sandbox(Options(data_dir=tmp_path, root_token="mine"), clock())
    assert again.root_token == "mine"
    assert answered(again, "GET", "auth/token/lookup-self").data["policies"] == ["root"]
    await again.close()


async def test_a_sealed_sandbox_is_open_again_after_a_restart(tmp_path):
    first = await open_sandbox(Options(data_dir=tmp_path), clock())
    answered(first, "POST", "sys/seal")
    await first.close()
    again = await open_sandbox(Options(data_dir=tmp_path), clock())
    assert answered(again, "GET", "sys/mounts").status == 200
    await again.close()


async def test_a_reset_after_a_restart_goes_back_to_the_fixture_too(fixture, tmp_path):
    options = Options(fixture=fixture, data_dir=tmp_path / "data")
    first = await open_sandbox(options, clock())
    made = answered(first, "GET", "secret/data/app").data["data"]
    answered(first, "POST", "secret/data/mine", {"data": {"x": 1}})
    await first.close()
    again = await open_sandbox(options, clock())
    await again.reset()
    assert answered(again, "GET", "secret/data/mine").status == 404
    assert answered(again, "GET", "secret/data/app").data["data"] == made
    await again.close()
    third = await open_sandbox(options, clock())
    assert answered(third, "GET", "secret/data/mine").status == 404
    await third.close()


async def test_a_reset_that_fails_changes_nothing(fixture, tmp_path, monkeypatch):
    options = Options(fixture=fixture, data_dir=tmp_path / "data")
    await (await open_sandbox(options, clock())).close()
    sandbox = await open_sandbox(options, clock())

    async def fail(world, plan, *, previous):
        raise Failure("no more")

    values, plan = dict(sandbox.world.storage._values), sandbox.plan
    monkeypatch.setattr("sandboxd.fixtures.apply", fail)
    with pytest.raises(Failure):
        await sandbox.reset()
    assert sandbox.world.storage._values == values
    assert sandbox.plan is plan
    await sandbox.close()


async def test_a_data_directory_in_use_is_refused(tmp_path):
    first = await open_sandbox(Options(data_dir=tmp_path), clock())
    with pytest.raises(DataDirError):
        await open_sandbox(Options(data_dir=tmp_path), clock())
    await first.close()


async def test_a_failed_start_lets_go_of_the_data_directory(fixture, tmp_path, monkeypatch):
    async def fail(world, plan, *, previous):
        raise Failure("no more")

    with monkeypatch.context() as patched:
        patched.setattr("sandboxd.fixtures.apply", fail)
        with pytest.raises(Failure):
            await open_sandbox(Options(fixture=fixture, data_dir=tmp_path / "data"), clock())
    await (await open_sandbox(Options(fixture=fixture, data_dir=tmp_path / "data"), clock())).close()


async def test_a_report_says_what_it_holds(fixture):
    sandbox = await open_sandbox(Options(name="shop", fixture=fixture), clock())
    report = sandbox.report(7, "http://127.0.0.1:8200", START)
    assert (report.name, report.pid, report.address, report.profile) == ("shop", 7, "http://127.0.0.1:8200", "vault")
    assert (report.project, report.secrets, report.sealed) == ("shop", 1, False)
    assert report.mounts >= 4
    assert report.tokens >= 1


async def test_a_value_of_the_fixture_is_told_from_any_other(fixture):
    sandbox = await open_sandbox(Options(fixture=fixture), clock())
    value = answered(sandbox, "GET", "secret/data/app").data["data"]["key"]
    found = await sandbox.verify(value)
    assert found.ours
    assert found.declared is not None
    assert (found.declared.path, found.declared.field, found.declared.current) == ("secret/app", "key", True)
    assert not (await sandbox.verify("hunter2")).ours


async def test_a_seeded_sandbox_that_is_started_again_repeats_no_token(tmp_path):
    made = []
    for _ in range(3):
        sandbox = await open_sandbox(Options(root_token="root", seed="same", data_dir=tmp_path / "data"))
        request = Request(id="1", operation="update", path="auth/token/create", token="root")
        made.append((await handle(sandbox.world, request)).auth.token)
        await sandbox.close()
    assert len(set(made)) == 3


async def test_leases_that_could_not_be_revoked_are_counted(fixture):
    sandbox = await open_sandbox(Options(root_token="root", fixture=fixture, profile="openbao"), clock())
    lender = lend(sandbox.world)
    call(sandbox.world, "GET", "lend/creds/a?ttl=60")
    lender.trouble = Failure("down")
    await sandbox.world.timeline.advance(60)
    report = sandbox.report(1, "", 0)
    assert (report.failing, report.leases) == (1, 1)  # the lease of the root token is not counted


@pytest.mark.parametrize(
    ("text", "option", "live"), [("", False, False), ("", True, True), ("live: true\n", False, True)]
)
async def test_engines_are_live_where_the_command_or_the_fixture_says_so(fixture, text, option, live):
    fixture.write_text(text + FIXTURE)
    sandbox = await open_sandbox(Options(fixture=fixture, live=option), clock())
    assert sandbox.world.settings.live is live


async def test_a_reset_undoes_what_was_made_in_upstreams_and_keeps_what_the_state_knows(fixture):
    sandbox = await open_sandbox(Options(root_token="root", fixture=fixture, profile="openbao", live=True), clock())
    lender = lend(sandbox.world)
    call(sandbox.world, "GET", "lend/creds/before")
    await sandbox.save("here")
    call(sandbox.world, "GET", "lend/creds/after")
    await sandbox.restore("here")
    assert lender.revoked == ["after"]


async def test_a_reset_of_what_is_simulated_has_nothing_to_undo(fixture):
    sandbox = await open_sandbox(Options(root_token="root", fixture=fixture, profile="openbao"), clock())
    lender = lend(sandbox.world)
    call(sandbox.world, "GET", "lend/creds/after")
    await sandbox.reset()
    assert lender.revoked == []


@pytest.mark.parametrize(("kept", "revoked"), [(False, ["a"]), (True, [])])
async def test_at_its_end_it_undoes_what_was_made_unless_its_state_is_kept(tmp_path, kept, revoked):
    options = Options(root_token="root", profile="openbao", live=True, data_dir=tmp_path / "data" if kept else None)
    sandbox = await open_sandbox(options, clock())
    lender = lend(sandbox.world)
    call(sandbox.world, "GET", "lend/creds/a")
    await sandbox.close()
    assert lender.revoked == revoked
