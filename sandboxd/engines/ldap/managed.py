"""Whose passwords the engine manages: each user in one static role or one library set, never in two."""

import msgspec

from sandboxd.vault.framework.backend import Call


class Managed(msgspec.Struct, frozen=True):
    """A user whose password is managed."""


def is_managed(call: Call, user: str) -> bool:
    """Whether a user's password is managed already."""
    return call.storage.get(_place(user)) is not None


def manage(call: Call, user: str) -> None:
    """Note that a user's password is managed."""
    call.storage.put(_place(user), Managed())


def release(call: Call, user: str) -> None:
    """Note that a user's password is managed no more."""
    call.storage.delete(_place(user))


def _place(user: str) -> str:
    return f"managed/{user.encode('utf-8', 'surrogateescape').hex()}"
