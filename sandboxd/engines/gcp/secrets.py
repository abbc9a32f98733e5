"""What accounts give: keys, which are leased, and access tokens, which nobody can revoke."""

from __future__ import annotations

import base64
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

import msgspec

from sandboxd.engines.gcp.accounts import KEY, TOKEN, Account, NameArgs, impersonated, roleset, static
from sandboxd.engines.gcp.config import KEY_KIND, load
from sandboxd.vault.durations import format_duration
from sandboxd.vault.errors import Failure, refuse
from sandboxd.vault.framework.backend import Call, Lease, Response, Result
from sandboxd.vault.framework.fields import Duration, Name, param
from sandboxd.vault.gotext import quote

ALGORITHM, KEY_FILE = "KEY_ALG_RSA_2048", "TYPE_GOOGLE_CREDENTIALS_FILE"
TOKEN_TTL = 3600  # seconds, as Google's


@dataclass(frozen=True, kw_only=True)
class RolesetKeyArgs:
    """A key of a roleset."""

    roleset: Name = param(help="Name of the roleset.")
    key_algorithm: str = param(ALGORITHM, "Algorithm of the key.", place="query")
    key_type: str = param(KEY_FILE, "Form of the key.", place="query")
    ttl: Duration = param(0, "How long the key lasts.", place="query")


@dataclass(frozen=True, kw_only=True)
class StaticKeyArgs:
    """A key of a static account."""

    name: Name = param(help="Name of the account.")
    key_algorithm: str = param(ALGORITHM, "Algorithm of the key.", place="query")
    key_type: str = param(KEY_FILE, "Form of the key.", place="query")
    ttl: Duration = param(0, "How long the key lasts.", place="query")


@dataclass(frozen=True, kw_only=True)
class RolesetTokenArgs:
    """A token of a roleset."""

    roleset: Name = param(help="Name of the roleset.")


def roleset_key(call: Call, args: RolesetKeyArgs) -> Awaitable[Result]:
    found = roleset(call, args.roleset)
    if found is None:
        refuse(f"role set {quote(args.roleset)} does not exists")
    if found.secret_type != KEY:
        refuse(
            f"role set {quote(args.roleset)} cannot generate service account keys (has secret type {found.secret_type})"
        )
    return _key(call, found, args, {"role_set": args.roleset, "role_set_bindings": found.checksum})


def static_key(call: Call, args: StaticKeyArgs) -> Awaitable[Result]:
    found = static(call, args.name)
    if found is None:
        refuse(f"static account {quote(args.name)} does not exists")
    if found.secret_type != KEY:
        refuse(
            f"static account {quote(args.name)} cannot generate service account keys "
            f"(has secret type {found.secret_type})"
        )
    return _key(call, found, args, {"static_account": args.name, "static_account_bindings": found.checksum})


async def _key(call: Call, account: Account, args: RolesetKeyArgs | StaticKeyArgs, internal: dict[str, Any]) -> Result:
    # The account's name goes into the key; its project does not, for what is fake about a key is its project.
    made = await call.fakes_slowly(KEY_KIND, "private_key_data", account=account.email.partition("@")[0])
    config = load(call)
    name = f"projects/{account.project}/serviceAccounts/{account.email}/keys/{made['private_key_id']}"
    return Response(
        data={
            "private_key_data": base64.b64encode(made["value"].encode()).decode(),
            "key_algorithm": args.key_algorithm,
            "key_type": args.key_type,
        },
        lease=Lease(
            ttl=args.ttl or config.ttl, max_ttl=config.max_ttl, kind=KEY, internal={**internal, "key_name": name}
        ),
        credentials=("private_key_data",),
    )


def renew_key(call: Call, lease: Lease) -> Lease:
    """For as long as the configuration says, unless the account is another one by now. Raises Failure."""
    name = lease.internal.get("role_set")
    if name is None:
        raise Failure("invalid secret, internal data is missing role set or static account name")
    found = roleset(call, str(name))
    if found is None:
        raise Failure(f"could not find role set {quote(str(name))} to verify secret")
    if found.checksum != lease.internal["role_set_bindings"]:
        raise Failure(f"role set '{name}' bindings were updated since secret was generated, cannot renew")
    config = load(call)
    return msgspec.structs.replace(lease, ttl=config.ttl, max_ttl=config.max_ttl)


def revoke_key(_call: Call, _lease: Lease) -> None:
    """Delete the key: nothing is kept of it but the lease."""


def roleset_token(call: Call, args: RolesetTokenArgs) -> Result:
    found = roleset(call, args.roleset)
    if found is None:
        refuse(f"role set '{args.roleset}' does not exists")
    if found.secret_type != TOKEN:
        refuse(f"role set '{args.roleset}' cannot generate access tokens (has secret type {found.secret_type})")
    return _token(call, TOKEN_TTL)


def static_token(call: Call, args: NameArgs) -> Result:
    found = static(call, args.name)
    if found is None:
        refuse(f"static account {quote(args.name)} does not exists")
    if found.secret_type != TOKEN:
        refuse(f"static account {quote(args.name)} cannot generate access tokens (has secret type {found.secret_type})")
    return _token(call, TOKEN_TTL)


def impersonated_token(call: Call, args: NameArgs) -> Result:
    found = impersonated(call, args.name)
    if found is None:
        refuse(f"impersonated account {quote(args.name)} does not exists")
    config, ttl = load(call), found.ttl
    if ttl > config.max_ttl:
        shown = quote(format_duration(config.max_ttl))
        call.warn(
            f"using backend max ttl {shown} which is less than impersonated account ttl {quote(format_duration(ttl))} "
            "for token"
        )
        ttl = config.max_ttl
    elif not ttl:
        shown = quote(format_duration(config.ttl))
        call.warn(f"using backend default ttl {shown} since impersonated account ttl not configured for token")
        ttl = config.ttl
    return _token(call, ttl or TOKEN_TTL)


def _token(call: Call, ttl: int) -> Response:
    token, expires = call.fake("gcp.access_token", "token"), int(call.clock.now()) + ttl
    # Nobody can take such a token back, so it is known to be valid until it expires by itself.
    call.superseded(token, grace=ttl)
    return Response(data={"token": token, "token_ttl": ttl - 1, "expires_at_seconds": expires}, credentials=("token",))
