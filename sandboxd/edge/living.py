"""The routes of the control API about what changes by itself: time, rotation, and the events they bring about.

GET  time                    where the clock stands
POST time/{freeze,resume}    stop it, and let it go on
POST time/advance            {"value": "30d"}: move it forward, doing all that comes due on the way
POST time/scale              {"value": "60"}: how many seconds pass in a real one
POST time/at                 {"value": "2027-06-30T09:00"}: move it to a moment
GET  rotation                what rotates or ends: state, next rotation, owner, who still uses an old version
POST rotate                  {"path": "secret/prod/db", "namespace": ""}: rotate it now
GET  events                  ?after=ID&kinds=lease.,rotation.&wait=SECONDS: what happened since; waits for the next
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import msgspec

from sandboxd.edge import timing
from sandboxd.insight import insight
from sandboxd.rotation import rows, shown
from sandboxd.vault.durations import rfc3339
from sandboxd.vault.errors import Refusal
from sandboxd.vault.events import KINDS
from sandboxd.vault.gotext import quote
from sandboxd.vault.waiting import waited

if TYPE_CHECKING:
    from sandboxd.edge.messages import Incoming
    from sandboxd.edge.sandbox import Sandbox
    from sandboxd.vault.events import Event

MOST_PATIENT = 60.0
"""Seconds that a follower of events may wait in one request."""


class Move(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far to move the clock."""

    value: str | int | float = ""


class Rotate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to rotate."""

    path: str
    namespace: str = ""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """An event, as it is shown."""

    id: int
    at: str
    kind: str
    path: str
    namespace: str
    details: Mapping[str, Any]


def _show_time(sandbox: Sandbox, _incoming: Incoming) -> Any:
    return timing.report(sandbox.world)


def _move(action: str) -> Callable[[Sandbox, Incoming], Any]:
    async def move(sandbox: Sandbox, incoming: Incoming) -> Any:
        value = msgspec.json.decode(incoming.body, type=Move).value if incoming.body else ""
        try:
            told = await timing.change(sandbox.world, action, str(value))
        except timing.BadTime as error:
            raise Refusal(str(error)) from None
        await sandbox.turn()
        return told

    return move


async def _show_rotation(sandbox: Sandbox, _incoming: Incoming) -> Any:
    return await rows(sandbox.world, sandbox.rotation, insight(sandbox.world).readers)


async def _rotate(sandbox: Sandbox, incoming: Incoming) -> Any:
    wanted = msgspec.json.decode(incoming.body, type=Rotate)
    namespace = wanted.namespace.strip("/")
    rotated = await sandbox.rotation.rotate(wanted.path, f"{namespace}/" if namespace else "")
    return shown(rotated, next_at=sandbox.rotation.next_of(rotated), now=sandbox.world.clock.now_ns())


async def _events(sandbox: Sandbox, incoming: Incoming) -> Any:
    query = parse_qs(incoming.target.partition("?")[2])
    kinds = tuple(kind for text in query.get("kinds", ()) for kind in text.split(",") if kind)
    try:
        after = int(query.get("after", ["0"])[0])
        wait = min(float(query.get("wait", ["0"])[0]), MOST_PATIENT)
    except ValueError:
        raise Refusal("after is the number of an event, and wait a number of seconds") from None
    for kind in kinds:
        if not any(known.startswith(kind) for known in KINDS):
            raise Refusal(f"there are no events of the kind {quote(kind)}; there are {', '.join(KINDS)}")
    events = sandbox.world.events
    if after > events.last:
        after = 0  # of an earlier life of the sandbox
    found = events.after(after, kinds)
    if not found and wait > 0:
        found = await waited(events.wait(after, kinds, wait))
    return {"last": events.last, "events": [_told(event) for event in found]}


def _told(event: Event) -> Told:
    return Told(
        id=event.id,
        at=rfc3339(event.at),
        kind=event.kind,
        path=event.path,
        namespace=event.namespace,
        details=event.details,
    )


ROUTES: Mapping[tuple[str, str], Callable[[Sandbox, Incoming], Any]] = {
    ("GET", "time"): _show_time,
    **{("POST", f"time/{action}"): _move(action) for action in ("freeze", "resume", "advance", "scale", "at")},
    ("GET", "rotation"): _show_rotation,
    ("POST", "rotate"): _rotate,
    ("GET", "events"): _events,
}
