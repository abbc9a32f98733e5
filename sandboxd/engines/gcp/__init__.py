"""The Google Cloud secrets engine: service account keys and access tokens.

Everything is simulated: no cloud is asked. Accounts and resources are taken to exist as a client names them. Source:
the plugin's public source (0.24), for checks, their order and texts, and Vault's documentation.
"""

from __future__ import annotations

from typing import Any

from sandboxd.engines.gcp import accounts, config, impersonated_accounts, rolesets, secrets, static_accounts
from sandboxd.vault.framework.backend import Engine, Path, Rotates, SecretKind


def _list(template: str, folder: str) -> Path[Any, Any]:
    return Path(template, config.NoArgs, "List accounts.", list=accounts.lister(folder))


def _gives(template: str, args: Any, text: str, handler: Any) -> Path[Any, Any]:
    """A path that gives a secret, whichever way it is asked."""
    return Path(template, args, text, read=handler, write=handler)


def _roleset_gives(template: str, args: Any, text: str, handler: Any) -> Path[Any, Any]:
    """One that serves no writes without its roleset."""
    return Path(
        template,
        args,
        text,
        read=handler,
        write=handler,
        create=accounts.no_create,
        exists=secrets.roleset_exists,
    )


def _rotates(template: str, text: str, handler: Any, exists: Any) -> Path[Any, Any]:
    return Path(template, accounts.NameArgs, text, write=handler, create=accounts.no_create, exists=exists)


_KEY, _TOKEN = "Get a service account key.", "Get an OAuth access token."

ENGINE = Engine(
    type="gcp",
    help="Get keys and access tokens of Google Cloud service accounts.",
    paths=(
        Path(
            config.CONFIG, config.Config, "Configure how Google Cloud is reached.", read=config.read, write=config.write
        ),
        Path("config/rotate-root", config.NoArgs, "Replace the engine's own key.", write=config.rotate_root),
        *(
            _list(f"{name}{end}/?", name)
            for name in ("roleset", "static-account", "impersonated-account")
            for end in ("", "s")
        ),
        Path(
            "roleset/{name}",
            rolesets.RolesetArgs,
            "Manage one roleset.",
            read=rolesets.read,
            write=rolesets.write,
            delete=accounts.deleter("roleset"),
            exists=rolesets.exists,
        ),
        _rotates("roleset/{name}/rotate", "Replace its account.", rolesets.rotate, rolesets.exists),
        _rotates("roleset/{name}/rotate-key", "Replace its key.", rolesets.rotate_key, rolesets.exists),
        *(
            _roleset_gives(template, secrets.RolesetKeyArgs, _KEY, secrets.roleset_key)
            for template in ("roleset/{roleset}/key", "key/{roleset}")
        ),
        *(
            _roleset_gives(template, secrets.RolesetTokenArgs, _TOKEN, secrets.roleset_token)
            for template in ("roleset/{roleset}/token", "token/{roleset}")
        ),
        Path(
            "static-account/{name}",
            static_accounts.StaticArgs,
            "Manage one static account.",
            read=static_accounts.read,
            write=static_accounts.write,
            delete=accounts.deleter("static-account"),
            exists=static_accounts.exists,
        ),
        _rotates(
            "static-account/{name}/rotate-key", "Replace its key.", static_accounts.rotate_key, static_accounts.exists
        ),
        _gives("static-account/{name}/key", secrets.StaticKeyArgs, _KEY, secrets.static_key),
        _gives("static-account/{name}/token", accounts.NameArgs, _TOKEN, secrets.static_token),
        Path(
            "impersonated-account/{name}",
            impersonated_accounts.ImpersonatedArgs,
            "Manage one account to impersonate.",
            read=impersonated_accounts.read,
            write=impersonated_accounts.write,
            delete=accounts.deleter("impersonated-account"),
            exists=impersonated_accounts.exists,
        ),
        _gives("impersonated-account/{name}/token", accounts.NameArgs, _TOKEN, secrets.impersonated_token),
    ),
    secrets=(SecretKind(accounts.KEY, revoke=secrets.revoke_key, renew=secrets.renew_key),),
    on_timer=config.on_timer,
    rotates=(
        Rotates(config.CONFIG, "config/rotate-root"),
        Rotates("roleset/{name}", "roleset/{name}/rotate"),
        Rotates("static-account/{name}", "static-account/{name}/rotate-key"),
    ),
)
