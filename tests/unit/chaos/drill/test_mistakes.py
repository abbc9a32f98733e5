from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from unit.chaos.drill.seen import ask, course, login, lost, watched

from sandboxd.chaos.drill.mistakes import mistakes
from sandboxd.chaos.scenario import Expected

if TYPE_CHECKING:
    from sandboxd.chaos.drill.watch import Call


def made(*calls: Call, **expected: Any) -> dict[str, int]:
    """The mistakes in some calls, with their counts."""
    return {each.name: each.count for each in mistakes(watched(*calls), course(), Expected(**expected))}


def test_calm_calls_and_retries_with_pauses_are_no_mistakes() -> None:
    assert made(ask(11, 503), ask(12, 503), ask(14, 503), ask(18, 503), ask(21)) == {}


def test_going_on_with_a_dead_token_without_a_login() -> None:
    dead = [ask(11 + number, 403, token="dead", accessor="a") for number in range(5)]
    assert made(*dead) == {"no-login": 5, "dead-token": 4}


def test_a_login_after_a_403_is_what_is_wanted() -> None:
    assert made(ask(11, 403, token="dead"), login(11.5), ask(12), login=True) == {}


def test_where_a_login_helps_one_403_is_enough_to_ask_for_it() -> None:
    assert made(ask(11, 403, struck="token-rejected"), login=True) == {"no-login": 1}
    assert made(ask(11, 403, struck="token-rejected")) == {}


def test_requests_with_a_dead_token_go_on_beside_the_login() -> None:
    dead = [ask(11 + number, 403, token="dead", accessor="a") for number in range(5)]
    assert made(*dead, login(17)) == {"dead-token": 4}


def test_asking_again_at_once_for_what_was_refused() -> None:
    refused = [ask(11 + number / 5, 403, token="live") for number in range(5)]
    assert made(*refused) == {"asked-again": 4}


def test_asking_again_later_for_what_was_refused_is_no_mistake() -> None:
    assert made(*(ask(11 + number, 404) for number in range(5))) == {}


def test_asking_again_with_a_new_token_is_no_mistake() -> None:
    refused = [ask(11 + number / 5, 403, token="live", accessor=str(number)) for number in range(5)]
    assert made(*refused) == {}


def test_a_hot_loop() -> None:
    hot = [ask(11 + number / 20, 503) for number in range(30)]
    assert made(*hot) == {"hot-loop": 20}
    assert made(*hot, requests_per_second=100) == {}


def test_many_requests_that_go_well_are_no_hot_loop() -> None:
    assert made(*(ask(11 + number / 20) for number in range(30))) == {}


@pytest.mark.parametrize("end", ["broken", "whole", "open"])
def test_a_request_that_is_open_for_all_of_the_outage_has_no_time_limit(end: str) -> None:
    assert made(lost(10.5, took=9.5, end=end)) == {"hung": 1}


def test_waiting_for_a_late_answer_says_nothing_of_time_limits() -> None:
    assert made(ask(12, took=8.5, struck="slow")) == {}
    assert made(ask(12, took=8.5, struck="storage-hangs")) == {"hung": 1}
    assert made(ask(10, took=8.5)) == {}  # it was answered while the outage lasted


def test_a_request_that_the_app_gave_up_has_a_time_limit() -> None:
    assert made(lost(10.5, took=9.4, end="left")) == {}


def test_a_minute_is_too_long_even_when_it_is_given_up_then() -> None:
    call = lost(10.5, took=65, end="left")
    found = mistakes(watched(call), course(end=80.0, stopped=90.0), Expected())
    assert [each.name for each in found] == ["hung"]


def test_a_write_is_done_twice_when_its_answer_was_lost() -> None:
    write = {"operation": "write", "method": "POST"}
    first = lost(11, struck="answer-lost", **write)
    assert made(first, ask(12, **write)) == {"wrote-twice": 1}
    assert made(first, ask(12, guarded=True, **write)) == {}
    assert made(lost(11, struck="empty", **write), ask(12, **write)) == {}


def test_logins_where_none_can_help() -> None:
    assert made(*(login(11 + number, 503) for number in range(8))) == {"helpless-logins": 8}
    assert made(login(11, 503), login(13, 503)) == {}


def test_renewing_at_the_very_end() -> None:
    renew = {"path": "auth/token/renew-self", "operation": "renew", "method": "POST"}
    assert made(ask(12, left=0.01, **renew)) == {"late-renewal": 1}
    assert made(ask(12, left=0.33, **renew)) == {}


def test_not_following_a_redirect_that_leads_here() -> None:
    assert made(ask(12, 307, followable=True)) == {"not-followed": 1}
    assert made(ask(12, 307, followable=True), ask(12.1)) == {}
    assert made(ask(12, 307)) == {}


def test_who_goes_in_a_circle_may_stop_somewhere() -> None:
    assert made(*(ask(12 + number / 100, 307, followable=True) for number in range(10))) == {}
