"""Storage and audit devices that are slow, hang, or take no writes.

What a read-only storage looks like was seen with an OpenBao whose PostgreSQL had become read-only, as after a failover
to a replica: its words are the database's, each write puts its own in front.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, NoReturn

from sandboxd.chaos.troubles.struck import Struck
from sandboxd.vault.clock import NANOSECONDS
from sandboxd.vault.durations import parse_nanoseconds
from sandboxd.vault.errors import Refusal, VaultError, listed
from sandboxd.vault.faults import Trouble
from sandboxd.vault.unwritten import Unwritten, Writes

if TYPE_CHECKING:
    from sandboxd.chaos.rules import Strike
    from sandboxd.chaos.run import Chaos
    from sandboxd.vault.request import Request
    from sandboxd.vault.world import World

DEADLINE = "context deadline exceeded"
DENIED = "ERROR: cannot execute {} in a read-only transaction (SQLSTATE 25006)"
INTERNAL = listed(("internal error",))
TOKENS = "core/token/"
IDENTITY = "core/identity/"

# What is put in front by those who write, and the status, where it is not 500 and the text stands alone.
_PREFIXES: tuple[tuple[str, str, int], ...] = (
    ("auth/token/create", "failed to persist accessor index entry: ", 400),
    ("sys/auth/", "failed to update auth table: ", 400),
    ("sys/policy/", "failed to persist policy: ", 400),
    ("sys/policies/acl/", "failed to persist policy: ", 400),
    ("auth/token/renew", "failed to persist lease entry: ", 500),
    ("sys/leases/renew", "failed to persist lease entry: ", 400),
    ("auth/token/revoke", "failed to revoke token: failed to revoke entry: failed to persist entry: ", 500),
    ("identity/", "failed to persist packed storage entry: ", 500),
    ("cubbyhole/", "failed to write: ", 500),
)


class StorageSlow(Struck):
    """The storage takes its time."""

    def before(self, world: World, request: Request) -> Awaitable[None] | None:  # noqa: ARG002 -- all that read or write
        """Wait."""
        seconds = self.strike.draw(self.fault.delay)
        return self._wait(seconds) if seconds else None

    async def _wait(self, seconds: float) -> None:
        await self.hold(seconds)


class StorageHangs(Struck):
    """The storage does not answer."""

    def before(self, world: World, request: Request) -> Awaitable[None] | None:  # noqa: ARG002 -- all that read or write
        """Wait until it is back, or the server's patience is over."""
        return self._wait()

    async def _wait(self) -> None:
        if await self.hold(parse_nanoseconds(self.fault.patience) / NANOSECONDS):
            raise VaultError(DEADLINE, status=500)


class AuditBlocked(Struck):
    """No audit device takes an entry."""

    @property
    def blocks_audit(self) -> bool:
        """Whether all devices fail."""
        return bool(self.fault.how == "error")

    def before(self, world: World, request: Request) -> Awaitable[None] | None:  # noqa: ARG002 -- all that is audited
        """Wait for a device that blocks until it goes on."""
        return self._wait() if self.fault.how == "hang" else None

    async def _wait(self) -> None:
        await self.hold(None)


def read_only(_strike: Strike, _chaos: Chaos) -> Trouble:
    """The storage takes no writes."""
    return Unwritten(_denied)


def _denied(world: World, request: Request, changed: Writes) -> NoReturn:
    raise _refusal(world, request, changed)


def _refusal(world: World, request: Request, changed: Writes) -> VaultError:
    deleting = all(new is None for _, new in changed.values())
    text = DENIED.format("DELETE" if deleting else "INSERT")
    if request.wrap_ttl:
        return Refusal("internal error", status=500)
    found = world.namespaces.resolve(request.namespace, request.path)
    path = request.path if found is None else found[1]
    if path.startswith("auth/") and not path.startswith("auth/token/"):
        if any(each.startswith(IDENTITY) for each in changed):
            return Refusal(f"failed to persist packed storage entry: {text}", status=500)
        return Refusal("internal error", status=500) if not request.token else Refusal(listed((text,)), status=500)
    for begin, prefix, status in _PREFIXES:
        if path.startswith(begin):
            plain = status == 400
            return Refusal(prefix + text if plain else listed((prefix + text,)), status=status)
    if path.startswith("sys/mounts/"):
        return Refusal("failed to update mount table")
    if request.operation == "read" and any(each.startswith(TOKENS) for each in changed):
        return Refusal(INTERNAL, status=500)  # the use of a token could not be counted
    mounted = None if found is None else world.mounts.find(*found)
    if mounted is not None and mounted[0].entry.type == "kv" and not deleting:
        options = mounted[0].entry.options or {}
        if options.get("version") != "2":
            text = f"failed to write: {text}"
    return Refusal(listed((text,)), status=500)
