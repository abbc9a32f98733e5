"""Keeping schedules, and rotating: by timers of the world, or by hand."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from sandboxd.rotation.model import NANOSECONDS, Plan, Retired, Rotating, moment
from sandboxd.rotation.targets import EngineTarget, KvTarget, find
from sandboxd.vault.errors import Failure, Refusal, VaultError
from sandboxd.vault.inside import Requests, inside

if TYPE_CHECKING:
    from sandboxd.vault.world import World

OWNER = "rotation"
_KEPT = "sandboxd/rotation/"
_REMEMBERED = 10  # versions in grace, and just after


Current = Callable[[str, str], int]
"""Gives the present version of a secret, by its namespace and path; 0 for that of the start."""


class Remake(Protocol):
    """Makes values of declared secrets: of any version, on demand.

    Templates take values of other secrets in the version that `current` gives.
    """

    def declares(self, namespace: str, path: str) -> bool:
        """Whether there is such a secret."""

    def fields(self, namespace: str, path: str, version: int, current: Current) -> dict[str, Any]:
        """The fields of a secret in a version."""

    def dependents(self, namespace: str, path: str) -> tuple[tuple[str, str], ...]:
        """The secrets whose templates take something of this one, directly or through others."""

    def declares_dynamic(self, namespace: str, path: str) -> bool:
        """Whether there is such a dynamic credential."""

    def dynamic(self, namespace: str, path: str, number: int, current: Current) -> dict[str, Any]:
        """The fields of a dynamic credential in its so manieth issue."""


def declare(world: World, plan: Plan, version: int = 1) -> None:
    """Have an object rotate as planned; what was declared before is changed. Raises ValueError for a bad schedule.

    `version` counts the values that it has had so far.
    """
    now = world.clock.now_ns()
    known = _get(world, plan.namespace, plan.path)
    if known is None:
        rotating = Rotating(plan=plan, version=version, created_at=now)
    else:
        rotating = msgspec.structs.replace(known, plan=plan, version=max(version, known.version))
    end = rotating.since + plan.lifetime * NANOSECONDS if plan.lifetime else plan.expires
    plan.next_after(now)
    rotating = msgspec.structs.replace(rotating, expires=end)
    _put(world, rotating)
    _schedule(world, rotating)


def kept(world: World) -> list[Rotating]:
    """Everything that rotates in a world."""
    found = (world.storage.get(path) for path in world.storage.walk(_KEPT))
    return [each for each in found if isinstance(each, Rotating)]


def version_of(world: World, namespace: str, path: str) -> int:
    """The version that an object's value is in; 0 for one that does not rotate."""
    found = _get(world, namespace, path)
    return 0 if found is None else found.version


def withdraw(world: World, namespace: str, path: str) -> None:
    """Forget an object that rotated."""
    world.storage.delete(_key(namespace, path))
    for what in _WORDS:
        world.timers.of(OWNER).cancel(f"{what}/{_name(namespace, path)}")


def describe(timer: str) -> str:
    """What a timer of rotation is for, in words."""
    what, _, rest = timer.partition("/")
    namespace, _, path = rest.partition("/")
    return f"{_WORDS[what]} {namespace.replace(':', '/')}{path}"


_WORDS = {
    "rotate": "the rotation of",
    "coming": "the notice before the rotation of",
    "grace": "the end of the grace window of",
    "expiring": "the notice before the end of",
    "expired": "the end of",
}


