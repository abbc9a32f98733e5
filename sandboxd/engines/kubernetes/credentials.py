"""Tokens: made with all that they need, and taken away with it.

When a cluster fails on the way, the object that owns the others is deleted ten minutes later, as by the real server's
write-ahead log.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from sandboxd.engines.kubernetes import manifests
from sandboxd.engines.kubernetes.cluster import Cluster, ClusterError, cluster_of
from sandboxd.engines.kubernetes.roles import NAME_TEMPLATE, Role, load
from sandboxd.engines.kubernetes.selectors import NAME_LABEL, requirements
from sandboxd.fakes.forms.chosen import unbase64
from sandboxd.vault.durations import SECOND, format_duration
from sandboxd.vault.errors import Failure, listed, refuse
from sandboxd.vault.framework.backend import Call, Lease, Path, Response, SecretKind
from sandboxd.vault.framework.fields import CommaList, Duration, Lower, param
from sandboxd.vault.framework.moments import postponed
from sandboxd.vault.framework.usernames import Record, Template

LABELS = {
    "app.kubernetes.io/managed-by": "HashiCorp-Vault",
    "app.kubernetes.io/created-by": "vault-plugin-secrets-kubernetes",
}
"""The labels of all that is made."""

ROLLBACK_AFTER, ROLLBACK_TRIED = 600, 24 * 3600
"""Seconds after which what was half made is deleted, and for which that is tried."""

_RBAC = "rbac.authorization.k8s.io/v1"


class Rollback(msgspec.Struct, frozen=True, kw_only=True):
    """An object to delete, unless all goes well. `until` is in nanoseconds since 1970."""

    kind: str
    namespace: str
    name: str
    until: int

    def later(self, by: int) -> "Rollback":
        """The same, so many nanoseconds later."""
        return postponed(self, by, "until")


@dataclass(frozen=True, kw_only=True)
class CredsArgs:
    """What is asked for."""

    name: Lower = param(help="Name of the role.")
    kubernetes_namespace: str = param("", "Namespace to have the token in.", required=True)
    cluster_role_binding: bool = param(False, "Bind to the role in all namespaces; the role must be a ClusterRole.")
    ttl: Duration = param(0, "How long the token lasts.")
    audiences: CommaList = param((), "Whom the token is for.")


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """What a token was made with: the names of the objects, empty for what was there or is not needed."""

    token: str
    account: str
    created_account: str = ""
    created_binding: str = ""
    created_role: str = ""


async def generate(call: Call, args: CredsArgs) -> Response:
    role = load(call, args.name) or refuse(f"role '{args.name}' does not exist")
    namespace = args.kubernetes_namespace or role.single_namespace
    try:
        allowed = await _allowed(call, role, args.kubernetes_namespace)
    except (ValueError, ClusterError) as error:
        raise Failure(f"error verifying namespace: {error}") from error
    except Failure as error:
        raise Failure(f"error verifying namespace: {error.errors[0]}") from error
    if not allowed:
        refuse(
            f"kubernetes_namespace '{namespace}' is not present in role's allowed_kubernetes_namespaces or does not "
            "match role's label selector allowed_kubernetes_namespace_selector"
        )
    if args.cluster_role_binding and role.kubernetes_role_type == "Role":
        refuse("a ClusterRoleBinding cannot ref a Role")
    cluster = cluster_of(call)
    name = _name(call, role, args.name)
    warnings: list[str] = []
    ttl = _ttl(call, role, args.ttl, warnings)
    audiences = args.audiences or role.token_default_audiences
    rollback = f"rollback/{call.entropy.uuid()}" if call.live else ""
    order = Order(call, cluster, role, namespace, name, ttl, audiences, args.cluster_role_binding, rollback)
    made = await order.fulfil()
    lasting = _lifetime(made.token, f"{namespace}/{name}")
    order.all_is_well()
    if lasting != ttl:
        than = "greater than" if lasting > ttl else "less than"
        then = "" if lasting > ttl else "; capping the lease TTL accordingly"
        warnings.append(
            f"the created Kubernetes service accout token TTL {format_duration(lasting)} is {than} the "
            f"{_product(call)} lease TTL {format_duration(ttl)}{then}"
        )
    return Response(
        data={
            "service_account_namespace": namespace,
            "service_account_name": made.account,
            "service_account_token": made.token,
        },
        credentials=("service_account_token",),
        warnings=warnings,
        lease=Lease(
            kind=TOKEN.type,
            ttl=min(ttl, lasting),
            max_ttl=role.token_max_ttl,
            renewable=False,
            internal={
                "role": args.name,
                "service_account_namespace": namespace,
                "cluster_role_binding": args.cluster_role_binding,
                "created_service_account": made.created_account,
                "created_role_binding": made.created_binding,
                "created_role": made.created_role,
                "created_role_type": role.kubernetes_role_type,
            },
        ),
    )


async def _allowed(call: Call, role: Role, namespace: str) -> bool:
    """Whether a role gives tokens in a namespace. Raises ValueError, Failure, or ClusterError."""
    if not namespace:
        if role.single_namespace:
            return True
        raise ValueError(
            f"'kubernetes_namespace' is required unless the {_product(call)} role has a single namespace specified"
        )
    allowed = role.allowed_kubernetes_namespaces or ()
    if "*" in allowed or namespace in allowed:
        return True
    if not role.allowed_kubernetes_namespace_selector:
        return False
    selector = manifests.selector(role.allowed_kubernetes_namespace_selector)
    labels = await cluster_of(call).labels(namespace)
    wanted = requirements(selector)
    if labels is None:
        named = {NAME_LABEL: namespace}
        return all(each.matches(named) for each in wanted if each.key == NAME_LABEL)
    return all(each.matches(labels) for each in wanted)


def _product(call: Call) -> str:
    return "OpenBao" if call.profile == "openbao" else "Vault"


def _name(call: Call, role: Role, role_name: str) -> str:
    """The name of all that is made for one token. Raises Failure when the role's template does not work out."""
    caller = call.caller
    shown = "" if caller is None else caller.display_name
    data = Record("kubesecrets.nameMetadata", DisplayName=shown, RoleName=role_name)
    template = Template.parse(role.name_template or NAME_TEMPLATE, profile=call.profile)
    try:
        return template.render(data, call.clock, call.entropy)
    except ValueError as error:
        raise Failure(f"failed to generate name: {error}") from error


