from __future__ import annotations

import pytest
from unit.chaos.drill.seen import BEGIN, END, ask, course, healthy, login, lost, watched

from sandboxd.chaos.drill.measures import grows, measure, peak, uneven
from sandboxd.chaos.drill.watch import Change, Line


def test_calls_are_counted_before_in_and_after_the_outage() -> None:
    found = measure(watched(ask(12, 503, struck="sealed"), lost(13), ask(21)), course())
    assert (found.requests, found.during, found.struck, found.lost) == (12, 2, 1, 1)


def test_what_came_after_the_app_was_told_to_stop_does_not_count() -> None:
    assert measure(watched(ask(31)), course()).requests == 9


def test_the_peak_is_the_most_calls_in_any_second() -> None:
    found = peak([1.0, 1.9, 2.1, 2.2, 2.85])
    assert (found.count, found.at) == (4, 1.9)
    assert peak([]).count == 0


def test_the_calm_has_a_peak_of_its_own() -> None:
    found = measure(watched(*(ask(20 + number / 10) for number in range(8))), course())
    assert found.calm.count == 1
    assert found.peak.count == 8


def test_retries_are_calls_for_the_same_after_one_that_went_badly() -> None:
    found = measure(watched(ask(11, 503), ask(12.01, 503), ask(14.02, 503), ask(18.03, 503), ask(26.04)), course())
    assert found.retries.count == 4
    assert found.retries.pauses == pytest.approx((1.0, 2.0, 4.0, 8.0))
    assert found.retries.grows
    assert not found.retries.jitter


def test_pauses_are_measured_from_the_end_of_a_call() -> None:
    found = measure(watched(lost(11, took=5.0), ask(17, 503)), course())
    assert found.retries.pauses == (1.0,)


def test_chance_in_the_pauses_is_told() -> None:
    found = measure(watched(ask(11, 503), ask(11.81, 503), ask(14.02, 503), ask(17.03, 503), ask(26.04)), course())
    assert found.retries.grows
    assert found.retries.jitter


def test_a_call_for_something_else_is_no_retry() -> None:
    assert measure(watched(ask(11, 503), ask(12, 503, path="secret/data/b")), course()).retries.count == 0


def test_a_call_with_a_new_token_is_no_retry() -> None:
    calls = (ask(11, 403, accessor="a"), ask(11.1, 403, accessor="b"), ask(12.11, 403, accessor="b"))
    assert measure(watched(*calls), course()).retries.pauses == (1.0,)


def test_connections_without_a_request_are_retries_too() -> None:
    lines = [Line(number=number, opened=at) for number, at in enumerate((11.0, 12.0, 14.0, 18.0), 2)]
    found = measure(watched(lines=[Line(number=1, opened=0.0, calls=9), *lines]), course())
    assert found.idle == 4
    assert found.retries.pauses == (1.0, 2.0, 4.0)
    assert found.noticed == 1.0


@pytest.mark.parametrize(
    ("pauses", "wanted"),
    [
        ([1, 2, 4], True),
        ([1, 1, 1, 1], False),
        ([0.5, 1, 2, 2, 2, 2], True),
        ([1, 2], True),
        ([1], False),
        ([0.0, 0.01], False),
        ([2, 1, 0.5], False),
    ],
)
def test_pauses_grow_when_the_later_ones_are_longer_and_long_enough_to_be_meant(
    pauses: list[float], *, wanted: bool
) -> None:
    assert grows(pauses) is wanted


def test_pauses_that_all_double_are_not_uneven() -> None:
    assert not uneven([1, 2, 4, 8])
    assert not uneven([1, 1, 1])
    assert not uneven([1, 2, 4, 4, 4])  # as long as it gets
    assert uneven([1, 1.7, 4.4, 7])


