"""Credentials of roles: a service principal of their own, or one more secret of an application. Both are leased."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from sandboxd.engines.azure import directory, metadata
from sandboxd.engines.azure.config import SECRET_KIND, connected
from sandboxd.engines.azure.metadata import Metadata
from sandboxd.engines.azure.roles import Role, role_of
from sandboxd.vault.errors import Failure, refuse
from sandboxd.vault.framework.backend import Call, Lease, Response, Result
from sandboxd.vault.framework.fields import Lower, param

DYNAMIC, STATIC = "service_principal", "static_service_principal"
LONGEST = 10 * 365 * 24 * 60 * 60
"""How long a secret lasts in Azure, in seconds, where the role says nothing of it."""


@dataclass(frozen=True, kw_only=True)
class CredsArgs:
    """Whose credentials."""

    role: Lower = param(help="Name of the role.")
    metadata: Metadata = param(factory=dict, help="Pairs that come with these credentials.", place="query")


def read(call: Call, args: CredsArgs) -> Result:
    connected(call)
    role = role_of(call, args.role)
    if role is None:
        refuse(f"role '{args.role}' does not exist")
    secret = call.fake(SECRET_KIND, "client_secret")
    ends = int(call.clock.now()) + (role.explicit_max_ttl or LONGEST)
    internal: Mapping[str, Any] = {"role": args.role, "key_end_date": ends}
    if role.application_object_id:
        kind, client_id = STATIC, role.application_id
        internal = {**internal, "app_object_id": role.application_object_id, "key_id": call.entropy.uuid()}
    else:
        kind, app = DYNAMIC, call.entropy.uuid()
        client_id = directory.application_id(app)
        internal = {**internal, "app_object_id": app, "permanently_delete": role.permanently_delete}
    return Response(
        data={"client_id": client_id, "client_secret": secret, **metadata.shown(role.metadata, args.metadata)},
        lease=Lease(ttl=role.ttl, max_ttl=_most(role), kind=kind, internal=internal),
        credentials=("client_secret",),
    )


def _most(role: Role) -> int:
    return min((limit for limit in (role.max_ttl, role.explicit_max_ttl) if limit), default=0)


def renew(call: Call, lease: Lease) -> Lease:
    """For as long as the role says now, but not beyond the end that the secret has in Azure."""
    role = role_of(call, str(lease.internal["role"]))
    if role is None:
        return lease
    left = int(lease.internal["key_end_date"]) - int(call.clock.now())
    return msgspec.structs.replace(
        lease, ttl=min(role.ttl, left), max_ttl=min(role.max_ttl, left), renewable=role.ttl < left
    )


def revoke(call: Call, _lease: Lease) -> None:
    """Delete the application, or its secret: nothing is kept of either but the lease."""
    try:
        connected(call)
    except Failure as error:
        raise Failure(f"error during revoke: {error.errors[0]}") from None
