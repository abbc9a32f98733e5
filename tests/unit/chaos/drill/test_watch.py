from __future__ import annotations

import pytest
from unit.chaos.drill.seen import ask, lost


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, "good"),
        (204, "good"),
        (307, "moved"),
        (403, "refused"),
        (404, "refused"),
        (412, "failed"),
        (429, "failed"),
        (503, "failed"),
    ],
)
def test_a_status_tells_how_a_call_went(status: int, outcome: str) -> None:
    assert ask(1, status).outcome == outcome


@pytest.mark.parametrize(("end", "outcome"), [("broken", "lost"), ("left", "left"), ("open", "open")])
def test_a_status_tells_nothing_where_the_answer_did_not_come_whole(end: str, outcome: str) -> None:
    assert ask(1, 200, end=end).outcome == outcome


def test_what_is_good_or_sent_elsewhere_is_not_bad() -> None:
    assert not ask(1).bad
    assert not ask(1, 307).bad
    assert lost(1).bad


def test_a_call_is_dead_when_its_token_is_what_it_was_refused_for() -> None:
    assert ask(1, 403, token="dead").dead
    assert ask(1, 403, token="live", struck="token-rejected").dead
    assert not ask(1, 403, token="live").dead
    assert not ask(1, 503, token="dead").dead


def test_a_retry_asks_for_the_same() -> None:
    assert ask(1).key == ask(2, 503).key == "read secret/data/app"
    assert ask(1, path="secret/data/b").key != ask(1).key
