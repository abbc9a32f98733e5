"""What the core lends to engines and auth methods."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol


class System(Protocol):
    """The services of the core that a handler may use."""

    @property
    def profile(self) -> str:
        """Whose behaviour is followed: "vault" or "openbao"."""

    @property
    def live(self) -> bool:
        """Whether engines are to reach upstreams on this machine, where a mount says nothing of it."""

    @property
    def address(self) -> str:
        """The URL at which the sandbox answers; empty when it is not known."""

    def declared(self, path: str, number: int) -> dict[str, Any]:
        """The fields that the fixture declares for a dynamic credential, with the values of its so manieth issue.

        Raises Failure when no fixture that declares it is loaded.
        """

    def superseded(self, values: Iterable[str], *, path: str, grace: int) -> None:
        """Note that a credential, of one value or more, was replaced, and stays valid for `grace` seconds."""

    def generate_password(self, policy: str) -> str:
        """A password after a password policy of the request's namespace. Raises Refusal when there is none so named."""

    def entity(self, entity_id: str) -> Mapping[str, Any] | None:
        """Name, metadata and aliases of an entity, or None."""

    def groups(self, entity_id: str) -> tuple[Mapping[str, Any], ...]:
        """Name and metadata of the groups that an entity is in, inherited ones included."""

    def has_policy(self, name: str) -> bool:
        """Whether the request's namespace has an ACL policy of that name."""
