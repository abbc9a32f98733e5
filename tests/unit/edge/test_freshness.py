"""A sandbox that goes back to a state is as fresh as it was then, however long it has been up."""

import pytest
from unit.helpers import START, call

from sandboxd.edge.sandbox import Options, open_sandbox
from sandboxd.fixtures import load, make_plan
from sandboxd.vault.clock import NANOSECONDS, Clock
from sandboxd.vault.ledger import Holder

HOUR = 3600
FIXTURE = """
sandbox: shop
secrets:
  secret/app:
    fields:
      key: {kind: hex, bytes: 16}
  secret/rotating:
    fields:
      password: {kind: password}
    rotation: {every: 10h}
  secret/nightly:
    fields:
      password: {kind: password}
    rotation: {cron: "0 3 * * *"}
"""


class Real:
    """Real time, as a test has it pass."""

    def __init__(self) -> None:
        self.now = START * NANOSECONDS

    def __call__(self) -> int:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += int(seconds * NANOSECONDS)


@pytest.fixture
def real():
    return Real()


@pytest.fixture
async def sandbox(real):
    return await open_sandbox(Options(root_token="root"), Clock(real))


def answered(sandbox, method, path, body=None, token="root"):
    return call(sandbox.world, method, path, body, token=token)


def token_of(sandbox, **wish):
    return answered(sandbox, "POST", "auth/token/create", {"ttl": "1h", **wish}).json["auth"]["client_token"]


async def test_a_token_has_as_long_to_go_as_it_had(sandbox, real):
    token = token_of(sandbox)
    sandbox.mark_baseline()
    real.passes(5 * HOUR)
    await sandbox.reset()
    found = answered(sandbox, "GET", "auth/token/lookup-self", token=token)
    assert found.status == 200
    assert found.data["ttl"] == HOUR
    assert found.data["creation_time"] == START + 5 * HOUR
    real.passes(HOUR + 1)
    assert answered(sandbox, "GET", "auth/token/lookup-self", token=token).status == 403


async def test_each_reset_counts_from_the_start_anew(sandbox, real):
    token = token_of(sandbox)
    sandbox.mark_baseline()
    for _ in range(3):
        real.passes(0.7 * HOUR)
        await sandbox.reset()
        assert answered(sandbox, "GET", "auth/token/lookup-self", token=token).data["ttl"] == HOUR


async def test_a_reset_right_away_rewrites_nothing(sandbox, real):
    token_of(sandbox)
    sandbox.mark_baseline()
    values = dict(sandbox.world.storage._values)
    real.passes(0.5)
    await sandbox.reset()
    assert all(sandbox.world.storage.get(path) is value for path, value in values.items())


async def test_a_secret_id_and_a_wrapped_answer_last_as_long_as_they_did(sandbox, real):
    answered(sandbox, "POST", "sys/auth/approle", {"type": "approle"})
    answered(sandbox, "POST", "auth/approle/role/app", {"secret_id_ttl": "1h"})
    role_id = answered(sandbox, "GET", "auth/approle/role/app/role-id").data["role_id"]
    secret_id = answered(sandbox, "POST", "auth/approle/role/app/secret-id", {}).data["secret_id"]
    wrapped = call(sandbox.world, "GET", "sys/mounts", headers={"x-vault-wrap-ttl": "30m"}).json["wrap_info"]["token"]
    sandbox.mark_baseline()
    real.passes(2 * HOUR)
    await sandbox.reset()
    login = {"role_id": role_id, "secret_id": secret_id}
    assert answered(sandbox, "POST", "auth/approle/login", login, token="").status == 200
    assert answered(sandbox, "POST", "sys/wrapping/unwrap", {}, token=wrapped).status == 200
    real.passes(2 * HOUR)
    assert answered(sandbox, "POST", "auth/approle/login", login, token="").status == 400


async def test_a_version_is_deleted_as_late_as_it_was_to_be(sandbox, real):
    answered(sandbox, "POST", "secret/metadata/app", {"delete_version_after": "1h"})
    answered(sandbox, "POST", "secret/data/app", {"data": {"a": 1}})
    sandbox.mark_baseline()
    real.passes(2 * HOUR)
    await sandbox.reset()
    found = answered(sandbox, "GET", "secret/data/app")
    assert found.status == 200
    assert found.data["metadata"]["deletion_time"] == "2026-01-01T03:00:00Z"
    assert found.data["metadata"]["created_time"] == "2026-01-01T00:00:00Z"
    real.passes(2 * HOUR)
    assert answered(sandbox, "GET", "secret/data/app").status == 404


