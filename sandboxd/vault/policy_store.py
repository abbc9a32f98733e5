"""The ACL policies of all namespaces, and the rules that follow from a token's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from sandboxd.vault.clock import Clock
from sandboxd.vault.errors import Failure
from sandboxd.vault.framework.moments import postponed
from sandboxd.vault.identity import Entity, Identity
from sandboxd.vault.namespaces import Namespace, Namespaces
from sandboxd.vault.policies import (
    ACL,
    DEFAULT_POLICIES,
    OPENBAO,
    VAULT,
    ForbiddenValueError,
    IdentityView,
    Policy,
    PolicyError,
    parse_policy,
)
from sandboxd.vault.storage import Storage, View

if TYPE_CHECKING:
    from sandboxd.vault.tokens import Token

IMMUTABLE = {"openbao": ("root", "response-wrapping"), "vault": ("root", "response-wrapping", "control-group")}
UNASSIGNABLE = ("control-group", "response-wrapping")
_DIALECTS = {"openbao": OPENBAO, "vault": VAULT}


class StoredPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """A policy as it was written. `modified` and `expiration` are nanoseconds since 1970 (0: never)."""

    name: str
    text: str
    version: int = 1
    modified: int = 0
    expiration: int = 0
    cas_required: bool = False
    allow_wildcards: bool = False  # in what templates put into paths
    allow_slashes: bool = False

    def later(self, by: int) -> StoredPolicy:
        """The same policy, so many nanoseconds later."""
        return postponed(self, by, "expiration")

    @property
    def trusted(self) -> str:
        """The signs that values put into templated paths may hold."""
        return ("*+" if self.allow_wildcards else "") + ("/" if self.allow_slashes else "")


class BrokenPolicy(Failure):
    """A policy of a token cannot be filled in with what is known of its entity.

    The status is 403 when a value holds what it must not, and 500 otherwise.
    """


class _Known(NamedTuple):
    """The rules of a token, and what they were made from."""

    generation: int
    identity_generation: int
    entity: Entity | None
    valid_until: int | None  # nanoseconds since 1970
    acl: ACL


class PolicyStore:
    """All ACL policies of a world. `generation` grows with every change."""

    def __init__(
        self, storage: Storage, namespaces: Namespaces, identity: Identity, clock: Clock, profile: str
    ) -> None:
        self._storage = storage
        self._namespaces = namespaces
        self._identity = identity
        self._clock = clock
        self._profile = profile
        self.generation = 0
        self._parsed: dict[tuple[str, str], Policy] = {}
        self._acls: dict[tuple[object, ...], ACL] = {}
        self._by_token: dict[str, _Known] = {}

    def reload(self) -> None:
        """Forget what was derived, after the storage was restored."""
        self._forget()

    def install(self, namespace: Namespace) -> None:
        """Give a new namespace the policies that every one has."""
        for name, text in DEFAULT_POLICIES[self._profile].items():
            self.put(namespace, StoredPolicy(name=name, text=text, modified=self._clock.now_ns()))

    def parse(self, namespace: Namespace, name: str, text: str, trusted: str = "") -> Policy:
        """The rules that a text states. Raises PolicyError with the real server's text for what does not parse."""
        return parse_policy(
            text,
            name,
            dialect=_DIALECTS[self._profile],
            now=self._clock.now_ns(),
            namespace=namespace.path,
            trusted=trusted,
        )

    def get(self, namespace: Namespace, name: str) -> StoredPolicy | None:
        """The policy with that name (in lower case), or None. One that has expired is gone once it is asked for."""
        found = self._view(namespace).get(name, StoredPolicy) if name and not name.endswith("/") else None
        if found is not None and found.expiration and self._clock.now_ns() > found.expiration:
            self.delete(namespace, name)
            return None
        return found

    def list(self, namespace: Namespace, prefix: str = "") -> list[str]:
        """The names of the policies of a namespace below a prefix ("" or ending in a slash), in storage order.

        The order is the real server's: the names right below come first, then those in folders, the last folder first.
        """
        view = self._view(namespace)
        names: list[str] = []
        folders = [prefix]
        while folders:
            folder = folders.pop()
            for entry in view.list(folder):
                (folders if entry.endswith("/") else names).append(folder + entry)
        return names

    def put(self, namespace: Namespace, policy: StoredPolicy) -> None:
        """Keep a policy that parses."""
        self._view(namespace).put(policy.name, policy)
        self._forget()

    def delete(self, namespace: Namespace, name: str) -> None:
        """Forget a policy."""
        self._view(namespace).delete(name)
        self._forget()

    def acl(self, token: Token, entity: Entity | None) -> ACL:
        """The rules that hold for a token. Raises BrokenPolicy when a templated policy cannot be filled in."""
        known = self._by_token.get(token.id)
        if (
            known is not None
            and known.generation == self.generation
            and known.identity_generation == self._identity.generation
            and known.entity is entity
            and (known.valid_until is None or self._clock.now_ns() <= known.valid_until)
        ):
            return known.acl
        try:
            acl, valid_until = self._compile(token, entity)
        except PolicyError as error:
            raise BrokenPolicy(str(error), status=403 if isinstance(error, ForbiddenValueError) else 500) from error
        if len(self._by_token) > 20_000:
            self._by_token.clear()
        self._by_token[token.id] = _Known(self.generation, self._identity.generation, entity, valid_until, acl)
        return acl

    def _compile(self, token: Token, entity: Entity | None) -> tuple[ACL, int | None]:
        names: dict[str, tuple[str, ...]] = {token.namespace_id: token.policies}
        if entity is not None and not token.no_identity_policies:
            for namespace_id, more in self._identity.policies(entity).items():
                names[namespace_id] = tuple(dict.fromkeys((*names.get(namespace_id, ()), *more)))
        if "root" in token.policies:
            owner = self._namespaces.get(token.namespace_id)
            return ACL.root(owner.path if owner else ""), None
        policies: list[tuple[str, Policy]] = []
        ends: list[int] = []
        for namespace_id, wanted in names.items():
            namespace = self._namespaces.get(namespace_id)
            if namespace is None:
                continue
            for name in wanted:
                stored = self.get(namespace, name)
                if stored is not None:
                    if stored.expiration:
                        ends.append(stored.expiration)
                    policies.append((namespace.path, self._policy(namespace, stored)))
        if token.inline_policy:
            owner = self._namespaces.get(token.namespace_id)
            if owner is not None:
                policies.append((owner.path, self.parse(owner, "", token.inline_policy)))
        acl = self._joined(policies, entity, shared=not token.inline_policy)
        if acl.valid_until is not None:
            ends.append(acl.valid_until)
        return acl, min(ends, default=None)

    def _joined(self, policies: Sequence[tuple[str, Policy]], entity: Entity | None, *, shared: bool) -> ACL:
        now = self._clock.now_ns()
        if not shared or any(policy.templated for _, policy in policies):
            return ACL.compile(policies, self._view_of(entity), now=now)
        key = tuple((path, id(policy)) for path, policy in policies)
        found = self._acls.get(key)
        if found is None or (found.valid_until is not None and now > found.valid_until):
            found = self._acls[key] = ACL.compile(policies, now=now)
        return found

    def _policy(self, namespace: Namespace, stored: StoredPolicy) -> Policy:
        key = namespace.id, stored.name
        found = self._parsed.get(key)
        if found is None:
            found = self._parsed[key] = self.parse(namespace, stored.name, stored.text, stored.trusted)
        return found

    def _view_of(self, entity: Entity | None) -> IdentityView | None:
        if entity is None:
            return None
        ids = {namespace.path: namespace.id for namespace in self._namespaces}
        return IdentityView.of(entity, self._identity.groups_of(entity.id), ids)

    def _view(self, namespace: Namespace) -> View:
        return View(self._storage, namespace.prefix + "policy/acl/")

    def _forget(self) -> None:
        self.generation += 1
        self._parsed, self._acls, self._by_token = {}, {}, {}
