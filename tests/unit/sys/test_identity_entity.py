"""`identity/entity` and its merging. Expected answers are those of a running OpenBao 2.7.2."""

import re
from typing import Any

import pytest
from unit.helpers import Reply, call, world

from sandboxd.vault.world import World


@pytest.fixture
def vault() -> World:
    return world()


def make(vault: World, name: str = "", **fields: Any) -> str:
    made: str = call(vault, "POST", "identity/entity", {"name": name, **fields}).data["id"]
    return made


def read(vault: World, entity_id: str) -> Any:
    return call(vault, "GET", f"identity/entity/id/{entity_id}").data


def accessor(vault: World, path: str = "token") -> str:
    found: str = call(vault, "GET", f"sys/auth/{path}").data["accessor"]
    return found


def add_alias(vault: World, name: str, entity_id: str, mount: str) -> str:
    fields = {"name": name, "canonical_id": entity_id, "mount_accessor": mount}
    made: str = call(vault, "POST", "identity/entity-alias", fields).data["id"]
    return made


def merge(vault: World, target: str, *leaving: str, **fields: Any) -> Reply:
    body = {"to_entity_id": target, "from_entity_ids": list(leaving), **fields}
    return call(vault, "POST", "identity/entity/merge", body)


def test_a_new_entity_is_read_back_whole(vault: World) -> None:
    entity_id = make(vault, "Ann", policies=["B", "a", "a"], metadata={"k": "v"})
    assert read(vault, entity_id) == {
        "aliases": [],
        "creation_time": "2026-01-01T00:00:00Z",
        "direct_group_ids": [],
        "disabled": False,
        "group_ids": [],
        "id": entity_id,
        "inherited_group_ids": [],
        "last_update_time": "2026-01-01T00:00:00Z",
        "merged_entity_ids": None,
        "metadata": {"k": "v"},
        "name": "Ann",
        "namespace_id": "root",
        "policies": ["a", "b"],
    }


def test_an_entity_without_a_name_gets_one(vault: World) -> None:
    answer = call(vault, "POST", "identity/entity", {}).data
    assert re.fullmatch(r"entity_[0-9a-f]{8}\.root", answer["name"])
    assert answer["aliases"] is None


def test_vaults_made_up_names_have_no_namespace() -> None:  # from Vault's documentation
    vault = world("vault")
    answer = call(vault, "POST", "identity/entity", {}).data
    assert re.fullmatch(r"entity_[0-9a-f]{8}", answer["name"])
    assert read(vault, answer["id"])["mfa_secrets"] == {}


def test_names_are_found_in_any_case_and_writing_again_updates(vault: World) -> None:
    entity_id = make(vault, "ann", metadata={"k": "v"})
    vault.clock.advance(5)
    assert call(vault, "POST", "identity/entity", {"name": "ANN", "policies": "p1,p2"}).status == 204
    changed = call(vault, "GET", "identity/entity/name/ann").data
    assert (changed["id"], changed["name"], changed["policies"]) == (entity_id, "ANN", ["p1", "p2"])
    assert (changed["metadata"], changed["last_update_time"]) == ({"k": "v"}, "2026-01-01T00:00:05Z")


def test_metadata_set_to_nothing_becomes_null_with_the_next_change(vault: World) -> None:
    entity_id = make(vault, "ann", metadata={})
    assert read(vault, entity_id)["metadata"] == {}
    call(vault, "POST", f"identity/entity/id/{entity_id}", {"disabled": True})
    assert read(vault, entity_id)["metadata"] is None


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"id": "none"}, "entity not found from id"),
        ({"policies": "ROOT"}, "policies cannot contain root"),
    ],
)
def test_what_cannot_be_an_entity_is_refused(vault: World, fields: dict[str, Any], text: str) -> None:
    answer = call(vault, "POST", "identity/entity", fields)
    assert (answer.status, answer.errors) == (400, [text])


@pytest.mark.parametrize(
    ("metadata", "fault"),
    [
        ({"a b": "c"}, 'failed to load metadata pair ("a b", "c"): key contains invalid characters'),
        ({"": "c"}, 'failed to load metadata pair ("", "c"): key cannot be blank'),
        (
            {"vault-x": "c"},
            'failed to load metadata pair ("vault-x", "c"): key prefix "vault-" is reserved for internal use',
        ),
        ({str(number): "c" for number in range(65)}, "metadata cannot contain more than 64 key/value pairs"),
    ],
)
def test_metadata_has_its_limits(vault: World, metadata: dict[str, str], fault: str) -> None:
    answer = call(vault, "POST", "identity/entity", {"metadata": metadata})
    assert answer.status == 500
    assert answer.errors == [f"1 error occurred:\n\t* invalid entity metadata: {fault}\n\n"]


def test_a_name_cannot_be_taken_from_another_entity(vault: World) -> None:
    make(vault, "ann")
    bob = make(vault, "bob")
    answer = call(vault, "POST", f"identity/entity/id/{bob}", {"name": "Ann"})
    assert answer.errors == ["entity name is already in use"]
    assert call(vault, "POST", f"identity/entity/id/{bob}", {"name": "rob"}).status == 204
    assert call(vault, "GET", "identity/entity/name/bob").status == 404


def test_lists_by_id_tell_names_and_lists_by_name_do_not(vault: World) -> None:
    entity_id = make(vault, "ann")
    alias_id = add_alias(vault, "a", entity_id, accessor(vault))
    by_id = call(vault, "LIST", "identity/entity/id").data
    assert by_id["key_info"][entity_id] == {
        "name": "ann",
        "aliases": [
            {
                "id": alias_id,
                "name": "a",
                "mount_accessor": accessor(vault),
                "mount_path": "auth/token/",
                "mount_type": "token",
            }
        ],
    }
    assert call(vault, "LIST", "identity/entity/name").data == {"keys": ["ann"]}


