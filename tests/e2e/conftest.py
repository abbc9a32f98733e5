"""The installed command as a process, with folders of its own."""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

PATIENCE = 60.0
"""Seconds for what takes less than one on a machine that nobody else uses."""

SANDBOXD = [sys.executable, "-m", "sandboxd.cli.main"]
ROOT = Path(__file__).parents[2]


def until(found: Callable[[], Any]) -> Any:
    """The first true answer of a function that is asked again and again."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        answer = found()
        if answer:
            return answer
        time.sleep(0.01)
    raise AssertionError("it did not come to pass")


class Command:
    """Runs `sandboxd` with its own state folder and home."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.state = home / "state"
        dropped = ("VAULT_", "BAO_", "SANDBOXD_")
        cleared = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
        self.environment = {**cleared, "SANDBOXD_STATE_DIR": str(self.state), "HOME": str(home)}
        self.started: list[subprocess.Popen[str]] = []

    def __call__(self, *arguments: str, status: int = 0, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command to its end, and insist on its exit status."""
        done = subprocess.run(
            [*SANDBOXD, *arguments],
            env=self.environment,
            cwd=ROOT,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == status, (arguments, done.returncode, done.stdout, done.stderr)
        return done

    def up(self, *arguments: str, name: str = "default") -> dict[str, Any]:
        """Start a detached sandbox on a free port; gives what is known of it."""
        done = self("up", *arguments, "-d", "--port", "0", "--name", name, "--json")
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """Start a command that goes on running; what it says can be read from its output."""
        process = subprocess.Popen(
            [*SANDBOXD, *arguments],
            env=self.environment | variables,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.started.append(process)
        return process

    def foreground(self, *arguments: str, name: str = "default") -> tuple[dict[str, Any], subprocess.Popen[str]]:
        """Start a sandbox in the foreground on a free port, and wait until it is ready."""
        process = self.start("up", *arguments, "--port", "0", "--name", name)
        file = self.state / name / "state.json"

        def ready() -> Any:
            assert process.poll() is None, process.communicate()[0]
            found = json.loads(file.read_text()) if file.exists() else {}
            return found if found.get("pid") == process.pid else None

        return until(ready), process

    def script(self, text: str) -> str:
        """What a shell prints that evaluates a script, in which SANDBOXD stands for the command."""
        done = subprocess.run(
            ["sh", "-c", text.replace("SANDBOXD", " ".join(SANDBOXD))],
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        )
        assert not done.stderr
        return done.stdout

    def clean(self) -> None:
        """End all that still runs."""
        self("down", "--all")
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.communicate()

    def token(self, name: str = "default") -> str:
        return (self.state / name / "token").read_text()

    def kill(self, pid: int, name: str = "default") -> None:
        """Kill a sandbox, and wait until it has let go of its name."""
        os.kill(pid, signal.SIGKILL)

        def free() -> bool:
            with (self.state / name / "lock").open() as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    return False
            return True

        until(free)


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Command]:
    run = Command(tmp_path)
    yield run
    run.clean()


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit status of a process that is about to end, and all that it said."""
    said = process.communicate(timeout=PATIENCE)[0]
    return process.returncode, said


def ask(address: str, method: str, path: str, token: str, body: Any = None) -> tuple[int, Any]:
    """One request; gives the status and the decoded answer."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    try:
        raw = None if body is None else json.dumps(body)
        connection.request(method, path, raw, {"X-Vault-Token": token})
        answer = connection.getresponse()
        text = answer.read()
    finally:
        connection.close()
    return answer.status, json.loads(text) if text else None
