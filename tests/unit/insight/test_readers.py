"""Who read what last, and which version."""

import asyncio
from types import SimpleNamespace

import pytest
from unit.helpers import START, call, world
from unit.leasing import Lender, mount

from sandboxd.insight import Insight, Readers, insight
from sandboxd.vault.clock import NANOSECONDS
from sandboxd.vault.storage import Storage


@pytest.fixture
def made():
    made = world()
    call(made, "POST", "secret/data/app", {"data": {"key": "one"}})
    return made


def of(made, path="secret/data/app", namespace=""):
    return insight(made).readers.of(namespace, path)


def child(made, name, **more):
    data = {"display_name": name, "policies": ["root"], "meta": {"team": "shop"}, **more}
    auth = call(made, "POST", "auth/token/create", data).json["auth"]
    return SimpleNamespace(token=auth["client_token"], accessor=auth["accessor"])


def test_a_read_is_remembered_with_who_did_it_when_and_which_version(made):
    app = child(made, "app")
    call(made, "GET", "secret/data/app", token=app.token)
    (reader,) = of(made)
    assert (reader.accessor, reader.display_name, reader.metadata) == (app.accessor, "token-app", {"team": "shop"})
    assert (reader.version, reader.at) == (1, START * NANOSECONDS)


def test_the_version_is_the_one_that_was_asked_for(made):
    call(made, "POST", "secret/data/app", {"data": {"key": "two"}})
    for query, version in (("", 2), ("?version=1", 1), ("?version=0", 2), ("?version=2", 2)):
        call(made, "GET", f"secret/data/app{query}")
        assert of(made)[0].version == version


def test_a_reader_stays_with_the_version_that_it_read_last(made):
    app, other = child(made, "app"), child(made, "other")
    call(made, "GET", "secret/data/app", token=app.token)
    made.clock.advance(1)
    call(made, "POST", "secret/data/app", {"data": {"key": "two"}})
    call(made, "GET", "secret/data/app", token=other.token)
    assert [(each.display_name, each.version) for each in of(made)] == [("token-other", 2), ("token-app", 1)]


def test_one_token_is_one_reader_however_often_it_reads(made):
    for _ in range(3):
        call(made, "GET", "secret/data/app")
    assert len(of(made)) == 1


def test_a_login_is_known_by_its_metadata(made):
    call(made, "POST", "sys/auth/approle", {"type": "approle"})
    call(made, "POST", "sys/policy/all", {"policy": 'path "*" { capabilities = ["read"] }'})
    call(made, "POST", "auth/approle/role/shop", {"token_policies": "all"})
    role_id = call(made, "GET", "auth/approle/role/shop/role-id").data["role_id"]
    secret_id = call(made, "POST", "auth/approle/role/shop/secret-id", {}).data["secret_id"]
    auth = call(made, "POST", "auth/approle/login", {"role_id": role_id, "secret_id": secret_id}).json["auth"]
    call(made, "GET", "secret/data/app", token=auth["client_token"])
    (reader,) = of(made)
    assert (reader.metadata["role_name"], reader.entity_id) == ("shop", auth["entity_id"])


def test_batch_tokens_are_known_by_their_name(made):
    call(made, "POST", "sys/policy/all", {"policy": 'path "*" { capabilities = ["read"] }'})
    for name in ("a", "b", "a"):
        token = child(made, name, type="batch", policies=["all"]).token
        assert call(made, "GET", "secret/data/app", token=token).status == 200
    assert sorted((each.accessor, each.display_name) for each in of(made)) == [("", "token-a"), ("", "token-b")]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "sys/mounts"),
        ("GET", "auth/token/lookup-self"),
        ("GET", "cubbyhole/mine"),
        ("GET", "identity/entity/name/none"),
        ("GET", "secret/data/none"),
        ("LIST", "secret/metadata"),
    ],
)
def test_what_is_no_read_of_a_secret_is_not_remembered(made, method, path):
    call(made, "POST", "cubbyhole/mine", {"a": "b"})
    call(made, method, path)
    assert of(made, path) == ()


