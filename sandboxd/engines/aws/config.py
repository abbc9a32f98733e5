"""How the engine reaches AWS, the rotation of its own access key, and how long the keys that it makes last."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass, replace

import msgspec

from sandboxd.engines.aws.sdk import AwsError
from sandboxd.engines.aws.services import ROOT, Config, iam, load, settled
from sandboxd.vault.durations import SECOND, format_nanoseconds, parse_duration
from sandboxd.vault.errors import Failure, refuse
from sandboxd.vault.framework.backend import Call, Result
from sandboxd.vault.framework.fields import NoArgs, param
from sandboxd.vault.framework.records import update, without
from sandboxd.vault.framework.rotating import check, deferred, plan

TEMPLATE = (
    '{{ if (eq .Type "STS") }}{{ printf "vault-%s-%s"  (unix_time) (random 20) | truncate 32 }}{{ else }}'
    '{{ printf "vault-%s-%s-%s" (printf "%s-%s" (.DisplayName) (.PolicyName) | truncate 42) (unix_time) (random 20) '
    "| truncate 64 }}{{ end }}"
)
LEASE = "config/lease"


@dataclass(frozen=True, kw_only=True)
class LeaseArgs:
    """How long access keys of IAM users last."""

    lease: str = param("", "How long they last, as a number and a unit, of which `h` is the longest.", required=True)
    lease_max: str = param("", "How long they can be renewed.", required=True)


class Lengths(msgspec.Struct, frozen=True):
    """How long access keys of IAM users last, in nanoseconds; 0 for what the mount says."""

    lease: int = 0
    lease_max: int = 0


def exists(call: Call, _args: Config) -> bool:
    return load(call) is not None


def read(call: Call, _args: Config) -> Result:
    found = load(call)
    return None if found is None else without(found, "secret_key", "rotated_at")


def write(call: Call, args: Config) -> None:
    config = update(load(call) or Config(identity_token_ttl=0), args, call.given)
    # A write that has no template sets the usual one, whichever there was.
    config = replace(config, username_template=args.username_template or TEMPLATE)
    if len(config.sts_fallback_endpoints) != len(config.sts_fallback_regions):
        refuse("fallback endpoints and fallback regions must be the same length")
    check(call, config)
    if config.identity_token_audience and config.access_key:
        refuse("only one of 'access_key' or 'identity_token_audience' can be set")
    if config.identity_token_audience and not config.role_arn:
        refuse("missing required 'role_arn' when 'identity_token_audience' is set")
    call.storage.put(ROOT, config)
    has_key = config.access_key and config.secret_key
    plan(call, ROOT, config.next(config.rotated_at or call.clock.now_ns()) if has_key else 0)


def rotate_root(call: Call, _args: NoArgs) -> Result | Awaitable[Result]:
    return settled(call, _rotate(call))


async def _rotate(call: Call) -> Result:
    config = load(call)
    if config is None:
        raise Failure("no configuration found for config/root")
    if not config.access_key or not config.secret_key:
        refuse("Cannot call config/rotate-root when either access_key or secret_key is empty")
    service = iam(call)
    step = "calling GetUser"
    try:
        user = (await service("GetUser"))["User"]["UserName"]
        step = "calling CreateAccessKey"
        made = (await service("CreateAccessKey", UserName=user))["AccessKey"]
        # Stored before the old key goes: whatever becomes of that, the new one is known.
        _store_key(call, made["AccessKeyId"], made["SecretAccessKey"])
        step = "deleting old access key"
        await service("DeleteAccessKey", AccessKeyId=config.access_key, UserName=user)
    except AwsError as error:
        raise Failure(f"error {step}: {error}") from None
    return {"access_key": made["AccessKeyId"]}


def _store_key(call: Call, access_key: str, secret_key: str) -> None:
    config, now = load(call) or Config(), call.clock.now_ns()
    call.superseded(config.access_key, config.secret_key)
    rotated = replace(config, access_key=access_key, secret_key=secret_key, rotated_at=now)
    call.storage.put(ROOT, rotated)
    plan(call, ROOT, rotated.next(now))


async def rotate_on_schedule(call: Call) -> None:
    """Rotate the engine's own key, if it is not too late for the moment that the schedule had."""
    config = load(call)
    if config is None or not deferred(call, ROOT, config):
        await _rotate(call)


def read_lease(call: Call, _args: LeaseArgs) -> Result:
    found = call.storage.get(LEASE, Lengths)
    if found is None:
        return None
    return {"lease": format_nanoseconds(found.lease), "lease_max": format_nanoseconds(found.lease_max)}


def write_lease(call: Call, args: LeaseArgs) -> None:
    for name in ("lease", "lease_max"):
        if not getattr(args, name):
            refuse(f"'{name}' is a required parameter")
    lengths = []
    for name in ("lease", "lease_max"):
        try:
            lengths.append(parse_duration(getattr(args, name)))
        except ValueError as error:
            refuse(f"Invalid {name}: {error}")
    call.storage.put(LEASE, Lengths(*lengths))


def lengths(call: Call) -> tuple[int, int]:
    """How long access keys last, and can be renewed, in seconds; 0 for what the mount says."""
    found = call.storage.get(LEASE, Lengths) or Lengths()
    return max(0, found.lease // SECOND), max(0, found.lease_max // SECOND)
