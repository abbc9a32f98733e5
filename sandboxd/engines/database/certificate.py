"""Client certificates: short-lived ones, signed by the CA that a role brings along."""

from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sandboxd.engines.database import bundles
from sandboxd.vault.framework.backend import Call

NANOSECONDS = 1_000_000_000
BEFORE = timedelta(seconds=30)  # that a certificate is valid earlier, for clocks that differ

_HASHES: dict[int, hashes.SHA256 | hashes.SHA384 | hashes.SHA512] = {
    256: hashes.SHA256(),
    384: hashes.SHA384(),
    512: hashes.SHA512(),
}
_CURVES: dict[int, ec.EllipticCurve] = {224: ec.SECP224R1(), 521: ec.SECP521R1()}


def parse_authority(ca_cert: str, ca_private_key: str) -> tuple[x509.Certificate, Any]:
    """The certificate and the key of a CA, of which each may stand where the other belongs.

    Raises ValueError with the real server's reason.
    """
    certificates, key = bundles.parse(f"{ca_cert}\n{ca_private_key}")
    if key is None:
        raise ValueError("private key not found in the PEM bundle")
    if not certificates:
        raise ValueError("certificate not found in the PEM bundle")
    if not bundles.is_authority(certificates[0]):
        raise ValueError("the given certificate is not marked for CA use")
    return certificates[0], key


def issue(
    call: Call,
    *,
    private: str,
    common_name: str,
    authority: x509.Certificate,
    authority_key: Any,
    signature_bits: int,
    expiration: int,
) -> tuple[str, str]:
    """A client certificate, and its key in the form that belongs to its kind, both as PEM without a line's end.

    Args:
        private: the key, as PEM.
        expiration: nanoseconds since 1970.
    """
    key: Any = load_pem_private_key(private.encode(), None)
    # The real server takes names of any length.
    subject = [x509.NameAttribute(NameOID.COMMON_NAME, common_name, _validate=False)] if common_name else []
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(subject))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(int.from_bytes(call.entropy.bytes(20), "big") >> 1)
        .not_valid_before(_moment(call.clock.now_ns()) - BEFORE)
        .not_valid_after(_moment(expiration))
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
    )
    signed_with = None if isinstance(authority_key, ed25519.Ed25519PrivateKey) else _HASHES[signature_bits]
    certificate = builder.sign(authority_key, signed_with)
    form = PrivateFormat.PKCS8 if isinstance(key, ed25519.Ed25519PrivateKey) else PrivateFormat.TraditionalOpenSSL
    return (
        certificate.public_bytes(Encoding.PEM).decode().strip(),
        key.private_bytes(Encoding.PEM, form, NoEncryption()).decode().strip(),
    )


def odd_curve_key(call: Call, bits: int) -> str:
    """A private key on a curve of which there are no fakes (P-224, P-521), as PEM."""
    curve = _CURVES[bits]
    key = ec.derive_private_key(1 + call.entropy.below(curve.group_order - 1), curve)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _moment(nanoseconds: int) -> datetime:
    return datetime.fromtimestamp(nanoseconds // NANOSECONDS, UTC)
