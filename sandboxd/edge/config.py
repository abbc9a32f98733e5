"""The server's configuration files, in HCL or JSON, as `vault server -config` takes them.

What a sandbox has no use for (storage, seals, telemetry, plugins) is read and told of in a notice, so that a production
configuration starts one unchanged. Old names (`backend`, `ha_backend`) count too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandboxd.vault.audit.devices import Declared
from sandboxd.vault.durations import parse_seconds
from sandboxd.vault.gotext import quote
from sandboxd.vault.hcl import HCLError, Item, Items, Object, parse
from sandboxd.vault.hcl.decode import read_any, read_bool, read_string


class ConfigError(Exception):
    """The configuration cannot be used; the text says where and why."""


@dataclass(frozen=True)
class ListenerConfig:
    """One `listener` block."""

    address: str = "127.0.0.1:8200"
    tls: bool = True
    tls_certificate: str = ""
    tls_key: str = ""
    tls_minimum: str = "tls12"
    ask_client_certificates: bool = True
    unauthenticated_rekey: bool | None = None
    unauthenticated_generate_root: bool | None = None


@dataclass
class ServerConfig:
    """What the files said, merged in their order. Times are in seconds."""

    listeners: list[ListenerConfig] = field(default_factory=list)
    storage: str = ""
    default_lease_ttl: int = 0
    max_lease_ttl: int = 0
    api_address: str = ""
    cluster_name: str = ""
    raw_storage: bool = False
    pid_file: str = ""
    audit_devices: list[Declared] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


# Read and left alone: they concern what a sandbox does not have.
_IGNORED = frozenset(
    {
        "administrative_namespace_path",
        "allow_audit_log_prefixing",
        "cache_size",
        "cluster_addr",
        "default_max_request_duration",
        "detect_deadlocks",
        "disable_cache",
        "disable_clustering",
        "disable_mlock",
        "disable_performance_standby",
        "disable_printable_check",
        "disable_sealwrap",
        "disable_sentinel_trace",
        "enable_response_header_hostname",
        "enable_response_header_raft_node_id",
        "enable_ui",
        "experiments",
        "imprecise_lease_role_tracking",
        "introspection_endpoint",
        "log_file",
        "log_format",
        "log_level",
        "log_requests_level",
        "log_rotate_bytes",
        "log_rotate_duration",
        "log_rotate_max_files",
        "plugin_directory",
        "plugin_file_permissions",
        "plugin_file_uid",
        "plugin_tmpdir",
        "ui",
        "unsafe_allow_api_audit_creation",
    }
)
_IGNORED_BLOCKS = frozenset(
    {"entropy", "ha_backend", "ha_storage", "hsm", "initialize", "kms_library", "license_path", "plugin", "replication",
     "reporting", "request_limiter", "seal", "sentinel", "service_registration", "telemetry", "user_lockout"}
)  # fmt: skip


# What a listener may say, by the source of OpenBao and the documentation of Vault.
_LISTENER_FIELDS = frozenset(
    {"address", "agent_api", "chroot_namespace", "cluster_address", "cors_allowed_origins", "cors_enabled",
     "custom_response_headers", "disable_replication_status_endpoints", "disable_request_limiter",
     "disable_unauthed_generate_root_endpoints", "disable_unauthed_rekey_endpoints", "enable_quit",
     "http_idle_timeout", "http_read_header_timeout", "http_read_timeout", "http_write_timeout",
     "inflight_requests_logging", "max_json_array_element_count", "max_json_depth", "max_json_object_entry_count",
     "max_json_string_value_length", "max_request_duration", "max_request_json_memory", "max_request_json_strings",
     "max_request_size", "profiling", "proxy_api", "proxy_protocol_authorized_addrs", "proxy_protocol_behavior",
     "purpose", "redact_addresses", "redact_cluster_name", "redact_version", "require_request_header", "role",
     "socket_group", "socket_mode", "socket_user", "telemetry", "tls_acme_ca_directory", "tls_acme_ca_root",
     "tls_acme_cache_path", "tls_acme_disable_alpn_challenge", "tls_acme_disable_http_challenge", "tls_acme_domains",
     "tls_acme_eab_key_id", "tls_acme_eab_mac_key", "tls_acme_email", "tls_acme_key_type",
     "tls_acme_test_ca_directory", "tls_auto_reload", "tls_auto_reload_interval", "tls_cert_file",
     "tls_cipher_suites", "tls_client_ca_file", "tls_disable", "tls_disable_client_certs",
     "tls_key_exchange_preferences", "tls_key_file", "tls_max_version", "tls_min_version",
     "tls_prefer_server_cipher_suites", "tls_require_and_verify_client_cert", "type",
     "x_forwarded_for_authorized_addrs", "x_forwarded_for_hop_skips", "x_forwarded_for_reject_not_authorized",
     "x_forwarded_for_reject_not_present"}
)  # fmt: skip
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})


def load(paths: Sequence[str]) -> ServerConfig:
    """Read files, and the `.hcl` and `.json` files of directories, in order. Raises ConfigError."""
    config = ServerConfig()
    for name in paths:
        for path in _files(Path(name)):
            try:
                text = path.read_text()
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigError(f"error loading configuration from {path}: {error}") from None
            try:
                _merge(config, parse(text), path)
            except (HCLError, ValueError) as error:
                raise ConfigError(f"error loading configuration from {path}: {error}") from None
    if not config.storage:
        raise ConfigError("a storage backend must be specified")
    return config


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from sorted(found for found in path.iterdir() if found.suffix in (".hcl", ".json"))
    elif path.exists():
        yield path
    else:
        raise ConfigError(f"error loading configuration from {path}: stat {path}: no such file or directory")


def _merge(config: ServerConfig, items: Items, path: Path) -> None:
    storages, listeners = 0, 0
    for item in items:
        if not item.keys:
            continue
        key = item.keys[0].string()
        where = f"root.{key}"
        if key == "listener":
            for kind, block in _blocks(item, "tcp"):
                config.listeners.append(_listener(f"listeners.{listeners}", kind, block))
                listeners += 1
                config.notices += _unknown_fields(block, path)
        elif key in ("storage", "backend"):
            for kind, _ in _blocks(item, ""):
                config.storage = kind
                storages += 1
            if storages > 1:
                raise ValueError("error parsing 'storage': only one \"storage\" block is permitted")
            if config.storage not in ("", "inmem"):
                config.notices.append(f'storage "{config.storage}" is taken as memory: a sandbox keeps no state there')
        elif key == "audit":
            config.audit_devices.append(_audit(item))
        elif key == "default_lease_ttl":
            config.default_lease_ttl = parse_seconds(read_any(where, item.value))
        elif key == "max_lease_ttl":
            config.max_lease_ttl = parse_seconds(read_any(where, item.value))
        elif key == "api_addr":
            config.api_address = read_string(where, item.value)
        elif key == "cluster_name":
            config.cluster_name = read_string(where, item.value)
        elif key == "pid_file":
            config.pid_file = read_string(where, item.value)
        elif key in ("raw_storage_endpoint", "enable_raw_endpoint"):
            config.raw_storage = _boolean(read_any(where, item.value))
        elif key in _IGNORED_BLOCKS:
            config.notices.append(f"{key} in {path} has no effect here")
        elif key not in _IGNORED:
            position = item.keys[0].position
            config.notices.append(f"unknown or unsupported field {key} found in configuration at {path}:{position}")


def _audit(item: Item) -> Declared:
    """An audit device: `audit "file" "path" { options { ... } }`; without a second label, the type is the path."""
    labels = [token.string() for token in item.keys[1:]]
    if not labels or not isinstance(item.value, Object):
        raise HCLError.at(item.position, "audit must be a block with a type")
    path = labels[1] if len(labels) > 1 else labels[0]
    found = {entry.keys[0].string(): entry.value for entry in item.value.items if entry.keys}
    options: dict[str, str] = {}
    inner = found.get("options")
    if isinstance(inner, Object):
        for entry in inner.items:
            name = entry.keys[0].string()
            value = read_any(f"root.audit.options.{name}", entry.value)
            options[name] = str(value).lower() if isinstance(value, bool) else str(value)
    return Declared(
        path=f"{path.rstrip('/')}/",
        type=labels[0],
        description=read_string("root.audit.description", found["description"]) if "description" in found else "",
        options=options,
        local=read_bool("root.audit.local", found["local"]) if "local" in found else False,
    )


def _blocks(item: Any, default: str) -> Iterator[tuple[str, Any]]:
    """The type and content of a labelled block, in any of the forms that HCL and JSON have for it."""
    labels = [token.string() for token in item.keys[1:]]
    values = list(item.value.elements) if hasattr(item.value, "elements") else [item.value]
    for value in values:
        if not isinstance(value, Object):
            raise HCLError.at(item.position, f"{item.keys[0].string()} must be a block")
        if labels:
            yield labels[0], value
            continue
        inner = [entry for entry in value.items if isinstance(entry.value, Object) or hasattr(entry.value, "elements")]
        if inner and len(inner) == len(value.items):
            for entry in inner:
                deeper = list(entry.value.elements) if hasattr(entry.value, "elements") else [entry.value]
                for block in deeper:
                    yield entry.keys[0].string(), block
        else:
            yield default, value


def _unknown_fields(block: Object, path: Path) -> Iterator[str]:
    for entry in block.items:
        if entry.keys and entry.keys[0].string() not in _LISTENER_FIELDS:
            position = entry.keys[0].position
            yield f"unknown or unsupported field {entry.keys[0].string()} found in configuration at {path}:{position}"


def _boolean(value: Any) -> bool:
    """A truth value in any of the spellings that Go has for it. Raises ValueError with the real server's text."""
    if isinstance(value, str):
        if value in _TRUE or value in _FALSE:
            return value in _TRUE
        raise ValueError(f"cannot parse '' as bool: strconv.ParseBool: parsing {quote(value)}: invalid syntax")
    return bool(value)


