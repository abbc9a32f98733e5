"""Roles: for which namespaces tokens may be had, for whom, and for how long."""

from dataclasses import dataclass, replace
from typing import Annotated

from sandboxd.engines.kubernetes import manifests
from sandboxd.vault.durations import format_duration
from sandboxd.vault.errors import refuse
from sandboxd.vault.framework.backend import Call, Path, Result
from sandboxd.vault.framework.fields import PAIRS, Duration, Lower, MaybeList, NoArgs, param
from sandboxd.vault.framework.records import only, page, update, without
from sandboxd.vault.framework.usernames import Template

NAME_TEMPLATE = (
    '{{ printf "v-%s-%s-%s-%s" (.DisplayName | truncate 8) (.RoleName | truncate 8) (unix_time) (random 24) '
    "| truncate 62 | lowercase }}"
)
TYPES = {"role": "Role", "clusterrole": "ClusterRole"}

# None: never set, and shown as null.
Map = Annotated[dict[str, str] | None, PAIRS]


@dataclass(frozen=True, kw_only=True)
class Role:
    """A role, as stored."""

    allowed_kubernetes_namespaces: MaybeList = param(None, "Namespaces in which tokens may be had; `*` for all.")
    allowed_kubernetes_namespace_selector: str = param(
        "", "JSON or YAML of a label selector: tokens may also be had in the namespaces that it selects."
    )
    token_max_ttl: Duration = param(0, "How long a token lasts at most; 0 for what the mount says.")
    token_default_ttl: Duration = param(0, "How long a token lasts; 0 for what the mount says.")
    token_default_audiences: MaybeList = param(None, "Whom a token is for; by default whom the cluster says.")
    service_account_name: str = param("", "The service account to have tokens of; nothing is made for it.")
    kubernetes_role_name: str = param("", "The role that a service account made for the token is bound to.")
    kubernetes_role_type: str = param("Role", "What that role is, or the one that is made: Role or ClusterRole.")
    generated_role_rules: str = param("", "JSON or YAML of the rules of a role that is made for the token.")
    name_template: str = param("", "Template of the name of whatever is made.")
    extra_labels: Map = param(None, "Further labels of whatever is made.")
    extra_annotations: Map = param(None, "Annotations of whatever is made.")

    @property
    def single_namespace(self) -> str:
        """The one namespace that tokens may be had in, or an empty string when there may be others."""
        allowed = self.allowed_kubernetes_namespaces or ()
        alone = not self.allowed_kubernetes_namespace_selector and len(allowed) == 1 and allowed[0] != "*"
        return allowed[0] if alone else ""


@dataclass(frozen=True, kw_only=True)
class RoleArgs(Role):
    """A role as a client writes it."""

    name: Lower = param(help="Name of the role.")


@dataclass(frozen=True, kw_only=True)
class ListArgs:
    """Which part of the list."""

    after: str = param("", "Begin after this name, which need not be there.", place="query")
    limit: int = param(0, "How many names at most; 0 for all.", place="query")


def load(call: Call, name: str) -> Role | None:
    """The role of that name, which is in lower case."""
    return call.storage.get(f"roles/{name}", Role)


def exists(call: Call, args: RoleArgs) -> bool:
    return load(call, args.name) is not None


def read(call: Call, args: RoleArgs) -> Result:
    role = load(call, args.name)
    return None if role is None else {"name": args.name, **without(role)}


def write(call: Call, args: RoleArgs) -> None:
    role = update(load(call, args.name) or Role(kubernetes_role_type=""), only(Role, args), call.given)
    if "allowed_kubernetes_namespaces" in call.given:
        role = replace(role, allowed_kubernetes_namespaces=_set(role.allowed_kubernetes_namespaces, lower=True))
    if "token_default_audiences" in call.given:
        role = replace(role, token_default_audiences=_set(role.token_default_audiences))
    if call.raw.get("extra_labels", "") is None:
        role = replace(role, extra_labels=None)
    if call.raw.get("extra_annotations", "") is None:
        role = replace(role, extra_annotations=None)
    kind = role.kubernetes_role_type or "Role"
    role = replace(role, kubernetes_role_type=TYPES.get(kind.lower(), kind))
    _check(call, role)
    call.storage.put(f"roles/{args.name}", role)


def _set(names: tuple[str, ...] | None, *, lower: bool = False) -> tuple[str, ...]:
    """The names in order, each once, without blanks."""
    stripped = {name.strip().lower() if lower else name.strip() for name in names or ()}
    return tuple(sorted(stripped - {""}))


def _check(call: Call, role: Role) -> None:
    """Raise Refusal for what makes no sense, in the real server's order."""
    if not role.allowed_kubernetes_namespaces and not role.allowed_kubernetes_namespace_selector:
        refuse("one (at least) of allowed_kubernetes_namespaces or allowed_kubernetes_namespace_selector must be set")
    ways = (role.service_account_name, role.kubernetes_role_name, role.generated_role_rules)
    if sum(map(bool, ways)) != 1:
        refuse("one (and only one) of service_account_name, kubernetes_role_name or generated_role_rules must be set")
    if 0 < role.token_max_ttl < role.token_default_ttl:
        refuse(
            f"token_default_ttl {format_duration(role.token_default_ttl)} cannot be greater than token_max_ttl "
            f"{format_duration(role.token_max_ttl)}"
        )
    if role.kubernetes_role_type not in TYPES.values():
        refuse("kubernetes_role_type must be either 'Role' or 'ClusterRole'")
    if role.allowed_kubernetes_namespace_selector:
        try:
            manifests.selector(role.allowed_kubernetes_namespace_selector)
        except ValueError:
            refuse("failed to parse 'allowed_kubernetes_namespace_selector' as k8s.io/api/meta/v1/LabelSelector object")
    if role.generated_role_rules:
        try:
            manifests.rules(role.generated_role_rules)
        except ValueError:
            refuse("failed to parse 'generated_role_rules' as k8s.io/api/rbac/v1/Policy object")
    try:
        Template.parse(role.name_template or NAME_TEMPLATE, profile=call.profile)
    except ValueError as error:
        refuse(f"unable to initialize name template: {error}")


def delete(call: Call, args: RoleArgs) -> None:
    call.storage.delete(f"roles/{args.name}")


def list_names(call: Call, args: ListArgs | NoArgs) -> Result:
    names = call.storage.list("roles/")
    if isinstance(args, ListArgs):
        names = page(names, args.after, args.limit)
    return {"keys": names} if names else {}


_LIST_ID = {"list": "kubernetes-list-roles"}

PATHS = (
    Path(
        "roles/{name}",
        RoleArgs,
        "Write, read or delete a role.",
        description="Writing a role again changes the fields that are sent.",
        read=read,
        write=write,
        delete=delete,
        exists=exists,
        operation_ids={
            "read": "kubernetes-read-role",
            "write": "kubernetes-write-role",
            "delete": "kubernetes-delete-role",
        },
    ),
    Path("roles/?", NoArgs, "List the roles.", list=list_names, profiles=("vault",), operation_ids=_LIST_ID),
    Path("roles/?", ListArgs, "List the roles.", list=list_names, profiles=("openbao",), operation_ids=_LIST_ID),
)
