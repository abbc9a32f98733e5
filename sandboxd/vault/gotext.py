"""Go's way with text: its quoting, and its base64 decoder, since their words reach clients in error texts.

`quote` is the `%q` of Go's fmt package, so of most texts the server makes itself. (Go's `time` package quotes by
rules of its own; see `sandboxd.vault.durations`.)
"""

import base64

_PAD = ord("=")
_BASE64 = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
_NAMED = {
    '"': '\\"',
    "\\": "\\\\",
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
}


def quote(text: str) -> str:
    """Return `text` as a Go string literal: double quotes, escapes for what cannot be printed."""
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return '"' + "".join(map(_escape, text)) + '"'


def _escape(char: str) -> str:
    if char in _NAMED:
        return _NAMED[char]
    if char.isprintable():
        return char
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"  # a byte that is no UTF-8
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def decode_base64(text: str) -> bytes:
    """Return the bytes of padded standard base64; line breaks do not count.

    Raises ValueError with the text and the place of Go's decoder.
    """
    source = text.encode("utf-8", "surrogatepass")
    at = _first_fault(source)
    if at is not None:
        raise ValueError(f"illegal base64 data at input byte {at}")
    return base64.b64decode(source)


def _first_fault(source: bytes) -> int | None:
    """Where Go's decoder stops, or None when it reads all."""
    filled = 0  # symbols of the quantum under way
    end = len(source)
    at = 0
    while at < end:
        symbol = source[at]
        at += 1
        if symbol in b"\r\n":
            continue
        if symbol != _PAD:
            if symbol not in _BASE64:
                return at - 1
            filled = (filled + 1) % 4
            continue
        if filled < 2:
            return at - 1
        if filled == 2:
            at = _past_breaks(source, at)
            if at == end:
                return end
            if source[at] != _PAD:
                return at - 1
            at += 1
        at = _past_breaks(source, at)
        return at if at < end else None
    return end - filled if filled else None


def _past_breaks(source: bytes, at: int) -> int:
    while at < len(source) and source[at] in b"\r\n":
        at += 1
    return at
