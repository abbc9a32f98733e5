"""Named snapshots: in memory, and in files where the sandbox has a place for them.

A file has three parts: a line that says what it is, a line of JSON that says what the snapshot holds, and the stored
values. It is written as a whole or not at all, and for its owner alone. A digest tells whether it is still what was
written.
"""

from __future__ import annotations

import os
import re
from hashlib import sha256
from typing import TYPE_CHECKING, NoReturn

import msgspec

from sandboxd.edge.values import UnknownValue, pack, unpack
from sandboxd.vault.errors import Refusal
from sandboxd.vault.storage import Snapshot, Storage

if TYPE_CHECKING:
    from pathlib import Path

MAGIC = b"sandboxd snapshot 1\n"
SUFFIX = ".snapshot"
NOW, BASELINE = "now", "baseline"
RESERVED = (NOW, BASELINE)
"""Names that stand for states of their own: the present one, and that right after the fixture was applied."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot as it is listed. Moments are in nanoseconds since 1970.

    saved_at: the real moment when it was taken. at: the sandbox's own moment then. problem: why it cannot be used.
    """

    name: str
    profile: str = ""
    saved_at: int = 0
    at: int = 0
    secrets: int = 0
    leases: int = 0
    tokens: int = 0
    problem: str = ""


class _Head(msgspec.Struct, frozen=True, kw_only=True):
    saved: Saved
    digest: str


class _Unusable(Exception):
    """A file is no snapshot, or not one of this sandbox; the text says why."""


