from collections import Counter

import pytest

from sandboxd.vault.entropy import BASE62, Entropy


def test_a_seed_makes_every_value_repeatable():
    first, second = Entropy("seed"), Entropy("seed")
    assert first.seeded
    for make in (lambda e: e.bytes(7), lambda e: e.uuid(), lambda e: e.text(30), lambda e: e.below(1000)):
        assert make(first) == make(second)


def test_text_and_bytes_are_the_same_seed():
    assert Entropy("seed").bytes(32) == Entropy(b"seed").bytes(32)


def test_other_seeds_give_other_values():
    assert Entropy("a").bytes(16) != Entropy("b").bytes(16)


def test_the_stream_does_not_depend_on_how_it_is_cut():
    whole = Entropy("seed").bytes(100)
    pieces = Entropy("seed")
    assert b"".join(pieces.bytes(size) for size in (0, 1, 31, 33, 35)) == whole


def test_without_a_seed_nothing_repeats():
    entropy = Entropy()
    assert not entropy.seeded
    assert len({entropy.bytes(16) for _ in range(1000)}) == 1000
    assert len(entropy.bytes(10_000)) == 10_000


def test_a_fork_is_a_stream_of_its_own_that_the_parent_does_not_disturb():
    parent = Entropy("seed")
    early = parent.fork("a").bytes(16)
    parent.bytes(100)
    assert parent.fork("a").bytes(16) == early
    assert parent.fork("b").bytes(16) != early
    assert parent.bytes(16) != early
    assert not Entropy().fork("a").seeded


@pytest.mark.parametrize("limit", [1, 2, 10, 62, 255, 256, 257, 70_000])
def test_a_number_is_below_its_limit(limit):
    entropy = Entropy("seed")
    assert all(0 <= entropy.below(limit) < limit for _ in range(200))


def test_numbers_are_even():
    entropy = Entropy("seed")
    counts = Counter(entropy.below(10) for _ in range(10_000))
    assert set(counts) == set(range(10))
    assert all(850 < count < 1150 for count in counts.values())


@pytest.mark.parametrize("limit", [0, -1])
def test_there_is_no_number_below_nothing(limit):
    with pytest.raises(ValueError, match="at least 1"):
        Entropy("seed").below(limit)


def test_text_is_of_its_alphabet_and_even():
    text = Entropy("seed").text(62_000)
    assert set(text) == set(BASE62)
    assert all(800 < count < 1200 for count in Counter(text).values())
    assert Entropy("seed").text(5, "x") == "xxxxx"
    assert Entropy("seed").text(0) == ""


def test_a_uuid_has_the_real_servers_form():
    found = Entropy("seed").uuid()
    assert [len(part) for part in found.split("-")] == [8, 4, 4, 4, 12]
    assert set(found) <= set("0123456789abcdef-")


def test_after_a_turn_nothing_is_repeated_and_all_can_be():
    first, second = Entropy("seed"), Entropy("seed")
    before = [first.text(8) for _ in range(3)]
    for each in (first, second):
        each.turn("start 1")
    after = [first.text(8) for _ in range(3)]
    assert after == [second.text(8) for _ in range(3)]
    assert not set(before) & set(after)


def test_a_turn_leaves_unpredictable_values_unpredictable():
    entropy = Entropy()
    entropy.turn("start 1")
    assert not entropy.seeded
