"""Certificates and keys that clients send as PEM, refused as the real server refuses them.

A **bundle** is a certificate, its chain and its key, or some of these. All that reads one raises ValueError with the
real server's reason.

Source: OpenBao's sdk/helper/certutil and its plugins, observed on a running 2.7.2; Go's crypto/tls.
"""

import base64
import re
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key
from cryptography.x509.oid import NameOID

from sandboxd.vault.framework.gojson import TEXT, ListOf, Struct, first_value, unmarshal
from sandboxd.vault.framework.jsontext import whole
from sandboxd.vault.gotext import quote

E = TypeVar("E", bound=x509.ExtensionType)

_BLOCK = re.compile(
    r"^-----BEGIN ([A-Z0-9 ]+)-----[ \t]*\r?\n"
    r"((?:[^\n:]+:[^\n]*\n)*)"  # headers
    r"([^-:]*)-----END \1-----[ \t]*(?:\r?\n|\Z)",
    re.MULTILINE,
)
_KEYS = ("RSA PRIVATE KEY", "EC PRIVATE KEY", "PRIVATE KEY")
_TYPES = (
    (rsa.RSAPublicKey, "*rsa.PublicKey"),
    (ec.EllipticCurvePublicKey, "*ecdsa.PublicKey"),
    (ed25519.Ed25519PublicKey, "ed25519.PublicKey"),
)
_NEITHER = "unable to parse out of either secret data or a secret object"
_TEXTS = ("private_key_type", "certificate", "issuing_ca", "private_key", "serial_number")
_BUNDLE = Struct("certutil.CertBundle", {**dict.fromkeys(_TEXTS, TEXT), "ca_chain": ListOf(TEXT)})


@dataclass(frozen=True)
class Block:
    """One block of PEM."""

    type: str
    headers: str
    der: bytes
    text: str
    rest: str  # what comes after it


def block(text: str) -> Block | None:
    """The first block in a text; what is malformed is passed over."""
    for found in _BLOCK.finditer(text):
        try:
            der = base64.b64decode("".join(found[3].split()), validate=True)
        except ValueError:
            continue
        return Block(found[1], found[2], der, found[0], text[found.end() :])
    return None


def blocks(text: str) -> Iterator[Block]:
    """All blocks of a text that holds nothing after them."""
    while text:
        found = block(text)
        if found is None:
            raise ValueError("no data found in PEM block")
        text = found.rest
        yield found


def parse(pem: str) -> tuple[list[x509.Certificate], Any]:
    """The certificates and the key of a bundle; None where it has no key (`ParsePEMBundle`)."""
    certificates: list[x509.Certificate] = []
    key: Any = None
    for each in blocks(pem):
        found = _key(each.der)
        if found is not None:
            if key is not None:
                raise ValueError("more than one private key given; provide only one private key in the bundle")
            key = found
            continue
        try:
            certificates.append(_certificate(each.der))
        except ValueError:
            if "DEK-Info:" in each.headers:
                raise ValueError(
                    "Encrypted private key given; provide only decrypted private key in the bundle"
                ) from None
    fault = _mismatch(certificates, key) or _broken_chain(certificates)
    if fault:
        raise ValueError(f"verification of parsed bundle failed: {fault}")
    return certificates, key


def is_authority(certificate: x509.Certificate) -> bool:
    """Whether a certificate is marked as that of a CA."""
    constraints = _extension(certificate, x509.BasicConstraints)
    return constraints is not None and constraints.ca


def pool(pem: str) -> bytes:
    """The certificates in a text, one after another as DER, whatever else it holds (`AppendCertsFromPEM`)."""
    found = b""
    while (each := block(pem)) is not None:
        pem = each.rest
        if each.type == "CERTIFICATE" and not each.headers and _is_certificate(each.der):
            found += each.der
    return found


def key_pair(certificates: str, keys: str) -> str:
    """A certificate with its chain and its key, as PEM without anything else (`X509KeyPair`)."""
    others = []
    chain = []
    while (found := block(certificates)) is not None:
        certificates = found.rest
        if found.type == "CERTIFICATE":
            chain.append(found.der)
        else:
            others.append(found.type)
    if not chain:
        raise ValueError(
            "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may "
            "have been switched"
            if len(others) == 1 and others[0].endswith("PRIVATE KEY")
            else _nothing("certificate", '"CERTIFICATE" PEM block', others)
        )
    others = []
    while (found := block(keys)) is not None and not found.type.endswith("PRIVATE KEY"):
        keys = found.rest
        others.append(found.type)
    if found is None:
        raise ValueError(
            "tls: found a certificate rather than a key in the PEM for the private key"
            if others == ["CERTIFICATE"]
            else _nothing("key", 'PEM block with type ending in "PRIVATE KEY"', others)
        )
    certificate, key = _certificate(chain[0]), _key(found.der)
    if key is None:
        raise ValueError("tls: failed to parse private key")
    if _type(certificate.public_key()) != _type(key.public_key()):
        raise ValueError("tls: private key type does not match public key type")
    if certificate.public_key() != key.public_key():
        raise ValueError("tls: private key does not match public key")
    shown = map(ssl.DER_cert_to_PEM_cert, filter(_is_certificate, chain))
    secret: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return "".join(shown) + secret.decode()


def check_client_json(text: str) -> None:
    """Refuse a JSON text that is no bundle for a client of Cassandra."""
    try:
        whole(text)
        found = unmarshal(text, _BUNDLE)
    except ValueError as error:
        raise ValueError(f"failed to parse JSON: {error}") from None
    if found["issuing_ca"] and found["ca_chain"]:
        raise ValueError("issuing_ca and ca_chain cannot both be specified")
    authorities = [found["issuing_ca"]] if found["issuing_ca"] else found["ca_chain"]
    _check_client(found["certificate"], found["private_key"], authorities)


