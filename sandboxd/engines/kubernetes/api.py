"""The API of a real cluster, on this machine."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sandboxd.engines.kubernetes.cluster import ClusterError, check_segment
from sandboxd.engines.kubernetes.config import Config, escaped
from sandboxd.vault.framework import urls
from sandboxd.vault.framework.loopback import check_loopback
from sandboxd.vault.framework.upstream import Answer, CallFailed, Upstream
from sandboxd.vault.gotext import quote

WHAT = "the Kubernetes API of this mount"
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


class Api:
    """A cluster's API. Raises Refusal for one that is not on this machine."""

    def __init__(self, config: Config) -> None:
        headers = {"Accept": "application/json"}
        if config.service_account_jwt:
            headers["Authorization"] = f"Bearer {config.service_account_jwt}"
        address = config.kubernetes_host
        check_loopback(urls.parse(address).hostname or "localhost", WHAT)  # before anything is made
        self._api = Upstream(address, WHAT, headers, late="context deadline exceeded", ca=config.kubernetes_ca_cert)

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
        body = None if manifest is None else json.dumps(manifest).encode()
        kind = "" if body is None else "application/json"
        try:
            answer = await self._api.call(method, f"/{escaped(path)}", body, kind)
        except CallFailed as error:
            raise ClusterError(str(error)) from error
        if missing_ok and answer.status == 404:
            return {}
        return _object(answer, f"{method.lower()} {what}")


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
