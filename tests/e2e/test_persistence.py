"""With `--data-dir`, nothing that was acknowledged is lost."""

from __future__ import annotations

import http.client
import itertools
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from e2e.conftest import Command, ask

WRITERS = 4
ENOUGH = 60


def test_killed_in_the_middle_of_writes_it_keeps_all_that_it_acknowledged(command: Command, tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    running = command.up("--data-dir", data)
    address, token = running["address"], command.token()
    written: list[str] = []

    def write(writer: int) -> None:
        for number in itertools.count():
            key = f"{writer}-{number}"
            try:
                status, _ = ask(address, "POST", f"/v1/secret/data/{key}", token, {"data": {"key": key}})
            except (OSError, http.client.HTTPException):
                return
            assert status == 200
            written.append(key)
            if len(written) == ENOUGH:
                command.kill(running["pid"])

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write, range(WRITERS)))
    assert len(written) >= ENOUGH
    address = command.up("--data-dir", data)["address"]
    token = command.token()
    for key in written:
        status, answer = ask(address, "GET", f"/v1/secret/data/{key}", token)
        assert status == 200, key
        assert answer["data"]["data"] == {"key": key}


def test_two_sandboxes_do_not_share_a_directory(command: Command, tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    command.up("--data-dir", data)
    done = command("up", "-d", "--port", "0", "--name", "other", "--data-dir", data, status=1)
    assert "in use" in done.stderr
