"""From HTTP to a request: paths, verbs, tokens, bodies, with the real server's refusals on the way."""

import posixpath
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

import msgspec

from sandboxd.edge import gojson
from sandboxd.edge.encode import encode_errors
from sandboxd.edge.messages import Answer, Incoming
from sandboxd.vault.durations import parse_seconds
from sandboxd.vault.framework.numbers import Number
from sandboxd.vault.request import NOTHING, Operation, Request

MAX_BODY = 32 * 1024 * 1024  # bytes
_COMPLEX_BODY = 350_000  # bytes; below it, no body can reach the limit on memory
_FOLDERS = ("/v1", "/v1/sys", "/v1/sys/pprof")  # Go's mux redirects these to themselves with a slash
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})
_MERGE_PATCH = "application/merge-patch+json"
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")
_LONE_BYTES = re.compile("[\udc80-\udcff]")  # what is no UTF-8 is printed as a sign of its own
# Numbers that the fast decoder would spell anew, or take although they are out of range.
_TRICKY = re.compile(rb"-0|[0-9]{%d}" % gojson.LONG_NUMBER)
_BAD_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2})")
_WORD = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_TOKEN = re.compile(_WORD)
_PARAMETER = re.compile(rf'\s*;\s*({_WORD})\s*=\s*(?:{_WORD}|"(?:[^"\\\r\n]|\\.)*")')


def _number(text: str) -> Number:
    if abs(float(text)) == float("inf"):
        raise ValueError(text)
    return Number(text)


_json = msgspec.json.Decoder(float_hook=_number)


class Refused(Exception):
    """The request is answered before it gets anywhere."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def refused(status: int, *errors: str) -> Refused:
    """A refusal with the usual body."""
    return Refused(Answer(status, encode_errors(errors)))


def origin_form(target: str) -> str:
    """A target without scheme and host, which clients of proxies put in front."""
    if target.startswith("/") or "://" not in target:
        return target
    return "/" + target.partition("://")[2].partition("/")[2]


def split(target: str) -> tuple[str, str]:
    """The decoded path and the raw query of a request's target. Raises Refused as Go's server and its mux do."""
    target = origin_form(target)
    raw, _, query = target.partition("?")
    if "%" in raw:
        if _BAD_ESCAPE.search(raw):
            kind = "text/plain; charset=utf-8"
            raise Refused(Answer(400, b"400 Bad Request", content_type=kind, standard=False, close=True))
        path = unquote_to_bytes(raw.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")
    else:
        path = raw
    if _UNPRINTABLE.search(path) or not (path.isascii() or _LONE_BYTES.sub("", path).isprintable()):
        raise Refused(Answer(400, standard=False, content_type=""))
    return path, query


def cleaned(path: str, raw: str, query: str, method: str) -> Answer | None:
    """The redirect to the cleaned path, where the path as sent is not clean; a CONNECT's is left alone."""
    if method == "CONNECT" or ("//" not in raw and "/." not in raw and raw not in _FOLDERS):
        return None
    clean = posixpath.normpath(raw)
    clean = "/" + clean.lstrip("/")
    if clean in _FOLDERS or (raw.endswith("/") and clean != "/"):
        clean += "/"
    if clean == raw or path == "":
        return None
    return redirect(clean + (f"?{query}" if query else ""), method)


def redirect(location: str, method: str) -> Answer:
    """A temporary redirect as Go writes it."""
    shown = location.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&#34;")
    body = f'<a href="{shown}">Temporary Redirect</a>.\n\n'.encode() if method in ("GET", "HEAD") else b""
    kind = "text/html; charset=utf-8" if body else ""
    return Answer(307, body, (("Location", location),), content_type=kind)


def parse_query(query: str) -> dict[str, list[str]]:
    """The fields of a query, with all their values; pieces that do not decode are left out, as Go does."""
    found: dict[str, list[str]] = {}
    for piece in query.split("&"):
        if not piece or ";" in piece or _BAD_ESCAPE.search(piece):
            continue
        for key, value in parse_qsl(piece, keep_blank_values=True, errors="replace"):
            found.setdefault(key, []).append(value)
    return found


