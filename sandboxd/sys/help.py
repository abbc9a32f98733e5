"""Path-help: what any path answers to `?help=1`, read off the path itself."""

from sandboxd.vault.errors import Refusal
from sandboxd.vault.framework.backend import Response
from sandboxd.vault.framework.describe import path_help, root_help
from sandboxd.vault.pipeline import authenticate, find, permit, resolve
from sandboxd.vault.request import Request
from sandboxd.vault.world import World


def describe(world: World, request: Request) -> Response:
    """The help for a request's path. Raises VaultError as running it would, where it gets that far."""
    world.check_open()
    namespace, path = resolve(world, request)
    bearer = authenticate(world, request)
    route = find(world, namespace, path)
    permit(request, route, bearer, "help")
    if route.mounted is None:
        raise Refusal(f'no handler for route "{path}". route entry not found.', status=404)
    if not route.inner:
        return Response(data={"help": root_help(route.mounted.backend, route.mounted.router.routes), "openapi": None})
    if route.match is None:
        raise Refusal("1 error occurred:\n\t* unsupported path\n\n", status=404)
    return Response(data={"help": path_help(route.match.route, route.inner), "openapi": None})
