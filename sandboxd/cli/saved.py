"""A fixture that is saved while a sandbox is up is applied again."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from sandboxd.cli.output import complain, say

if TYPE_CHECKING:
    from sandboxd.edge.sandbox import Sandbox

LOOK = 1000
"""Milliseconds between two looks at the files themselves: what was saved before they were watched is told by nobody."""


async def watch(sandbox: Sandbox, since: int) -> None:
    """Apply the fixture again when one of its files is saved.

    Args:
        since: when it was read, in nanoseconds since 1970.
    """
    from watchfiles import awatch

    known = {file: stamp for file, stamp in stamps(sandbox.files()).items() if stamp.st_ctime_ns <= since}
    while True:
        folders = {file.parent for file in sandbox.files() if file.parent.is_dir()}
        if not folders:
            await asyncio.sleep(1)
            continue
        async for _ in awatch(*folders, recursive=False, step=50, rust_timeout=LOOK, yield_on_timeout=True):
            now = stamps(sandbox.files())
            if any(not same(known.get(file), stamp) for file, stamp in now.items()):
                await reload(sandbox)
                known = stamps(sandbox.files()) | now
                break


def stamps(files: Iterable[Path]) -> dict[Path, os.stat_result]:
    """By what it is told whether files have changed; those that are not there at this moment are left out."""
    found = {}
    for file in files:
        with contextlib.suppress(OSError):
            found[file] = file.stat()
    return found


def same(one: os.stat_result | None, other: os.stat_result) -> bool:
    """Whether a file is what it was."""
    return one is not None and (one.st_ino, one.st_size, one.st_mtime_ns, one.st_ctime_ns) == (
        other.st_ino,
        other.st_size,
        other.st_mtime_ns,
        other.st_ctime_ns,
    )


async def reload(sandbox: Sandbox) -> None:
    """Apply the fixture again. A broken one is told of, and changes nothing."""
    from sandboxd.fixtures import load, make_plan
    from sandboxd.vault.errors import VaultError

    path = sandbox.options.fixture
    if path is None:
        return
    try:
        await sandbox.fill(make_plan(load(path), seed=sandbox.options.seed))
    except (ValueError, VaultError, OSError) as error:  # ValueError: FixtureError, with all that is wrong
        sandbox.problems = tuple(str(error).splitlines())
        complain(f"{error}\nThe sandbox goes on with what it had.")
    else:
        sandbox.problems = ()
        say(f"Applied {path} again.")
