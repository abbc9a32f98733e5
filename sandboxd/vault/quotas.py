"""Rate limits: how many requests a client may send in a time.

A **rule** holds for a namespace, a mount, a path below it, or the logins of a role; of the rules that fit a request the
most specific one counts. A **limiter** counts for one rule: each client, told by its address, has so many requests in
each **interval**, which begins with its first. Counts are never kept: they start anew with the rule, after unsealing
and after a reset.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from sandboxd.vault.clock import Clock
from sandboxd.vault.durations import MINUTE, SECOND
from sandboxd.vault.errors import VaultError
from sandboxd.vault.framework.backend import AuthMethod
from sandboxd.vault.gotext import quote
from sandboxd.vault.namespaces import ROOT, Namespace
from sandboxd.vault.request import Request
from sandboxd.vault.storage import Storage, View

if TYPE_CHECKING:
    from sandboxd.vault.mounts import Mounted
    from sandboxd.vault.world import World

EXEMPT = (
    "sys/generate-recovery-token/attempt",
    "sys/generate-recovery-token/update",
    "sys/generate-root/attempt",
    "sys/generate-root/update",
    "sys/health",
    "sys/seal-status",
    "sys/unseal",
)
"""What is never limited, unless somebody chooses otherwise."""

SWEEP = MINUTE  # how often clients are forgotten that have been quiet
STALE = 3 * MINUTE  # for so long, counted from the beginning of their last interval


class Place(NamedTuple):
    """What a rule holds for; `namespace` is a path, `mount` a route ("auth/approle/"), all of them may be empty."""

    namespace: str
    mount: str = ""
    suffix: str = ""
    role: str = ""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """How many requests a client may send, and where. Times are in seconds."""

    name: str
    place: Place
    rate: float
    interval: int
    block_interval: int
    inheritable: bool


class QuotaConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What all rules have in common."""

    audit_refusals: bool = False
    show_headers: bool = False
    exempt: tuple[str, ...] = EXEMPT
    exempt_absolutely: tuple[str, ...] = ()  # paths with their namespace in front; only Vault has them


class Verdict(NamedTuple):
    """Whether a request may go on, and what its answer may tell about limits."""

    allowed: bool
    headers: Mapping[str, str]


FREE = Verdict(True, {})


class Limiter:
    """Counts the requests of all clients for one rule. Moments are in nanoseconds since 1970."""

    def __init__(self, rule: Rule, now: int) -> None:
        self._tokens = max(1, int(rule.rate + 0.5))
        self._interval = rule.interval * SECOND
        self._block = rule.block_interval * SECOND
        self._born = now
        self._clients: dict[str, tuple[int, int, int]] = {}  # first request, interval since then, requests left in it
        self._blocked: dict[str, int] = {}

    def take(self, address: str, now: int) -> Verdict:
        """Count one request of a client."""
        blocked = self._blocked.get(address)
        if blocked is not None:
            if now - blocked < self._block:
                return Verdict(False, {"Retry-After": _seconds(blocked + self._block - now)})
            del self._blocked[address]
        start, tick, left = self._client(address, now)
        allowed = left > 0
        self._clients[address] = start, tick, left - allowed
        reset = _seconds(start + (tick + 1) * self._interval - now)
        headers = {
            "X-Ratelimit-Limit": str(self._tokens),
            "X-Ratelimit-Remaining": str(left - allowed),
            "X-Ratelimit-Reset": reset,
        }
        if not allowed:
            headers["Retry-After"] = reset
            if self._block:
                self._blocked[address] = now
                headers["Retry-After"] = _seconds(self._block)
        return Verdict(allowed, headers)

    def _client(self, address: str, now: int) -> tuple[int, int, int]:
        known = self._clients.get(address)
        if known is None:
            return now, 0, self._tokens
        start, tick, _ = known
        # The real server forgets who has been quiet, even when the interval is longer than that.
        swept = now - (now - self._born) % SWEEP
        if swept - (start + tick * self._interval) > STALE:
            return now, 0, self._tokens
        current = (now - start) // self._interval
        return (start, current, self._tokens) if current > tick else known


