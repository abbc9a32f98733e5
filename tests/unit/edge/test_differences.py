"""What is different between two states, as a user would name it."""

import json

import pytest
from unit.helpers import call

from sandboxd.edge.differences import differences, objects
from sandboxd.edge.sandbox import Options, open_sandbox
from sandboxd.rotation import Plan, declare


class Setting:
    def __init__(self, sandbox) -> None:
        self.sandbox = sandbox
        self.before = sandbox.world.snapshot()

    def ask(self, method, path, body=None, **headers):
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        reply = call(self.sandbox.world, method, path, body, headers=sent)
        assert reply.status < 300, reply.text
        return reply.json if reply.text else None

    def mark(self) -> None:
        self.before = self.sandbox.world.snapshot()

    def changes(self):
        return differences(self.before, self.sandbox.world.snapshot())

    def rows(self):
        return [(each.change, each.kind, each.name) for each in self.changes()]


@pytest.fixture
async def setting():
    return Setting(await open_sandbox(Options(root_token="root")))


def test_of_a_state_and_itself_nothing_is_different(setting):
    assert setting.rows() == []


def test_secrets_are_told_with_their_versions(setting):
    setting.ask("POST", "secret/data/a", {"data": {"x": "hunter2"}})
    setting.ask("POST", "secret/data/b/c", {"data": {"x": 1}})
    setting.mark()
    setting.ask("POST", "secret/data/a", {"data": {"x": "hunter3"}})
    setting.ask("DELETE", "secret/metadata/b/c")
    setting.ask("POST", "secret/data/d", {"data": {"x": 1}})
    found = setting.changes()
    assert [(each.change, each.name, each.before, each.after) for each in found] == [
        ("changed", "secret/a", "version 1", "version 2"),
        ("removed", "secret/b/c", "version 1", ""),
        ("added", "secret/d", "", "version 1"),
    ]
    assert "hunter" not in str(found)


def test_secrets_of_the_first_version_of_the_engine_are_told(setting):
    setting.ask("POST", "sys/mounts/plain", {"type": "kv"})
    setting.mark()
    setting.ask("POST", "plain/a/b", {"x": 1})
    assert setting.rows() == [("added", "secret", "plain/a/b")]


def test_mounts_policies_roles_users_and_settings_are_told(setting):
    setting.ask("POST", "sys/mounts/kv", {"type": "kv", "options": {"version": "2"}})
    setting.ask("POST", "sys/auth/approle", {"type": "approle"})
    setting.ask("POST", "sys/auth/userpass", {"type": "userpass"})
    setting.ask("PUT", "sys/policies/acl/app", {"policy": 'path "a" { capabilities = ["read"] }'})
    setting.ask("PUT", "sys/policies/password/pw", {"policy": 'length=20\nrule "charset" { charset = "abc" }'})
    setting.ask("POST", "auth/approle/role/app", {})
    setting.ask("POST", "auth/userpass/users/ada", {"password": "hunter2"})
    setting.ask("POST", "kv/config", {"max_versions": 3})
    setting.ask("POST", "sys/quotas/rate-limit/slow", {"rate": 5})
    setting.ask("POST", "identity/entity", {"name": "ada"})
    setting.ask("POST", "identity/group", {"name": "crew"})
    assert setting.rows() == [
        ("added", "auth method", "auth/approle/"),
        ("added", "auth method", "auth/userpass/"),
        ("added", "config", "kv/config"),
        ("added", "entity", "ada"),
        ("added", "group", "crew"),
        ("added", "mount", "kv/"),
        ("added", "password policy", "pw"),
        ("added", "policy", "app"),
        ("added", "quota", "slow"),
        ("added", "role", "auth/approle/role/app"),
        ("added", "user", "auth/userpass/user/ada"),
    ]


def test_a_token_is_one_thing_with_its_lease_and_told_by_its_accessor(setting):
    made = setting.ask("POST", "auth/token/create", {"display_name": "ci", "ttl": "1h"})["auth"]
    assert [(each.change, each.kind, each.name, each.after) for each in setting.changes()] == [
        ("added", "token", made["accessor"], "token-ci")
    ]
    assert made["client_token"] not in str(setting.changes())
    setting.mark()
    setting.ask("POST", "auth/token/renew", {"token": made["client_token"], "increment": "2h"})
    assert setting.rows() == [("changed", "token", made["accessor"])]
    setting.mark()
    setting.ask("POST", "auth/token/revoke", {"token": made["client_token"]})
    assert setting.rows() == [("removed", "token", made["accessor"])]


def test_a_cubbyhole_is_its_tokens(setting):
    setting.ask("POST", "cubbyhole/a", {"x": 1})
    setting.ask("POST", "cubbyhole/b", {"x": 1})
    accessor = setting.ask("GET", "auth/token/lookup-self")["data"]["accessor"]
    assert setting.rows() == [("added", "cubbyhole", accessor)]


def test_names_in_a_namespace_begin_with_it(setting):
    setting.ask("POST", "sys/namespaces/team", {})
    setting.mark()
    setting.ask("POST", "sys/mounts/kv", {"type": "kv"}, x_vault_namespace="team")
    setting.ask("POST", "kv/a", {"x": 1}, x_vault_namespace="team")
    setting.ask("PUT", "sys/policies/acl/app", {"policy": 'path "a" {}'}, x_vault_namespace="team")
    assert setting.rows() == [
        ("added", "mount", "team/kv/"),
        ("added", "policy", "team/app"),
        ("added", "secret", "team/kv/a"),
    ]


async def test_the_clock_is_told(setting):
    await setting.sandbox.world.timeline.advance(3600)
    setting.sandbox.world.timeline.freeze()
    (found,) = setting.changes()
    assert (found.change, found.kind, found.name, found.before) == ("changed", "clock", "clock", "real time")
    assert found.after.endswith("Z, frozen")


async def test_after_a_restore_nothing_is_different_although_all_is_later(monkeypatch):
    real = [1_767_225_600_000_000_000]
    from sandboxd.vault.clock import Clock

    sandbox = await open_sandbox(Options(root_token="root"), Clock(lambda: real[0]))
    call(sandbox.world, "POST", "auth/token/create", {"ttl": "1h"})
    await sandbox.save("s")
    real[0] += 7200 * 1_000_000_000
    await sandbox.restore("s")
    assert differences(await sandbox.state("s"), await sandbox.state("now")) == []


def test_what_a_state_holds_is_told_without_values(setting):
    setting.ask("POST", "secret/data/a", {"data": {"x": "hunter2"}})
    names = json.dumps([*objects(setting.sandbox.world.snapshot())])
    assert "hunter2" not in names
    assert '["secret", "secret/a"]' in names


def test_what_rotates_is_told_with_its_namespace(setting):
    declare(setting.sandbox.world, Plan(path="kv/a", namespace="team/", every=60))
    declare(setting.sandbox.world, Plan(path="secret/a", every=60))
    assert setting.rows() == [("added", "rotation", "secret/a"), ("added", "rotation", "team/kv/a")]
