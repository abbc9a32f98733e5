"""A world to test in, and requests to it without a socket.

The clock of such a world stands still at `START` until a test moves it: `world.clock.advance(60)`.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandboxd.edge.app import App
from sandboxd.edge.messages import Incoming
from sandboxd.edge.runtime import make_world
from sandboxd.vault.bootstrap import start_dev
from sandboxd.vault.clock import NANOSECONDS, Clock
from sandboxd.vault.world import Settings

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from sandboxd.vault.world import World

START = 1_767_225_600
"""2026-01-01T00:00:00Z, in seconds since 1970."""


@dataclass(frozen=True)
class Reply:
    """What came back over HTTP."""

    status: int
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)
    """The headers that this answer has beyond the usual ones, and its type."""

    @property
    def json(self) -> Any:
        """The whole body."""
        return json.loads(self.text)

    @property
    def data(self) -> Any:
        """What is below `data`."""
        return self.json["data"]

    @property
    def warnings(self) -> list[str] | None:
        """The warnings."""
        found: list[str] | None = self.json["warnings"]
        return found

    @property
    def errors(self) -> list[str]:
        """The texts of a refusal."""
        found: list[str] = self.json["errors"]
        return found


def world(profile: Any = "openbao", *, kv: str = "2") -> World:
    """A development server's world: unsealed, with the root token `root` and the key/value store at `secret/`."""
    clock = Clock(lambda: START * NANOSECONDS)
    made = make_world(Settings(profile=profile), seed="tests", clock=clock)
    start_dev(made, "root", kv=kv)
    return made


def call(
    world: World,
    method: str,
    path: str,
    data: Any = None,
    token: str = "root",
    headers: Mapping[str, str] | None = None,
    *,
    waits: bool = False,
) -> Reply:
    """Send one request. `path` follows `/v1/` and has the query; `data` is the body: bytes, or a value for JSON.

    `waits` is for a request that may wait for something, such as a key that is made in a thread.
    """
    sent = {"x-vault-token": token} if token else {}
    if method == "PATCH":
        sent["content-type"] = "application/merge-patch+json"
    sent |= headers or {}
    body = data if isinstance(data, bytes) else b"" if data is None else json.dumps(data).encode()
    incoming = Incoming(method, f"/v1/{path}", {name: (value,) for name, value in sent.items()}, body, "127.0.0.1", 1)
    answering = App(world).answer(incoming)
    answer = asyncio.run(answering) if waits else finished(answering)
    return Reply(answer.status, answer.body.decode(), dict(answer.headers))


def finished(work: Coroutine[Any, Any, Any]) -> Any:
    """The result of a coroutine that has nothing to wait for."""
    try:
        work.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("it waits for something")
