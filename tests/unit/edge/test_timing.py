"""Moving the clock of a sandbox."""

import asyncio

import pytest
from unit.helpers import START, call, world
from unit.leasing import lend

from sandboxd.edge.runtime import make_world
from sandboxd.edge.timing import BadTime, change, report
from sandboxd.vault.bootstrap import start_dev
from sandboxd.vault.clock import NANOSECONDS, Clock
from sandboxd.vault.world import Settings


@pytest.fixture
def made():
    return world()


def move(made, action, value=""):
    return asyncio.run(change(made, action, value))


@pytest.mark.parametrize(
    ("value", "seconds"), [("90", 90), ("90s", 90), ("1h30m", 5400), ("30d", 30 * 86400), ("0", 0), ("1.5s", 1.5)]
)
def test_the_clock_advances_by_a_duration(made, value, seconds):
    assert move(made, "advance", value).offset == seconds


@pytest.mark.parametrize(
    ("value", "offset"),
    [
        ("2026-01-02", 86400),
        ("2026-01-01T10:00", 36000),
        ("2026-01-01 10:00:30", 36030),
        ("2026-01-01T10:00:00Z", 36000),
        ("2026-01-01T12:00:00+02:00", 36000),
        (str(START + 5), 5),
    ],
)
def test_the_clock_goes_to_a_moment(made, value, offset):
    assert move(made, "at", value).offset == offset


@pytest.mark.parametrize(
    ("action", "value", "text"),
    [
        ("at", "2025-12-31", "that moment has passed"),
        ("at", "2026-02-30", "no such date"),
        ("at", "tomorrow", "say a moment as"),
        ("advance", "-5s", "only moves forward"),
        ("advance", "soon", "say seconds, or a duration"),
        ("advance", "", "say seconds, or a duration"),
        ("advance", "9000000h", "beyond the year 9998|say seconds"),
        ("advance", "3650000d", "beyond the year 9998|say seconds"),
        ("scale", "0", "above 0"),
        ("scale", "-2", "above 0"),
        ("scale", "inf", "at most"),
        ("scale", "nan", "above 0"),
        ("scale", "fast", "above 0"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(made, action, value, text):
    with pytest.raises(BadTime, match=text):
        move(made, action, value)
    assert report(made).offset == 0


def test_real_time_needs_no_explanation(made):
    found = report(made)
    assert (found.now, found.real, found.offset, found.frozen) == (
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00Z",
        0,
        False,
    )
    assert found.notes == ()


def test_time_that_is_not_real_says_what_that_means_for_tls_and_jwt(made):
    notes = move(made, "advance", "1d").notes
    assert any(note.startswith("TLS:") for note in notes)
    assert any(note.startswith("JWT:") for note in notes)


def test_what_comes_next_is_told(made):
    lend(made)
    lease = call(made, "GET", "lend/creds/a?ttl=60").json["lease_id"]
    found = report(made).next
    assert (found.what, found.name, found.at, found.seconds) == ("lease", lease, "2026-01-01T00:01:00Z", 60)


def test_what_a_jump_passes_is_counted(made):
    lend(made)
    for seconds in (60, 120, 7200):
        call(made, "GET", f"lend/creds/a?ttl={seconds}")
    assert move(made, "advance", "1h").passed == 2


def test_frozen_scaled_and_resumed_time_goes_on_from_where_it_is():
    real = [START * NANOSECONDS]
    made = make_world(Settings(), seed="tests", clock=Clock(lambda: real[0]))
    start_dev(made, "root")

    def after(seconds):
        real[0] += seconds * NANOSECONDS
        return made.clock.now() - START

    assert move(made, "freeze").frozen
    assert after(10) == 0
    assert move(made, "scale", "60").scale == 60
    assert after(10) == 600
    assert move(made, "resume").scale == 1
    assert after(10) == 610
