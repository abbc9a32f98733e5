"""Static accounts: service accounts that exist already, and the roles that they are to have."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sandboxd.engines.gcp.accounts import KEY, TOKEN, Account, NameArgs, check_resources, project_of, shown, static
from sandboxd.engines.gcp.bindings import Bindings, read_bindings
from sandboxd.vault.errors import refuse
from sandboxd.vault.framework.backend import Call, Response, Result
from sandboxd.vault.framework.fields import CommaList, Name, param
from sandboxd.vault.gotext import quote


@dataclass(frozen=True, kw_only=True)
class StaticArgs:
    """A static account, as a client describes it."""

    name: Name = param(help="What the account is called here.")
    secret_type: str = param(TOKEN, "What it gives: access_token or service_account_key.", shown_default=True)
    service_account_email: str = param("", "Address of the service account.")
    bindings: str = param("", "Roles by resource, in HCL or JSON.")
    token_scopes: CommaList = param((), "OAuth scopes of its access tokens.")


def exists(call: Call, args: StaticArgs | NameArgs) -> bool:
    return static(call, args.name) is not None


def read(call: Call, args: StaticArgs) -> Result:
    found = static(call, args.name)
    if found is None:
        return None
    data: dict[str, Any] = {
        "service_account_project": found.project,
        "service_account_email": found.email,
        "secret_type": found.secret_type,
    }
    if found.bindings:
        data["bindings"] = shown(found.bindings)
    if found.secret_type == TOKEN:
        data["token_scopes"] = list(found.scopes)
    return data


def write(call: Call, args: StaticArgs) -> Result:
    old = static(call, args.name)
    _check_secret_type(args.secret_type, "" if old is None else old.secret_type)
    check_email(args.service_account_email, "" if old is None else old.email)
    scopes = args.token_scopes if "token_scopes" in call.given or old is None else old.scopes
    if args.secret_type == TOKEN and not scopes:
        refuse("non-empty token_scopes must be provided for generating access_token secrets")
    warnings: list[str] = []
    if args.secret_type != TOKEN and "token_scopes" in call.given and scopes:
        warnings.append("ignoring non-empty token_scopes, secret type not access_token")
        scopes = ()
    raw, bindings = _bindings(call, args, old)
    if old is None:
        account = Account(
            secret_type=args.secret_type,
            project=project_of(call, args.service_account_email),
            email=args.service_account_email,
            raw_bindings=raw,
            bindings=bindings,
            scopes=scopes,
        )
    else:
        account = replace(old, raw_bindings=raw, bindings=bindings, scopes=merged(old.scopes, scopes))
    call.storage.put(f"static-account/{args.name}", account)
    return Response(warnings=warnings) if warnings else None


def _check_secret_type(given: str, old: str) -> None:
    # One that is not sent counts as access_token, also when the account has another.
    if not given and not old:
        refuse("secret_type is required")
    if given and old and given != old:
        refuse("cannot update secret_type")
    if given not in (KEY, TOKEN):
        refuse(f"invalid secret_type {quote(given)}")


def check_email(given: str, old: str) -> None:
    """Refuse an address that is missing, or another one than before."""
    if not given and not old:
        refuse("email is required")
    if given and old and given != old:
        refuse("cannot update email")


def merged(old: tuple[str, ...], new: tuple[str, ...]) -> tuple[str, ...]:
    """The new scopes, unless they are the old ones in another order."""
    return old if set(old) == set(new) else new


def _bindings(call: Call, args: StaticArgs, old: Account | None) -> tuple[str, Bindings]:
    """The bindings as they came, and as they are meant."""
    if "bindings" not in call.given:
        return ("", {}) if old is None else (old.raw_bindings, old.bindings)
    try:
        bindings = read_bindings(args.bindings)
    except ValueError as error:
        refuse(f"unable to parse bindings: {error}")
    try:
        check_resources(bindings)
    except ValueError as error:
        # The real server says the former after it has tried for 80 seconds.
        refuse(f"retry failed: {error}" if old is None else f"unable to update: {error}")
    return args.bindings, bindings


def rotate_key(call: Call, args: NameArgs) -> None:
    found = static(call, args.name)
    assert found is not None  # without it, the path serves no writes
    if found.secret_type != TOKEN:
        refuse("cannot rotate key for non-access-token static account")
