"""`Chaos` has all that goes wrong in one world: single faults, and scenarios under way.

Stopping ends it all: faults, runs, and what they changed in the state.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from sandboxd.chaos.chance import Chance
from sandboxd.chaos.kinds import kind_name
from sandboxd.chaos.kinds.http import Stale
from sandboxd.chaos.kinds.vault import Lagging
from sandboxd.chaos.lasting import Lasting
from sandboxd.chaos.rules import NEVER, Active, Ramp, Replay, Rules, Struck
from sandboxd.chaos.runs import MOST_STRIKES, Run
from sandboxd.vault.clock import NANOSECONDS
from sandboxd.vault.errors import Refusal, VaultError

if TYPE_CHECKING:
    from sandboxd.chaos.effects import Effect
    from sandboxd.chaos.facts import Seen
    from sandboxd.chaos.model import Fault
    from sandboxd.chaos.replica import Replica
    from sandboxd.chaos.rules import Strike
    from sandboxd.chaos.scenario import Scenario
    from sandboxd.rotation import Rotation
    from sandboxd.vault.world import World

RUNS_KEPT = 20
MOST_FAULTS = 1000
"""The faults that can be on at a time."""


class Chaos:
    """What goes wrong in one world.

    Args:
        rotation: rotates what the faults want rotated.
        doors: whether there are listeners of its own; worlds beside the main one share those of the main one.
    """

    def __init__(self, world: World, rotation: Rotation | None = None, *, doors: bool = True) -> None:
        self.world = world
        self.rotation = rotation
        self.rules = Rules(world.clock)
        self.rules.on_strike = self._noted
        self.runs: dict[str, Run] = {}
        self.on_change: Callable[[], None] | None = None
        """Told whenever faults begin or end: listeners have to follow, and timers."""
        self.doors = doors
        self.check_door: Callable[[Fault], None] | None = None
        """Raises Refusal for a fault that the listeners cannot have."""
        self._effects: dict[str, Effect] = {}
        self.lasting = Lasting()
        self._header_faults: dict[str, Active] = {}
        self._header_allowed = False
        self._entropy = world.entropy.fork("chaos")
        self._number = 0
        self._turning = asyncio.Lock()

    def __iter__(self) -> Iterator[Active]:
        return iter(self.rules)

    # What edge/ asks for each request.

    def strike(self, seen: Seen) -> Strike | None:
        """The fault that hits a request, or None."""
        return self.rules.strike(seen)

    @property
    def header_allowed(self) -> bool:
        """Whether requests may ask for faults by themselves."""
        return self._header_allowed

    def allow_header(self, *, allowed: bool) -> None:
        """Let requests ask for faults by `X-Sandboxd-Fault`, or no longer."""
        self._header_allowed = allowed
        self._settle()

    def by_header(self, text: str, read: Callable[[str], Fault]) -> Active:
        """The fault that a header asks for, counted with those that asked for the same. Raises what `read` does."""
        found = self._header_faults.get(text)
        if found is None:
            fault = read(text)
            if len(self._header_faults) >= MOST_FAULTS:
                self._forget_header_faults()
            chance = Chance("header")
            found = self._header_faults[text] = Active(f"header {text}", fault, self.world.clock, chance)
        return found

    def doors_now(self) -> list[Active]:
        """The faults at the listener whose time it is."""
        return [active for active in self.rules if active.fault.DEPTH == "door" and active.on and not active.used_up]

    async def hold(self, active: Active, seconds: float | None) -> bool:
        """Wait so many seconds, None for as long as a fault lasts. Gives whether the time has passed."""
        return await self.lasting.hold(active.id, seconds)

    def replica(self, active: Active) -> Replica:
        """The replica that answers for the world while a fault lasts, as the world was when that began."""
        from sandboxd.chaos.replica import Replica

        return self.lasting.keep(active.id, lambda: Replica(self.world, active.fault))

    def _forget_header_faults(self) -> None:
        for active in self._header_faults.values():
            self.lasting.end(active.id)
        self._header_faults.clear()

    # Starting and stopping.

    def fresh_seed(self) -> str:
        """A seed for what is not given one."""
        return self._entropy.text(8)

    async def start(self, fault: Fault, *, seed: str = "") -> Active:
        """Begin with a fault. Raises Refusal for one that cannot be had here."""
        async with self._turning:
            self._check(fault)
            self._number += 1
            # The label is the kind's name, so that a seed means the same whatever was started before.
            active = Active(
                f"f{self._number}", fault, self.world.clock, Chance(seed or self.fresh_seed()), label="fault"
            )
            self.rules.add(active)
            try:
                await self._begin(active)
            except BaseException:
                self.rules.remove(active.id)
                raise
            finally:
                self._settle()
            return active

    async def run(self, name: str, scenario: Scenario, *, seed: str = "", replay: Run | None = None) -> Run:
        """Begin with a scenario. Raises Refusal for one that cannot be had here.

        Args:
            replay: the run whose strikes are to happen again, rather than by chance and time.
        """
        from sandboxd.chaos.scenario import faults_of

        async with self._turning:
            for _, fault in faults_of(scenario):
                self._check(fault)
            self._number += 1
            seed = seed or scenario.seed or self.fresh_seed()
            run = Run(f"r{self._number}", name, scenario, seed, self._moment(scenario), self.rules.counts())
            for old in [each.id for each in self.runs.values() if each.over][: -RUNS_KEPT + 1 or None]:
                del self.runs[old]
            self.runs[run.id] = run
            if replay is not None:
                run.replay_of = replay.id
                self.rules.replay(Replay(run.id, run.base, dict(replay.strikes)))
            try:
                await self._turn()
            except BaseException:
                self._end(run)
                raise
            finally:
                self._settle()
            return run

    async def replay(self, id_: str = "", *, seed: str = "") -> Run:
        """Do a run again, with exactly the strikes that it had. Raises Refusal when it is not known (any more).

        Args:
            id_: of the run; the latest without.
            seed: draw the strikes anew from another seed.
        """
        runs = [run for run in self.runs.values() if not run.replay_of]
        found = self.runs.get(id_) if id_ else runs[-1] if runs else None
        if found is None:
            raise Refusal(f'there is no run "{id_}" to replay' if id_ else "no scenario has been run yet", status=404)
        if seed:
            return await self.run(found.name, found.scenario, seed=seed)
        if found.struck > MOST_STRIKES:
            raise Refusal(f"the run struck {found.struck} times, and only {MOST_STRIKES} strikes are kept")
        return await self.run(found.name, found.scenario, seed=found.seed, replay=found)

    async def stop(self, *names: str) -> int:
        """End faults and runs by their ids, or all of a name or kind. Gives how many.

        Raises Refusal, with nothing ended, where one of the names means nothing that is going on.
        """
        async with self._turning:
            runs: list[Run] = []
            faults: list[Active] = []
            for name in dict.fromkeys(names):
                here = [run for run in self.runs.values() if not run.over and name in (run.id, run.name)]
                alone = [each for each in self.rules if not each.run and name in (each.id, each.name, each.kind)]
                if not here and not alone:
                    raise Refusal(f'nothing that is called "{name}" is going wrong', status=404)
                runs += [run for run in here if run not in runs]
                faults += [each for each in alone if each not in faults]
            for run in runs:
                self._end(run)
            for active in faults:
                self._end_fault(active)
            self._settle()
            return len(runs) + len(faults)

    async def stop_all(self) -> int:
        """End everything. Gives how many faults and runs that were."""
        async with self._turning:
            runs = [run for run in self.runs.values() if not run.over]
            count = len(runs) + sum(1 for active in self.rules if not active.run)
            for run in runs:
                self._end(run)
            for active in self.rules:
                self._end_fault(active)
            self._forget_header_faults()
            self._settle()
            return count

    def lift(self, active: Active) -> None:
        """End a fault that a client has put right, as by unsealing; nothing happens when it is over."""
        if self.rules.get(active.id) is active:
            self._end_fault(active)
            self._settle()

    # Time.

    @property
    def due(self) -> float:
        """The real seconds until something begins or ends by itself; endless when nothing will."""
        found = float("inf")
        for run in self.runs.values():
            if not run.over and run.changes_at != NEVER:
                found = min(found, self._until(run.changes_at, run.scenario.clock))
        for active in self.rules:
            for moment in (active.begins, active.ends):
                if moment != NEVER and moment > self._clock_of(active.fault.clock)():
                    found = min(found, self._until(moment, active.fault.clock))
            if active.over or self._waits(active):
                return 0.0
        return found

    async def turn(self) -> None:
        """Begin and end what is due."""
        async with self._turning:
            await self._turn()
            self._settle()

    async def _turn(self) -> None:
        for run in list(self.runs.values()):
            while not run.over and run.changes_at <= self._moment(run.scenario):
                self._begin_phase(run)
        for active in self.rules:
            if active.over and active.run not in self._replaying():
                self._end_fault(active)
        await self._begin_due()

    def _begin_phase(self, run: Run) -> None:
        self._leave_phase(run)
        step = run.advance()
        if step is None:
            self._end(run)
            return
        start = run.begun + step.begin
        for label, fault in step.faults:
            ramp = None
            if step.kind != "hold" and step.end is not None:
                shares = (0.0, 1.0) if step.kind == "ramp" else (1.0, 0.0)
                ramp = Ramp(start, run.begun + step.end, *shares)
            self.rules.add(
                Active(
                    f"{run.id}/{label}",
                    fault,
                    self.world.clock,
                    Chance(run.seed),
                    label=label,
                    run=run.id,
                    at=start if fault.clock == run.scenario.clock else None,
                    ramp=ramp,
                )
            )

    def _leave_phase(self, run: Run) -> None:
        for active in self.rules:
            if active.run == run.id:
                self._end_fault(active)

    def _end(self, run: Run) -> None:
        self._leave_phase(run)
        run.ended = self._moment(run.scenario)
        self.rules.forget_replay(run.id)

    def _end_fault(self, active: Active) -> None:
        self.rules.remove(active.id)
        self.lasting.end(active.id)
        effect = self._effects.pop(active.id, None)
        if effect is not None:
            effect.undo()

    async def _begin_due(self) -> None:
        """Begin with what has its time now. What cannot be had is ended, and its run told why."""
        for active in self.rules:
            try:
                await self._begin(active)
            except VaultError as error:
                self._end_fault(active)
                run = self.runs.get(active.run)
                if run is not None:
                    run.problems += error.errors

    async def _begin(self, active: Active) -> None:
        """Begin with a fault that is more than a rule for requests, if it is its time."""
        if not self._waits(active):
            return
        if active.fault.DEPTH == "state":
            from sandboxd.chaos import effects

            self._effects[active.id] = await effects.begin(self, active)
        else:
            self.replica(active)

    def _waits(self, active: Active) -> bool:
        """Whether it is a fault's time, and it has not begun yet."""
        if active.fault.DEPTH == "state":
            return active.on and active.id not in self._effects
        return _behind(active) and not self.lasting.keeps(active.id)

    def _replaying(self) -> set[str]:
        return {run.id for run in self.runs.values() if run.replay_of and not run.over}

    def _check(self, fault: Fault) -> None:
        if fault.DEPTH == "door":
            if not self.doors:
                raise Refusal("worlds share one listener: what goes wrong there is started in the main world")
            if self.check_door is not None:
                self.check_door(fault)
        if fault.node and self.world.peers is None:
            raise Refusal("this is a single server, so no node of it can be meant: start the sandbox with --nodes 3")
        if fault.VAULT_ONLY and self.world.profile != "vault":
            raise Refusal(f"OpenBao has no {kind_name(fault)}: start the sandbox with --as vault")
        if len(self.rules) >= MOST_FAULTS:
            raise Refusal(f"there are {MOST_FAULTS} faults already; stop some", status=429)

    def _settle(self) -> None:
        """Have requests be asked about only while there is something to ask, and listeners follow."""
        wanted = self._header_allowed or any(active.fault.DEPTH == "request" for active in self.rules) or self.runs_on
        self.world.faults = self if wanted else None
        if self.on_change is not None:
            self.on_change()

    @property
    def runs_on(self) -> bool:
        """Whether a scenario is under way."""
        return any(not run.over for run in self.runs.values())

    @property
    def changed(self) -> bool:
        """Whether the state is not what it would be without."""
        return any(effect.changes for effect in self._effects.values())

    def age(self, run: Run) -> int:
        """How long a run has lasted, in nanoseconds of its clock."""
        return (self._moment(run.scenario) if run.ended is None else run.ended) - run.begun

    def _moment(self, scenario: Scenario) -> int:
        return self._clock_of(scenario.clock)()

    def _clock_of(self, which: str) -> Callable[[], int]:
        clock = self.world.clock
        return clock.real_ns if which == "real" else clock.now_ns

    def _until(self, moment: int, which: str) -> float:
        clock = self.world.clock
        if which == "sandbox":
            return clock.real_seconds_until(moment)
        return max(0, moment - clock.real_ns()) / NANOSECONDS

    def _noted(self, struck: Struck) -> None:
        run = self.runs.get(struck.run)
        if run is not None:
            run.note(struck)


def _behind(active: Active) -> bool:
    """Whether a fault has a replica answer now."""
    return isinstance(active.fault, Stale | Lagging) and active.on
