"""`sys/storage/raft/join`, `sys/storage/raft/bootstrap`: how a node comes into a cluster. Any server has them."""

from sandboxd.sys.direct import Answer, DirectHandler, Unsigned, body_fields, refuse_method
from sandboxd.vault.errors import VaultError, refuse
from sandboxd.vault.gotext import quote
from sandboxd.vault.request import Request
from sandboxd.vault.world import World

NOT_IN_USE = "raft backend not in use"
HAS_STATE = "could not bootstrap clustered storage: error bootstrapping cluster: cluster already has state"


def _join(world: World, request: Request) -> Answer:
    if request.operation != "update":
        raise refuse_method()
    names = (
        *("auto_join", "auto_join_scheme", "leader_api_addr"),
        *("leader_ca_cert", "leader_client_cert", "leader_client_key", "leader_tls_servername"),
    )
    body = body_fields(
        world,
        request,
        "JoinRequest",
        auto_join_port=("auto_join_port", Unsigned),
        retry=("retry", bool),
        non_voter=("non_voter", bool),
        **{name: (name, str) for name in names},
    )
    scheme = body["auto_join_scheme"]
    if scheme not in ("", "http", "https"):
        refuse(f"invalid scheme {quote(scheme)}; must either be http or https")
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
