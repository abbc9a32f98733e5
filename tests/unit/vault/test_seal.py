"""The seal. Texts were recorded from OpenBao 2.7.2."""

import re

import pytest

from sandboxd.vault.entropy import Entropy
from sandboxd.vault.errors import Refusal
from sandboxd.vault.seal import Ceremony, Seal
from sandboxd.vault.storage import Storage

UNDECRYPTED = "invalid key: failed to decrypt keys from storage: cipher: message authentication failed"


@pytest.fixture
def seal():
    return Seal(Storage(), Entropy("seal"))


def refused(text):
    return pytest.raises(Refusal, match=f"^{re.escape(text)}$")


def test_a_server_begins_uninitialised_and_sealed(seal):
    assert (seal.initialized, seal.sealed, seal.shares, seal.threshold) == (False, True, 0, 0)
    with refused("Vault is not initialized"):
        seal.unseal(bytes(32))


def test_initialising_gives_shares_and_leaves_it_sealed(seal):
    shares = seal.initialize(5, 3)
    assert [len(share) for share in shares] == [33] * 5
    assert (seal.initialized, seal.sealed, seal.shares, seal.threshold) == (True, True, 5, 3)


def test_one_share_is_the_key_itself(seal):
    (key,) = seal.initialize()
    assert len(key) == 32
    assert seal.unseal(key)


def test_it_is_initialised_once(seal):
    seal.initialize()
    with refused("Vault is already initialized"):
        seal.initialize()


@pytest.mark.parametrize(
    ("shares", "threshold", "text"),
    [
        (0, 0, "shares must be at least one"),
        (-1, 1, "shares must be at least one"),
        (3, 0, "threshold must be at least one"),
        (3, 1, "threshold must be greater than one for multiple shares"),
        (256, 4, "shares must be less than 256"),
        (1, 2, "threshold cannot be larger than shares"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(seal, shares, threshold, text):
    with refused(f"invalid seal configuration: {text}"):
        seal.initialize(shares, threshold)
    assert not seal.initialized


def test_enough_shares_open_it(seal):
    shares = seal.initialize(5, 3)
    assert [seal.unseal(share) for share in (shares[4], shares[0], shares[2])] == [False, False, True]
    assert not seal.sealed


def test_progress_has_a_nonce_while_shares_come_in(seal):
    shares = seal.initialize(5, 3)
    assert (seal.progress, seal.nonce) == (0, "")
    seal.unseal(shares[0])
    first = seal.nonce
    assert seal.progress == 1
    assert first
    seal.reset()
    assert (seal.progress, seal.nonce) == (0, "")
    seal.unseal(shares[0])
    assert seal.nonce != first


def test_the_same_share_counts_once(seal):
    shares = seal.initialize(5, 3)
    seal.unseal(shares[0])
    assert not seal.unseal(shares[0])
    assert seal.progress == 1


def test_wrong_shares_are_all_forgotten(seal):
    shares = seal.initialize(5, 3)
    seal.unseal(shares[0])
    seal.unseal(shares[1])
    with refused(f"unable to retrieve stored keys: {UNDECRYPTED}"):
        seal.unseal(b"\xaa" * 33)
    assert (seal.progress, seal.nonce, seal.sealed) == (0, "", True)


def test_shares_that_do_not_combine_are_all_forgotten(seal):
    shares = seal.initialize(5, 2)
    seal.unseal(shares[0])
    with refused("invalid key: failed to compute combined key: all parts must be the same length"):
        seal.unseal(bytes(20))
    assert seal.progress == 0


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (15, "invalid key: key is shorter than minimum 16 bytes"),
        (34, "invalid key: key is longer than maximum 33 bytes"),
        (20, "invalid key: failed to setup unseal key: crypto/aes: invalid key size 20"),
        (16, f"unable to retrieve stored keys: {UNDECRYPTED}"),
    ],
)
def test_what_is_no_key_is_refused(seal, size, text):
    seal.initialize()
    with refused(text):
        seal.unseal(bytes(size))


def test_sealing_forgets_a_rekey_but_not_a_root_token_in_the_making(seal):
    seal.initialize()
    seal.open()
    seal.rotation = seal.generation = object()
    seal.seal()
    assert seal.sealed
    assert seal.rotation is None
    assert seal.generation is not None


def test_after_a_restart_it_is_sealed_until_opened(seal):
    storage = Storage()
    Seal(storage, Entropy("seal")).initialize()
    again = Seal(storage, Entropy("seal"))
    again.reload()
    assert (again.initialized, again.sealed) == (True, True)
    again.open()
    assert not again.sealed


def test_a_restored_storage_without_a_key_is_sealed():
    storage = Storage()
    empty = storage.snapshot()
    seal = Seal(storage, Entropy("seal"))
    seal.initialize()
    seal.open()
    storage.restore(empty)
    seal.reload()
    assert (seal.initialized, seal.sealed) == (False, True)


def test_an_adopted_key_replaces_the_old_one(seal):
    (old,) = seal.initialize()
    made = seal.make(1, 1)
    seal.adopt(made.config)
    with refused(f"unable to retrieve stored keys: {UNDECRYPTED}"):
        seal.unseal(old)
    assert seal.unseal(made.shares[0])


def test_neither_key_nor_shares_are_kept():
    storage = Storage()
    shares = Seal(storage, Entropy("seal")).initialize(3, 2)
    kept = repr([storage.get(path) for path in storage.walk("")])
    assert not any(repr(share)[2:-1] in kept for share in shares)


def test_a_ceremony_shows_no_share():
    ceremony = Ceremony("n")
    ceremony.add(b"hidden-share")
    assert "hidden-share" not in repr(ceremony)