def _seconds(left: int) -> str:
    # By the time the real server looks at the clock again, a moment has passed.
    return str((left - 1) // SECOND)


class Quotas:
    """The rules of a world."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._view = View(storage, "core/quotas/")
        self._clock = clock
        self.reload()

    def reload(self) -> None:
        """Read the storage again, after it was restored."""
        names = self._view.list("rate-limit/")
        found = (self._view.get(f"rate-limit/{name}", Rule) for name in names)
        self.rules: tuple[Rule, ...] = tuple(rule for rule in found if rule is not None)
        self.config = self._view.get("config", QuotaConfig) or QuotaConfig()
        self._limiters: dict[str, Limiter] = {}

    def configure(self, config: QuotaConfig) -> None:
        """Change what all rules have in common."""
        self._view.put("config", config)
        self.config = config

    def get(self, name: str) -> Rule | None:
        """The rule of that name."""
        return next((rule for rule in self.rules if rule.name == name), None)

    def at(self, place: Place) -> Rule | None:
        """The rule for exactly that place."""
        return next((rule for rule in self.rules if rule.place == place), None)

    def put(self, rule: Rule) -> None:
        """Keep a rule, new or changed. Its counts start anew."""
        self._view.put(f"rate-limit/{rule.name}", rule)
        kept = (other for other in self.rules if other.name != rule.name)
        self.rules = tuple(sorted((*kept, rule), key=lambda each: each.name))
        self._limiters[rule.name] = Limiter(rule, self._clock.now_ns())

    def delete(self, name: str) -> None:
        """Forget a rule."""
        self._view.delete(f"rate-limit/{name}")
        self.rules = tuple(rule for rule in self.rules if rule.name != name)
        self._limiters.pop(name, None)

    def unmounted(self, namespace: Namespace, mount: str) -> None:
        """Forget the rules of a mount that is gone."""
        for rule in self.rules:
            if rule.place[:2] == (namespace.path, mount):
                self.delete(rule.name)

    def moved(self, source: Namespace, mount: str, target: Namespace, new_mount: str) -> None:
        """Have the rules of a mount follow it."""
        for rule in self.rules:
            if rule.place[:2] == (source.path, mount):
                place = rule.place._replace(namespace=target.path, mount=new_mount)
                self.put(msgspec.structs.replace(rule, place=place))

    def deleted(self, namespace: Namespace) -> None:
        """Forget the rule of a namespace that is gone."""
        rule = self.at(Place(namespace.path))
        if rule is not None and namespace.path:
            self.delete(rule.name)

    def exempt(self, namespace: Namespace, path: str) -> bool:
        """Whether a path is never limited. `path` is as it was asked for, `namespace` what it led to."""
        if _longest_match(self.config.exempt, path):
            return True
        if not self.config.exempt_absolutely:
            return False
        whole = path if path.startswith(namespace.path) else namespace.path + path
        return _longest_match(self.config.exempt_absolutely, whole)

    def by_role(self, namespace: Namespace, mount: str) -> bool:
        """Whether a mount has rules for the logins of roles."""
        return any(rule.place.role and rule.place[:2] == (namespace.path, mount) for rule in self.rules)

    def find(self, namespace: Namespace, mount: str, path: str, role: str = "") -> Rule | None:
        """The most specific rule for a request. `path` is as it was asked for, `mount` the route it leads to."""
        place = Place(namespace.path, mount)
        found = None
        if mount:
            found = self.at(place._replace(role=role)) if role else None
            found = found or self._below(place, path) or self.at(place)
        found = found or self.at(Place(namespace.path))
        above = namespace.path
        while found is None and above:
            above = above[: above.rfind("/", 0, -1) + 1]
            inherited = self.at(Place(above))
            found = inherited if inherited is not None and inherited.inheritable else None
        return found

    def _below(self, place: Place, path: str) -> Rule | None:
        """The rule for a path below a mount: the one that names it, or the longest that it begins with."""
        suffix = path.removeprefix(place.namespace or ROOT.id).removeprefix(place.mount).removesuffix("/")
        best: Rule | None = None
        for rule in self.rules:
            wanted = rule.place.suffix
            if not wanted or rule.place[:2] != place[:2]:
                continue
            if wanted == suffix:
                return rule
            begins = wanted.endswith("*") and suffix.startswith(wanted[:-1])
            if begins and (best is None or len(wanted) > len(best.place.suffix)):
                best = rule
        return best

    def take(self, rule: Rule, address: str) -> Verdict:
        """Count one request of a client for a rule."""
        now = self._clock.now_ns()
        limiter = self._limiters.get(rule.name)
        if limiter is None:
            limiter = self._limiters[rule.name] = Limiter(rule, now)
        return limiter.take(address, now)


def _longest_match(paths: tuple[str, ...], path: str) -> bool:
    """Whether the longest of the prefixes that a path begins with lets it through; one after a `!` does not."""
    best, found = -1, False
    for each in paths:
        exception = each.startswith("!")
        prefix = each[exception:].removesuffix("*")
        if each and path.startswith(prefix) and len(prefix) >= best:
            best, found = len(prefix), not exception
    return found


def check(world: "World", *, path: str, namespace: str, address: str, data: Callable[[], Mapping[str, Any]]) -> Verdict:
    """Count a request, before anything else is looked at.

    Args:
        path: what follows `/v1/`; a LIST's ends in a slash.
        namespace: the header that names one.
        address: where the request comes from.
        data: gives the body, for the rules that hold for a role; empty when it can't be read.
    """
    quotas = world.quotas
    if world.seal.sealed:
        return FREE
    where, inner = world.namespaces.resolve(namespace, path) or (ROOT, "")
    if quotas.exempt(where, path):
        return FREE
    found = world.mounts.find(where, inner)
    # A mount without its slash leads to it, but is not held to be below it.
    mounted = found[0] if found is not None and inner.startswith(found[0].mount.path) else None
    mount = "" if mounted is None else mounted.mount.path
    role = ""
    if mounted is not None and quotas.by_role(where, mount):
        role = role_of_login(world, mounted, data())
    rule = quotas.find(where, mount, path, role)
    return FREE if rule is None else quotas.take(rule, address)


def refusal(path: str) -> VaultError:
    """The refusal of a request that is one too many."""
    return VaultError(f"request path {quote(path)}: rate limit quota exceeded", status=429)


def tell(world: "World", request: Request, error: VaultError) -> None:
    """Have a refusal audited."""
    namespace, _ = world.namespaces.resolve(request.namespace, request.path) or (ROOT, "")
    world.audit.refused(request, namespace, error.errors[0])


def role_of_login(world: "World", mounted: "Mounted", data: Mapping[str, Any]) -> str:
    """The role that a login would log in as, or an empty string."""
    backend = mounted.backend
    match = mounted.match("login")
    if not isinstance(backend, AuthMethod) or backend.role_of is None or match is None:
        return ""
    request = Request(id="", operation="update", path=f"{mounted.mount.path}login", data=data)
    call = world.call(request, mounted, "login")
    try:
        return backend.role_of(call, match.route.arguments(call, match.captures))
    except VaultError:
        return ""
