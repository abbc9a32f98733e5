"""Path-help: what any path answers to `?help=1`, read off the path itself."""

from collections.abc import Sequence

from sandboxd.sys.internal import openapi_document
from sandboxd.vault.errors import Refusal, listed
from sandboxd.vault.framework.backend import Response
from sandboxd.vault.framework.describe import openapi_paths, path_help, root_help
from sandboxd.vault.framework.dispatch import Route
from sandboxd.vault.mounts import Mounted
from sandboxd.vault.pipeline import authenticate, permit
from sandboxd.vault.request import Request
from sandboxd.vault.routing import find, resolve
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
        text = root_help(route.mounted.backend, route.mounted.router.routes)
        return _answer(world, route.mounted, text, route.mounted.router.routes)
    if route.match is None:
        raise Refusal(listed(("unsupported path",)), status=404)
    return _answer(world, route.mounted, path_help(route.match.route, route.inner), [route.match.route])


def _answer(world: World, mounted: Mounted, text: str, routes: Sequence[Route]) -> Response:
    kind = mounted.entry.type.removeprefix("ns_")
    tag = "auth" if mounted.entry.table == "auth" else "system" if kind == "system" else "secrets"
    document = openapi_document(world, openapi_paths("", routes, tag, kind=kind, slashed=world.profile == "vault"))
    return Response(data={"help": text, "openapi": document, "see_also": None})
