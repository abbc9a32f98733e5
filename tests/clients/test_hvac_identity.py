"""hvac, unmodified: entities, groups and aliases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hvac import exceptions

if TYPE_CHECKING:
    import hvac


@pytest.fixture
def accessor(vault: hvac.Client, path: str) -> str:
    """The accessor of a userpass mount of the test's own."""
    vault.sys.enable_auth_method("userpass", path=path)
    found: str = vault.sys.list_auth_methods()["data"][f"{path}/"]["accessor"]
    return found


def test_an_entity_is_created_read_changed_and_deleted(vault: hvac.Client, path: str) -> None:
    identity = vault.secrets.identity
    made = identity.create_or_update_entity(path, metadata={"team": "a"}, policies=["p"])["data"]
    assert identity.read_entity(made["id"])["data"]["metadata"] == {"team": "a"}
    identity.update_entity(made["id"], name=path, policies=["q"], disabled=True)
    data = identity.read_entity_by_name(path)["data"]
    assert (data["policies"], data["disabled"]) == (["q"], True)
    assert made["id"] in identity.list_entities()["data"]["keys"]
    assert path in identity.list_entities_by_name()["data"]["keys"]
    assert identity.lookup_entity(name=path)["data"]["id"] == made["id"]
    identity.delete_entity(made["id"])
    with pytest.raises(exceptions.InvalidPath):
        identity.read_entity(made["id"])
    identity.create_or_update_entity_by_name(path)
    identity.delete_entity_by_name(path)


def test_an_alias_ties_a_login_to_an_entity(vault: hvac.Client, path: str, accessor: str) -> None:
    identity = vault.secrets.identity
    entity = identity.create_or_update_entity(path)["data"]["id"]
    alias = identity.create_or_update_entity_alias("ann", entity, accessor)["data"]["id"]
    assert identity.read_entity_alias(alias)["data"]["canonical_id"] == entity
    assert alias in identity.list_entity_aliases()["data"]["keys"]
    vault.auth.userpass.create_or_update_user("ann", password="pw", mount_point=path)
    auth = vault.auth.userpass.login("ann", "pw", use_token=False, mount_point=path)["auth"]
    assert auth["entity_id"] == entity
    found = identity.lookup_entity(alias_name="ann", alias_mount_accessor=accessor)["data"]
    assert found["id"] == entity
    identity.update_entity_alias(alias, "bob", entity, accessor)
    identity.delete_entity_alias(alias)
    with pytest.raises(exceptions.InvalidPath):
        identity.read_entity_alias(alias)


def test_groups_and_their_aliases(vault: hvac.Client, path: str, accessor: str) -> None:
    identity = vault.secrets.identity
    entity = identity.create_or_update_entity(path)["data"]["id"]
    group = identity.create_or_update_group(path, policies=["p"], member_entity_ids=[entity])["data"]["id"]
    assert identity.read_group(group)["data"]["member_entity_ids"] == [entity]
    assert identity.read_entity(entity)["data"]["direct_group_ids"] == [group]
    identity.update_group(group, path, metadata={"k": "v"})
    assert identity.read_group_by_name(path)["data"]["metadata"] == {"k": "v"}
    assert group in identity.list_groups()["data"]["keys"]
    assert path in identity.list_groups_by_name()["data"]["keys"]
    outer = identity.create_or_update_group(f"{path}-x", group_type="external")["data"]["id"]
    alias = identity.create_or_update_group_alias("g", mount_accessor=accessor, canonical_id=outer)["data"]["id"]
    assert identity.read_group_alias(alias)["data"]["name"] == "g"
    assert identity.lookup_group(alias_id=alias)["data"]["id"] == outer
    assert alias in identity.list_group_aliases()["data"]["keys"]
    identity.delete_group_alias(alias)
    identity.delete_group(group)
    with pytest.raises(exceptions.InvalidPath):
        identity.read_group(group)
    identity.delete_group_by_name(f"{path}-x")


def test_entities_are_merged(vault: hvac.Client, path: str) -> None:
    identity = vault.secrets.identity
    first = identity.create_or_update_entity(f"{path}-1")["data"]["id"]
    second = identity.create_or_update_entity(f"{path}-2", policies=["p"])["data"]["id"]
    identity.merge_entities([second], first)
    assert identity.read_entity(first)["data"]["merged_entity_ids"] == [second]
    assert identity.lookup_entity(name=f"{path}-2") is not None


def test_wrong_members_are_refused(vault: hvac.Client, path: str) -> None:
    with pytest.raises(exceptions.InternalServerError, match='invalid entity ID "none"'):
        vault.secrets.identity.create_or_update_group(path, member_entity_ids=["none"])
