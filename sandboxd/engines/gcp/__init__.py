"""The Google Cloud secrets engine: service account keys and access tokens.

Everything is simulated: no cloud is asked. Accounts and resources are taken to exist as a client names them. Source:
the plugin's public source (0.24), for checks, their order and texts, and Vault's documentation.
"""

from __future__ import annotations

from typing import Any

from sandboxd.engines.gcp import accounts, config, impersonated_accounts, rolesets, secrets, static_accounts
from sandboxd.vault.framework.backend import Engine, Path, Rotates
from sandboxd.vault.framework.fields import NoArgs
from sandboxd.vault.framework.resources import simulated

_ID = "google-cloud"


def _of(kind: str) -> dict[str, str]:
    """The operation ids of what is read, written and deleted."""
    return {operation: f"{_ID}-{operation}-{kind}" for operation in ("read", "write", "delete")}


def _lists(kind: str) -> tuple[Path[Any, Any], ...]:
    """The paths that list a kind of account, whose name may be in the plural."""
    return tuple(
        Path(
            template,
            NoArgs,
            "List accounts.",
            list=accounts.lister(kind),
            operation_ids={"list": f"{_ID}-list-{kind}s{number}"},
        )
        for template, number in ((f"{kind}/?", ""), (f"{kind}s/?", "2"))
    )


def _gives(template: str, args: Any, text: str, handler: Any, **ids: str) -> Path[Any, Any]:
    """A path that gives a secret, whichever way it is asked. One of a roleset serves no writes without it."""
    of_roleset = "{roleset}" in template
    return Path(
        template,
        args,
        text,
        read=handler,
        write=handler,
        create=accounts.no_create if of_roleset else None,
        exists=secrets.roleset_exists if of_roleset else None,
        operation_ids={operation: f"{_ID}-generate-{suffix}" for operation, suffix in ids.items()},
    )


def _rotates(template: str, text: str, handler: Any, exists: Any, suffix: str) -> Path[Any, Any]:
    return Path(
        template,
        accounts.NameArgs,
        text,
        write=handler,
        create=accounts.no_create,
        exists=exists,
        operation_ids={"write": f"{_ID}-rotate-{suffix}"},
    )


_KEY, _TOKEN = "Get a service account key.", "Get an OAuth access token."

_ROLESETS = (
    *_lists("roleset"),
    Path(
        "roleset/{name}",
        rolesets.RolesetArgs,
        "Manage one roleset.",
        read=rolesets.read,
        write=rolesets.write,
        delete=accounts.deleter("roleset"),
        exists=rolesets.exists,
        operation_ids=_of("roleset"),
    ),
    _rotates("roleset/{name}/rotate", "Replace its account.", rolesets.rotate, rolesets.exists, "roleset"),
    _rotates("roleset/{name}/rotate-key", "Replace its key.", rolesets.rotate_key, rolesets.exists, "roleset-key"),
    *(
        _gives(template, secrets.RolesetKeyArgs, _KEY, secrets.roleset_key, write=write, read=read)
        for template, write, read in (
            ("roleset/{roleset}/key", "roleset-key", "roleset-key2"),
            ("key/{roleset}", "roleset-key3", "roleset-key4"),
        )
    ),
    *(
        _gives(template, secrets.RolesetTokenArgs, _TOKEN, secrets.roleset_token, write=write, read=read)
        for template, write, read in (
            ("roleset/{roleset}/token", "roleset-access-token", "roleset-access-token2"),
            ("token/{roleset}", "roleset-access-token3", "roleset-access-token4"),
        )
    ),
)

_STATIC = (
    *_lists("static-account"),
    Path(
        "static-account/{name}",
        static_accounts.StaticArgs,
        "Manage one static account.",
        read=static_accounts.read,
        write=static_accounts.write,
        delete=accounts.deleter("static-account"),
        exists=static_accounts.exists,
        operation_ids=_of("static-account"),
    ),
    _rotates(
        "static-account/{name}/rotate-key",
        "Replace its key.",
        static_accounts.rotate_key,
        static_accounts.exists,
        "static-account-key",
    ),
    _gives(
        "static-account/{name}/key",
        secrets.StaticKeyArgs,
        _KEY,
        secrets.static_key,
        write="static-account-key",
        read="static-account-key2",
    ),
    _gives(
        "static-account/{name}/token",
        accounts.NameArgs,
        _TOKEN,
        secrets.static_token,
        write="static-account-access-token",
        read="static-account-access-token2",
    ),
)

_IMPERSONATED = (
    *_lists("impersonated-account"),
    Path(
        "impersonated-account/{name}",
        impersonated_accounts.ImpersonatedArgs,
        "Manage one account to impersonate.",
        read=impersonated_accounts.read,
        write=impersonated_accounts.write,
        delete=accounts.deleter("impersonated-account"),
        exists=impersonated_accounts.exists,
        operation_ids=_of("impersonated-account"),
    ),
    _gives(
        "impersonated-account/{name}/token",
        accounts.NameArgs,
        _TOKEN,
        secrets.impersonated_token,
        write="impersonated-account-access-token2",
        read="impersonated-account-access-token",
    ),
)

ENGINE = Engine(
    type="gcp",
    help="Get keys and access tokens of Google Cloud service accounts.",
    paths=(
        Path(
            config.CONFIG,
            config.Config,
            "Configure how Google Cloud is reached.",
            read=config.read,
            write=config.write,
            operation_ids={"read": f"{_ID}-read-configuration", "write": f"{_ID}-configure"},
        ),
        Path(
            "config/rotate-root",
            NoArgs,
            "Replace the engine's own key.",
            write=config.rotate_root,
            operation_ids={"write": f"{_ID}-rotate-root-credentials"},
        ),
        *_ROLESETS,
        *_STATIC,
        *_IMPERSONATED,
    ),
    secrets=(simulated(accounts.KEY, secrets.key_lengths),),
    on_timer=config.on_timer,
    rotates=(
        Rotates(config.CONFIG, "config/rotate-root"),
        Rotates("roleset/{name}", "roleset/{name}/rotate"),
        Rotates("static-account/{name}", "static-account/{name}/rotate-key"),
    ),
)
