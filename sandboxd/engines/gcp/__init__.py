"""The Google Cloud secrets engine: service account keys and access tokens.

Everything is simulated: no cloud is asked. Accounts and resources are taken to exist as a client names them. Source:
the plugin's public source, for checks and texts, and Vault's documentation.
"""

from __future__ import annotations

from typing import Any

from sandboxd.engines.gcp import accounts, config, secrets
from sandboxd.vault.framework.backend import Engine, Path, Rotates, SecretKind


def _list(template: str, folder: str) -> Path[Any, Any]:
    return Path(template, config.NoArgs, "List accounts.", list=accounts.lister(folder))


def _gives(template: str, args: Any, text: str, handler: Any) -> Path[Any, Any]:
    """A path that gives a secret, whichever way it is asked."""
    return Path(template, args, text, read=handler, write=handler)


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
            accounts.RolesetArgs,
            "Manage one roleset.",
            read=accounts.read_roleset,
            write=accounts.write_roleset,
            delete=accounts.deleter("roleset"),
            exists=accounts.roleset_exists,
        ),
        Path("roleset/{name}/rotate", accounts.NameArgs, "Replace its account.", write=accounts.rotate_roleset),
        Path("roleset/{name}/rotate-key", accounts.NameArgs, "Replace its key.", write=accounts.rotate_roleset_key),
        *(
            _gives(template, secrets.RolesetKeyArgs, _KEY, secrets.roleset_key)
            for template in ("roleset/{roleset}/key", "key/{roleset}")
        ),
        *(
            _gives(template, secrets.RolesetTokenArgs, _TOKEN, secrets.roleset_token)
            for template in ("roleset/{roleset}/token", "token/{roleset}")
        ),
        Path(
            "static-account/{name}",
            accounts.StaticArgs,
            "Manage one static account.",
            read=accounts.read_static,
            write=accounts.write_static,
            delete=accounts.deleter("static-account"),
            exists=accounts.static_exists,
        ),
        Path(
            "static-account/{name}/rotate-key", accounts.NameArgs, "Replace its key.", write=accounts.rotate_static_key
        ),
        _gives("static-account/{name}/key", secrets.StaticKeyArgs, _KEY, secrets.static_key),
        _gives("static-account/{name}/token", accounts.NameArgs, _TOKEN, secrets.static_token),
        Path(
            "impersonated-account/{name}",
            accounts.ImpersonatedArgs,
            "Manage one account to impersonate.",
            read=accounts.read_impersonated,
            write=accounts.write_impersonated,
            delete=accounts.deleter("impersonated-account"),
            exists=accounts.impersonated_exists,
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
