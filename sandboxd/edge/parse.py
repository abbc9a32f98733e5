"""HTTP/1 requests, read by the rules of Go's server, with its words for what is broken. Knows no socket.

The **head** of a request is its first line and its headers; a body comes **sized** (`Content-Length`) or **chunked**. A
plain head, as nearly every client sends it, takes one match of a regular expression; any other is read line by line.
Rules, limits and texts were observed on a running OpenBao 2.7.2.
"""

import re
from typing import NamedTuple, Protocol

HEAD_LIMIT = (1 << 20) + 4096  # bytes, the empty line included
MAX_HEADERS = 500
CHUNKED = -1
_LINE_LIMIT = 4096  # bytes in the line before a chunk, and in all trailers together
_MAX_EXCESS = 16 * 1024  # bytes of a chunked body that are not data, beyond what honest chunks need

_NAME = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_VALUE = rb"[\t\x20-\x7e\x80-\xff]*"
_PLAIN = re.compile(rb"%b /[!-~\x80-\xff]* HTTP/1\.1(?:\r\n%b:%b)*" % (_NAME, _NAME, _VALUE))
_FIRST_LINE = re.compile(rb"(%b) (\S+) HTTP/(\d)\.(\d)" % _NAME)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_FIELD_NAME = re.compile(_NAME)
_NAME_OR_SPACE = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z ]+")
_FIELD_VALUE = re.compile(_VALUE)
_HOST = re.compile(r"[0-9A-Za-z!$%&'()*+,\-.:;=\[\]_~]*")
_HEX = re.compile(rb"[0-9a-fA-F]*")


class Head(NamedTuple):
    """The head of a request. `length` is that of the body in bytes, or CHUNKED."""

    method: str
    target: str
    headers: dict[str, tuple[str, ...]]
    length: int = 0
    close: bool = False  # whether the connection ends with the answer
    old: bool = False  # HTTP/1.0
    kept: bool = False  # HTTP/1.0, with the connection kept, which the answer has to say
    waits: bool = False  # for a "100 Continue" before it sends the body


class Broken(Exception):
    """No HTTP request, or one that cannot be answered. `answer` is all that is sent before the connection ends."""

    def __init__(self, answer: bytes) -> None:
        super().__init__(answer)
        self.answer = answer


class BrokenBody(Exception):
    """A body that cannot be read on; the text is for the client."""


def broken(phrase: str, body: str = "") -> Broken:
    """Something that is refused as Go's server does, before any handler sees it; `phrase` begins with the status."""
    head = f"HTTP/1.1 {phrase}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n{body or phrase}"
    return Broken(head.encode())


def too_large() -> Broken:
    """The refusal of a head that passes the limits."""
    return broken("431 Request Header Fields Too Large")


BAD_REQUEST = "400 Bad Request"


def find_end(data: bytes) -> tuple[int, int]:
    """Where the first head in `data` ends, and where what follows it begins; (-1, -1) when it is not whole.

    Raises Broken for a first line that is none, so that nobody waits for the rest.
    """
    end = data.find(b"\n\r\n")
    bare = data.find(b"\n\n", 0, end) if end >= 0 else data.find(b"\n\n")
    if bare >= 0:
        return bare, bare + 2
    if end >= 0:
        return (end - 1 if data[end - 1 : end] == b"\r" else end), end + 3
    if b"\n" in data:
        first_line(data.partition(b"\n")[0])
    return -1, -1


def parse_head(raw: bytes) -> Head:
    """The head of a request, given without its empty line. Raises Broken."""
    if _PLAIN.fullmatch(raw) is None:
        return _parse_lines(raw)
    first, *lines = raw.decode("utf-8", "surrogateescape").split("\r\n")
    if len(lines) > MAX_HEADERS:
        raise too_large()
    method, target, _ = first.split(" ")
    headers: dict[str, tuple[str, ...]] = {}
    for line in lines:
        name, _, value = line.partition(":")
        name, value = name.lower(), value.strip(" \t")
        known = headers.get(name)
        headers[name] = (value,) if known is None else (*known, value)
    return _head(method, target, (1, 1), headers)