def _listener(where: str, kind: str, block: Object) -> ListenerConfig:
    if kind == "unix":
        raise ValueError(f"error parsing 'listener': {where}: a sandbox listens on tcp alone, not on a unix socket")
    if kind != "tcp":
        raise ValueError(f"error parsing 'listener': {where}: unsupported listener type \"{kind}\"")
    found = {entry.keys[0].string(): read_any("root.listener", entry.value) for entry in block.items if entry.keys}

    def flag(name: str) -> bool | None:
        if name not in found:
            return None
        try:
            return _boolean(found[name])
        except ValueError as error:
            raise ValueError(f"error parsing 'listener': {where} invalid value for {name}: {error}") from None

    rekey = flag("disable_unauthed_rekey_endpoints")
    generate = flag("disable_unauthed_generate_root_endpoints")
    return ListenerConfig(
        address=str(found.get("address", "127.0.0.1:8200")),
        tls=not flag("tls_disable"),
        tls_certificate=str(found.get("tls_cert_file", "")),
        tls_key=str(found.get("tls_key_file", "")),
        tls_minimum=str(found.get("tls_min_version", "tls12")),
        ask_client_certificates=not flag("tls_disable_client_certs"),
        unauthenticated_rekey=None if rekey is None else not rekey,
        unauthenticated_generate_root=None if generate is None else not generate,
    )
