"""TLS for listeners: certificates made on the spot for development, and those that a configuration names."""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandboxd.edge.authority import Authority
    from sandboxd.vault.clock import Clock

CA_FILE, CERTIFICATE_FILE, KEY_FILE = "vault-ca.pem", "vault-cert.pem", "vault-key.pem"
VERSIONS = {
    "tls10": ssl.TLSVersion.TLSv1_2,
    "tls11": ssl.TLSVersion.TLSv1_2,
    "tls12": ssl.TLSVersion.TLSv1_2,
    "tls13": ssl.TLSVersion.TLSv1_3,
}
# OpenSSL's reasons in the real server's words.
_REASONS = {
    "KEY_VALUES_MISMATCH": "tls: private key does not match public key",
    "NO_START_LINE": "decoded PEM is blank",
    "PEM_LIB": "decoded PEM is blank",
    "BAD_PASSWORD_READ": "the key is encrypted, and there is nobody to ask for its passphrase",
}


class TlsError(Exception):
    """The certificate or key cannot be used; the text says why."""


@dataclass(frozen=True)
class Files:
    """Where the certificates of a development listener lie, and who made them."""

    ca: Path
    certificate: Path
    key: Path
    authority: "Authority"


def make_files(directory: Path, hosts: Sequence[str], clock: "Clock") -> Files:
    """Make a certificate authority and a server certificate for these hosts, as `server -dev-tls` does.

    The files have the real server's names; the key is for its owner alone, and the authority's stays in memory.
    """
    from sandboxd.edge.authority import Authority, names_for

    authority = Authority(clock)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = authority.issue(names_for(hosts))
    files = Files(directory / CA_FILE, directory / CERTIFICATE_FILE, directory / KEY_FILE, authority)
    files.ca.write_bytes(authority.certificate)
    files.certificate.write_bytes(made.certificate)
    files.key.unlink(missing_ok=True)
    files.key.touch(mode=0o600)
    files.key.write_bytes(made.key)
    return files


def server_context(
    certificate: Path, key: Path, *, minimum: str = "tls12", client_certificates: bool = True
) -> ssl.SSLContext:
    """The TLS side of a listener.

    Args:
        certificate, key: PEM files.
        minimum: the oldest version let in, "tls10" to "tls13"; "tls12" is the oldest that there really is.
        client_certificates: ask clients for a certificate. None is judged here: auth methods do that.

    Raises TlsError.
    """
    if minimum not in VERSIONS:
        known = ",".join(VERSIONS)
        raise TlsError(f"'tls_min_version' value \"{minimum}\" not supported, please specify one of [{known}]")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = VERSIONS[minimum]
    for file in (certificate, key):
        try:
            file.read_bytes()
        except OSError as error:
            raise TlsError(f"error loading TLS cert: open {file}: {(error.strerror or str(error)).lower()}") from None
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except ssl.SSLError as error:
        raise TlsError(f"error loading TLS cert: {_REASONS.get(error.reason or 'PEM_LIB', error.reason)}") from None
    if client_certificates:
        _ask_without_judging(context)
    context.set_alpn_protocols(["http/1.1"])
    return context


def _no_password() -> str:
    return ""  # instead of a prompt in the terminal


def _ask_without_judging(context: ssl.SSLContext) -> None:
    """Ask for client certificates of any issuer, self-signed ones included: auth methods judge them later.

    Python's `ssl` has no way to say so, so OpenSSL itself is told. Where it cannot be reached (another implementation
    of Python, one with OpenSSL built in and hidden), clients are not asked.
    """
    import ctypes
    import sys

    if sys.implementation.name != "cpython":
        return
    import _ssl

    set_verify = getattr(ctypes.CDLL(_ssl.__file__), "SSL_CTX_set_verify", None)
    if set_verify is None:
        return
    # The context object holds OpenSSL's SSL_CTX right behind its object head.
    pointer = ctypes.c_void_p.from_address(id(context) + object.__basicsize__).value
    set_verify(ctypes.c_void_p(pointer), ssl.CERT_OPTIONAL.value, _accept)


def _make_accept() -> object:
    import ctypes

    kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_void_p)
    return kind(lambda _verified, _store: 1)


_accept = _make_accept()  # held for as long as a context may call it
