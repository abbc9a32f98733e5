"""How the engine would reach Azure, and the rotation of its own secret."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sandboxd.vault.durations import SECOND, rfc3339
from sandboxd.vault.errors import Failure, listed, refuse
from sandboxd.vault.framework.backend import Call, Result
from sandboxd.vault.framework.fields import Duration, NoArgs, param
from sandboxd.vault.framework.records import update, without
from sandboxd.vault.framework.rotating import RootRotation, check, deferred, plan
from sandboxd.vault.gotext import quote

CONFIG = "config"
SECRET_KIND = "azure.client_secret"
ROOT_PASSWORD_TTL = 4380 * 60 * 60  # seconds
MOVE_TO_NEW_SECRET = 60 * SECOND
"""How long after a rotation Azure takes to know the new secret everywhere; until then the engine uses the old one."""
ENVIRONMENTS = ("AZUREPUBLICCLOUD", "AZURECHINACLOUD", "AZUREUSGOVERNMENTCLOUD")  # in any case of letters
_HIDDEN = ("client_secret", "root_password_expiration_date", "new_client_secret", "new_secret_expires", "rotated_at")


@dataclass(frozen=True, kw_only=True, repr=False)
class Config(RootRotation):
    """How the engine would reach Azure, as stored. Times are in seconds, moments nanoseconds since 1970."""

    subscription_id: str = param("", "Subscription to manage.")
    tenant_id: str = param("", "Tenant to manage.")
    environment: str = param("", "Azure's environment; AzurePublicCloud without.")
    client_id: str = param("", "Application to log in as.")
    client_secret: str = param("", "Secret of that application.")
    root_password_ttl: Duration = param(ROOT_PASSWORD_TTL, "How long a secret that a rotation makes lasts.")
    identity_token_audience: str = param("", "Audience of the engine's identity tokens.")
    identity_token_ttl: Duration = param(3600, "How long the engine's identity tokens last.")
    root_password_expiration_date: int = param(0, hidden=True)
    new_client_secret: str = param("", hidden=True)  # takes over soon after a rotation
    new_secret_expires: int = param(0, hidden=True)
    rotated_at: int = param(0, hidden=True)


def load(call: Call) -> Config | None:
    """How the engine is configured, if it is; with the secret that has taken over meanwhile."""
    found = call.storage.get(CONFIG, Config)
    if found is None or not found.new_client_secret:
        return found
    if call.clock.now_ns() < found.rotated_at + MOVE_TO_NEW_SECRET:
        return found
    return replace(
        found,
        client_secret=found.new_client_secret,
        new_client_secret="",
        root_password_expiration_date=found.new_secret_expires,
    )


def config_exists(call: Call, _args: Config) -> bool:
    return load(call) is not None


def read_config(call: Call, _args: Config) -> Result:
    found = load(call) or Config(root_password_ttl=0, identity_token_ttl=0)
    data = without(found, *_HIDDEN)
    if found.root_password_expiration_date:
        data["root_password_expiration_date"] = rfc3339(found.root_password_expiration_date)
    return data


def write_config(call: Call, args: Config) -> None:
    given = call.given
    changed = update(load(call) or Config(identity_token_ttl=0), args, given)
    check(call, changed)
    if changed.identity_token_audience and changed.client_secret:
        refuse("only one of 'client_secret' or 'identity_token_audience' can be set")
    if "environment" in given and args.environment.upper() not in ENVIRONMENTS:
        refuse(listed([f"err: no cloud configuration matching the name {quote(args.environment)}"]))
    call.storage.put(CONFIG, changed)
    plan(call, CONFIG, changed.next(changed.rotated_at or call.clock.now_ns()))


def delete_config(call: Call, _args: Config) -> None:
    call.storage.delete(CONFIG)
    call.timers.cancel(CONFIG)


def connected(call: Call) -> Config:
    """The configuration, complete enough to reach Azure with. Raises Failure."""
    found = load(call) or Config()
    if not found.subscription_id:
        raise Failure("subscription_id is required")
    if not found.tenant_id:
        raise Failure("tenant_id is required")
    return found


def configured(call: Call) -> Config:
    """As `connected`, for what looks for a configuration first."""
    if load(call) is None:
        raise Failure("config is nil")
    return connected(call)


def rotate_root(call: Call, _args: NoArgs) -> None:
    config, now = configured(call), call.clock.now_ns()
    call.superseded(config.client_secret, grace=MOVE_TO_NEW_SECRET // SECOND)
    rotated = replace(
        config,
        new_client_secret=call.fake(SECRET_KIND, "client_secret"),
        new_secret_expires=now + (config.root_password_ttl or ROOT_PASSWORD_TTL) * SECOND,
        rotated_at=now,
    )
    call.storage.put(CONFIG, rotated)
    plan(call, CONFIG, rotated.next(now))


def on_timer(call: Call, _name: str) -> None:
    """Rotate the root credential, if it is not too late for the moment that the schedule had."""
    if not deferred(call, CONFIG, configured(call)):
        rotate_root(call, NoArgs())
