"""The report for a terminal: a table, a line or a few for each scenario."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

from sandboxd.chaos.drill.grade import GRADES
from sandboxd.chaos.drill.report import BLIND, Drill, Result

WIDTH = 100
_HEADS = ("scenario", "grade", "serving", "noticed", "well after", "retries")
_WIDTHS = (26, 5, 7, 7, 10, 7)
_COLOURS = {"A": "32", "B": "32", "C": "33", "D": "33", "F": "31"}
_INDENT = 2
_UNIT = re.compile(r"(\d) s\b")


def header() -> str:
    """The heads of the columns."""
    return _columns(_HEADS)


def row(result: Result, *, colours: bool = False) -> str:
    """A scenario: its numbers, and the reasons below them."""
    measures, course = result.measures, result.course
    if measures is None or course is None:
        word = "failed" if result.failed else "skipped"
        return "\n".join([f"{_fitted(result.scenario)}  {word}", *_wrapped(result.reason)])
    shares = measures.available
    cells = (
        result.scenario,
        result.grade or "",
        "-" if shares is None else f"{shares.during:.0%}",
        "-" if measures.noticed is None else _seconds(measures.noticed),
        _seconds(measures.recovered) if course.exited is None else "-",
        _retries(result),
    )
    line = _columns(cells)
    if colours and result.grade is not None:
        at = _WIDTHS[0] + 2
        line = f"{line[:at]}\x1b[1;{_COLOURS[result.grade]}m{line[at]}\x1b[0m{line[at + 1 :]}"
    return "\n".join([line, *_wrapped("; ".join(result.reasons))])


def footer(drill: Drill) -> str:
    """What it comes to."""
    return "\n".join(_footer(drill))


def _footer(drill: Drill) -> Iterator[str]:
    counts = {grade: sum(1 for each in drill.results if each.grade == grade) for grade in GRADES}
    told = ", ".join(f"{count} of grade {grade}" for grade, count in counts.items() if count)
    if drill.grade is not None:
        yield f"Grade {drill.grade}, that of the worst scenario ({told})."
    if drill.below:
        names = ", ".join(each.scenario for each in drill.below)
        yield from textwrap.wrap(f"Worse than {drill.threshold}: {names}.", WIDTH, subsequent_indent="  ")
    if drill.failed:
        names = ", ".join(each.scenario for each in drill.failed)
        yield from textwrap.wrap(f"Could not be run: {names}.", WIDTH, subsequent_indent="  ")
    skipped = len(drill.results) - len(drill.graded) - len(drill.failed)
    if skipped:
        yield f"Skipped: {skipped}, as said above."
    if any(each.blind and each.grade is not None for each in drill.results):
        yield from textwrap.wrap(BLIND, WIDTH)


def _columns(cells: tuple[str, ...]) -> str:
    first, *rest = cells
    parts = [_fitted(first)]
    parts += [cell.ljust(width) for cell, width in zip(rest, _WIDTHS[1:], strict=True)]
    return "  ".join(parts).rstrip()


def _fitted(name: str) -> str:
    width = _WIDTHS[0]
    return name.ljust(width) if len(name) <= width else f"{name[: width - 1]}…"


def _wrapped(text: str) -> list[str]:
    space = " " * _INDENT
    bound = _UNIT.sub("\\1\xa0s", text)  # a number stays with its unit
    lines = textwrap.wrap(bound, WIDTH, initial_indent=space, subsequent_indent=space)
    return [line.replace("\xa0", " ") for line in lines]


def _retries(result: Result) -> str:
    count = 0 if result.measures is None else result.measures.retries.count
    return "-" if result.blind and not count else str(count)


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f} s"
