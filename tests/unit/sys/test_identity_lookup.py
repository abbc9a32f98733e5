"""`identity/lookup`. Expected answers are those of a running OpenBao 2.7.2."""

from typing import Any

import pytest
from unit.helpers import call, world

from sandboxd.vault.world import World


@pytest.fixture
def vault() -> World:
    return world()


@pytest.mark.parametrize("kind", ["entity", "group"])
@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "query parameter not supplied"),
        ({"id": "x", "name": "y"}, "query parameter conflict; please supply distinct set of query parameters"),
        ({"alias_name": "x"}, "both 'alias_name' and 'alias_mount_accessor' needs to be set"),
    ],
)
def test_what_is_known_must_be_enough_and_not_too_much(
    vault: World, kind: str, fields: dict[str, Any], text: str
) -> None:
    answer = call(vault, "POST", f"identity/lookup/{kind}", fields)
    assert (answer.status, answer.errors) == (400, [text])


@pytest.mark.parametrize("kind", ["entity", "group"])
def test_what_is_not_there_is_answered_with_nothing(vault: World, kind: str) -> None:
    assert call(vault, "POST", f"identity/lookup/{kind}", {"name": "none"}).status == 204


def test_an_entity_is_found_by_all_that_is_known_of_it(vault: World) -> None:
    mount = call(vault, "GET", "sys/auth/token").data["accessor"]
    alias = call(vault, "POST", "identity/entity-alias", {"name": "a", "mount_accessor": mount}).data
    name = call(vault, "GET", f"identity/entity/id/{alias['canonical_id']}").data["name"]
    known = (
        {"id": alias["canonical_id"]},
        {"name": name.upper()},
        {"alias_id": alias["id"]},
        {"alias_name": "A", "alias_mount_accessor": mount},
    )
    found = [call(vault, "POST", "identity/lookup/entity", fields).data["id"] for fields in known]
    assert set(found) == {alias["canonical_id"]}


def test_a_group_is_found_by_all_that_is_known_of_it(vault: World) -> None:
    mount = call(vault, "GET", "sys/auth/token").data["accessor"]
    alias = call(vault, "POST", "identity/group-alias", {"name": "a", "mount_accessor": mount}).data
    name = call(vault, "GET", f"identity/group/id/{alias['canonical_id']}").data["name"]
    known = (
        {"id": alias["canonical_id"]},
        {"name": name.upper()},
        {"alias_id": alias["id"]},
        {"alias_name": "A", "alias_mount_accessor": mount},
    )
    found = [call(vault, "POST", "identity/lookup/group", fields).data["id"] for fields in known]
    assert set(found) == {alias["canonical_id"]}