def check_client_pem(pem: str) -> None:
    """Refuse a text that is no bundle for a client of Cassandra."""
    leaf = key = ""
    authorities = []
    for each in blocks(pem):
        if each.type == "CERTIFICATE":
            try:
                certificate = _certificate(each.der)
            except ValueError as error:
                raise ValueError(f"failed to parse certificate: {error}") from None
            if is_authority(certificate):
                authorities.append(each.text)
                continue
            if leaf:
                raise ValueError("multiple leaf certificates not supported")
            leaf = each.text
        elif each.type in _KEYS:
            if key:
                raise ValueError("multiple private keys not supported")
            key = each.text
        else:
            raise ValueError(f"unsupported PEM block type [{each.type}]")
    _check_client(leaf, key, authorities)


def check_issued_json(text: str) -> None:
    """Refuse a JSON text that is not what the PKI engine issues (`ParsePKIJSON`)."""
    try:
        found = unmarshal(text, _BUNDLE)
    except ValueError:
        found = _data(text)
    if found["private_key"]:
        key = block(found["private_key"])
        if key is None:
            raise ValueError("Error decoding private key from cert bundle")
        if key.type not in _KEYS:
            raise ValueError(f"Unsupported key block type: {key.type}")
        if _key(key.der) is None:
            raise ValueError("Error getting signer: unable to parse private key")
    _check_issued(found["certificate"], "certificate", "")
    for certificate in found["ca_chain"]:
        _check_issued(certificate, "certificate", " via CA chain", always=True)
    if not found["ca_chain"]:
        _check_issued(found["issuing_ca"], "ca certificate", " via issuing CA")


def _check_client(leaf: str, key: str, authorities: Sequence[str]) -> None:
    if leaf and not key:
        raise ValueError("found certificate for client-side TLS authentication but no private key")
    if key and not leaf:
        raise ValueError("found private key for client-side TLS authentication but no certificate")
    if leaf:
        try:
            key_pair(leaf, key)
        except ValueError as error:
            raise ValueError(f"failed to parse certificate and private key pair: {error}") from None
    if not all(map(pool, authorities)):
        raise ValueError("failed to add CA certificate to certificate pool: it may be malformed or empty")


def _check_issued(pem: str, what: str, where: str, *, always: bool = False) -> None:
    if not pem and not always:
        return
    found = block(pem)
    if found is None:
        raise ValueError(f"Error decoding {what} from cert bundle")
    try:
        _certificate(found.der)
    except ValueError as error:
        raise ValueError(f"Error encountered parsing certificate bytes from raw bundle{where}: {error}") from None


def _data(text: str) -> dict[str, Any]:
    """The bundle in a JSON text that is a whole answer of the PKI engine, rather than its data."""
    try:
        data = first_value(text).get("data") or {}
        found = {name: data.get(name) or "" for name in _TEXTS}
        chain = list(data.get("ca_chain") or ())
    except (ValueError, AttributeError, TypeError):
        raise ValueError(_NEITHER) from None
    if not all(isinstance(each, str) for each in (*found.values(), *chain)):
        raise ValueError(_NEITHER)
    return {**found, "ca_chain": chain}


def _nothing(what: str, wanted: str, others: Sequence[str]) -> str:
    if not others:
        return f"tls: failed to find any PEM data in {what} input"
    listed = " ".join(others)
    return f"tls: failed to find {wanted} in {what} input after skipping PEM blocks of the following types: [{listed}]"


def _certificate(der: bytes) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(der)
    except (ValueError, x509.InvalidVersion):
        raise ValueError("x509: malformed certificate") from None


def _is_certificate(der: bytes) -> bool:
    try:
        _certificate(der)
    except ValueError:
        return False
    return True


def _key(der: bytes) -> Any:
    try:
        return load_der_private_key(der, None)
    except (TypeError, ValueError, UnsupportedAlgorithm):
        return None


def _type(key: object) -> str:
    """What Go calls the type of a public key."""
    return next((name for kind, name in _TYPES if isinstance(key, kind)), "")


def _mismatch(certificates: Sequence[x509.Certificate], key: Any) -> str:
    """Why a key is not that of the first certificate, if so."""
    if not certificates or key is None:
        return ""
    theirs, ours = certificates[0].public_key(), key.public_key()
    if _type(theirs) != _type(ours):
        names = f"{_type(theirs)} and {_type(ours)}"
        return f"could not compare public and private keys: key types do not match: {names}"
    return "" if theirs == ours else "public key of certificate does not match private key"


def _broken_chain(certificates: Sequence[x509.Certificate]) -> str:
    """Why the certificates are no chain, if so."""
    for place, (issued, issuer) in enumerate(pairwise(certificates), 1):
        if not is_authority(issuer):
            return f"certificate {place} of certificate chain is not a certificate authority"
        authority = _extension(issued, x509.AuthorityKeyIdentifier)
        subject = _extension(issuer, x509.SubjectKeyIdentifier)
        wanted = (authority and authority.key_identifier) or b""
        found = subject.digest if subject else b""
        if wanted != found:
            names = f"{quote(_common_name(issued))}/{quote(_common_name(issuer))}"
            return (
                f"certificate {place} of certificate chain ca trust path is incorrect "
                f"({names}) ({wanted.hex().upper()}/{found.hex().upper()})"
            )
    return ""


def _extension(certificate: x509.Certificate, kind: type[E]) -> E | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension):
        return None


def _common_name(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[-1].value) if names else ""
