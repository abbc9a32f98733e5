"""The Azure secrets engine: service principals with secrets, made on demand or added to an application that is there.

Everything is simulated: no cloud is asked. A role of Azure and a group are taken to exist under whatever name or id a
client gives, and get the one of the two that is missing. Source: the plugin's public source, for checks and texts, and
Vault's documentation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from sandboxd.engines.azure.config import (
    CONFIG,
    Config,
    NoArgs,
    config_exists,
    connected,
    delete_config,
    on_timer,
    read_config,
    rotate_root,
    write_config,
)
from sandboxd.engines.azure.roles import (
    Role,
    RoleArgs,
    delete_role,
    directory_id,
    list_roles,
    read_role,
    role_exists,
    role_of,
    write_role,
)
from sandboxd.vault.errors import Failure, refuse
from sandboxd.vault.framework.backend import Call, Engine, Lease, Path, Response, Result, Rotates, SecretKind
from sandboxd.vault.framework.fields import Lower, param

DYNAMIC, STATIC = "service_principal", "static_service_principal"


@dataclass(frozen=True, kw_only=True)
class CredsArgs:
    """Whose credentials."""

    role: Lower = param(help="Name of the role.")


def read_creds(call: Call, args: CredsArgs) -> Result:
    connected(call)
    role = role_of(call, args.role)
    if role is None:
        refuse(f"role '{args.role}' does not exist")
    secret = call.fake("azure.client_secret", "client_secret")
    internal: Mapping[str, Any] = {"role": args.role}
    if role.application_object_id:
        kind, client_id = STATIC, role.application_id
        internal = {**internal, "app_object_id": role.application_object_id, "key_id": call.entropy.uuid()}
    else:
        kind, app = DYNAMIC, call.entropy.uuid()
        client_id = directory_id("application", app)
        internal = {**internal, "app_object_id": app, "permanently_delete": role.permanently_delete}
    return Response(
        data={"client_id": client_id, "client_secret": secret},
        lease=Lease(ttl=role.ttl, max_ttl=_most(role), kind=kind, internal=internal),
        credentials=("client_secret",),
    )


def _most(role: Role) -> int:
    return min((limit for limit in (role.max_ttl, role.explicit_max_ttl) if limit), default=0)


def renew(call: Call, lease: Lease) -> Lease:
    """For as long as the role says now; a role that is gone leaves the lease as it is."""
    role = role_of(call, str(lease.internal["role"]))
    return lease if role is None else msgspec.structs.replace(lease, ttl=role.ttl, max_ttl=_most(role))


def revoke(call: Call, _lease: Lease) -> None:
    """Delete the application, or its secret: nothing is kept of either but the lease."""
    try:
        connected(call)
    except Failure as error:
        raise Failure(f"error during revoke: {error.errors[0]}") from None


ENGINE = Engine(
    type="azure",
    help="Make service principals in Azure, and secrets for them.",
    paths=(
        Path(
            CONFIG,
            Config,
            "Configure how Azure is reached.",
            read=read_config,
            write=write_config,
            delete=delete_config,
            exists=config_exists,
        ),
        Path("rotate-root", NoArgs, "Replace the engine's own secret.", write=rotate_root),
        Path("roles/?", NoArgs, "List the roles.", list=list_roles),
        Path(
            "roles/{name}",
            RoleArgs,
            "Manage one role.",
            read=read_role,
            write=write_role,
            delete=delete_role,
            exists=role_exists,
        ),
        Path("creds/{role}", CredsArgs, "Get a service principal's credentials.", read=read_creds),
    ),
    secrets=(
        SecretKind(DYNAMIC, revoke=revoke, renew=renew),
        SecretKind(STATIC, revoke=revoke, renew=renew),
    ),
    on_timer=on_timer,
    rotates=(Rotates(CONFIG, "rotate-root"),),
)
