"""`identity/oidc`: making identity tokens, checking them, and publishing what verifies them.

Source: OpenBao's identity store, for the order and the texts of the checks.
"""

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from sandboxd.sys.identity_oidc import Role, find_role, issuer, settled_keys
from sandboxd.sys.oidc_keys import ALGORITHMS, Keys, SigningKey, public_jwk, sign, verifies
from sandboxd.sys.oidc_templates import RESERVED_CLAIMS, TemplateError, parse_object, populate
from sandboxd.vault.clock import NANOSECONDS
from sandboxd.vault.errors import Failure, refuse
from sandboxd.vault.framework.backend import Path, Response, Result
from sandboxd.vault.framework.fields import Name, NoArgs, param
from sandboxd.vault.gotext import quote
from sandboxd.vault.identity import Entity
from sandboxd.vault.system import SystemCall

UNAUTHENTICATED = ("oidc/.well-known/*", "oidc/provider/+/.well-known/*", "oidc/provider/+/token")
_ACCEPTED = ("ES256", "ES384", "ES512", "EdDSA", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_LEEWAY = 60  # seconds that clocks may differ by
_INVALID = "error validating claims: go-jose/go-jose/jwt: validation failed, "


@dataclass(frozen=True, kw_only=True)
class TokenArgs:
    """Which role to make a token for."""

    name: Name = param(help="Name of the role.")


@dataclass(frozen=True, kw_only=True)
class IntrospectArgs:
    """Which token to check."""

    token: str = param(help="The token.")
    client_id: str = param(help="The audience that it has to have.")


async def make_token(call: SystemCall, args: TokenArgs) -> Result:
    """A signed token that says who asks."""
    keys = await settled_keys(call)
    role = find_role(call, args.name) or refuse(f"role {quote(args.name)} not found")
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
        "iss": issuer(call),
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
    used = {role.key for name in call.storage.list("oidc/role/") if (role := find_role(call, name)) is not None}
    found = [keys.get(name) for name in sorted(used)]
    return [entry.key for key in found if key is not None for entry in key.ring]


# What needs no token


def discovery(call: SystemCall, _args: NoArgs) -> Result:
    """Where to find what verifies the tokens."""
    address = issuer(call)
    document = {
        "issuer": address,
        "jwks_uri": f"{address}/.well-known/keys",
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ALGORITHMS,
    }
    return Response(body=msgspec.json.encode(document), headers={"Cache-Control": "max-age=3600"})


async def public_keys(call: SystemCall, _args: NoArgs) -> Result:
    """The keys that verify the tokens."""
    keys = await settled_keys(call)
    shown = [public_jwk(key) for key in _verifying(call, keys)]
    headers = {"Cache-Control": f"max-age={call.entropy.below(_shortest(keys))}"} if shown else {}
    return Response(body=msgspec.json.encode({"keys": shown}), headers=headers)


def _shortest(keys: Keys) -> int:
    """The time after which some key may be another one: answers are to be kept for less than that."""
    found = [key for name in keys.names() if (key := keys.get(name)) is not None]
    return max(1, min(min(key.verification_ttl, key.rotation_period) for key in found))


async def introspect(call: SystemCall, args: IntrospectArgs) -> Result:
    """Whether a token is good, and its entity active."""
    keys = await settled_keys(call)
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
    if claims["iss"] != issuer(call):
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
    Path("oidc/token/{name}", TokenArgs, "Make an identity token.", read=make_token),
    Path("oidc/introspect/?", IntrospectArgs, "Check an identity token.", write=introspect),
    Path("oidc/.well-known/openid-configuration/?", NoArgs, "Describe the issuer.", read=discovery),
    Path("oidc/.well-known/keys/?", NoArgs, "Show the public keys.", read=public_keys),
)
