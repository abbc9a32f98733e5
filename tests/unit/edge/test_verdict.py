"""Whose a value is, and whether it is valid now."""

import asyncio
import json
from types import SimpleNamespace

import msgspec
import pytest
from unit.helpers import START, call, world
from unit.leasing import Lender, mount

from sandboxd.edge.runtime import make_world
from sandboxd.edge.standing import scoped, standing
from sandboxd.edge.verdict import judge, verify
from sandboxd.fakes import Source, generate, kind
from sandboxd.fixtures import Declared, apply, load, make_plan
from sandboxd.vault.bootstrap import start_dev
from sandboxd.vault.clock import NANOSECONDS, Clock
from sandboxd.vault.world import Settings

FIXTURE = """
sandbox: shop
auth:
  approle:
    roles:
      shop: {policies: [reader]}
  userpass:
    users:
      bob: {policies: [reader], password: bobs-password}
policies:
  reader: 'path "*" { capabilities = ["read"] }'
tokens:
  ci: {policies: [reader]}
secrets:
  secret/pay:
    owner: payments
    versions: 2
    fields:
      username: pay
      api_key: {kind: stripe.secret_key}
  secret/old:
    expires: 2026-01-02
    fields:
      key: {kind: hex}
"""


class Issuer(Lender):
    """Lends out passwords for users, as a database does."""

    def lend(self, call, args):
        response = super().lend(call, args)
        response.data = {"password": call.entropy.text(12), "username": f"v-{args.name}"}
        response.credentials = ("password",)
        if args.name == "static":
            response.lease = None
        return response


@pytest.fixture
def made():
    made = world()
    mount(made, Issuer().engine, "db/")
    return made


@pytest.fixture
def shop(tmp_path):
    path = tmp_path / "shop.yaml"
    path.write_text(FIXTURE)
    plan = make_plan(load(path))
    made = make_world(Settings(), seed="tests", clock=Clock(lambda: START * NANOSECONDS))
    start_dev(made, "root")
    asyncio.run(apply(made, plan))
    return SimpleNamespace(world=made, plan=plan)


def told(made, value, plan=None):
    return asyncio.run(verify(made, plan, value))


def state(made, value, plan=None):
    return told(made, value, plan).state


def child(made, **more):
    return call(made, "POST", "auth/token/create", {"policies": ["root"], **more}).json["auth"]["client_token"]


def put(made, path, **fields):
    call(made, "POST", path, {"data": fields})


# By the value alone


def test_a_value_made_here_is_ours():
    found = judge(generate("stripe.secret_key", Source("shop", "secret/app", "key")))
    assert found.ours
    assert found.kind == "stripe.secret_key"
    assert found.title == kind("stripe.secret_key").title
    assert (found.state, found.valid) == ("unchecked", False)


def test_any_other_value_is_not():
    found = judge("hunter2")
    assert (found.ours, found.declared) == (False, None)


def test_a_value_that_the_fixture_declares_is_ours_whatever_it_looks_like():
    place = Declared(path="secret/app", field="a", version=1, current=True, kind="")
    assert judge("hunter2", place).ours


def test_a_verdict_does_not_hold_the_value(made):
    assert "hunter2" not in repr(judge("hunter2"))
    put(made, "secret/data/a", key="hunter2")
    assert "hunter2" not in repr(told(made, "hunter2"))


def test_a_fake_that_this_sandbox_never_issued_is_told_from_its_own(made):
    found = told(made, generate("stripe.secret_key", Source("shop", "secret/app", "key")))
    assert (found.ours, found.valid, found.state, found.source) == (True, False, "unknown", "")
    title = kind("stripe.secret_key").title
    assert found.reason == f"It was never issued here, though it was made by sandboxd ({title})."


def test_what_nobody_knows_was_never_issued(made):
    found = told(made, "hunter2")
    assert (found.ours, found.valid, found.state) == (False, False, "unknown")
    assert found.reason == "It was never issued here."


