"""Connection details: what each family of databases wants to know of a connection, and how it refuses what it is told.

Clients send them beside the fields that `config/{name}` declares, in any JSON type that means the same. A check decodes
them as leniently as the real plugins do and gives the decoded values; nothing is connected to.

Source: OpenBao's plugins, observed on a running 2.7.2; of the families that only Vault has, their public sources.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from sandboxd.engines.database.plugin import PluginError, substituted
from sandboxd.vault.durations import parse_seconds
from sandboxd.vault.framework import urls
from sandboxd.vault.framework.lenient import decode_bool, decode_int, decode_string, go_type
from sandboxd.vault.framework.numbers import Number

Details = Mapping[str, Any]
Check = Callable[[Details], dict[str, Any]]
_Decode = Callable[[Any, str], Any]

_TLS_VERSIONS = ("tls10", "tls11", "tls12", "tls13")
_REDIS_ALONE = ("host", "port", "username", "password", "tls")  # not beside a URL
_TCP = re.compile(r"tcp\(([^)]+)\)")


def _any(value: Any, at: str) -> Any:
    del at
    return value


_SQL: tuple[tuple[str, _Decode], ...] = (
    ("connection_url", decode_string),
    ("max_open_connections", decode_int),
    ("max_idle_connections", decode_int),
    ("max_connection_lifetime", _any),
    ("username", decode_string),
    ("password", decode_string),
)


def decoded(details: Details, fields: tuple[tuple[str, _Decode], ...]) -> dict[str, Any]:
    """The named details, of whatever case; what is missing has its zero value.

    Raises PluginError that tells of all that does not decode.
    """
    folded = {key.lower(): value for key, value in details.items()}
    found: dict[str, Any] = {}
    errors = []
    for name, decode in fields:
        try:
            found[name] = decode(details.get(name, folded.get(name)), name)
        except ValueError as error:
            errors.append(str(error))
    if errors:
        raise PluginError("decoding failed due to the following error(s):\n\n" + "\n".join(errors))
    return found


def text(details: Details, name: str) -> str:
    """A detail that must be text; empty when it is missing. Raises PluginError."""
    value = details.get(name, "")
    if not isinstance(value, str):
        raise PluginError(f"invalid value at {name}: is a {go_type(value)}")
    return value


def sql(details: Details) -> dict[str, Any]:
    """What most SQL databases take."""
    found = decoded(details, (*_SQL, ("disable_escaping", decode_bool)))
    if not found["connection_url"]:
        raise PluginError("connection_url cannot be empty")
    if any(word in found[name] for word in ("{{username}}", "{{password}}") for name in ("username", "password")):
        raise PluginError("username and/or password cannot contain the template variables")
    _check_duration(found, "max_connection_lifetime")
    return found


def password_authentication(details: Details) -> str:
    """How PostgreSQL is sent passwords: "password" (in clear) or "scram-sha-256" (hashed). Raises PluginError."""
    try:
        found = text(details, "password_authentication")
    except PluginError as error:
        raise PluginError(f"failed to retrieve password_authentication: {error.text}") from None
    if found not in ("", "password", "scram-sha-256"):
        raise PluginError(f"'{found}' is not a valid password authentication type")
    return found or "password"


def mysql(details: Details) -> dict[str, Any]:
    """MySQL and MariaDB, in the form of its Go driver: `user:password@tcp(host:port)/db`."""
    more: tuple[tuple[str, _Decode], ...] = (
        ("tls_certificate_key", decode_string),
        ("tls_ca", decode_string),
        ("tls_server_name", decode_string),
        ("tls_skip_verify", decode_bool),
    )
    found = decoded(details, (*_SQL, *more))
    if not found["connection_url"]:
        raise PluginError("connection_url cannot be empty")
    hosts = _TCP.search(substituted(found["connection_url"], {"password": found["password"]}))
    if hosts is not None and "," in hosts[1] and not hosts[1].replace(",", "").strip():
        raise PluginError("error parsing multi-host DSN: no valid hosts found in connection URL")
    _check_duration(found, "max_connection_lifetime")
    authority, pair = found["tls_ca"], found["tls_certificate_key"]
    if authority or pair:
        from sandboxd.engines.database import bundles

        if authority and not bundles.pool(authority):
            raise PluginError("failed to append CA to client options")
        if pair:
            _check("unable to load tls_certificate_key_data: ", bundles.key_pair, pair, pair)
    return found


def nothing(details: Details) -> Mapping[str, str]:
    """No secrets."""
    del details
    return {}


def redis_url_secrets(details: Details) -> Mapping[str, str]:
    """Who a Redis URL says to be, where it alone says so."""
    if any(details.get(name) for name in _REDIS_ALONE):
        return {}
    try:
        url = urls.parse(str(details.get("connection_url", "")))
    except ValueError:
        return {}
    return {"username": url.username or "", "password": url.password or ""}


def redis(details: Details) -> dict[str, Any]:
    """Redis as Vault's plugin has it: a host and port, never a URL. From its documentation."""
    return valkey({name: value for name, value in details.items() if name.lower() != "connection_url"})


