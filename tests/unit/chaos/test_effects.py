"""Faults that really change the state, and put it back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from unit.chaos.setting import Setting
from unit.helpers import finished

from sandboxd.chaos.kinds import KINDS
from sandboxd.chaos.kinds import state as kinds
from sandboxd.edge.sandbox import Options, open_sandbox
from sandboxd.fixtures.scenarios import fault_of
from sandboxd.vault.errors import Refusal

POLICY = """
# Who reads { and writes.
path "secret/data/*" {
  capabilities = ["create", "read", "update"] # }
}
path "secret/metadata/*" { capabilities = ["list"] }
"""


class Shop(Setting):
    """A world with something of everything."""

    def __init__(self) -> None:
        super().__init__("vault")
        self.call("PUT", "sys/policies/acl/shop", {"policy": POLICY})
        for number in (2, 3):
            self.call("POST", "secret/data/app", {"data": {"x": number}})
        self.call("POST", "secret/data/other", {"data": {"y": 1}})
        self.call("POST", "sys/mounts/kv1", {"type": "kv"})
        self.call("POST", "kv1/old", {"z": 1})
        self.call("POST", "sys/auth/approle", {"type": "approle"})
        self.call("POST", "auth/approle/role/shop", {"token_policies": ["shop"], "token_ttl": "1h"})
        self.role_id = self.call("GET", "auth/approle/role/shop/role-id").data["role_id"]
        self.secret_id = self.call("POST", "auth/approle/role/shop/secret-id").data["secret_id"]
        self.call("POST", "sys/auth/userpass", {"type": "userpass"})
        self.call("POST", "auth/userpass/users/ann", {"password": "p", "token_policies": ["shop"]})
        self.shop = self.login().json["auth"]["client_token"]
        self.ann = self.call("POST", "auth/userpass/login/ann", {"password": "p"}).json["auth"]["client_token"]

    def login(self) -> Any:
        """Log in as the shop."""
        return self.call("POST", "auth/approle/login", {"role_id": self.role_id, "secret_id": self.secret_id}, token="")

    def state(self) -> dict[str, object]:
        """All that is kept."""
        return dict(self.world.snapshot().values)


@pytest.fixture
def made():
    return Shop()


EVERY = [
    "tokens-revoked",
    "tokens-shortened ttl=5s",
    "policy-narrowed policy=shop",
    "policy-narrowed lose=update,create",
    "mount-gone path=secret",
    "mount-gone path=auth/approle",
    "mount-moved path=secret",
    "mount-moved path=auth/userpass to=auth/people",
    "secret-deleted",
    "secret-deleted destroy=true path=secret/*",
    "secret-rolled-back path=secret/app",
    "secret-ids-gone",
    "users-locked-out role=ann",
]


@pytest.mark.parametrize("text", EVERY)
def test_all_is_as_it_was_when_the_fault_ends(made, text):
    before = made.state()
    active = made.start(text)
    assert active.struck > 0
    assert made.state() != before
    made.chaos_stop()
    assert made.state() == before
    assert made.read() == 200
    assert made.login().status == 200
    assert made.call("POST", "auth/userpass/login/ann", {"password": "p"}, token="").status == 200
    assert made.read(token=made.shop) == 200


@pytest.mark.parametrize("text", EVERY)
def test_a_time_to_live_ends_it_too(made, text):
    before = made.state()
    made.start(f"{text} for=10s")
    made.pass_(9)
    made.turn()
    assert made.state() != before
    made.pass_(2)
    made.turn()
    assert made.state().keys() == before.keys()
    assert made.read(token=made.shop) == 200


def test_every_kind_is_tried_here_or_below():
    tried = {text.partition(" ")[0] for text in EVERY} | {"leases-revoked", "secret-rotated"}
    assert tried == {name for name, kind in KINDS.items() if kind.DEPTH == "state"}
    assert len(kinds.KINDS) == len(tried)


@pytest.mark.parametrize(
    "text",
    [
        "tokens-revoked policy=none",
        "leases-revoked",
        "policy-narrowed policy=none",
        "mount-gone path=none",
        "secret-deleted path=none/*",
        "secret-rolled-back path=secret/other",
        "secret-ids-gone role=none",
        "users-locked-out role=none",
    ],
)
def test_what_there_is_not_cannot_be_changed(made, text):
    before = made.state()
    with pytest.raises(Refusal, match="there is nothing here that it is aimed at"):
        made.start(text)
    assert made.state() == before
    assert len(made.chaos.rules) == 0


def test_revoked_tokens_are_those_aimed_at(made):
    made.start("tokens-revoked role=shop")
    assert made.read(token=made.shop) == 403
    assert made.read(token=made.ann) == 200
    assert made.read() == 200


@pytest.mark.parametrize(
    "aim", ["policy=shop", "path=auth/approle/login", "app=approle", "role=shop", "namespace=root policy=shop"]
)
def test_tokens_are_aimed_at_by_what_they_are(made, aim):
    made.start(f"tokens-revoked {aim}")
    assert made.read(token=made.shop) == 403


def test_root_tokens_are_meant_by_their_accessor_alone(made):
    made.start("tokens-revoked")
    assert made.read() == 200
    other = made.token("root")
    accessor = made.call("GET", "auth/token/lookup-self", token=other).data["accessor"]
    made.start(f"tokens-revoked accessor={accessor}")
    assert made.read(token=other) == 403


def test_logging_in_anew_helps_after_a_revocation(made):
    made.start("tokens-revoked")
    new = made.login().json["auth"]["client_token"]
    assert made.read(token=new) == 200
    made.chaos_stop()
    assert made.read(token=new) == 200  # what a client got meanwhile stays


def test_a_token_that_comes_back_still_ends_on_time(made):
    made.start("tokens-revoked for=10s")
    made.pass_(11)
    made.turn()
    assert made.read(token=made.shop) == 200
    made.world.clock.advance(3600)
    assert made.read(token=made.shop) == 403


def test_a_token_whose_time_came_while_it_was_gone_does_not_come_back(made):
    made.start("tokens-revoked")
    finished(made.world.timeline.advance(7200))
    made.chaos_stop()
    assert made.read(token=made.shop) == 403


def test_shortened_tokens_end_soon(made):
    made.start("tokens-shortened ttl=5s role=shop")
    assert made.call("GET", "auth/token/lookup-self", token=made.shop).data["ttl"] == 5
    made.pass_(6)
    assert made.read(token=made.shop) == 403


def test_a_narrowed_policy_loses_capabilities_and_keeps_the_rest_of_its_text(made):
    made.start("policy-narrowed policy=shop lose=update,create")
    text = made.call("GET", "sys/policies/acl/shop").data["policy"]
    assert 'capabilities = ["read"] # }' in text
    assert "# Who reads { and writes." in text
    assert made.read(token=made.shop) == 200
    assert made.call("POST", "secret/data/app", {"data": {}}, token=made.shop).status == 403


def test_a_narrowed_policy_loses_the_paths_aimed_at(made):
    made.start("policy-narrowed policy=shop path=secret/data/*")
    assert made.read(token=made.shop) == 403
    assert made.call("LIST", "secret/metadata", token=made.shop).status in (200, 403)
    assert "secret/metadata" in made.call("GET", "sys/policies/acl/shop").data["policy"]
    assert "secret/data" not in made.call("GET", "sys/policies/acl/shop").data["policy"]


def test_default_is_narrowed_only_when_it_is_named(made):
    before = made.call("GET", "sys/policies/acl/default").data["policy"]
    made.start("policy-narrowed")
    assert made.call("GET", "sys/policies/acl/default").data["policy"] == before


def test_a_capability_that_is_none_is_refused(made):
    with pytest.raises(Refusal, match="write is no capability"):
        made.start("policy-narrowed lose=write")


def test_a_mount_that_is_gone_is_as_one_that_never_was(made):
    never = made.call("GET", "never/x")
    made.start("mount-gone path=secret")
    gone = made.call("GET", "secret/data/app")
    assert (gone.status, gone.errors[0]) == (404, never.errors[0].replace("never/x", "secret/data/app"))


def test_an_auth_method_that_is_gone_takes_its_tokens_along(made):
    made.start("mount-gone path=auth/approle")
    assert made.login().status == 403
    assert made.read(token=made.shop) == 403
    assert made.read(token=made.ann) == 200


def test_which_mounts_has_to_be_said(made):
    with pytest.raises(Refusal, match="say which mounts"):
        made.start("mount-gone")


def test_a_mount_that_was_moved_is_found_at_the_other_path(made):
    made.start("mount-moved path=secret to=vault/secret")
    assert made.read() == 404
    assert made.read("vault/secret/data/app") == 200


def test_several_mounts_cannot_be_moved_to_one_path(made):
    with pytest.raises(Refusal, match="mounts cannot all be moved"):
        made.start("mount-moved mount_type=kv to=x")


def test_a_deleted_secret_of_version_2_can_be_undeleted_and_one_of_version_1_is_gone(made):
    made.start("secret-deleted")
    reply = made.call("GET", "secret/data/app")
    assert (reply.status, reply.data["data"]) == (404, None)
    assert made.read("kv1/old") == 404


def test_a_destroyed_secret_has_no_data_left(made):
    made.start("secret-deleted destroy=true path=secret/data/app")
    reply = made.call("GET", "secret/data/app")
    assert (reply.status, reply.data["metadata"]["destroyed"]) == (404, True)
    assert made.read("secret/data/other") == 200


def test_a_secret_that_was_rolled_back_is_a_new_version_with_old_data(made):
    made.start("secret-rolled-back path=secret/app")
    found = made.call("GET", "secret/data/app").data
    assert (found["data"], found["metadata"]["version"]) == ({"x": 2}, 4)


def test_what_a_client_wrote_meanwhile_stays(made):
    made.start("secret-deleted path=secret/*")
    made.call("POST", "secret/data/app", {"data": {"x": "new"}})
    made.chaos_stop()
    assert made.call("GET", "secret/data/app").data["data"] == {"x": "new"}
    assert made.call("GET", "secret/data/other").data["data"] == {"y": 1}


def test_used_up_secret_ids_are_refused_as_wrong_ones(made):
    made.start("secret-ids-gone role=shop")
    reply = made.login()
    assert (reply.status, reply.errors) == (400, ["invalid role or secret ID"])


def test_a_locked_out_user_is_denied_and_listed(made):
    made.start("users-locked-out role=ann")
    reply = made.call("POST", "auth/userpass/login/ann", {"password": "p"}, token="")
    assert (reply.status, reply.errors) == (403, ["permission denied"])
    assert made.call("GET", "sys/locked-users").data["total"] == 1


def lent(made: Setting) -> str:
    made.call("POST", "sys/mounts/database", {"type": "database"})
    url = "postgresql://{{username}}:{{password}}@127.0.0.1:5432/shop"
    config = {"plugin_name": "postgresql-database-plugin", "allowed_roles": "*", "connection_url": url}
    made.call("POST", "database/config/shop", {**config, "username": "root", "password": "x"}, waits=True)
    role = {"db_name": "shop", "creation_statements": ['CREATE ROLE "{{name}}"'], "default_ttl": "1h"}
    made.call("POST", "database/roles/app", role, waits=True)
    found: str = made.call("GET", "database/creds/app", waits=True).json["lease_id"]
    return found


def test_revoked_leases_come_back(made):
    lease = lent(made)
    before = made.state()
    asyncio.run(made.chaos.start(fault_of("leases-revoked path=database/*", "test")))
    assert made.call("PUT", "sys/leases/lookup", {"lease_id": lease}).status == 400
    made.chaos_stop()
    assert made.state() == before
    assert made.call("PUT", "sys/leases/lookup", {"lease_id": lease}).status == 200


def test_other_leases_stay(made):
    lent(made)
    with pytest.raises(Refusal, match="nothing here"):
        made.start("leases-revoked path=aws/*")


FIXTURE = """
sandbox: shop
secrets:
  secret/app:
    fields: {password: {kind: password}}
    rotation: {every: 30d, grace: 1h}
