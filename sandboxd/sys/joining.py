"""`sys/storage/raft/join`, `sys/storage/raft/bootstrap`: how a node comes into a cluster. Any server has them."""

from sandboxd.sys.direct import Answer, DirectHandler, refuse_method
from sandboxd.vault.errors import VaultError
from sandboxd.vault.request import Request
from sandboxd.vault.world import World

NOT_IN_USE = "raft backend not in use"
HAS_STATE = "could not bootstrap clustered storage: error bootstrapping cluster: cluster already has state"


def _join(world: World, request: Request) -> Answer:
    if request.operation != "update":
        raise refuse_method()
    if world.peers is None or request.node is None:
        raise VaultError(NOT_IN_USE, status=500)
    if request.node.condition == "removed":
        world.peers.join(request.node.name)
    return 200, {"joined": True}


def _bootstrap(world: World, request: Request) -> Answer:
    if request.operation != "update":
        raise VaultError(status=400)
    raise VaultError(NOT_IN_USE if world.peers is None or request.node is None else HAS_STATE, status=500)


DIRECT: dict[str, DirectHandler] = {"sys/storage/raft/join": _join, "sys/storage/raft/bootstrap": _bootstrap}