def test_an_outage_is_noticed_with_the_first_call_that_went_badly_or_was_struck() -> None:
    assert measure(watched(ask(12.5, 503)), course()).noticed == 2.5
    assert measure(watched(ask(12, struck="slow")), course()).noticed == 2.0
    assert measure(watched(ask(12)), course()).noticed is None


def test_an_outage_is_noticed_when_the_health_is_bad() -> None:
    looks = [*healthy(0, 11), *healthy(11, 20, well=False)]
    assert measure(watched(looks=looks), course()).noticed == 1.0


def test_the_app_has_recovered_with_the_last_time_that_its_health_turned_good() -> None:
    looks = [*healthy(0, 11), *healthy(11, 21, well=False), *healthy(21, 22), *healthy(22, 23.5, well=False)]
    assert measure(watched(looks=[*looks, *healthy(23.5, 30)]), course()).recovered == 3.5
    assert measure(watched(looks=looks), course()).recovered is None


def test_an_app_that_was_well_all_the_time_has_recovered_at_once() -> None:
    assert measure(watched(ask(12, 503), looks=healthy(0, 30)), course()).recovered == 0.0


def test_without_a_health_url_what_failed_has_to_go_well_again() -> None:
    failed = (ask(12, 503), ask(13, 503, path="secret/data/b"))
    first = ask(1.5, path="secret/data/b")
    back = measure(watched(first, *failed, ask(21), ask(24, path="secret/data/b")), course())
    assert back.recovered == pytest.approx(4.01)
    assert {each.what: each.after for each in back.again} == pytest.approx(
        {"read secret/data/app": 1.01, "read secret/data/b": 4.01}
    )
    assert measure(watched(first, *failed, ask(21)), course()).recovered is None


def test_an_answer_that_was_asked_for_in_the_outage_and_came_after_it_counts() -> None:
    found = measure(watched(ask(12, 503), ask(18, took=3.0)), course())
    assert found.recovered == 1.0


def test_what_never_went_well_at_all_need_not_go_well_again() -> None:
    assert measure(watched(ask(12, 404, path="secret/data/none")), course()).recovered == 0.0


def test_logins_and_renewals_need_not_be_done_again() -> None:
    found = measure(watched(login(2), login(12, 503)), course())
    assert found.again == ()
    assert found.logins == 1


def test_a_secret_that_has_changed_is_stale_until_it_is_read_again() -> None:
    changes = [Change(at=11.0, path="secret/data/app")]
    found = measure(watched(ask(15), changes=changes), course()).stale[0]
    assert (found.path, found.noticed) == ("secret/data/app", True)
    assert found.seconds == pytest.approx(4.01)


def test_a_read_that_was_struck_down_tells_nothing_of_a_secret() -> None:
    changes = [Change(at=11.0, path="secret/data/app")]
    found = measure(watched(ask(12, 503), lost(13), ask(16, 404), changes=changes), course()).stale[0]
    assert found.seconds == pytest.approx(5.01)


def test_a_secret_is_stale_no_longer_than_until_it_is_as_before() -> None:
    changes = [Change(at=11.0, path="secret/data/app"), Change(at=18.0, path="secret/data/app", undone=True)]
    found = measure(watched(ask(19), changes=changes), course()).stale
    assert [(each.seconds, each.noticed) for each in found] == [(7.0, False)]


def test_a_secret_that_the_app_never_read_is_not_stale() -> None:
    assert measure(watched(changes=[Change(at=11.0, path="secret/data/other")]), course()).stale == ()


def test_the_shares_of_the_time_in_which_it_was_well() -> None:
    looks = [*healthy(0, 15), *healthy(15, 22, well=False), *healthy(22, 30)]
    found = measure(watched(looks=looks), course()).available
    assert found is not None
    assert (found.before, found.during, found.after) == pytest.approx((1.0, 0.5, 0.8))


def test_without_looks_there_are_no_shares() -> None:
    assert measure(watched(), course()).available is None


def test_moments_are_those_of_the_course() -> None:
    assert (course().begin, course().end) == (BEGIN, END)
