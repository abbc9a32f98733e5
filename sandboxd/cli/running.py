"""Commands about running sandboxes: `down`, `status`, `logs`, `reset`, `env`."""

import contextlib
import os
import re
import signal
import sys
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from sandboxd.cli import state
from sandboxd.cli.output import NOT_RUNNING, say, say_json, stop
from sandboxd.edge import asking
from sandboxd.edge.messages import CONTROL
from sandboxd.vault.errors import in_one_line

STOP_PATIENCE = 10.0  # seconds
RESET_PATIENCE = 60.0  # seconds that it may take to make the state anew


def _known(name: str) -> state.Running:
    found = state.read(name)
    if found is None:
        others = [other for other in state.names() if other != name]
        hint = f" Running: {', '.join(others)}." if others else " `sandboxd up` starts one."
        stop(f'no sandbox "{name}" is running.{hint}', NOT_RUNNING)
    return found


def ask(name: str, method: str, route: str, body: Any = None, *, timeout: float = 5.0, world: str | None = None) -> Any:
    """Ask the control API of a sandbox; gives the decoded answer, or stops with what is wrong.

    Args:
        timeout: seconds.
        world: a world beside the main one, or an empty string for the main one; what the environment says without.
    """
    running = _known(name)
    world = os.environ.get("SANDBOXD_WORLD", "") if world is None else world
    try:
        status, found = asking.ask(
            running.control or running.address,
            method,
            CONTROL + route,
            token=state.read_token(name),
            body=body,
            timeout=timeout,
            world=world,
        )
    except asking.Unreachable as error:
        stop(
            f'the sandbox "{name}" (pid {running.pid}) does not answer at {running.control or running.address}: {error}'
        )
    if status != 200:
        told = isinstance(found, dict) and "errors" in found
        stop(in_one_line(found["errors"]) if told else f"status {status}")
    return found


def segment(kind: str, name: str) -> str:
    """A name as a part of a route; stops for what no snapshot or world can be called."""
    if not name or "/" in name:
        stop(f'there is no {kind} "{name}"')
    return quote(name, safe="")


def down(name: str, *, everything: bool) -> None:
    """Stop one sandbox, or all of them."""
    if not everything:
        _down(_known(name))
        return
    running = [found for found in map(state.read, state.names()) if found is not None]
    for found in running:
        _down(found)
    if not running:
        say("No sandbox is running.")


def _down(found: state.Running) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(found.pid, signal.SIGTERM)
    end = time.perf_counter() + STOP_PATIENCE
    while state.held(found.name):
        if time.perf_counter() > end:
            stop(f'the sandbox "{found.name}" (pid {found.pid}) does not stop; kill -9 {found.pid} ends it')
        time.sleep(0.01)
    say(f'Stopped the sandbox "{found.name}".')


def status(name: str, world: str | None, *, everything: bool, as_json: bool) -> None:
    """Tell what a sandbox, or a world beside its main one, is and holds."""
    if everything:
        reports = [ask(each, "GET", "status", world="") for each in state.names()]
        if as_json:
            say_json(reports)
        elif not reports:
            say("No sandbox is running.")
        else:
            width = max(len(report["name"]) for report in reports)
            for report in reports:
                say(f"{report['name']:<{width}}  {report['address']:<24}  {report['fixture'] or 'no fixture'}")
        return
    report = ask(name, "GET", "status", world=world)
    if as_json:
        say_json(report)
        return
    problems = report["problems"]
    rows = [
        ("sandbox", report["name"] + (f', its world "{world}"' if world else "")),
        ("address", report["address"]),
        ("profile", report["profile"]),
        ("fixture", (report["fixture"] or "none") + (", as it was before the last save" if problems else "")),
        ("holds", f"{report['secrets']} declared secrets, {report['mounts']} mounts, {report['policies']} policies"),
        ("in use", f"{report['tokens']} tokens, {report['leases']} leases"),
        ("sealed", "yes" if report["sealed"] else "no"),
        ("up since", datetime.fromtimestamp(report["started"], UTC).strftime("%Y-%m-%d %H:%M:%S UTC")),
        ("pid", str(report["pid"])),
    ]
    rows += [(each["name"], f"{each['address']}  {each['condition']}") for each in report["nodes"]]
    if report["data_dir"]:
        rows.append(("kept in", report["data_dir"]))
    if report["failing"]:
        told = "sandboxd events -k lease.revocation_failed"
        rows.append(("failing", f"{report['failing']} leases could not be revoked so far; {told} tells more"))
    if report["clock_offset"]:
        rows.append(("clock", f"{report['clock_offset']:+.0f} s from real time"))
    for label, value in rows:
        say(f"{label:<10}{value}")
    if problems:
        say("\nThe last save could not be applied:")
        for problem in problems:
            say(f"  {problem}")