def valkey(details: Details) -> dict[str, Any]:
    """Valkey, and Redis as OpenBao's plugin has it: a host and port, or a URL, but not both."""
    found = decoded(
        details,
        (
            ("host", decode_string),
            ("port", decode_int),
            ("username", decode_string),
            ("password", decode_string),
            ("tls", decode_bool),
            ("insecure_tls", decode_bool),
            ("ca_cert", decode_string),
            ("connection_url", decode_string),
        ),
    )
    if found["connection_url"]:
        if any(found[name] for name in _REDIS_ALONE):
            raise PluginError("cannot specify both connection_url and individual connection parameters")
        try:
            url = urls.parse(found["connection_url"])
        except ValueError:
            raise PluginError("unable to parse connection url") from None
        found |= {"username": url.username or "", "password": url.password or "", "tls": url.scheme == "valkeys"}
    else:
        _require(found, "host", "port", "username", "password")
    if found["tls"]:
        _require(found, "ca_cert")
    return found


def cassandra(details: Details) -> dict[str, Any]:
    """Cassandra: hosts, and who to be there."""
    found = decoded(
        details,
        (
            ("hosts", decode_string),
            ("port", decode_int),
            ("username", decode_string),
            ("password", decode_string),
            ("tls", decode_bool),
            ("insecure_tls", decode_bool),
            ("tls_server_name", decode_string),
            ("protocol_version", decode_int),
            ("connect_timeout", _any),
            ("socket_keep_alive", _any),
            ("tls_min_version", decode_string),
            ("consistency", decode_string),
            ("local_datacenter", decode_string),
            ("pem_bundle", decode_string),
            ("pem_json", decode_string),
            ("skip_verification", decode_bool),
        ),
    )
    _check_duration(found, "connect_timeout")
    _check_duration(found, "socket_keep_alive")
    _require(found, "hosts", "username", "password")
    if found["pem_json"] and found["pem_bundle"]:
        raise PluginError("cannot specify both pem_json and pem_bundle")
    if found["tls_min_version"] not in ("", *_TLS_VERSIONS):
        raise PluginError(f"unrecognized TLS version [{found['tls_min_version']}]")
    if found["pem_json"] or found["pem_bundle"]:
        from sandboxd.engines.database import bundles

        if found["pem_json"]:
            _check("failed to parse pem_json: ", bundles.check_client_json, found["pem_json"])
        else:
            _check("failed to parse pem_bundle: ", bundles.check_client_pem, found["pem_bundle"])
    return found


