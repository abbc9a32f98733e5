"""`sys/namespaces`. Expected answers are those of a running OpenBao 2.7.2."""

from typing import Any

import pytest
from unit.helpers import Reply, call, world

from sandboxd.vault.world import World


@pytest.fixture
def vault() -> World:
    return world()


def at(namespace: str, vault: World, method: str, path: str, data: Any = None) -> Reply:
    return call(vault, method, path, data, headers={"x-vault-namespace": namespace})


def make(vault: World, name: str, inside: str = "", **fields: Any) -> Any:
    return at(inside, vault, "POST", f"sys/namespaces/{name}", fields).data


def test_a_new_namespace_is_shown(vault: World) -> None:
    made = make(vault, "team", custom_metadata={"owner": "ann"})
    assert call(vault, "GET", "sys/namespaces/team").data == made
    assert len(made.pop("id")) == 6
    assert len(made.pop("uuid")) == 36
    assert made == {"custom_metadata": {"owner": "ann"}, "locked": False, "path": "team/", "tainted": False}


def test_writing_again_replaces_the_metadata_and_patching_merges_it(vault: World) -> None:
    made = make(vault, "team", custom_metadata={"a": "1"})
    patched = call(vault, "PATCH", "sys/namespaces/team", {"custom_metadata": {"b": "2", "a": None}}).data
    assert patched == {**made, "custom_metadata": {"b": "2"}}
    assert make(vault, "team") == {**made, "custom_metadata": {}}
    assert call(vault, "PATCH", "sys/namespaces/none", {}).errors == ["namespace not found"]


def test_lists_show_children_and_scans_all_below(vault: World) -> None:
    make(vault, "a")
    make(vault, "b", inside="a")
    make(vault, "c", inside="a/b")
    assert call(vault, "LIST", "sys/namespaces").data["keys"] == ["a/"]
    assert call(vault, "SCAN", "sys/namespaces").data["keys"] == ["a/", "a/b/", "a/b/c/"]
    assert at("a", vault, "LIST", "sys/namespaces").data["key_info"]["b/"]["path"] == "a/b/"


def test_an_empty_list_is_not_found_but_an_empty_scan_is(vault: World) -> None:
    assert call(vault, "LIST", "sys/namespaces").status == 404
    assert call(vault, "SCAN", "sys/namespaces").data == {}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sys", '"sys/" is a reserved path and cannot be used as a namespace name'),
        ("root", '"root/" is a reserved path and cannot be used as a namespace name'),
        ("a/b", "namespace name cannot contain /"),
        ("a%20b", '"a b" contains space characters that cannot be used in a namespace name'),
        ("a+b", "\"a+b\" contains wildcard characters that cannot be used in a namespace name: '+'"),
        ("secret", "new namespace conflicts with existing mount: secret/"),
    ],
)
def test_what_cannot_be_a_namespace_is_refused(vault: World, name: str, text: str) -> None:
    answer = call(vault, "POST", f"sys/namespaces/{name}", {})
    assert (answer.status, answer.errors) == (400, [text])


def test_metadata_must_be_text(vault: World) -> None:
    answer = call(vault, "POST", "sys/namespaces/team", {"custom_metadata": {"a": 1}})
    assert answer.errors == ["custom_metadata values must be strings"]
    make(vault, "team")
    answer = call(vault, "PATCH", "sys/namespaces/team", {"custom_metadata": {"a": 1}})
    assert answer.errors == ["metadata patch can only have string or null values, got json.Number"]


def test_a_namespace_has_mounts_and_policies_of_its_own(vault: World) -> None:
    make(vault, "team")
    mounts = at("team", vault, "GET", "sys/mounts").data
    assert {path: mount["type"] for path, mount in mounts.items()} == {
        "cubbyhole/": "ns_cubbyhole",
        "identity/": "ns_identity",
        "sys/": "ns_system",
    }
    methods = at("team", vault, "GET", "sys/auth").data
    assert (methods["token/"]["type"], methods["token/"]["config"]["token_type"]) == ("ns_token", "default")
    assert at("team", vault, "LIST", "sys/policies/acl").data["keys"] == ["default"]


def test_a_namespace_is_reached_by_header_and_by_path(vault: World) -> None:
    make(vault, "team")
    at("team", vault, "POST", "sys/mounts/kv", {"type": "kv"})
    at("team", vault, "POST", "kv/a", {"k": "v"})
    assert call(vault, "GET", "team/kv/a").data == {"k": "v"}
    assert at("team/", vault, "GET", "kv/a").data == {"k": "v"}
    assert call(vault, "GET", "kv/a").status == 404
    assert at("none", vault, "GET", "kv/a").errors == ["namespace not found"]


