"""Tests that are written for Node, run by its own test runner."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

NODE = Path(__file__).parent / "node"


def names(file: str) -> list[str]:
    """The names of the tests in a file."""
    return re.findall(r'^test\("(.+?)",', (NODE / file).read_text(), re.MULTILINE)


def run(file: str, address: str) -> dict[str, str]:
    """What Node's test runner says of each test: '' when it passed, what went wrong when it did not."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no Node on this machine")
    if not (NODE / "node_modules" / "node-vault").is_dir():
        pytest.skip("node-vault is not installed (scripts/test does it where there is npm)")
    done = subprocess.run(
        [node, "--test", "--test-reporter=tap", file],
        cwd=NODE,
        env={"VAULT_ADDR": address},
        capture_output=True,
        text=True,
        check=False,
    )
    said = re.split(r"^(ok|not ok) \d+ - (.+)$", done.stdout, flags=re.MULTILINE)[1:]
    found = {name: "" if good == "ok" else detail for good, name, detail in zip(*[iter(said)] * 3, strict=True)}
    assert found, done.stdout + done.stderr
    return found
