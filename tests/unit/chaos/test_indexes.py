"""Index tokens. The OpenBao ones were captured from a cluster of 2.7.2; the form of Vault's is its Go client's."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode

import pytest

from sandboxd.chaos.indexes import parse, written

KEY = b"k" * 32
CAPTURED = "eyJjbHVzdGVyIjoiNDEyZmI3ZGQtMDNmNi01ZDU2LWU1NzYtZjFhNGU0N2Y2Mjc5IiwidmFsdWUiOiIzMCJ9"
CLUSTER = "412fb7dd-03f6-5d56-e576-f1a4e47f6279"


def encoded(text: str) -> str:
    return b64encode(text.encode()).decode()


def test_openbao_writes_it_as_json():
    assert written("openbao", CLUSTER, 30, KEY) == CAPTURED
    assert parse("openbao", CAPTURED)[:2] == (CLUSTER, 30)


def test_vault_signs_it():
    state, _, mac = b64decode(written("vault", CLUSTER, 30, KEY)).decode().rpartition(":")
    assert state == f"v1:{CLUSTER}:30:0"
    assert mac == hmac.new(KEY, state.encode(), hashlib.sha256).hexdigest()


def test_one_that_was_not_made_here_shows():
    assert parse("vault", written("vault", CLUSTER, 30, KEY)).signed(KEY)
    assert not parse("vault", written("vault", CLUSTER, 30, b"other")).signed(KEY)


@pytest.mark.parametrize(
    ("profile", "text"),
    [
        ("openbao", "abc"),
        ("openbao", "x"),
        ("openbao", encoded("[]")),
        ("openbao", encoded('"text"')),
        ("openbao", encoded("v1:a:1:0:00")),
        ("vault", "abc"),
        ("vault", encoded("v1:x")),
        ("vault", encoded("v1::1:0:00")),
        ("vault", encoded("v2:a:1:0:00")),
        ("vault", encoded("v1:a:1:0:xy")),
        ("vault", encoded("v1:a:-1:0:00")),
        ("vault", b64encode(b"\xff\xfe").decode()),
        ("vault", CAPTURED),
    ],
)
def test_what_is_no_index_is_refused(profile, text):
    with pytest.raises(ValueError, match=r"."):
        parse(profile, text)


@pytest.mark.parametrize("text", ["null", "{}", '{"other":[1]}', '{"cluster":"c","value":"abc"}', '{"cluster":"c"}'])
def test_openbao_takes_what_says_nothing_for_seen(text):
    assert parse("openbao", encoded(text)).value is None
