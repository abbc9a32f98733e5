"""Listings that a policy has shortened to what the caller may see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from sandboxd.vault.errors import InternalError
from sandboxd.vault.framework.backend import Response
from sandboxd.vault.policies import render_filter
from sandboxd.vault.routing import Route, find

if TYPE_CHECKING:
    from sandboxd.vault.policies import ACL
    from sandboxd.vault.world import World


def filtered(world: World, route: Route, acl: ACL, response: Response, template: str) -> Response:
    """A listing without the keys that the caller may not read (or list, for folders), as its policy asks."""
    data = response.data
    if not isinstance(data, dict) or not data:
        return response
    if response.lease is not None or response.auth is not None or data.keys() - {"keys", "key_info"}:
        raise InternalError
    kept = []
    for key in data.get("keys") or ():
        path = render_filter(template, path=route.path, key=key)
        target = find(world, route.namespace, path)
        decision = acl.check("list" if key.endswith("/") else "read", route.namespace.path + path, {}, None)
        if decision.allowed and (decision.sudo or not target.sudo):
            kept.append(key)
    shown: dict[str, Any] = {"keys": kept}
    if "key_info" in data:
        shown["key_info"] = {key: value for key, value in data["key_info"].items() if key in kept}
    return msgspec.structs.replace(response, data=shown)
