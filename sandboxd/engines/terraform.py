"""The Terraform secrets engine: API tokens of HCP Terraform or Terraform Enterprise.

A **role** is about a user, a team or an organization. A user has many tokens, and so has a team of the credential type
`team`: each read makes one, for a lease. An organization has one token, and so has a team of the type `team_legacy`:
it is made with the role, handed out without a lease, and replaced by `rotate-role`. The service is simulated: whoever
a role names is there.

Vault's own. Source: Vault's plugin for Terraform, for the order and texts of the checks, and its API documentation.
"""

from dataclasses import dataclass, replace
from typing import Any

from sandboxd.vault.durations import rfc3339
from sandboxd.vault.errors import Failure, refuse
from sandboxd.vault.framework.backend import Call, Engine, Lease, Path, Response, Result, Rotates
from sandboxd.vault.framework.fields import Duration, Lower, Name, param
from sandboxd.vault.framework.resources import Collection, Named, Single, simulated

KIND = "terraform_token"
TYPES = ("user", "organization", "team_legacy", "team")
NO_ROLE = "error retrieving role: role is nil"
NANOSECONDS = 1_000_000_000


@dataclass(frozen=True, kw_only=True, repr=False)
class Config:
    """How to reach the service, and as whom."""

    token: str = param("", "Token that may make tokens.", required=True)
    address: str = param("https://app.terraform.io", "URL of HCP Terraform or Terraform Enterprise.")
    base_path: str = param("/api/v2/", "Path of its API.")


@dataclass(frozen=True, kw_only=True, repr=False)
class Role:
    """Whose tokens there are, and the one token where there is one."""

    description: str = param("", "Description of tokens.")
    organization: str = param("", "Name of an organization.")
    team_id: str = param("", "ID of a team.")
    user_id: str = param("", "ID of a user.")
    ttl: Duration = param(0, "How long a token lasts; 0 for what the mount says.")
    max_ttl: Duration = param(0, "How long it lasts when its lease is renewed.")
    credential_type: str = param("", "user, organization, team, or team_legacy.")
    token: str = param("", hidden=True)
    token_id: str = param("", hidden=True)

    @property
    def leased(self) -> bool:
        """Whether each read makes a token of its own."""
        return self.credential_type in ("user", "team")


@dataclass(frozen=True, kw_only=True)
class RotateArgs:
    """Whose token to replace."""

    name: Name = param(help="Name of the role of a team or organization.")


def check_config(call: Call, config: Config) -> Config:
    kept = {name: getattr(Config(), name) for name in ("address", "base_path") if name not in call.given}
    return replace(config, **kept)


CONFIG = Single(
    "config",
    Config,
    "Say how to reach Terraform.",
    hidden=("token",),
    check=check_config,
    exists=True,
    operation_ids={
        "read": "terraform-cloud-read-configuration",
        "write": "terraform-cloud-configure",
        "delete": "terraform-cloud-delete-configuration",
    },
)


def check_role(call: Call, named: Named[Role]) -> Role:
    role = named.record
    if "credential_type" in call.given and role.credential_type not in TYPES:
        refuse(f"unrecognized credential type: {role.credential_type}")
    for field, kind in (("organization", "organization"), ("user_id", "user"), ("team_id", "team_legacy")):
        if field in call.given and not role.credential_type:
            role = replace(role, credential_type=kind)
    if role.user_id and (role.organization or role.team_id):
        refuse("cannot provide a user_id in combination with organization or team_id")
    if not (role.user_id or role.organization or role.team_id):
        refuse("must provide an organization name, team id, or user id")
    if role.max_ttl and role.ttl > role.max_ttl:
        refuse("ttl cannot be greater than max_ttl")
    if role.credential_type == "team_legacy" and (role.description or role.ttl or role.max_ttl):
        refuse(
            "cannot provide description, ttl, or max_ttl with credential_type = team_legacy, "
            "try credential_type = team."
        )
    if role.credential_type in ("organization", "team_legacy"):
        token, token_id = make_token(call)
        call.superseded(role.token)
        return replace(role, token=token, token_id=token_id)
    return role


