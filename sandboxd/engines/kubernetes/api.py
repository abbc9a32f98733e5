"""The API of a real cluster, on this machine."""

import asyncio
import http.client
import json
import socket
import ssl
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote as escaped

from sandboxd.engines.kubernetes.cluster import ClusterError, check_segment
from sandboxd.engines.kubernetes.config import Config
from sandboxd.vault.framework import urls
from sandboxd.vault.framework.loopback import check_loopback
from sandboxd.vault.gotext import quote

TIMEOUT = 30.0
"""Seconds that a call may take."""

LONGEST_ANSWER = 4 << 20
LAST_PORT = 65535
_RBAC = "apis/rbac.authorization.k8s.io/v1"
_GROUP = ".rbac.authorization.k8s.io"
_ROOTS = {"ServiceAccount": ("api/v1", "")}  # of the other kinds: _RBAC, _GROUP

# What the client library of Kubernetes makes of an answer that is not in the API's own words.
_TEXTS = {
    400: "the server rejected our request for an unknown reason",
    401: "the server has asked for the client to provide credentials",
    404: "the server could not find the requested resource",
    405: "the server does not allow this method on the requested resource",
    409: "the server reported a conflict",
    422: "the server rejected our request due to an error in our request",
    429: "the server has received too many requests and has asked us to try again later",
    503: "the server is currently unable to handle the request",
    504: "the server was unable to return a response in the time allotted, but may still be processing the request",
}
_OWN_WORDS = (403, 406, 415)  # the text of the answer is shown
_PLAIN = "/$&+,:;=@~"  # what Go leaves as it is in a path


class UnsupportedScheme(OSError):
    """A URL is of a protocol that is not spoken; the text is its scheme."""


class Answer(NamedTuple):
    """What the API answered."""

    status: int
    type: str
    body: bytes


class Api:
    """A cluster's API. Raises Refusal for one that is not on this machine."""

    def __init__(self, config: Config) -> None:
        url = urls.parse(config.kubernetes_host)
        check_loopback(url.hostname or "localhost", "the Kubernetes API of this mount")
        self._scheme = url.scheme
        self._origin = f"{url.scheme}://{url.host.removesuffix(':')}"
        self._tls = url.scheme == "https"
        self._host = url.hostname or "localhost"
        self._port = int(url.port or (443 if self._tls else 80))
        self._base = url.path
        self._ca = config.kubernetes_ca_cert
        self._token = config.service_account_jwt

    async def labels(self, namespace: str) -> Mapping[str, str] | None:
        check_segment("resource name", namespace)
        path = f"api/v1/namespaces/{namespace}"
        found = await self._call("GET", path, what=f"namespaces {namespace}")
        labels = (found.get("metadata") or {}).get("labels") or {}
        return {str(key): str(value) for key, value in labels.items()}

    async def token(self, namespace: str, name: str, seconds: int, audiences: Sequence[str] | None) -> str:
        manifest = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "metadata": {},
            "spec": {"audiences": None if audiences is None else list(audiences), "expirationSeconds": seconds},
        }
        check_segment("namespace", namespace)
        check_segment("resource name", name)
        path = f"api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        found = await self._call("POST", path, manifest, what=f"serviceaccounts {name}")
        return str((found.get("status") or {}).get("token") or "")

    async def create(self, kind: str, namespace: str, manifest: Mapping[str, Any]) -> str:
        path, what = _place(kind, namespace)
        found = await self._call("POST", path, manifest, what=what)
        return str((found.get("metadata") or {}).get("uid") or "")

    async def delete(self, kind: str, namespace: str, name: str) -> None:
        path, what = _place(kind, namespace)
        check_segment("resource name", name)
        version = "v1" if kind == "ServiceAccount" else "rbac.authorization.k8s.io/v1"
        options = {"apiVersion": version, "kind": "DeleteOptions"}
        await self._call("DELETE", f"{path}/{name}", options, what=f"{what} {name}", missing_ok=True)

    async def _call(
        self, method: str, path: str, manifest: Any = None, *, what: str, missing_ok: bool = False
    ) -> dict[str, Any]:
        """Make a call; gives the object that is answered. `what` names the resource as error texts do."""
        path = escaped(f"{self._base}/{path}", safe=_PLAIN)
        body = None if manifest is None else json.dumps(manifest).encode()
        try:
            answer = await asyncio.to_thread(self._exchange, method, path, body)
        except (OSError, OverflowError, http.client.HTTPException) as error:
            reason = _reason(error, self._host, self._port)
            raise ClusterError(f"{method.title()} {quote(self._origin + path)}: {reason}") from error
        if missing_ok and answer.status == 404:
            return {}
        return _object(answer, f"{method.lower()} {what}")

    def _exchange(self, method: str, path: str, body: bytes | None) -> Answer:
        if self._scheme not in ("http", "https"):
            raise UnsupportedScheme(self._scheme)
        if self._port > LAST_PORT:
            raise OverflowError
        connection = self._connection()
        headers = {"Accept": "application/json", "User-Agent": "sandboxd"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return Answer(response.status, response.headers.get_content_type(), response.read(LONGEST_ANSWER))
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        if not self._tls:
            return http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT)
        context = ssl.create_default_context(cadata=self._ca or None)
        return http.client.HTTPSConnection(self._host, self._port, timeout=TIMEOUT, context=context)


def _place(kind: str, namespace: str) -> tuple[str, str]:
    """Where objects of a kind are, and what they are called in error texts."""
    root, group = _ROOTS.get(kind, (_RBAC, _GROUP))
    plural = f"{kind.lower()}s"
    within = ""
    if not kind.startswith("Cluster"):
        check_segment("namespace", namespace)
        within = f"/namespaces/{namespace}"
    return f"{root}{within}/{plural}", f"{plural}{group}"


def _object(answer: Answer, what: str) -> dict[str, Any]:
    """The object of an answer. Raises ClusterError with the text that the client library of Kubernetes has."""
    found = None
    if answer.type == "application/json":
        try:
            found = json.loads(answer.body)
        except ValueError:
            found = None
    if isinstance(found, dict):
        if found.get("kind") == "Status" and found.get("status") != "Success":
            raise ClusterError(str(found.get("message") or "unknown"))
        if answer.status < 300:
            return found
    if answer.status < 300:
        raise ClusterError(f"serializer for {answer.type} doesn't exist")
    text = answer.body.decode(errors="replace").strip()
    if answer.status in _OWN_WORDS:
        reason = text or "unknown"
    elif answer.status in _TEXTS:
        reason = _TEXTS[answer.status]
    elif answer.status >= 500:
        reason = f"an error on the server ({quote(text)}) has prevented the request from succeeding"
    else:
        reason = f"the server responded with the status code {answer.status} but did not return more information"
    raise ClusterError(f"{reason} ({what})")


def _reason(error: Exception, host: str, port: int) -> str:
    """Why nothing was answered, in the words of the real server."""
    if isinstance(error, UnsupportedScheme):
        return f"unsupported protocol scheme {quote(str(error))}"
    if isinstance(error, OverflowError):
        return f"dial tcp: address {port}: invalid port"
    if isinstance(error, ssl.SSLCertVerificationError):
        return "tls: failed to verify certificate: x509: certificate signed by unknown authority"
    if isinstance(error, ConnectionRefusedError):
        address = "127.0.0.1" if host == "localhost" else f"[{host}]" if ":" in host else host
        return f"dial tcp {address}:{port}: connect: connection refused"
    if isinstance(error, TimeoutError | socket.timeout):
        return "context deadline exceeded"
    return "EOF" if isinstance(error, http.client.HTTPException | ConnectionError) else "unexpected error"
