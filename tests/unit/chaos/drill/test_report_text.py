from __future__ import annotations

from unit.chaos.drill.drills import BAD, FAILED, GOOD, SKIPPED, drill, result
from unit.chaos.drill.seen import watched

from sandboxd.chaos.drill.report_text import WIDTH, footer, header, row


def test_a_scenario_is_a_line_of_numbers_and_the_reasons_below() -> None:
    assert header().split() == ["scenario", "grade", "serving", "noticed", "well", "after", "retries"]
    numbers, reasons = row(GOOD).splitlines()
    assert numbers.split() == ["sealed", "A", "100%", "1.0", "s", "0.0", "s", "3"]
    assert reasons.strip() == GOOD.reason


def test_columns_stand_below_their_heads() -> None:
    heads, numbers = header(), row(BAD).splitlines()[0]
    for head, cell in (("grade", "F"), ("serving", "10%"), ("noticed", "0.5 s"), ("well after", "never")):
        assert numbers[heads.index(head) :].startswith(cell)


def test_nothing_is_wider_than_a_terminal() -> None:
    long = result("a-scenario-whose-name-is-much-too-long-for-its-column", watched())
    for each in (row(long), row(BAD), row(FAILED), footer(drill())):
        assert max(map(len, each.splitlines())) <= WIDTH


def test_a_number_stays_with_its_unit() -> None:
    lines = row(BAD).splitlines()
    assert not any(line.strip().startswith("s ") for line in lines)
    assert "\xa0" not in row(BAD)


def test_retries_that_nobody_can_have_seen_are_not_counted_as_none() -> None:
    assert row(result("gone", watched())).splitlines()[0].endswith("0")
    assert row(result("gone", watched(), blind=True)).splitlines()[0].endswith("-")


def test_what_was_not_run_says_why() -> None:
    assert row(SKIPPED).splitlines()[0].split() == ["pki", "skipped"]
    assert row(SKIPPED).splitlines()[1] == "  the fixture has no mount of type pki"
    assert row(FAILED).splitlines()[0].split() == ["broken", "failed"]


def test_colours_are_there_only_where_they_are_asked_for() -> None:
    assert "\x1b" not in row(BAD)
    coloured = row(BAD, colours=True)
    assert coloured.replace("\x1b[1;31m", "").replace("\x1b[0m", "") == row(BAD)


def test_at_the_end_it_says_what_it_comes_to() -> None:
    assert footer(drill()).splitlines() == [
        "Grade F, that of the worst scenario (1 of grade A, 1 of grade F).",
        "Worse than D: firewall.",
        "Could not be run: broken.",
        "Skipped: 1, as said above.",
        "Connections that were refused, and TLS handshakes that failed, cannot be seen by a server: they are",
        "in no count.",
    ]
    assert footer(drill(GOOD)) == "Grade A, that of the worst scenario (1 of grade A)."