def _ttl(call: Call, role: Role, wanted: int, warnings: list[str]) -> int:
    """The seconds that the token is to last, with a warning for each bound that they hit."""
    ttl = wanted or role.token_default_ttl or call.mount.bounds.default_ttl
    longest = call.mount.bounds.max_ttl
    bounds = (
        (role.token_max_ttl or ttl, f"the role's token_max_ttl of {format_duration(role.token_max_ttl)}"),
        (longest, f"{_product(call)}'s max lease ttl {format_duration(longest)}"),
    )
    for bound, what in bounds:
        if ttl > bound:
            warnings.append(f"ttl of {format_duration(ttl)} is greater than {what}; capping accordingly")
            ttl = bound
    return ttl


@dataclass(frozen=True)
class Order:
    """What is to be made for one token, and where."""

    call: Call
    cluster: Cluster
    role: Role
    namespace: str
    name: str
    ttl: int
    audiences: tuple[str, ...] | None
    cluster_wide: bool
    rollback: str  # the place and the timer of what is to be done when it fails; empty where nothing can

    async def fulfil(self) -> Made:
        """Make it. Raises Failure with the cluster's reason."""
        role, name = self.role, self.name
        if role.service_account_name:
            token = await self._token(role.service_account_name)
            return Made(token=token, account=role.service_account_name)
        kind = "ClusterRoleBinding" if self.cluster_wide else "RoleBinding"
        if role.kubernetes_role_name:
            self._expect_trouble(kind)
            owner = await self._bind(kind, role.kubernetes_role_name)
        else:
            self._expect_trouble(role.kubernetes_role_type)
            owner = await self._make_role()
            await self._bind(kind, name, owner)
        await self._make_account(owner)
        token = await self._token(name)
        created = "" if role.kubernetes_role_name else name
        return Made(token=token, account=name, created_account=name, created_binding=name, created_role=created)

    async def _make_role(self) -> Mapping[str, str]:
        kind = self.role.kubernetes_role_type
        manifest = {**self._manifest(_RBAC, kind), "rules": manifests.rules(self.role.generated_role_rules)}
        try:
            uid = await self.cluster.create(kind, self.namespace, manifest)
        except ClusterError as error:
            raise Failure(f"failed to create Role/ClusterRole '{self.namespace}/{self.name}: {error}") from error
        return {"apiVersion": _RBAC, "kind": kind, "name": self.name, "uid": uid}

    async def _bind(self, kind: str, to: str, owner: Mapping[str, str] | None = None) -> Mapping[str, str]:
        subject = {"kind": "ServiceAccount", "name": self.name, "namespace": self.namespace}
        reference = {"apiGroup": "", "kind": self.role.kubernetes_role_type, "name": to}
        manifest = {**self._manifest(_RBAC, kind, owner), "subjects": [subject], "roleRef": reference}
        try:
            uid = await self.cluster.create(kind, self.namespace, manifest)
        except ClusterError as error:
            raise Failure(f"failed to create RoleBinding/ClusterRoleBinding '{self.name}' for {to}: {error}") from error
        return {"apiVersion": _RBAC, "kind": kind, "name": self.name, "uid": uid}

    async def _make_account(self, owner: Mapping[str, str]) -> None:
        manifest = self._manifest("v1", "ServiceAccount", owner)
        try:
            await self.cluster.create("ServiceAccount", self.namespace, manifest)
        except ClusterError as error:
            raise Failure(f"failed to create service account '{self.namespace}/{self.name}': {error}") from error

    async def _token(self, account: str) -> str:
        try:
            return await self.cluster.token(self.namespace, account, self.ttl, self.audiences)
        except ClusterError as error:
            where = f"{self.namespace}/{account}"
            raise Failure(f"failed to create a service account token for {where}: {error}") from error

    def _manifest(self, version: str, kind: str, owner: Mapping[str, str] | None = None) -> dict[str, Any]:
        metadata: dict[str, Any] = {"name": self.name, "labels": {**(self.role.extra_labels or {}), **LABELS}}
        if not kind.startswith("Cluster"):
            metadata["namespace"] = self.namespace
        if self.role.extra_annotations:
            metadata["annotations"] = self.role.extra_annotations
        if owner is not None:
            metadata["ownerReferences"] = [owner]
        return {"apiVersion": version, "kind": kind, "metadata": metadata}

    def _expect_trouble(self, kind: str) -> None:
        if self.rollback:
            now = self.call.clock.now_ns()
            until = now + ROLLBACK_TRIED * SECOND
            rollback = Rollback(kind=kind, namespace=self.namespace, name=self.name, until=until)
            self.call.storage.put(self.rollback, rollback)
            self.call.timers.set(self.rollback, now + ROLLBACK_AFTER * SECOND)

    def all_is_well(self) -> None:
        """Note that nothing has to be cleaned up."""
        if self.rollback:
            self.call.storage.delete(self.rollback)
            self.call.timers.cancel(self.rollback)


