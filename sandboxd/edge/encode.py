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


class _Auth(msgspec.Struct):
    client_token: str
    accessor: str
    policies: tuple[str, ...]
    token_policies: tuple[str, ...] | msgspec.UnsetType
    identity_policies: tuple[str, ...] | msgspec.UnsetType
    metadata: Any
    lease_duration: int
    renewable: bool
    entity_id: str
    token_type: str
    orphan: bool
    mfa_requirement: Any
    num_uses: int


def encode_auth(auth: Auth) -> bytes:
    """The `auth` part of an answer, its fields in the real server's order."""
    return encode(
        _Auth(
            auth.token,
            auth.accessor,
            auth.policies,
            auth.token_policies or msgspec.UNSET,
            auth.identity_policies or msgspec.UNSET,
            auth.metadata,
            auth.ttl,
            auth.renewable,
            auth.entity_id,
            auth.token_type,
            auth.orphan,
            auth.mfa_requirement,
            auth.num_uses,
        )
    )


def encode_for_wrapping(response: Response, request_id: str, *, mount_types: bool) -> str:
    """The JSON text that a wrapping token holds; with the type of the mount where the profile has it."""
    return envelope(response, request_id, mount_type=response.mount_type if mount_types else None).decode()


def encode_errors(errors: tuple[str, ...]) -> bytes:
    """The body of a refusal."""
    return b'{"errors":' + encode(errors) + b"}\n"


def refused(error: VaultError) -> Answer:
    """A refusal as an answer."""
    return Answer(error.status, encode_errors(error.errors), tuple(error.headers.items()))


NOT_FOUND = Answer(404, encode_errors(()))
DONE = Answer(204)