def show_role(named: Named[Role]) -> Result:
    role = named.record
    kind = role.credential_type
    found: dict[str, Any] = {"name": named.name, "ttl": role.ttl, "max_ttl": role.max_ttl}
    found |= {
        name: value for name in ("description", "organization", "team_id", "user_id") if (value := getattr(role, name))
    }
    if role.team_id:
        # The real server has set the type of a role that names an organization too to that by then.
        found["credential_type"] = "team_legacy" if kind == "team_legacy" and not role.organization else "team"
    if role.user_id:
        found["credential_type"] = "user"
    return found


ROLES = Collection(
    "role",
    Role,
    "Manage a role.",
    name_kind=Lower,
    check=check_role,
    show=show_role,
    operation_ids={
        "read": "terraform-cloud-read-role",
        "write": "terraform-cloud-write-role",
        "delete": "terraform-cloud-delete-role",
    },
    list_ids={"list": "terraform-cloud-list-roles"},
)


def make_token(call: Call) -> tuple[str, str]:
    """A token and its ID. Raises Failure when the engine has no token to make one with."""
    if not (CONFIG.load(call) or Config()).token:
        raise Failure("missing API token")
    return call.fake("terraform.token", "token"), f"at-{call.entropy.text(16)}"


def create(call: Call, args: Any) -> Response:
    name = ROLES.name_of(args)
    role = ROLES.load(call, name)
    if role is None:
        raise Failure(NO_ROLE)
    if not role.leased:
        data = {
            "token_id": role.token_id,
            "token": role.token,
            "organization": role.organization,
            "team_id": role.team_id,
            "role": name,
        }
        if role.description:
            data["description"] = role.description
        return Response(data=data, credentials=("token",))
    token, token_id = make_token(call)
    data = {"token": token, "token_id": token_id}
    if role.team_id and role.credential_type == "team":
        lasts = max(role.max_ttl, call.mount.bounds.max_ttl)
        data["description"] = f"{role.description}({call.entropy.below(10_000)})"
        data["expired_at"] = rfc3339((int(call.clock.now()) + lasts) * NANOSECONDS)
    elif role.user_id and role.description:  # only these tokens are told what they are for
        data["description"] = role.description
    lease = Lease(kind=KIND, ttl=role.ttl, max_ttl=role.max_ttl, internal={"token_id": token_id, "role": name})
    return Response(data=data, lease=lease, credentials=("token",))


def rotate(call: Call, args: RotateArgs) -> None:
    role = ROLES.load(call, args.name) or refuse("missing role entry")
    if role.user_id:
        refuse("cannot rotate credentials for user roles")
    if role.team_id and role.credential_type == "team":
        refuse(
            "cannot rotate credentials for credential_type = team token roles. Only works for credential_type = "
            "team_legacy."
        )
    token, _ = make_token(call)  # the real server goes on showing the ID of the first one
    call.superseded(role.token)
    ROLES.store(call, args.name, replace(role, token=token))


def lengths(call: Call, lease: Lease) -> tuple[int, int]:
    role = ROLES.load(call, str(lease.internal["role"]))
    if role is None:
        raise Failure(NO_ROLE)
    return role.ttl or lease.ttl, role.max_ttl or lease.max_ttl


ENGINE = Engine(
    type="terraform",
    help="Make or rotate API tokens of HCP Terraform and Terraform Enterprise.",
    paths=(
        *CONFIG.paths(),
        *ROLES.paths(),
        Path(
            "creds/{name}",
            ROLES.named,
            "Have the token of a role, or a new one.",
            read=create,
            write=create,
            operation_ids={
                "read": "terraform-cloud-generate-credentials",
                "write": "terraform-cloud-generate-credentials2",
            },
        ),
        Path(
            "rotate-role/{name}",
            RotateArgs,
            "Replace the token of a team or organization.",
            write=rotate,
            operation_ids={"write": "terraform-cloud-rotate-role"},
        ),
    ),
    secrets=(simulated(KIND, lengths),),
    rotates=(Rotates("role/{name}", "rotate-role/{name}", read="creds/{name}"),),
)
