"""Renewals that are refused, and that give less than was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from sandboxd.chaos.troubles.struck import Struck
from sandboxd.vault.clock import NANOSECONDS
from sandboxd.vault.durations import parse_nanoseconds
from sandboxd.vault.errors import Failure, InvalidRequest, Refusal
from sandboxd.vault.framework.ttl import human

if TYPE_CHECKING:
    from sandboxd.vault.framework.backend import Response
    from sandboxd.vault.request import Request
    from sandboxd.vault.routing import Route
    from sandboxd.vault.world import World

TOKENS = ("auth/token/renew", "auth/token/renew-self", "auth/token/renew-accessor")
LEASES = ("sys/renew", "sys/leases/renew")
_TEXTS = {
    "not-renewable": "lease is not renewable",
    "not-found": "lease not found",
    "expired": "lease expired",
    "max-ttl": "past the max TTL, cannot renew",
}


def renews(path: str) -> str:
    """What a path renews: `token`, `lease`, or nothing."""
    for kind, paths in (("token", TOKENS), ("lease", LEASES)):
        if any(path == each or path.startswith(f"{each}/") for each in paths):
            return kind
    return ""


class RenewalsRefused(Struck):
    """Nothing can be renewed."""

    def handling(self, world: World, route: Route, call: Any) -> None:  # noqa: ARG002 -- whatever it is
        """Refuse a renewal, in the words that the path has for the reason."""
        kind, text = renews(route.path), _TEXTS[self.fault.why]
        if kind == "lease":
            raise Refusal(text)
        if kind != "token":
            return
        if self.fault.why == "max-ttl":
            raise Failure(text)
        if route.path == "auth/token/renew-accessor":
            raise InvalidRequest  # the real server loses the reason on its way
        raise Refusal("invalid lease ID" if self.fault.why == "not-found" else text)


class RenewalsCapped(Struck):
    """What is renewed ends soon all the same."""

    def after(self, world: World, request: Request, response: Response | None) -> Response | None:
        """Cut what was granted, in the answer and in the lease."""
        if response is None:
            return response
        cap = max(parse_nanoseconds(self.fault.ttl) // NANOSECONDS, 1)
        granted = response.auth or response.lease
        if granted is None or granted.ttl <= cap or not renews(request.path):
            return response
        warning = (
            f'TTL of "{human(granted.ttl)}" exceeded the effective max_ttl of "{human(cap)}"; '
            "TTL value is capped accordingly"
        )
        warnings = [*response.warnings, warning]
        if response.auth is not None:
            auth = msgspec.structs.replace(response.auth, ttl=cap)
            token = world.tokens.lookup(auth.token or request.token)
            entry = None if token is None else world.leases.of_token(token)
            if entry is not None:
                world.leases.renew(entry, ttl=cap, auth=auth)
            response = msgspec.structs.replace(response, auth=auth, warnings=warnings)
        elif response.lease is not None:
            lease = msgspec.structs.replace(response.lease, ttl=cap)
            entry = world.leases.get(lease.id)
            if entry is not None:
                world.leases.renew(entry, ttl=cap, secret=entry.secret)
            response = msgspec.structs.replace(response, lease=lease, warnings=warnings)
        world.commit()
        return response
