"""A running sandbox: a world, its listeners, and what ticks."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from sandboxd.edge.app import App, Control, ControlOnly
from sandboxd.edge.doors import Doors, Listener
from sandboxd.edge.encode import encode_for_wrapping
from sandboxd.edge.guard import make_guard
from sandboxd.edge.http1 import Server
from sandboxd.edge.watching import Watcher
from sandboxd.insight import insight
from sandboxd.sys.catalog import BuiltIn
from sandboxd.vault.clock import Clock
from sandboxd.vault.entropy import Entropy
from sandboxd.vault.reporting import report
from sandboxd.vault.storage import Journal
from sandboxd.vault.waiting import spawn
from sandboxd.vault.world import Settings, World

if TYPE_CHECKING:
    from sandboxd.edge.nodes import Cluster

T = TypeVar("T")


def make_world(
    settings: Settings, *, seed: str | None = None, clock: Clock | None = None, journal: Journal | None = None
) -> World:
    """An empty world with the backends that ship with sandboxd, and watched."""
    world = World(
        BuiltIn(),
        settings,
        clock=clock or Clock(),
        entropy=Entropy(seed),
        encode=partial(encode_for_wrapping, mount_types=settings.profile == "vault"),
        journal=journal,
    )
    insight(world)
    return world


def beside(world: World, name: str) -> World:
    """An empty world beside another one, with the same backends and settings.

    It has a clock of its own over the same real time. Chance is its own too, and depends on its name alone where the
    other's can be repeated.
    """
    made = World(
        world.mounts.catalog,
        world.settings,
        clock=world.clock.beside(),
        entropy=world.entropy.fork(name),
        encode=world.encode,
    )
    made.address = world.address
    insight(made)
    return made


@contextlib.asynccontextmanager
async def serving(
    world: World,
    listeners: Sequence[Listener],
    control: Control | None = None,
    watcher: Watcher | None = None,
    cluster: "Cluster | None" = None,
) -> AsyncIterator[list[tuple[str, int]]]:
    """Answer requests for a world; gives the addresses that it listens on, and closes them at the end.

    Args:
        watcher: is told of all connections.
        cluster: has the nodes that the listeners are of.

    Raises OSError when an address cannot be had.
    """
    worlds = None if control is None else control.worlds
    doors = Doors()
    ticking: asyncio.Task[None] | None = None
    try:
        for listener in listeners:
            place = None if cluster is None else partial(cluster.node, listener.node)
            app = App(world, control, worlds, place)
            server = Server(app, world.clock.now, make_guard(listener.allowed_hosts, app.cors_origins))
            server.watcher = watcher
            host, port = await doors.open(listener, server)
            if cluster is not None:
                cluster.place(listener.node, address_of(listener, host, port))
        ticking = spawn(tick(world), "the passing of time")
        if control is not None:
            control.attach(doors)
        yield doors.addresses
    finally:
        if ticking is not None:
            ticking.cancel()
        if worlds is not None:
            await worlds.close()
        await doors.close()


def address_of(listener: Listener, host: str, port: int) -> str:
    """The address that clients are given of a listener."""
    scheme = "http" if listener.tls is None else "https"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


@contextlib.asynccontextmanager
async def controlling(world: World, listener: Listener, control: Control) -> AsyncIterator[tuple[str, int]]:
    """Answer the control API alone, at an address of its own, which stays reachable whatever happens at the other ones.

    Gives the address. Raises OSError when it cannot be had.
    """
    app = App(world, control, control.worlds)
    doors = Doors()
    server = Server(ControlOnly(app), world.clock.now, make_guard(listener.allowed_hosts, app.cors_origins))
    try:
        yield await doors.open(listener, server)
    finally:
        await doors.close()


async def tick(world: World) -> None:
    """Let what is due in a world happen on time, also when nobody asks; goes on until it is cancelled."""
    failed = False
    while True:
        due = world.timeline.next_moment
        wait = min(1.0, world.clock.real_seconds_until(due)) if due else 1.0
        await asyncio.sleep(max(wait, 0.02))
        if world.seal.sealed:
            continue
        try:
            await world.timeline.catch_up()
            world.commit()
        except Exception as error:  # noqa: BLE001 -- told of once; a full disk may have room again
            if not failed:
                report(error)
            failed = True
        else:
            failed = False


def run(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run the event loop: uvloop's where there is one."""
    if sys.platform == "win32":
        return asyncio.run(main())
    else:  # noqa: RET505 -- for the type checker, which follows one platform
        import uvloop

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(main())
