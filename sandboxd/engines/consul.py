"""The Consul secrets engine: ACL tokens of a Consul cluster, made for a lease.

A **role** says what a token may do: policies, roles, service and node identities. The cluster is simulated: it has
whatever a role names, makes any token, and lets itself be bootstrapped. Before Consul 1.4 a token had rules of its own
(`policy`) or was a `management` token; roles that say so get tokens of that kind.

Vault's own. Source: Vault's consul engine, for the order and texts of the checks, and its API documentation.
"""

import base64
from dataclasses import dataclass, replace
from typing import NoReturn

from sandboxd.vault.errors import refuse
from sandboxd.vault.framework.backend import Call, Engine, Lease, Path, Response, Result
from sandboxd.vault.framework.fields import CommaList, Duration, Name, Strings, param
from sandboxd.vault.framework.resources import Collection, Named, Single, simulated
from sandboxd.vault.gotext import decode_base64, quote

NO_ACCESS = (
    "access credentials for the backend itself haven't been configured; please configure them at the '/config/access' "
    "endpoint"
)
NO_GRANT = (
    "Use either a policy document, a list of policies or roles, or a set of service or node identities, depending on "
    "your Consul version"
)
TOKEN = "consul.token"


@dataclass(frozen=True, kw_only=True, repr=False)
class Access:
    """How to reach the cluster, and as whom."""

    address: str = param("", "Address of a Consul server, as host:port.")
    scheme: str = param("http", "http or https.")
    token: str = param("", "A management token; without one, the cluster's ACL system is bootstrapped.")
    ca_cert: str = param("", "PEM certificate of the CA that signed the server's.")
    client_cert: str = param("", "PEM certificate to show to the server; goes with client_key.")
    client_key: str = param("", "PEM key of client_cert.")


@dataclass(frozen=True, kw_only=True)
class Role:
    """What a token may do."""

    policy: str = param("", "Rules of a token before Consul 1.4, in base64.", deprecated=True)
    token_type: str = param("client", "client or management (before Consul 1.4).", deprecated=True)
    policies: CommaList = param((), "Use consul_policies.", deprecated=True)
    consul_policies: CommaList = param((), "Names of policies.")
    consul_roles: CommaList = param((), "Names of roles.")
    local: bool = param(False, "Keep the token within the datacenter.")
    ttl: Duration = param(0, "How long a token lasts; 0 for what the mount says.")
    max_ttl: Duration = param(0, "How long it lasts when its lease is renewed.")
    lease: Duration = param(0, "Use ttl.", deprecated=True)
    consul_namespace: str = param("", "The namespace that tokens are made in.")
    partition: str = param("", "The admin partition that tokens are made in.")
    service_identities: Strings = param((), "Services, as name or name:datacenter,datacenter.")
    node_identities: Strings = param((), "Nodes, as name:datacenter.")

    @property
    def legacy(self) -> bool:
        """Whether its tokens are of the kind that Consul had before 1.4."""
        return bool(self.policy) == (self.token_type == "client")


@dataclass(frozen=True, kw_only=True)
class CredsArgs:
    """Whose token to make."""

    role: Name = param(help="Name of the role.")


def bootstrapped(call: Call, access: Access) -> Access:
    return access if access.token else replace(access, token=call.fake(TOKEN, "token"))


def no_access() -> NoReturn:
    refuse(NO_ACCESS)


def check_role(call: Call, named: Named[Role]) -> Role:
    role = named.record
    if role.token_type == "client":
        if not any((role.policy, role.policies, role.consul_policies, role.consul_roles)) and not any(
            (role.service_identities, role.node_identities)
        ):
            refuse(NO_GRANT)
    elif role.token_type != "management":
        refuse('token_type must be "client" or "management"')
    try:
        policy = base64.b64encode(decode_base64(role.policy)).decode()
    except ValueError as error:
        refuse(f"Error decoding policy base64: {error}")
    ttl = role.ttl if "ttl" in call.given else role.lease
    return replace(role, policy=policy, consul_policies=role.consul_policies or role.policies, ttl=ttl)


def show_role(named: Named[Role]) -> Result:
    role = named.record
    lists = ("consul_policies", "consul_roles", "service_identities", "node_identities")
    return {
        "lease": role.ttl,
        "ttl": role.ttl,
        "max_ttl": role.max_ttl,
        "token_type": role.token_type,
        "local": role.local,
        "consul_namespace": role.consul_namespace,
        "partition": role.partition,
        **({"policy": role.policy} if role.policy else {}),
        **{name: list(value) for name in lists if (value := getattr(role, name))},
    }


ACCESS = Single(
    "config/access",
    Access,
    "Say how to reach Consul.",
    hidden=("token", "ca_cert", "client_cert", "client_key"),
    merges=False,
    deletes=False,
    check=bootstrapped,
    missing=no_access,
    operation_ids={"read": "consul-read-access-configuration", "write": "consul-configure-access"},
)
ROLES = Collection(
    "roles",
    Role,
    "Manage a role.",
    merges=False,
    check=check_role,
    show=show_role,
    operation_ids={"read": "consul-read-role", "write": "consul-write-role", "delete": "consul-delete-role"},
    list_ids={"list": "consul-list-roles"},
)


def create(call: Call, args: CredsArgs) -> Response:
    role = ROLES.load(call, args.role) or refuse(f"role {quote(args.role)} not found")
    if ACCESS.load(call) is None:
        no_access()
    token = call.fake(TOKEN, "token")
    data: dict[str, object] = {"token": token}
    if not role.legacy:
        data |= {
            "accessor": call.fake("uuid", "accessor"),
            "local": role.local,
            "consul_namespace": role.consul_namespace,
            "partition": role.partition,
        }
    lease = Lease(kind="token", ttl=role.ttl, max_ttl=role.max_ttl, internal={"role": args.role})
    return Response(data=data, lease=lease, credentials=("token",))


def lengths(call: Call, lease: Lease) -> tuple[int, int]:
    name = str(lease.internal["role"])
    role = ROLES.load(call, name) or refuse(f"issuing role {quote(name)} not found")
    return role.ttl, role.max_ttl


ENGINE = Engine(
    type="consul",
    help="Make ACL tokens of Consul, which last as long as their lease.",
    paths=(
        *ACCESS.paths(),
        *ROLES.paths(),
        Path(
            "creds/{role}",
            CredsArgs,
            "Have a token made, as a role says.",
            read=create,
            operation_ids={"read": "consul-generate-credentials"},
        ),
    ),
    secrets=(simulated("token", lengths),),
)