# Secrets


def test_the_current_value_of_a_secret_is_valid_and_told_with_its_place(made):
    put(made, "secret/data/a", key="one")
    found = told(made, "one")
    assert (found.state, found.valid, found.ours, found.source) == ("current", True, True, "secret")
    assert (found.path, found.field, found.version, found.namespace) == ("secret/data/a", "key", 1, "")
    assert (found.issued_at, found.reason) == ("2026-01-01T00:00:00Z", "It is valid.")


def test_who_read_that_version_obtained_it(made):
    put(made, "secret/data/a", key="one")
    call(made, "GET", "secret/data/a", token=child(made, display_name="old", meta={"team": "shop"}))
    put(made, "secret/data/a", key="two")
    call(made, "GET", "secret/data/a", token=child(made, display_name="new"))
    found = told(made, "one")
    assert [(each.display_name, each.metadata, each.version) for each in found.obtained_by] == [
        ("token-old", {"team": "shop"}, 1)
    ]
    assert sorted((each.display_name, each.version) for each in found.readers) == [("token-new", 2), ("token-old", 1)]


def test_an_older_version_is_superseded(made):
    put(made, "secret/data/a", key="one")
    made.clock.advance(5)
    put(made, "secret/data/a", key="two")
    found = told(made, "one")
    assert (found.state, found.valid, found.version) == ("superseded", False, 1)
    assert found.reason == "It was replaced at 2026-01-01T00:00:05Z."


def test_an_older_version_is_valid_through_its_grace(made):
    put(made, "secret/data/a", key="one")
    put(made, "secret/data/a", key="two")
    made.ledger.superseded("one", path="secret/data/a", field="key", grace=60)
    found = told(made, "one")
    assert (found.state, found.valid, found.version) == ("grace", True, 1)
    assert found.reason == "It was replaced at 2026-01-01T00:00:00Z, and is valid until 2026-01-01T00:01:00Z."
    made.clock.advance(60)
    found = told(made, "one")
    assert (found.state, found.valid) == ("superseded", False)
    assert found.reason.endswith("; its grace ended at 2026-01-01T00:01:00Z.")


@pytest.mark.parametrize("way", ["delete", "destroy"])
def test_a_version_that_is_deleted_is_revoked_in_its_grace_too(made, way):
    put(made, "secret/data/a", key="one")
    put(made, "secret/data/a", key="two")
    made.ledger.superseded("one", path="secret/data/a", field="key", grace=60)
    call(made, "POST", f"secret/{way}/a", {"versions": [1]})
    assert state(made, "one") == "revoked"
    assert state(made, "two") == "current"


def test_a_deleted_secret_is_revoked_until_it_is_undeleted(made):
    put(made, "secret/data/a", key="one")
    call(made, "DELETE", "secret/data/a")
    assert state(made, "one") == "revoked"
    call(made, "POST", "secret/undelete/a", {"versions": [1]})
    assert state(made, "one") == "current"


def test_the_values_of_a_removed_secret_are_revoked(made):
    put(made, "secret/data/a", key="one")
    call(made, "DELETE", "secret/metadata/a")
    assert state(made, "one") == "revoked"


def test_a_value_that_came_back_is_valid(made):
    for value in ("one", "two", "one"):
        put(made, "secret/data/a", key=value)
    found = told(made, "one")
    assert (found.state, found.version) == ("current", 3)


def test_a_value_that_is_valid_somewhere_is_valid(made):
    put(made, "secret/data/a", key="one")
    put(made, "secret/data/b", key="one")
    call(made, "DELETE", "secret/data/a")
    found = told(made, "one")
    assert (found.state, found.path) == ("current", "secret/data/b")


def test_the_owner_is_read_from_the_metadata(made):
    call(made, "POST", "secret/metadata/a", {"custom_metadata": {"owner": "payments"}})
    put(made, "secret/data/a", key="one")
    assert told(made, "one").owner == "payments"


