from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandboxd.edge import child as children
from sandboxd.edge.child import Child

if TYPE_CHECKING:
    from collections.abc import Callable


async def run(log: Path, text: str, **variables: str) -> Child:
    return await Child.start([sys.executable, "-c", text], {**os.environ, **variables}, log)


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something holds."""
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came to hold")


async def said(log: Path, word: str) -> None:
    """Wait until the process has said something."""
    await until(lambda: word in log.read_text())


async def test_what_it_says_goes_to_a_log_for_its_owner_alone(tmp_path: Path):
    log = tmp_path / "log"
    child = await run(log, "import os, sys; print(os.environ['WORD']); print('bad', file=sys.stderr)", WORD="good")
    assert await child.wait() == 0
    await child.stop()
    assert set(log.read_text().split()) == {"good", "bad"}
    assert log.stat().st_mode & 0o777 == 0o600


async def test_its_exit_status_is_known_when_it_ends_by_itself(tmp_path: Path):
    child = await run(tmp_path / "log", "raise SystemExit(3)")
    await child.wait()
    await child.stop()
    assert (child.status, child.asked) == (3, False)


async def test_it_ends_when_it_is_asked_to(tmp_path: Path):
    child = await run(tmp_path / "log", "import time; print('up', flush=True); time.sleep(60)")
    await said(tmp_path / "log", "up")
    assert child.status is None
    await child.stop()
    assert (child.status, child.asked) == (-15, True)


async def test_it_ends_by_force_when_it_does_not_want_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(children, "GRACE", 0.05)
    text = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    child = await run(tmp_path / "log", text)
    await said(tmp_path / "log", "up")
    await child.stop()
    assert child.status == -9


async def test_what_it_has_started_ends_with_it(tmp_path: Path):
    text = "import subprocess, sys; print(subprocess.Popen(['sleep', '60']).pid, 'up', flush=True); raise SystemExit"
    child = await run(tmp_path / "log", text)
    await said(tmp_path / "log", "up")
    await child.wait()
    await child.stop()
    pid = (tmp_path / "log").read_text().split()[0]

    def gone() -> bool:
        try:
            return Path("/proc", pid, "stat").read_text().split()[2] == "Z"
        except OSError:
            return True

    await until(gone)


async def test_what_cannot_be_started_is_an_error(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        await Child.start([str(tmp_path / "none")], os.environ, tmp_path / "log")
