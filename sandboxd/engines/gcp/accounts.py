"""Accounts: rolesets with service accounts of their own, static accounts that exist already, impersonated ones."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from sandboxd.engines.gcp.bindings import Bindings, read_bindings
from sandboxd.engines.gcp.config import NoArgs
from sandboxd.vault.errors import refuse
from sandboxd.vault.framework.backend import Call, Response, Result
from sandboxd.vault.framework.fields import CommaList, Duration, Name, param
from sandboxd.vault.gotext import quote

KEY, TOKEN = "service_account_key", "access_token"
_EMAIL = re.compile(r"[^@]+@(?P<project>[^.]+)\.iam\.gserviceaccount\.com")
_LONGEST_NAME = 30


@dataclass(frozen=True, kw_only=True)
class Account:
    """A roleset or a static account, as stored. Secrets of an older `generation` are no longer good."""

    secret_type: str
    project: str
    email: str
    raw_bindings: str = ""
    bindings: Bindings = field(default_factory=dict)
    scopes: tuple[str, ...] = ()
    generation: int = 1

    @property
    def checksum(self) -> str:
        """Tells whether the bindings are still what they were."""
        return sha256(f"{self.raw_bindings}\0{self.generation}".encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Impersonated:
    """An account that the engine's own may act as. `ttl` is in seconds."""

    email: str
    project: str
    scopes: tuple[str, ...]
    ttl: int = 0


@dataclass(frozen=True, kw_only=True)
class RolesetArgs:
    """A roleset, as a client describes it."""

    name: Name = param(help="Name of the roleset.")
    secret_type: str = param(TOKEN, "What it gives: access_token or service_account_key.", shown_default=True)
    project: str = param("", "Project that its service account belongs to.")
    bindings: str = param("", "Roles by resource, in HCL or JSON.")
    token_scopes: CommaList = param((), "OAuth scopes of its access tokens.")


@dataclass(frozen=True, kw_only=True)
class StaticArgs:
    """A static account, as a client describes it."""

    name: Name = param(help="What the account is called here.")
    secret_type: str = param(TOKEN, "What it gives: access_token or service_account_key.", shown_default=True)
    service_account_email: str = param("", "Address of the service account.")
    bindings: str = param("", "Roles by resource, in HCL or JSON.")
    token_scopes: CommaList = param((), "OAuth scopes of its access tokens.")


@dataclass(frozen=True, kw_only=True)
class ImpersonatedArgs:
    """An account to impersonate, as a client describes it."""

    name: Name = param(help="What the account is called here.")
    service_account_email: str = param("", "Address of the service account.")
    token_scopes: CommaList = param((), "OAuth scopes of its access tokens.")
    ttl: Duration = param(0, "How long its access tokens last.")


@dataclass(frozen=True, kw_only=True)
class NameArgs:
    """Which account."""

    name: Name = param(help="Name of the account.")


def roleset(call: Call, name: str) -> Account | None:
    """The roleset of that name."""
    return call.storage.get(f"roleset/{name}", Account)


def static(call: Call, name: str) -> Account | None:
    """The static account of that name."""
    return call.storage.get(f"static-account/{name}", Account)


def impersonated(call: Call, name: str) -> Impersonated | None:
    """The impersonated account of that name."""
    return call.storage.get(f"impersonated-account/{name}", Impersonated)


def lister(folder: str) -> Callable[[Call, NoArgs], Result]:
    """The handler that lists a kind of account."""

    def names(call: Call, _args: NoArgs) -> Result:
        found = call.storage.list(f"{folder}/")
        return {"keys": found} if found else {}

    return names


def deleter(folder: str) -> Callable[[Call, Any], None]:
    """The handler that deletes an account of a kind."""

    def delete(call: Call, args: Any) -> None:
        call.storage.delete(f"{folder}/{args.name}")

    return delete


# Rolesets


def roleset_exists(call: Call, args: RolesetArgs) -> bool:
    return roleset(call, args.name) is not None


def read_roleset(call: Call, args: RolesetArgs) -> Result:
    found = roleset(call, args.name)
    if found is None:
        return None
    data: dict[str, Any] = {
        "secret_type": found.secret_type,
        "bindings": _shown(found.bindings),
        "service_account_email": found.email,
        "project": found.project,
    }
    if found.secret_type == TOKEN:
        data["token_scopes"] = list(found.scopes)
    return data


def write_roleset(call: Call, args: RolesetArgs) -> Result:
    old, given = roleset(call, args.name), call.given
    kind = _secret_type(args, old, given)
    project = _project(args, old, given)
    scopes: tuple[str, ...] = old.scopes if old is not None else ()
    if "token_scopes" in given:
        if kind != TOKEN:
            call.warn(f"ignoring token_scopes, only valid for '{TOKEN}' secret type role set")
        if not args.token_scopes:
            refuse("cannot provide empty token_scopes")
        scopes = args.token_scopes if kind == TOKEN else ()
    elif kind == TOKEN and old is None:
        refuse("token_scopes must be provided for creating access token role set")
    if "bindings" in given and not args.bindings:
        refuse("bindings are empty")
    if old is None and "bindings" not in given:
        refuse("bindings are required for new role set")
    if old is not None and ("bindings" not in given or args.bindings == old.raw_bindings):
        changed = replace(old, scopes=scopes)
    else:
        try:
            bindings = read_bindings(args.bindings)
        except ValueError as error:
            refuse(f"unable to parse bindings: {error}")
        if not bindings:
            refuse("unable to parse any bindings from given bindings HCL")
        changed = Account(
            secret_type=kind,
            project=project,
            email=_new_email(call, args.name, project),
            raw_bindings=args.bindings,
            bindings=bindings,
            scopes=scopes,
            generation=1 if old is None else old.generation + 1,
        )
    call.storage.put(f"roleset/{args.name}", changed)
    return Response() if call.warnings else None


