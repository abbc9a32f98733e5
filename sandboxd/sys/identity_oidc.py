"""`identity/oidc`: identity tokens, the roles and keys they are made with, and what verifies them.

Source: OpenBao's identity store, for the order and the texts of the checks.
"""

import base64
import binascii
import contextlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec

from sandboxd.sys.identity_shown import NoArgs
from sandboxd.sys.oidc_keys import ALGORITHMS, DAY, DEFAULT, Keys, NamedKey, SigningKey, public_jwk, sign, verifies
from sandboxd.sys.oidc_templates import RESERVED_CLAIMS, TemplateError, nobody, parse_object, populate
from sandboxd.vault.clock import NANOSECONDS
from sandboxd.vault.errors import Failure, refuse
from sandboxd.vault.framework.backend import Path, Response, Result
from sandboxd.vault.framework.fields import CommaList, Duration, Name, param
from sandboxd.vault.gotext import quote
from sandboxd.vault.identity import Entity
from sandboxd.vault.system import SystemCall

UNAUTHENTICATED = ("oidc/.well-known/*", "oidc/provider/+/.well-known/*", "oidc/provider/+/token")
_ACCEPTED = ("ES256", "ES384", "ES512", "EdDSA", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_LEEWAY = 60  # seconds that clocks may differ by
_INVALID = "error validating claims: go-jose/go-jose/jwt: validation failed, "


class Role(msgspec.Struct, frozen=True, kw_only=True):
    """What a token is made with, as stored. `ttl` is in seconds."""

    key: str = ""
    template: str = ""
    ttl: int = 0
    client_id: str = ""


class Config(msgspec.Struct, frozen=True):
    """The issuer, where it was set."""

    issuer: str


@dataclass(frozen=True, kw_only=True)
class ConfigArgs:
    """Who issues the tokens."""

    issuer: str = param(help="URL of the issuer: scheme, host and port; the server's own address when empty.")


@dataclass(frozen=True, kw_only=True)
class KeyArgs:
    """A named key as a client writes it."""

    name: Name = param(help="Name of the key.")
    rotation_period: Duration = param(DAY, "How often a new key pair takes over.")
    verification_ttl: Duration = param(DAY, "How long a key verifies after it was rotated out.")
    algorithm: str = param("RS256", "How tokens are signed.")
    allowed_client_ids: CommaList = param((), "Client ids of the roles that may sign with it; `*` for all.")


@dataclass(frozen=True, kw_only=True)
class RotateArgs:
    """Which key to rotate."""

    name: Name = param(help="Name of the key.")
    verification_ttl: Duration = param(0, "How long the old key verifies, in place of what the key says.")


@dataclass(frozen=True, kw_only=True)
class RoleArgs:
    """A role as a client writes it."""

    name: Name = param(help="Name of the role.")
    key: str = param(help="Name of the key that signs its tokens.", required=True)
    template: str = param(help="Further claims: JSON with templates in it, also in base64.")
    ttl: Duration = param(DAY, "How long its tokens last.")
    client_id: str = param(help="The audience of its tokens; made up when empty.")


@dataclass(frozen=True, kw_only=True)
class TokenArgs:
    """Which role to make a token for."""

    name: Name = param(help="Name of the role.")


@dataclass(frozen=True, kw_only=True)
class IntrospectArgs:
    """Which token to check."""

    token: str = param(help="The token.")
    client_id: str = param(help="The audience that it has to have.")


def _keys(call: SystemCall) -> Keys:
    return Keys(call.storage.below("oidc/key/"), call.entropy, call.clock.now_ns())


async def _settled(call: SystemCall) -> Keys:
    """The keys, with every rotation that is due carried out."""
    keys = _keys(call)
    await keys.settle()
    return keys


def _role(call: SystemCall, name: str) -> Role | None:
    return call.storage.get(f"oidc/role/{name}", Role)


def _roles(call: SystemCall, key: str) -> dict[str, Role]:
    """The roles that sign with a key, by name."""
    found = {name: _role(call, name) for name in call.storage.list("oidc/role/")}
    return {name: role for name, role in found.items() if role is not None and role.key == key}


def _issuer(call: SystemCall) -> str:
    config = call.storage.get("oidc/config", Config)
    address = (config.issuer if config is not None else "") or call.world.settings.api_address
    return f"{address}/v1/{call.namespace.path}identity/oidc"


# The issuer


def read_config(call: SystemCall, _args: ConfigArgs) -> Result:
    """Who issues the tokens."""
    config = call.storage.get("oidc/config", Config)
    issuer = config.issuer if config is not None else ""
    if not issuer and not call.world.settings.api_address:
        product = "OpenBao" if call.profile == "openbao" else "Vault"
        call.warn(
            f'Both "issuer" and {product}\'s "api_addr" are empty. '
            "The issuer claim in generated tokens will not be network reachable."
        )
    return Response(data={"issuer": issuer})


def write_config(call: SystemCall, args: ConfigArgs) -> Result:
    """Say who issues the tokens."""
    if "issuer" not in call.given:
        return None
    if args.issuer and not _is_origin(args.issuer):
        refuse(
            "invalid issuer, which must include only a scheme, host, and optional port (e.g. https://example.com:8200)"
        )
    call.storage.put("oidc/config", Config(args.issuer))
    if not args.issuer:
        return None
    call.warn(
        'If "issuer" is set explicitly, all tokens must be validated against that address, including those issued by '
        'secondary clusters. Setting issuer to "" will restore the default behavior of using the cluster\'s api_addr '
        "as the issuer."
    )
    return Response()


def _is_origin(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    bare = re.fullmatch(r"https?://[^/?#@]+", text, re.IGNORECASE) is not None
    return bare and parts.scheme in ("http", "https") and bool(parts.hostname)


# Keys


def key_exists(call: SystemCall, args: KeyArgs) -> bool:
    """Whether there is a key with that name."""
    return _keys(call).get(args.name) is not None


async def write_key(call: SystemCall, args: KeyArgs) -> Result:
    """Make a key, or change it."""
    keys = _keys(call)
    old = keys.get(args.name)
    key = old or NamedKey(
        rotation_period=args.rotation_period,
        verification_ttl=args.verification_ttl,
        allowed_client_ids=args.allowed_client_ids,
    )
    names = ("rotation_period", "verification_ttl", "allowed_client_ids")
    key = msgspec.structs.replace(key, **{name: getattr(args, name) for name in names if name in call.given})
    if key.rotation_period < 60:
        refuse("rotation_period must be at least one minute")
    if key.verification_ttl > 10 * key.rotation_period:
        refuse("verification_ttl cannot be longer than 10x rotation_period")
    if old is not None and any(role.ttl > key.verification_ttl for role in _roles(call, args.name).values()):
        refuse(
            f"unable to update key {quote(args.name)} because it is currently referenced by one or more roles with a "
            f"token ttl greater than {key.verification_ttl} seconds"
        )
    algorithm = args.algorithm if old is None or "algorithm" in call.given else key.algorithm
    if algorithm not in ALGORITHMS:
        refuse(f"unknown signing algorithm {quote(algorithm)}")
    following = call.clock.now_ns() + key.rotation_period * NANOSECONDS
    if not key.next_rotation or following < key.next_rotation:
        key = msgspec.structs.replace(key, next_rotation=following)
    if algorithm != key.algorithm:
        key = await keys.fresh(msgspec.structs.replace(key, algorithm=algorithm))
    keys.put(args.name, key)
    return None


def read_key(call: SystemCall, args: KeyArgs) -> Result:
    """What there is to say of a key."""
    key = _keys(call).get(args.name)
    if key is None:
        return None
    return {
        "rotation_period": key.rotation_period,
        "verification_ttl": key.verification_ttl,
        "algorithm": key.algorithm,
        "allowed_client_ids": key.allowed_client_ids,
    }


def delete_key(call: SystemCall, args: KeyArgs) -> Result:
    """Delete a key that no role signs with."""
    if args.name == DEFAULT:
        refuse(f"deletion of key {quote(args.name)} not allowed")
    roles = _roles(call, args.name)
    if roles:
        refuse(
            f"unable to delete key {quote(args.name)} because it is currently referenced by these roles: "
            f"{', '.join(sorted(roles))}"
        )
    _keys(call).delete(args.name)
    return None


def list_keys(call: SystemCall, _args: NoArgs) -> Result:
    """The names of all keys."""
    return {"keys": _keys(call).names()}


async def rotate_key(call: SystemCall, args: RotateArgs) -> Result:
    """Let the next key take over now."""
    keys = await _settled(call)
    while True:
        key = keys.get(args.name) or refuse(f"no named key found at {quote(args.name)}")
        ttl = args.verification_ttl if "verification_ttl" in call.given else key.verification_ttl
        if keys.replace(args.name, key, await keys.rotated(key, at=call.clock.now_ns(), verification_ttl=ttl)):
            return None


# Roles


def role_exists(call: SystemCall, args: RoleArgs) -> bool:
    """Whether there is a role with that name."""
    return _role(call, args.name) is not None


async def write_role(call: SystemCall, args: RoleArgs) -> Result:
    """Make a role, or change it."""
    old = _role(call, args.name)
    role = old or Role(key=args.key, template=args.template, ttl=args.ttl)
    names = ("key", "template", "ttl", "client_id")
    role = msgspec.structs.replace(role, **{name: getattr(args, name) for name in names if name in call.given})
    if not role.key:
        refuse("the key parameter is required")
    key = await _signing_key(call, role.key)
    role = msgspec.structs.replace(role, template=_checked_template(call, role.template))
    if key is None:
        refuse(f"cannot find key {quote(role.key)}")
    if role.ttl > key.verification_ttl:
        refuse("a role's token ttl cannot be longer than the verification_ttl of the key it references")
    if not role.client_id:
        role = msgspec.structs.replace(role, client_id=call.entropy.text(26))
    call.storage.put(f"oidc/role/{args.name}", role)
    return None


async def _signing_key(call: SystemCall, name: str) -> NamedKey | None:
    """The key with that name, or None; the one that is there from the start is made when a role first wants it."""
    keys = _keys(call)
    key = keys.get(name)
    if name == DEFAULT and key is not None and key.signing is None:
        keys.replace(DEFAULT, key, await keys.fresh(key))
    return keys.get(name)


def _checked_template(call: SystemCall, template: str) -> str:
    """The template out of its base64. Raises Refusal when it makes no claims, or such as it must not."""
    with contextlib.suppress(binascii.Error, UnicodeError):
        template = base64.b64decode(template.encode(), validate=True).decode()
    if not template:
        return template
    try:
        filled = populate(template, nobody(call.namespace.id), (), int(call.clock.now()))
    except TemplateError as error:
        refuse(f"error parsing template: {error}")
    try:
        claims = parse_object(filled)
    except TemplateError as error:
        refuse(f"error parsing template JSON: {error}")
    for name in claims:
        if name in RESERVED_CLAIMS:
            refuse(f"top level key {quote(name)} not allowed. Restricted keys: {', '.join(RESERVED_CLAIMS)}")
    return template


def read_role(call: SystemCall, args: RoleArgs) -> Result:
    """One role."""
    role = _role(call, args.name)
    if role is None:
        return None
    return {"client_id": role.client_id, "key": role.key, "template": role.template, "ttl": role.ttl}


def delete_role(call: SystemCall, args: RoleArgs) -> None:
    """Delete a role."""
    call.storage.delete(f"oidc/role/{args.name}")


def list_roles(call: SystemCall, _args: NoArgs) -> Result:
    """The names of all roles."""
    names = call.storage.list("oidc/role/")
    return {"keys": names} if names else {}


# Tokens


async def make_token(call: SystemCall, args: TokenArgs) -> Result:
    """A signed token that says who asks."""
    keys = await _settled(call)
    role = _role(call, args.name) or refuse(f"role {quote(args.name)} not found")
    key = keys.get(role.key) or refuse(f"key {quote(role.key)} not found")
    if not key.allows(role.client_id):
        refuse(
            f"the key {quote(role.key)} does not list the client ID of the role {quote(args.name)} "
            "as an allowed client ID"
        )
    if call.token is None or not call.token.entity_id:
        refuse("no entity associated with the request's token")
    entity = call.world.identity.entity(call.token.entity_id)
    if entity is None:
        raise Failure(f"error loading entity ID {quote(call.token.entity_id)}")
    lasting = min(role.ttl, key.verification_ttl)
    if lasting < role.ttl:
        call.warn(
            "a role's token ttl cannot be longer than the verification_ttl of the key it references, "
            f"setting token ttl to {lasting * NANOSECONDS}"
        )
    if key.signing is None:
        raise Failure("error signing OIDC token: signing key is nil; rotate the key and try again")
    now = int(call.clock.now())
    claims = {
        **_claims(call, role, entity, now),
        "iss": _issuer(call),
        "namespace": call.namespace.id,
        "sub": entity.id,
        "aud": role.client_id,
        "exp": now + lasting,
        "iat": now,
    }
    token = sign(key.signing, msgspec.json.encode(claims, order="sorted"))
    return {"token": token, "client_id": role.client_id, "ttl": role.ttl}


def _claims(call: SystemCall, role: Role, entity: Entity, now: int) -> dict[str, Any]:
    """What the template adds; nothing when it does not come out as it should, which the real server only logs."""
    if not role.template:
        return {}
    groups = call.world.identity.groups_of(entity.id)
    try:
        found = parse_object(populate(role.template, entity, groups, now))
    except TemplateError:
        return {}
    return {name: value for name, value in found.items() if name not in RESERVED_CLAIMS}


def _verifying(call: SystemCall, keys: Keys) -> list[SigningKey]:
    """The keys that verify the tokens of all roles."""
    used = {role.key for name in call.storage.list("oidc/role/") if (role := _role(call, name)) is not None}
    found = [keys.get(name) for name in sorted(used)]
    return [entry.key for key in found if key is not None for entry in key.ring]


# What needs no token


def discovery(call: SystemCall, _args: NoArgs) -> Result:
    """Where to find what verifies the tokens."""
    issuer = _issuer(call)
    document = {
        "issuer": issuer,
        "jwks_uri": f"{issuer}/.well-known/keys",
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ALGORITHMS,
    }
    return Response(body=msgspec.json.encode(document), headers={"Cache-Control": "max-age=3600"})


async def public_keys(call: SystemCall, _args: NoArgs) -> Result:
    """The keys that verify the tokens."""
    keys = await _settled(call)
    shown = [public_jwk(key) for key in _verifying(call, keys)]
    headers = {"Cache-Control": f"max-age={call.entropy.below(_shortest(keys))}"} if shown else {}
    return Response(body=msgspec.json.encode({"keys": shown}), headers=headers)


def _shortest(keys: Keys) -> int:
    """The time after which some key may be another one: answers are to be kept for less than that."""
    found = [key for name in keys.names() if (key := keys.get(name)) is not None]
    return max(1, min(min(key.verification_ttl, key.rotation_period) for key in found))


async def introspect(call: SystemCall, args: IntrospectArgs) -> Result:
    """Whether a token is good, and its entity active."""
    keys = await _settled(call)
    fault = _token_fault(call, args, _verifying(call, keys))
    answer: dict[str, Any] = {"active": False, "error": fault} if fault else {"active": True}
    return Response(body=msgspec.json.encode(answer))


def _token_fault(call: SystemCall, args: IntrospectArgs, keys: Iterable[SigningKey]) -> str:
    parts = args.token.split(".")
    if len(parts) != 3:
        return "error parsing token: go-jose/go-jose: compact JWS format must have three parts"
    decoded: list[bytes] = []
    for part in parts:
        bad = re.search(r"[^A-Za-z0-9_-]", part)
        if bad is not None or len(part) % 4 == 1:
            return f"error parsing token: illegal base64 data at input byte {bad.start() if bad else len(part) - 1}"
        decoded.append(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    head_text = decoded[0].decode("utf-8", "replace")
    try:
        algorithm = parse_object(head_text).get("alg", "")
    except TemplateError as error:
        return f"error parsing token: {error}"
    if algorithm not in _ACCEPTED:
        expected = " ".join(map(quote, _ACCEPTED))
        return f"error parsing token: unexpected signature algorithm {quote(str(algorithm))}; expected [{expected}]"
    signed = f"{parts[0]}.{parts[1]}".encode()
    if not any(key.algorithm == algorithm and verifies(key, signed, decoded[2]) for key in keys):
        return "unable to validate the token signature"
    return _claims_fault(call, args, msgspec.json.decode(decoded[1]))


def _claims_fault(call: SystemCall, args: IntrospectArgs, claims: dict[str, Any]) -> str:
    now = int(call.clock.now())
    if claims["iss"] != _issuer(call):
        return f"{_INVALID}invalid issuer claim (iss)"
    if args.client_id and claims["aud"] != args.client_id:
        return f"{_INVALID}invalid audience claim (aud)"
    if now - _LEEWAY > claims["exp"]:
        return f"{_INVALID}token is expired (exp)"
    entity = call.world.identity.entity_by_id(call.namespace.id, claims["sub"])
    if entity is None:
        return "entity was not found"
    return "entity is disabled" if entity.disabled else ""


PATHS: tuple[Path[Any, Any], ...] = (
    Path("oidc/config/?", ConfigArgs, "The issuer of identity tokens.", read=read_config, write=write_config),
    Path("oidc/key/?", NoArgs, "List the keys of identity tokens.", list=list_keys),
    Path(
        "oidc/key/{name}",
        KeyArgs,
        "Manage a key of identity tokens.",
        read=read_key,
        write=write_key,
        delete=delete_key,
        exists=key_exists,
    ),
    Path("oidc/key/{name}/rotate/?", RotateArgs, "Rotate a key of identity tokens.", write=rotate_key),
    Path("oidc/role/?", NoArgs, "List the roles of identity tokens.", list=list_roles),
    Path(
        "oidc/role/{name}",
        RoleArgs,
        "Manage a role of identity tokens.",
        read=read_role,
        write=write_role,
        delete=delete_role,
        exists=role_exists,
    ),
    Path("oidc/token/{name}", TokenArgs, "Make an identity token.", read=make_token),
    Path("oidc/introspect/?", IntrospectArgs, "Check an identity token.", write=introspect),
    Path("oidc/.well-known/openid-configuration/?", NoArgs, "Describe the issuer.", read=discovery),
    Path("oidc/.well-known/keys/?", NoArgs, "Show the public keys.", read=public_keys),
)
