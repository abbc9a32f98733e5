"""Real database servers for tests: private instances on free ports, with folders of their own.

Each has an **admin**, who may do everything, and speaks TLS with a certificate of an authority that only tests know. It
can be killed and started again on the same port with the same data. Where one is not installed, the tests that need it
are skipped; with NEED_DATABASES in the environment, as in CI, they fail.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pymysql
import pytest
from conformance.servers import free_port
from live.certificates import make

if TYPE_CHECKING:
    from collections.abc import Sequence

ADMIN = "admin"
PASSWORD = "p/w d:1%@"
"""It needs escaping wherever it stands."""

PATIENCE = 30.0
"""Seconds that a database may take to start."""

ACCESS_DENIED = 1045
_ELSEWHERE = ("usr/lib/postgresql/*/bin", "opt/homebrew/opt/*/bin", "usr/local/opt/*/bin", "usr/sbin")


def binary(*names: str) -> str:
    """The path of the first of these programs that is installed. Skips the test, or fails it, when none is."""
    for name in names:
        places = [shutil.which(name), *(found for place in _ELSEWHERE for found in Path("/").glob(f"{place}/{name}"))]
        for found in filter(None, places):
            return str(found)
    missing = f"{' or '.join(names)} is not installed"
    if os.environ.get("NEED_DATABASES"):
        pytest.fail(missing)
    pytest.skip(missing)


class Database:
    """A running server. `port` is where it listens, `home` its folder; both outlast its process.

    Subclasses say how their kind is started and asked. `plugin` is the plugin for it, `creation` makes a user.
    """

    plugin: str
    creation: str

    def __init__(self, user: str | None = None) -> None:
        self.port = free_port()
        self.home = Path(tempfile.mkdtemp(prefix="db-"))
        self.user = user
        self.process: subprocess.Popen[bytes] | None = None
        make(self.home)
        for path in (self.home, *self.home.iterdir()):
            if user:
                shutil.chown(path, user, pwd.getpwnam(user).pw_gid)
        atexit.register(self.remove)
        self.prepare()
        self.start()
        self.admit()

    def prepare(self) -> None:
        """Make its data."""

    def command(self) -> Sequence[str]:
        """What starts it."""
        raise NotImplementedError

    def admit(self) -> None:
        """Make the admin."""

    def details(self, **fields: Any) -> dict[str, Any]:
        """What to write to `config/<name>` for it."""
        raise NotImplementedError

    def login(self, username: str, password: str) -> bool:
        """Whether a user can log in."""
        raise NotImplementedError

    def make_user(self, username: str, password: str, *, admin: bool = False) -> None:
        """Make a user, who may do nothing or everything."""
        raise NotImplementedError

    def users(self) -> set[str]:
        """The names of all users."""
        raise NotImplementedError

    def run(self, *command: str) -> None:
        """Run a program as the user that the server runs as."""
        made = subprocess.run(command, check=False, capture_output=True, text=True, cwd=self.home, **self.identity())
        assert made.returncode == 0, f"{command[0]} failed: {made.stderr}{made.stdout}"

    def identity(self) -> dict[str, Any]:
        if not self.user:
            return {}
        return {"user": self.user, "group": pwd.getpwnam(self.user).pw_gid, "extra_groups": []}

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with (self.home / "log").open("wb") as log:
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.home, **self.identity()
            )
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.process.poll() is None:
            if self.ready():
                return
            time.sleep(0.02)
        raise RuntimeError((self.home / "log").read_text(errors="replace"))

    def ready(self) -> bool:
        """Whether it answers."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return True
        except OSError:
            return False

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """End it at once, as a crash does."""
        self.end(signal.SIGKILL)

    def end(self, number: int) -> None:
        """Send it a signal that ends it, and wait for that."""
        assert self.process is not None
        self.process.send_signal(number)
        self.process.wait()

    @contextlib.contextmanager
    def stuck(self) -> Any:
        """Have it hold still, answering nothing, for as long as this lasts."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.process.pid, signal.SIGCONT)

    def remove(self) -> None:
        """End it, and forget its folder."""
        atexit.unregister(self.remove)
        if self.running:
            self.kill()
        shutil.rmtree(self.home, ignore_errors=True)


class PostgreSQL(Database):
    """PostgreSQL, which does not run as root: it runs as `postgres` or `nobody` then."""

    plugin = "postgresql-database-plugin"
    creation = """CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}';
                  GRANT SELECT ON ALL TABLES IN SCHEMA public TO "{{name}}";"""

    def __init__(self) -> None:
        self.bin = Path(binary("postgres")).resolve().parent  # initdb lies beside it
        super().__init__(_other_user("postgres", "nobody") if os.geteuid() == 0 else None)

    def prepare(self) -> None:
        secret = self.home / "secret"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        self.run(
            str(self.bin / "initdb"),
            *("--pgdata", "data", "--username", ADMIN, "--pwfile", "secret", "--auth", "scram-sha-256"),
            *("--encoding", "UTF8", "--locale", "C", "--no-sync"),
        )

    def command(self) -> Sequence[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "fsync": "off",
            "ssl": "on",
            "ssl_cert_file": str(self.home / "server.pem"),
            "ssl_key_file": str(self.home / "server.key"),
        }
        flags = [flag for name, value in settings.items() for flag in ("-c", f"{name}={value}")]
        return [str(self.bin / "postgres"), "-D", "data", "-p", str(self.port), "-k", str(self.home), *flags]

    def ready(self) -> bool:
        return super().ready() and b"ready to accept connections" in (self.home / "log").read_bytes()

    def admit(self) -> None:
        self.sql("CREATE TABLE notes (text text)")

    def kill(self) -> None:
        self.end(signal.SIGQUIT)  # what it started would outlive a SIGKILL, and hold on to the data

    def details(self, **fields: Any) -> dict[str, Any]:
        url = f"postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{self.port}/postgres"
        return {"connection_url": url, "username": ADMIN, "password": PASSWORD, **fields}

    def sql(self, query: str, *args: object, username: str = ADMIN, password: str = PASSWORD) -> list[Any]:
        """The rows that a query gives to a user."""

        async def ask() -> list[Any]:
            connection = await asyncpg.connect(
                host="127.0.0.1", port=self.port, user=username, password=password, database="postgres", timeout=10
            )
            try:
                found: list[Any] = await connection.fetch(query, *args)
                return found
            finally:
                await connection.close()

        return asyncio.run(ask())

    def login(self, username: str, password: str) -> bool:
        try:
            return bool(self.sql("SELECT 1", username=username, password=password))
        except asyncpg.InvalidAuthorizationSpecificationError:
            return False

    def make_user(self, username: str, password: str, *, admin: bool = False) -> None:
        self.sql(f"CREATE ROLE \"{username}\" WITH LOGIN {'SUPERUSER' if admin else ''} PASSWORD '{password}'")

    def users(self) -> set[str]:
        return {row[0] for row in self.sql("SELECT rolname FROM pg_roles WHERE rolcanlogin")}


class MariaDB(Database):
    """MariaDB."""

    plugin = "mysql-database-plugin"
    creation = "CREATE USER '{{name}}'@'%' IDENTIFIED BY '{{password}}'; GRANT SELECT ON *.* TO '{{name}}'@'%';"

    def __init__(self) -> None:
        self.server = binary("mariadbd")
        self.installer = binary("mariadb-install-db")
        super().__init__()

    def prepare(self) -> None:
        self.run(
            self.installer,
            *("--no-defaults", f"--datadir={self.home}/data", "--auth-root-authentication-method=normal"),
            *("--skip-test-db", *self._root()),
        )

    def command(self) -> Sequence[str]:
        return [
            self.server,
            *("--no-defaults", f"--datadir={self.home}/data", f"--socket={self.socket}", f"--port={self.port}"),
            *("--bind-address=127.0.0.1", "--skip-name-resolve", f"--ssl-ca={self.home}/ca.pem"),
            *(f"--ssl-cert={self.home}/server.pem", f"--ssl-key={self.home}/server.key", *self._root()),
        ]

    def _root(self) -> list[str]:
        return ["--user=root"] if os.geteuid() == 0 else []

    def admit(self) -> None:
        root = pymysql.connect(unix_socket=str(self.socket), user="root", ssl_disabled=True)
        with root, root.cursor() as cursor:
            cursor.execute("CREATE USER %s@'%%' IDENTIFIED BY %s", (ADMIN, PASSWORD))
            cursor.execute("GRANT ALL ON *.* TO %s@'%%' WITH GRANT OPTION", (ADMIN,))

    @property
    def socket(self) -> Path:
        """The path of its socket."""
        return self.home / "socket"

    def details(self, **fields: Any) -> dict[str, Any]:
        url = f"{{{{username}}}}:{{{{password}}}}@tcp(127.0.0.1:{self.port})/"
        return {"connection_url": url, "username": ADMIN, "password": PASSWORD, **fields}

    def sql(self, query: str, *args: object, username: str = ADMIN, password: str = PASSWORD) -> list[Any]:
        """The rows that a query gives to a user."""
        connection = pymysql.connect(
            host="127.0.0.1", port=self.port, user=username, password=password, ssl_disabled=True
        )
        with connection, connection.cursor() as cursor:
            cursor.execute(query, args or None)
            return list(cursor.fetchall())

    def login(self, username: str, password: str) -> bool:
        try:
            return bool(self.sql("SELECT 1", username=username, password=password))
        except pymysql.OperationalError as error:
            if error.args[0] == ACCESS_DENIED:
                return False
            raise

    def make_user(self, username: str, password: str, *, admin: bool = False) -> None:
        self.sql("CREATE USER %s@'%%' IDENTIFIED BY %s", username, password)
        if admin:
            self.sql("GRANT ALL ON *.* TO %s@'%%' WITH GRANT OPTION", username)

    def users(self) -> set[str]:
        return {row[0] for row in self.sql("SELECT user FROM mysql.user")}


class Redis(Database):
    """Redis or Valkey, whose users are lost when it ends."""

    plugin = "valkey-database-plugin"
    creation = '["~app:*", "+@read"]'

    def __init__(self) -> None:
        self.server = binary("valkey-server", "redis-server")
        self.tls_port = free_port()
        super().__init__()

    def command(self) -> Sequence[str]:
        tls = {"port": self.tls_port, "cert-file": "server.pem", "key-file": "server.key", "ca-cert-file": "ca.pem"}
        flags = [flag for name, value in tls.items() for flag in (f"--tls-{name}", str(value))]
        return [
            self.server,
            *("--port", str(self.port), "--bind", "127.0.0.1", "--save", "", *flags, "--tls-auth-clients", "no"),
        ]

    def start(self) -> None:
        super().start()
        self.make_user(ADMIN, PASSWORD, admin=True)

    def details(self, **fields: Any) -> dict[str, Any]:
        return {"host": "127.0.0.1", "port": self.port, "username": ADMIN, "password": PASSWORD, **fields}

    def ask(self, *words: str, user: tuple[str, str] | None = None) -> bytes:
        """The raw answers to a command, after that to a login where there is a user."""
        commands = [("AUTH", *user), words] if user else [words]
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as wire:
            for command in (*commands, ("QUIT",)):
                parts = [word.encode() for word in command]
                wire.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(it), it) for it in parts))
            said = b""
            while got := wire.recv(1 << 16):
                said += got
        return said.removesuffix(b"+OK\r\n")

    def login(self, username: str, password: str) -> bool:
        return self.ask("ACL", "WHOAMI", user=(username, password)).startswith(b"+OK")

    def make_user(self, username: str, password: str, *, admin: bool = False) -> None:
        self.ask("ACL", "SETUSER", username, "on", f">{password}", *(("~*", "+@all") if admin else ()))

    def users(self) -> set[str]:
        return {line for line in self.ask("ACL", "USERS").decode().split("\r\n") if line and line[0] not in "*$"}


def _other_user(*names: str) -> str:
    for name in names:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    pytest.skip(f"PostgreSQL does not run as root, and there is no user {' or '.join(names)} to run it as")
