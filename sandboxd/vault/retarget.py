"""Which namespace a request about a token or a lease is for: that token's or lease's own, wherever it was sent to.

Source: OpenBao's request handling, for the paths, the order of checks and the texts.
"""

from typing import TYPE_CHECKING

from sandboxd.vault import wrapping
from sandboxd.vault.errors import Refusal
from sandboxd.vault.namespaces import Namespace
from sandboxd.vault.request import Request
from sandboxd.vault.tokens import split_namespace

if TYPE_CHECKING:
    from sandboxd.vault.world import World

OF_CALLER = frozenset({"auth/token/lookup-self", "auth/token/renew-self", "auth/token/revoke-self"}) | wrapping.PATHS
OF_TOKEN = frozenset({"auth/token/lookup", "auth/token/renew", "auth/token/revoke", "auth/token/revoke-orphan"})
OF_LEASE = frozenset({"sys/leases/lookup", "sys/leases/renew", "sys/leases/revoke"})


def retarget(world: "World", request: Request, namespace: Namespace, path: str) -> Namespace:
    """The namespace that a request is for. Raises Refusal when it names a token or lease by something else than text.

    Args:
        namespace, path: where it was sent to.
    """
    if path in OF_CALLER:
        return _of_token(world, request.token) or namespace
    if path in OF_TOKEN:
        if "token" not in request.data:
            return (_of_token(world, request.token) if path == "auth/token/lookup" else None) or namespace
        given = request.data["token"]
        if not isinstance(given, str):
            raise Refusal("invalid token", status=403)
        if world.tokens.forged(given):
            raise Refusal("bad token", status=403)
        return _of_token(world, given) or namespace
    if path.startswith("sys/leases/"):
        given = request.data.get("lease_id")
        if path not in OF_LEASE:
            command, _, rest = path.removeprefix("sys/leases/").partition("/")
            if command not in ("renew", "revoke") or not rest:
                return namespace
            given = rest if given is None else given
        elif given is None:
            return namespace
        if not isinstance(given, str):
            raise Refusal("invalid lease ID")
        return world.namespaces.get(split_namespace(given)[1]) or namespace
    return namespace


def _of_token(world: "World", token_id: str) -> Namespace | None:
    namespace_id = split_namespace(token_id)[1]
    if not namespace_id and token_id.startswith("hvs."):  # the long form hides it
        token = world.tokens.lookup(token_id)
        namespace_id = "" if token is None else token.namespace_id
    return world.namespaces.get(namespace_id)
