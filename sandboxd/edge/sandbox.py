"""A sandbox: a world, the fixture that it was filled from, and what a running one can be asked.

The **baseline** is the state right after the fixture was applied, with nothing in it that a client wrote: what a reset
goes back to.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from sandboxd import __version__
from sandboxd.edge.runtime import beside, make_world
from sandboxd.edge.snapshots import BASELINE, NOW, Saved, Snapshots
from sandboxd.edge.upstreams import let_go
from sandboxd.edge.verdict import Verdict, verify
from sandboxd.rotation import Remake, Rotation
from sandboxd.vault.bootstrap import start_dev
from sandboxd.vault.errors import Refusal
from sandboxd.vault.storage import Snapshot
from sandboxd.vault.waiting import spawn
from sandboxd.vault.world import Profile, Settings, World

if TYPE_CHECKING:
    from sandboxd.chaos.model import Fault
    from sandboxd.chaos.run import Chaos
    from sandboxd.edge.doors import Doors
    from sandboxd.edge.journal import Sqlite
    from sandboxd.edge.nodes import Cluster
    from sandboxd.fixtures import Plan
    from sandboxd.vault.clock import Clock


STARTS = "core/sandboxd/starts"
"""Where a kept state has how often it was taken up."""


class Starts(msgspec.Struct, frozen=True):
    """How often a kept state was taken up."""

    number: int


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How to make a sandbox.

    `profile` and `seed` win over what the fixture says when they are given. `data_dir` keeps the state beyond the
    process, `snapshot_dir` the snapshots, which are below `data_dir` otherwise. `world` is the name of a world beside
    the sandbox's main one; of these there can be `max_worlds`, and each ends when nobody has asked it anything for
    `world_ttl` seconds, unless it was made with a time of its own (0: never). `live` has engines reach their upstreams
    on this machine, rather than simulate them; so does a fixture that says so.
    With `nodes` there is a cluster of so many, whose standbys forward to the leader, or redirect there.
    """

    name: str = "default"
    fixture: Path | None = None
    profile: Profile | None = None
    seed: str = ""
    data_dir: Path | None = None
    snapshot_dir: Path | None = None
    root_token: str = ""
    api_address: str = ""
    world: str = ""
    max_worlds: int = 100
    world_ttl: int = 0
    live: bool = False
    nodes: int = 1
    standbys: Literal["forward", "redirect"] = "forward"


