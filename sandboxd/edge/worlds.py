"""Worlds beside a sandbox's main one, so that tests which run at the same time do not meet.

Each is a whole sandbox of its own, less the listeners: secrets, tokens, leases, clock, ledger, snapshots. It starts as
a copy of a state, and a reset brings it back there. A request belongs to a world that it names in `X-Sandboxd-World`;
or whose name its namespace begins with, in `X-Vault-Namespace` or in its path, so that every client can be pointed at a
world. The world sees the request without that part of the namespace, and the answer is as if it had never been there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING

import msgspec

from sandboxd.edge import decode as decoding
from sandboxd.edge.decode import refused
from sandboxd.edge.runtime import beside, tick
from sandboxd.edge.sandbox import Sandbox
from sandboxd.edge.snapshots import BASELINE, RESERVED, Snapshots, check_name, shown
from sandboxd.vault.clock import NANOSECONDS
from sandboxd.vault.errors import Refusal
from sandboxd.vault.namespaces import RESERVED as NO_NAMESPACES
from sandboxd.vault.namespaces import ROOT
from sandboxd.vault.waiting import spawn

if TYPE_CHECKING:
    from sandboxd.edge.app import App
    from sandboxd.edge.messages import Answer, Incoming

HEADER = "x-sandboxd-world"
_NAMESPACE = "x-vault-namespace"
_REFUSED = (*RESERVED, *(name for name in NO_NAMESPACES if name.isalpha()), "main")


class Beside:
    """One world beside the main one. Moments are real ones, in nanoseconds since 1970.

    source: the state that it was made from. ttl: it ends when nobody has asked it anything for so many seconds; 0 for
    never.
    """

    def __init__(self, sandbox: Sandbox, app: App, source: str, ttl: int) -> None:
        self.name = sandbox.options.world
        self.sandbox = sandbox
        self.app = app
        self.source = source
        self.ttl = ttl
        self.made_at = self.used_at = sandbox.world.clock.real_ns()
        self.ticking: asyncio.Task[None] | None = None
        self.ending: asyncio.TimerHandle | None = None

    def idle(self) -> float:
        """The seconds since somebody asked it something."""
        return (self.sandbox.world.clock.real_ns() - self.used_at) / NANOSECONDS


class Worlds:
    """The worlds beside the main one of a sandbox.

    Args:
        main: the sandbox itself.
        door: gives what answers requests to a world.
    """

    def __init__(self, main: Sandbox, door: Callable[[Sandbox], App]) -> None:
        self._main = main
        self._door = door
        self._worlds: dict[str, Beside] = {}
        self._count = 0

    def __iter__(self) -> Iterator[Beside]:
        return iter(sorted(self._worlds.values(), key=lambda each: (each.made_at, each.name)))

    def get(self, name: str) -> Beside:
        """The world of that name. Raises Refusal when there is none."""
        found = self._worlds.get(name)
        if found is None:
            raise Refusal(_unknown(name), status=404)
        return found

    async def make(self, name: str = "", source: str = BASELINE, ttl: int | None = None) -> Beside:
        """Make a world that starts from a snapshot, the `baseline`, or the state of the main one `now`.

        Args:
            name: one is made up when it is empty.
            ttl: after how many seconds without a request it ends, 0 for never; as the sandbox was told without.

        Raises Refusal for a name that is taken or means something else, and when there are too many worlds.
        """
        options = self._main.options
        if len(self._worlds) >= options.max_worlds:
            raise Refusal(
                f"there are {len(self._worlds)} worlds already, and this sandbox takes no more: end some "
                "(sandboxd world end), or start it with a higher --max-worlds",
                status=429,
            )
        name = name or self._fresh_name()
        self._check(name)
        state = await self._main.state(source)
        world = beside(self._main.world, f"world/{name}")
        options = msgspec.structs.replace(options, world=name, data_dir=None, snapshot_dir=None)
        sandbox = Sandbox(options, world, self._main.root_token, None)
        sandbox.snapshots = Snapshots(world.profile, inherited=self._main.snapshots)
        await sandbox.begin_at(state, self._main.plan)
        self._check(name)  # another request may have taken the name meanwhile
        ttl = options.world_ttl if ttl is None else ttl
        made = self._worlds[name] = Beside(sandbox, self._door(sandbox), source, ttl)
        made.ticking = spawn(tick(world), f"the passing of time in world {name}")
        if ttl:
            self._end_when_idle(made)
        return made

    def end(self, name: str) -> asyncio.Task[None]:
        """End a world; nothing of it is left once the task is done. Raises Refusal when there is none of that name."""
        found = self.get(name)
        del self._worlds[name]
        for coming in (found.ticking, found.ending):
            if coming is not None:
                coming.cancel()
        return spawn(found.sandbox.close(), f"the end of world {name}")

    async def close(self) -> None:
        """End all of them."""
        await asyncio.gather(*[self.end(name) for name in list(self._worlds)])

    def elsewhere(self, incoming: Incoming) -> Awaitable[Answer] | None:
        """The answer of another world, or None for a request to the main one. Raises Refused for an unknown world."""
        if not self._worlds and HEADER not in incoming.headers:
            return None
        named = decoding.first(incoming.headers, HEADER)
        world = self._worlds.get(named)
        if named and world is None:
            raise refused(404, _unknown(named))
        namespace = decoding.first(incoming.headers, _NAMESPACE).strip("/")
        below = False
        if namespace:
            name, _, rest = namespace.partition("/")
            world = world or self._worlds.get(name)
            if world is not None and name == world.name:
                _enter(incoming, rest)
        else:
            target = decoding.origin_form(incoming.target)
            name, slash, rest = target[4:].partition("/") if target.startswith("/v1/") else ("", "", "")
            world = world or (self._worlds.get(name) if slash else None)
            below = world is not None and name == world.name
            if below:
                incoming = incoming._replace(target=f"/v1/{rest}")
        return None if world is None else self._answer(world, incoming, below=below)

    async def _answer(self, world: Beside, incoming: Incoming, *, below: bool) -> Answer:
        """Answer a request to a world. `below`: it had the world's name in its path, to which redirects lead back."""
        clock = world.sandbox.world.clock
        world.used_at = clock.real_ns()
        answer = await world.app.answer(incoming)
        if below and answer.status == 307:
            location = dict(answer.headers).get("Location", "")
            if location.startswith("/v1/"):
                answer = decoding.redirect(f"/v1/{world.name}{location[3:]}", incoming.method)
        second = int(clock.now())
        if second != int(self._main.world.clock.now()):
            from email.utils import formatdate

            answer = answer._replace(headers=(*answer.headers, ("Date", formatdate(second, usegmt=True))))
        return answer

    def cors_origins(self) -> tuple[str, ...]:
        """The origins that CORS lets in to one of them; `*` for all."""
        return tuple(origin for each in self._worlds.values() for origin in each.sandbox.world.cors_origins())

    def _fresh_name(self) -> str:
        while True:
            self._count += 1
            name = f"w{self._count}"
            if name not in self._worlds and not self._other_meaning(name):
                return name

    def _check(self, name: str) -> None:
        check_name(name, "world", _REFUSED)
        if name in self._worlds:
            raise Refusal(f'there is a world "{name}" already', status=409)
        meaning = self._other_meaning(name)
        if meaning:
            raise Refusal(f'a world cannot be called "{name}": paths that begin so lead to {meaning}', status=409)

    def _other_meaning(self, name: str) -> str:
        """What requests to the main world that begin with a name are about already, or an empty string."""
        world = self._main.world
        if world.namespaces.at(name) is not None:
            return f'the namespace "{name}"'
        mount = world.mounts.conflict(ROOT, f"{name}/")
        return f'the mount "{mount}"' if mount else ""

    def _end_when_idle(self, world: Beside) -> None:
        left = world.ttl - world.idle()
        if left > 0:
            world.ending = asyncio.get_running_loop().call_later(left, self._end_when_idle, world)
        else:
            self.end(world.name)


def _enter(incoming: Incoming, namespace: str) -> None:
    """Take the world's name off the namespace of a request: also for its answer, which repeats the namespace."""
    if namespace:
        incoming.headers[_NAMESPACE] = (namespace,)
    else:
        del incoming.headers[_NAMESPACE]


def _unknown(name: str) -> str:
    return f'there is no world "{shown(name)}"; it was never made, or it has ended'
