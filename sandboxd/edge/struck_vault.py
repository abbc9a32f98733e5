"""What faults of Vault's own do before a request gets into its way: quotas, overload, a clock that is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from sandboxd.chaos.kinds import vault
from sandboxd.chaos.troubles.clock import Skewed
from sandboxd.edge import decode as decoding
from sandboxd.edge.encode import refused as refusal
from sandboxd.edge.nodes import LOCAL
from sandboxd.vault import quotas
from sandboxd.vault.clock import NANOSECONDS, Clock
from sandboxd.vault.durations import parse_nanoseconds
from sandboxd.vault.errors import VaultError
from sandboxd.vault.namespaces import ROOT
from sandboxd.vault.waiting import during

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sandboxd.chaos.model import Fault
    from sandboxd.edge.messages import Answer
    from sandboxd.edge.struck import Case

OVERLOADED = "overloaded, try again later"
"""From Vault's public source."""


async def _rate_limited(case: Case) -> Answer:
    fault: vault.RateLimited = case.fault
    incoming, world = case.incoming, case.app.world
    name = decoding.listed_path(case.path[4:], case.query, incoming.method)
    where, _ = world.namespaces.resolve(decoding.first(incoming.headers, "x-vault-namespace"), name) or (ROOT, "")
    if world.quotas.exempt(where, name):
        return await case.served()
    answer = refusal(quotas.refusal(name))
    if not fault.headers:
        return answer
    seconds = str(-(-parse_nanoseconds(fault.retry_after) // NANOSECONDS))
    return answer._replace(
        headers=(
            ("X-Ratelimit-Limit", str(fault.rate)),
            ("X-Ratelimit-Remaining", "0"),
            ("X-Ratelimit-Reset", seconds),
            ("Retry-After", seconds),
        )
    )


async def _overloaded(case: Case) -> Answer:
    if case.path[4:] in LOCAL:
        return await case.served()
    return refusal(VaultError(OVERLOADED, status=503))


async def _skewed(case: Case) -> Answer:
    clock = case.app.world.clock
    trouble = Skewed(case.strike, case.chaos)
    trouble.on = case.path[4:] in LOCAL  # these are answered outside of the way of a request
    answer = await during(case.served(trouble=trouble), partial(_wrong, trouble, clock))
    from email.utils import formatdate

    date = formatdate(int(clock.now() + trouble.by / NANOSECONDS), usegmt=True)
    return answer._replace(headers=(*answer.headers, ("Date", date)))


@contextmanager
def _wrong(trouble: Skewed, clock: Clock) -> Iterator[None]:
    """Have the clock be wrong, if the trouble has begun; and be right afterwards."""
    if trouble.on:
        clock.skew(trouble.by)
    try:
        yield
    finally:
        clock.skew(0)


ACTS: Mapping[type[Fault], Callable[[Case], Awaitable[Answer]]] = {
    vault.RateLimited: _rate_limited,
    vault.Overloaded: _overloaded,
    vault.ClockSkew: _skewed,
}
