"""Rolesets: roles on resources, and a service account that the engine makes for them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from sandboxd.engines.gcp.accounts import KEY, TOKEN, Account, NameArgs, check_resources, roleset, shown
from sandboxd.engines.gcp.bindings import Bindings, read_bindings
from sandboxd.vault.errors import refuse
from sandboxd.vault.framework.backend import Call, Response, Result
from sandboxd.vault.framework.fields import CommaList, Name, param

_LONGEST_NAME = 30


@dataclass(frozen=True, kw_only=True)
class RolesetArgs:
    """A roleset, as a client describes it."""

    name: Name = param(help="Name of the roleset.")
    secret_type: str = param(TOKEN, "What it gives: access_token or service_account_key.", shown_default=True)
    project: str = param("", "Project that its service account belongs to.")
    bindings: str = param("", "Roles by resource, in HCL or JSON.")
    token_scopes: CommaList = param((), "OAuth scopes of its access tokens.")


def exists(call: Call, args: RolesetArgs | NameArgs) -> bool:
    return roleset(call, args.name) is not None


def read(call: Call, args: RolesetArgs) -> Result:
    found = roleset(call, args.name)
    if found is None:
        return None
    data: dict[str, Any] = {
        "secret_type": found.secret_type,
        "bindings": shown(found.bindings),
        "service_account_email": found.email,
        "project": found.project,
    }
    if found.secret_type == TOKEN:
        data["token_scopes"] = list(found.scopes)
    return data


def write(call: Call, args: RolesetArgs) -> Result:
    old, given = roleset(call, args.name), call.given
    kind = _secret_type(args, old, given)
    project = _project(args, old, given)
    scopes, warnings = _scopes(args, old, given, kind)
    if "bindings" in given and not args.bindings:
        refuse("bindings are empty")
    if old is None and "bindings" not in given:
        refuse("bindings are required for new role set")
    if old is not None and ("bindings" not in given or args.bindings == old.raw_bindings):
        call.storage.put(f"roleset/{args.name}", replace(old, scopes=scopes))
        return None
    try:
        bindings = read_bindings(args.bindings)
    except ValueError as error:
        refuse(f"unable to parse bindings: {error}")
    if not bindings:
        refuse("unable to parse any bindings from given bindings HCL")
    account = Account(
        secret_type=kind,
        project=project,
        email=_new_account(call, args.name, project, bindings),
        raw_bindings=args.bindings,
        bindings=bindings,
        scopes=scopes,
    )
    call.storage.put(f"roleset/{args.name}", account)
    return Response(warnings=warnings) if warnings else None


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


def _scopes(
    args: RolesetArgs, old: Account | None, given: frozenset[str], kind: str
) -> tuple[tuple[str, ...], list[str]]:
    """The scopes, and a warning where they are for nothing."""
    if "token_scopes" in given:
        if not args.token_scopes:
            refuse("cannot provide empty token_scopes")
        if kind == TOKEN:
            return args.token_scopes, []
        return (), [f"ignoring token_scopes, only valid for '{TOKEN}' secret type role set"]
    if kind == TOKEN and old is None:
        refuse("token_scopes must be provided for creating access token role set")
    return () if old is None else old.scopes, []


def _new_account(call: Call, name: str, project: str, bindings: Bindings) -> str:
    """The address of a new service account: its name has at most thirty characters, and tells when it was made."""
    try:
        check_resources(bindings)
    except ValueError as error:
        # The real server says so after it has tried for 80 seconds.
        refuse(
            f"error getting service account and creating IAM bindings after creation: retry failed: {error}",
        )
    made = str(int(call.clock.now()))
    plain = re.sub(r"[^a-zA-Z0-9-]+", "-", name)[: _LONGEST_NAME - len("vault-") - len(made)]
    return f"vault{plain}-{made}@{project}.iam.gserviceaccount.com"


def rotate(call: Call, args: NameArgs) -> None:
    found = roleset(call, args.name)
    assert found is not None  # without it, the path serves no writes
    email = _new_account(call, args.name, found.project, found.bindings)
    call.storage.put(f"roleset/{args.name}", replace(found, email=email))


def rotate_key(call: Call, args: NameArgs) -> None:
    found = roleset(call, args.name)
    assert found is not None  # without it, the path serves no writes
    if found.secret_type != TOKEN:
        refuse("cannot rotate key for non-access-token role set")
