"""Hosts that lead nowhere: loopback, and the names and networks that no one can own.

Names: RFC 2606 and RFC 6761 (`.test`, `.example`, `.invalid`, `.localhost`, example.com, .net, .org). Networks:
RFC 5737 (192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24) and RFC 3849 (2001:db8::/32).
"""

from __future__ import annotations

import ipaddress
import re
from functools import cache

_ENDINGS = (".test", ".example", ".invalid", ".localhost", ".example.com", ".example.net", ".example.org")
_NETWORKS = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")


def is_reserved(host: str) -> bool:
    """Whether a name or address (an IPv6 one may be in brackets) is loopback or reserved."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or f".{name}".endswith(_ENDINGS):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or any(address in network for network in _networks())


@cache
def _networks() -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(map(ipaddress.ip_network, _NETWORKS))


def is_local(host: str) -> bool:
    """Whether a host is reserved, or a name without a dot, such as a container's: never a public one."""
    return is_reserved(host) or host == "host.docker.internal" or _is_dotless(host)


def _is_dotless(host: str) -> bool:
    return re.fullmatch(r"[A-Za-z0-9_-]+", host) is not None and not host.isdigit()


def of_url(url: str) -> str:
    """The host of a URL, empty when it has none."""
    rest = url.partition("://")[2]
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2]
    if authority.startswith("["):
        return authority.partition("]")[0] + "]"
    return authority.partition(":")[0]
