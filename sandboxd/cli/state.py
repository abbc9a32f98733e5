"""Where the command line keeps what it knows of running sandboxes: one folder for each name, for its owner alone."""

import os
from contextlib import suppress
from pathlib import Path

import msgspec
import platformdirs


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """A sandbox that was started."""

    name: str
    pid: int
    address: str
    profile: str
    fixture: str = ""
    ca_file: str = ""
    data_dir: str = ""


def root() -> Path:
    """The folder of all sandboxes; `SANDBOXD_STATE_DIR` moves it."""
    moved = os.environ.get("SANDBOXD_STATE_DIR")
    return Path(moved) if moved else Path(platformdirs.user_state_dir("sandboxd", appauthor=False))


def folder(name: str) -> Path:
    """The folder of one sandbox."""
    return root() / name


def log_file(name: str) -> Path:
    """Where a detached sandbox writes what it has to say."""
    return folder(name) / "log"


def token_file(name: str) -> Path:
    """Holds the root token."""
    return folder(name) / "token"


def write(running: Running, token: str) -> None:
    """Keep what is needed to reach a sandbox. Raises OSError."""
    place = folder(running.name)
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write_private(token_file(running.name), token)
    _write_private(place / "state.json", msgspec.json.encode(running).decode())


def read(name: str) -> Running | None:
    """What was kept of a sandbox, or None."""
    try:
        return msgspec.json.decode((folder(name) / "state.json").read_bytes(), type=Running)
    except (OSError, msgspec.DecodeError):
        return None


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
    """The names of all sandboxes of which something is kept."""
    try:
        return sorted(entry.name for entry in root().iterdir() if (entry / "state.json").exists())
    except OSError:
        return []


def alive(pid: int) -> bool:
    """Whether a process is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _write_private(path: Path, text: str) -> None:
    """Replace a file as a whole, readable by its owner alone."""
    fresh = path.with_suffix(path.suffix + ".new")
    with suppress(FileNotFoundError):
        fresh.unlink()
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    fresh.replace(path)