class NodeReport(msgspec.Struct, frozen=True, kw_only=True):
    """A node of a cluster, for `sandboxd status`."""

    name: str
    address: str
    condition: str
    isolated: bool = False
    leader: bool = False


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a sandbox is and holds, for `sandboxd status`."""

    name: str
    version: str
    profile: str
    pid: int
    address: str
    started: float
    fixture: str
    project: str
    sealed: bool
    mounts: int
    secrets: int
    policies: int
    leases: int  # of secrets
    tokens: int
    failing: int  # leases whose revocation failed so far
    clock_offset: float
    data_dir: str
    world: str = ""
    problems: tuple[str, ...] = ()
    nodes: tuple[NodeReport, ...] = ()


class Sandbox:
    """One sandbox. Make it with `open_sandbox`."""

    def __init__(self, options: Options, world: World, root_token: str, journal: Sqlite | None) -> None:
        self.options = options
        self.world = world
        self.root_token = root_token
        self.plan: Plan | None = None
        self.problems: tuple[str, ...] = ()
        self.rotation = Rotation(world, self._remaker)
        self.snapshots = Snapshots(world.profile, _snapshot_dir(options))
        self.doors: Doors | None = None
        self.cluster: Cluster | None = None
        self._chaos: Chaos | None = None
        self._pacing: asyncio.Task[None] | None = None
        self._journal = journal
        self._baseline: Snapshot | None = None
        self._based_on: Plan | None = None

    @property
    def chaos(self) -> Chaos:
        """What goes wrong on purpose; there is nothing of it before it is asked for."""
        if self._chaos is None:
            from sandboxd.chaos.run import Chaos
            from sandboxd.edge.pacing import pace

            self._chaos = Chaos(self.world, self.rotation, doors=not self.options.world)
            self._chaos.check_door = self._check_door
            self._pacing = spawn(pace(self._chaos, self), "chaos")
        return self._chaos

    def _check_door(self, fault: Fault) -> None:
        if self.doors is not None:
            self.doors.check(fault)

    async def calm(self) -> int:
        """End all that goes wrong on purpose, also with nodes; gives how many faults and scenarios that were."""
        if self.cluster is not None:
            self.cluster.calm()
        if self._chaos is None:
            await self.follow()
            return 0
        count = await self._chaos.stop_all()
        await self.follow()
        return count

    async def turn(self) -> None:
        """Begin and end what is due of what goes wrong on purpose."""
        if self._chaos is not None:
            await self._chaos.turn()
        await self.follow()

    async def follow(self) -> None:
        """Have the listeners do what the faults at them say."""
        if self.doors is not None and (self._chaos is not None or self.cluster is not None):
            await self.doors.follow(self._chaos, self.cluster)

    async def fill(self, plan: Plan | None) -> None:
        """Apply a fixture, or the difference to the one before. Raises FixtureError with nothing applied."""
        if plan is not None:
            from sandboxd.fixtures import apply

            before = self.world.snapshot()
            try:
                await apply(self.world, plan, previous=self.plan)
            except BaseException:
                self.world.restore(before)
                raise
            self.plan = plan
        self.world.commit()

    async def reset(self) -> None:
        """Go back to the state right after the fixture was applied, as fresh as it was then; the root token stays.

        The first node of a cluster leads again.
        """
        await self.restore(BASELINE)
        if self.cluster is not None and self.cluster.leader != self.cluster.names[0]:
            self.cluster.elect(self.cluster.names[0])
            await self.follow()

    async def baseline(self) -> Snapshot:
        """What a reset goes back to.

        It is made aside where it is not at hand: after a start with a kept state, and when the fixture has changed.
        """
        if self._baseline is None or self._based_on is not self.plan:
            aside = beside(self.world, "baseline")
            if self._baseline is None:
                start_dev(aside, self.root_token)
            else:
                aside.return_to(self._baseline)
                aside.seal.open()
            if self.plan is not None:
                from sandboxd.fixtures import apply

                await apply(aside, self.plan, previous=self._based_on)
            self._baseline, self._based_on = aside.snapshot(), self.plan
        return self._baseline

    async def state(self, name: str) -> Snapshot:
        """The snapshot of that name, the `baseline`, or the state of `now`. Raises Refusal when there is none."""
        if name == BASELINE:
            return await self.baseline()
        if name == NOW:
            async with self.world.timeline.jumping:
                return self.world.snapshot()
        return self.snapshots.get(name)

    async def save(self, name: str, *, force: bool = False) -> Saved:
        """Keep the state under a name; `force` replaces another one of that name. Raises Refusal."""
        if self._chaos is not None and self._chaos.changed:
            raise Refusal("a fault has changed the state; end it first: sandboxd chaos stop", status=409)
        state = await self.state(NOW)
        return self.snapshots.save(name, state, saved_at=self.world.clock.real_ns(), force=force)

    async def restore(self, name: str) -> None:
        """Go back to the state of a snapshot, or to the baseline, as fresh as it was then; the root token stays.

        The clock goes back too, unless it showed real time. Raises Refusal, or Failure when the state cannot be kept.
        """
        await self._go_to(await self.state(name))
        # The state that it is compared with from now on is the one that is later.
        if name == BASELINE:
            self.mark_baseline()
        else:
            self.snapshots.refresh(name, self.world.snapshot())

    async def begin_at(self, snapshot: Snapshot, plan: Plan | None) -> None:
        """Start from a state that a fixture has led to, and have resets go back to it."""
        self.plan = plan
        await self._go_to(snapshot)
        self.mark_baseline()

    def mark_baseline(self) -> None:
        """Have resets go back to the state as it is now."""
        self._baseline, self._based_on = self.world.snapshot(), self.plan

    async def _go_to(self, snapshot: Snapshot) -> None:
        await self.calm()
        await let_go(self.world, snapshot)
        async with self.world.timeline.jumping:
            if self.world.return_to(snapshot):
                self.rotation.reschedule()
            self.root_token = _root_token(self.world, self.root_token)
            self.world.commit()
            self.world.seal.open()

    def _remaker(self) -> Remake | None:
        return None if self.plan is None else self.plan.remaker

    def files(self) -> tuple[Path, ...]:
        """The files that the fixture consists of."""
        return () if self.plan is None else self.plan.files

    async def verify(self, value: str) -> Verdict:
        """Whose a value is, and whether it is valid now."""
        return await verify(self.world, self.plan, value)

    def report(self, pid: int, address: str, started: float) -> Report:
        """What this sandbox is and holds."""
        world = self.world
        sealed = world.seal.sealed
        mounts = [mounted for namespace in world.namespaces for mounted in world.mounts.list(namespace)]
        leases = world.leases.all()
        return Report(
            name=self.options.name,
            version=__version__,
            profile=world.profile,
            pid=pid,
            address=address,
            started=started,
            fixture=str(self.options.fixture or ""),
            project="" if self.plan is None else self.plan.project,
            sealed=sealed,
            mounts=len(mounts),
            secrets=0 if self.plan is None else len(self.plan.secrets),
            policies=sum(len(world.policies.list(namespace)) for namespace in world.namespaces),
            leases=sum(1 for entry in leases if entry.secret is not None),
            tokens=sum(1 for _ in world.tokens.all()),
            failing=sum(1 for entry in leases if entry.tries),
            clock_offset=round(world.clock.offset, 3),
            data_dir=str(self.options.data_dir or ""),
            world=self.options.world,
            problems=self.problems,
            nodes=() if self.cluster is None else tuple(self.cluster.rows(NodeReport)),
        )

    async def close(self) -> None:
        """Let go of files, and without a data directory of what engines made in upstreams: nobody else knows of it.

        What a world beside the main one started with was made by another one, and stays.
        """
        await self.calm()
        if self._pacing is not None:
            self._pacing.cancel()
        if self._journal is not None:
            self._journal.close()
        else:
            await let_go(self.world, self._baseline if self.options.world else None)
        self.world.audit.close()


async def open_sandbox(options: Options, clock: Clock | None = None) -> Sandbox:
    """Make a sandbox and fill it from its fixture, or from its data directory where there is something in it.

    Raises FixtureError or DataDirError.
    """
    plan: Plan | None = None
    profile = options.profile
    seed, live = options.seed, options.live
    if options.fixture is not None:
        from sandboxd.fixtures import load, make_plan

        fixture = load(options.fixture)
        profile, live = profile or fixture.profile, live or fixture.live
        plan = make_plan(fixture, seed=seed)
    profile = profile or "vault"
    journal: Sqlite | None = None
    if options.data_dir is not None:
        from sandboxd.edge.journal import Sqlite

        journal = Sqlite(options.data_dir, profile)
    settings = Settings(
        profile=profile,
        api_address=options.api_address,
        cluster_name=f"sandboxd-{options.name}",
        live=live,
    )
    try:
        return await _opened(
            options, make_world(settings, seed=seed or None, clock=clock, journal=journal), plan, journal
        )
    except BaseException:
        if journal is not None:
            journal.close()
        raise


async def _opened(options: Options, world: World, plan: Plan | None, journal: Sqlite | None) -> Sandbox:
    kept = {} if journal is None else journal.load()
    if kept:
        take_up(world, kept)
    token = _root_token(world, options.root_token) if kept else start_dev(world, options.root_token)[1].id
    sandbox = Sandbox(options, world, token, journal)
    await sandbox.fill(plan)
    if not kept:
        sandbox.mark_baseline()
    return sandbox


def take_up(world: World, kept: dict[str, object]) -> None:
    """Have a world go on with the state that an earlier process kept."""
    world.storage.load(kept)
    starts = world.storage.get(STARTS)
    number = starts.number + 1 if isinstance(starts, Starts) else 1
    world.storage.put(STARTS, Starts(number))
    world.entropy.turn(f"start {number}")  # a seed would give the ids of the first process again
    world.reload()
    world.seal.open()


def _snapshot_dir(options: Options) -> Path | None:
    if options.snapshot_dir is None and options.data_dir is not None:
        return options.data_dir / "snapshots"
    return options.snapshot_dir


def _root_token(world: World, wanted: str) -> str:
    """A root token of a world that was kept: the one that was asked for, or one that is there."""
    from sandboxd.vault.bootstrap import create_root_token

    if wanted:
        known = world.tokens.lookup(wanted)
        return wanted if known is not None and known.root else create_root_token(world, wanted).id
    for token in world.tokens.all():
        if token.root and not token.ttl:
            return token.id
    return create_root_token(world).id
