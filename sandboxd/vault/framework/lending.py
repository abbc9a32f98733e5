"""Accounts that are lent: which are free, who has the others, and their passwords. See `checkouts`.

Source: the secrets engines of Vault for LDAP and Active Directory.
"""

from hashlib import sha1
from typing import NoReturn

import msgspec

from sandboxd.vault.errors import Failure
from sandboxd.vault.framework.backend import Call


class CheckOut(msgspec.Struct, frozen=True, kw_only=True):
    """Whether an account is free, and who has it; the borrower's token is hashed."""

    available: bool = True
    entity_id: str = ""
    token: str = ""


class Password(msgspec.Struct, frozen=True):
    """The password of an account."""

    value: str

    def __repr__(self) -> str:
        return "<Password>"


def in_library(call: Call, account: str) -> bool:
    """Whether an account is in a set. Raises Failure for one without a name."""
    _check_named(account)
    return call.storage.get(place("checkout", account)) is not None


def place(kind: str, account: str) -> str:
    """Where what is known of an account is stored."""
    return f"{kind}/{account.encode('utf-8', 'surrogateescape').hex()}"


def state_of(call: Call, account: str) -> CheckOut:
    """Whether an account is free, and who has it. Raises Failure for one that is in no set."""
    _check_named(account)
    return call.storage.get(place("checkout", account), CheckOut) or not_found()


def _check_named(account: str) -> None:
    if not account:
        raise Failure("service account name must be provided")


def not_found() -> NoReturn:
    """Raise the Failure of an account that is not there."""
    raise Failure("not found")


def entity_of_caller(call: Call) -> str:
    """The entity of the caller, or an empty string."""
    return "" if call.caller is None else call.caller.entity_id


def token_of_caller(call: Call) -> str:
    """The caller's token as the real server shows tokens to engines: hashed with the mount's own salt."""
    return sha1((call.mount.uuid + call.request.token).encode(), usedforsecurity=False).hexdigest()


def is_borrower(call: Call, state: CheckOut) -> bool:
    """Whether the caller has the account."""
    entity = entity_of_caller(call)
    return (bool(entity) and state.entity_id == entity) or state.token == token_of_caller(call)
