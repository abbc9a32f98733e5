"""Bring a development server back to what it was when it started, through its own API.

That takes some ten milliseconds, a new process many times that. What cannot be brought back this way (the seal, the
keys, the audit log) belongs into a case marked `fresh`. Whether it worked is checked; if it did not, the caller starts
the server anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from conformance.client import dig
from conformance.steps import DELETE, GET, LIST, POST

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.client import Client

MOUNTS = {"sys/", "identity/", "cubbyhole/", "secret/"}
LISTS = {
    "sys/policies/acl": {"default", "root"},
    "sys/policies/password": set(),
    "sys/namespaces": set(),
    "sys/quotas/rate-limit": set(),
    "auth/token/roles": set(),
    "identity/entity/id": set(),
    "identity/group/id": set(),
    "identity/oidc/key": {"default"},
    "identity/oidc/role": set(),
    "cubbyhole": set(),
    "secret/metadata": set(),
}
"""What is listed where, with what a new server has there; the rest is deleted."""


def reset(client: Client, baseline: Any) -> bool:
    """Undo what a case did; says whether the server now is as `fingerprint` found it at its start."""
    for path in names(client, "sys/mounts"):
        if path not in MOUNTS:
            client.send(DELETE(f"sys/mounts/{quote(path.rstrip('/'))}"))
    for path in names(client, "sys/auth"):
        if path != "token/":
            client.send(DELETE(f"sys/auth/{quote(path.rstrip('/'))}"))
    for place, kept in LISTS.items():
        for name in keys(client, place):
            if name not in kept:
                client.send(DELETE(f"{place}/{quote(name.rstrip('/'))}"))
    root = dig(client.send(GET("auth/token/lookup-self")).json(), "data.accessor")
    for accessor in keys(client, "auth/token/accessors"):
        if accessor != root:
            client.send(POST("auth/token/revoke-accessor", {"accessor": accessor}))
    if keys(client, "sys/namespaces"):
        client.send(LIST("sys/namespaces", until=404))
    client.send(DELETE("sys/config/cors"))
    return bool(fingerprint(client) == baseline)


def fingerprint(client: Client) -> Any:
    """What must be the same after a reset as before the case."""
    places = ("sys/mounts", "sys/auth", "sys/audit", "sys/config/cors", "sys/policies/acl/default", "sys/quotas/config")
    documents = [dig(client.send(GET(place)).json(), "data") for place in places]
    return [*documents, [sorted(keys(client, place)) for place in (*LISTS, "auth/token/accessors")]]


def names(client: Client, path: str) -> Iterable[str]:
    return dig(client.send(GET(path)).json(), "data") or ()


def keys(client: Client, path: str) -> Iterable[str]:
    return dig(client.send(LIST(path)).json(), "data.keys") or ()
