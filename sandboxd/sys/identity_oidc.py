"""`identity/oidc`: identity tokens, the roles and keys they are made with, and what verifies them.

Source: OpenBao's identity store, for the order and the texts of the checks.
"""

import base64
import binascii
import contextlib
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec

from sandboxd.sys.oidc_keys import ALGORITHMS, DAY, DEFAULT, Keys, NamedKey
from sandboxd.sys.oidc_templates import RESERVED_CLAIMS, TemplateError, nobody, parse_object, populate
from sandboxd.vault.clock import NANOSECONDS
from sandboxd.vault.errors import refuse
from sandboxd.vault.framework.backend import Path, Response, Result
from sandboxd.vault.framework.fields import CommaList, Duration, Name, NoArgs, param
from sandboxd.vault.gotext import quote
from sandboxd.vault.system import SystemCall


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


def _keys(call: SystemCall) -> Keys:
    return Keys(call.storage.below("oidc/key/"), call.entropy, call.clock.now_ns())


async def settled_keys(call: SystemCall) -> Keys:
    """The keys, with every rotation that is due carried out."""
    keys = _keys(call)
    await keys.settle()
    return keys


def find_role(call: SystemCall, name: str) -> Role | None:
    return call.storage.get(f"oidc/role/{name}", Role)


def _roles(call: SystemCall, key: str) -> dict[str, Role]:
    """The roles that sign with a key, by name."""
    found = {name: find_role(call, name) for name in call.storage.list("oidc/role/")}
    return {name: role for name, role in found.items() if role is not None and role.key == key}


def issuer(call: SystemCall) -> str:
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
    keys = await settled_keys(call)
    while True:
        key = keys.get(args.name) or refuse(f"no named key found at {quote(args.name)}")
        ttl = args.verification_ttl if "verification_ttl" in call.given else key.verification_ttl
        if keys.replace(args.name, key, await keys.rotated(key, at=call.clock.now_ns(), verification_ttl=ttl)):
            return None


# Roles


def role_exists(call: SystemCall, args: RoleArgs) -> bool:
    """Whether there is a role with that name."""
    return find_role(call, args.name) is not None


async def write_role(call: SystemCall, args: RoleArgs) -> Result:
    """Make a role, or change it."""
    old = find_role(call, args.name)
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
    role = find_role(call, args.name)
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
)