def first_line(line: bytes) -> tuple[str, str, tuple[int, int]]:
    """Method, target and version of a request's first line. Raises Broken."""
    found = _FIRST_LINE.fullmatch(line.removesuffix(b"\r"))
    if found is None or _CONTROL.search(found[2]):
        raise broken(BAD_REQUEST)
    method, target = found[1].decode(), found[2].decode("utf-8", "surrogateescape")
    if not (target.startswith("/") or target == "*" or method == "CONNECT" or _SCHEME.match(target)):
        raise broken(BAD_REQUEST)
    return method, target, (int(found[3]), int(found[4]))


def _parse_lines(raw: bytes) -> Head:
    first, *lines = raw.split(b"\n")
    method, target, version = first_line(first)
    fields: list[tuple[bytes, bytes]] = []
    for number, line in enumerate(lines):
        content = line.removesuffix(b"\r")
        if content[:1] in (b" ", b"\t"):
            if number == 0:
                raise broken(BAD_REQUEST)
            name, value = fields[-1]
            fields[-1] = (name, (value + b" " + content.strip(b" \t")).strip(b" "))
            continue
        name, colon, value = content.partition(b":")
        if not colon or _NAME_OR_SPACE.fullmatch(name) is None:
            raise broken(BAD_REQUEST)
        fields.append((name, value.strip(b" \t")))
        if len(fields) > MAX_HEADERS:
            raise too_large()
    headers: dict[str, tuple[str, ...]] = {}
    for name, value in fields:
        if _FIELD_VALUE.fullmatch(value) is None:
            raise broken(BAD_REQUEST)
        key, text = name.decode().lower(), value.decode("utf-8", "surrogateescape")
        headers[key] = (*headers.get(key, ()), text)
    named = all(_FIELD_NAME.fullmatch(name) for name, _ in fields)
    return _head(method, target, version, headers, named=named)


