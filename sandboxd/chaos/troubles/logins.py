"""Logins that are refused, whatever is right about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandboxd.auth import userpass
from sandboxd.auth.approle import login as approle
from sandboxd.chaos.troubles.struck import Struck
from sandboxd.vault.errors import PermissionDenied, Refusal

if TYPE_CHECKING:
    from sandboxd.vault.routing import Route
    from sandboxd.vault.world import World

WRONG = {"approle": approle.INVALID, "userpass": userpass.INVALID}
"""What the methods say to wrong credentials, with 400."""


class LoginsRefused(Struck):
    """Logins are refused as with wrong credentials, or for a user that is locked out."""

    def handling(self, world: World, route: Route, call: Any) -> None:  # noqa: ARG002 -- all that log in
        """Refuse a login, in the words of its method."""
        if route.match is None or route.mounted is None or not route.match.route.path.login or not route.login:
            return
        if not route.path.startswith("auth/"):
            return
        text = WRONG.get(route.mounted.entry.type)
        if self.fault.why == "locked-out" or text is None:
            raise PermissionDenied
        raise Refusal(text)
