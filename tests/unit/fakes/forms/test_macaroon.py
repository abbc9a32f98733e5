"""PyPI tokens. The layout is that of libmacaroons' version 2 binary format."""

import base64
import uuid

from sandboxd.fakes import Status, generate, verify


def unpacked(value):
    body = value.removeprefix("pypi-")
    data = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    assert data[0] == 2
    fields, at = [], 1
    while at < len(data):
        if data[at] == 0:
            fields.append(None)
            at += 1
            continue
        fields.append((data[at], data[at + 2 : at + 2 + data[at + 1]]))
        at += 2 + data[at + 1]
    return fields


def test_a_token_is_a_macaroon_of_pypi_that_ended_in_1970(source):
    location, identifier, end, caveat, caveat_end, caveats_end, signature = unpacked(generate("pypi.token", source))
    assert location == (1, b"pypi.org")
    assert identifier[0] == 2
    assert uuid.UUID(identifier[1].decode()).version == 8
    assert caveat == (2, b"[0, 0, 0]")
    assert (end, caveat_end, caveats_end) == (None, None, None)
    assert (signature[0], len(signature[1])) == (6, 32)


def test_a_token_without_the_mark_is_impossible_by_its_identifier(source):
    value = generate("pypi.token", source)
    assert verify(value[:-4] + "AAAA").status is Status.IMPOSSIBLE


def test_a_token_with_an_identifier_of_version_4_is_possibly_real(source):
    value = generate("pypi.token", source)
    body = base64.urlsafe_b64decode(value.removeprefix("pypi-") + "==")
    real = body[:27] + b"4" + body[28:]
    assert verify("pypi-" + base64.urlsafe_b64encode(real).rstrip(b"=").decode()).status is Status.POSSIBLY_REAL
