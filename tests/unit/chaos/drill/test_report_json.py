from __future__ import annotations

import json

from unit.chaos.drill.drills import drill

from sandboxd.chaos.drill.report_json import render

FOUND = json.loads(render(drill()))
GOOD, BAD, SKIPPED, FAILED = FOUND["scenarios"]


def test_it_tells_what_was_drilled_and_what_it_comes_to() -> None:
    assert FOUND["command"] == ["./shop", "--flag", "<x>"]
    assert (FOUND["grade"], FOUND["threshold"], FOUND["format"]) == ("F", "D", 1)


def test_a_scenario_has_its_grade_reasons_and_measures() -> None:
    assert (GOOD["grade"], GOOD["rules"]) == ("A", [])
    assert GOOD["reasons"][0] == "kept serving all through"
    assert GOOD["measures"]["retries"]["pauses"] == [0.99, 1.99, 6.99]
    assert GOOD["course"]["end"] == 20.0


def test_it_has_every_call_with_how_it_went() -> None:
    assert [call["outcome"] for call in GOOD["calls"]][-4:] == ["failed", "failed", "failed", "good"]
    assert BAD["calls"][-1]["accessor"] == "acc123"
    assert BAD["calls"][-1]["connection"] == 1
    assert BAD["connections"][0]["number"] == 7
    assert BAD["health"][-1]["well"] is False


def test_it_says_what_a_server_cannot_see() -> None:
    assert "cannot be seen" in BAD["note"]
    assert "note" not in GOOD


def test_what_was_not_run_says_why() -> None:
    assert SKIPPED["skipped"] == "the fixture has no mount of type pki"
    assert FAILED["failed"] == "the app was not ready after 30 s"
    assert SKIPPED["grade"] is None
