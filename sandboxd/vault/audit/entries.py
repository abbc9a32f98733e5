"""What an audit entry says: its fields in the real server's order, empty ones left out.

Source: OpenBao's audit format, compared field by field with the file that a running 2.7.2 writes.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from sandboxd.vault.audit.devices import Device
from sandboxd.vault.audit.hashing import as_json, hash_values, plain
from sandboxd.vault.durations import SECOND, rfc3339
from sandboxd.vault.errors import InvalidCredentials, Refusal, VaultError, listed
from sandboxd.vault.framework.backend import Auth, Response, WrapInfo
from sandboxd.vault.namespaces import ROOT
from sandboxd.vault.request import Request

if TYPE_CHECKING:
    from sandboxd.vault.mounts import MountEntry
    from sandboxd.vault.pipeline import Bearer
    from sandboxd.vault.routing import Route

NOBODY: Mapping[str, Any] = {"token_type": "default"}
ALLOWED: Mapping[str, Any] = {"policy_results": {"allowed": True}, "token_type": "default"}


def compact(**fields: Any) -> dict[str, Any]:
    """The fields that are not empty, in order."""
    return {name: value for name, value in fields.items() if value not in (None, "", 0, (), [], {})}


def token_auth(
    bearer: "Bearer", *, decided: Mapping[str, Any] | None, identity_policies: Sequence[str]
) -> dict[str, Any]:
    """Who asks. `decided` is what policy said of the request; None where that isn't told."""
    token = bearer.token
    policies = sorted({*token.policies, *identity_policies})
    return compact(
        client_token=token.id,
        accessor=token.accessor,
        display_name=token.display_name,
        policies=policies,
        token_policies=token.policies,
        identity_policies=identity_policies,
        policy_results=decided,
        metadata=dict(sorted((token.meta or {}).items())),
        remaining_uses=max(token.num_uses, 0) + 1 if token.num_uses else 0,
        entity_id=token.entity_id,
        token_type=token.type,
        token_ttl=token.ttl if decided is not None else 0,
        token_issue_time=rfc3339(token.creation_time * SECOND) if decided is not None else "",
    )


def decision(bearer: "Bearer", route: "Route", request: Request, operation: str, *, allowed: bool) -> dict[str, Any]:
    """What policy said of a request, and whose word it was."""
    found: dict[str, Any] = {"allowed": allowed}
    if not allowed:
        return found
    namespace = route.namespace
    checked = bearer.acl.check(operation, namespace.path + route.path, request.data, request.wrap_ttl or None)
    names = ("root",) if checked.root else tuple(dict.fromkeys(rule.policy for rule in checked.granting))
    if names:
        found["granting_policies"] = [
            compact(name=name, namespace_id=namespace.id, namespace_path=namespace.path, type="acl") for name in names
        ]
    return found


def issued_auth(auth: Auth) -> dict[str, Any]:
    """The token that is handed out."""
    return compact(
        client_token=auth.token,
        accessor=auth.accessor,
        display_name=auth.display_name,
        policies=auth.policies,
        token_policies=auth.token_policies,
        identity_policies=auth.identity_policies,
        no_default_policy=auth.no_default_policy,
        metadata=dict(sorted((auth.metadata or {}).items())),
        num_uses=auth.num_uses,
        entity_id=auth.entity_id,
        token_type=auth.token_type,
        token_ttl=auth.ttl,
    )


def client_id(bearer: "Bearer | None") -> str:
    """What clients are counted by: the entity, or a hash of the policies of a token without one."""
    if bearer is None:
        return ""
    token = bearer.token
    if token.entity_id:
        return token.entity_id
    text = "\x1f".join(sorted(token.policies)) + "\0" + token.namespace_id
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def mount_fields(entry: "MountEntry | None", version: str, *, accessor: bool, name: str) -> dict[str, Any]:
    """Where the request goes. `name` is the field of the version, which differs between request and response."""
    if entry is None:
        return {}
    return compact(
        mount_point=entry.route,
        mount_type=entry.type,
        mount_accessor=entry.accessor if accessor else "",
        **{name: version},
        mount_class="auth" if entry.table == "auth" else "secret",
    )


def request_fields(
    request: Request,
    route: "Route | None",
    bearer: "Bearer | None",
    *,
    operation: str,
    mount: Mapping[str, Any],
    headers: Mapping[str, Any],
    counted: bool = True,
) -> dict[str, Any]:
    """What is asked for."""
    namespace = ROOT if route is None else route.namespace
    return compact(
        id=request.id,
        client_id=client_id(bearer) if counted else "",
        operation=operation or request.operation,
        **mount,
        client_token=request.token if bearer is None else bearer.token.id,
        client_token_accessor="" if bearer is None else bearer.token.accessor,
        namespace=compact(id=namespace.id, path=namespace.path),
        path=request.path if route is None else route.path,
        data=as_json(request.data),
        remote_address=request.remote_address,
        remote_port=request.remote_port,
        wrap_ttl=request.wrap_ttl,
        headers=headers,
    )


