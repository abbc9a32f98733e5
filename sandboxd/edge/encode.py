"""From a response to bytes: the envelope, the errors, and JSON as Go writes it."""

from typing import Any

import msgspec

from sandboxd.edge.messages import Answer
from sandboxd.vault.durations import rfc3339
from sandboxd.vault.errors import VaultError
from sandboxd.vault.framework.backend import Auth, Response, WrapInfo
from sandboxd.vault.framework.wire import encode


def envelope(response: Response, request_id: str, *, mount_type: str | None = None) -> bytes:
    """The answer around a response's data. `mount_type` is added where the profile has it."""
    lease, data = response.lease, response.data
    parts = [
        b'{"request_id":"',
        b"" if response.wrap_info is not None else request_id.encode(),
        b'","lease_id":',
        b'""' if lease is None else encode(lease.id),
        b',"renewable":true' if lease is not None and lease.renewable else b',"renewable":false',
        b',"lease_duration":%d,"data":' % (0 if lease is None else lease.ttl),
        bytes(data) if isinstance(data, msgspec.Raw) else b"null" if data is None else encode(data),
        b',"wrap_info":',
        b"null" if response.wrap_info is None else encode(_wrap_info(response.wrap_info)),
        b',"warnings":',
        encode(response.warnings) if response.warnings else b"null",
        b',"auth":',
        b"null" if response.auth is None else encode_auth(response.auth),
        b"}" if mount_type is None else b',"mount_type":' + encode(mount_type) + b"}",
    ]
    return b"".join(parts)


class _WrapInfo(msgspec.Struct, omit_defaults=True):
    token: str
    accessor: str
    ttl: int
    creation_time: str
    creation_path: str
    wrapped_accessor: str = ""


def _wrap_info(info: WrapInfo) -> _WrapInfo:
    return _WrapInfo(
        info.token, info.accessor, info.ttl, rfc3339(info.creation_time), info.creation_path, info.wrapped_accessor
    )


def encode_auth(auth: Auth) -> bytes:
    """The `auth` part of an answer, its fields in the real server's order."""
    parts: list[tuple[bytes, Any]] = [
        (b"client_token", auth.token),
        (b"accessor", auth.accessor),
        (b"policies", auth.policies if auth.mfa_requirement is None else None),
    ]
    if auth.token_policies:
        parts.append((b"token_policies", auth.token_policies))
    if auth.identity_policies:
        parts.append((b"identity_policies", auth.identity_policies))
    parts += [
        (b"metadata", auth.metadata),
        (b"lease_duration", auth.ttl),
        (b"renewable", auth.renewable),
        (b"entity_id", auth.entity_id),
        (b"token_type", auth.token_type),
        (b"orphan", auth.orphan),
        (b"mfa_requirement", auth.mfa_requirement),
        (b"num_uses", auth.num_uses),
    ]
    return b"{" + b",".join(b'"%b":%b' % (name, encode(value)) for name, value in parts) + b"}"


def encode_for_wrapping(response: Response, request_id: str, *, mount_types: bool) -> str:
    """The JSON text that a wrapping token holds; with the type of the mount where the profile has it."""
    return envelope(response, request_id, mount_type=response.mount_type if mount_types else None).decode()


def encode_errors(errors: tuple[str, ...]) -> bytes:
    """The body of a refusal."""
    return b'{"errors":' + encode(errors) + b"}\n"


def refused(error: VaultError) -> Answer:
    """A refusal as an answer."""
    return Answer(error.status, encode_errors(error.errors))


NOT_FOUND = Answer(404, encode_errors(()))
DONE = Answer(204)