@pytest.mark.parametrize(
    ("expires", "passed", "state_then"),
    [
        ("2026-01-02", 86_400, "expired"),
        ("2026-01-02T00:00:00+00:00", 86_399, "current"),
        ("2026-01-02T00:00:00Z", 86_400, "expired"),
        ("1h", 3600, "expired"),
        ("1h", 3599, "current"),
        ("2026", 86_400, "current"),
        ("soon", 86_400, "current"),
        ("", 86_400, "current"),
    ],
)
def test_a_secret_whose_declared_end_has_come_is_expired(made, expires, passed, state_then):
    call(made, "POST", "secret/metadata/a", {"custom_metadata": {"expires": expires}})
    put(made, "secret/data/a", key="one")
    made.clock.advance(passed)
    assert state(made, "one") == state_then


# What engines hand out


def lent(made, name="app", query=""):
    reply = call(made, "GET", f"db/creds/{name}{query}").json
    return SimpleNamespace(password=reply["data"]["password"], lease=reply["lease_id"])


def test_a_leased_credential_is_valid_while_its_lease_lasts(made):
    found = lent(made, query="?ttl=60")
    verdict = told(made, found.password)
    assert (verdict.state, verdict.source, verdict.path, verdict.field) == (
        "current",
        "ledger",
        "db/creds/app",
        "password",
    )
    assert (verdict.lease_id, verdict.expires_at) == (found.lease, "2026-01-01T00:01:00Z")
    assert verdict.reason == "It is valid until 2026-01-01T00:01:00Z."
    assert [each.display_name for each in verdict.obtained_by] == ["token"]


def test_it_expires_also_when_nobody_asked_meanwhile(made):
    found = lent(made, query="?ttl=60")
    made.clock.advance(61)
    verdict = told(made, found.password)
    assert (verdict.state, verdict.valid) == ("expired", False)
    assert verdict.reason.startswith("It expired at 2026-01-01T00:01:0")


def test_it_is_revoked_with_its_lease(made):
    found = lent(made)
    call(made, "PUT", "sys/leases/revoke", {"lease_id": found.lease, "sync": True})
    verdict = told(made, found.password)
    assert (verdict.state, verdict.reason) == ("revoked", "It was revoked at 2026-01-01T00:00:00Z.")


def test_one_without_a_lease_is_valid_until_it_is_superseded(made):
    password = lent(made, "static").password
    assert state(made, password) == "current"
    made.ledger.superseded(password, path="db/creds/static", grace=60)
    assert state(made, password) == "grace"
    made.clock.advance(60)
    assert state(made, password) == "superseded"


def test_one_without_a_lease_ends_with_its_engine(made):
    password = lent(made, "static").password
    call(made, "DELETE", "sys/mounts/db")
    assert state(made, password) == "revoked"


# Tokens


def test_a_token_is_valid_while_it_lives(made):
    token = child(made, ttl="1m", display_name="ci")
    found = told(made, token)
    assert (found.state, found.source, found.field, found.path) == ("current", "token", "token", "auth/token/create")
    assert found.expires_at == "2026-01-01T00:01:00Z"
    assert [each.display_name for each in found.obtained_by] == ["token-ci"]
    made.clock.advance(61)
    assert state(made, token) == "expired"


def test_a_revoked_token_is_revoked_with_its_children(made):
    parent = child(made)
    own = call(made, "POST", "auth/token/create", {}, token=parent).json["auth"]["client_token"]
    call(made, "POST", "auth/token/revoke", {"token": parent})
    assert [state(made, each) for each in (parent, own)] == ["revoked", "revoked"]