class Rotation:
    """The rotation of one world.

    Args:
        remake: gives what makes the values of declared secrets, or None when no fixture is loaded.
    """

    def __init__(self, world: World, remake: Callable[[], Remake | None]) -> None:
        self._world = world
        self._remake = remake
        self._timers = world.timers.own(OWNER, self._ring)
        world.declared = self._declared

    def all(self) -> list[Rotating]:
        """Everything that rotates."""
        return kept(self._world)

    def next_of(self, rotating: Rotating) -> int:
        """When an object rotates next; 0 for never."""
        return self._timers.at(f"rotate/{_name(rotating.plan.namespace, rotating.plan.path)}")

    def reschedule(self) -> None:
        """Set all timers anew, as schedules by the calendar ask for once the state was taken up again later."""
        for rotating in self.all():
            _schedule(self._world, rotating)

    async def rotate(self, path: str, namespace: str = "", *, grace: bool = True) -> Rotating:
        """Rotate an object now, whatever its schedule; without `grace` the old value is not valid any more.

        `path` is a secret's, with `data/` or without, or that of an engine's object. Raises Refusal for what cannot be
        rotated, and VaultError as the engine does.
        """
        async with inside(self._world, OWNER) as requests:
            target = find(self._world, namespace, path.strip("/"))
            if isinstance(target, KvTarget):
                remake = self._remake()
                if remake is None or not remake.declares(namespace, target.path):
                    raise Refusal(
                        f"{target.path} is not declared in the fixture that is loaded, so there is no rule to make its "
                        "next value by; write the new version yourself, or declare it"
                    )
                return await self._rotate_secret(requests, remake, target, by="hand", graceful=grace)
            return await self._rotate_object(requests, target, by="hand")

    def _declared(self, namespace: str, path: str, number: int) -> dict[str, Any]:
        """The fields of a dynamic credential, with the present values of what its templates take."""
        remake = self._remake()
        if remake is None or not remake.declares_dynamic(namespace, path):
            raise Failure(f"the fixture that declares {namespace}{path} is not loaded: there is no rule to make it by")
        return remake.dynamic(namespace, path, number, partial(version_of, self._world))

    async def _ring(self, name: str) -> None:
        what, _, rest = name.partition("/")
        rotating = self._world.storage.get(_KEPT + rest)
        if not isinstance(rotating, Rotating):
            return
        plan, events = rotating.plan, self._world.events
        if what == "rotate":
            await self._scheduled(rotating)
        elif what == "coming":
            at = moment(self.next_of(rotating))
            events.tell("rotation.coming", plan.path, namespace=plan.namespace, owner=plan.owner, at=at)
        elif what == "grace":
            self._grace_over(rotating)
        else:
            ends = moment(rotating.expires)
            events.tell(f"secret.{what}", plan.path, namespace=plan.namespace, owner=plan.owner, expires=ends)

    async def _scheduled(self, rotating: Rotating) -> None:
        plan = rotating.plan
        try:
            async with inside(self._world, OWNER) as requests:
                target = find(self._world, plan.namespace, plan.path)
                if isinstance(target, EngineTarget):
                    await self._rotate_object(requests, target, by="schedule")
                    return
                remake = self._remake()
                if remake is None or not remake.declares(plan.namespace, plan.path):
                    raise Refusal("the fixture that declares it is not loaded")
                await self._rotate_secret(requests, remake, target, by="schedule")
        except VaultError as error:
            reason = "; ".join(error.errors)
            _put(self._world, msgspec.structs.replace(rotating, failure=reason))
            self._world.events.tell(
                "rotation.failed", plan.path, namespace=plan.namespace, owner=plan.owner, reason=reason
            )
            raise

    async def _rotate_secret(
        self, requests: Requests, remake: Remake, target: KvTarget, *, by: str, graceful: bool = True
    ) -> Rotating:
        namespace, path = target.namespace, target.path
        known = _get(self._world, namespace, path) or _unplanned(self._world, namespace, path)
        version, grace = known.version + 1, known.plan.grace if graceful else 0

        def current(of_namespace: str, of_path: str) -> int:
            own = (of_namespace, of_path) == (namespace, path)
            return version if own else version_of(self._world, of_namespace, of_path)

        before, after = await target.renew(requests, remake.fields(namespace, path, version, current), grace)
        touched = []
        for other_namespace, other in remake.dependents(namespace, path):
            dependent = find(self._world, other_namespace, other)
            if isinstance(dependent, KvTarget):
                fields = remake.fields(other_namespace, other, current(other_namespace, other), current)
                old, new = await dependent.renew(requests, fields, grace)
                if old != new:
                    touched.append(other)
        rotated = self._rotated(known, version, before, grace)
        if rotated.expires and rotated.plan.lifetime:
            await target.expires(requests, moment(rotated.expires))
        self._tell_done(rotated, by, kv_version=after, also=touched)
        return rotated

    async def _rotate_object(self, requests: Requests, target: EngineTarget, *, by: str) -> Rotating:
        known = _get(self._world, target.namespace, target.path) or _unplanned(
            self._world, target.namespace, target.path
        )
        await requests.write(target.namespace, target.request, {})
        rotated = self._rotated(known, known.version + 1, known.version, known.plan.grace)
        self._tell_done(rotated, by)
        return rotated

    def _rotated(self, known: Rotating, version: int, before: int, grace: int) -> Rotating:
        now, plan = self._world.clock.now_ns(), known.plan
        retired = tuple(each for each in known.retired if each.until > now)[-_REMEMBERED:]
        if grace:
            retired += (Retired(before, now, now + grace * NANOSECONDS),)
        rotated = msgspec.structs.replace(
            known,
            version=version,
            rotated_at=now,
            retired=retired,
            failure="",
            expires=now + plan.lifetime * NANOSECONDS if plan.lifetime else known.expires,
        )
        _put(self._world, rotated)
        _schedule(self._world, rotated)
        return rotated

    def _grace_over(self, rotating: Rotating) -> None:
        now, plan = self._world.clock.now_ns(), rotating.plan
        over = [each.version for each in rotating.retired if each.until <= now]
        left = tuple(each for each in rotating.retired if each.until > now)
        _put(self._world, msgspec.structs.replace(rotating, retired=left))
        if left:
            self._timers.set(f"grace/{_name(plan.namespace, plan.path)}", min(each.until for each in left))
        self._world.events.tell(
            "rotation.grace_over", plan.path, namespace=plan.namespace, owner=plan.owner, versions=over
        )

    def _tell_done(self, rotated: Rotating, by: str, **more: Any) -> None:
        plan = rotated.plan
        until = max((each.until for each in rotated.retired), default=0)
        self._world.events.tell(
            "rotation.done",
            plan.path,
            namespace=plan.namespace,
            owner=plan.owner,
            version=rotated.version,
            by=by,
            grace_until=moment(until),
            **{key: value for key, value in more.items() if value},
        )


