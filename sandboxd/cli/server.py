"""`sandboxd server`: takes the flags of `vault server` and behaves as it does, so that it can start in its place."""

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sandboxd.vault.framework.loopback import is_loopback
from sandboxd.vault.gotext import quote

if TYPE_CHECKING:
    from sandboxd.edge.config import ServerConfig
    from sandboxd.edge.doors import Listener
    from sandboxd.vault.world import Settings

USAGE = """Usage: sandboxd server [options]

  Starts a server as `vault server` does, with the same flags.

      $ sandboxd server -dev -dev-root-token-id="root"
      $ sandboxd server -config=/etc/vault/config.hcl

Options:

  -dev                        In memory, unsealed, with KV version 2 at secret/.
  -dev-root-token-id=<text>   The first root token. Also VAULT_DEV_ROOT_TOKEN_ID.
  -dev-listen-address=<addr>  Where to listen; 127.0.0.1:8200 by default. Also VAULT_DEV_LISTEN_ADDRESS.
  -dev-no-store-token         Leave ~/.vault-token alone.
  -dev-tls                    Serve TLS with a certificate made on the spot.
  -dev-tls-cert-dir=<dir>     Where to put that certificate.
  -dev-tls-san=<name>         A further name or address for it; may be repeated.
  -dev-kv-v1                  KV version 1 at secret/.
  -dev-no-kv                  Nothing at secret/.
  -config=<path>              A configuration file or directory; may be repeated.
  -as=<profile>               Whose answers to give: vault (the default) or openbao.
  -seed=<text>                Make every random value repeatable.
  -listen-beyond-loopback     Really listen on addresses that other machines can reach.
"""

# Flags of the real server that make no difference to a sandbox; those in the second set take a value.
_SWITCHES = frozenset(
    {"dev", "dev-no-store-token", "dev-tls", "dev-kv-v1", "dev-no-kv", "listen-beyond-loopback", "help", "h"}
)
_VALUES = frozenset(
    {"dev-root-token-id", "dev-listen-address", "dev-tls-cert-dir", "dev-tls-san", "config", "as", "seed"}
)
_UNUSED_SWITCHES = frozenset(
    {"dev-ha", "dev-transactional", "dev-skip-init", "exit-on-core-shutdown", "combine-logs", "non-interactive"}
)
_UNUSED_VALUES = frozenset(
    {"log-level", "log-format", "log-file", "log-rotate-bytes", "log-rotate-duration", "log-rotate-max-files",
     "dev-plugin-dir", "dev-latency", "dev-latency-jitter", "experiment"}
)  # fmt: skip
_TRUE, _FALSE = (
    frozenset({"", "1", "t", "T", "TRUE", "true", "True"}),
    frozenset({"0", "f", "F", "FALSE", "false", "False"}),
)
BEYOND_LOOPBACK = "SANDBOXD_LISTEN_BEYOND_LOOPBACK"


LISTENER_FAILED = "Error parsing listener configuration.\nError initializing listener of type tcp: "
# Storage that the real servers know, by the source of OpenBao and the documentation of Vault.
STORAGES = frozenset(
    {"aerospike", "alicloudoss", "azure", "cassandra", "cockroachdb", "consul", "couchdb", "dynamodb", "etcd", "file",
     "foundationdb", "gcs", "inmem", "inmem_ha", "manta", "mssql", "mysql", "oci", "postgresql", "raft", "s3",
     "spanner", "swift", "zookeeper"}
)  # fmt: skip


class UsageError(Exception):
    """The command line cannot be used; the text is for the user."""


class ListenerError(Exception):
    """An address that cannot be listened on, in the words of Go's net package."""


@dataclass
class Flags:
    """The command line, read."""

    switches: set[str] = field(default_factory=set)
    values: dict[str, list[str]] = field(default_factory=dict)

    def on(self, name: str) -> bool:
        """Whether a switch is set."""
        return name in self.switches

    def last(self, name: str, *variables: str, default: str = "") -> str:
        """The value of a flag, or of the first environment variable that is set, or the default."""
        found = self.values.get(name)
        if found:
            return found[-1]
        return next((os.environ[variable] for variable in variables if os.environ.get(variable)), default)