class Snapshots:
    """The snapshots of one sandbox, or of a world beside it.

    Args:
        profile: a state is of one profile's form.
        directory: where they are kept beyond the process, or None.
        inherited: others that can be used here by their names, where there is no own one of that name.
    """

    def __init__(self, profile: str, directory: Path | None = None, inherited: Snapshots | None = None) -> None:
        self._profile = profile
        self._directory = directory
        self._inherited = inherited
        self._states: dict[str, Snapshot] = {}
        self._saved: dict[str, Saved] = {}

    def save(self, name: str, snapshot: Snapshot, *, saved_at: int, force: bool = False) -> Saved:
        """Keep a state under a name. `saved_at` is the real moment, in nanoseconds since 1970.

        Raises Refusal for a name that cannot be used, or is taken unless `force` replaces that one, and when the file
        cannot be written.
        """
        from sandboxd.edge.differences import objects

        check_name(name, "snapshot", RESERVED)
        if not force and name in self.names():
            raise Refusal(f'there is a snapshot "{name}" already: --force replaces it', status=409)
        kinds = [kind for kind, _ in objects(snapshot)]
        saved = Saved(
            name=name,
            profile=self._profile,
            saved_at=saved_at,
            at=snapshot.at,
            secrets=kinds.count("secret"),
            leases=kinds.count("lease"),
            tokens=kinds.count("token"),
        )
        if self._directory is not None:
            try:
                _write(self._directory, saved, snapshot)
            except OSError as error:
                raise Refusal(f"cannot write below {self._directory}: {error.strerror}", status=500) from None
        self._states[name], self._saved[name] = snapshot, saved
        return saved

    def get(self, name: str) -> Snapshot:
        """The state that was saved under a name. Raises Refusal when there is none, or it cannot be read."""
        if name not in self._states:
            if name not in self.names():
                if self._inherited is not None:
                    return self._inherited.get(name)
                self._unknown(name)
            try:
                self._states[name] = self._read(name)
            except _Unusable as error:
                raise Refusal(f'the snapshot "{name}" cannot be used: {error}', status=409) from None
        return self._states[name]

    def refresh(self, name: str, snapshot: Snapshot) -> None:
        """Take another state for that of a name, if it is one of these: the same one, taken up again later."""
        if name in self._states:
            self._states[name] = snapshot

    def list(self) -> list[Saved]:
        """All of them, the oldest first; those that cannot be used come last, and say why."""
        found = []
        for name in self.names():
            if name not in self._saved:
                try:
                    self._saved[name] = self._head(name).saved
                except _Unusable as error:
                    found.append(Saved(name=name, problem=str(error)))
                    continue
            found.append(self._saved[name])
        return sorted(found, key=lambda saved: (bool(saved.problem), saved.saved_at, saved.name))

    def delete(self, name: str) -> None:
        """Forget one. Raises Refusal when there is none of that name."""
        if name not in self.names():
            self._unknown(name)
        if self._directory is not None:
            try:
                self._file(self._directory, name).unlink(missing_ok=True)
            except OSError as error:
                raise Refusal(f"cannot remove a file below {self._directory}: {error.strerror}", status=500) from None
        self._states.pop(name, None)
        self._saved.pop(name, None)

    def names(self) -> set[str]:
        """The names of all of them."""
        found = set(self._states)
        if self._directory is not None and self._directory.is_dir():
            files = (path.name.removesuffix(SUFFIX) for path in self._directory.glob(f"*{SUFFIX}"))
            found |= {name for name in files if _NAME.fullmatch(name)}
        return found

    def _unknown(self, name: str) -> NoReturn:
        there = sorted(self.names())
        hint = f"there are: {', '.join(there)}" if there else "there are none"
        raise Refusal(f'there is no snapshot "{shown(name)}"; {hint}', status=404)

    @staticmethod
    def _file(directory: Path, name: str) -> Path:
        return directory / f"{name}{SUFFIX}"

    def _head(self, name: str) -> _Head:
        return self._parts(name)[0]

    def _parts(self, name: str) -> tuple[_Head, bytes]:
        """What a file says of itself, and its values. Raises _Unusable."""
        assert self._directory is not None
        path = self._file(self._directory, name)
        try:
            raw = path.read_bytes()
        except OSError as error:
            raise _Unusable(f"{path} cannot be read: {error.strerror}") from None
        if not raw.startswith(MAGIC):
            other = raw.startswith(b"sandboxd snapshot ")
            raise _Unusable(
                f"{path} was written by another version of sandboxd" if other else f"{path} is no snapshot of sandboxd"
            )
        line, _, body = raw[len(MAGIC) :].partition(b"\n")
        try:
            head = msgspec.json.decode(line, type=_Head)
        except msgspec.DecodeError:
            raise _Unusable(f"{path} is damaged") from None
        if sha256(body).hexdigest() != head.digest:
            raise _Unusable(f"{path} is damaged")
        if head.saved.profile != self._profile:
            raise _Unusable(
                f"it is of a sandbox of the {head.saved.profile} profile, and this one is of {self._profile}"
            )
        return msgspec.structs.replace(head, saved=msgspec.structs.replace(head.saved, name=name)), body

    def _read(self, name: str) -> Snapshot:
        head, body = self._parts(name)
        values: dict[str, object] = {}
        try:
            for path, kind, value in msgspec.msgpack.decode(body, type=list[tuple[str, str, bytes]]):
                values[path] = unpack(kind, value)
        except msgspec.DecodeError:
            raise _Unusable("its file is damaged") from None
        except UnknownValue as error:
            raise _Unusable(f"it holds a value at {path}, and {error}") from None
        storage = Storage()
        storage.load(values)
        return storage.snapshot(head.saved.at)


def check_name(name: str, what: str, reserved: tuple[str, ...]) -> None:
    """Raise Refusal (400) for a name that a snapshot or world cannot have."""
    if _NAME.fullmatch(name) is None:
        raise Refusal(
            f'a {what} cannot be called "{shown(name)}": a name has up to 64 letters, digits, "-", "_" and ".", and '
            "begins with a letter or digit"
        )
    if name.lower() in reserved:
        raise Refusal(f'a {what} cannot be called "{name}": that name has a meaning of its own')


def shown(name: str) -> str:
    """A name as it is told: not endless, and without what a terminal would act on."""
    return "".join(char if char.isprintable() else "?" for char in name[:80])


def _write(directory: Path, saved: Saved, snapshot: Snapshot) -> None:
    body = msgspec.msgpack.encode([(path, *pack(value)) for path, value in snapshot.values.items()])
    head = msgspec.json.encode(_Head(saved=saved, digest=sha256(body).hexdigest()))
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = directory / f".{saved.name}.{os.getpid()}.new"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(MAGIC + head + b"\n" + body)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(directory / f"{saved.name}{SUFFIX}")
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
