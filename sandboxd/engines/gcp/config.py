"""How the engine would reach Google Cloud, and the rotation of its own key."""

from __future__ import annotations

import json
from collections.abc import Awaitable
from dataclasses import dataclass, replace

from sandboxd.vault.errors import Failure, refuse
from sandboxd.vault.framework.backend import Call, Result
from sandboxd.vault.framework.fields import Duration, param
from sandboxd.vault.framework.gojson import EARLY_END, TEXT, Struct, first_value, unmarshal
from sandboxd.vault.framework.records import update
from sandboxd.vault.framework.rotating import Rotation, check, plan
from sandboxd.vault.gotext import quote

CONFIG = "config"
KEY_KIND = "gcp.service_account"
_KEY_FILE = Struct(
    "gcputil.GcpCredentials",
    dict.fromkeys(("client_email", "client_id", "private_key_id", "private_key", "project_id"), TEXT),
)
_SHOWN = (
    "ttl",
    "max_ttl",
    "service_account_email",
    "identity_token_audience",
    "identity_token_ttl",
    "rotation_schedule",
    "rotation_window",
    "rotation_period",
    "rotation_policy",
    "disable_automated_rotation",
)


@dataclass(frozen=True, kw_only=True, repr=False)
class Config(Rotation):
    """The configuration, as stored. Times are in seconds."""

    credentials: str = param("", "Key file (JSON) of the service account to act as.")
    ttl: Duration = param(0, "How long keys last; 0 for what the mount says.")
    max_ttl: Duration = param(0, "How long keys can be renewed; 0 for what the mount says.")
    service_account_email: str = param("", "Service account to impersonate, for workload identity federation.")
    identity_token_audience: str = param("", "Audience of the engine's identity tokens.")
    identity_token_ttl: Duration = param(3600, "How long the engine's identity tokens last.")
    rotation_policy: str = param("", "Name of the policy of the rotations.")
    rotated_at: int = param(0, hidden=True)  # nanoseconds since 1970


@dataclass(frozen=True, kw_only=True)
class NoArgs:
    """Nothing to say."""


def load(call: Call) -> Config:
    """The configuration; an empty one where there is none."""
    return call.storage.get(CONFIG, Config) or Config(identity_token_ttl=0)


def read(call: Call, _args: Config) -> Result:
    found = call.storage.get(CONFIG, Config)
    return None if found is None else {name: getattr(found, name) for name in _SHOWN}


def write(call: Call, args: Config) -> None:
    if "credentials" in call.given:
        try:
            _check_key_file(args.credentials)
        except ValueError as error:
            refuse(f"invalid credentials JSON file: {error}")
    config = update(load(call), args, call.given)
    if config.identity_token_audience and config.credentials:
        refuse("only one of 'credentials' or 'identity_token_audience' can be set")
    if config.identity_token_audience and not config.service_account_email:
        refuse("missing required 'service_account_email' when 'identity_token_audience' is set")
    try:
        check(call, config)
    except ValueError as error:
        refuse(str(error))
    call.storage.put(CONFIG, config)
    plan(call, CONFIG, config.next(config.rotated_at or call.clock.now_ns()))


def _check_key_file(text: str) -> None:
    """Raise ValueError, in the words of Go's decoder, for what is no key file. `null` is one without members."""
    try:
        first_value(text)
    except ValueError as error:
        ended = str(error) in ("EOF", EARLY_END)
        raise ValueError("unexpected end of JSON input" if ended else str(error)) from None
    start = len(text) - len(text.lstrip(" \t\r\n"))
    _, end = json.JSONDecoder().raw_decode(text, start)
    rest = text[end:].lstrip(" \t\r\n")
    if rest:
        raise ValueError(f"invalid character '{quote(rest[0])[1:-1]}' after top-level value")
    unmarshal(text, _KEY_FILE)


def own_account(config: Config) -> str:
    """The name of the engine's own account: what its address has before the @; empty when it has none."""
    return _member(config, "client_email").partition("@")[0]


def own_project(config: Config) -> str:
    """The project of the engine's own account; empty when it has none."""
    return _member(config, "project_id")


def _member(config: Config, name: str) -> str:
    return str(unmarshal(config.credentials, _KEY_FILE)[name]) if config.credentials else ""


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
    """Replace the key of the engine's account; gives the id of the new one."""
    made = await call.fakes_slowly(KEY_KIND, "credentials", account=own_account(load(call))[:64] or "vault")
    config, now = load(call), call.clock.now_ns()
    call.superseded(config.credentials)
    rotated = replace(config, credentials=made["value"], rotated_at=now)
    call.storage.put(CONFIG, rotated)
    plan(call, CONFIG, rotated.next(now))
    return {"private_key_id": made["private_key_id"]}


async def on_timer(call: Call, _name: str) -> None:
    """Rotate the engine's key on schedule."""
    await rotate_root(call, NoArgs())
