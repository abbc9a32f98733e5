"""The report as JSON: all that was measured, and every call and connection."""

from __future__ import annotations

from typing import Any

import msgspec

from sandboxd.chaos.drill.report import BLIND, Drill, Result

FORMAT = 1
"""Counts changes of this format that readers have to know of."""


def render(drill: Drill) -> bytes:
    """The report. Times are in seconds since the app was started, rounded to milliseconds."""
    found = {
        "format": FORMAT,
        "command": drill.command,
        "profile": drill.profile,
        "fixture": drill.fixture,
        "version": drill.version,
        "began": drill.began,
        "threshold": drill.threshold,
        "grade": drill.grade,
        "scenarios": [_result(each) for each in drill.results],
    }
    return msgspec.json.format(msgspec.json.encode(_rounded(found)), indent=2) + b"\n"


def _result(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(result)
    seen = found.pop("seen")
    if result.grade is not None:
        for call, shown in zip(result.seen.calls, seen["calls"], strict=True):
            shown["outcome"] = call.outcome
        found |= {
            "calls": seen["calls"],
            "connections": seen["lines"],
            "changes": seen["changes"],
            "health": seen["looks"],
        }
    if not found.pop("blind") or result.grade is None:
        return found
    return {**found, "note": BLIND}


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list | tuple) else value