def decode(
    incoming: Incoming,
    path: str,
    query: str,
    new_id: Callable[[], str],
    *,
    profile: str = "openbao",
    max_strings: int = gojson.MAX_STRINGS,
    target: str = "",
) -> Request:
    """The request below `/v1/`. Raises Refused.

    Args:
        path: starts with `/v1/`.
        profile: whose headers it may have.
        max_strings: how many strings a JSON body may hold; 0 for any number.
        target: Go's name for what the body is decoded into, where it is not a map.
    """
    method, headers = incoming.method, incoming.headers
    path = path[4:]
    data: Mapping[str, Any] = NOTHING
    body = b""
    operation: Operation
    if method == "GET":
        operation, data = "read", NOTHING
        if query:
            fields = parse_query(query)
            listing, scanning = flag(fields, "list"), flag(fields, "scan")
            if listing and scanning:
                raise refused(400)
            if listing or scanning:
                operation = "list" if listing else "scan"
                del fields[operation]
                path = path if path.endswith("/") else path + "/"
            data = from_query(fields)
    elif method in ("POST", "PUT"):
        operation = "update"
        kind = media_type(headers)
        if kind == "application/ocsp-request" or path.startswith("sys/storage/raft/snapshot"):
            body = incoming.body
        elif incoming.body:
            data = decode_body(incoming.body, kind, max_strings, target)
    elif method == "DELETE":
        operation, data = "delete", from_query(parse_query(query)) if query else NOTHING
    elif method in ("LIST", "SCAN"):
        operation = "list" if method == "LIST" else "scan"
        path = path if path.endswith("/") else path + "/"
        data = from_query(parse_query(query)) if query else NOTHING
    elif method == "PATCH":
        operation = "patch"
        kind = media_type(headers, strict=True)
        if kind != _MERGE_PATCH:
            raise refused(415, f"PATCH requires Content-Type of {_MERGE_PATCH}, provided {kind}")
        data = decode_body(incoming.body, kind, max_strings, target)
    elif method == "HEAD":
        operation, data = "header", from_query(parse_query(query)) if query else NOTHING
    elif method == "OPTIONS":
        raise refused(400, "cannot handle internal-only request operation")
    else:
        raise Refused(Answer(405, encode_errors(()), close=method == "CONNECT"))
    if "x-vault-mfa" in headers:
        check_mfa(headers)
    if "x-vault-index" in headers or "x-vault-inconsistent" in headers:
        from sandboxd.edge.consistency import check

        check(headers, profile)
    return Request(
        id=new_id(),
        operation=operation,
        path=path,
        method=method,
        data=data,
        token=token(headers),
        namespace=first(headers, "x-vault-namespace"),
        wrap_ttl=wrap_ttl(headers) if "x-vault-wrap-ttl" in headers else 0,
        wrap_format=first(headers, "x-vault-wrap-format"),
        headers=headers,
        remote_address=incoming.remote_address,
        remote_port=incoming.remote_port,
        body=body,
        client_certificates=incoming.client_certificates,
        trouble=incoming.trouble,
        node=incoming.node,
    )


def listed_path(path: str, query: str, method: str) -> str:
    """A request's path, a listing's with its slash at the end. Raises Refused for a flag that is none."""
    listing = method in ("LIST", "SCAN")
    if method == "GET" and query:
        fields = parse_query(query)
        listing, scanning = flag(fields, "list"), flag(fields, "scan")
        if listing and scanning:
            raise refused(400)
        listing = listing or scanning
    return f"{path}/" if listing and not path.endswith("/") else path


def first(headers: Mapping[str, tuple[str, ...]], name: str) -> str:
    """The first value of a header, or an empty string."""
    values = headers.get(name)
    return values[0] if values else ""


def token(headers: Mapping[str, tuple[str, ...]]) -> str:
    """The token that a request carries: `X-Vault-Token` wins over `Authorization: Bearer`."""
    found = first(headers, "x-vault-token")
    if not found and "authorization" in headers:
        for value in headers["authorization"]:
            if value.startswith("Bearer "):
                return value[7:].strip()
    return found


