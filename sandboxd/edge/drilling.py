"""Drills: an app, or its tests, in a fresh sandbox under one scenario after the other.

The app finds the sandbox in its environment:

- `VAULT_ADDR`, `VAULT_TOKEN`, with TLS `VAULT_CACERT` (and the same with `BAO_`);
- `SANDBOXD_ROLE_ID`, `SANDBOXD_SECRET_ID`, `SANDBOXD_AUTH_PATH` of an AppRole role, where there is one;
- `SANDBOXD_NODES`, the addresses of all nodes with commas between them, in scenarios that need several: the first one
  leads at first, and is the one in `VAULT_ADDR`;
- `SANDBOXD_SCENARIO`, the name of the scenario;
- `PORT`, a free port, where the command or the health URL has `{port}` in it, which stands for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from sandboxd.chaos.drill.grade import Facts, grade
from sandboxd.chaos.drill.measures import Measures, measure
from sandboxd.chaos.drill.mistakes import mistakes
from sandboxd.chaos.drill.report import Result
from sandboxd.chaos.drill.timeline import UNENDING, blind, ends, stages, stretched
from sandboxd.chaos.drill.watch import Course, Stage
from sandboxd.edge.child import Child
from sandboxd.edge.health import Health
from sandboxd.edge.recording import Recorder
from sandboxd.edge.sandbox import Options, Sandbox, open_sandbox
from sandboxd.vault.clock import NANOSECONDS
from sandboxd.vault.durations import parse_nanoseconds
from sandboxd.vault.errors import VaultError, in_one_line
from sandboxd.vault.inside import inside
from sandboxd.vault.waiting import spawn

if TYPE_CHECKING:
    from sandboxd.chaos.scenario import Scenario
    from sandboxd.edge.doors import Listener
    from sandboxd.fixtures.plan import RoleStep
    from sandboxd.vault.world import Profile

TICK = 0.05
"""Seconds between two looks at how the drill stands."""
SETTLE = 1.0
"""Seconds that an app is watched at least after an outage: some storms come then."""
MARGIN = 5.0
"""Seconds, at least, that an app is watched beyond those it may take to recover, to tell late from never."""
LONGEST = 600.0
"""Seconds that a scenario by the sandbox's clock may last, which is as fast as the real one here."""
TOKEN_TTL = "24h"
PORT = "{port}"
OURS = ("VAULT_", "BAO_", "SANDBOXD_")
"""How variables begin that the app does not get from whoever runs the drill."""
NODES = 3
"""How many nodes there are where a scenario needs several."""


class NotRun(Exception):
    """A drill could not be run at all; the text says why."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be drilled, and how.

    `ready` and `calm` are seconds: how long the app may take to be well, and how long it is watched then before the
    outage. `patience` is how long tests may go on after it. `root` gives the app a root token; else its token has the
    `policies`, without which those of the role `role`, or of the first one that there is.
    """

    command: tuple[str, ...]
    folder: Path
    fixture: Path
    profile: Profile | None = None
    health: str = ""
    tests: bool = False
    ready: float = 30.0
    calm: float = 3.0
    patience: float = 300.0
    stretch: float = 1.0
    seed: str = ""
    root: bool = False
    role: str = ""
    policies: tuple[str, ...] = ()


async def drill(wish: Wish, name: str, scenario: Scenario, tell: Callable[[str], None]) -> Result:
    """Run the app under one scenario. Nothing is left of it, also when this is cancelled.

    Args:
        tell: is told what is happening, in a few words.

    Raises NotRun, or FixtureError for the fixture.
    """
    known = Result(scenario=name, title=scenario.title, tags=scenario.tags)
    folder = wish.folder / name.replace("/", "-")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    tell("starting")
    sandbox = await open_sandbox(Options(name="drill", fixture=wish.fixture, profile=wish.profile, seed=wish.seed))
    try:
        scenario = stretched(scenario, wish.stretch)
        lacking = lacks(sandbox, scenario)
        if lacking:
            return msgspec.structs.replace(known, skipped=lacking)
        return await _Drill(wish, name, scenario, sandbox, folder, tell).run(known)
    finally:
        await sandbox.close()


def lacks(sandbox: Sandbox, scenario: Scenario) -> str:
    """What a scenario needs that a sandbox cannot give it, in words; empty for nothing."""
    world = sandbox.world
    mounts = [mounted for namespace in world.namespaces for mounted in world.mounts.list(namespace)]
    types = {mounted.entry.type for mounted in mounts}
    for need in scenario.needs:
        if need == "vault" and world.profile != "vault":
            return "it is Vault's alone, and this is OpenBao: --as vault"
        if need in ("kv", "approle", "database", "pki") and need not in types:
            return f"the fixture has no mount of type {need}"
    if scenario.clock == "sandbox" and ends(stages(scenario, 0.0)) > LONGEST:
        return "it lasts long by the sandbox's clock, which nobody moves in a drill"
    return ""


