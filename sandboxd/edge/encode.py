"""From a response to bytes: the envelope, the errors, and JSON as Go writes it."""

from typing import Any

import msgspec

from sandboxd.edge.messages import Answer
from sandboxd.vault.durations import rfc3339
from sandboxd.vault.errors import VaultError
from sandboxd.vault.framework.backend import Auth, Response, WrapInfo
from sandboxd.vault.framework.numbers import Number

_ESCAPES = ((b"<", b"\\u003c"), (b">", b"\\u003e"), (b"&", b"\\u0026"))


def json_hook(value: Any) -> Any:
    """What the encoder does not know: numbers that keep their spelling, numbers beyond 64 bits, read-only mappings."""
    if isinstance(value, Number):
        return msgspec.Raw(value.text.encode())
    if isinstance(value, int):
        return msgspec.Raw(str(value).encode())
    if hasattr(value, "items"):
        return dict(value)
    raise NotImplementedError(f"{type(value).__name__} has no JSON form")


_encoder = msgspec.json.Encoder(enc_hook=json_hook, order="deterministic")


def encode_json(value: Any) -> bytes:
    """JSON as Go's encoder writes it: compact, keys sorted, the signs of HTML escaped."""
    raw = _encoder.encode(value)
    if b"<" in raw or b">" in raw or b"&" in raw:
        for sign, escape in _ESCAPES:
            raw = raw.replace(sign, escape)
    if b"\xe2\x80" in raw:
        raw = raw.replace(b"\xe2\x80\xa8", b"\\u2028").replace(b"\xe2\x80\xa9", b"\\u2029")
    return raw


_HEAD = (
    b'{"request_id":"%b","lease_id":%b,"renewable":%b,"lease_duration":%d,'
    b'"data":%b,"wrap_info":%b,"warnings":%b,"auth":%b'
)


def envelope(response: Response, request_id: str, *, mount_type: str | None = None) -> bytes:
    """The answer around a response's data. `mount_type` is added where the profile has it."""
    lease = response.lease
    body = _HEAD % (
        b"" if response.wrap_info is not None else request_id.encode(),
        b'""' if lease is None else encode_json(lease.id),
        b"true" if lease is not None and lease.renewable else b"false",
        0 if lease is None else lease.ttl,
        b"null" if response.data is None else encode_json(response.data),
        b"null" if response.wrap_info is None else encode_json(_wrap_info(response.wrap_info)),
        encode_json(response.warnings) if response.warnings else b"null",
        b"null" if response.auth is None else encode_auth(response.auth),
    )
    if mount_type is not None:
        return body + b',"mount_type":' + encode_json(mount_type) + b"}"
    return body + b"}"


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
    return b"{" + b",".join(b'"%b":%b' % (name, encode_json(value)) for name, value in parts) + b"}"


def encode_for_wrapping(response: Response, request_id: str) -> str:
    """The JSON text that a wrapping token holds."""
    return envelope(response, request_id).decode()


def encode_errors(errors: tuple[str, ...]) -> bytes:
    """The body of a refusal."""
    return b'{"errors":' + encode_json(errors) + b"}\n"


def refused(error: VaultError) -> Answer:
    """A refusal as an answer."""
    return Answer(error.status, encode_errors(error.errors))


NOT_FOUND = Answer(404, encode_errors(()))
DONE = Answer(204)
