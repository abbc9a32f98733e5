"""The journal: keeps a world in one SQLite file, so that it survives the process.

Every request's writes are one transaction, committed before the request is answered. SQLite's write-ahead log makes
what was committed survive `kill -9`; only a crash of the whole machine can take the last moments with it.
"""

import sqlite3
from collections.abc import Mapping
from pathlib import Path

from sandboxd.edge.values import UnknownValue, pack, unpack

FILE = "sandboxd.db"
FORMAT = 1


class DataDirError(Exception):
    """The data directory cannot be used; the text says why and what to do."""


class Sqlite:
    """A journal in a directory.

    Args:
        directory: made when it is not there, for its owner alone.
        profile: a world is kept in one profile's form.

    Raises DataDirError.
    """

    def __init__(self, directory: Path, profile: str) -> None:
        self.path = directory / FILE
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.touch(mode=0o600)
            self._db = sqlite3.connect(self.path, isolation_level=None, timeout=0.5)
        except OSError as error:
            raise DataDirError(f"cannot use {directory}: {error.strerror}") from None
        except sqlite3.Error as error:
            raise DataDirError(f"cannot open {self.path}: {error}") from None
        try:
            self._open(directory, profile)
        except sqlite3.OperationalError as error:
            self._db.close()
            if "locked" in str(error):
                raise DataDirError(
                    f"{directory} is in use by another sandbox; stop that one or choose another --data-dir"
                ) from None
            raise DataDirError(f"cannot open {self.path}: {error}") from None
        except sqlite3.DatabaseError:
            self._db.close()
            raise DataDirError(self._foreign()) from None
        except DataDirError:
            self._db.close()
            raise

    def _open(self, directory: Path, profile: str) -> None:
        self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
        # Looked at before anything is written: another program's database stays as it is.
        tables = {name for (name,) in self._db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if tables and not {"meta", "state"} <= tables:
            raise DataDirError(self._foreign())
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute("BEGIN IMMEDIATE")
        if not tables:
            self._db.execute("CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID")
            self._db.execute(
                "CREATE TABLE state (path TEXT PRIMARY KEY, kind TEXT NOT NULL, value BLOB NOT NULL) WITHOUT ROWID"
            )
            rows = [("format", str(FORMAT)), ("profile", profile)]
            self._db.executemany("INSERT INTO meta VALUES (?, ?)", rows)
        meta = dict(self._db.execute("SELECT name, value FROM meta"))
        self._db.execute("COMMIT")
        if meta.get("format") != str(FORMAT):
            raise DataDirError(f"{self.path} was written by another version of sandboxd; choose another --data-dir")
        if meta.get("profile") != profile:
            raise DataDirError(
                f"{directory} holds a sandbox of the {meta.get('profile')} profile; "
                f"start it with --as {meta.get('profile')} or choose another --data-dir"
            )

    def _foreign(self) -> str:
        return f"{self.path} is not a sandboxd data file; choose another --data-dir or remove the file"

    def load(self) -> dict[str, object]:
        """All that was kept, by path. Raises DataDirError for a value that cannot be read."""
        try:
            rows = self._db.execute("SELECT path, kind, value FROM state").fetchall()
        except sqlite3.DatabaseError as error:
            raise DataDirError(f"{self.path} cannot be read: {error}") from None
        return {path: self._value(path, kind, value) for path, kind, value in rows}

    def commit(self, batch: Mapping[str, object]) -> None:
        """Keep a batch in one transaction. Raises OSError when it could not be kept."""
        written = [(path, *pack(value)) for path, value in batch.items() if value is not None]
        deleted = [(path,) for path, value in batch.items() if value is None]
        try:
            self._db.execute("BEGIN IMMEDIATE")
            if written:
                self._db.executemany("INSERT OR REPLACE INTO state VALUES (?, ?, ?)", written)
            if deleted:
                self._db.executemany("DELETE FROM state WHERE path = ?", deleted)
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise OSError(f"cannot write {self.path}: {error}") from None

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _value(self, path: str, kind: str, value: bytes) -> object:
        try:
            return unpack(kind, value)
        except UnknownValue as error:
            raise DataDirError(f"{self.path} holds a value at {path}, and {error}") from None
