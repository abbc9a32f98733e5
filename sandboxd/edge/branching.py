"""The routes of the control API about states: snapshots, and worlds beside the main one.

GET    snapshots                 all of them
POST   snapshots                 {"name": "clean", "force": false}: keep the state as it is now
POST   snapshots/NAME/restore    go back to it; `baseline` is the state right after the fixture was applied
POST   snapshots/NAME/diff       {"to": "now"}: what is different in another one; also of `baseline`, and of `now`
DELETE snapshots/NAME            forget it
GET    worlds                    all of them
POST   worlds                    {"name": "", "from": "baseline", "ttl": "10m"}: make one from a snapshot, or from `now`
POST   worlds/NAME/reset         go back to the state that it was made from
DELETE worlds/NAME               end it

Those about snapshots are about the world that `X-Sandboxd-World` names, as all others of the control API are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from sandboxd.edge.decode import split
from sandboxd.edge.messages import CONTROL
from sandboxd.edge.snapshots import BASELINE, NOW
from sandboxd.vault.durations import parse_seconds, rfc3339
from sandboxd.vault.errors import Refusal

if TYPE_CHECKING:
    from sandboxd.edge.messages import Incoming
    from sandboxd.edge.sandbox import Sandbox
    from sandboxd.edge.snapshots import Saved
    from sandboxd.edge.worlds import Beside, Worlds

Route = Callable[["Worlds", "Sandbox", "Incoming"], Any]


class Save(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to call a snapshot."""

    name: str
    force: bool = False


class Compare(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to compare a snapshot with."""

    to: str = NOW


class Make(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"source": "from"}):
    """How to make a world."""

    name: str = ""
    source: str = BASELINE
    ttl: str | int | None = None


def _list_snapshots(_worlds: Worlds, sandbox: Sandbox, _incoming: Incoming) -> Any:
    return {"snapshots": [_told(saved) for saved in sandbox.snapshots.list()]}


async def _save(_worlds: Worlds, sandbox: Sandbox, incoming: Incoming) -> Any:
    wish = msgspec.json.decode(incoming.body, type=Save)
    return _told(await sandbox.save(wish.name, force=wish.force))


async def _restore(_worlds: Worlds, sandbox: Sandbox, incoming: Incoming) -> Any:
    name = _name(incoming)
    await sandbox.restore(name)
    return {"restored": name, "now": rfc3339(sandbox.world.clock.now_ns())}


async def _diff(_worlds: Worlds, sandbox: Sandbox, incoming: Incoming) -> Any:
    from sandboxd.edge.differences import differences

    name = _name(incoming)
    wish = msgspec.json.decode(incoming.body, type=Compare) if incoming.body else Compare()
    changes = differences(await sandbox.state(name), await sandbox.state(wish.to))
    return {"from": name, "to": wish.to, "changes": changes}


def _delete(_worlds: Worlds, sandbox: Sandbox, incoming: Incoming) -> Any:
    name = _name(incoming)
    sandbox.snapshots.delete(name)
    return {"deleted": name}


def _list_worlds(worlds: Worlds, _sandbox: Sandbox, _incoming: Incoming) -> Any:
    return {"worlds": [_shown(world) for world in worlds]}


async def _make(worlds: Worlds, _sandbox: Sandbox, incoming: Incoming) -> Any:
    wish = msgspec.json.decode(incoming.body, type=Make) if incoming.body else Make()
    try:
        ttl = None if wish.ttl is None else parse_seconds(wish.ttl)
    except ValueError as error:
        raise Refusal(f"ttl is not a duration: {error}") from None
    if ttl is not None and ttl < 0:
        raise Refusal("ttl is less than nothing")
    made = await worlds.make(wish.name, wish.source, ttl)
    return {**_shown(made), "root_token": made.sandbox.root_token}


async def _reset(worlds: Worlds, _sandbox: Sandbox, incoming: Incoming) -> Any:
    world = worlds.get(_name(incoming))
    await world.sandbox.reset()
    return {"reset": world.name}


async def _end(worlds: Worlds, _sandbox: Sandbox, incoming: Incoming) -> Any:
    name = _name(incoming)
    await worlds.end(name)
    return {"ended": name}


ROUTES: Mapping[tuple[str, str], Route] = {
    ("GET", "snapshots"): _list_snapshots,
    ("POST", "snapshots"): _save,
    ("POST", "snapshots/*/restore"): _restore,
    ("POST", "snapshots/*/diff"): _diff,
    ("DELETE", "snapshots/*"): _delete,
    ("GET", "worlds"): _list_worlds,
    ("POST", "worlds"): _make,
    ("POST", "worlds/*/reset"): _reset,
    ("DELETE", "worlds/*"): _end,
}
"""By method and path, in which `*` stands for a name."""


def _name(incoming: Incoming) -> str:
    """The name in the path of a request."""
    return split(incoming.target)[0][len(CONTROL) :].split("/")[1]


def _told(saved: Saved) -> dict[str, Any]:
    if saved.problem:
        return {"name": saved.name, "problem": saved.problem}
    moments = {"saved_at": rfc3339(saved.saved_at), "at": rfc3339(saved.at)}
    return {key: value for key, value in (msgspec.structs.asdict(saved) | moments).items() if key != "problem"}


def _shown(world: Beside) -> dict[str, Any]:
    return {
        "name": world.name,
        "namespace": world.name,
        "header": f"X-Sandboxd-World: {world.name}",
        "from": world.source,
        "made_at": rfc3339(world.made_at),
        "idle": round(world.idle(), 3),
        "ttl": world.ttl,
    }
