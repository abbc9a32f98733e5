"""`sandboxd up`: start a sandbox, in the foreground or detached."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NoReturn, cast

import msgspec

from sandboxd.cli import client, saved, state
from sandboxd.cli.output import BAD_FIXTURE, FAILED, TAKEN, USAGE, complain, say, say_json, stop

if TYPE_CHECKING:
    from sandboxd.edge.doors import Listener
    from sandboxd.edge.sandbox import Sandbox
    from sandboxd.vault.world import Profile

DEFAULT_PORT = 8200
MOST_PORTS = 65535
BEYOND_LOOPBACK = "SANDBOXD_LISTEN_BEYOND_LOOPBACK"
PATIENCE = 30.0  # seconds that a detached sandbox may take to be ready


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asked for."""

    fixture: Path | None = None
    name: str = "default"
    port: int = DEFAULT_PORT
    host: str = "127.0.0.1"
    seed: str = ""
    profile: str = ""
    data_dir: Path | None = None
    tls: bool = False
    watch: bool = True
    root_token: str = ""
    max_worlds: int = 100
    world_ttl: str = "0"
    live: bool = False
    control_port: int = 0
    fault_header: bool = False
    chaos: str = ""
    nodes: int = 1
    standbys: str = "forward"
    json: bool = False


def start(wish: Wish, *, detach: bool) -> None:
    """Start a sandbox; does not come back before it stops, unless detached."""
    if not wish.name or not all(char.isalnum() or char in "-_." for char in wish.name) or wish.name.startswith("."):
        stop(f'a sandbox cannot be called "{wish.name}": use letters, digits, "-", "_" and "."', USAGE)
    from sandboxd.vault.framework.loopback import is_loopback

    if not is_loopback(wish.host) and os.environ.get(BEYOND_LOOPBACK) != "1":
        stop(
            f"--host {wish.host} would let other machines in. Set {BEYOND_LOOPBACK}=1 as well if that is meant.", USAGE
        )
    _seconds(wish.world_ttl)
    left = state.was_left(wish.name)
    known = state.read(wish.name)
    if known is not None:
        _taken(wish.name, known)
    if left:
        complain(f'The last sandbox "{wish.name}" was cut off; this one starts afresh.')
    if wish.port + wish.nodes - 1 > MOST_PORTS:
        stop(f"there are no {wish.nodes} ports from {wish.port} on", USAGE)
    for port in range(wish.port, wish.port + wish.nodes) if wish.port else ():
        if not client.port_is_free(wish.host, port):
            stop(
                f"port {port} is taken by {client.who_listens(wish.host, port)}.\n"
                "  --port takes another one; --port 0 any free one.",
                TAKEN,
            )
    if wish.fixture is not None and not wish.fixture.is_file():
        stop(f"there is no fixture file {wish.fixture}", BAD_FIXTURE)
    if detach:
        _detach(wish)
    else:
        sys.exit(_hold(wish))


def _seconds(text: str) -> int:
    from sandboxd.vault.durations import parse_seconds

    try:
        found = parse_seconds(text)
    except ValueError as error:
        stop(f"--world-ttl is not a duration: {error}", USAGE)
    if found < 0:
        stop("--world-ttl is less than nothing", USAGE)
    return found


def _taken(name: str, known: state.Running | None) -> NoReturn:
    where = "" if known is None else f" at {known.address} (pid {known.pid})"
    stop(
        f'the sandbox "{name}" is up already{where}.\n'
        f"  sandboxd down{_named(name)} stops it; --name starts another one beside it.",
        TAKEN,
    )


def _hold(wish: Wish) -> int:
    from sandboxd.edge.runtime import run

    try:
        with state.holding(wish.name):
            return run(lambda: _serve(wish))
    except state.Held:
        _taken(wish.name, state.read(wish.name))
    except OSError as error:
        stop(f"cannot keep track of the sandbox in {state.folder(wish.name)}: {error.strerror or error}")


def _named(name: str) -> str:
    return "" if name == "default" else f" --name {name}"


