"""A cluster, as far as the engine has to do with it: simulated, or behind an API on this machine."""

import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Protocol

from sandboxd.engines.kubernetes.config import effective
from sandboxd.engines.kubernetes.selectors import SUBDOMAIN, SUBDOMAIN_RULE
from sandboxd.engines.kubernetes.tokens import issuer, signing_key
from sandboxd.vault.framework.backend import Call
from sandboxd.vault.gotext import quote

SHORTEST, LONGEST = 600, 1 << 32
"""Seconds that a cluster lets a token last."""


class ClusterError(Exception):
    """What a cluster says when it does not do something."""


def check_segment(what: str, name: str) -> None:
    """Raise ClusterError for a name that cannot be part of a path; `what` says whose it is."""
    faults = [f"may not contain '{sign}'" for sign in "/%" if sign in name]
    if name in (".", ".."):
        faults = [f"may not be '{name}'"]
    if faults:
        raise ClusterError(f"invalid {what} {quote(name)}: [{' '.join(faults)}]")


class Cluster(Protocol):
    """The calls of a cluster's API that the engine makes. All raise ClusterError.

    `kind` is that of a manifest ("Role"); those with "Cluster" in front are in no namespace.
    """

    async def labels(self, namespace: str) -> Mapping[str, str] | None:
        """The labels of a namespace; None when all but its name is whatever is wanted."""

    async def token(self, namespace: str, name: str, seconds: int, audiences: Sequence[str] | None) -> str:
        """A token of a service account."""

    async def create(self, kind: str, namespace: str, manifest: Mapping[str, Any]) -> str:
        """Make an object; gives its UID."""

    async def delete(self, kind: str, namespace: str, name: str) -> None:
        """Delete an object, if it is there."""


def cluster_of(call: Call) -> Cluster:
    """The cluster that the mount is configured for.

    Raises Failure with the real server's text when the configuration does not do, and Refusal for a live cluster that
    is not on this machine.
    """
    config = effective(call)
    if not call.live:
        return Simulated(call)
    from sandboxd.engines.kubernetes.api import Api

    return Api(config)


class Simulated:
    """A cluster that has whatever is asked for by a name that it could have, and does whatever it is told."""

    def __init__(self, call: Call) -> None:
        self._call = call

    async def labels(self, namespace: str) -> Mapping[str, str] | None:
        del namespace
        return None

    async def token(self, namespace: str, name: str, seconds: int, audiences: Sequence[str] | None) -> str:
        self._check_there(namespace)
        check_segment("resource name", name)
        if not _is_subdomain(name):
            raise ClusterError(f"serviceaccounts {quote(name)} not found")
        if not SHORTEST <= seconds <= LONGEST:
            wrong = "less than 10 minutes" if seconds < SHORTEST else "larger than 2^32 seconds"
            raise ClusterError(
                f'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: {seconds}: '
                f"may not specify a duration {wrong}"
            )
        key = await signing_key(self._call)
        now = int(self._call.clock.now())
        return self._call.fake(
            "kubernetes.service_account_token",
            "service_account_token",
            namespace=namespace,
            name=name,
            uid=self._uid(namespace, name),
            issuer=issuer(self._call),
            audiences=tuple(audiences or ()),
            issued_at=now,
            expires_at=now + seconds,
            private_key=key,
        )

    async def create(self, kind: str, namespace: str, manifest: Mapping[str, Any]) -> str:
        name = manifest["metadata"]["name"]
        if not kind.startswith("Cluster"):
            self._check_there(namespace)
        if kind == "ServiceAccount" and not _is_subdomain(name):
            shown = quote(name)
            raise ClusterError(f"{kind} {shown} is invalid: metadata.name: Invalid value: {shown}: {SUBDOMAIN_RULE}")
        return self._uid(namespace, f"{kind}/{name}")

    async def delete(self, kind: str, namespace: str, name: str) -> None:
        pass

    def _check_there(self, namespace: str) -> None:
        """Raise ClusterError for a namespace that no cluster can have."""
        check_segment("namespace", namespace)
        if len(namespace) > 63 or "." in namespace or not _is_subdomain(namespace):
            raise ClusterError(f"namespaces {quote(namespace)} not found")

    def _uid(self, namespace: str, name: str) -> str:
        """A UID, the same whenever the same thing is asked for."""
        digits = sha256(f"{self._call.mount.uuid}/{namespace}/{name}".encode()).hexdigest()
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:32]}"


def _is_subdomain(name: str) -> bool:
    """Whether most things of a cluster may have that name."""
    return len(name) <= 253 and re.fullmatch(SUBDOMAIN, name, re.ASCII) is not None