def check_mfa(headers: Mapping[str, tuple[str, ...]]) -> None:
    """Refuse what the real server cannot read in a header that has no effect here. Raises Refused."""
    for value in headers.get("x-vault-mfa", ()):
        if value.startswith(":"):
            text = 'invalid data in header "X-Vault-MFA"; missing method name or ID'
            raise refused(400, f"failed to parse X-Vault-MFA header: {text}")


def wrap_ttl(headers: Mapping[str, tuple[str, ...]]) -> int:
    """Seconds that the answer is to be wrapped for. Raises Refused."""
    text = first(headers, "x-vault-wrap-ttl")
    if not text:
        return 0
    try:
        seconds = parse_seconds(text)
    except ValueError as error:
        raise refused(400, f"error parsing X-Vault-Wrap-TTL header: {error}") from None
    if seconds < 0:
        raise refused(400, "error parsing X-Vault-Wrap-TTL header: requested wrap ttl cannot be negative")
    return seconds


def flag(fields: Mapping[str, list[str]], name: str) -> bool:
    """A boolean of the query. Raises Refused for what is none."""
    text = fields.get(name, [""])[0]
    if not text or text in _FALSE:
        return False
    if text in _TRUE:
        return True
    raise refused(400)


def from_query(fields: Mapping[str, list[str]]) -> Mapping[str, Any]:
    """The fields of a query as a request's data; `help` is the server's own."""
    return {name: values[0] if len(values) == 1 else tuple(values) for name, values in fields.items() if name != "help"}


def media_type(headers: Mapping[str, tuple[str, ...]], *, strict: bool = False) -> str:
    """The media type of the body in lower case, without parameters. Raises Refused for what is none when `strict`."""
    text = first(headers, "content-type")
    kind, _, _ = text.partition(";")
    kind = kind.strip().lower()
    if strict:
        _check_media_type(kind, text[text.find(";") :] if ";" in text else "")
    return kind


def _check_media_type(kind: str, parameters: str) -> None:
    """Refuse a media type that Go's parser does not read. Raises Refused."""
    major = _TOKEN.match(kind)
    if major is None:
        raise refused(400, "mime: no media type")
    rest = kind[major.end() :]
    if rest and rest[0] != "/":
        raise refused(400, "mime: expected slash after first token")
    if rest:
        minor = _TOKEN.match(rest, 1)
        if minor is None:
            raise refused(400, "mime: expected token after slash")
        if minor.end() != len(rest):
            raise refused(400, "mime: unexpected content after media subtype")
    at, names = 0, set()
    while (found := _PARAMETER.match(parameters, at)) is not None:
        name = found[1].lower()
        if name in names:
            raise refused(400, "mime: duplicate parameter name")
        names.add(name)
        at = found.end()
    if parameters[at:].strip() not in ("", ";"):
        raise refused(400, "mime: invalid media parameter")


def decode_body(body: bytes, kind: str, max_strings: int = gojson.MAX_STRINGS, target: str = "") -> Mapping[str, Any]:
    """The object that a body holds: JSON whatever its type says, or a form. Raises Refused."""
    if kind == "application/x-www-form-urlencoded" and not body.lstrip().startswith(b"{"):
        text = body.decode("utf-8", "replace")
        if _BAD_ESCAPE.search(text) or ";" in text:
            raise refused(400, "error parsing form data")
        fields = parse_query(text)
        return {name: ",".join(values) for name, values in fields.items()}
    few = not max_strings or body.count(b'"') <= 2 * max_strings
    if few and len(body) < _COMPLEX_BODY and not _TRICKY.search(body):
        try:
            found = _json.decode(body)
        except (ValueError, RecursionError):
            pass
        else:
            if isinstance(found, dict):
                return found
    try:
        return gojson.decode_object(body, max_strings=max_strings, target=target or gojson.MAP) or NOTHING
    except ValueError as error:
        raise refused(400, str(error)) from None
