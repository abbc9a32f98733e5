"""MySQL's connection strings as Go's driver reads them: `user:password@tcp(host:port)/database?parameter=value`.

The real plugin adds to these several hosts in one pair of parentheses, which are tried in turn. What of the parameters
only concerns values that are read, or authentication that is safe enough on this machine, has no effect.

Source: go-sql-driver/mysql 1.10, dsn.go; OpenBao's mysql connection producer.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from sandboxd.engines.database.drivers.dialing import joined, split
from sandboxd.engines.database.plugin import PluginError
from sandboxd.vault.durations import parse_duration, parse_integer
from sandboxd.vault.framework import urls
from sandboxd.vault.framework.loopback import check_loopback
from sandboxd.vault.gotext import quote

NETWORKS = ("tcp", "tcp4", "tcp6")

_HOSTS = re.compile(r"tcp\(([^)]+)\)")
_TRUE = ("1", "true", "TRUE", "True")
_FALSE = ("0", "false", "FALSE", "False")
_SWITCHES = frozenset(
    {
        "allowAllFiles",
        "allowCleartextPasswords",
        "allowFallbackToPlaintext",
        "allowNativePasswords",
        "allowOldPasswords",
        "checkConnLiveness",
        "clientFoundRows",
        "columnsWithAlias",
        "compress",
        "interpolateParams",
        "multiStatements",
        "parseTime",
        "rejectReadOnly",
    }
)
_DURATIONS = ("timeout", "readTimeout", "writeTimeout")
_READ = frozenset({"charset", "collation", "tls"})
_WITHOUT_EFFECT = frozenset({"loc", "timeTruncate", "serverPubKey", "connectionAttributes", "maxAllowedPacket"})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """A connection string, understood."""

    user: str = ""
    password: str = field(default="", repr=False)
    network: str = "tcp"
    hosts: tuple[str, ...] = ()  # host and port, or the path of a socket
    database: str = ""
    charsets: tuple[str, ...] = ()  # the first that the server knows is used
    collation: str = ""
    tls: str = "false"  # "true", "skip-verify", "preferred", or what is not known
    plaintext_too: bool = False  # where the server has no TLS
    variables: Mapping[str, str] = field(default_factory=dict)  # of the session


def read(text: str) -> Settings:
    """Understand a connection string. Raises PluginError with the driver's reason."""
    found = _HOSTS.search(text)
    hosts: tuple[str, ...] = ()
    if found and "," in found[1]:
        hosts = tuple(_with_port(host.strip()) for host in found[1].split(",") if host.strip())
        if not hosts:
            raise PluginError("error parsing multi-host DSN: no valid hosts found in connection URL")
        text = _HOSTS.sub(lambda _: f"tcp({hosts[0]})", text)
    try:
        return _settings(text, hosts)
    except ValueError as error:
        raise PluginError(f"unable to parse connectionURL: {error}") from None


def check(settings: Settings, what: str) -> None:
    """Raise Refusal when one of the hosts is elsewhere. `what` names the database in the refusal."""
    if settings.network in NETWORKS:
        for host in settings.hosts:
            check_loopback(split(host, "")[0] or "localhost", what)


def _settings(text: str, hosts: tuple[str, ...]) -> Settings:
    left, slash, rest = text.rpartition("/")
    if not slash and text:
        raise ValueError("invalid DSN: missing the slash separating the database name")
    who, _, where = left.rpartition("@")
    user, _, password = who.partition(":")
    network, opened, address = where.partition("(")
    if opened:
        if not address.endswith(")"):
            unescaped = ")" in address
            raise ValueError(
                "invalid DSN: did you forget to escape a param value?"
                if unescaped
                else "invalid DSN: network address not terminated (missing closing brace)"
            )
        address = address[:-1]
    name, _, query = rest.partition("?")
    parameters = _parameters(query)
    try:
        database = urls.unescaped(name)
    except ValueError as error:
        raise ValueError(f"invalid dbname {quote(name)}: {error}") from None
    network = network or "tcp"
    return Settings(
        user=user,
        password=password,
        network=network,
        hosts=hosts or (_address(network, address),),
        database=database,
        charsets=tuple(filter(None, parameters.pop("charset", "").split(","))),
        collation=parameters.pop("collation", ""),
        tls=_tls(parameters.pop("tls", "false")),
        plaintext_too=parameters.pop("allowFallbackToPlaintext", "") in _TRUE,
        variables=parameters,
    )


def _parameters(text: str) -> dict[str, str]:
    """What is read of the parameters, and the variables of the session, which are all that the driver doesn't know."""
    found: dict[str, str] = {}
    for pair in text.split("&"):
        name, equals, value = pair.partition("=")
        if not equals:
            continue
        if name in _SWITCHES:
            if value not in _TRUE + _FALSE:
                raise ValueError(f"invalid bool value: {value}")
            if name == "allowFallbackToPlaintext":
                found[name] = value
        elif name in _DURATIONS:
            parse_duration(value)
        elif name == "maxAllowedPacket":
            parse_integer(value)
        elif name in _READ:
            found[name] = value
        elif name not in _WITHOUT_EFFECT:
            found[name] = urls.unescaped(value, plus=True)
    return found


def _address(network: str, address: str) -> str:
    if address:
        return _with_port(address) if network == "tcp" else address
    if network == "tcp":
        return "127.0.0.1:3306"
    if network == "unix":
        return "/tmp/mysql.sock"  # noqa: S108 the driver's default
    raise ValueError(f"default addr for network '{network}' unknown")


def _with_port(address: str) -> str:
    return address if address.endswith(":") or split(address, "")[1] else joined(address, 3306)


def _tls(value: str) -> str:
    if value in _TRUE + _FALSE:
        return "true" if value in _TRUE else "false"
    if value.lower() in ("skip-verify", "preferred"):
        return value.lower()
    raise ValueError(f"invalid value / unknown config name: {urls.unescaped(value, plus=True)}")