def _unplanned(world: World, namespace: str, path: str) -> Rotating:
    return Rotating(plan=Plan(path=path, namespace=namespace), created_at=world.clock.now_ns())


def _schedule(world: World, rotating: Rotating) -> None:
    """Set all timers of an object anew."""
    plan, now = rotating.plan, world.clock.now_ns()
    timers, name = world.timers.of(OWNER), _name(plan.namespace, plan.path)
    due = plan.next_after(rotating.since)
    if due and due <= now and rotating.since < now:
        due = now if plan.every else plan.next_after(now)  # the schedule was tightened, or time passed unattended
    graces = [each.until for each in rotating.retired]
    moments = {
        "rotate": due,
        "coming": plan.notice_of(rotating.since, due) if due else 0,
        "grace": min(graces, default=0),
        "expiring": plan.notice_of(rotating.since, rotating.expires) if rotating.expires else 0,
        "expired": rotating.expires,
    }
    for what, at in moments.items():
        past = what in ("coming", "expiring", "expired") and at < now
        if at and not past:
            timers.set(f"{what}/{name}", at)
        else:
            timers.cancel(f"{what}/{name}")


def _name(namespace: str, path: str) -> str:
    return f"{namespace.replace('/', ':')}/{path}"


def _key(namespace: str, path: str) -> str:
    return _KEPT + _name(namespace, path)


def _get(world: World, namespace: str, path: str) -> Rotating | None:
    found = world.storage.get(_key(namespace, path))
    return found if isinstance(found, Rotating) else None


def _put(world: World, rotating: Rotating) -> None:
    world.storage.put(_key(rotating.plan.namespace, rotating.plan.path), rotating)
