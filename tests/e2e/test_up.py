"""`sandboxd up` and what goes with it, as a user meets them."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

from e2e.conftest import Command, ask

FIXTURE = """
sandbox: e2e
secrets:
  secret/app:
    fields:
      user: app
      password: {kind: password}
"""


def fixture(folder: Path, text: str = FIXTURE) -> str:
    path = folder / "fixture.yaml"
    path.write_text(text)
    return str(path)


def test_a_detached_sandbox_serves_its_fixture_when_up_comes_back(command: Command, tmp_path: Path) -> None:
    address = command.up(fixture(tmp_path))["address"]
    status, answer = ask(address, "GET", "/v1/secret/data/app", command.token())
    assert status == 200
    assert answer["data"]["data"]["user"] == "app"


def test_the_token_is_in_a_file_for_its_owner_alone(command: Command) -> None:
    command.up()
    assert (command.state / "default" / "token").stat().st_mode & 0o777 == 0o600


def test_a_second_sandbox_of_the_same_name_is_refused_and_says_what_to_do(command: Command) -> None:
    command.up()
    done = command("up", "-d", "--port", "0", status=5)
    assert "is up already" in done.stderr
    assert "--name" in done.stderr


def test_two_sandboxes_run_side_by_side_under_names(command: Command) -> None:
    first, second = command.up(name="one"), command.up(name="two")
    assert first["address"] != second["address"]
    assert ask(second["address"], "GET", "/v1/sys/health", "")[0] == 200


def test_a_taken_port_is_refused_and_says_so(command: Command) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = command("up", "-d", "--port", str(port), status=5)
    assert str(port) in done.stderr


def test_a_sandbox_that_was_killed_does_not_stand_in_the_way(command: Command) -> None:
    command.kill(command.up()["pid"])
    assert command.up()["address"].startswith("http://127.0.0.1:")


def test_down_ends_it_and_a_second_down_finds_none(command: Command) -> None:
    command.up()
    command("down")
    assert "no sandbox" in command("down", status=3).stderr


def test_reset_undoes_what_was_written(command: Command, tmp_path: Path) -> None:
    address = command.up(fixture(tmp_path))["address"]
    token = command.token()
    assert ask(address, "POST", "/v1/secret/data/app", token, {"data": {"user": "other"}})[0] == 200
    command("reset")
    assert ask(address, "GET", "/v1/secret/data/app", token)[1]["data"]["data"]["user"] == "app"


def test_what_env_prints_points_a_shell_at_the_sandbox(command: Command) -> None:
    address = command.up()["address"]
    script = command("env", "--shell", "sh").stdout + 'printf %s "$VAULT_ADDR"'
    assert subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout == address


def test_verify_says_where_a_value_is_declared(command: Command, tmp_path: Path) -> None:
    address = command.up(fixture(tmp_path))["address"]
    value = ask(address, "GET", "/v1/secret/data/app", command.token())[1]["data"]["data"]["password"]
    assert "secret/app" in command("verify", value).stdout
    command("verify", "somebody else's", status=6)


def test_a_real_looking_credential_in_a_fixture_is_named_by_place_and_not_shown(
    command: Command, tmp_path: Path
) -> None:
    real = "ghp" + "_" + "0" * 24 + "abcdef" + "000000"
    text = f"sandbox: x\nsecrets:\n  secret/a:\n    fields:\n      token: {real}\n"
    done = command("fixtures", "check", fixture(tmp_path, text), status=4)
    assert "fixture.yaml:5:14" in done.stderr
    assert real not in done.stdout + done.stderr


def test_a_saved_change_is_applied_and_a_broken_one_is_not(command: Command, tmp_path: Path) -> None:
    path = fixture(tmp_path)
    address, token = command.up(path)["address"], command.token()
    fixture(tmp_path, FIXTURE.replace("user: app", "user: changed"))
    assert ask(address, "POST", "/_sandboxd/v1/reload", token)[0] == 200
    assert ask(address, "GET", "/v1/secret/data/app", token)[1]["data"]["data"]["user"] == "changed"
    fixture(tmp_path, "sandbox: [")
    ask(address, "POST", "/_sandboxd/v1/reload", token)
    assert ask(address, "GET", "/v1/secret/data/app", token)[1]["data"]["data"]["user"] == "changed"
    assert "fixture.yaml:2:1: this is not YAML" in command("status").stdout
