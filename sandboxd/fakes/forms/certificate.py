"""TLS certificates with their keys, signed by a fake CA that all certificates of a seed share.

The serial number ends in eight bytes of mark, which binds it to the public key; the modulus carries the tag. Validity
is an argument: nothing here asks for the time. RSA with PKCS#1 v1.5 signs the same way every time.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from typing import TYPE_CHECKING

from msgspec import Struct

from sandboxd.fakes import mark
from sandboxd.fakes.errors import OptionError
from sandboxd.fakes.forms import keys, primes
from sandboxd.fakes.model import VALUE, Form, Parts
from sandboxd.fakes.options import Options, option

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from sandboxd.fakes.stream import Stream

_ORGANIZATION = "sandboxd FAKE"
_AUTHORITY = "sandboxd FAKE CA"


class CertificateOptions(Options):
    """A server or client certificate."""

    common_name: str = option("*.sandboxd.test", "The subject's name.", minimum=1, maximum=64)
    names: tuple[str, ...] = option((), "Further DNS names and IP addresses; the common name is always one.")
    not_before: str = option("2020-01-01T00:00:00Z", "When it becomes valid (ISO 8601).")
    not_after: str = option("2049-12-31T23:59:59Z", "When it expires (ISO 8601).")
    bits: int = option(2048, "Size of the RSA modulus.", choices=(2048, 3072, 4096))


def tls() -> Form:
    """Certificates."""

    def make(kind: str, stream: Stream, options: CertificateOptions) -> Parts:
        from cryptography.hazmat.primitives.serialization import Encoding

        key = primes.tagged_key(stream.child("rsa"), options.bits)
        root = stream.shared(f"{kind}/ca")
        authority = primes.tagged_key(root.child("rsa"), 2048)
        since, until = _moment("not_before", options), _moment("not_after", options)
        if since >= until:
            raise OptionError("not_after must be later than not_before")
        issued = _signed(kind, stream, _Wanted(options.common_name, options.names, key, authority, since, until))
        # The CA's own dates are those of the defaults, so that it stays the same for every certificate of the seed.
        blank = CertificateOptions()
        always = _moment("not_before", blank), _moment("not_after", blank)
        itself = _signed(kind, root, _Wanted(_AUTHORITY, (), authority, authority, *always))
        certificate, ca = (each.public_bytes(Encoding.PEM).decode() for each in (issued, itself))
        private = keys.rsa_pem(key)
        return {
            VALUE: certificate,
            "private_key": private,
            "ca_certificate": ca,
            "chain": certificate + ca,
            "bundle": private + certificate + ca,
        }

    parts = {
        "private_key": "The key of the certificate, as PKCS#8 PEM.",
        "ca_certificate": "The certificate of the CA that signed it.",
        "chain": "The certificate, then the CA's.",
        "bundle": "Key, certificate and the CA's, in one text.",
    }
    return Form(make=make, marked=_marked, bits=64.0, options=CertificateOptions, parts=parts)


class _Wanted(Struct, frozen=True):
    name: str
    names: tuple[str, ...]
    key: primes.RsaKey
    signer: primes.RsaKey
    since: dt.datetime
    until: dt.datetime


def _moment(name: str, options: CertificateOptions) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(getattr(options, name))
    except ValueError:
        raise OptionError(f"{name} must be a date and time, such as 2020-01-01T00:00:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _signed(kind: str, stream: Stream, wanted: _Wanted) -> x509.Certificate:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    def named(common: str) -> x509.Name:
        return x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, _ORGANIZATION),
                x509.NameAttribute(NameOID.COMMON_NAME, common),
            ]
        )

    is_ca = wanted.key == wanted.signer
    subject, signer = _private(wanted.key), _private(wanted.signer)
    # The first bit of a serial number is its sign, and the second keeps its length.
    head = stream.read(12)
    head = bytes([head[0] & 0x3F | 0x40]) + head[1:]
    serial = head + _serial_mark(kind, head, wanted.key.n)
    builder = (
        x509.CertificateBuilder()
        .subject_name(named(wanted.name))
        .issuer_name(named(_AUTHORITY))
        .public_key(subject.public_key())
        .serial_number(int.from_bytes(serial, "big"))
        .not_valid_before(wanted.since)
        .not_valid_after(wanted.until)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=0 if is_ca else None), critical=True)
        .add_extension(key_usage(is_ca=is_ca), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(subject.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if not is_ca:
        uses = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        try:
            names = [general_name(name) for name in dict.fromkeys((wanted.name, *wanted.names))]
        except ValueError:
            raise OptionError("names must be DNS names or IP addresses") from None
        builder = builder.add_extension(x509.ExtendedKeyUsage(uses), critical=False)
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(signer, hashes.SHA256())


def key_usage(*, is_ca: bool) -> x509.KeyUsage:
    """What the key of a CA, or of a server, may do."""
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=not is_ca,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_ca,
        crl_sign=is_ca,
        encipher_only=False,
        decipher_only=False,
    )


def general_name(name: str) -> x509.GeneralName:
    """A host as a certificate names it: an IP address or a DNS name. Raises ValueError for what is neither."""
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _private(key: primes.RsaKey) -> RSAPrivateKey:
    from cryptography.hazmat.primitives.asymmetric import rsa

    public = rsa.RSAPublicNumbers(primes.EXPONENT, key.n)
    numbers = rsa.RSAPrivateNumbers(
        p=key.p,
        q=key.q,
        d=key.d,
        dmp1=key.d % (key.p - 1),
        dmq1=key.d % (key.q - 1),
        iqmp=pow(key.q, -1, key.p),
        public_numbers=public,
    )
    # Its primes were tested when they were found; testing them once more takes longer than all the rest.
    return numbers.private_key(unsafe_skip_rsa_key_validation=True)


def _serial_mark(kind: str, head: bytes, modulus: int) -> bytes:
    public = modulus.to_bytes((modulus.bit_length() + 7) // 8, "big")
    return mark.digest(kind, head + bytes(8) + public)[:8]


def _marked(kind: str, value: str) -> bool:
    if "-----BEGIN CERTIFICATE-----" not in value:
        return False
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    try:
        certificate = x509.load_pem_x509_certificate(value.replace("\\n", "\n").encode())
        public = certificate.public_key()
    except ValueError:
        return False
    if not isinstance(public, RSAPublicKey) or certificate.serial_number >> 160:
        return False
    serial = certificate.serial_number.to_bytes(20, "big")
    modulus = public.public_numbers().n
    return primes.is_tagged(modulus) and serial[12:] == _serial_mark(kind, serial[:12], modulus)
