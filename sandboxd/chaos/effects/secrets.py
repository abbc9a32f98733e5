"""Secrets that are deleted, rolled back, or rotated without grace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from sandboxd.chaos.effects.aims import meant, mounts
from sandboxd.engines.kv.secret import PREFIX, Secret
from sandboxd.engines.kv.v1 import PREFIX as DOCUMENTS
from sandboxd.vault.errors import Refusal, refuse
from sandboxd.vault.framework import wire
from sandboxd.vault.inside import inside

if TYPE_CHECKING:
    from sandboxd.chaos.kinds import state
    from sandboxd.chaos.model import Fault
    from sandboxd.chaos.run import Chaos
    from sandboxd.vault.mounts import Mounted


class Kept(NamedTuple):
    """A secret of the key/value store. `secret` is None in version 1, which has no versions."""

    mounted: Mounted
    mount: str
    path: str
    secret: Secret | None

    @property
    def namespace(self) -> str:
        """The path of its namespace."""
        return self.mounted.namespace.path


def secrets(chaos: Chaos, fault: Fault) -> list[Kept]:
    """The secrets that a fault is aimed at, by their path with `data/` or without."""
    return list(_secrets(chaos, fault))


def _secrets(chaos: Chaos, fault: Fault) -> Iterator[Kept]:
    now = chaos.world.clock.now_ns()
    for mounted in mounts(chaos.world, fault, "kv"):
        mount, view = mounted.mount.path, mounted.view
        versioned = (mounted.entry.options or {}).get("version") == "2"
        for path in view.walk(PREFIX if versioned else DOCUMENTS):
            name = path.removeprefix(PREFIX if versioned else DOCUMENTS)
            if not meant(fault, mounted.namespace, f"{mount}{name}", f"{mount}data/{name}"):
                continue
            secret = view.get(path, Secret) if versioned else None
            if secret is not None:
                _, version = secret.version(0)
                if version is None or version.destroyed or version.deleted(now):
                    continue
            yield Kept(mounted, mount, name, secret)


async def delete(chaos: Chaos, fault: state.SecretDeleted) -> int:
    """Delete the current versions of secrets, or destroy them."""
    found = secrets(chaos, fault)
    async with inside(chaos.world, "chaos") as requests:
        for each in found:
            if each.secret is None:
                await requests.delete(each.namespace, f"{each.mount}{each.path}")
            elif fault.destroy:
                number = each.secret.current_version
                await requests.write(each.namespace, f"{each.mount}destroy/{each.path}", {"versions": [number]})
            else:
                await requests.delete(each.namespace, f"{each.mount}data/{each.path}")
    return len(found)


async def roll_back(chaos: Chaos, fault: state.SecretRolledBack) -> int:
    """Write the data of an earlier version as the newest, as `vault kv rollback` does."""
    count = 0
    async with inside(chaos.world, "chaos") as requests:
        for each in secrets(chaos, fault):
            if each.secret is None:
                continue
            _, version = each.secret.version(each.secret.current_version - fault.versions)
            if each.secret.current_version <= fault.versions or version is None or version.data is None:
                continue
            data = wire.decode(version.data)
            await requests.write(each.namespace, f"{each.mount}data/{each.path}", {"data": data})
            count += 1
    return count


async def rotate(chaos: Chaos, fault: state.SecretRotated) -> int:
    """Rotate declared secrets and static roles, the old values not being valid any more."""
    rotation = chaos.rotation or refuse("there is no fixture here that says how secrets are rotated")
    count = 0
    for each in secrets(chaos, fault):
        try:
            await rotation.rotate(f"{each.mount}{each.path}", each.namespace, grace=False)
        except Refusal:
            continue  # not declared: there is no rule to make its next value by
        count += 1
    for mounted, name in await _objects(chaos, fault):
        await rotation.rotate(f"{mounted.mount.path}{name}", mounted.namespace.path, grace=False)
        count += 1
    return count


async def _objects(chaos: Chaos, fault: Fault) -> list[tuple[Mounted, str]]:
    """What engines rotate, and apps read."""
    found: list[tuple[Mounted, str]] = []
    async with inside(chaos.world, "chaos") as requests:
        for mounted in mounts(chaos.world, fault):
            for kind in getattr(mounted.backend, "rotates", ()):
                folder, _, rest = kind.object.partition("{name}")
                if not kind.read or rest:
                    continue
                response = await requests.send("list", mounted.namespace.path, f"{mounted.mount.path}{folder}")
                names = [] if response is None else (response.data or {}).get("keys", [])
                for name in names:
                    paths = (f"{folder}{name}", kind.read.replace("{name}", name))
                    if meant(fault, mounted.namespace, *(f"{mounted.mount.path}{path}" for path in paths)):
                        found.append((mounted, f"{folder}{name}"))
    return found
