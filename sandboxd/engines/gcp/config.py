"""How the engine would reach Google Cloud, and the rotation of its own key."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass, replace

from sandboxd.vault.errors import Failure, refuse
from sandboxd.vault.framework import jsontext
from sandboxd.vault.framework.backend import Call, Result
from sandboxd.vault.framework.fields import Duration, NoArgs, param
from sandboxd.vault.framework.gojson import TEXT, Struct, unmarshal
from sandboxd.vault.framework.records import update, without
from sandboxd.vault.framework.rotating import RootRotation, check, deferred, plan

CONFIG = "config"
KEY_KIND = "gcp.service_account"
_KEY_FILE = Struct(
    "gcputil.GcpCredentials",
    dict.fromkeys(("client_email", "client_id", "private_key_id", "private_key", "project_id"), TEXT),
)


@dataclass(frozen=True, kw_only=True, repr=False)
class Config(RootRotation):
    """The configuration, as stored. Times are in seconds."""

    credentials: str = param("", "Key file (JSON) of the service account to act as.")
    ttl: Duration = param(0, "How long keys last; 0 for what the mount says.")
    max_ttl: Duration = param(0, "How long keys can be renewed; 0 for what the mount says.")
    service_account_email: str = param("", "Service account to impersonate, for workload identity federation.")
    identity_token_audience: str = param("", "Audience of the engine's identity tokens.")
    identity_token_ttl: Duration = param(3600, "How long the engine's identity tokens last.")
    rotated_at: int = param(0, hidden=True)  # nanoseconds since 1970


def load(call: Call) -> Config:
    """The configuration; an empty one where there is none."""
    return call.storage.get(CONFIG, Config) or Config(identity_token_ttl=0)


def read(call: Call, _args: Config) -> Result:
    found = call.storage.get(CONFIG, Config)
    return None if found is None else without(found, "credentials", "rotated_at")


def write(call: Call, args: Config) -> None:
    if "credentials" in call.given:
        try:
            jsontext.check(args.credentials)
            unmarshal(args.credentials, _KEY_FILE)
        except ValueError as error:
            refuse(f"invalid credentials JSON file: {error}")
    config = update(load(call), args, call.given)
    if config.identity_token_audience and config.credentials:
        refuse("only one of 'credentials' or 'identity_token_audience' can be set")
    if config.identity_token_audience and not config.service_account_email:
        refuse("missing required 'service_account_email' when 'identity_token_audience' is set")
    check(call, config)
    call.storage.put(CONFIG, config)
    plan(call, CONFIG, config.next(config.rotated_at or call.clock.now_ns()))


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
    """Rotate the engine's key, if it is not too late for the moment that the schedule had."""
    if not deferred(call, CONFIG, load(call)):
        await rotate_root(call, NoArgs())
