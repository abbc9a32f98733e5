"""Impersonated accounts: service accounts as which the engine's own may act."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sandboxd.engines.gcp.accounts import Impersonated, impersonated, project_of
from sandboxd.engines.gcp.static_accounts import check_email, merged
from sandboxd.vault.errors import refuse
from sandboxd.vault.framework.backend import Call, Result
from sandboxd.vault.framework.fields import CommaList, Duration, Name, param


@dataclass(frozen=True, kw_only=True)
class ImpersonatedArgs:
    """An account to impersonate, as a client describes it."""

    name: Name = param(help="What the account is called here.")
    service_account_email: str = param("", "Address of the service account.")
    token_scopes: CommaList = param((), "OAuth scopes of its access tokens.")
    ttl: Duration = param(0, "How long its access tokens last.")


def exists(call: Call, args: ImpersonatedArgs) -> bool:
    return impersonated(call, args.name) is not None


def read(call: Call, args: ImpersonatedArgs) -> Result:
    found = impersonated(call, args.name)
    if found is None:
        return None
    return {
        "service_account_project": found.project,
        "service_account_email": found.email,
        "token_scopes": list(found.scopes),
        "ttl": found.ttl,
    }


def write(call: Call, args: ImpersonatedArgs) -> None:
    old = impersonated(call, args.name)
    check_email(args.service_account_email, "" if old is None else old.email)
    scopes = args.token_scopes if "token_scopes" in call.given or old is None else old.scopes
    if not scopes:
        refuse("non-empty token_scopes must be provided for generating secrets")
    if old is None:
        email = args.service_account_email
        account = Impersonated(email=email, project=project_of(call, email), scopes=scopes, ttl=args.ttl)
    else:
        ttl = args.ttl if "ttl" in call.given else old.ttl
        account = replace(old, scopes=merged(old.scopes, scopes), ttl=ttl)
    call.storage.put(f"impersonated-account/{args.name}", account)
