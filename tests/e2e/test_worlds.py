"""Worlds and snapshots as their users meet them: with the command, and with an unmodified client in many threads."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import hvac
import pytest
from e2e.conftest import PATIENCE, Command, ask

FIXTURE = """
sandbox: e2e
secrets:
  secret/app:
    fields:
      user: app
"""
WORKERS = 6
ROUNDS = 10


def fixture(folder: Path) -> str:
    path = folder / "fixture.yaml"
    path.write_text(FIXTURE)
    return str(path)


def client(address: str, token: str, world: str = "") -> hvac.Client:
    return hvac.Client(url=address, token=token, namespace=world or None, timeout=PATIENCE)


def secret(of: hvac.Client, path: str = "app") -> dict[str, Any]:
    read = of.secrets.kv.v2.read_secret_version(path, raise_on_deleted_version=True)
    found: dict[str, Any] = read["data"]["data"]
    return found


def test_tests_in_parallel_each_in_a_world_do_not_meet(command: Command, tmp_path: Path) -> None:
    address, token = command.up(fixture(tmp_path))["address"], command.token()

    def work(number: int) -> None:
        name = f"gw{number}"
        status, made = ask(address, "POST", "/_sandboxd/v1/worlds", token, {"name": name})
        assert status == 200, made
        vault = client(address, made["root_token"], made["namespace"])
        for turn in range(ROUNDS):
            assert secret(vault) == {"user": "app"}
            mine = {"worker": number, "turn": turn}
            vault.secrets.kv.v2.create_or_update_secret("app", mine)
            vault.sys.enable_secrets_engine("kv", path="mine", options={"version": "2"})
            child = client(address, vault.auth.token.create(policies=["root"])["auth"]["client_token"], name)
            assert secret(child) == mine
            wrapped = vault.write_data("sys/wrapping/wrap", data={"value": number}, wrap_ttl="60s")["wrap_info"]
            assert vault.sys.unwrap(wrapped["token"])["data"] == {"value": number}
            assert ask(address, "POST", f"/_sandboxd/v1/worlds/{name}/reset", token)[0] == 200
            assert "mine/" not in vault.sys.list_mounted_secrets_engines()["data"]
            with pytest.raises(hvac.exceptions.Forbidden):
                child.auth.token.lookup_self()
        assert ask(address, "DELETE", f"/_sandboxd/v1/worlds/{name}", token)[0] == 200
        with pytest.raises(hvac.exceptions.InvalidPath):
            secret(vault)

    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(work, range(WORKERS)))
    assert secret(client(address, token)) == {"user": "app"}
    assert ask(address, "GET", "/_sandboxd/v1/worlds", token) == (200, {"worlds": []})


def test_the_command_makes_lists_resets_and_ends_worlds(command: Command, tmp_path: Path) -> None:
    address, token = command.up(fixture(tmp_path))["address"], command.token()
    assert "There is the main world alone" in command("world", "list").stdout
    made = json.loads(command("world", "new", "mine", "--ttl", "1h", "--json").stdout)
    assert (made["name"], made["ttl"]) == ("mine", 3600)
    assert token not in command("world", "new").stdout
    assert [line.split()[0] for line in command("world", "list").stdout.splitlines()] == ["mine", "w1"]
    vault = client(address, token, "mine")
    vault.secrets.kv.v2.create_or_update_secret("app", {"user": "changed"})
    assert "as it was made" in command("reset", "--world", "mine").stdout
    assert secret(vault) == {"user": "app"}
    assert command("world", "end", "mine").stdout == "Ended mine.\n"
    assert "no world" in command("world", "end", "mine", status=1).stderr
    assert "w1" in command("world", "end", "--all").stdout


def test_a_shell_is_pointed_at_a_world(command: Command, tmp_path: Path) -> None:
    address, token = command.up(fixture(tmp_path))["address"], command.token()
    command("world", "new", "mine")
    client(address, token, "mine").secrets.kv.v2.create_or_update_secret("app", {"user": "inside"})
    said = command.script(
        'eval "$(SANDBOXD env --shell sh --world mine)"; printf "%s\\n" "$VAULT_NAMESPACE"; SANDBOXD reset'
    )
    assert said == 'mine\nThe world "mine" is as it was made.\n'
    assert secret(client(address, token, "mine")) == {"user": "app"}
    assert "no world" in command("env", "--world", "nowhere", status=1).stderr
    assert 'world "mine"' in command("status", "--world", "mine").stdout
    said = command.script('eval "$(SANDBOXD env --shell sh --world mine)"; SANDBOXD world end mine')
    assert said.startswith("Ended mine.\n  unset SANDBOXD_WORLD VAULT_NAMESPACE ")


def test_states_are_kept_compared_and_gone_back_to(command: Command, tmp_path: Path) -> None:
    address, token = command.up(fixture(tmp_path))["address"], command.token()
    vault = client(address, token)
    assert "There are no snapshots" in command("snapshot", "list").stdout
    vault.secrets.kv.v2.create_or_update_secret("app", {"user": "then"})
    assert command("snapshot", "save", "then").stdout == 'Saved "then": 1 secrets, 0 leases, 1 tokens.\n'
    assert "--force" in command("snapshot", "save", "then", status=1).stderr
    vault.secrets.kv.v2.create_or_update_secret("app", {"user": "hunter2"})
    vault.secrets.kv.v2.create_or_update_secret("more", {"user": "hunter2"})
    said = command("snapshot", "diff", "then").stdout
    assert [line.split() for line in said.splitlines()] == [
        ["~", "secret", "secret/app", "version", "2", "->", "version", "3"],
        ["+", "secret", "secret/more", "version", "1"],
    ]
    assert json.loads(command("snapshot", "diff", "baseline", "then", "--json").stdout)["changes"] == [
        {"kind": "secret", "change": "changed", "name": "secret/app", "before": "version 1", "after": "version 2"}
    ]
    command("snapshot", "restore", "then")
    assert secret(vault) == {"user": "then"}
    assert "Nothing is different" in command("snapshot", "diff", "then").stdout
    assert command("snapshot", "list").stdout.splitlines()[1].split()[0] == "then"
    command("reset")
    assert secret(vault) == {"user": "app"}
    command("snapshot", "delete", "then")
    assert "no snapshot" in command("snapshot", "restore", "then", status=1).stderr


@pytest.mark.parametrize("kept", [False, True])
def test_killed_after_a_save_the_snapshot_is_there(command: Command, tmp_path: Path, kept: bool) -> None:
    options = ("--data-dir", str(tmp_path / "data")) if kept else ()
    running = command.up(fixture(tmp_path), *options)
    client(running["address"], command.token()).secrets.kv.v2.create_or_update_secret("app", {"user": "then"})
    command("snapshot", "save", "then")
    client(running["address"], command.token()).secrets.kv.v2.create_or_update_secret("app", {"user": "later"})
    command.kill(running["pid"])
    address = command.up(fixture(tmp_path), *options)["address"]
    vault = client(address, command.token())
    assert secret(vault) == {"user": "later" if kept else "app"}
    command("snapshot", "restore", "then")
    assert secret(vault) == {"user": "then"}


def test_a_reset_with_a_data_directory_outlives_a_kill(command: Command, tmp_path: Path) -> None:
    options = ("--data-dir", str(tmp_path / "data"))
    running = command.up(fixture(tmp_path), *options)
    client(running["address"], command.token()).secrets.kv.v2.create_or_update_secret("app", {"user": "changed"})
    command("reset")
    command.kill(running["pid"])
    address = command.up(fixture(tmp_path), *options)["address"]
    assert secret(client(address, command.token())) == {"user": "app"}


def test_a_world_nobody_asks_ends_by_itself(command: Command) -> None:
    from e2e.conftest import until

    running = command.up("--world-ttl", "1s", "--max-worlds", "1")
    command("world", "new")
    assert "takes no more" in command("world", "new", status=1).stderr
    token = command.token()
    until(lambda: ask(running["address"], "GET", "/_sandboxd/v1/worlds", token)[1] == {"worlds": []})


def test_a_reset_of_a_thousand_secrets_takes_no_time_to_speak_of(command: Command, tmp_path: Path) -> None:
    import time

    path = tmp_path / "many.yaml"
    secrets = "".join(f"  secret/team/app-{number}:\n    fields: {{a: b}}\n" for number in range(1000))
    path.write_text(f"sandbox: many\nsecrets:\n{secrets}")
    address, token = command.up(str(path))["address"], command.token()
    took = []
    for turn in range(5):
        assert ask(address, "POST", f"/v1/secret/data/{turn}", token, {"data": {"a": 1}})[0] == 200
        began = time.perf_counter()
        assert ask(address, "POST", "/_sandboxd/v1/reset", token)[0] == 200
        took.append(time.perf_counter() - began)
        assert ask(address, "GET", f"/v1/secret/data/{turn}", token)[0] == 404
    assert min(took) < 0.020
