"""Audit: who asked for what, and what was answered, told to the audit devices that are enabled."""

from typing import TYPE_CHECKING

from sandboxd.vault.clock import Clock
from sandboxd.vault.entropy import Entropy
from sandboxd.vault.framework.backend import Response
from sandboxd.vault.request import Request
from sandboxd.vault.storage import Storage

if TYPE_CHECKING:
    from sandboxd.vault.pipeline import Bearer, Route


class Silence:
    """The entry of every request while no device is enabled."""

    def __enter__(self) -> "Silence":
        return self

    def __exit__(self, *exc_info: object) -> None:
        pass

    def request(self, route: "Route", bearer: "Bearer | None") -> None:
        """Tell that the request is about to be run."""

    def response(self, response: Response | None) -> None:
        """Tell what is about to be answered."""


_SILENCE = Silence()


class Audit:
    """The audit devices."""

    def __init__(self, storage: Storage, clock: Clock, entropy: Entropy, profile: str) -> None:
        self._storage = storage
        self._clock = clock
        self._entropy = entropy
        self._profile = profile

    def reload(self) -> None:
        """Read the storage again, after it was restored."""

    def entry(self, request: Request) -> Silence:
        """What tells the devices of one request."""
        del request
        return _SILENCE