def test_a_batch_token_expires_and_ends_with_its_parent(made):
    call(made, "POST", "sys/policy/all", {"policy": 'path "*" { capabilities = ["read"] }'})
    parent = child(made)
    data = {"type": "batch", "ttl": "1m", "policies": ["all"]}
    first, second = (
        call(made, "POST", "auth/token/create", data, token=token).json["auth"]["client_token"]
        for token in ("root", parent)
    )
    assert [state(made, each) for each in (first, second)] == ["current", "current"]
    call(made, "POST", "auth/token/revoke", {"token": parent})
    assert state(made, second) == "revoked"
    made.clock.advance(61)
    assert state(made, first) == "expired"


@pytest.mark.parametrize("form", ["", "jwt"])
def test_a_wrapping_token_is_valid_until_it_is_unwrapped(made, form):
    headers = {"x-vault-wrap-ttl": "60", **({"x-vault-wrap-format": form} if form else {})}
    token = call(made, "GET", "auth/token/lookup-self", headers=headers).json["wrap_info"]["token"]
    found = told(made, token)
    assert (found.state, found.field) == ("current", "wrapping_token")
    call(made, "POST", "sys/wrapping/unwrap", token=token)
    assert not told(made, token).valid


def test_a_token_of_a_disabled_entity_is_not_valid(made):
    call(made, "POST", "sys/auth/userpass", {"type": "userpass"})
    call(made, "POST", "auth/userpass/users/bob", {"password": "x"})
    auth = call(made, "POST", "auth/userpass/login/bob", {"password": "x"}).json["auth"]
    assert state(made, auth["client_token"]) == "current"
    call(made, "POST", f"identity/entity/id/{auth['entity_id']}", {"disabled": True})
    assert state(made, auth["client_token"]) == "revoked"


@pytest.mark.parametrize(
    "value", ["hvs.none", "s.none", "b.!!!", "hvb.AAAA", "b.", "a.b.c", "..", "\udcff", "x" * 9000]
)
def test_what_has_the_form_of_a_token_and_is_none_was_never_issued(made, value):
    found = told(made, value)
    assert found.state == "unknown"
    assert msgspec.json.encode(found)


# Logins and what the fixture declares


def test_a_secret_id_is_valid_until_it_expires_or_is_used_up(made):
    call(made, "POST", "sys/auth/approle", {"type": "approle"})
    call(made, "POST", "auth/approle/role/Shop", {"secret_id_ttl": "1m"})
    secret_id = call(made, "POST", "auth/approle/role/shop/secret-id", {"metadata": '{"owner": "ops"}'}).data[
        "secret_id"
    ]
    found = told(made, secret_id)
    assert (found.state, found.source, found.owner) == ("current", "secret_id", "ops")
    assert (found.path, found.expires_at) == ("auth/approle/role/shop/secret-id", "2026-01-01T00:01:00Z")
    made.clock.advance(60)
    assert state(made, secret_id) == "expired"


def value_of(shop, path, field):
    (step,) = [each for each in shop.plan.secrets if each.name == path]
    return [version[field] for version in step.versions]


def test_a_declared_value_is_told_with_its_place_and_owner(shop):
    old, new = value_of(shop, "secret/pay", "api_key")
    found = told(shop.world, new, shop.plan)
    assert (found.state, found.path, found.version, found.owner) == ("current", "secret/data/pay", 2, "payments")
    assert (found.declared.path, found.kind) == ("secret/pay", "stripe.secret_key")
    assert state(shop.world, old, shop.plan) == "superseded"


def test_a_declared_end_counts(shop):
    (value,) = value_of(shop, "secret/old", "key")
    assert state(shop.world, value, shop.plan) == "current"
    asyncio.run(shop.world.timeline.advance(86_400))
    assert state(shop.world, value, shop.plan) == "expired"


def test_a_declared_value_that_was_written_over_everywhere_is_superseded(shop):
    _, value = value_of(shop, "secret/pay", "api_key")
    call(shop.world, "DELETE", "secret/metadata/pay")
    call(shop.world, "POST", "secret/data/pay", {"data": {"api_key": "mine"}})
    made = world()
    assert state(made, value, shop.plan) == "revoked"
    put(made, "secret/data/pay", api_key="mine")
    assert state(made, value, shop.plan) == "superseded"