def parse_flags(arguments: Sequence[str]) -> Flags:
    """Read flags as Go does: one dash or two, `-name=value` or `-name value`, up to the first word that is none.

    Raises UsageError.
    """
    flags = Flags()
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        if argument in ("-", "--") or not argument.startswith("-"):
            break
        dashes = 2 if argument.startswith("--") else 1
        name, equals, value = argument[dashes:].partition("=")
        if not name or name.startswith("-"):
            raise UsageError(f"bad flag syntax: {argument}")
        if name in _SWITCHES or name in _UNUSED_SWITCHES:
            if value in _TRUE and (value or not equals):
                flags.switches.add(name)
            elif value in _FALSE:
                flags.switches.discard(name)
            else:
                parse = f"strconv.ParseBool: parsing {quote(value)}: invalid syntax"
                raise UsageError(f"invalid boolean value {quote(value)} for -{name}: {parse}")
        elif name in _VALUES or name in _UNUSED_VALUES:
            if not equals:
                if not rest:
                    raise UsageError(f"flag needs an argument: -{name}")
                value = rest.pop(0)
            flags.values.setdefault(name, []).append(value)
        else:
            raise UsageError(f"flag provided but not defined: -{name}")
    return flags


def main(arguments: Sequence[str]) -> int:
    """Run the server until it is told to stop; gives the exit status (0 stopped, 1 could not start)."""
    try:
        flags = parse_flags(arguments)
        if flags.on("help") or flags.on("h"):
            print(USAGE)
            return 0
        return _start(flags)
    except UsageError as error:
        print(error, file=sys.stderr)
        return 1


def _start(flags: Flags) -> int:
    from sandboxd.edge import config as configuration
    from sandboxd.edge.tls import TlsError
    from sandboxd.vault.world import DEFAULT_TTL, MAX_TTL, Settings

    profile = flags.last("as", "SANDBOXD_AS", default="vault")
    if profile not in ("vault", "openbao"):
        raise UsageError(f'-as takes "vault" or "openbao", not "{profile}"')
    development = any(switch.startswith("dev") for switch in flags.switches if switch != "dev-no-store-token")
    paths = flags.values.get("config", [])
    if not development and not paths:
        raise UsageError("Must specify at least one config path using -config")
    try:
        found = configuration.load(paths) if paths else configuration.ServerConfig(storage="inmem")
        plan = _plan(flags, found, development=development)
    except configuration.ConfigError as error:
        raise UsageError(str(error)) from None
    except (ListenerError, TlsError) as error:
        raise UsageError(f"{LISTENER_FAILED}{error}") from None
    if found.storage not in STORAGES:
        raise UsageError(f"{'u' if profile == 'openbao' else 'U'}nknown storage type {found.storage}")
    if (found.default_lease_ttl or DEFAULT_TTL) > (found.max_lease_ttl or MAX_TTL):
        raise UsageError("Error initializing core: cannot have DefaultLeaseTTL larger than MaxLeaseTTL")
    settings = Settings(
        profile="openbao" if profile == "openbao" else "vault",
        default_ttl=found.default_lease_ttl or DEFAULT_TTL,
        max_ttl=found.max_lease_ttl or MAX_TTL,
        cluster_name=found.cluster_name,
        api_address=found.api_address or plan.url,
        storage_type=found.storage,
        raw_storage=found.raw_storage,
        audit_devices=tuple(found.audit_devices),
        unauthenticated_rekey=any(listener.unauthenticated_rekey for listener in found.listeners),
        unauthenticated_generate_root=any(listener.unauthenticated_generate_root for listener in found.listeners),
    )
    from sandboxd.edge.runtime import run

    pid_file = Path(found.pid_file) if found.pid_file else None
    if pid_file is not None:
        try:
            pid_file.write_text(str(os.getpid()))
        except OSError as error:
            raise UsageError(f"could not write the pid file {pid_file}: {error.strerror}") from None
    try:
        return run(lambda: _serve(flags, found, plan, settings, development=development))
    finally:
        if pid_file is not None:
            pid_file.unlink(missing_ok=True)


