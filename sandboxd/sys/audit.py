"""`sys/audit`, `sys/audit-hash`, `sys/config/auditing`: audit devices, and the request headers that they show."""

from dataclasses import dataclass
from typing import Any

from sandboxd.vault.errors import refuse
from sandboxd.vault.framework.backend import Path, Result
from sandboxd.vault.framework.fields import Pairs, Rest, param
from sandboxd.vault.gotext import quote
from sandboxd.vault.system import SystemCall


@dataclass(frozen=True, kw_only=True)
class TableArgs:
    """A list takes no fields."""


@dataclass(frozen=True, kw_only=True)
class DeviceArgs:
    """What a device is enabled with."""

    path: Rest = param(help="Where the device is enabled.")
    type: str = param("", "Type of the device: file, socket or syslog.")
    description: str = param("", "Who reads what it writes, and why.")
    options: Pairs = param(help="Options of the device.", factory=dict)
    local: bool = param(False, "Leave the device out of replication.")


@dataclass(frozen=True, kw_only=True)
class HashArgs:
    """What is to be hashed, and by whom."""

    path: Rest = param(help="Where the device is enabled.")
    input: str = param("", "What to hash.")


@dataclass(frozen=True, kw_only=True)
class HeaderArgs:
    """A request header."""

    header: Rest = param(help="Name of the header.")
    hmac: bool = param(False, "Hash its values.")


def read_table(call: SystemCall, _args: TableArgs) -> Result:
    return {
        entry.path: {
            "path": entry.path,
            "type": entry.type,
            "description": entry.description,
            "options": entry.options,
            "local": entry.local,
        }
        for entry in call.world.audit
    }


def enable(call: SystemCall, args: DeviceArgs) -> None:
    if call.profile == "openbao":
        refuse("cannot enable audit device via API; use declarative, config-based audit device management instead")
    try:
        call.world.audit.enable(
            args.path, args.type, description=args.description, options=args.options, local=args.local
        )
    except ValueError as error:
        refuse(str(error))


def disable(call: SystemCall, args: DeviceArgs) -> None:
    if call.world.audit.is_declared(args.path):
        refuse("cannot disable configuration-managed audit device")
    call.world.audit.disable(args.path)


def hash_input(call: SystemCall, args: HashArgs) -> Result:
    if not args.input:
        refuse('the "input" parameter is empty')
    path = f"{args.path.strip('/')}/"
    try:
        return {"hash": call.world.audit.hash(path, args.input)}
    except LookupError:
        refuse(f"unknown audit backend {quote(path)}")


def read_headers(call: SystemCall, _args: TableArgs) -> Result:
    return {"headers": {name: {"hmac": config.hmac} for name, config in call.world.audit.headers.items()}}


def read_header(call: SystemCall, args: HeaderArgs) -> Result:
    config = call.world.audit.headers.get(args.header.lower()) or refuse("Could not find header in config")
    return {args.header: {"hmac": config.hmac}}


def write_header(call: SystemCall, args: HeaderArgs) -> None:
    call.world.audit.show_header(args.header, hmac=args.hmac)


def delete_header(call: SystemCall, args: HeaderArgs) -> None:
    call.world.audit.hide_header(args.header)


PATHS: tuple[Path[Any, Any], ...] = (
    Path("audit", TableArgs, "List the audit devices.", read=read_table),
    Path("audit/{path}", DeviceArgs, "Enable or disable an audit device.", write=enable, delete=disable),
    Path("audit-hash/{path}", HashArgs, "Hash a text as an audit device does.", write=hash_input),
    Path("config/auditing/request-headers", TableArgs, "List the request headers that are audited.", read=read_headers),
    Path(
        "config/auditing/request-headers/{header}",
        HeaderArgs,
        "Choose whether a request header is audited.",
        read=read_header,
        write=write_header,
        delete=delete_header,
    ),
)
