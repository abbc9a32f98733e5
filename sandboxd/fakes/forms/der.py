"""Enough of DER (X.690) and PEM (RFC 7468) to write private keys byte for byte the same every time."""

from __future__ import annotations

import base64
import textwrap


def integer(value: int) -> bytes:
    """INTEGER of a number that is not negative."""
    return _tagged(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def octets(content: bytes) -> bytes:
    """OCTET STRING."""
    return _tagged(0x04, content)


def bits(content: bytes) -> bytes:
    """BIT STRING of whole bytes."""
    return _tagged(0x03, b"\0" + content)


def sequence(*members: bytes) -> bytes:
    """SEQUENCE."""
    return _tagged(0x30, b"".join(members))


def oid(*arcs: int) -> bytes:
    """OBJECT IDENTIFIER."""
    content = bytes([arcs[0] * 40 + arcs[1]])
    for arc in arcs[2:]:
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(arc & 0x7F | 0x80)
        content += bytes(reversed(groups))
    return _tagged(0x06, content)


NULL = b"\x05\0"


def pem(label: str, content: bytes, width: int = 64) -> str:
    """PEM with a final line break."""
    lines = textwrap.wrap(base64.b64encode(content).decode(), width)
    return "\n".join((f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""))


def _tagged(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + content
