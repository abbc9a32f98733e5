"""What a running sandbox does when it is told something by the system: signals, saved files."""

from __future__ import annotations

import json
import os
import signal
import socket
from typing import TYPE_CHECKING

from e2e.conftest import ask, ended, until

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.conftest import Command

FIXTURE = """
sandbox: e2e
secrets:
  secret/app:
    fields: {user: app}
"""


def test_told_to_stop_it_finishes_the_requests_under_way(command: Command) -> None:
    running, process = command.foreground()
    port = int(running["address"].rpartition(":")[2])
    body = b'{"data": {"x": 1}}'
    head = f"POST /v1/secret/data/a HTTP/1.1\r\nHost: a\r\nX-Vault-Token: {command.token()}\r\n"
    with (
        socket.create_connection(("127.0.0.1", port), timeout=60) as half,
        socket.create_connection(("127.0.0.1", port), timeout=60) as idle,
    ):
        half.sendall(f"{head}Expect: 100-continue\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        assert half.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        process.send_signal(signal.SIGTERM)
        assert idle.recv(100) == b""
        half.sendall(body)
        answer = b""
        while piece := half.recv(65536):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nConnection: close\r\n" in answer
    assert ended(process)[0] == 0


def test_a_saved_fixture_is_applied_by_itself_and_a_broken_one_is_told_of(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "fixture.yaml"
    path.write_text(FIXTURE)
    address, token = command.up(str(path))["address"], command.token()

    def user() -> str:
        found: str = ask(address, "GET", "/v1/secret/data/app", token)[1]["data"]["data"]["user"]
        return found

    fresh = tmp_path / "fixture.yaml.new"  # many editors write a new file and rename it
    fresh.write_text(FIXTURE.replace("user: app", "user: changed"))
    fresh.rename(path)
    until(lambda: user() == "changed")
    path.write_text("sandbox: [")
    until(lambda: "The last save could not be applied:" in command("status").stdout)
    assert user() == "changed"
    assert "The sandbox goes on with what it had." in command("logs").stdout
    path.write_text(FIXTURE)
    until(lambda: user() == "app")
    assert "could not be applied" not in command("status").stdout


def test_told_to_hang_up_the_server_opens_its_audit_files_anew(command: Command, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    flags = ("-dev", "-as=openbao", "-dev-root-token-id=root", f"-dev-listen-address=127.0.0.1:{port}")
    log, old = tmp_path / "audit.log", tmp_path / "audit.old"
    config = tmp_path / "audit.hcl"
    config.write_text(f'storage "inmem" {{}}\naudit "file" "file" {{ options {{ file_path = "{log}" }} }}\n')
    process = command.start("server", *flags, f"-config={config}")
    until((command.home / ".vault-token").exists)
    until(log.exists)
    log.rename(old)
    ask(address, "GET", "/v1/secret/data/before", "root")
    os.kill(process.pid, signal.SIGHUP)
    until(log.exists)
    ask(address, "GET", "/v1/secret/data/after", "root")

    def paths(file: Path) -> set[str]:
        return {json.loads(line)["request"]["path"] for line in file.read_text().splitlines()}

    assert "secret/data/before" in paths(old)
    assert "secret/data/after" in paths(log)
    assert "secret/data/after" not in paths(old)
