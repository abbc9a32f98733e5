"""DER and PEM, against the examples of X.690 and RFC 8410."""

import pytest

from sandboxd.fakes.forms import der


@pytest.mark.parametrize(
    ("value", "encoded"), [(0, "020100"), (127, "02017f"), (128, "02020080"), (256, "02020100"), (65537, "0203010001")]
)
def test_integers(value, encoded):
    assert der.integer(value).hex() == encoded


def test_object_identifiers():
    assert der.oid(1, 2, 840, 113549, 1, 1, 1).hex() == "06092a864886f70d010101"
    assert der.oid(1, 3, 101, 112).hex() == "06032b6570"


@pytest.mark.parametrize(("size", "head"), [(127, "047f"), (128, "048180"), (256, "04820100"), (65536, "0483010000")])
def test_lengths(size, head):
    assert der.octets(bytes(size)).hex().startswith(head)


def test_the_public_key_of_rfc_8410():
    key = bytes.fromhex("19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1")
    content = der.sequence(der.sequence(der.oid(1, 3, 101, 112)), der.bits(key))
    assert der.pem("PUBLIC KEY", content) == (
        "-----BEGIN PUBLIC KEY-----\n"
        "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
        "-----END PUBLIC KEY-----\n"
    )
