"""PyPI API tokens: macaroons.

A token is `pypi-` and base64url of a version 2 macaroon (libmacaroons' binary format): the location pypi.org, the
identifier, caveats and a signature. PyPI's identifiers are UUIDs of version 4; this one is of version 8. The caveat
`[0, 0, 0]` limits the token to the time from 0 to 0, in seconds since 1970.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from sandboxd.fakes import mark
from sandboxd.fakes.forms.chosen import unbase64
from sandboxd.fakes.model import VALUE, Form, Parts

if TYPE_CHECKING:
    from sandboxd.fakes.options import NoOptions
    from sandboxd.fakes.stream import Stream

_PREFIX = "pypi-"
_END = b"\0"
_CAVEAT = b"[0, 0, 0]"
_LOCATION, _IDENTIFIER, _SIGNATURE = 1, 2, 6


def pypi() -> Form:
    """Tokens that expired before PyPI was written."""

    def make(kind: str, stream: Stream, _options: NoOptions) -> Parts:
        drawn = bytearray(stream.read(16))
        drawn[6] = drawn[6] & 0x0F | 0x80
        drawn[8] = drawn[8] & 0x3F | 0x80
        body = _head(drawn.hex()) + stream.read(16)
        return {VALUE: _PREFIX + base64.urlsafe_b64encode(mark.sealed(kind, body, 16)).rstrip(b"=").decode()}

    def marked(kind: str, value: str) -> bool:
        decoded = _decoded(value)
        return decoded is not None and broken(value) and mark.is_sealed(kind, decoded, 16)

    def broken(value: str) -> bool:
        decoded = _decoded(value)
        if decoded is None:
            return False
        identifier = decoded[13:49].decode("ascii", "replace").replace("-", "")
        return len(identifier) == 32 and identifier[12] == "8" and decoded.startswith(_head(identifier))

    return Form(make=make, marked=marked, broken=broken, bits=128.0, anchor="pypi-AgEIcHlwaS5vcmc")


def _head(identifier: str) -> bytes:
    """All of the macaroon before the bytes of its signature."""
    groups = (identifier[:8], identifier[8:12], identifier[12:16], identifier[16:20], identifier[20:])
    named = _packet(_LOCATION, b"pypi.org") + _packet(_IDENTIFIER, "-".join(groups).encode()) + _END
    caveats = _packet(_IDENTIFIER, _CAVEAT) + _END + _END
    return b"\2" + named + caveats + bytes([_SIGNATURE, 32])


def _packet(field: int, content: bytes) -> bytes:
    return bytes([field, len(content)]) + content


def _decoded(value: str) -> bytes | None:
    return unbase64(value.removeprefix(_PREFIX)) if value.startswith(_PREFIX) else None
