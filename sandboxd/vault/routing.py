"""Where a request goes: its namespace, the mount below that, the route there."""

from typing import TYPE_CHECKING, NamedTuple

from sandboxd.vault.errors import Failure, Refusal
from sandboxd.vault.namespaces import Namespace, root_only
from sandboxd.vault.request import Request

if TYPE_CHECKING:
    from sandboxd.vault.framework.dispatch import Match
    from sandboxd.vault.mounts import Mounted
    from sandboxd.vault.world import World

KNOWN_ROUTES = 10_000


class Route(NamedTuple):
    """Where a request goes: the mount (None when there is none), the path below it, the route there."""

    namespace: Namespace
    path: str  # below the namespace
    mounted: "Mounted | None"
    inner: str  # below the mount
    match: "Match | None"
    login: bool
    sudo: bool


def resolve(world: "World", request: Request) -> tuple[Namespace, str]:
    """The namespace of a request, and its path below it."""
    if ".." in request.path and any(part == ".." for part in request.path.split("/")):
        raise Failure("relative paths not supported", status=400)
    found = world.namespaces.resolve(request.namespace, request.path)
    if found is None:
        raise Failure("namespace not found", status=404)
    namespace, path = found
    if namespace.path:
        locking = world.namespaces.locking(namespace)
        if locking is not None and path != "sys/namespaces/api-lock/unlock":
            raise Refusal(
                f'API access to this namespace has been locked by an administrator - "{locking.path}" must be unlocked '
                "to gain access.",
                status=503,
            )
        if path.startswith("sys/") and root_only(path[4:]):
            raise Failure("operation only available in root namespace", status=400)
    return namespace, path


def find(world: "World", namespace: Namespace, path: str) -> Route:
    """Where a path leads."""
    routes = world.mounts.routes
    known: Route | None = routes.get((namespace.id, path))
    if known is None:
        if len(routes) >= KNOWN_ROUTES:
            routes.clear()
        known = routes[namespace.id, path] = _find(world, namespace, path)
    return known


def _find(world: "World", namespace: Namespace, path: str) -> Route:
    found = world.mounts.find(namespace, path)
    if found is None:
        return Route(namespace, path, None, "", None, login=False, sudo=False)
    mounted, inner = found
    match = mounted.match(inner)
    if match is not None and match.route.path.folds and world.profile == "openbao" and inner != inner.lower():
        inner, path = inner.lower(), path[: len(path) - len(inner)] + inner.lower()
        match = mounted.match(inner)
    router = mounted.router
    login = not router.needs_token(inner, match)
    return Route(namespace, path, mounted, inner, match, login, not login and router.needs_sudo(inner, match))
