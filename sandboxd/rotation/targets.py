"""What can be rotated: secrets of key/value engines, and whatever an engine says that it can rotate."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from sandboxd.vault.errors import Refusal

if TYPE_CHECKING:
    from sandboxd.vault.framework.backend import Rotates
    from sandboxd.vault.inside import Requests
    from sandboxd.vault.world import World


class KvTarget(msgspec.Struct, frozen=True, kw_only=True):
    """A secret. `path` is as fixtures have it, `mount` ends in no slash, `below` is the path in the mount."""

    world: Any
    namespace: str
    path: str
    mount: str
    below: str
    kv: int

    @property
    def read_path(self) -> str:
        """What apps read."""
        return f"{self.mount}/data/{self.below}" if self.kv == 2 else self.path

    @property
    def metadata_path(self) -> str:
        """Where the secret's metadata is; without versions there is only the secret."""
        return f"{self.mount}/metadata/{self.below}" if self.kv == 2 else self.path

    async def renew(self, requests: Requests, fields: Mapping[str, Any], grace: int) -> tuple[int, int]:
        """Write new values, as a new version where there are versions; other fields stay as they are.

        Gives the version numbers before and after; they are the same when nothing changed. What was replaced is valid
        for `grace` more seconds.
        """
        found = await requests.read(self.namespace, self.read_path)
        number = int(found["metadata"]["version"]) if found and self.kv == 2 else 0
        old = dict((found["data"] if self.kv == 2 else found) or {}) if found else {}
        new = {**old, **fields}
        if new == old:
            return number, number
        if self.kv == 2:
            metadata = await requests.read(self.namespace, self.metadata_path)
            number = int(metadata["current_version"]) if metadata else 0
            await requests.write(self.namespace, self.read_path, {"data": new, "options": {"cas": number}})
        else:
            await requests.write(self.namespace, self.read_path, new)
        for field, value in old.items():
            if isinstance(value, str) and value and value not in new.values():
                self.world.ledger.superseded(
                    value, path=self.read_path, field=field, namespace=self.namespace, grace=grace
                )
        return number, number + 1

    async def expires(self, requests: Requests, at: str) -> None:
        """Write down a new end in the secret's metadata, where it has one."""
        if self.kv != 2:
            return
        metadata = await requests.read(self.namespace, self.metadata_path)
        custom = (metadata or {}).get("custom_metadata") or {}
        if "expires" in custom:
            wanted = {"custom_metadata": {**custom, "expires": at}}
            await requests.write(self.namespace, self.metadata_path, wanted)


class EngineTarget(msgspec.Struct, frozen=True, kw_only=True):
    """An object that its engine rotates when asked to at `request`. `read_path` is what apps read, if anything."""

    namespace: str
    path: str
    request: str
    read_path: str = ""


def find(world: World, namespace: str, path: str) -> KvTarget | EngineTarget:
    """What a path means. Raises Refusal for what cannot be rotated."""
    where = world.namespaces.at(namespace)
    found = None if where is None else world.mounts.find(where, path)
    if found is None:
        raise Refusal(f"nothing is mounted at {namespace}{path}")
    mounted, below = found
    mount = mounted.mount.path.rstrip("/")
    if mounted.entry.type in ("kv", "generic"):
        kv = 2 if mounted.mount.options.get("version") == "2" else 1
        if kv == 2:
            below = below.removeprefix("data/")
        if not below:
            raise Refusal(f"{path} is a mount; say which secret in it")
        return KvTarget(world=world, namespace=namespace, path=f"{mount}/{below}", mount=mount, below=below, kv=kv)
    rotates: tuple[Rotates, ...] = getattr(mounted.backend, "rotates", ())
    match = matching(rotates, below)
    if match is None:
        able = ", ".join(f"{mount}/{each.object}" for each in rotates)
        raise Refusal(f"{path} cannot be rotated" + (f"; in this engine these can: {able}" if able else ""))
    each, name = match
    return EngineTarget(
        namespace=namespace,
        path=f"{mount}/{_filled(each.object, name)}",
        request=f"{mount}/{_filled(each.by, name)}",
        read_path=f"{mount}/{_filled(each.read, name)}" if each.read else "",
    )


def matching(rotates: tuple[Rotates, ...], below: str) -> tuple[Rotates, str] | None:
    """What of an engine's a path below its mount means, as it is or as apps read it, and the name in it."""
    for each in rotates:
        for template in (each.object, each.read):
            name = _captured(template, below) if template else None
            if name is not None:
                return each, name
    return None


def _captured(template: str, path: str) -> str | None:
    before, brace, after = template.partition("{name}")
    if not brace:
        return "" if path == template else None
    match = re.fullmatch(f"{re.escape(before)}(.+){re.escape(after)}", path)
    return None if match is None else match[1]


def _filled(template: str, name: str) -> str:
    return template.replace("{name}", name)
