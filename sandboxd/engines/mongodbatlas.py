"""The MongoDB Atlas secrets engine: programmatic API keys of an organization or project, made for a lease.

A **role** says where a key is made, what it may do there, and from which addresses. Atlas is simulated: it has whatever
a role names, and makes any key.

Vault's own. Source: Vault's plugin for MongoDB Atlas, for the order and texts of the checks, and its API documentation.
"""

import re
from dataclasses import dataclass
from typing import Any, NoReturn

from sandboxd.vault.errors import Failure, fail, refuse
from sandboxd.vault.framework.backend import Call, Engine, Lease, Path, Response, Result
from sandboxd.vault.framework.fields import Duration, Lower, MaybeList, param
from sandboxd.vault.framework.records import without
from sandboxd.vault.framework.resources import Collection, Named, Single, simulated

KIND = "programmatic_api_key"
NO_CONFIG = "empty config entry"
NO_ROLE = "error retrieving credential: credential is nil"
LOWER = "abcdefghijklmnopqrstuvwxyz"
PUBLIC_KEY_LENGTH = 8
_UNUSUAL = re.compile(r"[^a-zA-Z0-9+=,.@_-]")

# None: never set, and shown as null.


@dataclass(frozen=True, kw_only=True, repr=False)
class Config:
    """As whom to speak to Atlas."""

    public_key: str = param("", "Public half of an API key.", required=True)
    private_key: str = param("", "Private half of the API key.", required=True)


@dataclass(frozen=True, kw_only=True)
class Role:
    """Where a key is made, and what it may do."""

    project_id: str = param("", "The project that the key belongs to, or is assigned to.")
    roles: MaybeList = param(None, "What the key may do in its organization, or else in its project.", required=True)
    organization_id: str = param("", "The organization that the key belongs to.")
    ip_addresses: MaybeList = param(None, "Addresses that the key may be used from.")
    cidr_blocks: MaybeList = param(None, "Blocks of addresses that the key may be used from.")
    project_roles: MaybeList = param(None, "What a key of the organization may do in the project.")
    ttl: Duration = param(0, "How long a key lasts; 0 for what the mount says.")
    max_ttl: Duration = param(0, "How long it lasts when its lease is renewed.")


def check_config(_call: Call, config: Config) -> Config:
    for name in ("public_key", "private_key"):
        if not getattr(config, name):
            raise Failure(f"{name} is empty")
    return config


def no_config() -> NoReturn:
    fail(NO_CONFIG)


def check_role(call: Call, named: Named[Role]) -> Role:
    role = named.record
    if not role.organization_id and not role.project_id:
        refuse("organization_id or project_id are required")
    if "roles" not in call.given:
        refuse("roles is required for organization and project keys")
    if "project_roles" not in call.given and role.organization_id and role.project_id:
        refuse("roles is required if both organization_id and project_id are supplied")
    if 0 < role.max_ttl < role.ttl:
        refuse("ttl exceeds max_ttl")
    return role


def show_role(named: Named[Role]) -> Result:
    return {"database_name": "", **without(named.record)}


CONFIG = Single(
    "config",
    Config,
    "Say as whom to speak to MongoDB Atlas.",
    hidden=("private_key",),
    merges=False,
    deletes=False,
    check=check_config,
    missing=no_config,
    operation_ids={"read": "mongo-db-atlas-read-configuration", "write": "mongo-db-atlas-configure"},
)
ROLES = Collection(
    "roles",
    Role,
    "Manage a role.",
    name_kind=Lower,
    check=check_role,
    show=show_role,
    answers=True,
    operation_ids={
        "read": "mongo-db-atlas-read-role",
        "write": "mongo-db-atlas-write-role",
        "delete": "mongo-db-atlas-delete-role",
    },
    list_ids={"list": "mongo-db-atlas-list-roles"},
)


def create(call: Call, args: Any) -> Response:
    name = ROLES.name_of(args)
    role = ROLES.load(call, name)
    if role is None:
        raise Failure(NO_ROLE)
    description = f"vault-{_UNUSUAL.sub('_', name)}-{call.entropy.text(20)}"
    if CONFIG.load(call) is None:
        refuse(NO_CONFIG)
    return Response(
        data={
            "public_key": call.entropy.text(PUBLIC_KEY_LENGTH, LOWER),
            "private_key": call.fake("mongodbatlas.private_key", "private_key"),
            "description": description,
        },
        lease=Lease(kind=KIND, ttl=role.ttl, max_ttl=role.max_ttl, internal={"role": name}),
        credentials=("private_key",),
    )


def lengths(call: Call, lease: Lease) -> tuple[int, int]:
    role = ROLES.load(call, str(lease.internal["role"]))
    if role is None:
        raise Failure(NO_ROLE)
    return (
        role.max_ttl if role.ttl else 0,
        role.max_ttl,
    )  # a role's own ttl counts only as a switch, in the real one too


ENGINE = Engine(
    type="mongodbatlas",
    help="Make programmatic API keys of MongoDB Atlas, which last as long as their lease.",
    paths=(
        *CONFIG.paths(),
        *ROLES.paths(),
        Path(
            "creds/{name}",
            ROLES.named,
            "Have an API key made, as a role says.",
            read=create,
            write=create,
            operation_ids={
                "read": "mongo-db-atlas-generate-credentials",
                "write": "mongo-db-atlas-generate-credentials2",
            },
        ),
    ),
    secrets=(simulated(KIND, lengths),),
)