@dataclass
class Plan:
    """Where to listen, as decided."""

    listeners: list["Listener"]
    url: str
    ca: Path | None = None
    notices: list[str] = field(default_factory=list)


def _plan(flags: Flags, found: "ServerConfig", *, development: bool) -> Plan:
    from sandboxd.edge.config import ConfigError, ListenerConfig
    from sandboxd.edge.doors import Listener
    from sandboxd.edge.tls import make_files, server_context
    from sandboxd.vault.clock import Clock

    wanted = list(found.listeners)
    ca: Path | None = None
    if development:
        address = flags.last(
            "dev-listen-address", "VAULT_DEV_LISTEN_ADDRESS", "BAO_DEV_LISTEN_ADDRESS", default="127.0.0.1:8200"
        )
        certificate = key = ""
        if flags.on("dev-tls"):
            wish = flags.last("dev-tls-cert-dir")
            if wish and not Path(wish).is_dir():
                raise ConfigError(f"stat {wish}: no such file or directory")
            directory = Path(wish or tempfile.mkdtemp(prefix="vault-tls"))
            names = [_split(address)[0], *flags.values.get("dev-tls-san", [])]
            files = make_files(directory, names, Clock())
            ca, certificate, key = files.ca, str(files.certificate), str(files.key)
        wanted.insert(0, ListenerConfig(address, bool(certificate), certificate, key))
    if not wanted:
        raise ConfigError('no listener is configured: add a block such as listener "tcp" { tls_disable = true }')
    beyond = flags.on("listen-beyond-loopback") or os.environ.get(BEYOND_LOOPBACK, "") in ("1", "true")
    listeners: list[Listener] = []
    notices: list[str] = []
    for entry in wanted:
        host, port = _split(entry.address)
        if not beyond and not is_loopback(host):
            notices.append(
                f"listening on 127.0.0.1 instead of {host or 'every address'}: a sandbox keeps to this machine "
                f"(-listen-beyond-loopback or {BEYOND_LOOPBACK}=1 opens it)"
            )
            host = "127.0.0.1"
        context = None
        if entry.tls:
            if not entry.tls_certificate:
                directory = Path(tempfile.mkdtemp(prefix="vault-tls"))
                files = make_files(directory, [host], Clock())
                notices.append(f"no tls_cert_file for {entry.address}: made one, trusted by {files.ca}")
                context = server_context(files.certificate, files.key, minimum=entry.tls_minimum)
            else:
                context = server_context(
                    Path(entry.tls_certificate),
                    Path(entry.tls_key),
                    minimum=entry.tls_minimum,
                    client_certificates=entry.ask_client_certificates,
                )
        listeners.append(Listener(host, port, context))
    first = wanted[0]
    scheme = "https" if first.tls else "http"
    host, port = _split(first.address)
    shown = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104
    return Plan(listeners, f"{scheme}://{f'[{shown}]' if ':' in shown else shown}:{port}", ca, notices)


def _split(address: str) -> tuple[str, int]:
    host, colon, port = address.rpartition(":")
    bracketed = host.startswith("[")
    fault = "missing port" if not colon else "too many colons" if ":" in host and not bracketed else ""
    if address.startswith("[") and "]" not in address:
        fault = "missing ']'"
    if fault:
        raise ListenerError(f"listen tcp: address {address}: {fault} in address")
    if port and not (port.isascii() and port.isdecimal()):
        raise ListenerError(f"listen tcp: lookup tcp/{port}: unknown port")
    if int(port or "0") > 65535:
        raise ListenerError(f"listen tcp: address {port}: invalid port")
    return host.strip("[]"), int(port or "0")


