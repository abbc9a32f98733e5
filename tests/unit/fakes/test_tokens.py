"""Tokens that the vault hands out. Their forms are Vault's and OpenBao's; where base64 breaks is told in Go's words."""

import re

import pytest

from sandboxd.fakes import verify
from sandboxd.fakes.tokens import (
    LONG,
    OPENBAO,
    SHORT,
    decode_base64,
    is_batch_token,
    is_service_token,
    looks_signed,
    mint_service_token,
    pack_batch_token,
    unpack_batch_token,
)
from sandboxd.vault.entropy import Entropy


@pytest.mark.parametrize(
    ("kind", "pattern"),
    [(LONG, r"hvs\.CAESI[\w-]{86}"), (SHORT, r"hvs\.[0-9A-Za-z]{24}"), (OPENBAO, r"s\.[0-9A-Za-z]{24}")],
)
def test_a_service_token_has_its_form_and_its_mark(kind, pattern):
    made = mint_service_token(Entropy("seed").bytes, kind)
    assert re.fullmatch(pattern, made)
    assert is_service_token(made, kind)
    other = "A" if made[-1] != "A" else "B"
    assert not is_service_token(made[:-1] + other, kind)


@pytest.mark.parametrize("kind", [LONG, SHORT])
def test_anyone_can_verify_a_vault_token(kind):
    assert verify(mint_service_token(Entropy("seed").bytes, kind)).made_here


def test_the_same_chance_gives_the_same_token():
    assert mint_service_token(Entropy("seed").bytes) == mint_service_token(Entropy("seed").bytes)


@pytest.mark.parametrize("prefix", ["hvb.", "b."])
def test_a_batch_token_gives_back_what_it_carries(prefix):
    token = pack_batch_token(b"sealed", prefix)
    assert token.startswith(f"{prefix}AAAAAQ")
    assert unpack_batch_token(token.removeprefix(prefix)) == b"sealed"
    assert is_batch_token(token)
    assert is_batch_token(f"{token}.ns1234")


@pytest.mark.parametrize("value", ["hvb.AAAAAQ", "hvb.!", "hvs.AAAAAQ", "hvb", ""])
def test_what_carries_no_mark_is_no_batch_token_made_here(value):
    assert not is_batch_token(value)


@pytest.mark.parametrize(
    ("text", "at"), [("!", 0), ("AAAA=", 4), ("A", 0), ("AAAAA", 4), ("AA\nAA!", 5), ("é", 0), ("AAé", 2)]
)
def test_broken_base64_says_where(text, at):
    with pytest.raises(ValueError, match=rf"^illegal base64 data at input byte {at}$"):
        decode_base64(text)


@pytest.mark.parametrize(
    ("text", "raw"), [("", b""), ("QQ", b"A"), ("QUI", b"AB"), ("QU\r\nJD", b"ABC"), ("-_-_", b"\xfb\xff\xbf")]
)
def test_base64_needs_no_padding(text, raw):
    assert decode_base64(text) == raw


def test_only_base64_behind_the_prefix_looks_signed():
    assert looks_signed("hvs.AAAA")
    assert not looks_signed("hvs.!!!!")
    assert not looks_signed("s.AAAA")
