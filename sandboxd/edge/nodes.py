"""Several nodes in one process, as one cluster: who leads, who is away, and what each does with a request.

All nodes share one world. What a node cannot do by itself, it **forwards** to the leader (which is the same world) or
redirects there; what it may not do at all is refused as the real server does. A cluster has a **quorum** as long as
more than half of its members are alive, unsealed and can reach each other.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, NoReturn, TypeVar

from sandboxd.edge.decode import Refused, redirect
from sandboxd.edge.messages import Answer, Incoming
from sandboxd.sys.catalog import Clustered
from sandboxd.vault.clock import NANOSECONDS
from sandboxd.vault.errors import Refusal, Sealed, VaultError
from sandboxd.vault.nodes import Condition, Member, Node, condition_of
from sandboxd.vault.seal import Seal
from sandboxd.vault.unwritten import Unwritten, Writes
from sandboxd.vault.writes import count_all

if TYPE_CHECKING:
    from sandboxd.vault.request import Request
    from sandboxd.vault.world import World

T = TypeVar("T")
LOCAL = frozenset(
    (
        "sys/health",
        "sys/init",
        "sys/leader",
        "sys/seal",
        "sys/seal-status",
        "sys/storage/raft/bootstrap",
        "sys/storage/raft/join",
        "sys/unseal",
    )
)
"""What each node answers by itself, whatever its condition."""
LEADERS = frozenset(
    (
        "/v1/sys/step-down",
        "/v1/sys/storage/raft/autopilot/configuration",
        "/v1/sys/storage/raft/autopilot/state",
        "/v1/sys/storage/raft/demote",
        "/v1/sys/storage/raft/promote",
        "/v1/sys/storage/raft/remove-peer",
    )
)
"""What is for the leader, whatever it may write."""

NOT_FOUND = "local node not active but active cluster node not found"
DR = "path disabled in replication DR secondary mode"
"""From Vault's documentation and what its users report."""


def gate(world: World, incoming: Incoming, path: str) -> Answer | Incoming:
    """What the node that got a request answers instead of the leader; or the request, to be served.

    OpenBao's standbys, and performance standbys of Vault Enterprise, carry out by themselves what writes nothing; what
    turns out to write is for the leader.

    Args:
        incoming: its `node` is the one that got it.
        path: the decoded path, from `/v1/` on.

    Raises VaultError for what the node refuses.
    """
    node = incoming.node
    assert node is not None
    condition = condition_of(world, node)
    if condition == "active" or path[4:] in LOCAL:
        return incoming
    if condition in ("sealed", "uninitialized", "removed"):
        raise Sealed
    if condition == "dr":
        raise Refusal(DR)
    told_not_to = any(incoming.headers.get("x-vault-no-request-forwarding", ()))
    if node.leader is not None and condition != "unreachable" and node.forwards and not told_not_to:
        return incoming  # the leader answers, which has the same state
    by_itself = (world.profile == "openbao" or condition == "perfstandby") and path not in LEADERS
    if by_itself and "active-node" not in incoming.headers.get("x-vault-forward", ()):
        refuse = partial(_for_the_leader, node, incoming)
        return incoming._replace(trouble=incoming.trouble or Unwritten(refuse))
    return _leader_only(node, incoming)


def _leader_only(node: Node, incoming: Incoming) -> Answer:
    """The redirect to the leader. Raises VaultError when there is none."""
    if node.leader is None:
        raise VaultError(NOT_FOUND, status=500)
    moved = redirect(node.leader.address + incoming.target, incoming.method)
    return moved._replace(body=b"", content_type="", standard=True)


def _for_the_leader(node: Node, incoming: Incoming, _world: World, _request: Request, _written: Writes) -> NoReturn:
    raise Refused(_leader_only(node, incoming))


def cluster_address(address: str) -> str:
    """Where nodes speak to each other: the next port, as with the real server."""
    host, _, port = address.partition("://")[2].rpartition(":")
    return f"https://{host}:{int(port) + 1}" if port.isdigit() else ""


