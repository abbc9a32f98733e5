"""Watching a listener: what can be told of each connection, and of each request on it, while it happens."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sandboxd.edge.conduct import Ending
    from sandboxd.edge.messages import Answer, Incoming


class Watch(Protocol):
    """Is told of one connection. There is at most one request at a time."""

    def asked(self, incoming: "Incoming") -> None:
        """A request came in whole."""

    def answers(self, answer: "Answer", size: int) -> None:
        """The answer goes out; all of it are so many bytes. One without a conduct is over with that."""

    def wrote(self, size: int) -> None:
        """So many bytes of an answer with a conduct went out."""

    def ended(self, how: "Ending") -> None:
        """An answer with a conduct is over, whole or not."""

    def hung_up(self) -> None:
        """The client will send no more."""

    def closed(self) -> None:
        """The connection is gone."""


class Watcher(Protocol):
    """Is told of the connections of a listener."""

    def opened(self, address: str, port: int) -> Watch:
        """There is a new connection, from that address. Gives who is told of it."""
