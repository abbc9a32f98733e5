"""What a database is told of the end of a lease."""

from __future__ import annotations

from sandboxd.engines.database.drivers.expirations import NANOSECONDS, shown

NOW = 1_767_225_600 * NANOSECONDS
HOUR = 3600 * NANOSECONDS


def test_a_moment_is_written_as_the_real_plugins_do() -> None:
    assert shown(NOW + HOUR, sandbox=NOW, database=NOW) == "2026-01-01 01:00:00+0000"


def test_a_sandbox_that_is_behind_is_translated_to_the_clock_of_the_database() -> None:
    assert shown(NOW + HOUR, sandbox=NOW, database=NOW + 24 * HOUR) == "2026-01-02 01:00:00+0000"


def test_a_sandbox_that_is_ahead_is_taken_at_its_word() -> None:
    assert shown(NOW + HOUR, sandbox=NOW, database=NOW - 24 * HOUR) == "2026-01-01 01:00:00+0000"


def test_two_clocks_that_show_about_the_same_are_one() -> None:
    assert shown(NOW + HOUR, sandbox=NOW, database=NOW + NANOSECONDS) == "2026-01-01 01:00:00+0000"
