"""node-vault, unmodified: runs `node/vault.test.mjs`, and reports each of its tests as one."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conformance.servers import Server

NODE = Path(__file__).parent / "node"
NAMES = re.findall(r'^test\("(.+?)",', (NODE / "vault.test.mjs").read_text(), re.MULTILINE)


@pytest.fixture(scope="module")
def results(shared: Server) -> dict[str, str]:
    """What Node's test runner says of each test: '' when it passed, what went wrong when it did not."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no Node on this machine")
    if not (NODE / "node_modules" / "node-vault").is_dir():
        pytest.skip("node-vault is not installed (scripts/test does it where there is npm)")
    done = subprocess.run(
        [node, "--test", "--test-reporter=tap", "vault.test.mjs"],
        cwd=NODE,
        env={"VAULT_ADDR": shared.address},
        capture_output=True,
        text=True,
        check=False,
    )
    said = re.split(r"^(ok|not ok) \d+ - (.+)$", done.stdout, flags=re.MULTILINE)[1:]
    found = {name: "" if good == "ok" else detail for good, name, detail in zip(*[iter(said)] * 3, strict=True)}
    assert found, done.stdout + done.stderr
    return found


@pytest.mark.parametrize("name", NAMES)
def test_node_vault(name: str, results: dict[str, str]) -> None:
    if results[name]:
        pytest.fail(results[name], pytrace=False)
