"""`sandboxd fixtures`: check, schema, show."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import msgspec

from sandboxd.cli.output import BAD_FIXTURE, complain, say, say_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def check(files: Sequence[Path], *, as_json: bool) -> None:
    """Check fixtures; ends with status 4 when one has errors."""
    from sandboxd.fixtures import FixtureError, load, make_plan

    reports: list[dict[str, Any]] = []
    bad = False
    for file in files:
        try:
            plan = make_plan(load(file))
        except FixtureError as error:
            bad, found = True, error.problems
        else:
            found = plan.warnings
            if not as_json:
                warned = f", {len(found)} warnings" if found else ""
                say(f"{file}: {len(plan.secrets)} secrets, no problems{warned}")
        reports.append({"file": str(file), "problems": [msgspec.to_builtins(problem) for problem in found]})
        if not as_json:
            for problem in found:
                complain(str(problem))
    if as_json:
        say_json(reports)
    if bad:
        sys.exit(BAD_FIXTURE)


def schema() -> None:
    """Print the JSON Schema of fixtures."""
    from sandboxd.fixtures import json_schema

    say_json(json_schema())


def show(fixture: Path, *, reveal: bool, seed: str, as_json: bool) -> None:
    """Print what a fixture declares; values are masked unless asked for."""
    from sandboxd.fixtures import FixtureError, load, make_plan, summary

    try:
        found = summary(make_plan(load(fixture), seed=seed), reveal=reveal)
    except FixtureError as error:
        complain(str(error))
        sys.exit(BAD_FIXTURE)
    if as_json:
        say_json(found)
    else:
        say(found.text())
