"""The ACL policies of all namespaces, and the rules that follow from a token's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from sandboxd.vault.identity import Entity, Identity
from sandboxd.vault.namespaces import Namespace, Namespaces
from sandboxd.vault.policies import ACL, DEFAULT_POLICIES, IdentityView, Policy, parse_policy
from sandboxd.vault.storage import Storage, View

if TYPE_CHECKING:
    from sandboxd.vault.tokens import Token

IMMUTABLE = ("root",)
UNASSIGNABLE = ("control-group", "response-wrapping")


class StoredPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """A policy as it was written. `modified` and `expiration` are nanoseconds since 1970 (0: never)."""

    name: str
    text: str
    version: int = 1
    modified: int = 0
    expiration: int = 0
    cas_required: bool = False


class PolicyStore:
    """All ACL policies of a world. `generation` grows with every change."""

    def __init__(self, storage: Storage, namespaces: Namespaces, identity: Identity, profile: str) -> None:
        self._storage = storage
        self._namespaces = namespaces
        self._identity = identity
        self._profile = profile
        self.generation = 0
        self._parsed: dict[tuple[str, str], Policy] = {}
        self._acls: dict[tuple[object, ...], ACL] = {}
        self._by_token: dict[str, tuple[int, int, Entity | None, ACL]] = {}

    def reload(self) -> None:
        """Forget what was derived, after the storage was restored."""
        self._forget()

    def install(self, namespace: Namespace) -> None:
        """Give a new namespace the policies that every one has."""
        for name, text in DEFAULT_POLICIES[self._profile].items():
            self.put(namespace, StoredPolicy(name=name, text=text))

    def get(self, namespace: Namespace, name: str) -> StoredPolicy | None:
        """The policy with that name (in lower case), or None."""
        return self._view(namespace).get(name, StoredPolicy) if name else None

    def list(self, namespace: Namespace, prefix: str = "") -> list[str]:
        """The names of the policies of a namespace right below a prefix, sorted."""
        return self._view(namespace).list(prefix)

    def put(self, namespace: Namespace, policy: StoredPolicy) -> None:
        """Keep a policy that parses."""
        self._view(namespace).put(policy.name, policy)
        self._forget()

    def delete(self, namespace: Namespace, name: str) -> None:
        """Forget a policy."""
        self._view(namespace).delete(name)
        self._forget()

    def acl(self, token: Token, entity: Entity | None) -> ACL:
        """The rules that hold for a token."""
        known = self._by_token.get(token.id)
        generations = self.generation, self._identity.generation
        if known is not None and known[:2] == generations and known[2] is entity:
            return known[3]
        acl = self._compile(token, entity)
        if len(self._by_token) > 20_000:
            self._by_token.clear()
        self._by_token[token.id] = (*generations, entity, acl)
        return acl

    def _compile(self, token: Token, entity: Entity | None) -> ACL:
        names: dict[str, tuple[str, ...]] = {token.namespace_id: token.policies}
        if entity is not None and not token.no_identity_policies:
            for namespace_id, more in self._identity.policies(entity).items():
                names[namespace_id] = tuple(dict.fromkeys((*names.get(namespace_id, ()), *more)))
        if "root" in token.policies:
            return ACL.root()
        policies: list[tuple[str, Policy]] = []
        templated = False
        for namespace_id, wanted in names.items():
            namespace = self._namespaces.get(namespace_id)
            if namespace is None:
                continue
            for name in wanted:
                policy = self._policy(namespace, name)
                if policy is not None:
                    templated = templated or policy.templated
                    policies.append((namespace.path, policy))
        if token.inline_policy:
            owner = self._namespaces.get(token.namespace_id)
            policies.append((owner.path if owner else "", parse_policy(token.inline_policy, "")))
            return ACL.compile(policies, self._view_of(entity))
        if templated:
            return ACL.compile(policies, self._view_of(entity))
        key = tuple((path, id(policy)) for path, policy in policies)
        found = self._acls.get(key)
        if found is None:
            found = self._acls[key] = ACL.compile(policies, None)
        return found

    def _policy(self, namespace: Namespace, name: str) -> Policy | None:
        found = self._parsed.get((namespace.id, name))
        if found is None:
            stored = self.get(namespace, name)
            if stored is None:
                return None
            found = self._parsed[namespace.id, name] = parse_policy(stored.text, name)
        return found

    def _view_of(self, entity: Entity | None) -> IdentityView | None:
        if entity is None:
            return None
        return IdentityView.of(entity, self._identity.groups_of(entity.id))

    def _view(self, namespace: Namespace) -> View:
        return View(self._storage, namespace.prefix + "policy/acl/")

    def _forget(self) -> None:
        self.generation += 1
        self._parsed, self._acls, self._by_token = {}, {}, {}