def response_fields(request: Request, response: Response | None, mount: Mapping[str, Any]) -> dict[str, Any]:
    """What is answered."""
    if response is None:
        return dict(mount)
    data: Any = response.data
    warnings: Iterable[str] = response.warnings
    if response.body is not None:
        data, warnings = _from_body(request, response)
    return compact(
        auth=None if response.auth is None else issued_auth(response.auth),
        **mount,
    ) | _rest(response, data, warnings)


def _rest(response: Response, data: Any, warnings: Iterable[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if response.lease is not None:
        found["secret"] = compact(lease_id=response.lease.id)
    return found | compact(
        data=None if data is None else as_json(data),
        warnings=list(warnings),
        redirect=response.redirect,
        wrap_info=None if response.wrap_info is None else _wrap_info(response.wrap_info),
    )


def _wrap_info(info: WrapInfo) -> dict[str, Any]:
    return compact(
        ttl=info.ttl,
        token=info.token,
        accessor=info.accessor,
        creation_time=rfc3339(info.creation_time),
        creation_path=info.creation_path,
        wrapped_accessor=info.wrapped_accessor,
    )


def _from_body(request: Request, response: Response) -> tuple[Any, Iterable[str]]:
    """What a body without an envelope holds: an unwrapped answer is told as what it was."""
    body = response.body or b""
    if request.path == "sys/wrapping/unwrap":
        try:
            whole = msgspec.json.decode(body)
        except msgspec.DecodeError:
            whole = None
        if isinstance(whole, dict):
            return whole.get("data"), whole.get("warnings") or ()
    return {
        "http_content_type": response.content_type,
        "http_raw_body": body.decode("utf-8", "replace"),
        "http_status_code": response.status or 200,
    }, response.warnings


def failure(error: VaultError, route: "Route | None", bearer: "Bearer | None") -> tuple[str, str]:
    """The `error` of an entry, and the text below `response.data.error`; either may be empty.

    The real server keeps an error and an answer that says why apart; here one exception holds both, so which of the two
    fields it fills follows from its kind.
    """
    text = "; ".join(error.errors)
    if isinstance(error, InvalidCredentials):
        return "invalid credentials", text
    if not isinstance(error, Refusal):
        return text, ""
    if error.status == 403:
        return (text if " occurred:\n" in text else listed(("permission denied",))), text
    if error.status == 404:
        return listed(("unsupported path",)), text
    system = route is not None and route.mounted is not None and getattr(route.mounted.backend, "system", False)
    if system and bearer is not None and not text.startswith("Field validation failed"):
        return listed(("invalid request",)), text
    return "", text


def elided(data: Any) -> Any:
    """A listing's data with numbers in place of what was listed."""
    if not isinstance(data, dict):
        return data
    shown = dict(data)
    if isinstance(data.get("keys"), list):
        shown["keys"] = len(data["keys"])
    if isinstance(data.get("key_info"), dict):
        shown["key_info"] = len(data["key_info"])
    return shown


def for_device(
    device: Device, entry: Mapping[str, Any], *, spared_in: frozenset[str], spared_out: frozenset[str]
) -> dict[str, Any]:
    """The entry as a device shows it: hashed where that device hashes, headers chosen for it."""
    hashed = plain if device.raw else device.hashed
    hide = hashed if device.hides_accessors else plain

    def tokens(part: Mapping[str, Any]) -> dict[str, Any]:
        changes = {"client_token": hashed, "accessor": hide, "client_token_accessor": hide}
        return {key: changes[key](value) if key in changes else value for key, value in part.items()}

    shown = dict(entry)
    listing = shown["request"]["operation"] == "list"
    shown["auth"] = tokens(shown["auth"])
    request = shown["request"] = tokens(shown["request"])
    if "data" in request:
        data = request["data"]
        request["data"] = _sorted(data) if device.raw else hash_values(data, hashed, spared_in)
    if "headers" in request:
        request["headers"] = {
            name: [device.hashed(value) if secret else value for value in values]
            for name, (secret, values) in sorted(request["headers"].items())
        }
    if "response" in shown:
        response = shown["response"] = dict(shown["response"])
        if "auth" in response:
            response["auth"] = tokens(response["auth"])
        if "data" in response:
            data = elided(response["data"]) if device.elides_lists and listing else response["data"]
            response["data"] = _sorted(data) if device.raw else hash_values(data, hashed, spared_out)
        if "wrap_info" in response:
            secret = {"token": hashed, "accessor": hide, "wrapped_accessor": hide}
            response["wrap_info"] = {
                key: secret[key](value) if key in secret else value for key, value in response["wrap_info"].items()
            }
    return shown


def _sorted(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _sorted(data[key]) for key in sorted(data)}
    return [_sorted(item) for item in data] if isinstance(data, list) else data
