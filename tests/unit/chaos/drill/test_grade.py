from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from unit.chaos.drill.seen import ask, course, healthy, login, lost, watched

from sandboxd.chaos.drill.grade import RULES, Facts, Graded, grade, overall, pauses, worse
from sandboxd.chaos.drill.measures import measure
from sandboxd.chaos.drill.mistakes import mistakes
from sandboxd.chaos.drill.watch import Change
from sandboxd.chaos.scenario import Expected

if TYPE_CHECKING:
    from sandboxd.chaos.drill.watch import Course, Watched


def graded(seen: Watched, over: Course | None = None, *, tests: bool = False, **expected: Any) -> Graded:
    over, expect = over or course(), Expected(**expected)
    return grade(Facts(measure(seen, over), mistakes(seen, over, expect), over, expect, tests))


BACKED_OFF = (ask(11, 503), ask(12.01, 503), ask(14.02, 503), ask(18.03, 503), ask(22.05))
DOWN = [*healthy(0, 11), *healthy(11, 20.5, well=False), *healthy(20.5, 30)]


def test_who_keeps_serving_and_asks_with_care_gets_an_a() -> None:
    found = graded(watched(*BACKED_OFF, looks=healthy(0, 30)))
    assert found.grade == "A"
    assert found.reasons == ("kept serving all through", "backed off 1 s, 2 s, 4 s, 4 s")
    assert found.rules == ()


def test_who_fails_meanwhile_and_comes_back_gets_a_b() -> None:
    found = graded(watched(*BACKED_OFF, looks=DOWN))
    assert found.grade == "B"
    assert found.reasons[0] == "well for 10% of the outage"
    assert "well 0.5 s after the end" in found.reasons


def test_who_cannot_serve_in_an_outage_does_not_lose_by_it() -> None:
    found = graded(watched(*BACKED_OFF, looks=DOWN), available=False)
    assert found.grade == "A"
    assert "was not well meanwhile, as nobody could be" in found.reasons


def test_who_asks_again_without_pauses_gets_a_c() -> None:
    found = graded(watched(*(ask(11 + number / 5, 503) for number in range(9)), ask(21)))
    assert found.grade == "C"
    assert found.reasons[0] == "asked again every 0.19 s, 9 times, with pauses that do not grow"


def test_no_pause_at_all_is_told_so() -> None:
    found = graded(watched(*(ask(11 + number / 100, 503) for number in range(9)), ask(21)))
    assert "asked again 9 times without a pause" in found.reasons


def test_who_comes_back_late_gets_a_d() -> None:
    looks = [*healthy(0, 11), *healthy(11, 26, well=False), *healthy(26, 30)]
    found = graded(watched(looks=looks), recover_within="5s")
    assert found.grade == "D"
    assert found.reasons[0] == "well only 6.0 s after the end, 5 s are expected"


def test_a_storm_is_a_d() -> None:
    found = graded(watched(*(ask(21 + number / 50, path=f"secret/data/{number}") for number in range(40))))
    assert (found.grade, found.rules) == ("D", ("storm",))
    assert found.reasons[0] == "a storm of 40 requests in a second (1 in calm times)"


def test_as_much_as_in_calm_times_is_no_storm() -> None:
    calm = [ask(5 + number / 50, path=f"secret/data/{number}") for number in range(40)]
    later = [ask(21 + number / 50, path=f"secret/data/{number}") for number in range(40)]
    assert graded(watched(*calm, *later)).grade == "A"


def test_no_time_limit_is_a_d() -> None:
    assert graded(watched(lost(10.5, took=9.5), ask(20.5))).grade == "D"


def test_saying_that_it_is_well_while_it_has_given_up_is_a_c() -> None:
    found = graded(watched(ask(11, 503), looks=healthy(0, 30)))
    assert (found.grade, found.rules) == ("C", ("given-up",))
    assert found.reasons[0] == "says it is well, and had not got read secret/data/app again 10 s after the end"


def test_who_never_comes_back_gets_an_f() -> None:
    found = graded(watched(looks=[*healthy(0, 11), *healthy(11, 30, well=False)]))
    assert found.grade == "F"
    assert found.reasons[0] == "not well again 10 s after the end"


