"""Tokens that are refused, policies that do not allow it, leases that there are too many of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandboxd.chaos.troubles.struck import Struck
from sandboxd.vault.errors import Refusal, listed
from sandboxd.vault.gotext import quote
from sandboxd.vault.pipeline import rejected

if TYPE_CHECKING:
    from sandboxd.chaos.rules import Strike
    from sandboxd.chaos.run import Chaos
    from sandboxd.vault.framework.backend import Response
    from sandboxd.vault.request import Request
    from sandboxd.vault.routing import Route
    from sandboxd.vault.world import World


class Denied(Struck):
    """No policy allows it."""

    def permitting(self, request: Request, route: Route) -> None:  # noqa: ARG002 -- whatever it is
        """Refuse."""
        raise Refusal(listed(("permission denied",)), status=403)


class _Old:
    """The tokens that there were when the fault struck first."""

    def __init__(self, world: World) -> None:
        self.hashes = frozenset(token.hash for token in world.tokens.all())

    def close(self) -> None:
        """The fault has ended: there is nothing to let go of."""


class TokenRejected(Struck):
    """The token is as if it were revoked. One that was made since is well, where logging in anew is to help."""

    def __init__(self, strike: Strike, chaos: Chaos) -> None:
        super().__init__(strike, chaos)
        self._old = chaos.lasting.keep(strike.active.id, lambda: _Old(chaos.world))

    def authenticating(self, world: World, request: Request) -> None:
        """Refuse a token that is old."""
        if not request.token:
            return
        token = world.tokens.lookup(request.token)
        if not self.fault.login_helps or token is None or token.hash in self._old.hashes:
            raise rejected(world, request)


class LeaseLimited(Struck):
    """There are as many leases as the quota allows."""

    def lending(self, world: World, route: Route, response: Response) -> None:  # noqa: ARG002 -- whoever lends it
        """Refuse to make one more. The words are those of Vault's public source."""
        if response.lease is not None and (route.mounted is None or not route.mounted.leased):
            return
        raise Refusal(listed((f"request path {quote(route.path)}: lease count quota exceeded",)), status=429)
