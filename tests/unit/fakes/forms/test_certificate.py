"""TLS certificates, read back by the cryptography library."""

import datetime as dt
import ipaddress
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509.oid import NameOID

from sandboxd.fakes import OptionError, Source, generate, parts, verify


def read(text):
    return x509.load_pem_x509_certificate(text.encode())


def test_the_key_belongs_to_the_certificate_and_the_ca_signed_it(source):
    made = parts("tls.certificate", source)
    certificate, ca = read(made["value"]), read(made["ca_certificate"])
    key = load_pem_private_key(made["private_key"].encode(), None)
    spki = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert certificate.public_key().public_bytes(*spki) == key.public_key().public_bytes(*spki)
    certificate.verify_directly_issued_by(ca)
    ca.verify_directly_issued_by(ca)
    assert ca.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert made["chain"] == made["value"] + made["ca_certificate"]
    assert made["bundle"] == made["private_key"] + made["chain"]


def test_a_tls_library_takes_it(source, tmp_path):
    made = parts("tls.certificate", source)
    (tmp_path / "pem").write_text(made["bundle"])
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "pem")
    server.load_verify_locations(cadata=made["ca_certificate"])


def test_names_and_dates_are_those_asked_for(source):
    options = {"common_name": "db.sandboxd.test", "names": ["localhost", "127.0.0.1", "db.sandboxd.test"],
               "not_before": "2024-05-06T07:08:09Z", "not_after": "2024-06-06T00:00:00+02:00"}  # fmt: skip
    certificate = read(generate("tls.certificate", source, options))
    assert certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "db.sandboxd.test"
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["db.sandboxd.test", "localhost"]
    assert names.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address("127.0.0.1")]
    assert certificate.not_valid_before_utc == dt.datetime(2024, 5, 6, 7, 8, 9, tzinfo=dt.UTC)
    assert certificate.not_valid_after_utc == dt.datetime(2024, 6, 5, 22, 0, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    "options",
    [
        {"not_before": "yesterday"},
        {"not_before": "2030-01-01", "not_after": "2029-01-01"},
        {"names": ["höst"]},
    ],
)
def test_dates_and_names_that_make_no_sense_are_refused(options, source):
    with pytest.raises(OptionError):
        generate("tls.certificate", source, options)


def test_all_certificates_of_a_seed_share_their_ca():
    first, second = Source("s", "a", "b"), Source("s", "c", "d", 4)
    assert generate("tls.certificate", first, part="ca_certificate") == generate(
        "tls.certificate", second, {"common_name": "x.test", "not_after": "2025-01-01"}, part="ca_certificate"
    )


def test_certificate_and_ca_verify(source):
    made = parts("tls.certificate", source)
    assert verify(made["value"]).kind.id == "tls_certificate"
    assert verify(made["ca_certificate"]).kind.id == "tls_certificate"


def test_the_serial_number_is_20_bytes_and_positive(source):
    serial = read(generate("tls.certificate", source)).serial_number
    assert serial.bit_length() == 159


def test_a_certificate_of_someone_else_is_not_ours(source):
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    made = read(generate("tls.certificate", source))
    key = ec.derive_private_key(12345, ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    other = x509.CertificateBuilder(name, name, key.public_key(), made.serial_number, made.not_valid_before_utc,
                                    made.not_valid_after_utc).sign(key, hashes.SHA256())  # fmt: skip
    assert not verify(other.public_bytes(Encoding.PEM).decode()).made_here


@pytest.mark.parametrize("text", ["-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_cannot_be_read_is_not_ours(text):
    assert not verify(text).made_here