def influxdb(details: Details) -> dict[str, Any]:
    """InfluxDB 1: a host, and who to be there."""
    found = decoded(
        details,
        (
            ("host", decode_string),
            ("username", decode_string),
            ("password", decode_string),
            ("port", decode_string),
            ("tls", decode_bool),
            ("insecure_tls", decode_bool),
            ("connect_timeout", _any),
            ("tls_min_version", decode_string),
            ("pem_bundle", decode_string),
            ("pem_json", decode_string),
        ),
    )
    _check_duration(found, "connect_timeout")
    _require(found, "host", "username", "password")
    if found["pem_json"] or found["pem_bundle"]:
        from sandboxd.engines.database import bundles

        if found["pem_json"]:
            before = (
                "could not parse given JSON; it must be in the format of the output of the PKI backend certificate "
                "issuing command: "
            )
            _check(before, bundles.check_issued_json, found["pem_json"])
        else:
            _check("error parsing the given PEM information: ", bundles.parse, found["pem_bundle"])
    return found


def mongodb(details: Details) -> dict[str, Any]:
    """MongoDB: a URL."""
    found = decoded(
        details,
        (
            ("connection_url", decode_string),
            ("write_concern", decode_string),
            ("username", decode_string),
            ("password", decode_string),
            ("tls_certificate_key", decode_string),
            ("tls_ca", decode_string),
            ("socket_timeout", decode_int),
            ("connect_timeout", decode_int),
            ("server_selection_timeout", decode_int),
        ),
    )
    if not found["connection_url"]:
        raise PluginError("connection_url cannot be empty")
    for name in ("socket_timeout", "connect_timeout", "server_selection_timeout"):
        if found[name] < 0:
            raise PluginError(f"{name} must be >= 0")
    return found


def mongodbatlas(details: Details) -> dict[str, Any]:
    """MongoDB Atlas: the two halves of an API key, and a project."""
    names = ("public_key", "private_key", "project_id")
    found = decoded(details, tuple((name, decode_string) for name in names))
    for name in names[:2]:
        if not found[name]:
            raise PluginError(f"{name.removesuffix('_key')} Key is not set")
    return found


def couchbase(details: Details) -> dict[str, Any]:
    """Couchbase: hosts, and who to be there."""
    found = decoded(
        details,
        (
            ("hosts", decode_string),
            ("username", decode_string),
            ("password", decode_string),
            ("tls", decode_bool),
            ("insecure_tls", decode_bool),
            ("base64pem", decode_string),
            ("bucket_name", decode_string),
        ),
    )
    _require(found, "hosts", "username", "password")
    if found["tls"]:
        _require(found, "base64pem")
        if not found["hosts"].startswith("couchbases://"):
            raise PluginError("hosts list must start with couchbases:// for TLS connection")
    return found


def elasticsearch(details: Details) -> dict[str, Any]:
    """Elasticsearch: a URL, and who to be there; it takes no other type for text."""
    for name in ("username", "password", "url"):
        if name not in details:
            raise PluginError(f'"{name}" must be provided')
        if not isinstance(details[name], str):
            raise PluginError(f'"{name}" must be a string')
    for name in ("ca_cert", "ca_path", "client_cert", "client_key", "tls_server_name"):
        if not isinstance(details.get(name, ""), str):
            raise PluginError(f'"{name}" must be a string')
    if not isinstance(details.get("insecure", False), bool):
        raise PluginError('"insecure" must be a bool')
    return dict(details)


def elasticache(details: Details) -> dict[str, Any]:
    """ElastiCache for Redis: AWS credentials, under two names, and a region."""
    names = ("access_key_id", "secret_access_key", "url", "region", "username", "password")
    return decoded(details, tuple((name, decode_string) for name in names))


def _require(found: Mapping[str, Any], *names: str) -> None:
    for name in names:
        if not found[name]:
            raise PluginError(f"{name} cannot be empty")


def _check(before: str, check: Callable[..., object], *given: str) -> None:
    """Have given texts checked. `before` stands before the reason when they are refused."""
    try:
        check(*given)
    except ValueError as error:
        raise PluginError(f"{before}{error}") from None


def _check_duration(found: Mapping[str, Any], name: str) -> None:
    value = found[name]
    try:
        parse_seconds(str(value) if isinstance(value, Number) else value)
    except ValueError as error:
        raise PluginError(f"invalid {name}: {error}") from None
