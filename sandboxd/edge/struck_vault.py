"""What faults of Vault's own do before a request gets into its way: quotas, overload, a clock that is wrong."""

from __future__ import annotations

from collections.abc import Coroutine, Generator, Mapping
from types import coroutine
from typing import TYPE_CHECKING, Any

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
    answer: Answer = await _stepwise(case.served(trouble=trouble), trouble, clock)
    from email.utils import formatdate

    date = formatdate(int(clock.now() + trouble.by / NANOSECONDS), usegmt=True)
    return answer._replace(headers=(*answer.headers, ("Date", date)))


@coroutine
def _stepwise(work: Coroutine[Any, Any, Any], trouble: Skewed, clock: Clock) -> Generator[Any, Any, Any]:
    """Do some work, with the clock wrong whenever it goes on, and right while it waits."""
    sent, failure = None, None
    while True:
        if trouble.on:
            clock.skew(trouble.by)
        try:
            waited = work.send(sent) if failure is None else work.throw(failure)
        except StopIteration as done:
            return done.value
        finally:
            clock.skew(0)
        sent = failure = None
        try:
            sent = yield waited
        except BaseException as error:  # noqa: BLE001 -- cancellation too goes to the work
            failure = error


ACTS: Mapping[type[Fault], Callable[[Case], Awaitable[Answer]]] = {
    vault.RateLimited: _rate_limited,
    vault.Overloaded: _overloaded,
    vault.ClockSkew: _skewed,
}