async def _serve(flags: Flags, found: "ServerConfig", plan: Plan, settings: "Settings", *, development: bool) -> int:
    from sandboxd.edge.runtime import make_world, serving

    world = make_world(settings, seed=flags.last("seed") or None)
    name = "OpenBao" if settings.profile == "openbao" else "Vault"
    unseal_key = root_token = ""
    if development:
        from sandboxd.vault.bootstrap import start_dev

        wanted = flags.last("dev-root-token-id", "VAULT_DEV_ROOT_TOKEN_ID", "BAO_DEV_ROOT_TOKEN_ID")
        kv = "" if flags.on("dev-no-kv") else "1" if flags.on("dev-kv-v1") else "2"
        unseal_key, token = start_dev(world, wanted, kv=kv)
        root_token = token.id
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if hasattr(signal, "SIGHUP"):
        loop.add_signal_handler(signal.SIGHUP, world.audit.reopen)
    try:
        async with serving(world, plan.listeners) as addresses:
            _announce(name, plan, found, addresses)
            if development:
                _announce_dev(name, plan, unseal_key, root_token)
                if not flags.on("dev-no-store-token"):
                    _store_token(root_token)
            await stop.wait()
            print(f"==> {name} shutdown triggered", flush=True)
    except OSError as error:
        print(f"{LISTENER_FAILED}{_reason(error, plan.listeners)}", file=sys.stderr)
        return 1
    return 0


def _reason(error: OSError, listeners: Sequence["Listener"]) -> str:
    import errno

    first = listeners[0]
    where = f"{first.host}:{first.port}"
    if error.errno == errno.EADDRINUSE:
        return f"listen tcp {where}: bind: address already in use"
    return f"listen tcp {where}: bind: {error.strerror or error}"


def _announce(name: str, plan: Plan, found: "ServerConfig", addresses: Sequence[tuple[str, int]]) -> None:
    from sandboxd import __version__

    rows = [("Api Address", plan.url)]
    for number, (address, listener) in enumerate(zip(addresses, plan.listeners, strict=True), 1):
        tls = "disabled" if listener.tls is None else "enabled"
        rows.append((f"Listener {number}", f'tcp (addr: "{address[0]}:{address[1]}", tls: "{tls}")'))
    rows += [("Storage", "inmem"), ("Version", f"sandboxd v{__version__}, an emulator of {name}")]
    print(f"==> {name} server configuration:\n")
    for label, value in rows:
        print(f"{label:>20}: {value}")
    for notice in (*plan.notices, *found.notices):
        print(f"{'Notice':>20}: {notice}")
    print(f"\n==> {name} server started! Log data will stream in below:\n", flush=True)


def _announce_dev(name: str, plan: Plan, unseal_key: str, root_token: str) -> None:
    variable = "BAO" if name == "OpenBao" else "VAULT"
    lines = [f"    $ export {variable}_ADDR='{plan.url}'"]
    if plan.ca is not None:
        lines.append(f"    $ export {variable}_CACERT='{plan.ca}'")
    exports = "\n".join(lines)
    print(
        f"WARNING! dev mode is enabled! In this mode, {name} runs entirely in-memory\n"
        "and starts unsealed with a single unseal key. The root token is already\n"
        f"authenticated to the CLI, so you can immediately begin using {name}.\n\n"
        f"You may need to set the following environment variables:\n\n{exports}\n\n"
        "The unseal key and root token are displayed below in case you want to\n"
        f"seal/unseal the Vault or re-authenticate.\n\nUnseal Key: {unseal_key}\nRoot Token: {root_token}\n\n"
        "Development mode should NOT be used in production installations!\n",
        flush=True,
    )


def _store_token(token: str) -> None:
    """Keep the token where the CLI looks for it, for its owner alone."""
    from sandboxd.cli.state import write_private

    path = Path.home() / ".vault-token"
    try:
        write_private(path, token)
    except OSError as error:
        print(f"could not store the token in {path}: {error.strerror}", file=sys.stderr)
