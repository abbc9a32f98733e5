"""Recording what an app does on the wire, for a drill."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from sandboxd.chaos.drill.watch import Call, Change, Line, Standing, Watched
from sandboxd.edge.app import App
from sandboxd.edge.conduct import Instead
from sandboxd.edge.decode import Refused, decode_body, split, token
from sandboxd.edge.struck import seen
from sandboxd.engines.kv import secret as v2
from sandboxd.engines.kv import v1
from sandboxd.vault.clock import NANOSECONDS
from sandboxd.vault.lease_entry import LeaseEntry

if TYPE_CHECKING:
    from sandboxd.chaos.facts import Seen
    from sandboxd.chaos.rules import Rules, Struck
    from sandboxd.edge.conduct import Ending
    from sandboxd.edge.messages import Answer, Incoming
    from sandboxd.vault.world import World

_TOKEN = re.compile(r"\b(?:hv[sbr]|[sbr])\.[A-Za-z0-9_-]{20,}")
_ORDER = ("login", "renew", "revoke", "list", "read", "patch", "delete", "write")


class Recorder:
    """Watches the connections to a world, and the secrets of key/value engines in it.

    Args:
        rules: tell which requests are struck.
    """

    def __init__(self, world: World, rules: Rules) -> None:
        self.seen = Watched()
        self.addresses: tuple[str, ...] = ()
        """Of the listeners that are watched."""
        self._world = world
        self._app = App(world)
        self._start = world.clock.real_ns()
        self._accessors: dict[str, str] = {}  # by token: of those that are gone too
        self._open: dict[int, tuple[Call, str]] = {}
        self._before: dict[str, list[object]] = {}  # what was at a path of the storage
        self._unfollow = world.storage.follow(self._written)
        self._told, rules.on_strike = rules.on_strike, self._struck
        self._rules = rules

    def close(self) -> None:
        """Watch no longer."""
        self._unfollow()
        self._rules.on_strike = self._told

    @property
    def now(self) -> float:
        """Seconds since it began to watch."""
        return (self._world.clock.real_ns() - self._start) / NANOSECONDS

    def kept(self) -> Watched:
        """What was seen up to now."""
        seen = self.seen
        calls = [msgspec.structs.replace(call) for call in seen.calls]
        return Watched(calls=calls, lines=[*seen.lines], changes=[*seen.changes], looks=[*seen.looks])

    def restart(self) -> None:
        """Count the seconds from now on."""
        self._start = self._world.clock.real_ns()

    def leads_here(self, location: str) -> bool:
        """Whether a redirect leads to what is watched."""
        return location.startswith(("/", *self.addresses))

    def opened(self, _address: str, _port: int) -> Recording:
        """There is a new connection."""
        line = Line(number=len(self.seen.lines) + 1, opened=self.now)
        self.seen.lines.append(line)
        return Recording(self, line)

    def begun(self, line: Line, incoming: Incoming) -> Call | None:
        """There is a new request; None for one that is not to the API."""
        try:
            path, query = split(incoming.target)
        except Refused:
            return None
        if not path.startswith("/v1/"):
            return None
        found = seen(self._app, incoming, path, query)
        standing, accessor = self._token(found, token(incoming.headers))
        operations = found.operations
        call = Call(
            at=self.now,
            line=line.number,
            method=incoming.method,
            path=_TOKEN.sub("<token>", found.path),
            operation=next((each for each in _ORDER if each in operations), "read"),
            app=found.apps[0] if found.apps else "",
            accessor=accessor,
            token=standing,
            left=self._left(found, incoming) if "renew" in operations else None,
            guarded=b'"cas"' in incoming.body,
        )
        self.seen.calls.append(call)
        self._open[id(call)] = (call, found.key)
        return call

    def done(self, call: Call) -> None:
        """A request is over."""
        call.until = self.now
        self._open.pop(id(call), None)

    def _token(self, found: Seen, sent: str) -> tuple[Standing, str]:
        """What the server takes the token for, and its accessor, also when it is gone by now."""
        if not sent:
            return "none", ""
        known = found.token
        if known is None:
            return "dead", self._accessors.get(sent, "")
        self._accessors[sent] = known.accessor
        return "live", known.accessor

    def _left(self, found: Seen, incoming: Incoming) -> float | None:
        """The share of its time that what is renewed has left: a lease that is named, or the token that asks."""
        leases = self._world.leases
        entry: LeaseEntry | None = None
        try:
            named = decode_body(incoming.body, "").get("lease_id") if incoming.body else None
        except Refused:
            return None
        if isinstance(named, str):
            entry = leases.get(named)
        elif found.token is not None and not found.path.startswith("sys/"):
            entry = leases.of_token(found.token)
        if entry is None or not entry.expire_time:
            return None
        start = entry.last_renewal or entry.issue_time
        return max(0.0, (entry.expire_time - self._world.clock.now_ns()) / max(entry.expire_time - start, 1))

    def _struck(self, struck: Struck) -> None:
        # A request is struck in the turn in which it came in: of those that look the same, the latest.
        for call, key in reversed(self._open.values()):
            if key == struck.key and not call.struck:
                call.struck = struck.kind
                break
        if self._told is not None:
            self._told(struck)

    def _written(self, path: str, old: object, new: object) -> None:
        if isinstance(old, LeaseEntry):
            if new is None and old.secret is not None and not self._asking(("revoke",)):
                self.seen.changes.append(Change(at=self.now, path=old.path))
            return
        if not isinstance(old, v2.Secret | v1.Document) or _same(old, new):
            return
        name = self._path(path)
        if not name or self._asking(("write", "patch", "delete"), name):
            return
        earlier = self._before.setdefault(path, [])
        self.seen.changes.append(Change(at=self.now, path=name, undone=any(each is new for each in earlier)))
        earlier.append(old)

    def _asking(self, operations: tuple[str, ...], path: str = "") -> bool:
        """Whether the app is asking for that right now, so that it is its own doing."""
        calls = (call for call, _ in self._open.values())
        return any(call.operation in operations and path in ("", call.path) for call in calls)

    def _path(self, path: str) -> str:
        """Where clients read what lies at a path of the storage."""
        if not path.startswith("mount/"):
            return ""
        uuid, _, rest = path.removeprefix("mount/").partition("/")
        mounted = self._world.mounts.by_uuid(uuid)
        if mounted is None:
            return ""
        folder = "data/" if rest.startswith(v2.PREFIX) else ""
        return f"{mounted.namespace.path}{mounted.mount.path}{folder}{rest.partition('/')[2]}"


class Recording:
    """Watches one connection."""

    def __init__(self, recorder: Recorder, line: Line) -> None:
        self._recorder = recorder
        self._line = line
        self._call: Call | None = None
        self._foreign = False

    def asked(self, incoming: Incoming) -> None:
        """A request came in."""
        self._line.calls += 1
        self._call = self._recorder.begun(self._line, incoming)

    def answers(self, answer: Answer, size: int) -> None:
        """Its answer goes out."""
        call = self._call
        if call is None:
            return
        call.size = size
        call.followable = any(name == "Location" and self._recorder.leads_here(value) for name, value in answer.headers)
        self._foreign = isinstance(answer.conduct, Instead)
        if answer.conduct is None:
            call.status, call.sent = answer.status, size
            self.ended("keep")
            return
        call.status = 0 if self._foreign else answer.status

    def wrote(self, size: int) -> None:
        """Some of it went out."""
        if self._call is not None:
            self._call.sent += size

    def ended(self, _how: Ending) -> None:
        """It is over."""
        call, self._call = self._call, None
        if call is not None and call.until is None:
            call.end = "whole" if call.sent >= call.size and not self._foreign else "broken"
            self._recorder.done(call)

    def hung_up(self) -> None:
        """The app waits no longer."""
        self._left()

    def closed(self) -> None:
        """The connection is gone."""
        self._left()
        self._line.closed = self._recorder.now

    def _left(self) -> None:
        call, self._call = self._call, None
        if call is not None and call.until is None:
            call.end = "left"
            self._recorder.done(call)


def _same(old: object, new: object) -> bool:
    """Whether a secret is to be read as before."""
    if isinstance(old, v2.Secret) and isinstance(new, v2.Secret):
        shown = [each.versions.get(each.current_version) for each in (old, new)]
        return shown[0] == shown[1]
    return isinstance(old, v1.Document) and isinstance(new, v1.Document) and old.data == new.data
