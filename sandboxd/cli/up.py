"""`sandboxd up`: start a sandbox, in the foreground or detached."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from sandboxd.cli import client, state
from sandboxd.cli.output import BAD_FIXTURE, FAILED, TAKEN, USAGE, complain, say, say_json, stop

if TYPE_CHECKING:
    from sandboxd.edge.runtime import Listener
    from sandboxd.edge.sandbox import Sandbox
    from sandboxd.fixtures import FixtureError

DEFAULT_PORT = 8200
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
    json: bool = False


def start(wish: Wish, *, detach: bool) -> None:
    """Start a sandbox; does not come back before it stops, unless detached."""
    if not wish.name or not all(char.isalnum() or char in "-_." for char in wish.name) or wish.name.startswith("."):
        stop(f'a sandbox cannot be called "{wish.name}": use letters, digits, "-", "_" and "."', USAGE)
    known = state.read(wish.name)
    if known is not None:
        if state.alive(known.pid) and _answers(known):
            stop(
                f'the sandbox "{wish.name}" is up already at {known.address} (pid {known.pid}).\n'
                f"  sandboxd down{_named(wish.name)} stops it; --name starts another one beside it.",
                TAKEN,
            )
        complain(
            f'sandboxd: the sandbox "{wish.name}" did not end properly last time (pid {known.pid}); starting afresh'
        )
        state.forget(wish.name)
    if wish.port and not client.port_is_free(wish.host, wish.port):
        stop(
            f"port {wish.port} is taken by {client.who_listens(wish.host, wish.port)}.\n"
            "  --port takes another one; --port 0 any free one.",
            TAKEN,
        )
    if wish.fixture is not None and not wish.fixture.is_file():
        stop(f"there is no fixture file {wish.fixture}", BAD_FIXTURE)
    if detach:
        _detach(wish)
    else:
        from sandboxd.edge.runtime import run

        sys.exit(run(lambda: _serve(wish)))


def _answers(known: state.Running) -> bool:
    try:
        status, found = client.ask(known.address, "GET", "/sandboxd/status", timeout=2.0)
    except client.Unreachable:
        return False
    return status == 200 and isinstance(found, dict) and found.get("pid") == known.pid


def _named(name: str) -> str:
    return "" if name == "default" else f" --name {name}"


async def _serve(wish: Wish) -> int:
    begun = time.perf_counter()
    from sandboxd.edge.journal import DataDirError
    from sandboxd.edge.sandbox import Options, open_sandbox

    options = Options(
        name=wish.name,
        fixture=wish.fixture,
        profile=wish.profile or None,  # type: ignore[arg-type] -- checked by the command line
        seed=wish.seed,
        data_dir=wish.data_dir,
        root_token=wish.root_token,
    )
    try:
        sandbox = await open_sandbox(options)
    except DataDirError as error:
        complain(f"sandboxd: {error}")
        return FAILED
    except ValueError as error:  # FixtureError, whose module is not loaded without a fixture
        complain(str(error))
        return BAD_FIXTURE
    try:
        return await _run(wish, sandbox, begun)
    finally:
        sandbox.close()


async def _run(wish: Wish, sandbox: Sandbox, begun: float) -> int:
    from sandboxd.edge.control import Control
    from sandboxd.edge.runtime import serving
    from sandboxd.edge.tasks import spawn

    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    listener, ca_file = _listener(wish)

    async def reload() -> None:
        await _reload(sandbox)

    control = Control(sandbox, stop=ended.set, reload=reload)
    try:
        async with serving(sandbox.world, [listener], control) as addresses:
            scheme = "https" if listener.tls is not None else "http"
            host = f"[{addresses[0][0]}]" if ":" in addresses[0][0] else addresses[0][0]
            control.address = address = f"{scheme}://{host}:{addresses[0][1]}"
            running = state.Running(
                name=wish.name,
                pid=os.getpid(),
                address=address,
                profile=sandbox.world.profile,
                fixture=str(wish.fixture or ""),
                ca_file=ca_file,
                data_dir=str(wish.data_dir or ""),
            )
            state.write(running, sandbox.root_token)
            _announce(wish, sandbox, running, time.perf_counter() - begun)
            watching = spawn(_watch(sandbox), "fixture watch") if wish.watch and sandbox.files() else None
            await ended.wait()
            if watching is not None:
                watching.cancel()
    except OSError as error:
        complain(f"sandboxd: cannot listen on {listener.host}:{listener.port}: {error.strerror or error}")
        return TAKEN
    finally:
        known = state.read(wish.name)
        if known is not None and known.pid == os.getpid():
            state.forget(wish.name)
    say("stopped")
    return 0


def _listener(wish: Wish) -> tuple[Listener, str]:
    from sandboxd.edge.runtime import Listener

    if not wish.tls:
        return Listener(wish.host, wish.port), ""
    from sandboxd.edge.tls import make_files, server_context
    from sandboxd.vault.clock import Clock

    files = make_files(state.folder(wish.name) / "tls", [wish.host], Clock())
    return Listener(wish.host, wish.port, server_context(files.certificate, files.key)), str(files.ca)


async def _watch(sandbox: Sandbox) -> None:
    """Apply the fixture again when one of its files is saved."""
    from watchfiles import awatch

    while True:
        folders = {file.parent for file in sandbox.files()}
        async for changes in awatch(*folders, recursive=False, step=50):
            names = {os.path.realpath(name) for _, name in changes}
            if names & {os.path.realpath(file) for file in sandbox.files()}:
                await _reload(sandbox)
                break


async def _reload(sandbox: Sandbox) -> None:
    from sandboxd.fixtures import FixtureError, load, make_plan

    path = sandbox.options.fixture
    if path is None:
        return
    try:
        plan = make_plan(load(path), seed=sandbox.options.seed)
        await sandbox.fill(plan)
    except FixtureError as error:
        sandbox.problems = _lines(error)
        complain(f"{error}\nthe sandbox keeps serving what it had")
    else:
        sandbox.problems = ()
        say(f"applied {path} again")


def _lines(error: FixtureError) -> tuple[str, ...]:
    return tuple(str(error).splitlines())


def _announce(wish: Wish, sandbox: Sandbox, running: state.Running, seconds: float) -> None:
    report = sandbox.report(running.pid, running.address, sandbox.world.clock.now())
    if wish.json:
        say_json({**msgspec.to_builtins(report), "token_file": str(state.token_file(wish.name))})
        return
    product = "Vault" if report.profile == "vault" else "OpenBao"
    title = report.project or "an empty sandbox"
    holds = f"{report.secrets} secrets, {report.mounts} mounts, {report.policies} policies"
    say(f"sandboxd  {title}, as {product} {sandbox.world.settings.version}")
    say(f"  address  {running.address}")
    say(f"  holds    {holds}")
    say(f"  ready    after {seconds:.2f} s")
    if running.ca_file:
        say(f"  CA       {running.ca_file}")
    if running.data_dir:
        say(f"  kept in  {running.data_dir}")
    say()
    say(f'  eval "$(sandboxd env{_named(wish.name)})"   points this shell at it')
    say(f"  sandboxd status{_named(wish.name)}          tells what it holds")
    say("  Ctrl-C stops it")


def _detach(wish: Wish) -> None:
    """Start the sandbox as a process of its own, and wait until it is ready."""
    log = state.log_file(wish.name)
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    arguments = [sys.executable, "-m", "sandboxd.cli.main", "up", *_arguments(wish)]
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        child = subprocess.Popen(  # noqa: S603 -- our own command line
            arguments, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True
        )
    end = time.perf_counter() + PATIENCE
    while time.perf_counter() < end:
        status = child.poll()
        if status is not None:
            complain(log.read_text(errors="replace").rstrip())
            sys.exit(status or FAILED)
        known = state.read(wish.name)
        if known is not None and known.pid == child.pid:
            if wish.json:
                say_json(known)
            else:
                say(f'the sandbox "{wish.name}" is up at {known.address} (pid {known.pid})')
                say(f'  eval "$(sandboxd env{_named(wish.name)})"   points this shell at it')
                say(f"  sandboxd down{_named(wish.name)}            stops it")
            return
        time.sleep(0.01)
    child.terminate()
    stop(f"the sandbox was not ready after {PATIENCE:.0f} s; see {log}")


def _arguments(wish: Wish) -> list[str]:
    found = ["--name", wish.name, "--port", str(wish.port), "--host", wish.host]
    if wish.fixture is not None:
        found.insert(0, str(wish.fixture.resolve()))
    for flag, value in (("--seed", wish.seed), ("--as", wish.profile), ("--root-token", wish.root_token)):
        if value:
            found += [flag, value]
    if wish.data_dir is not None:
        found += ["--data-dir", str(wish.data_dir.resolve())]
    if wish.tls:
        found.append("--tls")
    if not wish.watch:
        found.append("--no-watch")
    return found
