"""URLs as Go's `net/url` reads them, since which ones it refuses, and in what words, reaches clients."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote as percent_encoded
from urllib.parse import unquote, unquote_plus

from sandboxd.vault.gotext import quote

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2}).{0,2}", re.DOTALL)
_USERINFO = re.compile(r"[A-Za-z0-9\-._:~!$&'()*+,;=%@]*")
_HOST = re.compile(r"[A-Za-z0-9\-_.~!$&'()*+,;=:\[\]<>\"%\x80-\U0010ffff]*")
_PORT = re.compile(r"(?::[0-9]*)?")


@dataclass(frozen=True, kw_only=True)
class Url:
    """A URL in its parts, unescaped. `username` and `password` are None where there is none; `host` holds the port."""

    scheme: str = ""
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    host: str = ""
    path: str = ""
    query: Mapping[str, str] = field(default_factory=dict)  # of a name given twice, the first

    @property
    def hostname(self) -> str:
        """The host without its port, and without the brackets of an IPv6 address."""
        if self.host.startswith("["):
            return self.host[1 : self.host.index("]")]
        return self.host.partition(":")[0] if self.host.count(":") == 1 else self.host

    @property
    def port(self) -> str:
        """The port, or an empty string."""
        rest = self.host[self.host.index("]") + 1 :] if self.host.startswith("[") else self.host
        return rest.rpartition(":")[2] if ":" in rest else ""


def parse(text: str) -> Url:
    """Take a URL apart. Raises ValueError with Go's reason, which holds no more of the URL than what is wrong."""
    if any(char < " " or char == "\x7f" for char in text):
        raise ValueError("net/url: invalid control character in URL")
    rest, _, fragment = text.partition("#")
    unescaped(fragment)
    scheme, rest = _scheme(rest)
    rest, _, query = rest.partition("?")
    username = password = None
    host = ""
    if rest.startswith("//"):
        authority, slash, path = rest[2:].partition("/")
        rest = slash + path
        userinfo, at, host = authority.rpartition("@")
        host = _host(host, scheme)
        if at:
            username, password = _userinfo(userinfo)
    elif not scheme and ":" in rest.partition("/")[0]:
        raise ValueError("first path segment in URL cannot contain colon")
    elif scheme and not rest.startswith("/"):
        rest = ""  # opaque
    path = unescaped(rest)
    return Url(scheme=scheme, username=username, password=password, host=host, path=path, query=query_of(query))


def path_escaped(text: str) -> str:
    """Text as one segment of a path (`url.PathEscape`)."""
    return percent_encoded(text, safe="-_.~$&+:=@", errors="surrogateescape")


def unescaped(text: str, *, plus: bool = False) -> str:
    """Text with its escapes undone (`url.PathUnescape`; with `plus`, `url.QueryUnescape`). Raises ValueError."""
    fault = _BAD_ESCAPE.search(text)
    if fault:
        raise ValueError(f"invalid URL escape {quote(fault[0])}")
    return (unquote_plus if plus else unquote)(text, errors="surrogateescape")


def query_of(text: str) -> Mapping[str, str]:
    """The parameters of a query string; what is malformed is left out, as Go does."""
    found: dict[str, str] = {}
    for pair in text.split("&"):
        name, _, value = pair.partition("=")
        if not pair or ";" in pair or _BAD_ESCAPE.search(pair):
            continue
        found.setdefault(unescaped(name, plus=True), unescaped(value, plus=True))
    return found


def _scheme(text: str) -> tuple[str, str]:
    if text.startswith(":"):
        raise ValueError("missing protocol scheme")
    head, colon, rest = text.partition(":")
    return (head.lower(), rest) if colon and _SCHEME.fullmatch(head) else ("", text)


def _userinfo(text: str) -> tuple[str, str | None]:
    if not _USERINFO.fullmatch(text):
        raise ValueError("net/url: invalid userinfo")
    username, colon, password = text.partition(":")
    return unescaped(username), unescaped(password) if colon else None


def _host(text: str, scheme: str) -> str:
    if text.startswith("["):
        if "]" not in text:
            raise ValueError("missing ']' in host")
        port = text[text.rindex("]") + 1 :]
    else:
        # Databases list several hosts with their ports; only of HTTP a second colon is refused.
        first = text.find if scheme in ("http", "https") else text.rfind
        port = text[first(":") :] if ":" in text else ""
    if not _PORT.fullmatch(port):
        raise ValueError(f"invalid port {quote(port)} after host")
    fault = _BAD_ESCAPE.search(text)
    if fault:
        raise ValueError(f"invalid URL escape {quote(fault[0])}")
    if not _HOST.fullmatch(text):
        odd = next(char for char in text if not _HOST.fullmatch(char))
        raise ValueError(f"invalid character {quote(odd)} in host name")
    return unescaped(text)
