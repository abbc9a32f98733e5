"""`identity/entity-alias`. Expected answers are those of a running OpenBao 2.7.2."""

from typing import Any

import pytest
from unit.helpers import Reply, call, world

from sandboxd.vault.world import World

ALIAS = "identity/entity-alias"


@pytest.fixture
def vault() -> World:
    return world()


@pytest.fixture
def mount(vault: World) -> str:
    found: str = call(vault, "GET", "sys/auth/token").data["accessor"]
    return found


def write(vault: World, **fields: Any) -> Reply:
    return call(vault, "POST", ALIAS, fields)


def test_an_alias_without_an_entity_makes_one(vault: World, mount: str) -> None:
    made = write(vault, name="ann", mount_accessor=mount).data
    shown = call(vault, "GET", f"{ALIAS}/id/{made['id']}").data
    assert shown == {
        "canonical_id": made["canonical_id"],
        "creation_time": "2026-01-01T00:00:00Z",
        "custom_metadata": {},
        "id": made["id"],
        "last_update_time": "2026-01-01T00:00:00Z",
        "local": False,
        "merged_from_canonical_ids": None,
        "metadata": None,
        "mount_accessor": mount,
        "mount_path": "auth/token/",
        "mount_type": "token",
        "name": "ann",
        "namespace_id": "root",
    }
    assert call(vault, "GET", f"identity/entity/id/{made['canonical_id']}").data["aliases"][0]["id"] == made["id"]


def test_writing_the_same_again_changes_nothing(vault: World, mount: str) -> None:
    made = write(vault, name="ann", mount_accessor=mount).data
    assert write(vault, name="ann", mount_accessor=mount).status == 204
    assert write(vault, id=made["id"]).status == 204


def test_name_and_metadata_can_be_changed_by_id_and_by_factors(vault: World, mount: str) -> None:
    made = write(vault, name="ann", mount_accessor=mount).data
    assert write(vault, id=made["id"], name="bob").data == made
    assert write(vault, name="BOB", mount_accessor=mount, custom_metadata={"k": "v"}).data == made
    shown = call(vault, "GET", f"{ALIAS}/id/{made['id']}").data
    assert (shown["name"], shown["custom_metadata"]) == ("BOB", {"k": "v"})


def test_an_alias_moves_to_another_entity(vault: World, mount: str) -> None:
    made = write(vault, name="ann", mount_accessor=mount).data
    other = call(vault, "POST", "identity/entity", {"name": "other"}).data["id"]
    moved = write(vault, id=made["id"], canonical_id=other).data
    assert moved == {"id": made["id"], "canonical_id": other}
    assert call(vault, "GET", f"identity/entity/id/{made['canonical_id']}").data["aliases"] == []


def test_an_entity_has_one_alias_at_a_mount(vault: World, mount: str) -> None:
    made = write(vault, name="ann", mount_accessor=mount).data
    answer = write(vault, name="bob", mount_accessor=mount, canonical_id=made["canonical_id"])
    assert answer.errors == ["Alias already exists for requested entity and mount accessor"]
    bob = write(vault, name="bob", mount_accessor=mount).data
    answer = write(vault, id=bob["id"], canonical_id=made["canonical_id"])
    assert answer.errors == ["Alias cannot be updated as the given entity already has an alias for this mount "]
    answer = write(vault, id=bob["id"], name="Ann")
    assert answer.errors == ["alias with combination of mount accessor and name already exists"]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "'id' or 'mount_accessor' and 'name' must be provided"),
        ({"name": "ann", "mount_accessor": "none"}, 'invalid mount accessor "none"'),
        ({"id": "none", "name": "ann"}, "invalid alias ID provided"),
    ],
)
def test_what_cannot_be_an_alias_is_refused(vault: World, fields: dict[str, Any], text: str) -> None:
    answer = write(vault, **fields)
    assert (answer.status, answer.errors) == (400, [text])


def test_custom_metadata_has_its_limits(vault: World, mount: str) -> None:
    answer = write(vault, name="ann", mount_accessor=mount, custom_metadata={"k": ""})
    assert answer.status == 500
    (text,) = answer.errors
    fault = 'custom_metadata validation failed: length of value for key "k" is 0 but must be 0 < len(value) <= 512'
    assert text == f"1 error occurred:\n\t* {fault}\n\n"


def test_deleting_an_alias_leaves_its_entity(vault: World, mount: str) -> None:
    made = write(vault, name="ann", mount_accessor=mount).data
    assert call(vault, "DELETE", f"{ALIAS}/id/{made['id']}").status == 204
    assert call(vault, "GET", f"{ALIAS}/id/{made['id']}").status == 404
    assert call(vault, "GET", f"identity/entity/id/{made['canonical_id']}").data["aliases"] == []
    assert call(vault, "LIST", f"{ALIAS}/id").status == 404


def test_the_older_spellings_answer_as_well(vault: World, mount: str) -> None:
    made = call(vault, "POST", "identity/alias", {"name": "ann", "mount_accessor": mount}).data
    for spelling in ("alias", "persona"):
        assert call(vault, "GET", f"identity/{spelling}/id/{made['id']}").data["name"] == "ann"
        assert call(vault, "LIST", f"identity/{spelling}/id").data["keys"] == [made["id"]]


def test_an_alias_of_a_mount_in_another_namespace_is_refused(vault: World, mount: str) -> None:
    call(vault, "POST", "sys/namespaces/team", {})
    answer = call(vault, "POST", ALIAS, {"name": "a", "mount_accessor": mount}, headers={"x-vault-namespace": "team"})
    assert (answer.status, answer.errors) == (403, ["matching mount is in a different namespace than request"])
