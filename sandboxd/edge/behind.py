"""Answers from before: of a cache that is stale, or of a standby that lags behind the active node.

A lagging standby answers reads and lists, and has all else answered by the active node, which is the world as it is.
A single server is taken for such a standby; the leader of a cluster is never behind.
What becomes of a request that asks for more than the standby has seen:

- Vault Enterprise (from its documentation on consistency): an index that it has not reached is a 412, unless the client
  asks for forwarding; so is a service token made since, which holds such an index itself (a server that forwards these
  was told to, by `allow_forwarding_via_token`). Whatever was written tells its index.
- OpenBao 2.7 (captured, and its source): such an index is a 429, unless the client asks for forwarding, or to wait; a
  token that it does not know is the active node's to judge. Every answer that has something to tell, tells an index.

What a stale cache answers has nothing to do with indexes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from sandboxd.edge.consistency import AWAIT, FORWARD, MISSING, behaviour, direct, told, wanted
from sandboxd.edge.decode import first
from sandboxd.edge.encode import encode_errors
from sandboxd.edge.messages import Answer
from sandboxd.fakes.tokens import LONG, is_service_token
from sandboxd.vault.writes import writes_of

if TYPE_CHECKING:
    from sandboxd.chaos.replica import Replica
    from sandboxd.edge.struck import Case

PATIENCE = 0.1
"""Seconds that an OpenBao standby waits for an index by default."""


async def stale(case: Case) -> Answer:
    """Answer from the state as it was when the fault began, where that can be."""
    replica = case.chaos.replica(case.strike.active)
    replica.catch_up()
    return await _read(case, replica) or await case.served()


async def lagging(case: Case) -> Answer:
    """Answer as a standby that is behind. Raises Refused for headers that cannot be read."""
    replica = case.chaos.replica(case.strike.active)
    replica.catch_up()
    vault = case.app.world.profile == "vault"
    node = case.incoming.node
    if vault and node is not None and node.condition == "standby":  # no other one answers by itself
        case = case._replace(incoming=case.incoming._replace(node=structs.replace(node, condition="perfstandby")))
    return await (_vault if vault else _openbao)(case, replica)


async def _vault(case: Case, replica: Replica) -> Answer:
    if direct(case.path):
        return await case.served()
    writes = writes_of(case.app.world)
    before = writes.index
    headers = case.incoming.headers
    index = wanted(case.app.world, case.incoming.headers)
    found = None
    if first(headers, "x-vault-forward") != "active-node":
        if index > _reached(case, replica):
            if FORWARD not in behaviour(headers, "vault"):
                return Answer(412, encode_errors((MISSING,)))
        elif _too_new(case, replica):
            return Answer(412, encode_errors((MISSING,)))
        elif not _leads(case):
            found = await _read(case, replica)
    found = found or await case.served()
    return found if writes.index == before else told(found, case.app.world, writes.index)


async def _openbao(case: Case, replica: Replica) -> Answer:
    writes = writes_of(case.app.world)
    index = wanted(case.app.world, case.incoming.headers)
    how = behaviour(case.incoming.headers, "openbao")
    if index > _reached(case, replica) and how[0] == AWAIT:
        await case.hold(PATIENCE)
        replica.catch_up()
    found = None
    if index > _reached(case, replica):
        if FORWARD not in how:
            return Answer(429, encode_errors(()), (("Retry-After", "1"),))
    elif not _leads(case):
        found = await _read(case, replica)
    if found is not None:
        return told(found, case.app.world, replica.index) if found.status < 300 else found
    found = await case.served()
    return found if direct(case.path) or found.status >= 300 else told(found, case.app.world, writes.index)


async def _read(case: Case, replica: Replica) -> Answer | None:
    """The replica's answer, or None where it has none of its own."""
    if direct(case.path):
        return None
    from sandboxd.edge.app import App

    there = case._replace(app=App(replica.world))
    look = there.seen
    if not replica.answers(look) or (look.token is None and case.seen.token is not None):
        return None
    found = await there.served()
    return None if replica.discard() else found


def _leads(case: Case) -> bool:
    """Whether the leader of a cluster got it."""
    return case.incoming.node is not None and case.incoming.node.condition == "active"


def _reached(case: Case, replica: Replica) -> int:
    """The index that the node has reached; the leader has reached all that there are."""
    return 1 << 64 if _leads(case) else replica.index


def _too_new(case: Case, replica: Replica) -> bool:
    """Whether the token holds an index of its own that the replica has not reached."""
    token = case.seen.token
    if token is None or not is_service_token(token.id, LONG) or _leads(case):
        return False
    return replica.world.tokens.lookup(token.id) is None
