"""The identity store itself: logins, external groups, indexes, and what a restore brings back."""

import msgspec
import pytest
from unit.helpers import START

from sandboxd.vault.clock import NANOSECONDS, Clock
from sandboxd.vault.entropy import Entropy
from sandboxd.vault.framework.backend import Alias
from sandboxd.vault.identity import Entity, EntityAlias, Group, Identity, settled
from sandboxd.vault.storage import Storage


@pytest.fixture
def storage() -> Storage:
    return Storage()


@pytest.fixture
def store(storage: Storage) -> Identity:
    return Identity(storage, Clock(lambda: START * NANOSECONDS), Entropy("tests"), "openbao")


def login(store: Identity, name: str, accessor: str = "m", **metadata: str) -> Entity:
    return store.login(Alias(name=name, metadata=metadata), namespace_id="root", accessor=accessor)


def external(store: Identity, name: str, accessor: str = "m") -> Group:
    group_id = store.new_id("root")
    alias = EntityAlias(id=store.new_id("root"), name=name, canonical_id=group_id, mount_accessor=accessor)
    return store.put_group(Group(id=group_id, name=name, type="external", alias=alias))


def test_the_first_login_makes_an_entity_and_the_next_finds_it(store: Identity) -> None:
    made = login(store, "ann", role="r")
    assert made.aliases[0].metadata == {"role": "r"}
    assert login(store, "ANN").id == made.id
    assert login(store, "ann", accessor="other").id != made.id


def test_a_login_with_other_metadata_changes_the_alias(store: Identity) -> None:
    login(store, "ann", role="r")
    changed = login(store, "ann", role="s")
    assert changed.aliases[0].metadata == {"role": "s"}
    assert login(store, "ann").aliases[0].metadata is None


def test_a_login_joins_the_named_external_groups_and_leaves_the_others_of_its_mount(store: Identity) -> None:
    ann = login(store, "ann")
    devs, ops, elsewhere = external(store, "devs"), external(store, "ops"), external(store, "x", accessor="other")
    store.refresh_external_groups(ann.id, [Alias(name="Devs"), Alias(name="none")], "m")
    store.refresh_external_groups(ann.id, [Alias(name="x")], "other")
    assert {group.id for group in store.groups_of(ann.id)} == {devs.id, elsewhere.id}
    store.refresh_external_groups(ann.id, [Alias(name="ops")], "m")
    assert {group.id for group in store.groups_of(ann.id)} == {ops.id, elsewhere.id}


def test_policies_come_from_the_entity_and_from_groups_at_any_depth(store: Identity) -> None:
    ann = msgspec.structs.replace(login(store, "ann"), policies=("pe",))
    store.put_entity(ann)
    store.put_group(Group(id="top", name="top", policies=("pt",)))
    store.put_group(Group(id="g", name="g", policies=("pg",), member_entity_ids=(ann.id,), parent_group_ids=("top",)))
    assert store.policies(ann) == {"root": ("pe", "pg", "pt")}


def test_groups_that_name_each_other_as_parents_end(store: Identity) -> None:
    store.put_group(Group(id="a", name="a", member_entity_ids=("e",), parent_group_ids=("b",)))
    store.put_group(Group(id="b", name="b", parent_group_ids=("a",)))
    assert [group.id for group in store.groups_of("e")] == ["a", "b"]


def test_each_time_a_group_is_kept_counts(store: Identity) -> None:
    group = store.put_group(Group(id="g", name="g"))
    assert store.put_group(group).modify_index == 2


def test_an_entity_that_was_merged_is_found_by_its_old_id(store: Identity) -> None:
    ann = msgspec.structs.replace(login(store, "ann"), merged_entity_ids=("gone",))
    store.put_entity(ann)
    found = store.entity("gone")
    assert found is not None
    assert found.id == ann.id
    assert store.entity_by_id("root", "gone") is None


def test_what_was_set_to_nothing_is_forgotten_when_settled() -> None:
    alias = EntityAlias(id="a", name="a", canonical_id="e", mount_accessor="m", custom_metadata={})
    entity = settled(Entity(id="e", name="e", metadata={}, aliases=(alias,)))
    assert entity.metadata is None
    assert entity.aliases[0].custom_metadata is None
    assert entity.policies == ()


def test_a_restore_brings_the_indexes_back(store: Identity, storage: Storage) -> None:
    ann = login(store, "ann")
    snapshot = storage.snapshot()
    login(store, "bob")
    external(store, "devs")
    storage.restore(snapshot)
    store.reload()
    assert store.entity_of_alias("m", "bob") is None
    assert store.group_of_alias("m", "devs") is None
    found = store.entity_of_alias("m", "ann")
    assert found is not None
    assert found.id == ann.id


def test_clearing_a_namespace_leaves_the_others(store: Identity) -> None:
    ann = login(store, "ann")
    store.put_entity(Entity(id="e.ns", name="e", namespace_id="ns"))
    store.put_group(Group(id="g.ns", name="g", namespace_id="ns"))
    store.clear("ns")
    assert store.entities() == [ann]
    assert store.groups() == []
