"""What engines see of storage; tests/property/test_storage.py holds it to a plain map."""

import pytest

from sandboxd.vault.storage import Storage, View


@pytest.fixture
def storage():
    made = Storage()
    for path in ("a/x", "a/y/1", "a/y/2", "b"):
        made.put(path, path.upper())
    return made


def test_a_list_has_entries_and_folders_in_order(storage):
    assert storage.list("") == ["a/", "b"]
    assert storage.list("a/") == ["x", "y/"]
    assert storage.list("a/y/") == ["1", "2"]
    assert storage.list("nowhere/") == []


def test_a_walk_finds_every_key_below(storage):
    assert list(storage.walk("a/")) == ["a/x", "a/y/1", "a/y/2"]


def test_keys_may_go_away_during_a_walk(storage):
    for path in storage.walk("a/"):
        storage.delete(path)
    assert storage.list("") == ["b"]


def test_counts_are_of_all_depths(storage):
    assert (storage.count(""), storage.count("a/"), storage.count("a/y/"), storage.count("c/")) == (4, 3, 2, 0)


def test_a_folder_goes_away_with_its_last_entry(storage):
    storage.clear("a/y/")
    assert storage.list("a/") == ["x"]
    storage.delete("a/x")
    assert storage.list("") == ["b"]
    storage.delete("a/x")


def test_a_name_may_be_an_entry_and_a_folder(storage):
    storage.put("a/y", 1)
    assert storage.list("a/") == ["x", "y", "y/"]
    storage.delete("a/y")
    assert storage.list("a/") == ["x", "y/"]


@pytest.mark.parametrize(("path", "value"), [("", 1), ("a/", 1), ("a", None)])
def test_a_value_needs_a_path_and_a_path_a_value(storage, path, value):
    with pytest.raises(ValueError, match="a value needs a path"):
        storage.put(path, value)


def test_a_snapshot_is_not_touched_by_what_comes_after(storage):
    before = storage.snapshot()
    storage.put("a/x", "changed")
    storage.put("new/key", 1)
    storage.delete("b")
    storage.restore(before)
    assert storage.get("a/x") == "A/X"
    assert storage.list("") == ["a/", "b"]
    storage.put("b", "again")
    storage.restore(before)
    assert storage.get("b") == "B"


def test_a_list_that_was_handed_out_is_the_callers(storage):
    view = View(storage, "a/")
    view.list().clear()
    assert view.list() == ["x", "y/"]


def test_a_view_sees_its_part_alone(storage):
    view = View(storage, "a/")
    view.put("z", "Z")
    assert storage.get("a/z") == "Z"
    assert view.get("b") is None
    assert list(view.walk()) == ["x", "y/1", "y/2", "z"]
    assert view.below("y/").list() == ["1", "2"]
    assert (view.count(), view.count("y/")) == (4, 2)
    view.clear()
    assert storage.list("") == ["b"]


def test_a_value_of_another_kind_is_a_mistake_and_not_shown(storage):
    view = View(storage, "a/")
    assert view.get("x", str) == "A/X"
    assert view.get("nowhere", int) is None
    with pytest.raises(TypeError, match="a/x holds a str, not a int"):
        view.get("x", int)


class Disk:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.batches: list[dict[str, object]] = []

    def commit(self, batch: dict[str, object]) -> None:
        self.batches.append(batch)


def test_a_commit_tells_once_of_each_key_that_changed():
    disk = Disk()
    storage = Storage(disk)
    storage.put("a", 1)
    storage.put("a", 2)
    storage.put("b", 1)
    storage.delete("b")
    storage.commit()
    storage.commit()
    assert disk.batches == [{"a": 2, "b": None}]


def test_what_was_loaded_is_not_told_again():
    disk = Disk()
    storage = Storage(disk)
    storage.load({"a": 1})
    storage.commit()
    assert disk.batches == []
    assert storage.get("a") == 1


def test_a_watcher_is_told_of_each_write_of_its_kinds():
    storage, told = Storage(), []
    storage.watch((int,), lambda *change: told.append(change))
    first, second = 1, 2
    storage.put("a", first)
    storage.put("b", "B")
    storage.put("a", second)
    storage.delete("a")
    storage.delete("a")
    storage.delete("b")
    assert told == [("a", None, first), ("a", first, second), ("a", second, None)]


def test_a_watcher_is_not_told_of_what_comes_back():
    class Full:
        def commit(self, batch):
            raise OSError("no space left")

    storage, told = Storage(Full()), []
    before = storage.snapshot()
    storage.watch((int,), lambda *change: told.append(change))
    storage.put("a", 1)
    with pytest.raises(OSError, match="no space left"):
        storage.commit()
    storage.restore(before)
    assert told == [("a", None, 1)]


def test_a_follower_is_told_of_each_write_and_of_what_comes_back():
    storage, told = Storage(), []
    storage.put("a", 1)
    before = storage.snapshot()
    end = storage.follow(lambda *change: told.append(change))
    storage.put("a", 2)
    storage.put("b", "B")
    storage.delete("b")
    storage.delete("b")
    storage.restore(before)
    assert told == [("a", 1, 2), ("b", None, "B"), ("b", "B", None), ("a", 2, 1)]
    end()
    storage.put("a", 3)
    assert len(told) == 4


def test_a_follower_is_told_of_what_could_not_be_kept():
    class Full:
        def commit(self, batch):
            raise OSError("no space left")

    storage, told = Storage(Full()), []
    storage.follow(lambda *change: told.append(change))
    storage.put("a", 1)
    with pytest.raises(OSError, match="no space left"):
        storage.commit()
    assert told == [("a", None, 1), ("a", 1, None)]