def test_the_password_of_a_user_is_valid_until_it_is_changed(shop):
    found = told(shop.world, "bobs-password", shop.plan)
    assert (found.state, found.source, found.path) == ("current", "user", "auth/userpass/users/bob")
    call(shop.world, "POST", "auth/userpass/users/bob/password", {"password": "another"})
    assert state(shop.world, "bobs-password", shop.plan) == "superseded"
    call(shop.world, "DELETE", "auth/userpass/users/bob")
    assert state(shop.world, "bobs-password", shop.plan) == "revoked"


def test_the_ids_of_a_role_are_valid_while_it_has_them(shop):
    (step,) = [each for each in shop.plan.steps if each.kind == "role"]
    assert [state(shop.world, each, shop.plan) for each in (step.role_id, step.secret_id)] == ["current", "current"]
    call(shop.world, "POST", "auth/approle/role/shop/role-id", {"role_id": "another"})
    call(shop.world, "POST", "auth/approle/role/shop/secret-id/destroy", {"secret_id": step.secret_id})
    assert [state(shop.world, each, shop.plan) for each in (step.role_id, step.secret_id)] == ["superseded", "revoked"]
    call(shop.world, "DELETE", "auth/approle/role/shop")
    assert state(shop.world, step.role_id, shop.plan) == "revoked"


def test_a_declared_token_that_was_revoked_is_revoked(shop):
    (step,) = [each for each in shop.plan.steps if each.kind == "token"]
    assert state(shop.world, step.id, shop.plan) == "current"
    call(shop.world, "POST", "auth/token/revoke", {"token": step.id})
    assert state(shop.world, step.id, shop.plan) == "revoked"


# Scopes


def test_a_scope_leaves_out_what_is_elsewhere(made):
    put(made, "secret/data/a", key="one", other="x")
    for path, field, expected in [
        ("secret/data/a", "", "current"),
        ("secret/a", "key", "current"),
        ("/secret/a/", "", "current"),
        ("secret/a", "other", "unknown"),
        ("", "key", "current"),
        ("", "other", "unknown"),
        ("secret/b", "", "unknown"),
        ("none/b", "", "unknown"),
    ]:
        assert standing(made, None, "one", scoped(made, path, field)).state == expected


def test_a_scope_may_name_a_namespace_in_its_path_or_apart(made):
    call(made, "POST", "sys/namespaces/team", {})
    call(made, "POST", "team/sys/mounts/kv", {"type": "kv", "options": {"version": "2"}})
    call(made, "POST", "team/kv/data/a", {"data": {"key": "one"}})
    assert standing(made, None, "one", scoped(made, "team/kv/a")).state == "current"
    assert standing(made, None, "one", scoped(made, "kv/a", namespace="team")).state == "current"
    assert standing(made, None, "one", scoped(made, "kv/a")).state == "unknown"
    assert scoped(made, "kv/a", namespace="none") is None


def test_the_answer_costs_no_more_where_there_are_many_secrets(made):
    """The index is asked, not the secrets."""
    for number in range(50):
        put(made, f"secret/data/{number}", key=f"value-{number}")
    standing(made, None, "value-7")
    read = []
    get = made.storage.get
    made.storage.get = lambda path: read.append(path) or get(path)
    assert standing(made, None, "value-7").state == "current"
    assert len([path for path in read if "/versioned/" in path]) == 1


def test_a_verdict_is_json_with_stable_names(made):
    names = (
        "ours, valid, state, reason, source, path, namespace, field, version, owner, lease_id, issued_at, expires_at, "
        "ended_at, grace_until, obtained_by, readers, status, kind, title, claim, structure, declared"
    )
    assert ", ".join(json.loads(msgspec.json.encode(told(made, "x")))) == names
