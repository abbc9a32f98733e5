"""What transport faults make of a request: whether it is carried out, and what goes out on the connection."""

from __future__ import annotations

from typing import Any

import pytest
from unit.chaos.setting import Setting
from unit.helpers import finished

from sandboxd.edge.app import App
from sandboxd.edge.conduct import head_size
from sandboxd.edge.messages import Incoming
from sandboxd.edge.parse import parse_head
from sandboxd.edge.writing import written
from sandboxd.fixtures.scenarios import fault_of

DATE = "Thu, 01 Jan 2026 00:00:00 GMT"


class Outlet:
    """Notes what goes out, how it ends, and how long was waited."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.how = ""
        self.held: list[float | None] = []

    def write(self, data: bytes) -> None:
        self.pieces.append(data)

    def end(self, how: str) -> None:
        self.how = how

    async def hold(self, _active: object, seconds: float | None) -> bool:
        self.held.append(seconds)
        return True

    @property
    def sent(self) -> bytes:
        return b"".join(self.pieces)


def ask(setting: Setting, method: str = "GET", body: bytes = b"") -> Outlet:
    """Make a request for a policy, and let its answer go out."""
    outlet = Outlet()
    setting.chaos.hold = outlet.hold
    target = "/v1/sys/policies/acl/mine"
    headers: Any = {"host": ("vault.test",), "x-vault-token": ("root",)}
    answer = finished(App(setting.world).answer(Incoming(method, target, headers, body, "127.0.0.1", 1)))
    head = parse_head(f"{method} {target} HTTP/1.1\r\nHost: vault.test".encode())
    raw = written(head, answer, lambda: DATE, close=answer.close)
    if answer.conduct is None:
        outlet.write(raw)
    else:
        finished(answer.conduct.play(outlet, raw, close=answer.close))
    return outlet


def write(setting: Setting) -> Outlet:
    return ask(setting, "PUT", b'{"policy":"path \\"a\\" { capabilities = [\\"read\\"] }"}')


def struck(text: str) -> Setting:
    setting = Setting("openbao")
    finished(setting.chaos.start(fault_of(text, "test")))
    return setting


def applied(setting: Setting) -> bool:
    """Whether the policy was written."""
    finished(setting.chaos.stop_all())
    return ask(setting).sent.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    ("by", "how", "first"),
    [
        ("reset", "reset", b""),
        ("close", "close", b""),
        ("silent", "close", b""),
        ("gateway-timeout", "", b"HTTP/1.1 504 Gateway Time-out\r\n"),
    ],
)
def test_a_write_whose_answer_is_lost_is_carried_out(by, how, first):
    setting = struck(f"answer-lost by={by}")
    got = write(setting)
    assert got.how == how
    assert got.sent[: len(first) or None] == first
    assert applied(setting)


@pytest.mark.parametrize("fault", ["silent close_after=3s", "reset at=request", "empty", "garbage"])
def test_a_write_that_was_cut_off_before_it_was_taken_up_is_not_carried_out(fault):
    setting = struck(fault)
    write(setting)
    assert not applied(setting)


@pytest.mark.parametrize(
    "fault", ["reset at=answer bytes=9", "slow delay=1s", "dribble", "bandwidth", "truncated", "malformed-chunk"]
)
def test_a_write_whose_answer_goes_out_wrongly_is_carried_out(fault):
    setting = struck(fault)
    write(setting)
    assert applied(setting)


def test_silence_lasts_as_long_as_it_is_told_before_the_connection_closes():
    got = ask(struck("silent close_after=3s"))
    assert (got.held, got.how, got.sent) == ([3.0], "close", b"")


def test_an_answer_is_reset_after_so_many_bytes():
    got = ask(struck("reset at=answer bytes=9"))
    assert (got.sent, got.how) == (b"HTTP/1.1 ", "reset")


@pytest.mark.parametrize(
    ("delay", "least", "most"),
    [
        ("2s", 2, 2),
        ("jitter(2s,500ms)", 1.5, 2.5),
        ("uniform(1s,3s)", 1, 3),
        ("normal(2s,100ms)", 1, 3),
        ("lognormal(300ms,0.1)", 0.1, 1),
    ],
)
def test_a_slow_answer_waits_for_what_its_distribution_gives(delay, least, most):
    setting = struck(f"slow delay={delay}")
    held = [ask(setting).held for _ in range(5)]
    assert all(least <= seconds <= most for (seconds,) in held)


def test_a_dribble_takes_its_time_in_its_number_of_pieces():
    got = ask(struck("dribble over=9s pieces=10"))
    assert len(got.pieces) == 10
    assert got.held == [1.0] * 9
    assert got.how == "keep"


def test_bandwidth_takes_as_long_as_the_answer_is_at_that_rate():
    got = ask(struck("bandwidth rate=100"))
    assert got.held == [0.1] * len(got.pieces)
    assert len(got.pieces) == -(-len(got.sent) // 10)


def test_a_truncated_answer_keeps_its_head_and_part_of_its_body():
    got = ask(struck("truncated keep=4"))
    assert len(got.sent) == head_size(got.sent) + 4
    assert got.how == "close"


def test_garbage_is_as_long_as_it_is_told_and_no_http():
    got = ask(struck("garbage size=64"))
    assert len(got.sent) == 64
    assert not got.sent.startswith(b"HTTP/")