class _Drill:
    """An app under one scenario."""

    def __init__(
        self, wish: Wish, name: str, scenario: Scenario, sandbox: Sandbox, folder: Path, tell: Callable[[str], None]
    ) -> None:
        self._wish = wish
        self._name = name
        self._scenario = scenario
        self._sandbox = sandbox
        self._folder = folder
        self._tell = tell
        self._recorder = Recorder(sandbox.world, sandbox.chaos.rules)
        self._ending: asyncio.Task[None] | None = None
        self._exited: float | None = None

    async def run(self, known: Result) -> Result:
        log = self._folder / "app.log"
        known = msgspec.structs.replace(known, log=str(log), blind=blind(self._scenario))
        try:
            async with contextlib.AsyncExitStack() as stack:
                variables = await stack.enter_async_context(self._serving())
                port = str(_free_port())
                command = [word.replace(PORT, port) for word in self._wish.command]
                if PORT in self._wish.health or command != [*self._wish.command]:
                    variables["PORT"] = port
                child = await self._start(command, variables, log)
                stack.push_async_callback(child.stop)
                self._ending = spawn(self._end(child), "the end of the app")
                stack.callback(self._ending.cancel)
                if self._wish.health:
                    health = Health(self._wish.health.replace(PORT, port), self._recorder)
                    await stack.enter_async_context(health)
                return await self._drilled(child, known)
        finally:
            self._recorder.close()

    @contextlib.asynccontextmanager
    async def _serving(self) -> AsyncIterator[dict[str, str]]:
        """Have the sandbox listen; gives the variables that lead there."""
        from sandboxd.edge.control import Control
        from sandboxd.edge.runtime import address_of, serving

        sandbox, world = self._sandbox, self._sandbox.world
        listener, ca_file = self._listener()
        listeners = [listener]
        if "nodes" in self._scenario.needs:
            from sandboxd.edge.nodes import Cluster

            sandbox.cluster = Cluster(world, NODES)
            listeners = [replace(listener, node=name) for name in sandbox.cluster.names]
        drilling = asyncio.current_task()

        def stop() -> None:
            if drilling is not None:
                drilling.cancel()

        async def reload() -> None:
            await sandbox.fill(sandbox.plan)

        control = Control(sandbox, stop=stop, reload=reload)
        async with serving(world, listeners, control, self._recorder, sandbox.cluster) as addresses:
            told = tuple(address_of(listener, *address) for address in addresses)
            control.address = world.address = told[0]
            self._recorder.addresses = told
            found = {"VAULT_ADDR": told[0], "VAULT_TOKEN": await self._token()}
            if ca_file:
                found["VAULT_CACERT"] = ca_file
            found |= {key.replace("VAULT_", "BAO_"): value for key, value in found.items()}
            if len(told) > 1:
                found["SANDBOXD_NODES"] = ",".join(told)
            yield {**found, **self._login(), "SANDBOXD_SCENARIO": self._name}

    def _listener(self) -> tuple[Listener, str]:
        from sandboxd.edge.doors import Listener

        if "tls" not in self._scenario.needs:
            return Listener(port=0), ""
        from sandboxd.edge.tls import make_files, server_context

        files = make_files(self._folder / "tls", ["127.0.0.1"], self._sandbox.world.clock)
        context = server_context(files.certificate, files.key)
        return Listener(port=0, tls=context, authority=files.authority), str(files.ca)

    def _role(self) -> RoleStep | None:
        from sandboxd.fixtures.plan import RoleStep

        plan, wanted = self._sandbox.plan, self._wish.role
        roles = [] if plan is None else [step for step in plan.steps if isinstance(step, RoleStep)]
        found = next((step for step in roles if not step.namespace and wanted in ("", step.role)), None)
        if wanted and found is None:
            raise NotRun(f'the fixture has no AppRole role "{wanted}"')
        return found

    def _login(self) -> dict[str, str]:
        role = self._role()
        if role is None:
            return {}
        return {
            "SANDBOXD_ROLE_ID": role.role_id,
            "SANDBOXD_SECRET_ID": role.secret_id,
            "SANDBOXD_AUTH_PATH": f"auth/{role.method}",
        }

    async def _token(self) -> str:
        """The app's token."""
        if self._wish.root:
            return self._sandbox.root_token
        role = self._role()
        policies = self._wish.policies or (() if role is None else tuple(role.data["token_policies"]))
        if not policies:
            raise NotRun("the fixture has no AppRole role whose policies the app could have: --policy, or --root")
        world = self._sandbox.world
        data = {"policies": policies, "ttl": TOKEN_TTL, "no_parent": True, "display_name": "drill"}
        async with inside(world, "drill") as requests:
            try:
                response = await requests.send("update", "", "auth/token/create", data)
            except VaultError as error:
                raise NotRun(f"no token could be made for the app: {in_one_line(error.errors)}") from None
        assert response is not None
        assert response.auth is not None
        return response.auth.token

    async def _start(self, command: list[str], variables: Mapping[str, str], log: Path) -> Child:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        try:
            child = await Child.start(command, {**kept, **variables}, log)
        except OSError as error:
            raise NotRun(f"{command[0]} cannot be started: {error.strerror or error}") from None
        self._recorder.restart()
        return child

    async def _end(self, child: Child) -> None:
        await child.wait()
        if not child.asked:
            self._exited = self._now

    @property
    def _now(self) -> float:
        return self._recorder.now

    async def _drilled(self, child: Child, known: Result) -> Result:
        self._tell("waiting until the app is well")
        ready = await self._ready()
        if ready is None:
            return msgspec.structs.replace(known, failed=self._not_ready(child))
        self._tell("calm")
        await self._until(self._now + self._wish.calm)
        if self._exited is not None:
            how = f"ended with status {child.status}"
            return msgspec.structs.replace(known, failed=f"the app {how} before anything went wrong")
        seed = self._scenario.seed or (self._wish.seed and f"{self._wish.seed} {self._name}")
        begin = self._now
        try:
            run = await self._sandbox.chaos.run(self._name, self._scenario, seed=seed)
        except VaultError as error:
            return msgspec.structs.replace(known, skipped=in_one_line(error.errors))
        if run.problems and not any(active.run == run.id for active in self._sandbox.chaos):
            return msgspec.structs.replace(known, skipped=in_one_line(run.problems))
        course = await self._outage(begin)
        course = await self._recovery(course)
        seen = self._recorder.kept()  # what the app does while it is stopped is no matter
        await child.stop()
        status = child.status if self._exited is not None else None
        course = msgspec.structs.replace(course, ready=ready, exited=self._exited, status=status)
        expect = self._scenario.expect
        measures = measure(seen, course)
        found = mistakes(seen, course, expect)
        graded = grade(Facts(measures, found, course, expect, tests=self._wish.tests))
        missing = (f"not all of it could happen: {in_one_line(run.problems)}",) if run.problems else ()
        return msgspec.structs.replace(
            known,
            grade=graded.grade,
            reasons=graded.reasons + missing,
            rules=graded.rules,
            seed=run.seed,
            course=course,
            measures=measures,
            mistakes=found,
            seen=seen,
        )

    async def _ready(self) -> float | None:
        """Wait until the app is well; gives when, or None when it was not in time."""
        end = self._now + self._wish.ready
        seen = self._recorder.seen
        while self._exited is None and self._now < end:
            if self._wish.health:
                well = bool(seen.looks) and seen.looks[-1].well
            else:
                well = any(call.outcome == "good" for call in seen.calls)
            if well:
                return self._now
            await asyncio.sleep(TICK)
        return None

    def _not_ready(self, child: Child) -> str:
        if self._exited is not None:
            return f"the app ended with status {child.status} before it was ready"
        looks = self._recorder.seen.looks
        said = f": its health URL says {looks[-1].note}" if looks else ": it asked nothing that was answered well"
        return f"the app was not ready after {self._wish.ready:g} s{said}"

    async def _until(self, moment: float) -> None:
        """Wait until a moment, or until the app has ended."""
        if self._ending is not None:
            await asyncio.wait((self._ending,), timeout=max(moment - self._now, 0))

    async def _outage(self, begin: float) -> Course:
        planned = stages(self._scenario, begin, UNENDING * self._wish.stretch)
        end = ends(planned)
        for stage in planned:
            if stage.end <= end:
                self._tell(f"{stage.name}, until {stage.end - begin:.1f} s after the beginning")
            await self._until(min(stage.end, end))
        await self._sandbox.calm()
        over = max(min(end, self._now), begin) if self._exited is None else max(end, self._exited)
        if self._exited is not None and self._wish.tests:
            over = self._now
        return Course(begin=begin, end=over, stopped=self._now, stages=_cut(planned, over))

    async def _recovery(self, course: Course) -> Course:
        """Watch until all is well again, or nobody waits any longer."""
        self._tell("over; watching it recover")
        if self._wish.tests:
            await self._until(self._now + self._wish.patience)
            return msgspec.structs.replace(course, stopped=self._now)
        expect = self._scenario.expect
        within = _seconds(expect.recover_within)
        latest = course.end + within + max(MARGIN, within)
        pause = TICK
        while self._exited is None and self._now < latest:
            await asyncio.sleep(pause)
            course = msgspec.structs.replace(course, stopped=self._now)
            if self._now >= course.end + SETTLE and _all_well(measure(self._recorder.seen, course)):
                break
            # The app is not to wait for answers because there is so much to be measured.
            pause = max(4 * TICK, 10 * (self._now - course.stopped))
        return msgspec.structs.replace(course, stopped=self._now)


def _all_well(measures: Measures) -> bool:
    return measures.recovered is not None and all(each.after is not None for each in measures.again)


def _cut(planned: tuple[Stage, ...], end: float) -> tuple[Stage, ...]:
    """The stages that there really were."""
    return tuple(msgspec.structs.replace(stage, end=min(stage.end, end)) for stage in planned if stage.begin < end)


def _seconds(span: str | int) -> float:
    return parse_nanoseconds(span) / NANOSECONDS


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
