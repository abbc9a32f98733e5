"""Worlds never see each other's writes, and a state that is gone back to gives the same answers as before."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sandboxd.edge.app import App
from sandboxd.edge.control import Control
from sandboxd.edge.messages import Incoming
from sandboxd.edge.sandbox import Options, open_sandbox
from sandboxd.vault.clock import NANOSECONDS, Clock

MAIN = ""
START = 1_767_225_600 * NANOSECONDS
paths = st.sampled_from(["a", "b", "a/b"])
values = st.integers(0, 9)
names = st.sampled_from(["s", "t"])
PROBES = (
    *(("GET", f"secret/data/{path}") for path in ("a", "b", "a/b")),
    *(("GET", f"secret/metadata/{path}") for path in ("a", "b", "a/b")),
    ("LIST", "secret/metadata/"),
    ("GET", "sys/mounts"),
    ("GET", "sys/policies/acl/p"),
    ("LIST", "auth/token/accessors"),
    ("GET", "auth/token/lookup-self"),
    ("GET", "cubbyhole/c"),
)


class Worlds(RuleBasedStateMachine):
    """A sandbox with worlds beside its main one, and what each of them should answer."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.now = START

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    @initialize()
    def start(self) -> None:
        sandbox = self.run(open_sandbox(Options(root_token="root"), Clock(lambda: self.now)))
        self.control = Control(sandbox, stop=lambda: None, reload=self.nothing)
        self.app = App(sandbox.world, self.control, self.control.worlds)
        self.answers = {MAIN: self.probe(MAIN)}
        self.baseline = self.answers[MAIN]
        self.begun: dict[str, Any] = {MAIN: self.baseline}
        self.kept: dict[tuple[str, str], Any] = {}
        for name in ("x", "y"):
            self.new(name, now=False)

    async def nothing(self) -> None:
        pass

    def teardown(self) -> None:
        self.run(self.control.worlds.close())
        self.loop.close()

    def send(self, world: str, method: str, target: str, body: Any = None, *, by: int = 0) -> Any:
        headers = {"x-vault-token": ("root",)}
        if world and by == 0:
            headers["x-sandboxd-world"] = (world,)
        elif world and by == 1:
            headers["x-vault-namespace"] = (world,)
        elif world:
            target = target.replace("/v1/", f"/v1/{world}/", 1)
        raw = b"" if body is None else json.dumps(body).encode()
        answer = self.run(self.app.answer(Incoming(method, target, headers, raw, "127.0.0.1", 1)))
        found = json.loads(answer.body) if answer.body else {}
        found.pop("request_id", None)
        return answer.status, found

    def ours(self, method: str, name: str, body: Any = None, world: str = MAIN) -> Any:
        status, found = self.send(world, method, f"/_sandboxd/v1/{name}", body)
        assert status == 200, found
        return found

    def probe(self, world: str, by: int = 0) -> list[Any]:
        return [self.send(world, method, f"/v1/{path}", by=by) for method, path in PROBES]

    def changed(self, world: str) -> None:
        self.answers[world] = self.probe(world)

    def some(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(sorted(self.answers)))

    # What clients do

    @rule(data=st.data(), path=paths, value=values, by=st.integers(0, 2))
    def write(self, data: st.DataObject, path: str, value: int, by: int) -> None:
        world = self.some(data)
        status, _ = self.send(world, "POST", f"/v1/secret/data/{path}", {"data": {"v": value}}, by=by)
        assert status == 200
        assert self.send(world, "GET", f"/v1/secret/data/{path}", by=by)[1]["data"]["data"] == {"v": value}
        self.changed(world)

    @rule(data=st.data(), path=paths)
    def delete(self, data: st.DataObject, path: str) -> None:
        world = self.some(data)
        self.send(world, "DELETE", f"/v1/secret/metadata/{path}")
        self.changed(world)

    @rule(data=st.data(), value=values)
    def set_up(self, data: st.DataObject, value: int) -> None:
        world = self.some(data)
        self.send(world, "PUT", "/v1/sys/policies/acl/p", {"policy": f'path "{value}" {{ capabilities = ["read"] }}'})
        self.send(world, "POST", "/v1/sys/mounts/m", {"type": "kv"})
        self.send(world, "POST", "/v1/cubbyhole/c", {"v": value})
        self.send(world, "POST", "/v1/auth/token/create", {"ttl": "1h"})
        self.changed(world)

    @rule(data=st.data(), hours=st.integers(1, 3))
    def move_time(self, data: st.DataObject, hours: int) -> None:
        world = self.some(data)
        self.ours("POST", "time/advance", {"value": f"{hours}h"}, world)
        self.changed(world)

    # What the owner does

    @precondition(lambda self: len(self.answers) < 4)
    @rule(data=st.data(), now=st.booleans())
    def make(self, data: st.DataObject, now: bool) -> None:
        self.new(data.draw(st.sampled_from(sorted({"x", "y", "z"} - self.answers.keys()))), now=now)

    def new(self, name: str, *, now: bool) -> None:
        self.ours("POST", "worlds", {"name": name, "from": "now" if now else "baseline"})
        self.answers[name] = self.begun[name] = self.answers[MAIN] if now else self.baseline

    @precondition(lambda self: len(self.answers) > 1)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        world = data.draw(st.sampled_from(sorted(self.answers.keys() - {MAIN})))
        self.ours("DELETE", f"worlds/{world}")
        del self.answers[world]
        self.kept = {key: answers for key, answers in self.kept.items() if key[0] != world}
        assert self.send(world, "GET", "/v1/secret/data/a")[0] == 404

    @rule(data=st.data(), name=names)
    def save(self, data: st.DataObject, name: str) -> None:
        world = self.some(data)
        self.ours("POST", "snapshots", {"name": name, "force": True}, world)
        self.kept[world, name] = self.answers[world]

    @precondition(lambda self: self.kept)
    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        saver, name = data.draw(st.sampled_from(sorted(self.kept)))
        world = data.draw(st.sampled_from(sorted(self.answers))) if saver == MAIN else saver
        self.ours("POST", f"snapshots/{name}/restore", world=world)
        self.answers[world] = self.kept.get((world, name), self.kept[saver, name])
        assert self.ours("POST", f"snapshots/{name}/diff", world=world)["changes"] == []

    @rule(data=st.data())
    def reset(self, data: st.DataObject) -> None:
        world = self.some(data)
        self.ours("POST", "reset", world=world)
        self.answers[world] = self.begun[world]
        assert self.ours("POST", "snapshots/baseline/diff", world=world)["changes"] == []

    @invariant()
    def every_world_answers_as_it_should(self) -> None:
        for number, world in enumerate(self.answers if hasattr(self, "answers") else ()):
            assert self.probe(world, by=number % 3) == self.answers[world]


TestWorlds = Worlds.TestCase
TestWorlds.settings = settings(max_examples=80, stateful_step_count=30, deadline=None, derandomize=True)
