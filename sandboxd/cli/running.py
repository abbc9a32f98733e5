"""Commands about running sandboxes: `down`, `status`, `logs`, `reset`, `env`, `verify`."""

import os
import signal
import sys
import time
from datetime import UTC, datetime
from typing import Any

from sandboxd.cli import client, state
from sandboxd.cli.output import FAILED, NOT_OURS, NOT_RUNNING, USAGE, complain, say, say_json, stop

STOP_PATIENCE = 10.0  # seconds


def _known(name: str) -> state.Running:
    found = state.read(name)
    if found is None or not state.alive(found.pid):
        if found is not None:
            state.forget(name)
        others = [other for other in state.names() if other != name]
        hint = f" Running: {', '.join(others)}." if others else " `sandboxd up` starts one."
        stop(f'no sandbox "{name}" is running.{hint}', NOT_RUNNING)
    return found


def _ask(name: str, method: str, path: str, body: Any = None) -> Any:
    running = _known(name)
    try:
        status, found = client.ask(running.address, method, path, token=state.read_token(name), body=body)
    except client.Unreachable as error:
        stop(f'the sandbox "{name}" (pid {running.pid}) does not answer at {running.address}: {error}')
    if status != 200:
        stop("; ".join(found["errors"]) if isinstance(found, dict) and "errors" in found else f"status {status}")
    return found


def down(name: str, *, everything: bool) -> None:
    """Stop one sandbox, or all of them."""
    names = state.names() if everything else [name]
    if everything and not names:
        say("no sandbox is running")
        return
    for each in names:
        _down(each, must=not everything)


def _down(name: str, *, must: bool) -> None:
    found = state.read(name)
    if found is None or not state.alive(found.pid):
        state.forget(name)
        if must:
            _known(name)
        return
    os.kill(found.pid, signal.SIGTERM)
    end = time.perf_counter() + STOP_PATIENCE
    while state.alive(found.pid) and time.perf_counter() < end:
        time.sleep(0.01)
    if state.alive(found.pid):
        stop(f'the sandbox "{name}" (pid {found.pid}) does not stop; kill -9 {found.pid} ends it', FAILED)
    state.forget(name)
    say(f'stopped the sandbox "{name}"')


def status(name: str, *, everything: bool, as_json: bool) -> None:
    """Tell what a sandbox is and holds."""
    if everything:
        reports = [_ask(each, "GET", "/sandboxd/status") for each in state.names() if _running(each)]
        if as_json:
            say_json(reports)
        elif not reports:
            say("no sandbox is running")
        else:
            for report in reports:
                say(f"{report['name']:<16} {report['address']:<28} {report['fixture'] or 'no fixture'}")
        return
    report = _ask(name, "GET", "/sandboxd/status")
    if as_json:
        say_json(report)
        return
    rows = [
        ("sandbox", report["name"]),
        ("address", report["address"]),
        ("profile", report["profile"]),
        ("fixture", report["fixture"] or "none"),
        ("holds", f"{report['secrets']} declared secrets, {report['mounts']} mounts, {report['policies']} policies"),
        ("in use", f"{report['tokens']} tokens, {report['leases']} leases"),
        ("sealed", "yes" if report["sealed"] else "no"),
        ("up since", datetime.fromtimestamp(report["started"], UTC).strftime("%Y-%m-%d %H:%M:%S UTC")),
        ("pid", str(report["pid"])),
    ]
    if report["data_dir"]:
        rows.append(("kept in", report["data_dir"]))
    if report["clock_offset"]:
        rows.append(("clock", f"{report['clock_offset']:+.0f} s from real time"))
    for label, value in rows:
        say(f"{label:<10}{value}")
    for problem in report["problems"]:
        complain(problem)


def _running(name: str) -> bool:
    found = state.read(name)
    return found is not None and state.alive(found.pid)


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
            if not follow or (not text and not _running(name)):
                return
            time.sleep(0.2)


def reset(name: str, *, as_json: bool) -> None:
    """Bring a sandbox back to the state right after its fixture was applied."""
    found = _ask(name, "POST", "/sandboxd/reset")
    if as_json:
        say_json(found)
    else:
        say(f'the sandbox "{name}" is as it was when its fixture was applied')


def env(name: str, *, shell: str) -> None:
    """Print what points a shell, or a `.env` file, at a sandbox."""
    running = _known(name)
    variables = {"VAULT_ADDR": running.address, "VAULT_TOKEN": state.read_token(name)}
    if running.ca_file:
        variables["VAULT_CACERT"] = running.ca_file
    if running.profile == "openbao":
        variables |= {key.replace("VAULT_", "BAO_"): value for key, value in variables.items()}
    writers = {
        "sh": lambda key, value: f"export {key}={_quoted(value)}",
        "fish": lambda key, value: f"set -gx {key} {_quoted(value)};",
        "powershell": lambda key, value: f"$Env:{key} = '{value.replace(chr(39), chr(39) * 2)}'",
        "dotenv": lambda key, value: f"{key}={value}",
    }
    if shell not in writers:
        stop(f'no way to write for "{shell}": use {", ".join(writers)}', USAGE)
    for key, value in variables.items():
        say(writers[shell](key, value))


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "'\\''") + "'"


def verify(value: str, name: str, *, as_json: bool) -> None:
    """Tell whose a value is; with a running sandbox also where it is declared."""
    text = sys.stdin.read().strip() if value == "-" else value
    if _running(name):
        found = _ask(name, "POST", "/sandboxd/verify", {"value": text})
    else:
        from sandboxd.fakes import verify as judge

        verdict = judge(text)
        found = {"status": verdict.status.value, "kind": verdict.kind or None, "claim": verdict.claim, "declared": None}
    ours = found["status"] == "made here" or found["declared"] is not None
    if as_json:
        say_json(found)
    else:
        say(f"{found['status']}{': ' + found['kind'] if found['kind'] else ''}")
        say(f"  {found['claim']}")
        if found["declared"]:
            declared = found["declared"]
            say(f"  declared as {declared['path']}#{declared['field']}, version {declared['version']}")
    sys.exit(0 if ours else NOT_OURS)
