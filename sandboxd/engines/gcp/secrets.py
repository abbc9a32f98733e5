"""What accounts give: keys, which are leased, and access tokens, which nobody can revoke."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

from sandboxd.engines.gcp import keys
from sandboxd.engines.gcp.accounts import KEY, TOKEN, Account, NameArgs, impersonated, roleset, static
from sandboxd.engines.gcp.config import load
from sandboxd.vault.durations import format_duration
from sandboxd.vault.errors import Failure, refuse
from sandboxd.vault.framework.backend import Call, Lease, Response, Result
from sandboxd.vault.framework.fields import Duration, Name, param
from sandboxd.vault.gotext import quote

TOKEN_TTL = 3600  # seconds, as Google's
_LONGEST_LIFETIME = 12 * 3600


@dataclass(frozen=True, kw_only=True)
class KeyArgs:
    """What key is wanted."""

    key_algorithm: str = param(keys.ALGORITHM, "Algorithm of the key.", place="query")
    key_type: str = param(keys.JSON, "Form of the key.", place="query")
    ttl: Duration = param(0, "How long the key lasts.", place="query")


@dataclass(frozen=True, kw_only=True)
class RolesetKeyArgs(KeyArgs):
    """A key of a roleset."""

    roleset: Name = param(help="Name of the roleset.")


@dataclass(frozen=True, kw_only=True)
class StaticKeyArgs(KeyArgs):
    """A key of a static account."""

    name: Name = param(help="Name of the account.")


@dataclass(frozen=True, kw_only=True)
class RolesetTokenArgs:
    """A token of a roleset."""

    roleset: Name = param(help="Name of the roleset.")


def roleset_exists(call: Call, args: RolesetKeyArgs | RolesetTokenArgs) -> bool:
    return roleset(call, args.roleset) is not None


def roleset_key(call: Call, args: RolesetKeyArgs) -> Awaitable[Result]:
    found = _giving(KEY, roleset(call, args.roleset), f"role set {quote(args.roleset)}")
    return _key(call, found, args, {"role_set": args.roleset, "role_set_bindings": found.checksum})


def static_key(call: Call, args: StaticKeyArgs) -> Awaitable[Result]:
    found = _giving(KEY, static(call, args.name), f"static account {quote(args.name)}")
    return _key(call, found, args, {"static_account": args.name, "static_account_bindings": found.checksum})


def _giving(kind: str, found: Account | None, shown: str) -> Account:
    """An account that gives secrets of a kind. Raises Refusal."""
    if found is None:
        refuse(f"{shown} does not exists")
    if found.secret_type != kind:
        what = "service account keys" if kind == KEY else "access tokens"
        refuse(f"{shown} cannot generate {what} (has secret type {found.secret_type})")
    return found


def _key(call: Call, account: Account, args: KeyArgs, internal: dict[str, Any]) -> Awaitable[Result]:
    _check_enum("key_algorithm", "ServiceAccountKeyAlgorithm", args.key_algorithm, keys.ALGORITHMS)
    _check_enum("private_key_type", "ServiceAccountPrivateKeyType", args.key_type, keys.TYPES)
    return _new_key(call, account, args, internal)


def _check_enum(field: str, kind: str, value: str, known: tuple[str, ...]) -> None:
    if value and value not in known:  # nothing at all leaves it to Google
        place = f"'{field}' (type.googleapis.com/google.iam.admin.v1.{kind})"
        refuse(f"googleapi: Error 400: Invalid value at {place}, {quote(value)}, invalid")


async def _new_key(call: Call, account: Account, args: KeyArgs, internal: dict[str, Any]) -> Result:
    kind = keys.PKCS12 if args.key_type == keys.PKCS12 else keys.JSON
    data, key_id = await keys.key_file(call, account.email.partition("@")[0][:64] or "vault", kind)
    config = load(call)
    name = f"projects/{account.project}/serviceAccounts/{account.email}/keys/{key_id}"
    return Response(
        data={"private_key_data": data, "key_algorithm": keys.ALGORITHM, "key_type": kind},
        lease=Lease(
            ttl=args.ttl or config.ttl,
            max_ttl=config.max_ttl,
            kind=KEY,
            internal={**internal, "account": account.email, "key_name": name},
        ),
        credentials=("private_key_data",),
    )


def key_lengths(call: Call, lease: Lease) -> tuple[int, int]:
    """How long a renewed key lasts: as the configuration says. Raises Failure when the account is another one by now.

    The real server tries for 80 seconds before it says so.
    """
    if "role_set" in lease.internal:
        kind, name, checksum = "role set", str(lease.internal["role_set"]), lease.internal["role_set_bindings"]
        found = roleset(call, name)
    else:
        kind, name = "static account", str(lease.internal["static_account"])
        found, checksum = static(call, name), lease.internal["static_account_bindings"]
    if found is None:  # the plugin has this text, but crashes before it
        raise Failure(f"retry failed: could not find {kind} {quote(name)} to verify secret")
    if found.checksum != checksum:
        raise Failure(f"retry failed: {kind} '{name}' bindings were updated since secret was generated, cannot renew")
    if found.email != lease.internal["account"]:  # that account is gone, and its keys with it
        raise Failure("retry failed: context deadline exceeded")
    config = load(call)
    return config.ttl, config.max_ttl


def roleset_token(call: Call, args: RolesetTokenArgs) -> Result:
    _giving(TOKEN, roleset(call, args.roleset), f"role set '{args.roleset}'")
    return _token(call, TOKEN_TTL)


def static_token(call: Call, args: NameArgs) -> Result:
    _giving(TOKEN, static(call, args.name), f"static account {quote(args.name)}")
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
    if ttl > _LONGEST_LIFETIME:
        refuse("unable to generate token source: impersonate: max lifetime is 12 hours")
    return _token(call, ttl or TOKEN_TTL)


def _token(call: Call, ttl: int) -> Response:
    token, expires = call.fake("gcp.access_token", "token"), int(call.clock.now()) + ttl
    # Nobody can take such a token back, so it is known to be valid until it expires by itself.
    call.superseded(token, grace=ttl)
    return Response(data={"token": token, "token_ttl": ttl - 1, "expires_at_seconds": expires}, credentials=("token",))