def _secret_type(args: RolesetArgs, old: Account | None, given: frozenset[str]) -> str:
    if old is not None:
        if "secret_type" in given and args.secret_type != old.secret_type:
            refuse("cannot change secret_type after roleset creation")
        return old.secret_type
    if args.secret_type not in (KEY, TOKEN):
        refuse(f'invalid "secret_type" value: "{args.secret_type}"')
    return args.secret_type


def _project(args: RolesetArgs, old: Account | None, given: frozenset[str]) -> str:
    if "project" not in given:
        if old is None:
            refuse("project argument is required for new role set")
        return old.project
    if old is not None and old.project != args.project:
        refuse(f"cannot change project for existing role set (old: {old.project}, new: {args.project})")
    if not args.project:
        refuse("given empty project")
    return args.project


def _new_email(call: Call, name: str, project: str) -> str:
    """The address of a new service account: its name has at most thirty characters, and tells when it was made."""
    made = str(int(call.clock.now()))
    plain = re.sub(r"[^a-zA-Z0-9-]+", "-", name)[: _LONGEST_NAME - len("vault-") - len(made)]
    return f"vault{plain}-{made}@{project}.iam.gserviceaccount.com"


def rotate_roleset(call: Call, args: NameArgs) -> None:
    found = roleset(call, args.name)
    if found is None:
        refuse(f"roleset '{args.name}' not found")
    email = _new_email(call, args.name, found.project)
    call.storage.put(f"roleset/{args.name}", replace(found, email=email))


def rotate_roleset_key(call: Call, args: NameArgs) -> None:
    found = roleset(call, args.name)
    if found is None:
        refuse(f"roleset '{args.name}' not found")
    if found.secret_type != TOKEN:
        refuse("cannot rotate key for non-access-token role set")


# Static accounts


def static_exists(call: Call, args: StaticArgs) -> bool:
    return static(call, args.name) is not None


def read_static(call: Call, args: StaticArgs) -> Result:
    found = static(call, args.name)
    if found is None:
        return None
    data: dict[str, Any] = {
        "service_account_project": found.project,
        "service_account_email": found.email,
        "secret_type": found.secret_type,
    }
    if found.bindings:
        data["bindings"] = _shown(found.bindings)
    if found.secret_type == TOKEN:
        data["token_scopes"] = list(found.scopes)
    return data


def write_static(call: Call, args: StaticArgs) -> Result:
    old, given = static(call, args.name), call.given
    if old is not None and args.secret_type and old.secret_type != args.secret_type:
        refuse(f"cannot update secret_type - currently {quote(old.secret_type)}")
    if args.secret_type not in (KEY, TOKEN):
        refuse(f"invalid secret_type {quote(args.secret_type)}")
    email = _email(args.service_account_email, "" if old is None else old.email)
    scopes = args.token_scopes if "token_scopes" in given or old is None else old.scopes
    if args.secret_type == TOKEN and not scopes:
        refuse("non-empty token_scopes must be provided for generating access token secrets")
    if args.secret_type != TOKEN and "token_scopes" in given and scopes:
        call.warn("ignoring non-empty token scopes, secret type not access_token")
    raw, bindings = ("", {}) if old is None else (old.raw_bindings, old.bindings)
    if "bindings" in given:
        try:
            raw, bindings = args.bindings, read_bindings(args.bindings)
        except ValueError as error:
            refuse(f"unable to parse bindings: {error}")
    account = Account(
        secret_type=args.secret_type,
        project=_project_of(email),
        email=email,
        raw_bindings=raw,
        bindings=bindings,
        scopes=scopes if args.secret_type == TOKEN else (),
    )
    call.storage.put(f"static-account/{args.name}", account)
    return Response() if call.warnings else None


def rotate_static_key(call: Call, args: NameArgs) -> None:
    found = static(call, args.name)
    if found is None:
        refuse(f"account '{args.name}' not found")
    if found.secret_type != TOKEN:
        refuse("cannot rotate key for non-access-token static account")


# Impersonated accounts


def impersonated_exists(call: Call, args: ImpersonatedArgs) -> bool:
    return impersonated(call, args.name) is not None


def read_impersonated(call: Call, args: ImpersonatedArgs) -> Result:
    found = impersonated(call, args.name)
    if found is None:
        return None
    return {
        "service_account_project": found.project,
        "service_account_email": found.email,
        "token_scopes": list(found.scopes),
        "ttl": found.ttl,
    }


def write_impersonated(call: Call, args: ImpersonatedArgs) -> None:
    old = impersonated(call, args.name)
    email = args.service_account_email or ("" if old is None else old.email)
    if not email:
        refuse("email is required")
    if old is not None and email != old.email:
        refuse("cannot update email")
    scopes = args.token_scopes if "token_scopes" in call.given or old is None else old.scopes
    if not scopes:
        refuse("non-empty token_scopes must be provided for generating secrets")
    ttl = args.ttl if "ttl" in call.given or old is None else old.ttl
    account = Impersonated(email=email, project=_project_of(email), scopes=scopes, ttl=ttl)
    call.storage.put(f"impersonated-account/{args.name}", account)


def _email(given: str, old: str) -> str:
    if not given and not old:
        refuse("email is required")
    if given and old and given != old:
        refuse(f"cannot update email - currently {quote(old)}")
    return given or old


def _project_of(email: str) -> str:
    """The project that an account belongs to, as its address tells."""
    found = _EMAIL.fullmatch(email)
    return "" if found is None else found["project"]


def _shown(bindings: Bindings) -> dict[str, list[str]]:
    return {resource: list(roles) for resource, roles in bindings.items()}
