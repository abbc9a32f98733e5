"""PostgreSQL connection strings as pgx reads them: URLs, and `keyword = value` pairs.

What pgx would take from elsewhere (the environment, service and password files, certificates in the home folder) is
left out, so that a connection string says all, and its hosts can be checked. What only makes a connection safer on its
way (channel binding, demands on the authentication and on the protocol's version, Kerberos) is read and has no effect:
there is no way beyond this machine.

Source: pgx 5.10, pgconn/config.go.
"""

import getpass
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandboxd.engines.database.drivers.dialing import NamedContext, reason, split
from sandboxd.engines.database.plugin import PluginError
from sandboxd.vault.durations import parse_integer
from sandboxd.vault.errors import refuse
from sandboxd.vault.framework import urls
from sandboxd.vault.gotext import quote

_SPACE = " \t\n\r\v\f"
_SOCKET_FOLDERS = ("/var/run/postgresql", "/private/tmp", "/tmp")  # noqa: S108 where servers put their sockets
_ELSEWHERE = ("service", "servicefile", "passfile")
_NOT_SENT = frozenset(
    {
        "host",
        "port",
        "database",
        "user",
        "password",
        "connect_timeout",
        "sslmode",
        "sslkey",
        "sslcert",
        "sslrootcert",
        "sslnegotiation",
        "sslpassword",
        "sslsni",
        "krbspn",
        "krbsrvname",
        "target_session_attrs",
        "min_protocol_version",
        "max_protocol_version",
        "channel_binding",
        "require_auth",
    }
)
_SESSIONS = ("any", "read-write", "read-only", "primary", "standby", "prefer-standby")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a server may be: its host (or the folder of its socket), and the ways of encryption to try in turn."""

    host: str
    port: int
    contexts: tuple[ssl.SSLContext | None, ...]  # None: unencrypted

    @property
    def local(self) -> bool:
        """Whether it is a Unix socket."""
        return self.host.startswith("/")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """A connection string, understood. `timeout` is in seconds, None for no limit of its own."""

    user: str
    database: str
    places: tuple[Place, ...]
    password: str = field(default="", repr=False)
    session: str = "any"  # what kind of server is wanted
    timeout: int | None = None
    direct_tls: bool = False
    parameters: Mapping[str, str] = field(default_factory=dict)  # of the session, for the server


def read(text: str) -> Settings:
    """Understand a connection string. Raises PluginError with pgx's reason, and Refusal for what leads elsewhere."""
    try:
        return _settings(_url(text) if text.startswith(("postgres://", "postgresql://")) else _pairs(text))
    except ValueError as error:
        raise PluginError(f"cannot parse connection url: {error}") from None


def _settings(given: Mapping[str, str]) -> Settings:
    for name in _ELSEWHERE:
        if name in given:
            refuse(f"sandboxd takes all of a connection from connection_url: it does not follow {name}")
    timeout = _timeout(given["connect_timeout"]) if "connect_timeout" in given else None
    hosts = given.get("host", _default_host()).split(",")
    ports = given.get("port", "5432").split(",")
    places = tuple(
        _place(given, host, ports[number] if number < len(ports) else ports[0]) for number, host in enumerate(hosts)
    )
    session = given.get("target_session_attrs", "any")
    if session not in _SESSIONS:
        raise ValueError("%!w(<nil>)")  # pgx gives no reason, and the server prints that
    return Settings(
        user=given.get("user") or _own_name(),
        password=given.get("password", ""),
        database=given.get("database", ""),
        places=places,
        session=session,
        timeout=timeout,
        direct_tls=given.get("sslnegotiation") == "direct",
        parameters={name: value for name, value in given.items() if name not in _NOT_SENT},
    )


def _url(text: str) -> dict[str, str]:
    url = urls.parse(text)
    given: dict[str, str] = {}
    if url.username:
        given["user"] = url.username
    if url.password is not None:
        given["password"] = url.password
    hosts, ports = [], []
    for part in filter(None, url.host.split(",")):
        host, port = split(part, "")
        hosts += [host] if host else []
        ports += [port] if port else []
    if hosts:
        given["host"] = ",".join(hosts)
    if ports:
        given["port"] = ",".join(ports)
    database = url.path.lstrip("/")
    if database:
        given["database"] = database
    return given | {_key(name): value for name, value in url.query.items()}