class _Seat:
    """A member of the cluster, and how it is."""

    def __init__(self, name: str, seal: Seal) -> None:
        self.name = name
        self.address = ""
        self.cluster_address = ""
        self.seal = seal
        self.stopped = False
        self.isolated = False
        self.removed = False
        self.voter = True
        self.since = 0

    @property
    def votes(self) -> bool:
        """Whether it can take part in an election."""
        return self.voter and self.alive and not self.removed

    @property
    def alive(self) -> bool:
        """Whether the others hear of it."""
        return not (self.stopped or self.isolated or self.seal.sealed)


class Cluster:
    """The nodes of a sandbox.

    Args:
        count: how many there are, at least two.
        forwards: whether standbys forward, rather than redirect.
    """

    def __init__(self, world: World, count: int, *, forwards: bool = True) -> None:
        self._world = world
        self._forwards = forwards
        self._seats = {f"node-{number}": self._seat(f"node-{number}") for number in range(1, count + 1)}
        self._leader = "node-1"
        self._since = world.clock.now_ns()
        self._until = 0  # the real moment at which an election ends, in nanoseconds; 0 for none under way
        self._next = ""  # who will win it
        self.terms = 1
        self._known: dict[str, Node] = {}
        self._shut: tuple[bool, ...] = ()
        world.peers = self
        world.mounts.catalog = Clustered()
        world.mounts.reload(iter(world.namespaces))
        self._writes = count_all(world)

    def _seat(self, name: str) -> _Seat:
        seal = Seal(self._world.storage, self._world.entropy)
        if not self._world.seal.sealed:
            seal.open()
        seat = _Seat(name, seal)
        seat.since = self._world.clock.now_ns()
        return seat

    @property
    def names(self) -> list[str]:
        """The names of all nodes."""
        return list(self._seats)

    @property
    def leader(self) -> str:
        """The name of the leader; empty when there is none at present."""
        self._settle()
        return self._leader

    def place(self, name: str, address: str) -> None:
        """Tell where a node answers, such as `http://127.0.0.1:8200`."""
        seat = self._seats[name]
        seat.address, seat.cluster_address = address, cluster_address(address)
        self._known.clear()

    def node(self, name: str) -> Node:
        """A node as it is now."""
        self._settle()
        found = self._known.get(name)
        if found is None:
            found = self._known[name] = self._shown(self._seats[name])
        return found

    def stopped(self, name: str) -> bool:
        """Whether a node's process is gone."""
        return self._seats[name].stopped

    # What can be done to nodes. All raise Refusal for a name that there is not.

    def elect(self, name: str = "", seconds: float = 0.0) -> None:
        """Have an election, which takes so many seconds of real time, and which `name` wins.

        Without a name the next one in turn wins. Raises Refusal for one that cannot lead.
        """
        able = [each.name for each in self._seats.values() if each.votes]
        if name and name not in self._seats:
            self._get(name)
        if name and name not in able:
            raise Refusal(f"{name} cannot become the leader: it is stopped, isolated, sealed or removed")
        self._next = name or self._in_turn(able)
        self._leader = ""
        self._until = self._world.clock.real_ns() + int(seconds * NANOSECONDS)
        self._changed()

    def step_down(self) -> None:
        """Have the leader make way for another node, at once."""
        self.elect()

    def stop(self, name: str) -> None:
        """End a node's process."""
        self._get(name).stopped = True
        self._lost(name)

    def start(self, name: str) -> None:
        """Start a node's process again. It opens by itself, as with auto-unseal."""
        seat = self._get(name)
        seat.stopped = False
        seat.since = self._world.clock.now_ns()
        seat.seal.open()
        self._changed()

    def isolate(self, name: str) -> None:
        """Cut a node off from the others; clients still reach it."""
        self._get(name).isolated = True
        self._lost(name)

    def join(self, name: str) -> None:
        """Have a node reach the others again, also one that was removed."""
        seat = self._get(name)
        seat.isolated = seat.removed = False
        seat.since = self._world.clock.now_ns()
        self._changed()

    def remove(self, name: str) -> None:
        """Take a node out of the cluster."""
        self._get(name).removed = True
        self._lost(name)

    def vote(self, name: str, *, wanted: bool) -> None:
        """Have a node vote in elections, or not; a leader goes on leading."""
        self._get(name).voter = wanted
        self._changed()

    def seal(self, name: str) -> None:
        """Seal one node."""
        self._get(name).seal.seal()
        self._lost(name)

    def unseal(self, name: str) -> None:
        """Open one node, without its shares."""
        self._get(name).seal.open()
        self._changed()

    def calm(self) -> None:
        """Bring all nodes back; the leader stays, if there is one."""
        for seat in self._seats.values():
            seat.stopped = seat.isolated = seat.removed = False
            seat.voter = True
            if seat.seal.sealed:
                seat.seal.open()
        self._until = 0
        self._changed()

    def rows(self, make: Callable[..., T]) -> list[T]:
        """All nodes, to be shown: what `make` makes of each."""
        shown: list[T] = []
        for name, seat in self._seats.items():
            node = self.node(name)
            condition = "stopped" if seat.stopped else condition_of(self._world, node)
            leads = name == self._leader
            shown.append(
                make(name=name, address=seat.address, condition=condition, isolated=seat.isolated, leader=leads)
            )
        return shown

    def _get(self, name: str) -> _Seat:
        found = self._seats.get(name)
        if found is None:
            raise Refusal(f'there is no node "{name}"; there are {", ".join(self._seats)}', status=404)
        return found

    def _lost(self, name: str) -> None:
        """A node can no longer lead."""
        if self._leader == name or self._next == name:
            self._leader = self._next = ""
        self._changed()

    def _changed(self) -> None:
        self._known.clear()
        self._settle()

    def _settle(self) -> None:
        """Find a leader where there is none, and one can be found; lose one without a quorum."""
        shut = tuple(seat.seal.sealed for seat in self._seats.values())
        if shut != self._shut:  # clients seal and unseal nodes too
            self._shut = shut
            self._known.clear()
        able = [each.name for each in self._seats.values() if each.votes]
        counted = [each for each in self._seats.values() if not each.removed and (each.voter or self._leads(each))]
        if sum(1 for each in counted if each.alive) * 2 <= len(counted):
            if self._leader:
                self._leader = ""
                self._known.clear()
            return
        if self._leader and self._seats[self._leader].seal.sealed:
            self._leader = ""
        if self._leader or (self._until and self._world.clock.real_ns() < self._until):
            return
        self._leader = self._next if self._next in able else self._in_turn(able)
        self._next, self._until = "", 0
        self._since = self._world.clock.now_ns()
        self.terms += 1
        self._known.clear()

    def _leads(self, seat: _Seat) -> bool:
        return seat.name == self._leader

    def _in_turn(self, able: list[str]) -> str:
        """Who leads after the one that leads now, or did."""
        names = list(self._seats)
        last = names.index(self._leader) if self._leader else -1
        return next((name for name in (*names[last + 1 :], *names[: last + 1]) if name in able), "")

    def _shown(self, seat: _Seat) -> Node:
        leader = self._member(self._seats[self._leader]) if self._leader else None
        if seat.removed:
            condition: Condition = "removed"
        elif seat.name == self._leader:
            condition = "active"
        elif leader is None:
            condition = "leaderless"
        elif seat.isolated:
            condition = "unreachable" if self._world.profile == "vault" else "leaderless"
        else:
            condition = "standby"
        return Node(
            name=seat.name,
            condition=condition,
            address=seat.address,
            cluster_address=seat.cluster_address,
            leader=None if condition in ("leaderless", "removed") else leader,
            members=tuple(self._member(each) for each in self._seats.values() if not each.removed),
            forwards=self._forwards,
            active_since=self._since if condition == "active" else 0,
            index=self._writes.index,
            seal=seat.seal,
        )

    def _member(self, seat: _Seat) -> Member:
        return Member(
            name=seat.name,
            address=seat.address,
            cluster_address=seat.cluster_address,
            alive=seat.alive,
            voter=seat.voter,
            since=seat.since,
        )
