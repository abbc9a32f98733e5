"""The credential in a request that a proxy asks about.

It is looked for where clients put it: `Authorization` with the schemes Bearer, Token and Basic, `X-Api-Key`,
`X-Vault-Token`; or only where the question says, in a header, a cookie, or the query of the original request. What is
there twice is refused: proxy, sandbox and app might each take another one.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl

import msgspec

Headers = Mapping[str, Sequence[str]]
"""Header names in lower case, with all their values."""

USUAL = ("authorization", "x-api-key", "x-vault-token")
URIS = ("x-forwarded-uri", "x-original-uri")
"""Where proxies put the path and query of the original request: Traefik and Caddy, and nginx by convention."""


class Unclear(ValueError):
    """There is more than one credential, or none that can be read; the text says which, without its value."""


class Presented(msgspec.Struct, frozen=True):
    """A credential, and the user name that came with it. Basic alone has one."""

    value: str
    user: str = ""
    basic: bool = False

    def __repr__(self) -> str:
        return "<Presented>"


def usual(headers: Headers) -> Presented | None:
    """The credential where clients usually put it. Raises Unclear."""
    for name in USUAL:
        found = in_header(headers, name)
        if found is not None:
            return found
    return None


def in_header(headers: Headers, name: str) -> Presented | None:
    """The credential in one header: all of it, but for the scheme in `Authorization`. Raises Unclear."""
    text = _only(headers, name).strip()
    if not text:
        return None
    return _authorization(text) if name == "authorization" else Presented(text)


def in_cookie(headers: Headers, name: str) -> Presented | None:
    """The credential in a cookie. Raises Unclear."""
    pairs = [pair.partition("=") for line in headers.get("cookie", ()) for pair in line.split(";")]
    found = [value.strip().strip('"') for key, _, value in pairs if key.strip() == name]
    if len(found) > 1:
        raise Unclear(f"the cookie {name} is there more than once")
    return Presented(found[0]) if found and found[0] else None


def in_query(headers: Headers, name: str, uri: str) -> Presented | None:
    """The credential in a parameter of the original request, whose target is `uri` or what a proxy put into a header.

    Raises Unclear.
    """
    targets = {uri} if uri else {_only(headers, each) for each in URIS} - {""}
    if len(targets) > 1:
        raise Unclear(f"{' and '.join(URIS)} differ")
    query = "".join(targets).partition("#")[0].partition("?")[2]
    found = [value for key, value in parse_qsl(query, errors="surrogateescape") if key == name]
    if len(found) > 1:
        raise Unclear(f"the parameter {name} is there more than once")
    return Presented(found[0]) if found else None


def _only(headers: Headers, name: str) -> str:
    values = headers.get(name, ())
    if len(values) > 1:
        raise Unclear(f"the header {name} is there more than once")
    return values[0] if values else ""


def _authorization(text: str) -> Presented | None:
    scheme, _, rest = text.partition(" ")
    rest = rest.strip()
    if scheme.lower() in ("bearer", "token"):
        return Presented(rest) if rest else None
    if scheme.lower() != "basic":
        return None
    try:
        pair = base64.b64decode(rest, validate=True).decode("utf-8", "surrogateescape")
    except (binascii.Error, ValueError):
        raise Unclear("what follows Basic is no base64") from None
    user, colon, password = pair.partition(":")
    if not colon:
        raise Unclear("what follows Basic has no colon")
    if not password:
        return Presented(user, basic=True) if user else None  # as APIs have it that take a key for the user name
    return Presented(password, user, basic=True)
