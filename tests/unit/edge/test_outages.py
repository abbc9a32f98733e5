"""The control API's routes about what goes wrong on purpose."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from unit.helpers import call

from sandboxd.edge.control import Control
from sandboxd.edge.messages import CONTROL, Incoming
from sandboxd.edge.sandbox import Options, Sandbox, open_sandbox

SCENARIO = {"phases": [{"name": "bad", "hold": "10s", "faults": [{"fault": "status", "code": 502}]}]}


class Desk:
    """A sandbox, and its control API."""

    def __init__(self, sandbox: Sandbox) -> None:
        async def reload() -> None:
            raise AssertionError

        self.sandbox = sandbox
        self.control = Control(sandbox, stop=lambda: None, reload=reload)

    async def ask(self, method: str, route: str, body: Any = None, *, token: str = "root") -> tuple[int, Any]:
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        target = CONTROL + route
        incoming = Incoming(method, target, {"x-vault-token": (token,)}, data, "127.0.0.1", 1)
        answer = await self.control.answer(target.partition("?")[0], incoming)
        return answer.status, json.loads(answer.body)

    async def status(self, route: str = "chaos") -> Any:
        status, found = await self.ask("GET", route)
        assert status == 200
        return found

    async def read(self) -> int:
        return (await asyncio.to_thread(call, self.sandbox.world, "GET", "auth/token/lookup-self")).status


@pytest.fixture
async def desk(tmp_path):
    file = tmp_path / "main.yaml"
    file.write_text(f"sandbox: shop\nseed: x\nchaos:\n  mine: {json.dumps({'title': 'My own', **SCENARIO})}\n")
    sandbox = await open_sandbox(Options(fixture=file, root_token="root"))
    yield Desk(sandbox)
    await sandbox.close()


async def test_a_fault_is_begun_with_and_shown(desk):
    status, begun = await desk.ask("POST", "chaos/faults", {"fault": "status", "code": 502, "path": "auth/*"})
    assert status == 200
    assert await desk.read() == 502
    [shown] = (await desk.status())["faults"]
    assert shown["id"] == begun["id"] == "f1"
    assert shown["says"] == {"fault": "status", "code": 502, "path": "auth/*"}
    assert (shown["seen"], shown["struck"], shown["on"]) == (1, 1, True)


async def test_strikes_are_shown_as_many_as_asked_for(desk):
    await desk.ask("POST", "chaos/faults", {"fault": "status"})
    for _ in range(5):
        await desk.read()
    assert len((await desk.status("chaos?strikes=3"))["strikes"]) == 3
    assert (await desk.status("chaos?strikes=0"))["strikes"] == []
    assert (await desk.ask("GET", "chaos?strikes=many"))[0] == 400


async def test_a_seed_is_taken(desk):
    _, begun = await desk.ask("POST", "chaos/faults?seed=seven", {"fault": "status"})
    assert begun["seed"] == "seven"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"fault": "slo"}, 'no fault "slo"'),
        ({"fault": "slow", "dely": "2s"}, 'unknown key "dely"'),
        ({"fault": "slow", "delay": "x"}, "expected 2s, jitter"),
        ({}, 'no fault ""'),
        (b"[", "this is not YAML|in it that needs|a list"),
        (b"3", "mapping"),
        (b"", 'no fault ""'),
    ],
)
async def test_what_is_no_fault_is_refused_with_what_is_wrong(desk, body, told):
    status, found = await desk.ask("POST", "chaos/faults", body)
    assert status == 400
    assert any(part in found["errors"][0] for part in told.split("|"))


async def test_a_scenario_of_the_fixture_is_begun_with_by_its_name(desk):
    status, run = await desk.ask("POST", "chaos/runs", {"name": "mine", "seed": "s"})
    assert status == 200
    assert (run["title"], run["phase"], run["seed"], run["over"]) == ("My own", "bad", "s", False)
    assert await desk.read() == 502


async def test_a_scenario_can_be_sent(desk):
    status, run = await desk.ask("POST", "chaos/runs", {"name": "sent", "scenario": SCENARIO})
    assert (status, run["name"]) == (200, "sent")
    assert await desk.read() == 502


async def test_a_scenario_can_be_aimed_otherwise(desk):
    await desk.ask("POST", "chaos/runs", {"name": "mine", "aim": ["path=secret/*"]})
    assert await desk.read() == 200


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({"name": "mien"}, 404, "Did you mean mine or silent?"),
        ({"name": "sent", "scenario": {"phases": [{"hold": "x"}]}}, 400, "sent:1:"),
        ({"name": "mine", "aim": ["x"]}, 400, "KEY=VALUE"),
        ({"nam": "mine"}, 400, "the body is not what this takes"),
    ],
)
async def test_what_is_no_scenario_is_refused_with_what_is_wrong(desk, body, status, told):
    found = await desk.ask("POST", "chaos/runs", body)
    assert found[0] == status
    assert told in found[1]["errors"][0]


async def test_one_is_stopped_by_its_id_and_all_at_once(desk):
    await desk.ask("POST", "chaos/faults", {"fault": "status"})
    await desk.ask("POST", "chaos/faults", {"fault": "status", "code": 500})
    await desk.ask("POST", "chaos/runs", {"name": "mine"})
    assert await desk.ask("DELETE", "chaos/f1") == (200, {"stopped": 1})
    assert await desk.read() == 500
    assert await desk.ask("DELETE", "chaos") == (200, {"stopped": 2})
    assert await desk.read() == 200
    assert (await desk.ask("DELETE", "chaos/f1"))[0] == 404


async def test_a_run_is_replayed(desk):
    await desk.ask("POST", "chaos/runs", {"name": "mine"})
    await desk.read()
    await desk.ask("DELETE", "chaos")
    status, run = await desk.ask("POST", "chaos/replay", {})
    assert (status, run["replay_of"]) == (200, "r1")
    assert await desk.read() == 502
    assert await desk.read() == 200


async def test_the_header_is_allowed_and_no_longer(desk):
    assert await desk.ask("POST", "chaos/header", {"allowed": True}) == (200, {"allowed": True})
    assert (await desk.status())["header"] is True
    await desk.ask("POST", "chaos/header", {"allowed": False})
    assert desk.sandbox.world.faults is None


async def test_the_catalogue_has_all_kinds_and_the_scenarios_of_the_fixture(desk):
    found = await desk.status("chaos/catalogue")
    assert len(found["faults"]) == 60
    assert {"name": "mine", "title": "My own", "tags": [], "needs": [], "own": True} in found["scenarios"]


async def test_a_reset_ends_what_goes_wrong(desk):
    await desk.ask("POST", "chaos/faults", {"fault": "status"})
    await desk.ask("POST", "reset")
    assert await desk.read() == 200
    assert (await desk.status())["faults"] == []


@pytest.mark.parametrize("route", ["chaos", "chaos/faults", "chaos/x"])
async def test_all_of_it_needs_the_root_token(desk, route):
    for method in ("GET", "POST", "DELETE"):
        assert (await desk.ask(method, route, token="other"))[0] in (403, 405)


async def test_what_is_unknown_is_named(desk):
    assert await desk.ask("POST", "chaos/nothing", {}) == (405, {"errors": [f"no POST {CONTROL}chaos/nothing"]})
