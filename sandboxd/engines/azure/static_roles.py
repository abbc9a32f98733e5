"""Static roles: the one secret that the engine manages for an application that is there already.

From Vault's documentation: they are of its Enterprise edition, whose source is not public, and here everyone has them.
Where the documentation has no text for a refusal, it is ours. A secret rotates when it is asked to, and not by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sandboxd.engines.azure import directory, metadata
from sandboxd.engines.azure.config import SECRET_KIND, configured, connected
from sandboxd.engines.azure.metadata import Metadata
from sandboxd.vault.durations import SECOND, format_duration, rfc3339
from sandboxd.vault.errors import refuse
from sandboxd.vault.framework.backend import Call, Response, Result
from sandboxd.vault.framework.fields import Duration, Lower, Moment, NoArgs, param
from sandboxd.vault.framework.records import only, update

SHORTEST, USUAL = 720 * 3600, 17520 * 3600
"""How long a secret lasts in Azure at least, and when a role does not say, in seconds."""


@dataclass(frozen=True, kw_only=True, repr=False)
class StaticRole:
    """A static role, as stored. `ttl` is in seconds; `expiration` in nanoseconds since 1970."""

    application_object_id: str = param("", "Application whose secret is managed.", required=True)
    ttl: Duration = param(0, "How long a secret lasts in Azure: 720h or more; two years when it is 0.")
    metadata: Metadata = param(factory=dict, help="Pairs that come with the credentials.")
    secret_id: str = param("", "Id of a secret that is there already, to take over.", deprecated=True)
    client_secret: str = param("", "That secret.", deprecated=True)
    expiration: Moment = param(0, "When it ends.", deprecated=True)


@dataclass(frozen=True, kw_only=True, repr=False)
class StaticRoleArgs(StaticRole):
    """A static role, as a client describes it."""

    name: Lower = param(help="Name of the static role.")
    defer_initial_creds: bool = param(False, "Make no secret before credentials are read.")
    skip_import_rotation: bool = param(False, "Don't rotate the secret that is taken over.", deprecated=True)


@dataclass(frozen=True, kw_only=True, repr=False)
class ImportArgs:
    """A secret that is there already, for a new static role."""

    name: Lower = param(help="Name of the static role.")
    application_object_id: str = param("", "Application whose secret is managed.", required=True)
    ttl: Duration = param(0, "How long a secret lasts in Azure: 720h or more; two years when it is 0.")
    metadata: Metadata = param(factory=dict, help="Pairs that come with the credentials.")
    secret_id: str = param("", "Id of the secret to take over.", required=True)
    client_secret: str = param("", "That secret; without it, the role must be rotated before it gives credentials.")
    skip_import_rotation: bool = param(False, "Don't rotate it.")


@dataclass(frozen=True, kw_only=True)
class NameArgs:
    """Which static role."""

    name: Lower = param(help="Name of the static role.")


@dataclass(frozen=True, kw_only=True)
class CredsArgs(NameArgs):
    """Whose credentials."""

    metadata: Metadata = param(factory=dict, help="Pairs that come with these credentials.", place="query")


def find(call: Call, name: str) -> StaticRole | None:
    """The static role of that name."""
    return call.storage.get(f"static-roles/{name}", StaticRole)


def _keep(call: Call, name: str, role: StaticRole) -> None:
    call.storage.put(f"static-roles/{name}", role)


def known(call: Call, name: str) -> StaticRole:
    """The static role of that name. Raises Refusal when there is none."""
    return find(call, name) or refuse(f"static role '{name}' does not exist")


def exists(call: Call, args: StaticRoleArgs) -> bool:
    return find(call, args.name) is not None


def read(call: Call, args: StaticRoleArgs) -> Result:
    found = find(call, args.name)
    if found is None:
        return None
    return {"application_object_id": found.application_object_id, "ttl": found.ttl, "metadata": found.metadata}


def names(call: Call, _args: NoArgs) -> Result:
    found = call.storage.list("static-roles/")
    return {"keys": found} if found else {}


def delete(call: Call, args: StaticRoleArgs) -> None:
    call.storage.delete(f"static-roles/{args.name}")


def write(call: Call, args: StaticRoleArgs) -> None:
    configured(call)
    old = find(call, args.name)
    if old is None:
        _create(call, args.name, only(StaticRole, args), skip=args.skip_import_rotation or args.defer_initial_creds)
        return
    settable = {"application_object_id", "ttl", "metadata"} & call.given
    role = _checked(update(old, args, settable))
    if role.application_object_id != old.application_object_id:
        role = _rotated(call, role)
    _keep(call, args.name, role)


def import_secret(call: Call, args: ImportArgs) -> None:
    configured(call)
    if find(call, args.name) is not None:
        refuse(f"static role '{args.name}' already exists")
    if not args.secret_id:
        refuse("secret_id is required")
    role = StaticRole(
        application_object_id=args.application_object_id,
        ttl=args.ttl,
        metadata=args.metadata,
        secret_id=args.secret_id,
        client_secret=args.client_secret,
    )
    _create(call, args.name, role, skip=args.skip_import_rotation)


def _create(call: Call, name: str, wanted: StaticRole, *, skip: bool) -> None:
    """Make a static role; unless that is skipped, with a secret of its own."""
    role = _checked(wanted)
    if not role.secret_id and (role.client_secret or role.expiration):
        refuse("secret_id is required to import a client_secret or an expiration")
    if role.expiration and role.expiration <= call.clock.now_ns():
        refuse("expiration must be in the future")
    if not skip:
        role = _rotated(call, role)
    elif role.secret_id and not role.expiration:
        role = replace(role, expiration=_end(call, role))
    _keep(call, name, role)


def _checked(role: StaticRole) -> StaticRole:
    """The role with its times settled. Raises Refusal."""
    if not role.application_object_id:
        refuse("application_object_id is required")
    if role.ttl and role.ttl < SHORTEST:
        refuse(f"ttl must be at least {format_duration(SHORTEST)}")
    return replace(role, ttl=role.ttl or USUAL)


def _end(call: Call, role: StaticRole) -> int:
    return call.clock.now_ns() + role.ttl * SECOND


def _rotated(call: Call, role: StaticRole) -> StaticRole:
    """The role with a new secret: the one before is taken away."""
    call.superseded(role.client_secret)
    secret = call.fake(SECRET_KIND, "client_secret")
    return replace(role, secret_id=call.entropy.uuid(), client_secret=secret, expiration=_end(call, role))


def rotate(call: Call, args: NameArgs) -> None:
    configured(call)
    _keep(call, args.name, _rotated(call, known(call, args.name)))


def read_creds(call: Call, args: CredsArgs) -> Result:
    connected(call)
    role = known(call, args.name)
    if not role.secret_id:
        role = _rotated(call, role)
        _keep(call, args.name, role)
    if not role.client_secret:
        refuse(f"static role '{args.name}' has an imported credential without its client_secret: rotate the role first")
    return Response(
        data={
            "client_id": directory.application_id(role.application_object_id),
            "client_secret": role.client_secret,
            "secret_id": role.secret_id,
            "expiration": rfc3339(role.expiration),
            **metadata.shown(role.metadata, args.metadata),
        },
        credentials=("client_secret",),
    )
