"""The headers by which a client asks a cluster for no older state than it has seen.

`X-Vault-Index` holds an index token (`chaos.indexes`), `X-Vault-Inconsistent` what is to happen where that is not
reached, and `X-Vault-Forward` asks for the active node outright. A single server has reached everything, so all that it
does is to refuse what it cannot read. Texts and checks are those of OpenBao 2.7.2; Vault Enterprise's are not public,
beyond what its documentation and its Go client's source say.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING

from sandboxd.edge.decode import refused
from sandboxd.sys.routes import DIRECT
from sandboxd.vault.writes import writes_of

if TYPE_CHECKING:
    from sandboxd.chaos.indexes import Index
    from sandboxd.edge.messages import Answer
    from sandboxd.vault.world import World

INDEX = "X-Vault-Index"
INCONSISTENT = "X-Vault-Inconsistent"
FAIL, FORWARD, AWAIT = "fail", "forward-active-node", "await-state"
MISSING = "required index state not present"
_EITHER = f'must either be "{FAIL}" or "{FORWARD}"'

Headers = Mapping[str, tuple[str, ...]]


def check(headers: Headers, profile: str) -> None:
    """Refuse what cannot be read. Raises Refused."""
    _indexes(headers, profile)
    behaviour(headers, profile)


def wanted(world: World, headers: Headers) -> int:
    """The index that a client has seen; 0 for none, and for one of another cluster. Raises Refused."""
    found, cluster = 0, _cluster(world)
    for each in _indexes(headers, world.profile):
        if each.cluster == cluster and each.value is not None:
            if not each.signed(writes_of(world).key):
                raise refused(400, f'failed to decode "{INDEX}"')
            found = max(found, each.value)
    return found


def told(answer: Answer, world: World, index: int) -> Answer:
    """An answer that tells an index."""
    from sandboxd.chaos.indexes import written

    token = written(world.profile, _cluster(world), index, writes_of(world).key)
    others = (each for each in answer.headers if each[0] != INDEX)
    return answer._replace(headers=(*others, (INDEX, token)))


async def indexed(world: World, path: str, answering: Awaitable[Answer]) -> Answer:
    """An answer of a cluster, which tells the index that it has reached: Vault's where something was written."""
    writes = writes_of(world)
    before = writes.index
    answer = await answering
    if direct(path) or answer.status >= 300 or (world.profile == "vault" and writes.index == before):
        return answer
    return told(answer, world, writes.index)


def direct(path: str) -> bool:
    """Whether a node tells of itself at a path (from `/v1/` on)."""
    return path[4:] in DIRECT


def _cluster(world: World) -> str:
    cluster = world.seal.cluster
    return "" if cluster is None else cluster.id


def _indexes(headers: Headers, profile: str) -> list[Index]:
    """What a client has seen: Vault's may send several. Raises Refused."""
    texts = headers.get(INDEX.lower(), ())
    if len(texts) > 1 and profile == "openbao":
        raise refused(400, f'expected at most one value for "{INDEX}"')
    from sandboxd.chaos.indexes import parse

    try:
        return [parse(profile, text) for text in texts if text]
    except ValueError:
        raise refused(400, f'failed to decode "{INDEX}"') from None


def behaviour(headers: Headers, profile: str) -> tuple[str, ...]:
    """What is to happen where that is not reached: the first choice, and after a wait another. Raises Refused."""
    values = headers.get(INCONSISTENT.lower(), ())
    if profile == "vault":
        # Its own source takes one value to mean forwarding, and any other to mean nothing.
        return (FORWARD,) if values and values[0] == FORWARD else (FAIL,)
    if len(values) > 2:
        raise refused(400, f'expected at most two values for "{INCONSISTENT}"')
    if not values:
        return (FAIL,)
    if values[0] in (FAIL, FORWARD):
        if len(values) > 1:
            raise refused(400, f"{INCONSISTENT}={values[0]} cannot be used with more than one value")
        return values
    if values[0] != AWAIT:
        raise refused(400, f'unknown value for "{INCONSISTENT}" header')
    if len(values) > 1 and values[1] not in (FAIL, FORWARD):
        raise refused(400, f'unknown second value for "{INCONSISTENT}": {_EITHER}')
    return (AWAIT, values[1] if len(values) > 1 else FAIL)
