"""What a simulated cluster signs its tokens with, and the documents by which anyone can verify them.

Each mount has a signing key of its own, made when it is first needed. The **issuer** of its tokens is a URL of this
sandbox, below which the discovery document and the key set are (`documents`), as a cluster has them.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from sandboxd.fakes import hosts
from sandboxd.fakes.forms.service_account import key_set, load_key
from sandboxd.vault.framework.backend import Call

PLACE = "/_sandboxd/v1/kubernetes/"
"""Below which the documents of all mounts are, each under its mount's accessor."""

_KEY = "signing-key"


class SigningKey(msgspec.Struct, frozen=True):
    """A private key, as PEM."""

    pem: str

    def __repr__(self) -> str:
        return "<SigningKey>"


class Reader(Protocol):
    """A mount's storage, to be read."""

    def get(self, path: str, /) -> object:
        """The value at a path, or None."""


def issuer(call: Call) -> str:
    """The issuer of a mount's tokens."""
    return issuer_at(call.system.address, call.request.header("host"), call.mount.accessor)


def issuer_at(address: str, host: str, accessor: str) -> str:
    """The issuer of the tokens of a mount: at the sandbox's address, or at that by which the client knows it.

    Neither does where it is one that others could have. "0.0.0.0", to listen on, is no address to be found at.
    """
    scheme = address.partition("://")[0] or "http"
    port = address.rpartition(":")[2] or "8200"
    bases = (address, f"{scheme}://{host}", f"{scheme}://127.0.0.1:{port}")
    base = next(base for base in bases if hosts.is_local(hosts.of_url(base)))
    return f"{base}{PLACE}{accessor}"


async def signing_key(call: Call) -> str:
    """The key that the mount signs with, as PEM; made in a thread when there is none yet."""
    known = call.storage.get(_KEY, SigningKey)
    if known is None:
        made = await call.fakes_slowly("rsa.private_key", _KEY)
        known = call.storage.get(_KEY, SigningKey)  # another request may have been faster
        if known is None:
            known = SigningKey(made["value"])
            call.storage.put(_KEY, known)
    return known.pem


def documents(storage: Reader, issuer: str) -> Mapping[str, Any]:
    """What a mount publishes about its tokens, by the path below its issuer: OpenID discovery, and the key set.

    Args:
        storage: the mount's.
        issuer: the URL that tokens have as `iss`.
    """
    key = storage.get(_KEY)
    jwks = f"{issuer}/openid/v1/jwks"
    return {
        ".well-known/openid-configuration": {
            "issuer": issuer,
            "jwks_uri": jwks,
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        },
        "openid/v1/jwks": key_set(load_key(key.pem)) if isinstance(key, SigningKey) else {"keys": []},
    }
