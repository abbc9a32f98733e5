"""The routes of the control API about what goes wrong on purpose.

GET    chaos                what is going wrong: faults, scenarios under way, the latest strikes (?strikes=20)
GET    chaos/catalogue      the kinds of faults, and the scenarios by name
GET    chaos/*              the page of a scenario, in Markdown
POST   chaos/faults         {"fault": "slow", "delay": "2s", "path": "secret/*", ...}: begin with a fault; ?seed=
POST   chaos/runs           {"name": "brown-out"} or {"name": "mine", "scenario": {...}}, "seed": begin with a scenario
                            with "aim": ["app=shop", "for=10s"], which all of its faults have instead of their own
POST   chaos/replay         {"run": "r1"}: do a run again; with "seed", drawn anew
POST   chaos/header         {"allowed": true}: let requests ask for faults by X-Sandboxd-Fault
POST   chaos/turn           begin and end what is due, now
DELETE chaos                end everything
DELETE chaos/*              end a fault or a run by its id, or all of a name or kind
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote

import msgspec

from sandboxd.chaos.kinds import FAMILIES, KINDS, kind_name
from sandboxd.edge.messages import CONTROL
from sandboxd.fixtures import scenarios
from sandboxd.vault.clock import NANOSECONDS
from sandboxd.vault.durations import rfc3339
from sandboxd.vault.errors import Refusal

if TYPE_CHECKING:
    from sandboxd.chaos.rules import Active, Struck
    from sandboxd.chaos.run import Chaos
    from sandboxd.chaos.runs import Run
    from sandboxd.chaos.scenario import Scenario
    from sandboxd.edge.messages import Incoming
    from sandboxd.edge.sandbox import Sandbox

SHOWN = 20


class Begin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which scenario to begin with."""

    name: str
    scenario: msgspec.Raw = msgspec.Raw(b"")
    seed: str = ""
    aim: list[str] = []


