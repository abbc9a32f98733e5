"""Keeps web pages out: a request must name this machine as its host, and come from no foreign page.

A page in a browser can send requests to loopback; by DNS rebinding even ones whose answers it can read. Clients of the
API send no `Origin`, and name the host that they were given.

Forward authentication is another matter: what a proxy asks has the `Origin` of the page in front of the proxy, and with
Envoy its `Host` too. A page that asks by itself cannot be told from that by these, but by a header that only proxies
send: a page may add one to a request elsewhere only after a preflight, which nothing here answers. And a page whose own
host leads here is kept out by its `Host`, unless the sandbox's token comes along, which it cannot know.
"""

import ipaddress
import re
from collections.abc import Callable, Collection

from sandboxd.edge.encode import encode_errors
from sandboxd.edge.messages import FORWARD_AUTH, Answer, Incoming

_AUTHORITY = re.compile(r"(?:\[([0-9A-Fa-f:.%]+)\]|([^:@\[\]/?#\\]*))(?::\d*)?")
_BY_PAGES = ("origin", "sec-fetch-site", "referer")
_BY_PROXIES = ("x-forwarded-", "x-original-", "x-envoy-", "x-real-ip", "forwarded")
_LOCAL_SUFFIXES = (".localhost", ".internal", ".local", ".test")


def local_host(name: str) -> bool:
    """Whether nobody on the internet can make a host name lead here: an address, or a name that only exists locally."""
    host = name.removesuffix(".").lower()
    if host == "localhost" or host.endswith(_LOCAL_SUFFIXES):
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "." not in host and host != ""  # a bare name, as containers have
    return True  # a page that knows an address cannot bind it to another one, as it can a name


def make_guard(
    allowed_hosts: Collection[str] = (), allowed_origins: Callable[[], Collection[str]] = tuple
) -> Callable[[Incoming], Answer | None]:
    """The check for each request of a listener.

    Args:
        allowed_hosts: names that this listener is known by, beyond the local ones.
        allowed_origins: gives the origins that CORS lets in, "*" for all.
    """
    names = {name.lower() for name in allowed_hosts}
    seen: dict[str, bool] = {}

    def host_ok(header: str) -> bool:
        known = seen.get(header)
        if known is None:
            host = _name(header)
            known = host in names or local_host(host)
            if len(seen) < 1000:
                seen[header] = known
        return known

    def check(incoming: Incoming) -> Answer | None:
        host = incoming.headers.get("host", ("",))[0]
        proxied = incoming.target.startswith(FORWARD_AUTH)
        if proxied and "x-sandboxd-token" in incoming.headers:
            return None  # it is looked at there
        if host and not host_ok(host):
            text = f"refused: this is a local sandbox, and the Host header names another machine ({_shown(host)})"
            return Answer(403, encode_errors((text,)))
        if proxied:
            return None if admits(incoming) else Answer(403, encode_errors((_PAGE,)))
        origin = incoming.headers.get("origin")
        if origin is not None:
            allowed = allowed_origins()
            if not all(_own(each, host) or _listed(each, allowed) for each in origin):
                return Answer(403, encode_errors(("origin not allowed",)))
        return None

    return check


def admits(incoming: Incoming) -> bool:
    """Whether a question about a credential comes from a proxy, or from no browser at all."""
    headers = incoming.headers
    return not any(name in headers for name in _BY_PAGES) or any(name.startswith(_BY_PROXIES) for name in headers)


_PAGE = "this is for proxies, and the request comes from a web page; one that a proxy sends has X-Forwarded-* headers"


def _name(header: str) -> str:
    """The name or address in a Host header, without its port; empty when there is none."""
    found = _AUTHORITY.fullmatch(header)
    return "" if found is None else (found[1] or found[2]).lower()


def _own(origin: str, host: str) -> bool:
    return origin.partition("://")[2] == host


def _listed(origin: str, allowed: Collection[str]) -> bool:
    return "*" in allowed or origin in allowed


def _shown(host: str) -> str:
    return "".join(char for char in host[:80] if char.isprintable())
