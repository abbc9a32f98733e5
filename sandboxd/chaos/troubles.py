"""What goes wrong with a request within Vault: one kind of trouble for each kind of fault that is about that.

Texts and statuses are those of the real server, at the place where it would give them: who has no permission is told so
before a database is found to be down.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sandboxd.chaos.kinds import vault
from sandboxd.vault.errors import Refusal, listed
from sandboxd.vault.faults import Trouble

if TYPE_CHECKING:
    from sandboxd.chaos.model import Fault
    from sandboxd.chaos.rules import Strike
    from sandboxd.chaos.run import Chaos
    from sandboxd.vault.request import Request
    from sandboxd.vault.routing import Route

Make = Callable[["Strike", "Chaos"], Trouble]


def trouble(strike: Strike, chaos: Chaos) -> Trouble:
    """What a fault does within the way of a request."""
    return TROUBLES[type(strike.fault)](strike, chaos)


class Struck(Trouble):
    """What all of them know: the strike, and the chaos that it is a part of."""

    def __init__(self, strike: Strike, chaos: Chaos) -> None:
        self.strike = strike
        self.chaos = chaos
        self.fault: Any = strike.fault


class Denied(Struck):
    """No policy allows it."""

    def permitting(self, request: Request, route: Route) -> None:  # noqa: ARG002 -- whatever it is
        """Refuse."""
        raise Refusal(listed(("permission denied",)), status=403)


TROUBLES: Mapping[type[Fault], Make] = {
    vault.Denied: Denied,
}
