"""Bundles of certificates and keys: what the conformance cases don't show, since it needs certificates of a chain."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from unit.databases import authority
from unit.helpers import START

from sandboxd.engines.database import bundles

KEYS = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())


def signed(name: str, key: ec.EllipticCurvePrivateKey, by: ec.EllipticCurvePrivateKey, *, ca: bool) -> str:
    """A certificate that names its key and its issuer's."""
    since = datetime.fromtimestamp(START, UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "issuer")]))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(since)
        .not_valid_after(since + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False)
    )
    return builder.sign(by, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def test_a_chain_is_taken_in_order() -> None:
    leaf, ca = signed("leaf", KEYS[0], KEYS[1], ca=False), signed("ca", KEYS[1], KEYS[1], ca=True)

    certificates, key = bundles.parse(leaf + ca)

    assert [bundles.is_authority(each) for each in certificates] == [False, True]
    assert key is None


def test_a_chain_of_strangers_is_refused_with_their_names_and_keys() -> None:
    leaf, ca = signed("leaf", KEYS[0], KEYS[0], ca=False), signed("ca", KEYS[1], KEYS[1], ca=True)
    wanted, found = (x509.SubjectKeyIdentifier.from_public_key(key.public_key()).digest.hex().upper() for key in KEYS)

    with pytest.raises(ValueError, match="verification of parsed bundle failed") as caught:
        bundles.parse(leaf + ca)

    assert str(caught.value).endswith(
        f'certificate 1 of certificate chain ca trust path is incorrect ("leaf"/"ca") ({wanted}/{found})'
    )


def test_an_encrypted_key_is_refused() -> None:
    headers = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n"
    pem = authority()["ca_cert"] + f"-----BEGIN EC PRIVATE KEY-----\n{headers}AAAA\n-----END EC PRIVATE KEY-----\n"

    with pytest.raises(ValueError, match="Encrypted private key given; provide only decrypted"):
        bundles.parse(pem)


def test_a_huge_text_that_is_no_bundle_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="no data found in PEM block"):
        bundles.parse("-----BEGIN X-----\n" * 20_000)


def test_what_else_stands_in_a_text_does_not_hide_its_certificates() -> None:
    ca = authority()
    broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"

    assert bundles.pool(f"# é\n{broken}{ca['ca_cert']}") == x509.load_pem_x509_certificate(
        ca["ca_cert"].encode()
    ).public_bytes(Encoding.DER)
    assert bundles.pool("x") == b""


def test_a_pair_is_given_without_what_else_stands_there() -> None:
    ca = authority()
    broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    pair = ca["ca_cert"] + ca["ca_private_key"]

    assert bundles.key_pair(f"# é\n{ca['ca_cert']}{broken}", f"{broken}{ca['ca_private_key']}é") == pair