def test_deleting_by_name_id_or_in_a_batch(vault: World) -> None:
    ids = [make(vault, name) for name in ("a", "b", "c", "d")]
    assert call(vault, "DELETE", f"identity/entity/id/{ids[0]}").status == 204
    assert call(vault, "DELETE", "identity/entity/name/b").status == 204
    assert call(vault, "POST", "identity/entity/batch-delete", {"entity_ids": [ids[2], "none"]}).status == 204
    assert call(vault, "LIST", "identity/entity/name").data["keys"] == ["d"]
    assert call(vault, "POST", "identity/entity/batch-delete", {}).errors == ["missing entity ids to delete"]


def test_a_deleted_entity_leaves_its_groups(vault: World) -> None:
    ann = make(vault, "ann")
    call(vault, "POST", "identity/group", {"name": "g", "member_entity_ids": [ann]})
    call(vault, "DELETE", f"identity/entity/id/{ann}")
    group = call(vault, "GET", "identity/group/name/g").data
    assert (group["member_entity_ids"], group["modify_index"]) == ([], 2)


def test_merging_moves_aliases_and_places_in_groups(vault: World) -> None:
    ann, bob = make(vault, "ann", policies="pa"), make(vault, "bob", policies="pb")
    alias_id = add_alias(vault, "b", bob, accessor(vault))
    call(vault, "POST", "identity/group", {"name": "g", "member_entity_ids": [bob]})
    assert merge(vault, ann, bob).status == 204
    merged = read(vault, ann)
    assert (merged["merged_entity_ids"], merged["policies"]) == ([bob], ["pa"])
    assert [(alias["id"], alias["merged_from_canonical_ids"]) for alias in merged["aliases"]] == [(alias_id, [bob])]
    assert call(vault, "GET", f"identity/entity/id/{bob}").status == 404
    assert call(vault, "GET", "identity/group/name/g").data["member_entity_ids"] == [ann]


def test_a_merge_of_aliases_at_one_mount_tells_which_clash(vault: World) -> None:
    ann, bob = make(vault, "ann"), make(vault, "bob")
    mount = accessor(vault)
    first, second = add_alias(vault, "a", ann, mount), add_alias(vault, "b", bob, mount)
    answer = merge(vault, ann, bob)
    assert answer.status == 400
    (text,) = answer.errors
    assert text == (
        "2 errors occurred:\n\t* toEntity and at least one fromEntity have aliases with the same mount accessor, "
        "repeat the merge request specifying exactly one fromEntity, clashes: \n\t* "
        f"mountAccessor: {mount}, toEntity ID: {ann}, fromEntity ID: {bob}, conflicting toEntity alias ID: {first}, "
        f"conflicting fromEntity alias ID: {second}\n\n"
    )
    assert [clash["entity"] for clash in answer.data] == ["ann", "bob"]


def test_a_clash_is_settled_by_naming_the_alias_to_keep(vault: World) -> None:
    ann, bob = make(vault, "ann"), make(vault, "bob")
    first, second = (add_alias(vault, name, owner, accessor(vault)) for name, owner in (("a", ann), ("b", bob)))
    assert merge(vault, ann, bob, conflicting_alias_ids_to_keep=[second]).status == 204
    # The real server leaves the other alias on the entity, but no longer knows it.
    assert [alias["id"] for alias in read(vault, ann)["aliases"]] == [first, second]
    assert call(vault, "LIST", "identity/entity-alias/id").data["keys"] == [second]
    assert call(vault, "GET", f"identity/entity-alias/id/{first}").status == 404


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "missing entity id to merge to"),
        ({"to_entity_id": "x"}, "missing entity ids to merge from"),
        ({"to_entity_id": "x", "from_entity_ids": "y"}, "entity id to merge to is invalid"),
    ],
)
def test_a_merge_that_cannot_be_is_refused(vault: World, fields: dict[str, Any], text: str) -> None:
    assert call(vault, "POST", "identity/entity/merge", fields).errors == [text]


def test_namespaces_do_not_see_each_others_entities(vault: World) -> None:
    call(vault, "POST", "sys/namespaces/team", {})
    headers = {"x-vault-namespace": "team"}
    made = call(vault, "POST", "identity/entity", {"name": "ann"}, headers=headers).data["id"]
    assert re.fullmatch(r"[0-9a-f-]{36}\.[0-9A-Za-z]{6}", made)
    assert call(vault, "GET", f"identity/entity/id/{made}").status == 404
    assert call(vault, "GET", f"identity/entity/id/{made}", headers=headers).data["name"] == "ann"
    assert make(vault, "ann") != made


def test_metadata_sent_as_null_takes_all_away(vault: World) -> None:
    entity_id = make(vault, "a", metadata={"k": "v"})
    call(vault, "POST", f"identity/entity/id/{entity_id}", {"metadata": None})
    assert read(vault, entity_id)["metadata"] is None


def test_the_oldest_path_takes_fields_of_no_effect(vault: World) -> None:
    fields = {"name": "a", "entity_id": "x", "mount_accessor": "y", "policies": "p"}
    made = call(vault, "POST", "identity/persona", fields)
    assert made.warnings == ["Endpoint ignored these unrecognized parameters: [policies]"]
    assert read(vault, made.data["id"])["policies"] == []
