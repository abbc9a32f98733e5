"""Faults: what goes wrong on purpose, as far as the core has a place for it.

A world has a slot for whoever decides what goes wrong (`World.faults`), which is empty until that is wanted. A request
that something is to go wrong with carries its **trouble**, which the pipeline asks at the places where the real server
would fail.
"""

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from sandboxd.vault.framework.backend import Response
    from sandboxd.vault.request import Request
    from sandboxd.vault.routing import Route
    from sandboxd.vault.world import World


class Faults(Protocol):
    """Decides what goes wrong. Whoever receives requests asks it; the core only keeps it."""

    def strike(self, seen: Any) -> Any:
        """What hits a request, or None."""


class Trouble:
    """What goes wrong with one request. Each place does nothing, unless a kind of trouble has something to do there.

    A place raises VaultError for a refusal.
    """

    @property
    def blocks_audit(self) -> bool:
        """Whether no audit device takes an entry of it."""
        return False

    def before(self, world: "World", request: "Request") -> Awaitable[None] | None:
        """The request has come in; nothing of it has been looked at but the namespace. May give what to wait for."""

    def authenticating(self, world: "World", request: "Request") -> None:
        """Its token is about to be looked up."""

    def permitting(self, request: "Request", route: "Route") -> None:
        """Policies are about to be asked."""

    def handling(self, world: "World", route: "Route", call: Any) -> Awaitable[None] | None:
        """It may be done, and is about to be: in place of the engine. May give what to wait for."""

    def lending(self, world: "World", route: "Route", response: "Response") -> None:
        """A token or a lease is about to be made of the response."""

    def committing(self, world: "World") -> None:
        """What it wrote is about to be kept."""

    def after(
        self,
        world: "World",  # noqa: ARG002 -- for those who have something to do here
        request: "Request",  # noqa: ARG002
        response: "Response | None",
    ) -> "Response | None":
        """It has been done. Gives the response, changed or not."""
        return response
