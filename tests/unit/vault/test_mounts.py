"""The mount tables: which mount answers for a path, and what changes of a mount."""

import msgspec
import pytest
from unit.helpers import world

from sandboxd.vault.mounts import MountEntry
from sandboxd.vault.namespaces import ROOT
from sandboxd.vault.world import World


@pytest.fixture
def vault() -> World:
    return world()


def entry(vault: World, path: str) -> MountEntry:
    return MountEntry(
        table="mounts",
        path=path,
        type="kv",
        uuid=vault.entropy.uuid(),
        accessor=vault.mounts.new_accessor("mounts", "kv"),
        namespace_id=ROOT.id,
        options={"version": "1"},
    )


@pytest.mark.parametrize(
    ("path", "route", "rest"),
    [
        ("secret/a/b", "secret/", "a/b"),
        ("secret/", "secret/", ""),
        ("secret", "secret/", ""),
        ("auth/token/create", "auth/token/", "create"),
    ],
)
def test_a_path_finds_its_mount_and_the_rest(vault: World, path: str, route: str, rest: str) -> None:
    found = vault.mounts.find(ROOT, path)
    assert found is not None
    assert (found[0].mount.path, found[1]) == (route, rest)


@pytest.mark.parametrize("path", ["none/a", "secrets/a", "auth/none", ""])
def test_a_path_of_no_mount_finds_none(vault: World, path: str) -> None:
    assert vault.mounts.find(ROOT, path) is None


def test_a_tuned_mount_has_its_own_times(vault: World) -> None:
    made = vault.mounts.add(ROOT, entry(vault, "x/"))
    config = msgspec.structs.replace(made.entry.config, default_lease_ttl=60)
    changed = vault.mounts.change(ROOT, msgspec.structs.replace(made.entry, config=config))
    assert changed.mount.bounds.default_ttl == 60
    assert changed.mount.bounds.max_ttl == vault.mounts.bounds.max_ttl


def test_a_moved_mount_keeps_its_storage(vault: World) -> None:
    made = vault.mounts.add(ROOT, entry(vault, "x/"))
    made.view.put("a", made.entry)
    moved = vault.mounts.move(ROOT, ROOT, made.entry, "y/")
    assert vault.mounts.at(ROOT, "x/") is None
    assert moved.view.get("a") == made.entry
    assert moved.entry.accessor == made.entry.accessor


def test_a_removed_mount_leaves_nothing(vault: World) -> None:
    made = vault.mounts.add(ROOT, entry(vault, "x/"))
    made.view.put("a", made.entry)
    before = len(vault.storage)
    vault.mounts.remove(ROOT, made.entry)
    assert vault.mounts.by_accessor(made.entry.accessor) is None
    assert len(vault.storage) == before - 2


def test_a_restore_brings_the_tables_back(vault: World) -> None:
    snapshot = vault.snapshot()
    vault.mounts.add(ROOT, entry(vault, "x/"))
    vault.restore(snapshot)
    assert vault.mounts.at(ROOT, "x/") is None
    assert vault.mounts.at(ROOT, "secret/") is not None
