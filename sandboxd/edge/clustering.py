"""The routes of the control API about the nodes of a cluster.

GET  nodes                       all of them, and who leads
POST nodes/elect                 {"node": "node-2", "seconds": 5}: have an election that takes so long
POST nodes/NAME/stop|start       end a node's process, and start it again
POST nodes/NAME/isolate|join     cut it off from the others, and have it reach them again (also after `remove`)
POST nodes/NAME/seal|unseal      seal one node, and open it without its shares
POST nodes/NAME/remove           take it out of the cluster
POST nodes/calm                  bring all of them back
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from sandboxd.edge.decode import split
from sandboxd.edge.messages import CONTROL
from sandboxd.edge.sandbox import NodeReport
from sandboxd.vault.errors import Refusal

if TYPE_CHECKING:
    from sandboxd.edge.messages import Incoming
    from sandboxd.edge.nodes import Cluster
    from sandboxd.edge.sandbox import Sandbox

LONGEST = 24 * 60 * 60.0
"""Seconds that an election can take."""


class Election(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who is to win, and how many seconds it takes."""

    node: str = ""
    seconds: float = 0.0


def _cluster(sandbox: Sandbox) -> Cluster:
    if sandbox.cluster is None:
        raise Refusal("this is a single server; `sandboxd up --nodes 3` starts a cluster", status=404)
    return sandbox.cluster


def _shown(sandbox: Sandbox, _incoming: Incoming | None = None) -> Any:
    cluster = _cluster(sandbox)
    return {"leader": cluster.leader, "terms": cluster.terms, "nodes": cluster.rows(NodeReport)}


async def _elect(sandbox: Sandbox, incoming: Incoming) -> Any:
    wanted = msgspec.json.decode(incoming.body or b"{}", type=Election)
    if not 0 <= wanted.seconds <= LONGEST:
        raise Refusal("an election takes from 0 seconds to a day")
    _cluster(sandbox).elect(wanted.node, wanted.seconds)
    await sandbox.follow()
    return _shown(sandbox)


async def _calm(sandbox: Sandbox, _incoming: Incoming) -> Any:
    _cluster(sandbox).calm()
    await sandbox.follow()
    return _shown(sandbox)


def _on(action: str) -> Callable[[Sandbox, Incoming], Any]:
    async def act(sandbox: Sandbox, incoming: Incoming) -> Any:
        name = split(incoming.target)[0][len(CONTROL) :].split("/")[1]
        getattr(_cluster(sandbox), action)(name)
        await sandbox.follow()
        return _shown(sandbox)

    return act


ROUTES: Mapping[tuple[str, str], Callable[[Sandbox, Incoming], Any]] = {
    ("GET", "nodes"): _shown,
    ("POST", "nodes/elect"): _elect,
    ("POST", "nodes/calm"): _calm,
    **{
        ("POST", f"nodes/*/{action}"): _on(action)
        for action in ("stop", "start", "isolate", "join", "seal", "unseal", "remove")
    },
}
