"""`identity/group` and `identity/group-alias`. Expected answers are those of a running OpenBao 2.7.2."""

from typing import Any

import pytest
from unit.helpers import Reply, call, world

from sandboxd.vault.world import World


@pytest.fixture
def vault() -> World:
    return world()


@pytest.fixture
def mount(vault: World) -> str:
    found: str = call(vault, "GET", "sys/auth/token").data["accessor"]
    return found


def make(vault: World, name: str, **fields: Any) -> str:
    made: str = call(vault, "POST", "identity/group", {"name": name, **fields}).data["id"]
    return made


def change(vault: World, group_id: str, **fields: Any) -> Reply:
    return call(vault, "POST", f"identity/group/id/{group_id}", fields)


def read(vault: World, group_id: str) -> Any:
    return call(vault, "GET", f"identity/group/id/{group_id}").data


def entity(vault: World, name: str) -> str:
    made: str = call(vault, "POST", "identity/entity", {"name": name}).data["id"]
    return made


def alias(vault: World, **fields: Any) -> Reply:
    return call(vault, "POST", "identity/group-alias", fields)


def test_a_new_group_is_read_back_whole(vault: World) -> None:
    group_id = make(vault, "g", policies=["X", "y"])
    assert read(vault, group_id) == {
        "alias": {},
        "creation_time": "2026-01-01T00:00:00Z",
        "id": group_id,
        "last_update_time": "2026-01-01T00:00:00Z",
        "member_entity_ids": None,
        "member_group_ids": None,
        "metadata": None,
        "modify_index": 1,
        "name": "g",
        "namespace_id": "root",
        "parent_group_ids": None,
        "policies": ["x", "y"],
        "type": "internal",
    }


def test_writing_again_updates_and_counts(vault: World) -> None:
    ann = entity(vault, "ann")
    group_id = make(vault, "g", member_entity_ids=[ann, ann])
    assert call(vault, "POST", "identity/group", {"name": "G", "policies": "p"}).status == 204
    group = read(vault, group_id)
    assert (group["name"], group["member_entity_ids"], group["modify_index"]) == ("G", [ann], 2)


def test_members_inherit_through_groups(vault: World) -> None:
    ann = entity(vault, "ann")
    inner = make(vault, "inner", member_entity_ids=[ann])
    outer = make(vault, "outer", member_group_ids=[inner])
    shown = call(vault, "GET", f"identity/entity/id/{ann}").data
    assert (shown["direct_group_ids"], shown["inherited_group_ids"]) == ([inner], [outer])
    assert read(vault, inner)["parent_group_ids"] == [outer]
    assert read(vault, outer)["member_group_ids"] == [inner]
    change(vault, outer, member_group_ids=[])
    assert read(vault, outer)["member_group_ids"] is None
    assert read(vault, inner)["parent_group_ids"] == []


def test_circles_are_refused(vault: World) -> None:
    inner = make(vault, "inner")
    outer = make(vault, "outer", member_group_ids=[inner])
    circle = change(vault, inner, member_group_ids=[outer])
    assert circle.errors == [f'cyclic relationship detected for member group ID "{outer}"']
    own = change(vault, inner, member_group_ids=[inner])
    assert own.status == 500
    assert f'member group ID "{inner}" is same as the ID of the group' in own.errors[0]


def test_a_deleted_group_is_still_named_by_its_members(vault: World) -> None:
    inner = make(vault, "inner")
    outer = make(vault, "outer", member_group_ids=[inner])
    assert call(vault, "DELETE", "identity/group/name/outer").status == 204
    assert read(vault, inner)["parent_group_ids"] == [outer]


@pytest.mark.parametrize(
    ("fields", "status", "text"),
    [
        ({"name": ""}, 400, "empty group name"),
        ({"id": ""}, 400, "empty group ID"),
        ({"id": "none"}, 400, "invalid group ID"),
        ({"name": "g", "type": "zz"}, 400, 'invalid group type "zz"'),
        ({"name": "g", "policies": "root"}, 400, "policies cannot contain root"),
        (
            {"name": "g", "type": "external", "member_entity_ids": "x"},
            400,
            "member entities can't be set manually for external groups",
        ),
        ({"name": "g", "member_entity_ids": "x"}, 500, '1 error occurred:\n\t* invalid entity ID "x"\n\n'),
        ({"name": "g", "member_group_ids": "x"}, 500, '1 error occurred:\n\t* invalid member group ID "x"\n\n'),
    ],
)
def test_what_cannot_be_a_group_is_refused(vault: World, fields: dict[str, Any], status: int, text: str) -> None:
    answer = call(vault, "POST", "identity/group", fields)
    assert (answer.status, answer.errors) == (status, [text])


def test_type_and_foreign_names_cannot_be_taken(vault: World) -> None:
    group_id = make(vault, "g")
    make(vault, "other")
    assert change(vault, group_id, type="external").errors == ["group type cannot be changed"]
    assert change(vault, group_id, name="Other").errors == ["group name is already in use"]


def test_lists_count_members_and_parents(vault: World) -> None:
    inner = make(vault, "inner", member_entity_ids=[entity(vault, "ann")])
    make(vault, "outer", member_group_ids=[inner])
    info = call(vault, "LIST", "identity/group/id").data["key_info"][inner]
    assert info == {"name": "inner", "num_member_entities": 1, "num_parent_groups": 1}
    assert sorted(call(vault, "LIST", "identity/group/name").data["keys"]) == ["inner", "outer"]


def test_an_alias_belongs_to_an_external_group(vault: World, mount: str) -> None:
    internal, external = make(vault, "i"), make(vault, "e", type="external")
    refused = alias(vault, name="devs", mount_accessor=mount, canonical_id=internal)
    assert refused.errors == ["alias can't be set on an internal group"]
    made = alias(vault, name="devs", mount_accessor=mount, canonical_id=external).data
    assert made["canonical_id"] == external
    assert read(vault, external)["alias"]["mount_path"] == "auth/token/"
    shown = call(vault, "GET", f"identity/group-alias/id/{made['id']}").data
    assert (shown["name"], shown["custom_metadata"]) == ("devs", None)


def test_an_alias_without_a_group_makes_one(vault: World, mount: str) -> None:
    made = alias(vault, name="devs", mount_accessor=mount).data
    assert read(vault, made["canonical_id"])["type"] == "external"


def test_an_alias_moves_to_another_group_and_goes(vault: World, mount: str) -> None:
    made = alias(vault, name="devs", mount_accessor=mount).data
    other = make(vault, "e", type="external")
    moved = alias(vault, id=made["id"], name="devs", mount_accessor=mount, canonical_id=other).data
    assert moved == {"id": made["id"], "canonical_id": other}
    assert read(vault, made["canonical_id"])["alias"] == {}
    assert call(vault, "DELETE", f"identity/group-alias/id/{made['id']}").status == 204
    assert read(vault, other)["alias"] == {}


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "missing alias name"),
        ({"name": "x"}, "missing mount_accessor"),
        ({"name": "x", "mount_accessor": "none"}, 'invalid mount accessor "none"'),
        ({"id": "none", "name": "x", "mount_accessor": "y"}, "invalid group alias ID"),
    ],
)
def test_what_cannot_be_an_alias_is_refused(vault: World, fields: dict[str, Any], text: str) -> None:
    assert alias(vault, **fields).errors == [text]


def test_the_name_of_an_alias_is_taken_once_at_a_mount(vault: World, mount: str) -> None:
    alias(vault, name="devs", mount_accessor=mount)
    again = alias(vault, name="DEVS", mount_accessor=mount)
    assert again.errors == ["combination of mount and group alias name is already in use"]