def test_a_mount_cannot_be_in_the_way_of_a_namespace(vault: World) -> None:
    make(vault, "team")
    assert call(vault, "POST", "sys/mounts/team", {"type": "kv"}).errors == ["existing mount at team/auth/token/"]
    assert call(vault, "POST", "sys/mounts/team/x", {"type": "kv"}).errors == ["existing mount at team/"]


def test_a_mount_moves_to_another_namespace_with_what_it_holds(vault: World) -> None:
    make(vault, "a")
    make(vault, "b")
    at("a", vault, "POST", "sys/mounts/kv", {"type": "kv"})
    at("a", vault, "POST", "kv/x", {"k": "v"})
    call(vault, "POST", "sys/remount", {"from": "a/kv", "to": "b/kv"})
    assert at("b", vault, "GET", "kv/x").data == {"k": "v"}
    assert at("a", vault, "GET", "kv/x").status == 404


def test_deleting_a_namespace_takes_all_it_holds_with_it(vault: World) -> None:
    make(vault, "team")
    at("team", vault, "POST", "sys/mounts/kv", {"type": "kv"})
    at("team", vault, "POST", "identity/entity", {"name": "ann"})
    keys = len(vault.storage)
    assert call(vault, "DELETE", "sys/namespaces/team").data == {"status": "in-progress"}
    assert call(vault, "GET", "sys/namespaces/team").status == 404
    assert len(vault.storage) < keys
    made = make(vault, "team")
    assert at("team", vault, "LIST", "identity/entity/name").status == 404
    assert made["path"] == "team/"


def test_the_tokens_of_a_deleted_namespace_end(vault: World) -> None:
    make(vault, "team")
    bearer = at("team", vault, "POST", "auth/token/create", {"policies": ["default"]}).json["auth"]["client_token"]
    kept = call(vault, "POST", "auth/token/create", {"policies": ["default"]}).json["auth"]["client_token"]
    call(vault, "DELETE", "sys/namespaces/team")
    assert vault.tokens.lookup(bearer) is None
    assert call(vault, "GET", "auth/token/lookup-self", token=kept).status == 200


def test_children_have_to_go_before_their_parent(vault: World) -> None:
    make(vault, "a")
    make(vault, "b", inside="a")
    answer = call(vault, "DELETE", "sys/namespaces/a")
    assert answer.errors == ["unable to delete namespace containing child namespaces"]


def test_deleting_nothing_warns(vault: World) -> None:
    assert call(vault, "DELETE", "sys/namespaces/none").warnings == ["requested namespace does not exist"]


def test_a_lock_holds_for_a_namespace_and_all_below(vault: World) -> None:
    make(vault, "a")
    make(vault, "b", inside="a")
    key = call(vault, "POST", "sys/namespaces/api-lock/lock/a", {}).data["unlock_key"]
    locked = 'API access to this namespace has been locked by an administrator - "a/" must be unlocked to gain access.'
    for namespace in ("a", "a/b"):
        answer = at(namespace, vault, "GET", "sys/mounts")
        assert (answer.status, answer.errors) == (503, [locked])
    bad = at("a", vault, "POST", "sys/namespaces/api-lock/unlock", {"unlock_key": "bad"})
    assert bad.errors == ["incorrect unlock key"]
    assert at("a", vault, "POST", "sys/namespaces/api-lock/unlock", {"unlock_key": key}).status == 204
    assert at("a/b", vault, "GET", "sys/mounts").status == 200


def test_sudo_unlocks_without_a_key(vault: World) -> None:
    make(vault, "a")
    call(vault, "POST", "sys/namespaces/api-lock/lock/a", {})
    answer = call(vault, "POST", "sys/namespaces/api-lock/unlock/a", {})
    assert answer.warnings == ["Namespace unlocked using sudo capabilities"]


@pytest.mark.parametrize(
    ("action", "path", "text"),
    [
        ("lock", "", "root namespace cannot be locked/unlocked"),
        ("lock", "/none", "requested namespace does not exist"),
        ("unlock", "/a", 'namespace "a/" is not locked'),
    ],
)
def test_locking_goes_wrong(vault: World, action: str, path: str, text: str) -> None:
    make(vault, "a")
    assert call(vault, "POST", f"sys/namespaces/api-lock/{action}{path}", {}).errors == [text]


def test_what_is_only_at_the_root_is_refused_elsewhere(vault: World) -> None:
    make(vault, "a")
    answer = at("a", vault, "GET", "sys/audit")
    assert (answer.status, answer.errors) == (400, ["operation only available in root namespace"])


def test_vault_shows_less_and_cannot_scan() -> None:  # from Vault's documentation
    vault = world("vault")
    made = make(vault, "team")
    assert len(made.pop("id")) == 5
    assert made == {"path": "team/", "custom_metadata": {}}
    assert call(vault, "SCAN", "sys/namespaces").status == 405
    assert call(vault, "DELETE", "sys/namespaces/team").status == 204
