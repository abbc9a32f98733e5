"""What the kinds of account share: what is stored of them, their addresses, and what is read back.

An account is a roleset, whose service account the engine makes, a static one, whose service account is there already,
or an impersonated one, as which the engine's own may act.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, NoReturn

from sandboxd.engines.gcp.bindings import Bindings
from sandboxd.engines.gcp.config import load, own_project
from sandboxd.engines.gcp.resources import check_resource
from sandboxd.vault.errors import UnsupportedOperation
from sandboxd.vault.framework.backend import Call, Result
from sandboxd.vault.framework.fields import Name, NoArgs, param

KEY, TOKEN = "service_account_key", "access_token"
_EMAIL = re.compile(r"[^@]+@(?P<project>[^.@]+)(?:\.(?P<domain>[^@]+))?\.iam\.gserviceaccount\.com")
_APP_ENGINE = re.compile(r"(?P<project>[^@]+)@appspot\.gserviceaccount\.com")


@dataclass(frozen=True, kw_only=True)
class Account:
    """A roleset or a static account, as stored."""

    secret_type: str
    project: str
    email: str
    raw_bindings: str = ""
    bindings: Bindings = field(default_factory=dict)
    scopes: tuple[str, ...] = ()

    @property
    def checksum(self) -> str:
        """Tells whether the bindings are still what they were."""
        return sha256(self.raw_bindings.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Impersonated:
    """An account that the engine's own may act as. `ttl` is in seconds."""

    email: str
    project: str
    scopes: tuple[str, ...]
    ttl: int = 0


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


def no_create(_call: Call, _args: Any) -> NoReturn:
    """The handler of paths that tell whether their account is there, but serve updates alone."""
    raise UnsupportedOperation


def project_of(call: Call, email: str) -> str:
    """The project that an account belongs to, as its address tells, else the one of the engine's own account."""
    found = _EMAIL.fullmatch(email)
    if found is not None:
        return found["project"] if found["domain"] is None else f"{found['domain']}:{found['project']}"
    found = _APP_ENGINE.fullmatch(email)
    return own_project(load(call)) if found is None else found["project"]


def check_resources(bindings: Bindings) -> None:
    """Raise ValueError for a resource that can have no policy."""
    for resource in bindings:
        check_resource(resource)


def shown(bindings: Bindings) -> dict[str, list[str]]:
    """Bindings as they are read back."""
    return {resource: list(roles) for resource, roles in bindings.items()}
