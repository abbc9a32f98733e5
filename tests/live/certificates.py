"""A certificate authority for one test run, and the certificate of a server that it vouches for."""

from __future__ import annotations

import datetime as dt
import ipaddress
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from pathlib import Path


def make(folder: Path) -> None:
    """Write `ca.pem`, and `server.pem` with its `server.key` for localhost and 127.0.0.1."""
    authority, server = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    key_id = x509.SubjectKeyIdentifier.from_public_key(authority.public_key())
    usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
    vouching = (
        _about("Test authority", authority)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(key_id, critical=False)
    )
    vouched_for = (
        _about("localhost", server)
        .add_extension(names, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier(key_id.digest, None, None), critical=False)
    )
    (folder / "ca.pem").write_bytes(vouching.sign(authority, hashes.SHA256()).public_bytes(Encoding.PEM))
    (folder / "server.pem").write_bytes(vouched_for.sign(authority, hashes.SHA256()).public_bytes(Encoding.PEM))
    key = folder / "server.key"
    key.write_bytes(server.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    key.chmod(0o600)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _about(name: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    day = dt.timedelta(days=1)
    return x509.CertificateBuilder(
        subject_name=_name(name),
        issuer_name=_name("Test authority"),
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=now - day,
        not_valid_after=now + day,
    )