def _head(
    method: str, target: str, version: tuple[int, int], headers: dict[str, tuple[str, ...]], *, named: bool = True
) -> Head:
    """The head, once all that Go's server looks at is in order. Raises Broken, in Go's order."""
    hosts = headers.get("host", ())
    if len(hosts) > 1:
        raise broken(BAD_REQUEST)
    old = version < (1, 1)
    length = _length(headers, old=old)
    if method == "PRI" and target == "*" and version == (2, 0) and not headers:
        return Head(method, target, headers, close=True)
    if version[0] != 1:
        raise broken("505 HTTP Version Not Supported: unsupported protocol version")
    if not hosts and not old and method != "CONNECT":
        raise broken(f"{BAD_REQUEST}: missing required Host header")
    if hosts and _HOST.fullmatch(hosts[0]) is None:
        raise broken(f"{BAD_REQUEST}: malformed Host header")
    if not named:
        raise broken(f"{BAD_REQUEST}: invalid header name")
    close, kept = False, False
    if old or "connection" in headers:
        wishes = {wish.strip(" \t").lower() for value in headers.get("connection", ()) for wish in value.split(",")}
        close = "close" in wishes
        kept = old and not close and "keep-alive" in wishes
        close = close or (old and not kept)
    waits = False
    if "expect" in headers:
        wishes = {wish.strip(" \t").lower() for value in headers["expect"] for wish in value.split(",")}
        if "100-continue" in wishes:
            waits = length != 0 and not old
        elif headers["expect"][0]:
            raise Broken(b"HTTP/1.1 417 Expectation Failed\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
    return Head(method, target, headers, length, close or method == "CONNECT", old, kept, waits)


def _length(headers: dict[str, tuple[str, ...]], *, old: bool) -> int:
    lengths = headers.get("content-length")
    chunked = False
    if "transfer-encoding" in headers:
        encodings = headers["transfer-encoding"]
        if not old:
            if len(encodings) != 1 or encodings[0].lower() != "chunked":
                raise broken("501 Not Implemented", "Unsupported transfer encoding")
            chunked = True
    if lengths is None:
        return CHUNKED if chunked else 0
    text = lengths[0]
    if any(other != text for other in lengths) or not (text.isascii() and text.isdecimal()) or len(text) > 400:
        raise broken(BAD_REQUEST)
    if int(text) >= 1 << 63:
        raise broken(BAD_REQUEST)
    return CHUNKED if chunked else int(text)


class Body(Protocol):
    """A body that is on its way."""

    size: int  # bytes of it that are there

    def feed(self, data: bytes) -> bytes | None:
        """Take what came in; gives what follows the body once it is whole. Raises BrokenBody."""

    def whole(self) -> bytes:
        """All of it."""


class Sized:
    """A body whose length is known."""

    def __init__(self, length: int) -> None:
        self.size = 0
        self._length = length
        self._parts: list[bytes] = []

    def feed(self, data: bytes) -> bytes | None:
        """Take what came in; gives what follows the body once it is whole."""
        missing = self._length - self.size
        part = data[:missing] if len(data) > missing else data
        self._parts.append(part)
        self.size += len(part)
        return data[missing:] if self.size == self._length else None

    def whole(self) -> bytes:
        """All of it."""
        return b"".join(self._parts)


class Chunked:
    """A body that comes in chunks, each with its length in front."""

    def __init__(self) -> None:
        self.size = 0
        self._parts: list[bytes] = []
        self._held = b""  # what came in and cannot be read yet
        self._left = 0  # bytes still to come of the chunk under way
        self._excess = 0
        self._in_chunk = False
        self._in_trailers = False

    def feed(self, data: bytes) -> bytes | None:
        """Take what came in; gives what follows the body once it is whole. Raises BrokenBody with Go's text."""
        data = self._held + data if self._held else data
        at = 0
        while not self._in_trailers:
            if self._in_chunk:
                part = data[at : at + self._left]
                self._parts.append(part)
                self.size += len(part)
                self._left -= len(part)
                at += len(part)
                if self._left or len(data) - at < 2:
                    self._held = data[at:]
                    return None
                if data[at : at + 2] != b"\r\n":
                    raise BrokenBody("malformed chunked encoding")
                at += 2
                self._in_chunk = False
            end = data.find(b"\n", at)
            if end < 0 and len(data) - at < _LINE_LIMIT:
                self._held = data[at:]
                return None
            if end < 0 or end - at >= _LINE_LIMIT:
                raise BrokenBody("header line too long")
            self._left = self._chunk(data[at : end + 1])
            at = end + 1
            self._in_chunk = self._left > 0
            self._in_trailers = self._left == 0
        return self._trailers(data, at)

    def whole(self) -> bytes:
        """All of it."""
        return b"".join(self._parts)

    def _chunk(self, line: bytes) -> int:
        """The length that the line before a chunk tells."""
        turn = line.find(b"\r")
        if turn < 0:
            raise BrokenBody("chunked line ends with bare LF")
        if turn != len(line) - 2:
            raise BrokenBody("invalid CR in chunked line")
        digits = line[:-2].rstrip(b" \t").partition(b";")[0]
        hexadecimal = _HEX.match(digits)
        if not digits:
            raise BrokenBody("empty hex number for chunk length")
        if hexadecimal is None or hexadecimal.end() < min(len(digits), 16):
            raise BrokenBody("invalid byte in chunk length")
        if len(digits) > 16:
            raise BrokenBody("http chunk length too large")
        length = int(digits, 16)
        self._excess = max(0, self._excess + len(line) + 2 - 16 - 2 * length)
        if self._excess > _MAX_EXCESS:
            raise BrokenBody("chunked encoding contains too much non-data")
        return length

    def _trailers(self, data: bytes, at: int) -> bytes | None:
        if data[at : at + 2] == b"\r\n":
            return data[at + 2 :]
        end = data.find(b"\r\n\r\n", at)
        if end < 0 and len(data) - at < _LINE_LIMIT:
            self._held = data[at:]
            return None
        if end < 0 or end - at > _LINE_LIMIT:
            raise BrokenBody("http: suspiciously long trailer after chunked body")
        for line in data[at:end].split(b"\r\n"):
            name, colon, _ = line.partition(b":")
            shown = line.decode("utf-8", "replace")
            if not colon:
                raise BrokenBody(f'malformed MIME header: missing colon: "{shown}"')
            if _NAME_OR_SPACE.fullmatch(name) is None:
                raise BrokenBody(f'malformed MIME header line: "{shown}"')
        return data[end + 4 :]
