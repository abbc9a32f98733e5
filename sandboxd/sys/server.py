"""`sys/ha-status`, `sys/version-history`, `sys/config/ui/headers`: what a single server tells of itself."""

import platform
from dataclasses import dataclass
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET, UnsetType

from sandboxd.sys.seal import BUILD_DATE, COMMIT_DATE
from sandboxd.vault.clock import NANOSECONDS
from sandboxd.vault.durations import rfc3339
from sandboxd.vault.errors import refuse
from sandboxd.vault.framework.backend import Path, Response, Result
from sandboxd.vault.framework.fields import CommaList, NoArgs, param
from sandboxd.vault.nodes import Member
from sandboxd.vault.nodes import Node as Here
from sandboxd.vault.storage import View
from sandboxd.vault.system import SystemCall


@dataclass(frozen=True, kw_only=True)
class HeaderArgs:
    """A header of the console's answers."""

    header: str = param(help="Name of the header.")
    values: CommaList = param((), "What it is set to.")
    multivalue: bool = param(False, "Give all of its values, not only the first.", place="query")


class Node(msgspec.Struct, kw_only=True):
    """A node of the cluster. The last four are Vault's, from its documentation."""

    hostname: str
    api_address: str
    cluster_address: str
    active_node: bool
    last_echo: str | None
    version: str
    upgrade_version: str | UnsetType = UNSET
    redundancy_zone: str | UnsetType = UNSET
    echo_duration_ms: int | UnsetType = UNSET
    clock_skew_ms: int | UnsetType = UNSET


class UiHeader(msgspec.Struct, frozen=True, kw_only=True):
    """A header that the console's answers carry."""

    values: tuple[str, ...]


def read_nodes(call: SystemCall, _args: NoArgs) -> Result:
    """The nodes of the cluster: this one, or all of those that are alive."""
    settings = call.world.settings
    here = call.request.node
    if here is not None and here.members:
        now = rfc3339(call.clock.now_ns())
        return {"nodes": [_member(call, each, here, now) for each in here.members if each.alive]}
    address = urlsplit(settings.api_address)
    node = Node(
        hostname=platform.node(),
        api_address=settings.api_address,
        cluster_address=f"https://{address.hostname}:{(address.port or 8200) + 1}",
        active_node=True,
        last_echo=None,
        version=settings.version,
    )
    if call.profile == "vault":
        node.upgrade_version, node.redundancy_zone = settings.version, ""
        node.echo_duration_ms = node.clock_skew_ms = 0
    return {"nodes": [node]}


def _member(call: SystemCall, member: Member, here: Here, now: str) -> Node:
    version = call.world.settings.version
    active = here.leader is not None and member.name == here.leader.name
    node = Node(
        hostname=platform.node(),
        api_address=member.address,
        cluster_address=member.cluster_address,
        active_node=active,
        last_echo=None if active else now,
        version=version,
        upgrade_version=version,
    )
    if call.profile == "vault":
        node.redundancy_zone, node.echo_duration_ms, node.clock_skew_ms = "", 0, 0
    return node


def list_versions(call: SystemCall, _args: NoArgs) -> Result:
    """The versions that this server has run, and since when."""
    version = call.world.settings.version
    installed = call.world.seal.keyring.install_time // NANOSECONDS * NANOSECONDS
    info = {"previous_version": None, "timestamp_installed": rfc3339(installed)}
    # Vault's name for it is from its documentation.
    info |= {"build_date": BUILD_DATE} if call.profile == "vault" else {"commit_date": COMMIT_DATE}
    return {"keys": [version], "key_info": {version: info}}


def _headers(call: SystemCall) -> View:
    return View(call.world.storage, "core/config/ui/headers/")


def list_headers(call: SystemCall, _args: NoArgs) -> Result:
    """The names of the headers."""
    names = _headers(call).list()
    return {"keys": names} if names else None


def read_header(call: SystemCall, args: HeaderArgs) -> Result:
    """The first value of a header, or all of them."""
    found = _headers(call).get(_canonical(args.header), UiHeader)
    if found is None:
        return None
    return {"values": found.values} if args.multivalue else {"value": found.values[0]}


def write_header(call: SystemCall, args: HeaderArgs) -> Result:
    """Set a header."""
    if not args.values:
        refuse("header and values must be specified")
    if args.header.lower().startswith("x-vault-"):
        refuse("X-Vault headers cannot be set")
    _headers(call).put(_canonical(args.header), UiHeader(values=args.values))
    return Response()


def delete_header(call: SystemCall, args: HeaderArgs) -> None:
    """Set a header no more."""
    _headers(call).delete(_canonical(args.header))


def _canonical(name: str) -> str:
    return "-".join(part[:1].upper() + part[1:].lower() for part in name.split("-"))


PATHS = (
    Path("ha-status", NoArgs, "Read the state of the nodes of the cluster.", read=read_nodes),
    Path("version-history/?", NoArgs, "List the versions that this server has run.", list=list_versions),
    Path("config/ui/headers/?", NoArgs, "List the headers of the console's answers.", list=list_headers),
    Path(
        "config/ui/headers/{header}",
        HeaderArgs,
        "Manage a header of the console's answers.",
        read=read_header,
        write=write_header,
        delete=delete_header,
    ),
)