def _pairs(text: str) -> dict[str, str]:
    given: dict[str, str] = {}
    rest = text.lstrip(_SPACE)
    while rest:
        name, equals, rest = rest.partition("=")
        if not equals or not name.strip(_SPACE):
            raise ValueError("invalid keyword/value")
        value, rest = _value(rest.lstrip(_SPACE))
        key = _key(name.strip(_SPACE))
        if key != "user" or value:
            given[key] = value
        rest = rest.lstrip(_SPACE)
    return given


def _value(text: str) -> tuple[str, str]:
    """The value that a text begins with, and the rest of the text."""
    quoted = text.startswith("'")
    at = start = 1 if quoted else 0
    while at < len(text) and not (text[at] == "'" if quoted else text[at] in _SPACE):
        if text[at] == "\\":
            at += 1
            if at >= len(text) and not quoted:
                raise ValueError("invalid backslash")
        at += 1
    if quoted and at >= len(text):
        raise ValueError("unterminated quoted string in connection info string")
    return text[start:at].replace("\\\\", "\\").replace("\\'", "'"), text[at + quoted :]


def _key(name: str) -> str:
    return "database" if name == "dbname" else name


def _default_host() -> str:
    return next((folder for folder in _SOCKET_FOLDERS if Path(folder).exists()), "localhost")


def _own_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def _timeout(text: str) -> int | None:
    seconds = parse_integer(text)
    if seconds < 0:
        raise ValueError("negative timeout")
    return seconds or None


def _place(given: Mapping[str, str], host: str, port: str) -> Place:
    if not port.isascii() or not port.isdigit():
        raise ValueError(f"strconv.ParseUint: parsing {quote(port)}: invalid syntax")
    if len(port.lstrip("0")) > 5 or int(port) > 0xFFFF:
        raise ValueError(f"strconv.ParseUint: parsing {quote(port)}: value out of range")
    if int(port) == 0:
        raise ValueError("outside range")
    contexts = (None,) if host.startswith("/") else _contexts(given, host)
    return Place(host=host, port=int(port), contexts=contexts)


def _contexts(given: Mapping[str, str], host: str) -> tuple[ssl.SSLContext | None, ...]:
    mode = given.get("sslmode") or "prefer"
    root = given.get("sslrootcert", "")
    if given.get("sslnegotiation") == "direct" and mode == "prefer":
        mode = "require"
    if root == "system":
        mode = "verify-full"
    context = NamedContext(ssl.PROTOCOL_TLS_CLIENT)
    if root and root != "system":
        _add_roots(context, root)
    if mode == "disable":
        return (None,)
    if mode == "require" and root:
        mode = "verify-ca"
    if mode not in ("allow", "prefer", "require", "verify-ca", "verify-full"):
        raise ValueError("sslmode is invalid")
    if mode.startswith("verify") and root in ("", "system"):
        context.load_default_certs()
    context.check_hostname = mode == "verify-full"
    context.verify_mode = ssl.CERT_REQUIRED if mode.startswith("verify") else ssl.CERT_NONE
    context.server_name = host
    _add_certificate(context, given)
    if mode == "allow":
        return None, context
    return (context, None) if mode == "prefer" else (context,)


def _add_roots(context: ssl.SSLContext, path: str) -> None:
    from sandboxd.engines.database import bundles

    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise ValueError(f"unable to read CA file: open {path}: {reason(error)}") from None
    found = bundles.pool(text)
    if not found:
        raise ValueError("unable to add CA to cert pool")
    context.load_verify_locations(cadata=found)


def _add_certificate(context: ssl.SSLContext, given: Mapping[str, str]) -> None:
    certificate, key = given.get("sslcert", ""), given.get("sslkey", "")
    if bool(certificate) != bool(key):
        raise ValueError('both "sslcert" and "sslkey" are required')
    if not certificate:
        return
    for name, path in (("unable to read sslkey", key), ("unable to read cert", certificate)):
        try:
            Path(path).read_bytes()
        except OSError as error:
            raise ValueError(f"{name}: open {path}: {reason(error)}") from None
    try:
        context.load_cert_chain(certificate, key, password=given.get("sslpassword", ""))
    except (ssl.SSLError, ValueError):
        raise ValueError("unable to load cert: tls: failed to find any PEM data in certificate input") from None
