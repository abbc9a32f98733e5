"""URLs with a password, and other values that hold one: HTTP Basic credentials.

The password inside is a `password` of its own, so it verifies alone too, taken out of its URL.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from sandboxd.fakes import hosts, mark
from sandboxd.fakes.alphabets import BASE62
from sandboxd.fakes.errors import OptionError
from sandboxd.fakes.forms.chosen import PASSWORD, is_password, password_value, unbase64
from sandboxd.fakes.model import VALUE, Form, Parts
from sandboxd.fakes.options import Options, option

if TYPE_CHECKING:
    from sandboxd.fakes.stream import Stream

_URL = r"(?i)[a-z][a-z0-9+.-]*://(?P<user>[^:@/\s]*):(?P<password>[^@/\s]+)@(?P<host>\[[^\]]+\]|[^:/?#\s]+)"
BITS = mark.bits(BASE62, 11)
PARTS = {
    "username": "The user.",
    "password": "The password.",
    "host": "The host.",
    "port": "The port, in digits.",
    "database": "The database, or what the path names.",
}


def shape(schemes: str) -> str:
    """The pattern of a URL with a password and one of these schemes."""
    return rf"(?:{schemes})://[^\s:@/\"'<>`]*:[^\s@/\"'<>`]+@[^\s\"'<>`]+"


def credentials(url: str) -> tuple[str, str, str] | None:
    """User, password and host of a URL that has a password."""
    found = re.match(_URL, url)
    return (found["user"], unquote(found["password"]), found["host"]) if found else None


def url(scheme: str, port: int, path: str, *, user: str = "sbx_app", query: str = "") -> Form:
    """The form of one scheme's URLs; what is given are the defaults of its options."""
    usual_scheme, usual_port, usual_user = scheme, port, user

    class UrlOptions(Options):
        scheme: str = option(usual_scheme, "What comes before ://, such as postgresql+psycopg.", minimum=1, maximum=32)
        user: str = option(usual_user, "The user; may be empty where the protocol has none.", maximum=128)
        host: str = option("127.0.0.1", "A loopback or reserved host, or a container's name without dots.", minimum=1)
        port: int = option(usual_port, "The port; 0 leaves it out.", minimum=0, maximum=65535)
        database: str = option(path, "The database, or what the path names.", maximum=256)
        parameters: str = option(query, "What comes after the question mark.", maximum=1024)

    def make(_kind: str, stream: Stream, options: UrlOptions) -> Parts:
        if not hosts.is_local(options.host):
            raise OptionError("host must be loopback, reserved (.test, .invalid) or a name without dots")
        if not re.fullmatch(r"[a-z][a-z0-9+.-]*", options.scheme):
            raise OptionError("scheme must be a URL scheme, without ://")
        secret = password_value(stream)
        place = options.host + (f":{options.port}" if options.port else "")
        tail = f"?{options.parameters}" if options.parameters else ""
        address = f"{options.scheme}://{quote(options.user, safe='')}:{secret}@{place}/{options.database}{tail}"
        return {
            VALUE: address,
            "username": options.user,
            "password": secret,
            "host": options.host,
            "port": str(options.port) if options.port else "",
            "database": options.database,
        }

    return Form(make=make, marked=_marked, broken=leads_nowhere, bits=BITS, options=UrlOptions, parts=PARTS)


def leads_nowhere(address: str) -> bool:
    """Whether the host of a URL is loopback or reserved; every one of a list of hosts."""
    found = credentials(address)
    return found is not None and all(map(hosts.is_reserved, hosts_of(address)))


def hosts_of(address: str) -> list[str]:
    """The hosts of a URL; MongoDB's may name several."""
    authority = re.split(r"[/?#]", address.partition("://")[2], maxsplit=1)[0].rpartition("@")[2]
    return [hosts.of_url(f"x://{each}") for each in authority.split(",")]


def _marked(_kind: str, value: str) -> bool:
    found = credentials(value)
    return found is not None and is_password(PASSWORD, found[1])


class BasicOptions(Options):
    """HTTP Basic credentials."""

    user: str = option("sbx_user", "The user; no colon.", minimum=1, maximum=128)


def basic_auth() -> Form:
    """Base64 of user:password, as it stands after `Basic ` in a header."""

    def make(_kind: str, stream: Stream, options: BasicOptions) -> Parts:
        if ":" in options.user:
            raise OptionError("user cannot hold a colon")
        secret = password_value(stream)
        value = base64.b64encode(f"{options.user}:{secret}".encode()).decode()
        return {VALUE: value, "header": f"Basic {value}", "username": options.user, "password": secret}

    def marked(_kind: str, value: str) -> bool:
        found = basic_credentials(value)
        return found is not None and is_password(PASSWORD, found[1])

    parts = {"header": "The whole header value.", "username": "The user.", "password": "The password."}
    return Form(make=make, marked=marked, bits=BITS, options=BasicOptions, parts=parts)


def basic_credentials(value: str) -> tuple[str, str] | None:
    """User and password of Basic credentials, with or without the word `Basic`."""
    decoded = unbase64(value.removeprefix("Basic "))
    if decoded is None or b":" not in decoded:
        return None
    user, _, secret = decoded.partition(b":")
    try:
        return user.decode(), secret.decode()
    except UnicodeDecodeError:
        return None
