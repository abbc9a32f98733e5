"""age and WireGuard keys. Bech32 vectors: BIP 173. X25519: RFC 7748."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from sandboxd.fakes import parts, verify
from sandboxd.fakes.forms.bech32 import clamped, decode, encode, x25519_public


@pytest.mark.parametrize(
    ("prefix", "content", "text"),
    [
        ("a", "", "a12uel5l"),
        ("abcdef", "00443214c74254b635cf84653a56d7c675be77df", "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw"),
    ],
)
def test_published_bech32(prefix, content, text):
    assert encode(prefix, bytes.fromhex(content)) == text
    assert decode(prefix, text) == bytes.fromhex(content)


@pytest.mark.parametrize("text", ["", "a1", "a12uel5m", "b12uel5l", "a1b2uel5l", "a12uel5"])
def test_broken_bech32_is_not_decoded(text):
    assert decode("a", text) is None


def test_the_public_key_of_rfc_7748():
    secret = bytes.fromhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
    expected = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"
    assert x25519_public(secret).hex() == expected


def test_an_age_identity_has_its_recipient(source):
    made = parts("age.identity", source)
    secret = decode("age-secret-key-", made["value"].lower())
    assert decode("age", made["recipient"]) == x25519_public(secret)
    assert made["value"].isupper()
    assert not verify(made["value"].lower()).made_here


def test_a_wireguard_key_is_clamped_and_has_its_public_half(source):
    made = parts("wireguard.private_key", source)
    secret = base64.b64decode(made["value"])
    assert clamped(secret) == secret
    public = X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()
    assert base64.b64decode(made["public_key"]) == public