async def _serve(wish: Wish) -> int:
    begun = time.perf_counter()
    from sandboxd.edge.journal import DataDirError
    from sandboxd.edge.sandbox import Options, open_sandbox
    from sandboxd.vault.clock import Clock
    from sandboxd.vault.errors import VaultError

    options = Options(
        name=wish.name,
        fixture=wish.fixture,
        profile=cast("Profile | None", wish.profile or None),
        seed=wish.seed,
        data_dir=wish.data_dir,
        snapshot_dir=None if wish.data_dir is not None else state.folder(wish.name) / "snapshots",
        root_token=wish.root_token,
        max_worlds=wish.max_worlds,
        world_ttl=_seconds(wish.world_ttl),
        live=wish.live,
        nodes=wish.nodes,
        standbys=cast("Literal['forward', 'redirect']", wish.standbys),
    )
    read = Clock().real_ns()
    try:
        sandbox = await open_sandbox(options)
    except (DataDirError, VaultError) as error:
        complain(f"sandboxd: {error}")
        return FAILED
    except ValueError as error:  # FixtureError, whose module is not loaded without a fixture
        complain(str(error))
        return BAD_FIXTURE
    try:
        return await _run(wish, sandbox, begun, read)
    finally:
        await sandbox.close()


async def _run(wish: Wish, sandbox: Sandbox, begun: float, read: int) -> int:
    from sandboxd.edge.control import Control
    from sandboxd.edge.doors import Listener
    from sandboxd.edge.runtime import address_of, controlling, serving
    from sandboxd.vault.waiting import spawn

    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    listener, ca_file = _listener(wish)
    listeners = [listener]
    if wish.nodes > 1:
        from sandboxd.edge.nodes import Cluster

        sandbox.cluster = cluster = Cluster(sandbox.world, wish.nodes, forwards=wish.standbys == "forward")
        listeners = [
            replace(listener, node=name, port=wish.port and wish.port + number)
            for number, name in enumerate(cluster.names)
        ]

    control = Control(sandbox, stop=ended.set, reload=partial(saved.reload, sandbox))
    async with contextlib.AsyncExitStack() as stack:
        try:
            addresses = await stack.enter_async_context(
                serving(sandbox.world, listeners, control, cluster=sandbox.cluster)
            )
        except OSError as error:
            complain(f"sandboxd: cannot listen on {listener.host}:{listener.port}: {error.strerror or error}")
            return TAKEN if error.errno == errno.EADDRINUSE else FAILED
        try:
            own = Listener("127.0.0.1", wish.control_port)
            own_host, own_port = await stack.enter_async_context(controlling(sandbox.world, own, control))
        except OSError as error:
            complain(f"sandboxd: cannot listen on 127.0.0.1:{wish.control_port}: {error.strerror or error}")
            return TAKEN if error.errno == errno.EADDRINUSE else FAILED
        control.address = sandbox.world.address = address = address_of(listener, *addresses[0])
        running = state.Running(
            name=wish.name,
            pid=os.getpid(),
            address=address,
            profile=sandbox.world.profile,
            fixture=str(wish.fixture or ""),
            ca_file=ca_file,
            data_dir=str(wish.data_dir or ""),
            control=f"http://{own_host}:{own_port}",
        )
        if not await _begin_chaos(wish, sandbox):
            return FAILED
        state.write(running, sandbox.root_token)
        _announce(wish, sandbox, running, time.perf_counter() - begun)
        watching = spawn(saved.watch(sandbox, read), "fixture watch") if wish.watch and sandbox.files() else None
        await ended.wait()
        if watching is not None:
            watching.cancel()
        state.forget(wish.name)  # nobody is sent here while the last answers go out
    say("Stopped.")
    return 0


async def _begin_chaos(wish: Wish, sandbox: Sandbox) -> bool:
    """Begin with the outage that was asked for; gives whether that went well."""
    if wish.fault_header:
        sandbox.chaos.allow_header(allowed=True)
    if not wish.chaos:
        return True
    from sandboxd.edge.outages import begin
    from sandboxd.vault.errors import VaultError

    try:
        await begin(sandbox, wish.chaos)
    except (VaultError, ValueError) as error:
        complain(f"sandboxd: {error}")
        return False
    return True


def _listener(wish: Wish) -> tuple[Listener, str]:
    from sandboxd.edge.doors import Listener

    if not wish.tls:
        return Listener(wish.host, wish.port), ""
    from sandboxd.edge.tls import make_files, server_context
    from sandboxd.vault.clock import Clock

    files = make_files(state.folder(wish.name) / "tls", [wish.host], Clock())
    context = server_context(files.certificate, files.key)
    return Listener(wish.host, wish.port, context, authority=files.authority), str(files.ca)


