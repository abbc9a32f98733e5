"""Showing what rotates or ends: the state of each object, and who still uses an old version of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from sandboxd.rotation.keeper import Rotation
from sandboxd.rotation.model import Plan, Rotating, Row, State, User, moment, state_of
from sandboxd.rotation.targets import EngineTarget, find
from sandboxd.vault.durations import parse_moment
from sandboxd.vault.errors import Refusal, VaultError
from sandboxd.vault.inside import Requests, inside

if TYPE_CHECKING:
    from sandboxd.vault.world import World


class Reader(Protocol):
    """Who read a path last, and what. `version` is 0 where there are none, `at` in nanoseconds since 1970."""

    @property
    def accessor(self) -> str: ...
    @property
    def display_name(self) -> str: ...
    @property
    def entity_id(self) -> str: ...
    @property
    def metadata(self) -> Mapping[str, str]: ...
    @property
    def version(self) -> int: ...
    @property
    def at(self) -> int: ...


class Readers(Protocol):
    """Knows who read what."""

    def of(self, namespace: str, path: str) -> Sequence[Reader]:
        """Who read a path."""


async def rows(world: World, rotation: Rotation, readers: Readers | None) -> list[Row]:
    """Everything that rotates or ends, by namespace and path."""
    known = {(each.plan.namespace, each.plan.path): each for each in rotation.all()}
    for namespace, path in _scheduled_by_engines(world):
        known.setdefault((namespace, path), Rotating(plan=Plan(path=path, namespace=namespace)))
    async with inside(world, "rotation") as requests:
        return [await _row(world, rotation, requests, readers, known[key]) for key in sorted(known)]


def _scheduled_by_engines(world: World) -> Iterator[tuple[str, str]]:
    """The objects that engines rotate by themselves."""
    for namespace in world.namespaces:
        for mounted in world.mounts.list(namespace, "mounts"):
            if getattr(mounted.backend, "rotates", ()):
                for name in world.timers.of(mounted.entry.uuid).names():
                    yield namespace.path, f"{mounted.mount.path}{name}"


async def _row(
    world: World, rotation: Rotation, requests: Requests, readers: Readers | None, rotating: Rotating
) -> Row:
    plan = rotating.plan
    now, next_at = world.clock.now_ns(), rotation.next_of(rotating)
    try:
        target = find(world, plan.namespace, plan.path)
    except Refusal:
        return _shown(rotating, "revoked", 0, ())
    state = state_of(rotating, now, next_at)
    if isinstance(target, EngineTarget):
        next_at = next_at or _next_in_engine(world, plan)
        since = await _since(requests, target, rotating)
        users = _users(world, readers, plan.namespace, target.read_path, since)
        return _shown(rotating, state, next_at, users)
    found = await requests.read(plan.namespace, target.metadata_path)
    if found is None or (target.kv == 2 and not _alive(found)):
        return _shown(rotating, "revoked", next_at, ())
    version = int(found["current_version"]) if target.kv == 2 else 0
    users = _users(world, readers, plan.namespace, target.read_path, rotating.rotated_at, version)
    return _shown(rotating, state, next_at, users, version)


async def _since(requests: Requests, target: EngineTarget, rotating: Rotating) -> int:
    """When the present value of an engine's object came: engines rotate by themselves too, and clients ask them to."""
    if not target.read_path:
        return rotating.since
    try:
        found = await requests.read(target.namespace, target.path)
        told = (found or {}).get("last_vault_rotation")
    except VaultError:
        told = None  # it is not there, or cannot be read
    return max(rotating.since, parse_moment(told)) if told else rotating.since


def _alive(metadata: Mapping[str, Any]) -> bool:
    current = metadata["versions"].get(str(metadata["current_version"]))
    return bool(current) and not current["deletion_time"] and not current["destroyed"]


def _next_in_engine(world: World, plan: Plan) -> int:
    namespace = world.namespaces.at(plan.namespace)
    found = None if namespace is None else world.mounts.find(namespace, plan.path)
    return 0 if found is None else world.timers.of(found[0].entry.uuid).at(found[1])


def _users(
    world: World, readers: Readers | None, namespace: str, path: str, since: int, version: int = 0
) -> tuple[User, ...]:
    """Who read an older version last: by its number, or before the present one came."""
    if readers is None or not path:
        return ()
    old = (each for each in readers.of(namespace, path) if (each.version < version if version else each.at < since))
    return tuple(
        User(
            name=each.metadata.get("role_name") or each.display_name,
            accessor=each.accessor,
            version=each.version,
            read_at=moment(each.at),
            entity_id=each.entity_id,
            token_alive=world.tokens.by_accessor(each.accessor) is not None,
        )
        for each in old
    )


def shown(rotating: Rotating, *, next_at: int, now: int) -> Row:
    """An object as it is right after it was rotated."""
    return _shown(rotating, state_of(rotating, now, next_at), next_at, ())


def _shown(rotating: Rotating, state: State, next_at: int, users: tuple[User, ...], version: int = 0) -> Row:
    plan = rotating.plan
    return Row(
        path=plan.path,
        namespace=plan.namespace,
        state=state,
        version=version or rotating.version,
        owner=plan.owner,
        schedule=plan.schedule,
        rotated=moment(rotating.rotated_at),
        next=moment(next_at),
        expires=moment(rotating.expires),
        grace_until=moment(max((each.until for each in rotating.retired), default=0)),
        old_in_use_by=users,
        failure=rotating.failure,
    )
