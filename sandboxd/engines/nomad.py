"""The Nomad secrets engine: ACL tokens of a Nomad cluster, made for a lease.

A **role** says which policies a `client` token has, or that it is a `management` token. The cluster is simulated: it
has whatever a role names, makes any token, and lets itself be bootstrapped.

Vault's own. Source: Vault's nomad engine, for the order and texts of the checks, and its API documentation.
"""

from dataclasses import dataclass, replace

from sandboxd.vault.errors import Failure, refuse
from sandboxd.vault.framework.backend import Call, Engine, Lease, Path, Response, Result
from sandboxd.vault.framework.fields import MaybeList, param
from sandboxd.vault.framework.resources import Collection, LeaseConfig, Named, Single, simulated
from sandboxd.vault.gotext import quote

TOKEN = "nomad.token"
# What a server says that was not told where Nomad is: it tries its own machine.
UNREACHABLE = 'Put "http://127.0.0.1:4646/v1/acl/token": dial tcp 127.0.0.1:4646: connect: connection refused'

# None: never set, and shown as null.


@dataclass(frozen=True, kw_only=True, repr=False)
class Access:
    """How to reach the cluster, and as whom."""

    address: str = param("", "URL of a Nomad server.")
    token: str = param("", "A management token; without one, the cluster's ACL system is bootstrapped.")
    max_token_name_length: int = param(0, "How long names of tokens are at most; 0 for what Nomad allows.")
    ca_cert: str = param("", "PEM certificate of the CA that signed the server's.")
    client_cert: str = param("", "PEM certificate to show to the server; goes with client_key.")
    client_key: str = param("", "PEM key of client_cert.")


@dataclass(frozen=True, kw_only=True)
class Role:
    """What a token may do."""

    policies: MaybeList = param(None, "Names of policies, for client tokens.")
    global_: bool = param(False, "Have the token in all regions.", name="global")
    type: str = param("client", "client or management.")


def check_access(call: Call, access: Access) -> Access:
    if "max_token_name_length" not in call.given:
        access = replace(access, max_token_name_length=0)
    return access if access.token else replace(access, token=call.fake(TOKEN, "token"))


def check_role(call: Call, named: Named[Role]) -> Role:
    role = named.record if "type" in call.given else replace(named.record, type="client")
    if role.type not in ("client", "management"):
        refuse('type must be "client" or "management"')
    if role.type == "client" and not role.policies:
        refuse("policies cannot be empty when using client tokens")
    if role.type == "management" and role.policies:
        refuse("policies should be empty when using management tokens")
    return role


def show_role(named: Named[Role]) -> Result:
    role = named.record
    return {"type": role.type, "global": role.global_, "policies": role.policies}


ACCESS = Single(
    "config/access",
    Access,
    "Say how to reach Nomad.",
    hidden=("token", "client_key"),
    check=check_access,
    exists=True,
    operation_ids={
        "read": "nomad-read-access-configuration",
        "write": "nomad-configure-access",
        "delete": "nomad-delete-access-configuration",
    },
)
LEASE = Single(
    "config/lease",
    LeaseConfig,
    "Say how long tokens last.",
    merges=False,
    operation_ids={
        "read": "nomad-read-lease-configuration",
        "write": "nomad-configure-lease",
        "delete": "nomad-delete-lease-configuration",
    },
)
ROLES = Collection(
    "role",
    Role,
    "Manage a role.",
    check=check_role,
    show=show_role,
    exists=True,
    operation_ids={"read": "nomad-read-role", "write": "nomad-write-role", "delete": "nomad-delete-role"},
    list_ids={"list": "nomad-list-roles"},
)


def create(call: Call, args: Role) -> Response:
    name = ROLES.name_of(args)
    if ROLES.load(call, name) is None:
        refuse(f"role {quote(name)} not found")
    if ACCESS.load(call) is None:
        raise Failure(UNREACHABLE)
    accessor = call.fake("uuid", "accessor_id")
    ttl, max_ttl = lengths(call)
    return Response(
        data={"secret_id": call.fake(TOKEN, "secret_id"), "accessor_id": accessor},
        lease=Lease(kind="token", ttl=ttl, max_ttl=max_ttl, internal={"accessor_id": accessor}),
        credentials=("secret_id",),
    )


def lengths(call: Call, _lease: Lease | None = None) -> tuple[int, int]:
    config = LEASE.load(call) or LeaseConfig()
    return config.ttl, config.max_ttl


ENGINE = Engine(
    type="nomad",
    help="Make ACL tokens of Nomad, which last as long as their lease.",
    paths=(
        *ACCESS.paths(),
        *LEASE.paths(),
        *ROLES.paths(),
        Path(
            "creds/{name}",
            ROLES.named,
            "Have a token made, as a role says.",
            read=create,
            operation_ids={"read": "nomad-generate-credentials"},
        ),
    ),
    secrets=(simulated("token", lengths),),
)
