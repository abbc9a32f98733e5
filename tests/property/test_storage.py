"""Storage behaves as a plain map whose lists are computed anew each time."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sandboxd.vault.storage import Storage

# "/" and empty segments are names like any other.
segments = st.sampled_from(["a", "b", "ab", "é", "", "a b"])
paths = st.lists(segments, min_size=1, max_size=4).map("/".join).filter(lambda path: path and not path.endswith("/"))
folders = st.lists(segments, max_size=3).map(lambda parts: "".join(f"{part}/" for part in parts))


def listed(values: dict[str, object], folder: str) -> list[str]:
    """The entries of a folder, by looking at every key."""
    found = set()
    for path in values:
        if path.startswith(folder):
            name, slash, _ = path[len(folder) :].partition("/")
            # A folder may be called "/": its name is empty.
            found.add(name + slash)
    return sorted(found)


class Disk:
    """Keeps what is committed, unless it is full."""

    def __init__(self) -> None:
        self.kept: dict[str, object] = {}
        self.full = False

    def commit(self, batch: dict[str, object]) -> None:
        if self.full:
            raise OSError("full")
        for path, value in batch.items():
            if value is None:
                self.kept.pop(path, None)
            else:
                self.kept[path] = value


class Model(RuleBasedStateMachine):
    """A storage on a disk, beside a plain map of what it should hold."""

    def __init__(self) -> None:
        super().__init__()
        self.disk = Disk()
        self.storage = Storage(self.disk)
        self.values: dict[str, object] = {}
        self.committed: dict[str, object] = {}
        self.snapshots: list[tuple[object, dict[str, object]]] = []

    @rule(path=paths, value=st.integers())
    def put(self, path: str, value: int) -> None:
        self.storage.put(path, value)
        self.values[path] = value

    @rule(path=paths)
    def delete(self, path: str) -> None:
        self.storage.delete(path)
        self.values.pop(path, None)

    @rule(folder=folders)
    def clear(self, folder: str) -> None:
        self.storage.clear(folder)
        self.values = {path: value for path, value in self.values.items() if not path.startswith(folder)}

    @rule()
    def snapshot(self) -> None:
        self.snapshots.append((self.storage.snapshot(), dict(self.values)))

    @precondition(lambda self: self.snapshots)
    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        snapshot, values = data.draw(st.sampled_from(self.snapshots))
        self.storage.restore(snapshot)
        self.values = dict(values)

    @rule()
    def commit(self) -> None:
        self.storage.commit()
        self.committed = dict(self.values)
        assert self.disk.kept == self.values

    @rule()
    def fail_to_commit(self) -> None:
        self.disk.full = True
        changed = self.values != self.committed
        try:
            self.storage.commit()
        except OSError:
            self.values = dict(self.committed)
        else:
            assert not changed
        self.disk.full = False

    @rule(folder=folders)
    def look(self, folder: str) -> None:
        below = {path for path in self.values if path.startswith(folder)}
        assert self.storage.list(folder) == listed(self.values, folder)
        assert self.storage.count(folder) == len(below)
        walked = list(self.storage.walk(folder))
        assert len(walked) == len(below)
        assert set(walked) == below

    @invariant()
    def holds_the_same(self) -> None:
        assert self.storage._values == self.values
        assert len(self.storage) == len(self.values)

    @invariant()
    def has_an_index_that_is_right(self) -> None:
        fresh = Storage()
        fresh.load(self.values)
        assert self.storage._children == fresh._children
        assert all(names and all(count > 0 for count in names.values()) for names in fresh._children.values())


TestStorage = Model.TestCase
TestStorage.settings = settings(max_examples=60, stateful_step_count=40, deadline=None, derandomize=True)
