"""Nodes: the server as one of several in a cluster, which has one leader.

A request knows the **node** that got it (`Request.node`); None stands for a single server without high availability. A
node's **condition** is what it can do for a client:

- `active`: it is the leader;
- `standby`: it is none, and forwards to the leader or redirects there (OpenBao's standbys answer reads by themselves);
- `perfstandby`: a performance standby of Vault Enterprise, which answers reads by itself;
- `leaderless`: there is no leader at present, as in an election or without a quorum;
- `unreachable`: there is a leader, and this node cannot reach it;
- `sealed`, `uninitialized`;
- `dr`: the cluster is the secondary for disaster recovery of another one (Vault Enterprise);
- `removed`: it was removed from the cluster.
"""

from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

from sandboxd.vault.seal import Seal

if TYPE_CHECKING:
    from sandboxd.vault.world import World

Condition = Literal[
    "active", "standby", "perfstandby", "leaderless", "unreachable", "sealed", "uninitialized", "dr", "removed"
]


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A node as the others see it."""

    name: str
    address: str
    cluster_address: str
    alive: bool = True
    voter: bool = True
    since: int = 0  # how it is since then, in nanoseconds since 1970


class Peers(Protocol):
    """The nodes of a cluster, as requests change them."""

    terms: int
    """How many elections there have been."""

    def step_down(self) -> None:
        """Have another node become the leader."""

    def remove(self, name: str) -> None:
        """Take a node out of the cluster."""

    def join(self, name: str) -> None:
        """Have a node be in the cluster again."""

    def vote(self, name: str, *, wanted: bool) -> None:
        """Have a node vote, or not."""


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """A node as it is at one moment.

    `address` is the one for clients. `forwards` tells whether a standby forwards what only the leader can do, rather
    than redirect there. `active_since` is in nanoseconds since 1970. `seal` is the node's own; None for the world's.
    """

    name: str
    condition: Condition
    address: str = ""
    cluster_address: str = ""
    leader: Member | None = None
    members: tuple[Member, ...] = ()
    forwards: bool = True
    active_since: int = 0
    index: int = 0  # the latest entry of the log
    seal: Seal | None = None


def seal_of(world: "World", node: Node | None) -> Seal:
    """The seal that counts for a node."""
    return world.seal if node is None or node.seal is None else node.seal


def condition_of(world: "World", node: Node | None) -> Condition:
    """What a node can do, the seal considered; a single server is active once it is open."""
    if not world.seal.initialized:
        return "uninitialized"
    if world.seal.sealed:
        return "sealed"
    if node is None:
        return "active"
    if node.seal is not None and node.seal.sealed and node.condition != "uninitialized":
        return "sealed"
    return node.condition
