"""A real cluster: three OpenBao nodes with raft storage, and requests to any of them."""

from __future__ import annotations

import http.client
import json
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from conformance.servers import RUNNING, Server, free_port, oracle_binary

PATIENCE = 30.0
CONFIG = """
storage "raft" {{
  path = "{home}"
  node_id = "{name}"
  performance_multiplier = 1
}}
listener "tcp" {{
  address = "127.0.0.1:{port}"
  cluster_address = "127.0.0.1:{cluster}"
  tls_disable = true
}}
api_addr = "http://127.0.0.1:{port}"
cluster_addr = "https://127.0.0.1:{cluster}"
cluster_name = "test"
"""


class Reply(NamedTuple):
    """An answer, whole."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(
    port: int,
    method: str,
    path: str,
    body: Any = None,
    *,
    token: str | None = None,
    headers: dict[str, str] | None = None,
) -> Reply:
    """One request to a node."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    sent = dict(headers or {}) | ({"X-Vault-Token": token} if token else {})
    try:
        connection.request(method, f"/v1/{path}", None if body is None else json.dumps(body), sent)
        answer = connection.getresponse()
        return Reply(answer.status, dict(answer.getheaders()), answer.read().decode())
    finally:
        connection.close()


class Cluster:
    """Three nodes, unsealed, with the first one as their leader."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="cluster-"))
        self.ports = [free_port() for _ in range(3)]
        self.clusters = [free_port() for _ in range(3)]
        self.processes = [self._launch(number) for number in range(3)]
        for port in self.ports:
            self._until(port, lambda reply: reply.status == 501)
        made = ask(self.ports[0], "PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1}).json
        self.key, self.token = made["keys"][0], made["root_token"]
        self.unseal(0)
        self._until(self.ports[0], lambda reply: reply.status == 200)
        soon = {"server_stabilization_time": "1s"}
        ask(self.ports[0], "POST", "sys/storage/raft/autopilot/configuration", soon, token=self.token)
        leader = f"http://127.0.0.1:{self.ports[0]}"
        for number in (1, 2):
            ask(self.ports[number], "PUT", "sys/storage/raft/join", {"leader_api_addr": leader})
            self.unseal(number)
        for number in (1, 2):  # it takes a while until a new node has all, and is one of those that vote
            self.wait_until_caught_up(number)
        configuration = "sys/storage/raft/configuration"
        self._until(self.ports[0], lambda reply: reply.body.count('"voter":true') == 3, configuration, self.token)
        state = "sys/storage/raft/autopilot/state"
        self._until(self.ports[0], lambda reply: len(reply.json["data"]["voters"]) == 3, state, self.token)
        soon = {"server_stabilization_time": "10s"}
        ask(self.ports[0], "POST", "sys/storage/raft/autopilot/configuration", soon, token=self.token)
        self._until(self.ports[0], lambda reply: len(reply.json["nodes"]) == 3, "sys/ha-status", self.token)

    def _launch(self, number: int) -> subprocess.Popen[bytes]:
        home = self.home / f"node-{number + 1}"
        home.mkdir()
        file = home / "server.hcl"
        file.write_text(
            CONFIG.format(home=home, name=home.name, port=self.ports[number], cluster=self.clusters[number])
        )
        binary = oracle_binary()
        assert binary is not None
        with (home / "log").open("wb") as log:
            process = subprocess.Popen([binary, "server", f"-config={file}"], stdout=log, stderr=subprocess.STDOUT)
        RUNNING[process.pid] = Server("oracle", self.ports[number], home, process)
        return process

    def unseal(self, number: int) -> None:
        """Hand a node the key."""
        ask(self.ports[number], "PUT", "sys/unseal", {"key": self.key})

    def kill(self, number: int) -> None:
        """End a node's process at once."""
        self.processes[number].send_signal(signal.SIGKILL)
        self.processes[number].wait()

    def wait_for(self, number: int, path: str, status: int) -> None:
        """Wait until a node answers like that, as root."""
        self._until(self.ports[number], lambda reply: reply.status == status, path, self.token)

    def wait_until_caught_up(self, number: int) -> None:
        """Wait until a standby has all that the leader has."""
        self._until(self.ports[number], lambda reply: reply.status == 429 and "primary" in reply.body)

    def _until(self, port: int, wanted: Any, path: str = "sys/health", token: str | None = None) -> None:
        end = time.monotonic() + PATIENCE
        while True:
            try:
                if wanted(ask(port, "GET", path, token=token)):
                    return
            except OSError:
                pass
            if time.monotonic() > end:
                raise RuntimeError(f"a node is not where it should be: {path}")
            time.sleep(0.02)

    def close(self) -> None:
        """End all of them."""
        for process in self.processes:
            RUNNING.pop(process.pid, None)
            process.send_signal(signal.SIGKILL)
            process.wait()
        shutil.rmtree(self.home, ignore_errors=True)