async def test_a_policy_ends_as_late_as_it_was_to_end(real):
    sandbox = await open_sandbox(Options(root_token="root", profile="openbao"), Clock(real))
    answered(sandbox, "POST", "sys/policies/acl/brief", {"policy": 'path "a" {capabilities=["read"]}', "ttl": "1h"})
    sandbox.mark_baseline()
    real.passes(2 * HOUR)
    await sandbox.reset()
    assert answered(sandbox, "GET", "sys/policies/acl/brief").status == 200


async def test_a_credential_is_in_grace_as_long_as_it_was(sandbox, real):
    ledger = sandbox.world.ledger
    ledger.obtained("old", Holder(accessor="a"), path="db/creds/app", field="password", namespace="", lease_id="")
    ledger.superseded("old", path="db/creds/app", grace=HOUR)
    sandbox.mark_baseline()
    real.passes(2 * HOUR)
    await sandbox.reset()
    assert ledger.find("old").valid(sandbox.world.clock.now_ns())
    real.passes(2 * HOUR)
    assert not ledger.find("old").valid(sandbox.world.clock.now_ns())


async def test_rotation_by_period_starts_anew_and_by_the_calendar_keeps_to_it(tmp_path, real):
    path = tmp_path / "shop.yaml"
    path.write_text(FIXTURE)
    sandbox = await open_sandbox(Options(fixture=path, root_token="root"), Clock(real))
    value = answered(sandbox, "GET", "secret/data/rotating").data
    real.passes(30 * HOUR)
    await sandbox.reset()
    assert answered(sandbox, "GET", "secret/data/rotating").data == value
    due = {each.plan.path: sandbox.rotation.next_of(each) for each in sandbox.rotation.all()}
    now = START + 30 * HOUR
    assert due == {
        "secret/app": 0,
        "secret/rotating": (now + 10 * HOUR) * NANOSECONDS,
        "secret/nightly": (START + 51 * HOUR) * NANOSECONDS,
    }


async def test_a_clock_that_was_moved_shows_real_time_again(sandbox, real):
    await sandbox.world.timeline.advance(48 * HOUR)
    await sandbox.reset()
    assert sandbox.world.clock.now() == START


async def test_a_clock_that_had_been_moved_shows_what_it_showed(sandbox, real):
    token = token_of(sandbox)
    await sandbox.world.timeline.advance(0.5 * HOUR)
    sandbox.world.timeline.freeze()
    sandbox.mark_baseline()
    real.passes(HOUR)
    sandbox.world.timeline.run(2)
    real.passes(HOUR)
    await sandbox.reset()
    assert sandbox.world.clock.now() == START + 0.5 * HOUR
    real.passes(HOUR)
    assert sandbox.world.clock.now() == START + 0.5 * HOUR
    assert answered(sandbox, "GET", "auth/token/lookup-self", token=token).data["ttl"] == 0.5 * HOUR


async def test_what_a_client_wrote_before_the_fixture_changed_is_gone_after_a_reset(tmp_path, real):
    path = tmp_path / "shop.yaml"
    path.write_text(FIXTURE)
    sandbox = await open_sandbox(Options(fixture=path, root_token="root"), Clock(real))
    accessors = {name: mount["accessor"] for name, mount in answered(sandbox, "GET", "sys/mounts").data.items()}
    answered(sandbox, "POST", "secret/data/mine", {"data": {"a": 1}})
    path.write_text(FIXTURE + "  secret/more:\n    fields: {a: b}\n")
    await sandbox.fill(make_plan(load(path)))
    assert answered(sandbox, "GET", "secret/data/mine").status == 200
    await sandbox.reset()
    assert answered(sandbox, "GET", "secret/data/mine").status == 404
    assert answered(sandbox, "GET", "secret/data/more").status == 200
    now = {name: mount["accessor"] for name, mount in answered(sandbox, "GET", "sys/mounts").data.items()}
    assert now == accessors
