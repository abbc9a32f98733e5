"""What an aim can ask of a request, found out when it is asked: most aims are about the path alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fnmatch import translate
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from sandboxd.chaos.model import Fault, Patterns
from sandboxd.vault.framework.records import address_in
from sandboxd.vault.namespaces import Namespace
from sandboxd.vault.routing import Route, find
from sandboxd.vault.tokens import MalformedToken, Token

if TYPE_CHECKING:
    from sandboxd.vault.world import World

APP = "x-sandboxd-app"
"""The header in which an app can give its name."""

_WRITES = frozenset(("POST", "PUT"))
_RENEWALS = re.compile(r"(?:auth/token/renew(?:-self|-accessor)?|sys/(?:leases/)?renew)(?:/.*)?")
_REVOCATIONS = re.compile(
    r"(?:auth/token/revoke(?:-self|-accessor|-orphan)?|sys/(?:leases/)?revoke(?:-prefix|-force)?)(?:/.*)?"
)


@lru_cache(maxsize=10_000)
def _expression(pattern: str, *, segments: bool) -> Callable[[str], object]:
    """The check of a pattern: `*` stands for anything; in paths, `+` for one segment."""
    if not segments:
        return re.compile(translate(pattern)).fullmatch
    text = "".join(".*" if char == "*" else "[^/]+" if char == "+" else re.escape(char) for char in pattern)
    return re.compile(text, re.DOTALL).fullmatch


def fits(patterns: Patterns, *texts: str, path: bool = False) -> bool:
    """Whether one of the patterns fits one of the texts. None fit none; texts that are empty fit nothing."""
    for pattern in (patterns,) if isinstance(patterns, str) else patterns:
        check = _expression(pattern.strip("/") if path else pattern, segments=path)
        if any(text and check(text) for text in texts):
            return True
    return False


class Seen:
    """A request as chaos sees it.

    Args:
        path: what follows `/v1/`; another path as it is.
        listing: whether it is a LIST, or a GET that lists.
        headers: names in lower case.
        body: gives the fields of the body, as far as it can be read.
        node: the name of the node that got it, and "leader" where that is the leader; empty without a cluster.
    """

    def __init__(
        self,
        world: World,
        *,
        method: str,
        path: str,
        listing: bool,
        token: str,
        headers: Mapping[str, tuple[str, ...]],
        address: str,
        body: Callable[[], Mapping[str, object]],
        node: tuple[str, ...] = (),
    ) -> None:
        self._world = world
        self._token = token
        self._headers = headers
        self._body = body
        self.method = method
        self.path = path
        self.address = address
        self.node = node
        self._listing = listing

    @property
    def key(self) -> str:
        """What it is in a few words, the same each time it is made."""
        return f"{'LIST' if self._listing else self.method} {self.path}"

    @cached_property
    def where(self) -> tuple[Namespace, str] | None:
        """The namespace and the path below it; None when there is no such namespace."""
        return self._world.namespaces.resolve(self.header("x-vault-namespace"), self.path)

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """The path with the namespace in front, however that was given, and the path below it."""
        if self.where is None:
            return (self.path.rstrip("/"),)
        namespace, inner = self.where
        return tuple(dict.fromkeys(((namespace.path + inner).rstrip("/"), inner.rstrip("/"))))

    @cached_property
    def route(self) -> Route | None:
        """Where it leads; None where there is no such namespace."""
        return None if self.where is None else find(self._world, *self.where)

    @cached_property
    def token(self) -> Token | None:
        """The token that it carries, where that is valid."""
        world = self._world
        try:
            return world.tokens.live(self._token, world.clock.now()) if self._token else None
        except MalformedToken:
            return None

    @cached_property
    def operations(self) -> frozenset[str]:
        """What it does: one of read, list, write, patch, delete, and with it login, renew or revoke."""
        if self._listing or self.method in ("LIST", "SCAN"):
            return frozenset(("list",))
        if self.method not in _WRITES:
            return frozenset(({"GET": "read", "HEAD": "read"}.get(self.method, self.method.lower()),))
        found = {"write"}
        inner = self.path if self.where is None else self.where[1]
        route = self.route
        if route is not None and route.match is not None and route.login and route.match.route.path.login:
            if route.path.startswith("auth/"):
                found.add("login")
        elif _RENEWALS.fullmatch(inner):
            found.add("renew")
        elif _REVOCATIONS.fullmatch(inner):
            found.add("revoke")
        return frozenset(found)

    @property
    def mount_type(self) -> str:
        """The type of the mount that it is for, or an empty string."""
        route = self.route
        return "" if route is None or route.mounted is None else route.mounted.entry.type

    @cached_property
    def roles(self) -> tuple[str, ...]:
        """The roles of its token, or the one that it logs in as."""
        token = self.token
        if token is not None:
            return roles_of(token)
        if "login" not in self.operations:
            return ()
        from sandboxd.vault.quotas import role_of_login

        route = self.route
        if route is None or route.mounted is None:
            return ()
        body = self._body()
        names = (role_of_login(self._world, route.mounted, body), body.get("role"), route.inner.rpartition("/")[2])
        return tuple(name for name in names if isinstance(name, str) and name)

    @property
    def policies(self) -> tuple[str, ...]:
        """The policies of its token, with those of the identity behind it."""
        token = self.token
        return () if token is None else policies_of(self._world, token)

    @property
    def entities(self) -> tuple[str, ...]:
        """The name and the id of the entity behind its token."""
        token = self.token
        return () if token is None else entities_of(self._world, token)

    @cached_property
    def apps(self) -> tuple[str, ...]:
        """What the app that sent it is called, the most telling name first."""
        token = self.token
        names = (self.header(APP), self.header("user-agent"), "" if token is None else token.display_name)
        return tuple(filter(None, names))

    def header(self, name: str) -> str:
        """The first value of a header (lower-case name), or an empty string."""
        values = self._headers.get(name)
        return values[0] if values else ""


def roles_of(token: Token) -> tuple[str, ...]:
    """The roles that a token was made with."""
    meta = token.meta or {}
    names = (token.role, *(meta.get(key, "") for key in ("role_name", "role", "username")))
    return tuple(name for name in dict.fromkeys(names) if name)


def policies_of(world: World, token: Token) -> tuple[str, ...]:
    """The policies that a token has, with those of the identity behind it."""
    found = list(token.policies)
    entity = world.identity.entity(token.entity_id) if token.entity_id else None
    if entity is not None:
        found += [name for names in world.identity.policies(entity).values() for name in names]
    return tuple(dict.fromkeys(found))


def entities_of(world: World, token: Token) -> tuple[str, ...]:
    """The name and the id of the entity behind a token."""
    entity = world.identity.entity(token.entity_id) if token.entity_id else None
    return () if entity is None else (entity.name, entity.id)


def aimed(fault: Fault, seen: Seen) -> bool:
    """Whether a request is what a fault is aimed at."""
    if fault.path and not fits(fault.path, *seen.paths, path=True):
        return False
    if fault.except_ and fits(fault.except_, *seen.paths, path=True):
        return False
    if fault.operation:
        wanted = {fault.operation} if isinstance(fault.operation, str) else {*fault.operation}
        if not wanted & seen.operations:
            return False
    if fault.app and not fits(fault.app, *seen.apps):
        return False
    if fault.namespace and not _in_namespace(fault.namespace, seen):
        return False
    if fault.mount_type and not fits(fault.mount_type, seen.mount_type):
        return False
    if fault.accessor and (seen.token is None or not fits(fault.accessor, seen.token.accessor)):
        return False
    if fault.entity and not fits(fault.entity, *seen.entities):
        return False
    if fault.role and not fits(fault.role, *seen.roles):
        return False
    if fault.policy and not fits(fault.policy, *seen.policies):
        return False
    if fault.node and not fits(fault.node, *seen.node):
        return False
    return not fault.address or from_address(fault.address, seen.address)


def _in_namespace(patterns: Patterns, seen: Seen) -> bool:
    if seen.where is None:
        return False
    path = seen.where[0].path.rstrip("/")
    return fits(patterns, path or "root", path=True)


def from_address(wanted: Patterns, address: str) -> bool:
    """Whether an address is one of those, or in one of the networks."""
    return address_in(address, (wanted,) if isinstance(wanted, str) else wanted)