def _lifetime(token: str, where: str) -> int:
    """The seconds that a token lasts by its own account. Raises Failure for what is no token."""
    try:
        claims = json.loads(unbase64(token.split(".")[1]) or b"")
        return int(claims["exp"]) - int(claims["iat"])
    except (ValueError, IndexError, KeyError, TypeError) as error:
        raise Failure(f"failed to read TTL of created Kubernetes token for {where}: not a JSON Web Token") from error


async def roll_back(call: Call, timer: str) -> None:
    """Delete what was half made. Raises Failure, to be tried again, until its time is over."""
    rollback = call.storage.get(timer, Rollback)
    if rollback is not None and call.live:
        try:
            await cluster_of(call).delete(rollback.kind, rollback.namespace, rollback.name)
        except ClusterError as error:
            if call.clock.now_ns() <= rollback.until:
                raise Failure(str(error)) from error
    call.storage.delete(timer)


async def revoke(call: Call, lease: Lease) -> None:
    """Delete what was made for a token. Raises Failure when the cluster does not."""
    cluster = cluster_of(call)
    made = lease.internal
    namespace, role_type = made["service_account_namespace"], made["created_role_type"]
    binding = "ClusterRoleBinding" if made["cluster_role_binding"] else "RoleBinding"
    faults: list[str] = []
    if made["created_role"]:
        faults += await _deleted(cluster, role_type, namespace, made["created_role"], "'")
    if made["created_role_binding"]:
        faults += await _deleted(cluster, binding, namespace, made["created_role_binding"], "")
    if made["created_service_account"]:
        # The last fault hides the ones before, and the missing quote is missing, as in the real server.
        faults = await _deleted(cluster, "ServiceAccount", namespace, made["created_service_account"], "'") or faults
    if faults:
        raise Failure(listed(faults))


async def _deleted(cluster: Cluster, kind: str, namespace: str, name: str, end: str) -> list[str]:
    """Delete an object; gives what the cluster has against it."""
    try:
        await cluster.delete(kind, namespace, name)
    except ClusterError as error:
        return [f"failed to delete {kind} '{namespace}/{name}{end}: {error}"]
    return []


TOKEN = SecretKind("kube_token", revoke=revoke)

PATHS = (
    Path(
        "creds/{name}",
        CredsArgs,
        "Have a token of a service account.",
        description="With its lease ends whatever was made for the token.",
        write=generate,
        operation_ids={"write": "kubernetes-generate-credentials"},
    ),
)
