"""Where the command line keeps what it knows of running sandboxes: one folder for each name, for its owner alone.

A running sandbox holds the **lock** of its folder. The operating system lets go of it when the process ends, however it
ends: so a folder without a held lock is that of a sandbox that is gone, and a process id is never taken for another's.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import platformdirs

if TYPE_CHECKING:
    from collections.abc import Iterator


TRIES = 10


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """A sandbox that was started."""

    name: str
    pid: int
    address: str
    profile: str
    fixture: str = ""
    ca_file: str = ""
    data_dir: str = ""
    control: str = ""  # where the control API answers alone


class Held(Exception):
    """Another process holds the name."""


def root() -> Path:
    """The folder of all sandboxes; `SANDBOXD_STATE_DIR` moves it."""
    moved = os.environ.get("SANDBOXD_STATE_DIR")
    return Path(moved) if moved else Path(platformdirs.user_state_dir("sandboxd", appauthor=False))


def folder(name: str) -> Path:
    """The folder of one sandbox."""
    return root() / name


def make_folder(name: str) -> Path:
    """The folder of one sandbox, which is there afterwards. Raises OSError."""
    place = folder(name)
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    return place


def log_file(name: str) -> Path:
    """Where a detached sandbox writes what it has to say."""
    return folder(name) / "log"


def token_file(name: str) -> Path:
    """Holds the root token."""
    return folder(name) / "token"


@contextmanager
def holding(name: str) -> Iterator[None]:
    """Hold a name for as long as this process runs. Raises Held, or OSError where nothing can be kept."""
    import fcntl

    descriptor = os.open(make_folder(name) / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        for last in (*[False] * TRIES, True):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if last:
                    raise Held(name) from None
                time.sleep(0.01)  # somebody may only be looking
        try:
            yield
        finally:
            forget(name)
    finally:
        os.close(descriptor)


def held(name: str) -> bool:
    """Whether a process holds a name."""
    import fcntl

    try:
        descriptor = os.open(folder(name) / "lock", os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def write(running: Running, token: str) -> None:
    """Keep what is needed to reach a sandbox. Raises OSError."""
    write_private(token_file(running.name), token)
    write_private(make_folder(running.name) / "state.json", msgspec.json.encode(running).decode())


def read(name: str) -> Running | None:
    """The running sandbox of a name, or None; what one that is gone has left is removed."""
    try:
        found = msgspec.json.decode((folder(name) / "state.json").read_bytes(), type=Running)
    except (OSError, msgspec.DecodeError):
        return None
    if held(name):
        return found
    forget(name)
    return None


def was_left(name: str) -> bool:
    """Whether a sandbox of this name ended without saying goodbye."""
    return (folder(name) / "state.json").exists() and not held(name)


def read_token(name: str) -> str:
    """The root token of a sandbox, or an empty string."""
    try:
        return token_file(name).read_text().strip()
    except OSError:
        return ""


def forget(name: str) -> None:
    """Remove what was kept of a sandbox, but for its log."""
    for file in (folder(name) / "state.json", token_file(name)):
        with suppress(OSError):
            file.unlink()


def names() -> list[str]:
    """The names of all running sandboxes."""
    try:
        return sorted(entry.name for entry in root().iterdir() if read(entry.name) is not None)
    except OSError:
        return []


def write_private(path: Path, text: str) -> None:
    """Replace a file as a whole, readable by its owner alone. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    fresh.replace(path)