class Again(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which run to do again."""

    run: str = ""
    seed: str = ""


class Allow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether something is allowed."""

    allowed: bool


def find(sandbox: Sandbox, name: str) -> Scenario:
    """A scenario by name: of the fixture, or of the catalogue. Raises Refusal when there is none."""
    found = None if sandbox.plan is None else sandbox.plan.scenarios.get(name)
    found = found or scenarios.named(name)
    if found is None:
        from sandboxd.fixtures.problems import close_to

        known = [*scenarios.names(), *(() if sandbox.plan is None else sandbox.plan.scenarios), *KINDS]
        raise Refusal(f'there is no scenario or fault "{name}". {close_to(name, known)}'.rstrip(), status=404)
    return found


def _status(sandbox: Sandbox, incoming: Incoming) -> Any:
    query = parse_qs(incoming.target.partition("?")[2])
    try:
        strikes = max(int(query.get("strikes", [str(SHOWN)])[0]), 0)
    except ValueError:
        raise Refusal("strikes is a number") from None
    chaos = sandbox.chaos
    return {
        "faults": [_fault(each) for each in chaos],
        "runs": [_run(chaos, run) for run in chaos.runs.values()],
        "header": chaos.header_allowed,
        "strikes": [_strike(each) for each in list(chaos.rules.struck)[-strikes:]] if strikes else [],
    }


def _fault(active: Active) -> dict[str, Any]:
    return {
        "id": active.id,
        "name": active.name,
        "kind": active.kind,
        "run": active.run,
        "seed": active.chance.seed,
        "on": active.on and not active.used_up,
        "seen": active.seen,
        "struck": active.struck,
        "says": msgspec.to_builtins(active.fault),
    }


def _run(chaos: Chaos, run: Run) -> dict[str, Any]:
    step = run.step
    return {
        "id": run.id,
        "name": run.name,
        "title": run.scenario.title,
        "seed": run.seed,
        "over": run.over,
        "replay_of": run.replay_of,
        "phase": "" if step is None or run.over else step.name,
        "phases": run.turns,
        "seconds": round(chaos.age(run) / NANOSECONDS, 3),
        "struck": run.struck,
        "problems": run.problems,
    }


def _strike(struck: Struck) -> dict[str, Any]:
    return {
        "at": rfc3339(struck.at),
        "fault": struck.name,
        "kind": struck.kind,
        "id": struck.id,
        "request": struck.key,
        "app": struck.app,
    }


def _catalogue(sandbox: Sandbox, _incoming: Incoming) -> Any:
    return catalogue({} if sandbox.plan is None else sandbox.plan.scenarios)


def catalogue(own: Mapping[str, Scenario]) -> Any:
    """The kinds of faults, and the scenarios: those that ship with sandboxd, and a fixture's own."""
    shipped = {name: found for name in scenarios.names() if (found := scenarios.named(name)) is not None}
    return {
        "faults": [
            {"kind": kind_name(kind), "family": family, "depth": kind.DEPTH, "help": kind.HELP}
            for family, kinds in FAMILIES.items()
            for kind in kinds
        ],
        "scenarios": [
            {"name": name, "title": each.title, "tags": list(each.tags), "needs": list(each.needs), "own": name in own}
            for name, each in sorted({**shipped, **own}.items())
        ],
    }


def _show(sandbox: Sandbox, incoming: Incoming) -> Any:
    name = unquote(incoming.target.partition("?")[0][len(CONTROL) :].rstrip("/").split("/")[1])
    from sandboxd.chaos.page import page

    return {"name": name, "page": page(name, find(sandbox, name))}


async def _start(sandbox: Sandbox, incoming: Incoming) -> Any:
    seed = parse_qs(incoming.target.partition("?")[2]).get("seed", [""])[0]
    try:
        fault = scenarios.fault_in(incoming.body, "body")
    except ValueError as error:
        raise Refusal(str(error)) from None
    active = await sandbox.chaos.start(fault, seed=seed)
    await sandbox.follow()
    return _fault(active)


async def begin(sandbox: Sandbox, name: str, *, seed: str = "") -> Run:
    """Begin with a scenario: of the fixture, of the catalogue, or in a file. Raises Refusal or FixtureError."""
    is_file = name.endswith((".yaml", ".yml")) or "/" in name
    scenario = scenarios.scenario_in(Path(name)) if is_file else find(sandbox, name)
    run = await sandbox.chaos.run(Path(name).stem if is_file else name, scenario, seed=seed)
    await sandbox.follow()
    return run


async def _begin(sandbox: Sandbox, incoming: Incoming) -> Any:
    wanted = msgspec.json.decode(incoming.body, type=Begin)
    try:
        written = bytes(wanted.scenario)
        scenario = scenarios.scenario_of(written, wanted.name) if written else find(sandbox, wanted.name)
        scenario = scenarios.aimed_at(scenario, wanted.aim, "aim")
    except ValueError as error:
        raise Refusal(str(error)) from None
    run = await sandbox.chaos.run(wanted.name, scenario, seed=wanted.seed)
    await sandbox.follow()
    return _run(sandbox.chaos, run)


async def _replay(sandbox: Sandbox, incoming: Incoming) -> Any:
    wanted = msgspec.json.decode(incoming.body or b"{}", type=Again)
    run = await sandbox.chaos.replay(wanted.run, seed=wanted.seed)
    await sandbox.follow()
    return _run(sandbox.chaos, run)


def _header(sandbox: Sandbox, incoming: Incoming) -> Any:
    allowed = msgspec.json.decode(incoming.body, type=Allow).allowed
    sandbox.chaos.allow_header(allowed=allowed)
    return {"allowed": allowed}


async def _turn(sandbox: Sandbox, _incoming: Incoming) -> Any:
    await sandbox.turn()
    return {"turned": True}


async def _calm(sandbox: Sandbox, _incoming: Incoming) -> Any:
    return {"stopped": await sandbox.calm()}


async def _stop(sandbox: Sandbox, incoming: Incoming) -> Any:
    name = unquote(incoming.target.partition("?")[0][len(CONTROL) :].rstrip("/").split("/")[1])
    stopped = await sandbox.chaos.stop(*name.split(","))
    await sandbox.follow()
    return {"stopped": stopped}


ROUTES: Mapping[tuple[str, str], Callable[[Sandbox, Incoming], Any]] = {
    ("GET", "chaos"): _status,
    ("DELETE", "chaos"): _calm,
    ("GET", "chaos/catalogue"): _catalogue,
    ("GET", "chaos/*"): _show,
    ("POST", "chaos/faults"): _start,
    ("POST", "chaos/runs"): _begin,
    ("POST", "chaos/replay"): _replay,
    ("POST", "chaos/header"): _header,
    ("POST", "chaos/turn"): _turn,
    ("DELETE", "chaos/*"): _stop,
}
