from __future__ import annotations

from unit.helpers import world

from sandboxd.vault.writes import count_all, writes_of


def test_writes_are_counted_while_somebody_follows():
    made, told = world(), []
    writes = writes_of(made)
    begun = writes.index
    made.storage.put("x", 1)
    assert writes.index == begun
    end = writes.follow(lambda *write: told.append(write))
    made.storage.put("x", 2)
    made.storage.delete("x")
    assert told == [(begun + 1, "x", 2), (begun + 2, "x", None)]
    end()
    end()
    made.storage.put("x", 3)
    assert writes.index == begun + 2


def test_each_follower_ends_by_itself():
    made, first, second = world(), [], []
    end = writes_of(made).follow(lambda *write: first.append(write))
    writes_of(made).follow(lambda *write: second.append(write))
    made.storage.put("x", 1)
    end()
    made.storage.put("x", 2)
    assert (len(first), len(second)) == (1, 2)


def test_a_world_has_one_count():
    made = world()
    writes = count_all(made)
    made.storage.put("x", 1)
    assert writes_of(made) is writes is made.writes
    assert len(writes.key) == 32


def test_nobody_counts_unless_asked_to():
    assert world().writes is None
