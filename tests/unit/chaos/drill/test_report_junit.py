from __future__ import annotations

from xml.etree import ElementTree as ET

from unit.chaos.drill.drills import GOOD, drill, result
from unit.chaos.drill.seen import watched

from sandboxd.chaos.drill.report_junit import render

SUITE = ET.fromstring(render(drill()))[0]
CASES = {case.get("name"): case for case in SUITE.findall("testcase")}


def test_a_drill_is_a_suite_with_its_counts() -> None:
    names = ("tests", "failures", "errors", "skipped", "time", "timestamp")
    found = {name: SUITE.get(name) for name in names}
    assert list(found.values()) == ["4", "1", "1", "1", "60.000", "2026-01-01T00:00:00Z"]


def test_a_scenario_is_a_case() -> None:
    assert [case.get("classname") for case in CASES.values()] == ["drill"] * 4
    assert CASES["sealed"].findtext("system-out") == f"grade A: {GOOD.reason}"


def test_one_below_the_threshold_is_a_failure_with_the_reason() -> None:
    failure = CASES["firewall"].find("failure")
    assert failure is not None
    assert failure.get("message") == "grade F, and at least D is wanted"
    assert failure.text is not None
    assert failure.text.startswith("not well again 10 s after the end")


def test_what_was_not_run_is_skipped_or_an_error() -> None:
    skipped, error = CASES["pki"].find("skipped"), CASES["broken"].find("error")
    assert skipped is not None
    assert error is not None
    assert skipped.get("message") == "the fixture has no mount of type pki"
    assert error.get("message") == "the app was not ready after 30 s"


def test_what_was_drilled_is_among_the_properties() -> None:
    found = {each.get("name"): each.get("value") for each in SUITE.iter("property")}
    assert found["command"] == "./shop --flag <x>"
    assert found["grade"] == "F"


def test_characters_that_xml_does_not_know_are_left_out() -> None:
    text = render(drill(result("a\x00b\x1b", watched())))
    assert ET.fromstring(text)[0].findall("testcase")[0].get("name") == "ab"
