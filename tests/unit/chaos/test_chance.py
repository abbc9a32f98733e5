"""Chance that can be replayed."""

from sandboxd.chaos.chance import Chance


def test_the_same_seed_and_label_give_the_same_number():
    assert Chance("a").number("fault", 3) == Chance("a").number("fault", 3)


def test_another_seed_or_label_gives_another_number():
    numbers = {Chance(seed).number(label, at) for seed in "ab" for label in ("x", "y") for at in range(100)}
    assert len(numbers) == 400


def test_labels_do_not_run_into_each_other():
    assert Chance("a").number("x", 11) != Chance("a").number("x1", 1)


def test_numbers_are_spread_evenly_between_0_and_1():
    numbers = [Chance("even").number(at) for at in range(5000)]
    assert min(numbers) >= 0
    assert max(numbers) < 1
    for tenth in range(10):
        share = sum(tenth <= 10 * each < tenth + 1 for each in numbers) / len(numbers)
        assert 0.08 < share < 0.12


def test_bytes_are_as_many_as_asked_for_and_begin_the_same_way():
    chance = Chance("a")
    assert len(chance.bytes(1000, "x")) == 1000
    assert chance.bytes(1000, "x")[:10] == chance.bytes(10, "x")
    assert len(set(chance.bytes(1000, "x"))) > 200