"""


@pytest.fixture
async def sandbox(tmp_path):
    file = tmp_path / "main.yaml"
    file.write_text(FIXTURE)
    found = await open_sandbox(Options(fixture=file, root_token="root", data_dir=tmp_path / "data"))
    yield found
    await found.close()


def password(sandbox) -> str:
    secret = next(value for path, value in sandbox.world.snapshot().values.items() if path.endswith("versioned/app"))
    return secret.version(0)[1].data.decode()


async def test_a_rotated_secret_has_no_time_of_grace_and_comes_back(sandbox):
    old = password(sandbox)
    value = old.split('"')[3]
    await sandbox.chaos.start(fault_of("secret-rotated", "test"))
    assert password(sandbox) != old
    assert (await sandbox.verify(value)).valid is False
    await sandbox.chaos.stop_all()
    assert password(sandbox) == old
    assert (await sandbox.verify(value)).valid is True


async def test_what_a_fault_changed_is_not_there_after_a_crash(sandbox, tmp_path):
    old = password(sandbox)
    await sandbox.chaos.start(fault_of("secret-rotated", "test"))
    await sandbox.chaos.start(fault_of("mount-gone path=secret", "test"))
    sandbox.world.commit()
    sandbox._journal.close()  # as when the process is killed
    sandbox._journal = None
    again = await open_sandbox(Options(fixture=tmp_path / "main.yaml", root_token="root", data_dir=tmp_path / "data"))
    assert password(again) == old
    await again.close()


async def test_what_a_client_wrote_meanwhile_is_kept(sandbox, tmp_path):
    from unit.helpers import call

    await sandbox.chaos.start(fault_of("secret-rotated", "test"))
    assert call(sandbox.world, "POST", "secret/data/new", {"data": {"a": 1}}).status == 200
    sandbox._journal.close()
    sandbox._journal = None
    again = await open_sandbox(Options(fixture=tmp_path / "main.yaml", root_token="root", data_dir=tmp_path / "data"))
    assert call(again.world, "GET", "secret/data/new").status == 200
    await again.close()


async def test_a_snapshot_is_not_saved_with_what_a_fault_changed(sandbox):
    await sandbox.chaos.start(fault_of("secret-rotated", "test"))
    with pytest.raises(Refusal, match="sandboxd chaos stop"):
        await sandbox.save("one")
    await sandbox.chaos.stop_all()
    await sandbox.save("one")


def test_a_scenario_goes_on_when_one_of_its_faults_cannot_be_had(made):
    run = made.run(
        "phases: [{hold: 5s, faults: [{fault: mount-gone, path: none}, {fault: status, path: secret/*}]}, {hold: 5s}]"
    )
    assert made.read() == 503
    assert run.problems == ["mount-gone: there is nothing here that it is aimed at"]
    made.pass_(6)
    made.turn()
    assert made.read() == 200


def test_a_fault_that_begins_later_is_due_until_it_has_begun(made):
    made.start("secret-deleted path=secret/app from=5s")
    assert made.read() == 200
    assert made.chaos.due == 5
    made.pass_(6)
    assert made.chaos.due == 0
    made.turn()
    assert made.chaos.due == float("inf")
    assert made.read() == 404