def test_a_refused_read_is_not_remembered(made):
    token = child(made, "none", policies=["default"]).token
    assert call(made, "GET", "secret/data/app", token=token).status == 403
    assert of(made) == ()


def test_a_read_of_what_was_deleted_is_not_remembered(made):
    call(made, "DELETE", "secret/data/app")
    assert call(made, "GET", "secret/data/app").status == 404
    assert of(made) == ()


def test_a_write_is_no_read(made):
    assert of(made) == ()


def test_secrets_without_versions_have_version_0(made):
    call(made, "POST", "sys/mounts/plain", {"type": "kv", "options": {"version": "1"}})
    call(made, "POST", "plain/data/a", {"key": "x"})
    call(made, "GET", "plain/data/a")
    assert [each.version for each in of(made, "plain/data/a")] == [0]


def test_a_wrapped_answer_counts_as_read_by_who_asked(made):
    call(made, "GET", "secret/data/app", headers={"x-vault-wrap-ttl": "60"})
    assert [each.version for each in of(made)] == [1]


def test_credentials_that_a_write_makes_count_too(made):
    class Issuer(Lender):
        def lend(self, call, args):
            response = super().lend(call, args)
            response.credentials = ("name",)
            return response

    mount(made, Issuer().engine, "lend/")
    call(made, "POST", "lend/creds/app", {})
    assert len(of(made, "lend/creds/app")) == 1


def test_namespaces_are_told_apart(made):
    call(made, "POST", "sys/namespaces/team", {})
    call(made, "POST", "team/sys/mounts/secret", {"type": "kv", "options": {"version": "2"}})
    call(made, "POST", "team/secret/data/app", {"data": {"a": "b"}})
    call(made, "GET", "team/secret/data/app")
    assert of(made) == ()
    assert len(of(made, namespace="team/")) == 1
    assert of(made, namespace="none") == ()


def test_another_mount_at_the_same_path_has_readers_of_its_own(made):
    call(made, "GET", "secret/data/app")
    call(made, "DELETE", "sys/mounts/secret")
    call(made, "POST", "sys/mounts/secret", {"type": "kv", "options": {"version": "2"}})
    call(made, "POST", "secret/data/app", {"data": {"a": "b"}})
    app = child(made, "app")
    call(made, "GET", "secret/data/app", token=app.token)
    assert [each.accessor for each in of(made)] == [app.accessor]


def test_what_the_sandbox_reads_itself_is_not_remembered(made):
    from sandboxd.vault.inside import inside

    async def read():
        async with inside(made, "test") as requests:
            return await requests.read("", "secret/data/app")

    assert asyncio.run(read())
    assert of(made) == ()


def test_a_restored_state_was_read_by_nobody(made):
    before = made.snapshot()
    call(made, "GET", "secret/data/app")
    made.restore(before)
    assert of(made) == ()


def test_the_paths_seen_least_recently_make_room(made):
    made.observer = watching = Insight(made)
    watching.readers = Readers(made, paths=2, readers=2)
    watching.answered = watching.readers.answered
    for name in ("a", "b", "c"):
        call(made, "POST", f"secret/data/{name}", {"data": {"key": "x"}})
        call(made, "GET", f"secret/data/{name}")
        made.clock.advance(1)
    assert [len(of(made, f"secret/data/{name}")) for name in ("a", "b", "c")] == [0, 1, 1]


def test_the_readers_seen_least_recently_make_room(made):
    made.observer = watching = Insight(made)
    watching.readers = Readers(made, paths=2, readers=2)
    watching.answered = watching.readers.answered
    for name in ("a", "b", "c"):
        call(made, "GET", "secret/data/app", token=child(made, name).token)
        made.clock.advance(1)
    assert [each.display_name for each in of(made)] == ["token-c", "token-b"]


def test_a_replicas_reader_has_the_version_that_the_replica_has(made):
    old = Storage()
    old.restore(made.storage.snapshot())
    call(made, "POST", "secret/data/app", {"data": {"key": "new"}})
    watching = insight(made)
    made.observer = watching.beside(old).beside(old)
    call(made, "GET", "secret/data/app")
    made.observer.reload()
    made.observer = watching
    assert [each.version for each in of(made)] == [1]
