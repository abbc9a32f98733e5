"""`sys/internal/…`: what the CLI, consoles and generators ask before anything else."""

from dataclasses import dataclass
from typing import Any

from sandboxd.sys.mounting import mount_info
from sandboxd.vault.errors import PermissionDenied, Refusal, fail
from sandboxd.vault.framework.backend import Path, Response, Result
from sandboxd.vault.framework.describe import openapi_paths
from sandboxd.vault.framework.fields import NoArgs, Rest, param
from sandboxd.vault.framework.wire import encode
from sandboxd.vault.mounts import Mounted
from sandboxd.vault.pipeline import Bearer, identify
from sandboxd.vault.system import SystemCall
from sandboxd.vault.world import World

_PREFLIGHT = 'preflight capability check returned 403, please ensure client\'s policies grant access to path "{}"'
_TAGS = {"system": "system", "identity": "identity"}


@dataclass(frozen=True, kw_only=True)
class MountArgs:
    """A path below or at a mount."""

    path: Rest = param(help="The path of a mount, or one below it.")


@dataclass(frozen=True, kw_only=True)
class OpenApiArgs:
    """How to write the document."""

    context: str = param("", "Context string appended to every operation id.", place="query")
    generic_mount_paths: bool = param(
        False, "Write mount paths as parameters, as generators of clients want them.", place="query"
    )


def _bearer(call: SystemCall) -> Bearer | None:
    """Who asks, on a route that does not insist. Raises PermissionDenied for a token that is not valid."""
    if not call.request.token:
        return None
    bearer = identify(call.world, call.request)
    if bearer is None:
        raise PermissionDenied
    return bearer


def _visible(call: SystemCall, bearer: Bearer | None, mounted: Mounted) -> bool:
    if mounted.entry.config.listing_visibility == "unauth":
        return True
    return bearer is not None and bearer.acl.reaches(call.namespace.path + mounted.entry.route)


def _mounts(call: SystemCall, bearer: Bearer | None) -> dict[str, dict[str, Any]]:
    groups: dict[str, dict[str, Any]] = {"secret": {}, "auth": {}}
    for mounted in call.world.mounts.list(call.namespace):
        if not _visible(call, bearer, mounted):
            continue
        entry = mounted.entry
        shown = (
            {"type": entry.type, "description": entry.description, "options": entry.options}
            if bearer is None
            else mount_info(call.world, mounted)
        )
        groups["auth" if entry.table == "auth" else "secret"][entry.path] = shown
    return groups


def read_mounts(call: SystemCall, _args: NoArgs) -> Result:
    """The mounts that the caller may see; without a token, those that are listed to everyone."""
    return _mounts(call, _bearer(call))


def read_mount(call: SystemCall, args: MountArgs) -> Result:
    """The mount that a path lies in: how the CLI tells KV version 1 from 2."""
    path = args.path.strip("/") + "/"
    bearer = _bearer(call)
    if bearer is None:
        raise PermissionDenied
    found = call.world.mounts.find(call.namespace, path)
    if found is None or not bearer.acl.reaches(call.namespace.path + found[0].entry.route):
        raise Refusal(_PREFLIGHT.format(path), status=403)
    mounted = found[0]
    return {**mount_info(call.world, mounted), "path": mounted.entry.path}


def read_namespaces(call: SystemCall, _args: NoArgs) -> Result:
    """The child namespaces in which the caller may do anything."""
    bearer = _bearer(call) or fail("client token empty")
    below = call.world.namespaces.below(call.namespace, deep=True)
    keys = [found.path[len(call.namespace.path) :] for found in below if bearer.acl.reaches(found.path)]
    return {"keys": keys} if keys else {}


def read_resultant_acl(call: SystemCall, _args: NoArgs) -> Result:
    """The caller's rules, for a console to hide what it may not do."""
    bearer = _bearer(call)
    if bearer is None:
        raise PermissionDenied
    return bearer.acl.resultant()


def read_openapi(call: SystemCall, args: OpenApiArgs) -> Result:
    """The OpenAPI document of all that the caller may see."""
    bearer = _bearer(call)
    paths: dict[str, Any] = {}
    for mounted in call.world.mounts.list(call.namespace):
        if not _visible(call, bearer, mounted):
            continue
        entry = mounted.entry
        kind = entry.type.removeprefix("ns_")
        prefix, mount = entry.route, ""
        if args.generic_mount_paths and not mounted.backend.singleton:
            name = entry.path.rstrip("/").replace("-", "_").replace("/", "_") + "_mount_path"
            prefix = f"{'auth/' if entry.table == 'auth' else ''}{{{name}}}/"
            mount = f"{name}={entry.path.rstrip('/')}"
        tag = _TAGS.get(kind, "auth" if entry.table == "auth" else "secrets")
        slashed = call.world.profile == "vault"
        paths.update(openapi_paths(prefix, mounted.router.routes, tag, kind=kind, slashed=slashed, mount=mount))
    document = openapi_document(call.world, dict(sorted(paths.items())))
    return Response(body=encode(document))


def openapi_document(world: World, paths: dict[str, Any]) -> dict[str, Any]:
    """An OpenAPI document around some paths."""
    title = "OpenBao API" if world.profile == "openbao" else "HashiCorp Vault API"
    product = "OpenBao" if world.profile == "openbao" else "Vault"
    return {
        "openapi": "3.0.2",
        "info": {
            "title": title,
            "description": f"HTTP API that gives you full access to {product}. "
            "All API routes are prefixed with `/v1/`.",
            "version": world.settings.version,
            "license": {"name": "Mozilla Public License 2.0", "url": "https://www.mozilla.org/en-US/MPL/2.0"},
        },
        "paths": paths,
        "components": {"schemas": {}},
    }


PATHS = (
    Path("internal/ui/mounts", NoArgs, "List the mounts that the caller may see.", read=read_mounts, login=True),
    Path("internal/ui/mounts/{path}", MountArgs, "Read the mount of a path.", read=read_mount, login=True),
    Path("internal/ui/namespaces", NoArgs, "List the caller's namespaces.", read=read_namespaces, login=True),
    Path("internal/ui/resultant-acl", NoArgs, "Read the rules that hold for the caller.", read=read_resultant_acl),
    Path(
        "internal/specs/openapi",
        OpenApiArgs,
        "Write the OpenAPI document of this server.",
        read=read_openapi,
        write=read_openapi,
        login=True,
    ),
)
