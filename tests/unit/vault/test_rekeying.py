"""The ceremonies' steps. Texts were recorded from OpenBao 2.7.2; the rest of them is tested over HTTP, door by door."""

import pytest

from sandboxd.vault.entropy import Entropy
from sandboxd.vault.errors import Refusal, VaultError
from sandboxd.vault.rekeying import (
    REKEY,
    ROTATE,
    decode_token,
    encode_token,
    generate,
    otp_length,
    rotate,
    start_generation,
    start_rotation,
)
from sandboxd.vault.seal import Seal
from sandboxd.vault.storage import Storage, View


@pytest.fixture
def seal():
    made = Seal(Storage(), Entropy("rekeying"))
    made.open_key = made.initialize()[0]
    made.open()
    return made


def test_a_token_mixed_with_a_password_is_read_back(seal):
    otp = start_generation(seal, "openbao", Entropy("otp"), "", "")
    generation = seal.generation
    encoded = encode_token("s.0123456789abcdefghijklmn", generation, Entropy())
    assert "=" not in encoded
    assert decode_token(encoded, otp) == "s.0123456789abcdefghijklmn"


def test_a_password_that_was_given_is_not_handed_out(seal):
    assert start_generation(seal, "openbao", Entropy(), "x" * 26, "") == ""
    assert "x" * 26 not in repr(seal.generation)


def test_a_password_is_as_long_as_the_profiles_root_tokens():
    assert (otp_length("vault"), otp_length("openbao")) == (28, 26)


def test_the_two_doors_word_the_same_refusal_differently(seal):
    with pytest.raises(VaultError) as older:
        start_rotation(seal, REKEY, shares=0, threshold=0)
    with pytest.raises(Refusal) as newer:
        start_rotation(seal, ROTATE, shares=0, threshold=0)
    assert (older.value.status, newer.value.status) == (500, 400)
    assert older.value.errors == ("invalid rekey seal configuration: shares must be at least one",)
    assert newer.value.errors == (
        "invalid rotate seal configuration: %!w(*errors.errorString=&{shares must be at least one})",
    )


def test_one_share_is_enough_when_there_is_one(seal):
    start_rotation(seal, ROTATE, shares=1, threshold=1)
    done = rotate(seal, ROTATE, View(Storage(), ""), Entropy("r"), seal.open_key, seal.rotation.ceremony.nonce)
    assert done is not None
    seal.seal()
    assert seal.unseal(done.shares[0])


def test_a_generation_is_over_once_its_token_may_be_made(seal):
    start_generation(seal, "openbao", Entropy("otp"), "", "")
    nonce = seal.generation.ceremony.nonce
    _, progress, done = generate(seal, seal.open_key, nonce)
    assert (progress, done, seal.generation) == (1, True, None)
    with pytest.raises(ValueError, match=r"^no root generation in progress$"):
        generate(seal, seal.open_key, nonce)
