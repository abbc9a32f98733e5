"""How the engine would reach Google Cloud, and the rotation of its own key."""

from __future__ import annotations

import json
from collections.abc import Awaitable
from dataclasses import dataclass, replace

from sandboxd.vault.errors import Failure, Refusal, refuse
from sandboxd.vault.framework.backend import Call, Result
from sandboxd.vault.framework.fields import Duration, param
from sandboxd.vault.framework.records import update
from sandboxd.vault.framework.rotating import Rotation, check, plan

CONFIG = "config"
KEY_KIND = "gcp.service_account"


@dataclass(frozen=True, kw_only=True, repr=False)
class Config(Rotation):
    """The configuration, as stored. Times are in seconds."""

    credentials: str = param("", "Key file (JSON) of the service account to act as.")
    ttl: Duration = param(0, "How long keys last; 0 for what the mount says.")
    max_ttl: Duration = param(0, "How long keys can be renewed; 0 for what the mount says.")
    service_account_email: str = param("", "Service account to impersonate, for workload identity federation.")
    identity_token_audience: str = param("", "Audience of the engine's identity tokens.")
    identity_token_ttl: Duration = param(0, "How long the engine's identity tokens last.")
    rotated_at: int = param(0, hidden=True)  # nanoseconds since 1970


@dataclass(frozen=True, kw_only=True)
class NoArgs:
    """Nothing to say."""


def load(call: Call) -> Config:
    """The configuration; an empty one where there is none."""
    return call.storage.get(CONFIG, Config) or Config()


def read(call: Call, _args: Config) -> Result:
    found = call.storage.get(CONFIG, Config)
    if found is None:
        return None
    return {
        "ttl": found.ttl,
        "max_ttl": found.max_ttl,
        "service_account_email": found.service_account_email,
        "identity_token_audience": found.identity_token_audience,
        "identity_token_ttl": found.identity_token_ttl,
        "rotation_schedule": found.rotation_schedule,
        "rotation_window": found.rotation_window,
        "rotation_period": found.rotation_period,
        "disable_automated_rotation": found.disable_automated_rotation,
    }


def write(call: Call, args: Config) -> None:
    if "credentials" in call.given:
        _key_file(args.credentials)
    config = update(load(call), args, call.given)
    try:
        check(call, config)
    except ValueError as error:
        refuse(str(error))
    if config.identity_token_audience and config.credentials:
        refuse("only one of 'credentials' or 'identity_token_audience' can be set")
    if config.identity_token_audience and not config.service_account_email:
        refuse("missing required 'service_account_email' when 'identity_token_audience' is set")
    call.storage.put(CONFIG, config)
    plan(call, CONFIG, config.next(config.rotated_at or call.clock.now_ns()))


def _key_file(text: str) -> dict[str, object]:
    """The members of a key file. Raises Refusal, in Go's words for the commonest mistakes."""
    try:
        found = json.loads(text)
    except ValueError:
        first = text.strip()[:1]
        reason = f"invalid character '{first}' looking for beginning of value" if first not in ("", "{") else "EOF"
        raise Refusal(f"invalid credentials JSON file: {reason}") from None
    if not isinstance(found, dict):
        refuse("invalid credentials JSON file: json: cannot unmarshal it into Go value of type gcputil.GcpCredentials")
    return found


def rotate_root(call: Call, _args: NoArgs) -> Awaitable[Result]:
    if call.storage.get(CONFIG) is None:
        raise Failure("no configuration")
    if not load(call).credentials:
        raise Failure(
            "configuration does not have credentials - this endpoint only works with user-provided JSON credentials "
            "explicitly provided via the config/ endpoint"
        )
    return _rotate(call)


async def _rotate(call: Call) -> Result:
    """Replace the engine's key; gives the id of the new one."""
    made = await call.fakes_slowly(KEY_KIND, "credentials")
    config, now = load(call), call.clock.now_ns()
    call.superseded(config.credentials)
    rotated = replace(config, credentials=made["value"], rotated_at=now)
    call.storage.put(CONFIG, rotated)
    plan(call, CONFIG, rotated.next(now))
    return {"private_key_id": made["private_key_id"]}


async def on_timer(call: Call, _name: str) -> None:
    """Rotate the engine's key on schedule."""
    if load(call).credentials:
        await _rotate(call)
