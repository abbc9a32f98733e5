"""What handlers of the system's own backends get: a call that reaches the whole world."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandboxd.vault.errors import Refusal
from sandboxd.vault.framework.backend import Call

if TYPE_CHECKING:
    from sandboxd.vault.mounts import Mounted
    from sandboxd.vault.namespaces import Namespace
    from sandboxd.vault.policies import ACL
    from sandboxd.vault.tokens import Token
    from sandboxd.vault.world import World


@dataclass(slots=True)
class SystemCall(Call):
    """A call of a handler of `sys/`, `auth/token/`, `identity/`."""

    world: "World" = None  # type: ignore[assignment]
    namespace: "Namespace" = None  # type: ignore[assignment]
    mounted: "Mounted" = None  # type: ignore[assignment]
    token: "Token | None" = None
    acl: "ACL | None" = None

    @property
    def sudo(self) -> bool:
        """Whether the token has sudo on the path that was asked for."""
        if self.acl is None:
            return False
        path = self.namespace.path + self.mount.path + self.path
        return self.acl.check(self.operation, path, None, None).sudo


class WorldSystem:
    """The services of the core that every handler may use."""

    def __init__(self, world: "World", namespace: "Namespace") -> None:
        self._world = world
        self._namespace = namespace
        self.profile = world.profile
        self.live = world.settings.live

    @property
    def address(self) -> str:
        """The URL at which the sandbox answers; empty when it is not known."""
        return self._world.address or self._world.settings.api_address

    def declared(self, path: str, number: int) -> dict[str, Any]:
        """The fields that the fixture declares for a dynamic credential. Raises Failure without that fixture."""
        return self._world.declared(self._namespace.path, path, number)

    def superseded(self, values: Iterable[str], *, path: str, grace: int) -> None:
        """Note that a credential, of one value or more, was replaced, and stays valid for `grace` seconds."""
        world, namespace = self._world, self._namespace.path
        news = False
        for value in values:
            known = world.ledger.find(value)
            news = news or known is None or not known.end
            world.ledger.superseded(value, path=path, namespace=namespace, grace=grace)
        if news:
            world.events.tell("credential.superseded", path, namespace=namespace, grace_seconds=grace)

    def generate_password(self, policy: str) -> str:
        """A password after a password policy. Raises Refusal when there is none so named."""
        from sandboxd.vault.passwords import generate, load

        found = load(self._world.storage, self._namespace, policy)
        if found is None:
            raise Refusal("no password policy found")
        return generate(found, self._world.entropy)

    def entity(self, entity_id: str) -> Mapping[str, Any] | None:
        """Name, metadata and aliases of an entity, or None."""
        found = self._world.identity.entity(entity_id)
        if found is None:
            return None
        return {
            "id": found.id,
            "name": found.name,
            "metadata": found.metadata or {},
            "disabled": found.disabled,
            "aliases": [
                {
                    "id": alias.id,
                    "name": alias.name,
                    "mount_accessor": alias.mount_accessor,
                    "mount_type": self._mount_type(alias.mount_accessor),
                    "metadata": alias.metadata or {},
                    "custom_metadata": alias.custom_metadata or {},
                }
                for alias in found.aliases
            ],
        }

    def _mount_type(self, accessor: str) -> str:
        found = self._world.mounts.by_accessor(accessor)
        return "" if found is None else found.entry.type

    def groups(self, entity_id: str) -> tuple[Mapping[str, Any], ...]:
        """Name and metadata of the groups that an entity is in, inherited ones included."""
        return tuple(
            {"id": group.id, "name": group.name, "metadata": group.metadata or {}}
            for group in self._world.identity.groups_of(entity_id)
        )

    def has_policy(self, name: str) -> bool:
        """Whether the request's namespace has an ACL policy of that name."""
        return self._world.policies.get(self._namespace, name) is not None
