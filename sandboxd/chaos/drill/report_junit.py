"""The report as JUnit XML, for CI: a suite for the drill, a case for each scenario.

A scenario below the threshold is a failure, one that could not be run an error.
"""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, quoteattr

from sandboxd.chaos.drill.grade import worse
from sandboxd.chaos.drill.report import Drill, Result

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(drill: Drill) -> str:
    """The report."""
    seconds = sum(map(_seconds, drill.results))
    skipped = sum(1 for each in drill.results if each.skipped)
    counts = (
        f'tests="{len(drill.results)}" failures="{len(drill.below)}" errors="{len(drill.failed)}" '
        f'skipped="{skipped}" time="{seconds:.3f}"'
    )
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuites name="sandboxd drill" {counts}>',
        f'  <testsuite name="sandboxd drill" {counts} timestamp={_quoted(drill.began)}>',
        "    <properties>",
        *(
            f"      <property name={_quoted(name)} value={_quoted(value)}/>"
            for name, value in (
                ("command", " ".join(drill.command)),
                ("profile", drill.profile),
                ("fixture", drill.fixture),
                ("sandboxd", drill.version),
                ("threshold", drill.threshold),
                ("grade", drill.grade or ""),
            )
        ),
        "    </properties>",
    ]
    for result in drill.results:
        lines += _case(drill, result)
    return "\n".join([*lines, "  </testsuite>", "</testsuites>", ""])


def _case(drill: Drill, result: Result) -> list[str]:
    head = f'    <testcase classname="drill" name={_quoted(result.scenario)} time="{_seconds(result):.3f}"'
    if result.skipped:
        inner = f"      <skipped message={_quoted(result.skipped)}/>"
    elif result.failed:
        inner = f"      <error message={_quoted(result.failed)}/>"
    elif result.grade is not None and worse(result.grade, drill.threshold):
        message = _quoted(f"grade {result.grade}, and at least {drill.threshold} is wanted")
        inner = f'      <failure type="grade {result.grade}" message={message}>{_text(result.reason)}</failure>'
    else:
        inner = f"      <system-out>{_text(f'grade {result.grade}: {result.reason}')}</system-out>"
    return [f"{head}>", inner, "    </testcase>"]


def _seconds(result: Result) -> float:
    return 0.0 if result.course is None else result.course.stopped


def _text(text: str) -> str:
    return escape(_FORBIDDEN.sub("", text))


def _quoted(text: str) -> str:
    return quoteattr(_FORBIDDEN.sub("", text))