def logs(name: str, *, follow: bool) -> None:
    """Print what a detached sandbox has said."""
    path = state.log_file(name)
    if not path.exists():
        stop(f'the sandbox "{name}" has no log: only detached ones (sandboxd up -d) write one', NOT_RUNNING)
    with path.open(errors="replace") as file:
        while True:
            text = file.read()
            if text:
                sys.stdout.write(text)
                sys.stdout.flush()
            if not follow or (not text and not state.held(name)):
                return
            time.sleep(0.1)


def reset(name: str, *, as_json: bool, world: str | None = None) -> None:
    """Bring a sandbox, or a world beside its main one, back to the state that it started from."""
    found = ask(name, "POST", "reset", timeout=RESET_PATIENCE, world=world)
    if as_json:
        say_json(found)
    else:
        say(
            f'The world "{world}" is as it was made.'
            if world
            else f'The sandbox "{name}" is as it was when it started.'
        )


def env(name: str, *, shell: str, world: str | None = None) -> None:
    """Print what points a shell, or a `.env` file, at a sandbox, or at a world beside its main one."""
    running = _known(name)
    variables = {"VAULT_ADDR": running.address, "VAULT_TOKEN": state.read_token(name)}
    if world:
        ask(name, "GET", "status", world=world)  # says so when there is none of that name
        variables |= {"VAULT_NAMESPACE": world, "SANDBOXD_WORLD": world}
    if running.ca_file:
        variables["VAULT_CACERT"] = running.ca_file
    if running.profile == "openbao":
        variables |= {key.replace("VAULT_", "BAO_"): value for key, value in variables.items()}
    write = WRITERS[shell]
    if sys.stdout.isatty() and shell in EVALUATED:
        say(f"# {EVALUATED[shell].format(_named(name))}")
    for key, value in variables.items():
        say(write(key, value))


def _named(name: str) -> str:
    return "" if name == "default" else f" --name {name}"


def _posix(key: str, value: str) -> str:
    return f"export {key}=" + "'" + value.replace("'", "'\\''") + "'"


def _fish(key: str, value: str) -> str:
    return f"set -gx {key} '" + value.replace("\\", "\\\\").replace("'", "\\'") + "';"


def _powershell(key: str, value: str) -> str:
    return f"$Env:{key} = '" + value.replace("'", "''") + "'"


def _dotenv(key: str, value: str) -> str:
    if re.fullmatch(r"[\w.:/@%+=,-]*", value):
        return f"{key}={value}"
    return f"{key}='{value}'" if "'" not in value else f'{key}="' + re.sub(r'(["\\$`])', r"\\\1", value) + '"'


WRITERS = {"sh": _posix, "fish": _fish, "powershell": _powershell, "dotenv": _dotenv}
EVALUATED = {
    "sh": 'eval "$(sandboxd env{})" sets these',
    "fish": "sandboxd env{} | source sets these",
    "powershell": "sandboxd env{} --shell powershell | Out-String | Invoke-Expression sets these",
}
