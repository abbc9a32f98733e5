from __future__ import annotations

from xml.etree import ElementTree as ET

from unit.chaos.drill.seen import ask, course, healthy, lost, watched

from sandboxd.chaos.drill.timeline_svg import MOST_LANES, MOST_MARKS, OUTCOMES, mark, picture
from sandboxd.chaos.drill.watch import Course, Line, Watched


def drawn(seen: Watched, over: Course | None = None) -> ET.Element:
    return ET.fromstring(picture(seen, over or course(), "what it shows"))


def titles(found: ET.Element, tag: str, kind: str) -> list[str]:
    """The titles of the marks of a class."""
    return [each.findtext("title") or "" for each in found.iter(tag) if kind in (each.get("class") or "").split()]


def test_it_is_well_formed_and_says_what_it_shows() -> None:
    found = drawn(watched(ask(11, 503)))
    assert found.get("aria-label") == "what it shows"
    assert found.get("role") == "img"


def test_phases_are_bands() -> None:
    found = drawn(watched())
    assert titles(found, "rect", "wrong") == ["away: 10.0 s to 20.0 s"]
    assert titles(found, "rect", "calm") == ["calm: 1.0 s to 10.0 s", "recovery: 20.0 s to 30.0 s"]


def test_calls_are_marks_of_their_outcome() -> None:
    found = drawn(watched(ask(11, 503, struck="sealed"), lost(12)))
    assert titles(found, "path", "failed") == [
        "11.00 s: status 503, failed (5xx, 412, 429) after 0.01 s, struck by sealed"
    ]
    assert titles(found, "path", "lost") == ["12.00 s: no whole answer after 0.01 s"]
    assert len(titles(found, "path", "good")) == 9


def test_health_is_a_band_that_tells_well_from_ill_by_more_than_its_colour() -> None:
    found = drawn(watched(looks=[*healthy(0, 11), *healthy(11, 21, well=False), *healthy(21, 30)]))
    well = [each for each in found.iter("rect") if each.get("class") == "well"]
    ill = [each for each in found.iter("rect") if each.get("class") == "ill"]
    assert (len(well), len(ill)) == (2, 1)
    assert well[0].get("height") != ill[0].get("height")


def test_connections_without_a_request_have_a_lane() -> None:
    found = drawn(watched(lines=[Line(number=1, opened=12.0)]))
    assert titles(found, "path", "lost") == ["12.00 s: nothing was asked"]


def test_the_end_of_the_process_is_a_line() -> None:
    found = drawn(watched(), course(exited=15.0, status=1))
    assert titles(found, "line", "ended") == ["the process ended with status 1, 15.0 s"]
    assert titles(drawn(watched()), "line", "ended") == []


def test_many_kinds_of_calls_share_a_lane() -> None:
    found = drawn(watched(*(ask(11, path=f"secret/data/{number}") for number in range(20))))
    names = [each.text or "" for each in found.iter("text") if each.get("class") == "name"]
    assert len([each for each in found.iter("line") if each.get("class") == "lane"]) == MOST_LANES + 1
    assert names[0] == ""  # a title comes first


def test_of_very_many_calls_some_are_left_out() -> None:
    found = drawn(watched(*(ask(11 + number / 1000) for number in range(5000))))
    assert len(titles(found, "path", "good")) <= MOST_MARKS


def test_all_lies_within_the_picture() -> None:
    found = drawn(watched(ask(29.9, took=50), ask(11, end="open", until=None)))
    width = float(found.get("viewBox", "").split()[2])
    for each in found.iter("rect"):
        assert float(each.get("x", "0")) + float(each.get("width", "0")) <= width


def test_each_outcome_has_a_shape_of_its_own() -> None:
    shapes = [mark(outcome).partition(' d="')[2] for outcome in OUTCOMES]
    assert len(set(shapes)) == len(OUTCOMES)
