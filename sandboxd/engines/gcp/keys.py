"""Key files of service accounts, in the two forms that Google has: JSON, and PKCS #12 for old software."""

from __future__ import annotations

import base64
from asyncio import to_thread

from sandboxd.engines.gcp.config import KEY_KIND
from sandboxd.vault.framework.backend import Call

ALGORITHM = "KEY_ALG_RSA_2048"
JSON, PKCS12 = "TYPE_GOOGLE_CREDENTIALS_FILE", "TYPE_PKCS12_FILE"
ALGORITHMS = ("KEY_ALG_UNSPECIFIED", "KEY_ALG_RSA_1024", ALGORITHM)
TYPES = ("TYPE_UNSPECIFIED", PKCS12, JSON)
PASSWORD = b"notasecret"  # of all such files that Google makes
_LASTS = 10 * 365 * 24 * 60 * 60  # seconds


async def key_file(call: Call, account: str, kind: str) -> tuple[str, str]:
    """A new key file, in base64, and the id of its key.

    The account's name goes into it; its project does not, for what is fake about such a file is its project.
    """
    made = await call.fakes_slowly(KEY_KIND, "private_key_data", account=account)
    raw = made["value"].encode()
    if kind == PKCS12:
        raw = await to_thread(_pkcs12, made["private_key"], made["client_id"], int(call.clock.now()))
    return base64.b64encode(raw).decode(), made["private_key_id"]


def _pkcs12(private_key: str, name: str, now: int) -> bytes:
    from datetime import UTC, datetime

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, load_pem_private_key
    from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates

    key = load_pem_private_key(private_key.encode(), None)
    assert isinstance(key, RSAPrivateKey)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), int(name))
        .not_valid_before(datetime.fromtimestamp(now, UTC))
        .not_valid_after(datetime.fromtimestamp(now + _LASTS, UTC))
        .sign(key, SHA256())
    )
    return serialize_key_and_certificates(b"privatekey", key, certificate, None, BestAvailableEncryption(PASSWORD))