def _announce(wish: Wish, sandbox: Sandbox, running: state.Running, seconds: float) -> None:
    report = sandbox.report(running.pid, running.address, sandbox.world.clock.now())
    if sandbox.plan is not None:
        for warning in sandbox.plan.warnings:
            complain(str(warning))
    if wish.json:
        say_json({**msgspec.to_builtins(report), "token_file": str(state.token_file(wish.name))})
        return
    product = "Vault" if report.profile == "vault" else "OpenBao"
    title = report.project or "An empty sandbox"
    rows = [
        ("address", running.address),
        ("holds", f"{report.secrets} secrets, {report.mounts} mounts, {report.policies} policies"),
        *((each.name, f"{each.address}{', the leader' if each.leader else ''}") for each in report.nodes),
        ("kept in", running.data_dir),
        ("CA", running.ca_file),
        ("ready", f"after {seconds:.2f} s"),
    ]
    say(f"{title}, as {product} {sandbox.world.settings.version}\n")
    for label, value in rows:
        if value:
            say(f"  {label:<9}{value}")
    say()
    _hints(wish.name, "Ctrl-C                   stops it")


def _hints(name: str, last: str) -> None:
    point = f'eval "$(sandboxd env{_named(name)})"'
    tell = f"sandboxd status{_named(name)}"
    width = max(len(point), len(tell), len("Ctrl-C"))
    say(f"  {point:<{width}}   points this shell at it")
    say(f"  {tell:<{width}}   tells what it holds")
    command, _, effect = last.partition("  ")
    say(f"  {command:<{width}}   {effect.strip()}")


def _detach(wish: Wish) -> None:
    """Start the sandbox as a process of its own, and wait until it is ready."""
    log = state.log_file(wish.name)
    try:
        state.make_folder(wish.name)
    except OSError as error:
        stop(f"cannot keep track of the sandbox in {log.parent}: {error.strerror}")
    arguments = [sys.executable, "-m", "sandboxd.cli.main", "up", *_arguments(wish)]
    # The token goes by the environment: command lines can be read by everyone.
    environment = os.environ | ({"VAULT_DEV_ROOT_TOKEN_ID": wish.root_token} if wish.root_token else {})
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        child = subprocess.Popen(  # noqa: S603 -- our own command line
            arguments, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=environment, start_new_session=True
        )
    try:
        known = _wait(wish.name, child, log)
    except BaseException:
        child.terminate()
        raise
    if wish.json:
        say_json({**msgspec.to_builtins(known), "token_file": str(state.token_file(wish.name))})
        return
    say(f'The sandbox "{wish.name}" is up at {known.address} (pid {known.pid}).\n')
    _hints(wish.name, f"sandboxd down{_named(wish.name)}  stops it")


def _wait(name: str, child: subprocess.Popen[bytes], log: Path) -> state.Running:
    """Wait until the sandbox is ready. When it ends instead, so does this process, with the same words and status."""
    end = time.perf_counter() + PATIENCE
    while True:
        status = child.poll()
        if status is not None:
            complain(log.read_text(errors="replace").rstrip() or "sandboxd: the sandbox ended at once")
            sys.exit(status if status > 0 else FAILED)
        known = state.read(name)
        if known is not None and known.pid == child.pid:
            return known
        if time.perf_counter() > end:
            stop(f"the sandbox was not ready after {PATIENCE:.0f} s; see {log}")
        time.sleep(0.01)


def _arguments(wish: Wish) -> list[str]:
    found = ["--name", wish.name, "--port", str(wish.port), "--host", wish.host]
    if wish.fixture is not None:
        found.insert(0, str(wish.fixture.resolve()))
    found += ["--max-worlds", str(wish.max_worlds), "--world-ttl", wish.world_ttl]
    for flag, value in (("--seed", wish.seed), ("--as", wish.profile)):
        if value:
            found += [flag, value]
    if wish.data_dir is not None:
        found += ["--data-dir", str(wish.data_dir.resolve())]
    if wish.tls:
        found.append("--tls")
    if wish.live:
        found.append("--live")
    if wish.control_port:
        found += ["--control-port", str(wish.control_port)]
    if wish.fault_header:
        found.append("--fault-header")
    if wish.chaos:
        found += ["--chaos", wish.chaos]
    if wish.nodes > 1:
        found += ["--nodes", str(wish.nodes), "--standbys", wish.standbys]
    if not wish.watch:
        found.append("--no-watch")
    return found
