"""The installed command as a process, with folders of its own."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest


class Command:
    """Runs `sandboxd` with its own state folder and home."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.state = home / "state"
        cleared = {name: value for name, value in os.environ.items() if not name.startswith(("VAULT_", "BAO_"))}
        self.environment = {**cleared, "SANDBOXD_STATE_DIR": str(self.state), "HOME": str(home)}

    def __call__(self, *arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, and insist on its exit status."""
        done = subprocess.run(
            [sys.executable, "-m", "sandboxd.cli.main", *arguments],
            env=self.environment,
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == status, (arguments, done.returncode, done.stdout, done.stderr)
        return done

    def up(self, *arguments: str, name: str = "default") -> dict[str, Any]:
        """Start a detached sandbox on a free port; gives what is known of it."""
        done = self("up", *arguments, "-d", "--port", "0", "--name", name, "--json")
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def token(self, name: str = "default") -> str:
        return (self.state / name / "token").read_text()

    def kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Command]:
    run = Command(tmp_path)
    yield run
    run("down", "--all")


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
