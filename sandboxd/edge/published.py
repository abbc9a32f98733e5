"""What a sandbox publishes without a token: the keys by which tokens of simulated clusters verify.

GET kubernetes/ACCESSOR/.well-known/openid-configuration    OpenID discovery of the mount with that accessor
GET kubernetes/ACCESSOR/openid/v1/jwks                      its key set
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandboxd.edge.decode import first

if TYPE_CHECKING:
    from sandboxd.edge.messages import Incoming
    from sandboxd.vault.world import World

CLUSTERS = "kubernetes/"


def published(world: World, name: str, incoming: Incoming) -> Any:
    """The document of a name below the control API, or None where there is none."""
    accessor, _, rest = name.removeprefix(CLUSTERS).partition("/")
    mounted = world.mounts.by_accessor(accessor)
    if mounted is None or mounted.entry.type != "kubernetes":
        return None
    from sandboxd.engines.kubernetes import documents, issuer_at

    return documents(mounted.view, issuer_at(world.address, first(incoming.headers, "host"), accessor)).get(rest)
