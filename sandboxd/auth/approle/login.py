"""Logging in as a role, and renewing the tokens of those who did."""

from dataclasses import dataclass

import msgspec

from sandboxd.auth.approle import cidrs
from sandboxd.auth.approle.roles import Role, by_id, load
from sandboxd.auth.approle.secret_ids import Secret, digest, key, remove
from sandboxd.vault.errors import InvalidCredentials, fail, refuse
from sandboxd.vault.framework.backend import Alias, Auth, Call, Path, Response, Result
from sandboxd.vault.framework.fields import param
from sandboxd.vault.framework.records import address_in, parse_cidrs
from sandboxd.vault.gotext import quote

INVALID = "invalid role or secret ID"


@dataclass(frozen=True, kw_only=True, repr=False)
class LoginArgs:
    """Who logs in."""

    role_id: str = param("", "The role ID.")
    secret_id: str = param("", "A secret ID of the role, where the role needs one.")


def alias_of(call: Call, args: LoginArgs) -> str:
    """The role ID is what failed logins are counted by."""
    del call
    return args.role_id.strip() or refuse("missing role_id")


def role_of(call: Call, args: LoginArgs) -> str:
    """The name of the role is what rate limits are for."""
    role = by_id(call, args.role_id.strip()) or refuse(INVALID)
    return role.name


def login(call: Call, args: LoginArgs) -> Result:
    role_id = args.role_id.strip() or refuse("missing role_id")
    role = by_id(call, role_id) or refuse(INVALID)
    name = secret = None
    if role.bind_secret_id:
        name = digest(role, args.secret_id.strip() or refuse("missing secret_id"))
        secret = call.storage.get(key(role, name), Secret)
        if secret is None or secret.expired(call.clock.now_ns()):
            raise InvalidCredentials(INVALID)
        _check_source(call, role, secret)
    if role.secret_id_bound_cidrs and not address_in(call.request.remote_address, role.secret_id_bound_cidrs):
        _refuse_source(call, "by CIDR restrictions on the role: %!w(<nil>)")
    # Nothing is used up by a login that fails: the real server takes it back.
    if secret is not None and name is not None and secret.num_uses:
        _use(call, role, name, secret)
    metadata = {"role_name": role.name}
    if secret is not None and secret.metadata:
        metadata = {**secret.metadata, "role_name": role.name}
    auth = role.auth(
        call,
        metadata=metadata,
        alias=Alias(name=role.role_id, metadata=metadata),
        internal={"role_name": role.name},
    )
    bound = secret.token_bound_cidrs if secret is not None else ()
    # Also over `token_strictly_bind_ip`, which is without effect here.
    auth.bound_cidrs = parse_cidrs(bound) if bound else role.token_bound_cidrs
    return Response(auth=auth)


def _check_source(call: Call, role: Role, secret: Secret) -> None:
    """Raise Refusal or Failure when the secret ID can't be used from where the request comes."""
    if not secret.cidr_list:
        return
    cidrs.check_subset(secret.cidr_list, role.secret_id_bound_cidrs or ())
    if not address_in(call.request.remote_address, secret.cidr_list):
        limited = secret.num_uses > 0
        _refuse_source(
            call,
            f"{'by' if limited else 'through'} CIDR restrictions on the secret ID{': %!w(<nil>)' if limited else ''}",
        )


def _refuse_source(call: Call, why: str) -> None:
    refuse(f"source address {quote(call.request.remote_address)} unauthorized {why}")


def _use(call: Call, role: Role, name: str, secret: Secret) -> None:
    """Count a login."""
    if secret.num_uses == 1:
        remove(call, role, name, secret)
        return
    changed = msgspec.structs.replace(secret, num_uses=secret.num_uses - 1, last_updated_time=call.clock.now_ns())
    call.storage.put(key(role, name), changed)


def renew(call: Call, auth: Auth) -> Auth:
    """Renew a token as long as its role is there, for the times that the role says now."""
    name = auth.internal["role_name"]
    role = load(call, name) or fail(f"role {quote(name)} does not exist during renewal")
    return msgspec.structs.replace(auth, ttl=role.token_ttl, max_ttl=role.token_max_ttl, period=role.token_period)


LOGIN = Path("login", LoginArgs, "Log in as a role.", write=login, login=True)