def test_who_ends_gets_an_f() -> None:
    found = graded(watched(ask(11, 503)), course(exited=12.0, status=1))
    assert found.grade == "F"
    assert found.reasons == ("the process ended with status 1, 2.0 s after the outage began",)


def test_who_ends_well_gets_an_f_too_and_is_told_how_tests_are_run() -> None:
    found = graded(watched(ask(11, 503)), course(exited=12.0, status=0))
    assert found.grade == "F"
    assert found.reasons[0].endswith("after the outage began (a test suite may: --tests)")


def test_who_ends_at_once_is_told_so() -> None:
    found = graded(watched(ask(10, 503)), course(exited=10.01, status=1))
    assert found.reasons == ("the process ended with status 1 as soon as the outage began",)


def test_who_is_killed_gets_an_f() -> None:
    found = graded(watched(ask(11, 503)), course(exited=21.0, status=-9))
    assert found.reasons == ("the process was killed by signal 9, 1.0 s after the outage was over",)


def test_tests_that_end_with_status_0_have_passed() -> None:
    found = graded(watched(*BACKED_OFF), course(exited=22.0, status=0), tests=True)
    assert found.grade == "A"
    assert found.reasons[-1] == "the tests passed"


def test_tests_that_fail_get_an_f() -> None:
    found = graded(watched(*BACKED_OFF), course(exited=22.0, status=1), tests=True)
    assert (found.grade, found.reasons[0]) == ("F", "the tests failed, with status 1")


def test_tests_that_do_not_end_get_an_f() -> None:
    found = graded(watched(*BACKED_OFF), tests=True)
    assert (found.grade, found.reasons[0]) == ("F", "the tests had not ended 10 s after the outage")


def test_a_secret_that_is_read_anew_too_late_is_a_c() -> None:
    seen = watched(ask(18), changes=[Change(at=11.0, path="secret/data/app")])
    assert graded(seen, reread_within="5s").reasons[0] == "went on with a secret that had changed for 7.0 s"
    assert graded(seen, reread_within="5s").grade == "C"
    assert graded(seen, reread_within="8s").reasons == (
        "well at once after the end",
        "read what had changed after 7.0 s",
    )


def test_a_secret_that_is_never_read_anew_is_a_d() -> None:
    seen = watched(changes=[Change(at=11.0, path="secret/data/app")])
    found = graded(seen, reread_within="5s")
    assert (found.grade, found.rules) == ("D", ("never-read",))


def test_no_login_where_one_helps_is_a_d() -> None:
    assert graded(watched(ask(11, 403, token="dead"), ask(21)), login=True).grade == "D"
    found = graded(watched(ask(11, 403, token="dead"), login(11.1), ask(11.2), ask(21)), login=True)
    assert found.grade == "A"
    assert "logged in anew" in found.reasons


def test_who_asks_nothing_is_told_so() -> None:
    found = graded(watched(looks=healthy(0, 30)))
    assert found.reasons == (
        "kept serving all through",
        "asked nothing while it lasted, as far as a server can see",
    )


def test_the_weightiest_reason_comes_first() -> None:
    found = graded(watched(lost(10.5, took=9.5), ask(20.5), looks=DOWN))
    assert found.rules == ("hung", "unavailable")


def test_the_grade_of_many_is_that_of_the_worst() -> None:
    assert overall(["A", "D", "B"]) == "D"
    assert overall([]) is None


def test_worse_means_later_in_the_alphabet() -> None:
    assert worse("D", "B")
    assert not worse("B", "B")
    assert not worse("A", "D")


def test_long_rows_of_pauses_are_cut_short() -> None:
    assert pauses((0.5, 1.0, 2.04, 12.3, 40.0)) == "0.5 s, 1 s, 2 s, 12 s, …"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_each_rule_says_what_it_is_about(rule: Any) -> None:
    assert rule.says.endswith(".")
    assert rule.worst in "BCDF"
    assert sum(1 for each in RULES if each.name == rule.name) == 1
