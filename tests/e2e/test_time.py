"""Moving the time of a running sandbox, and what comes of it, as the command shows it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from e2e.conftest import ask, until

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.conftest import Command

FIXTURE = """
sandbox: shop
secrets:
  secret/db:
    owner: team-orders
    rotation: {every: 30d, grace: 1d}
    fields: {username: orders, password: {kind: password}}
  secret/still: {fields: {a: {kind: password}}}
dynamic:
  acme/creds/app: {fields: {key: {kind: hex}}, ttl: 1h}
"""


@pytest.fixture
def fixture(tmp_path: Path) -> str:
    file = tmp_path / "shop.yaml"
    file.write_text(FIXTURE)
    return str(file)


def told(command: Command, *arguments: str) -> object:
    return json.loads(command(*arguments, "--json").stdout)


def test_real_time_is_said_to_be_real_and_moved_time_what_it_is(command: Command, fixture: str) -> None:
    command.up(fixture)
    assert command("time").stdout.splitlines()[0].endswith(" UTC (real time)")
    command("time", "advance", "40d")
    first, *rest = command("time").stdout.splitlines()
    assert first.endswith(" UTC (40d ahead of real time)")
    assert any(line.startswith("This is not real time") for line in rest)
    assert any(line.strip().startswith("TLS:") for line in rest)
    assert command("reset")
    assert command("time", "now").stdout.splitlines()[0].endswith(" UTC (real time)")


def test_time_stands_still_runs_fast_and_goes_on(command: Command, fixture: str) -> None:
    command.up(fixture)
    frozen = told(command, "time", "freeze")
    assert told(command, "time")["now"] == frozen["now"]
    assert "passing 60 times as fast" in command("time", "scale", "60").stdout
    assert told(command, "time", "resume")["scale"] == 1.0


def test_a_moment_that_has_passed_is_refused(command: Command, fixture: str) -> None:
    command.up(fixture)
    assert "time only moves forward" in command("time", "at", "2020-01-01", status=1).stderr
    assert "say seconds, or a duration" in command("time", "advance", "soon", status=1).stderr
    assert "say seconds, or a duration" in command("time", "advance", "", status=1).stderr


def test_a_lease_ends_in_a_jump_and_is_told_of(command: Command, fixture: str) -> None:
    started = command.up(fixture)
    status, found = ask(started["address"], "GET", "/v1/acme/creds/app", command.token())
    assert status == 200
    assert "1 things came due" in command("time", "advance", "61m").stdout
    lines = [line.split() for line in command("events", "--kind", "lease.").stdout.splitlines()]
    assert [(line[2], line[3]) for line in lines] == [
        ("lease.expiring", "acme/creds/app"),
        ("lease.expired", "acme/creds/app"),
    ]
    assert found["data"]["key"] not in command("events").stdout


def test_rotation_is_shown_as_a_table_and_as_json(command: Command, fixture: str) -> None:
    started = command.up(fixture)
    ask(started["address"], "GET", "/v1/secret/data/db", command.token())
    said = command("rotate", "secret/db").stdout.splitlines()
    assert said[0] == "Rotated secret/db: version 2."
    head, row, *details = command("rotation").stdout.splitlines()
    assert head.split("  ")[0] == "PATH"
    assert row.split()[:3] == ["secret/db", "grace", "2"]
    assert row.endswith("team-orders")
    assert any("still uses version 1" in line for line in details)
    (found,) = told(command, "rotation")
    assert (found["path"], found["schedule"], len(found["old_in_use_by"])) == ("secret/db", "every 30d", 1)
    assert len(told(command, "rotation", "--all")) == 2


def test_what_cannot_be_rotated_is_refused_with_the_reason(command: Command, fixture: str) -> None:
    command.up(fixture)
    assert "nothing is mounted at nowhere/x" in command("rotate", "nowhere/x", status=1).stderr


def test_events_can_be_followed(command: Command, fixture: str) -> None:
    command.up(fixture)
    process = command.start("events", "--follow", "--kind", "rotation.")
    assert process.stdout is not None
    command("rotate", "secret/db")
    assert "rotation.done" in until(process.stdout.readline)
    command("rotate", "secret/db")
    assert "rotation.done" in until(process.stdout.readline)


def test_time_and_rotation_survive_a_restart(command: Command, fixture: str, tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    command.up(fixture, "--data-dir", data)
    command("time", "advance", "40d")
    before = told(command, "rotation")
    command("down")
    command.up(fixture, "--data-dir", data)
    assert command("time").stdout.splitlines()[0].endswith(" UTC (40d ahead of real time)")
    assert told(command, "rotation") == before
