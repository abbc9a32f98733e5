"""A certificate authority for development: trusted by whoever is told to, and nobody else. Its key stays in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sandboxd.fakes.forms.certificate import general_name, key_usage

if TYPE_CHECKING:
    from sandboxd.vault.clock import Clock

DAYS = 30
LOCAL = ("localhost", "127.0.0.1", "::1")


class Pair(NamedTuple):
    """A certificate and its key, as PEM."""

    certificate: bytes
    key: bytes


class Authority:
    """Makes certificates for listeners.

    Args:
        clock: says from when on its own one holds.
        parent: the authority that it is below; none for one of its own.
        period: from when to when its own certificate holds; from now on without.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        name: str = "sandboxd development CA, trusted by nobody else",
        parent: Authority | None = None,
        period: tuple[datetime, datetime] | None = None,
    ) -> None:
        self._clock = clock
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        start, end = period or self.period()
        signer = parent or self
        builder = (
            x509.CertificateBuilder()
            .subject_name(self._name)
            .issuer_name(signer._name)  # noqa: SLF001 -- one of its own
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=True, path_length=1 if parent is None else 0), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .add_extension(key_usage(is_ca=True), critical=True)
        )
        self._certificate = builder.sign(signer._key, hashes.SHA256())  # noqa: SLF001

    def below(self, period: tuple[datetime, datetime]) -> Authority:
        """An authority below this one, whose certificate holds from one moment to another."""
        return Authority(self._clock, name="sandboxd development intermediate CA", parent=self, period=period)

    @property
    def certificate(self) -> bytes:
        """Its own certificate, as PEM."""
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    def period(self, days: float = DAYS) -> tuple[datetime, datetime]:
        """From a little before now until so many days from now."""
        now = datetime.fromtimestamp(self._clock.now(), UTC)
        return now - timedelta(minutes=5), now + timedelta(days=days)

    def issue(self, hosts: Sequence[str], period: tuple[datetime, datetime] | None = None) -> Pair:
        """A certificate for a server.

        Args:
            hosts: the names and addresses that it is for.
            period: from when to when it holds; from now on without.
        """
        start, end = period or self.period()
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            x509.CertificateBuilder()
            .subject_name(_name(hosts[0]))
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(end)
            .add_extension(x509.SubjectAlternativeName([general_name(host) for host in hosts]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .add_extension(key_usage(is_ca=False), critical=True)
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
                critical=False,
            )
            .sign(self._key, hashes.SHA256())
        )
        encoding = serialization.Encoding.PEM
        return Pair(
            certificate.public_bytes(encoding),
            key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
        )


def names_for(hosts: Sequence[str]) -> list[str]:
    """What a listener's certificate is for: the hosts that it was given, and this machine."""
    return list(dict.fromkeys((*hosts, *LOCAL)))


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
