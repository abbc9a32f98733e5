"""What an engine is made of: paths, and what goes into and comes out of their handlers.

An **engine** is a value: a tuple of **paths**. A path has a template, a frozen dataclass of typed fields, and a
**handler** for each operation. Routing, validation, path-help, OpenAPI and the tests that every path must pass are
read off these values.

A template is literal text with `{field}` captures, whose extent the field's kind decides; `[...]` encloses what may be
missing, and `/?` at the end allows a trailing slash. Literal beats captured beats greedy, whatever the order.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import msgspec

from sandboxd.vault.framework.loopback import is_live
from sandboxd.vault.framework.ttl import Bounds

if TYPE_CHECKING:
    from sandboxd.fakes import Source
    from sandboxd.vault.clock import Clock
    from sandboxd.vault.entropy import Entropy
    from sandboxd.vault.framework.system import System
    from sandboxd.vault.framework.timers import MountTimers
    from sandboxd.vault.request import Request
    from sandboxd.vault.storage import View


S = TypeVar("S")


class Alias(msgspec.Struct, frozen=True, kw_only=True):
    """Who logged in, as the auth method names them: the identity store finds or makes the entity."""

    name: str
    metadata: Mapping[str, str] = {}


class Auth(msgspec.Struct, kw_only=True):
    """A login that succeeded, or a token that was made: the core issues the token. Times are in seconds."""

    policies: tuple[str, ...] = ()  # what the method grants
    metadata: Mapping[str, str] | None = None
    display_name: str = ""
    alias: Alias | None = None
    group_aliases: tuple[Alias, ...] = ()
    entity_id: str = ""
    ttl: int = 0
    max_ttl: int = 0
    explicit_max_ttl: int = 0
    period: int = 0
    num_uses: int = 0
    bound_cidrs: tuple[str, ...] = ()
    token_type: str = "default"
    renewable: bool = True
    no_default_policy: bool = False
    internal: Mapping[str, Any] = {}  # kept with the lease, handed back at renewal
    # Filled in by the core:
    token: str = ""
    accessor: str = ""
    token_policies: tuple[str, ...] = ()
    identity_policies: tuple[str, ...] = ()
    orphan: bool = True
    mfa_requirement: Any = None


class Lease(msgspec.Struct, kw_only=True):
    """A secret that lasts for a time. Times are in seconds; 0 means what the mount says."""

    ttl: int = 0
    max_ttl: int = 0
    renewable: bool = True
    kind: str = ""  # which of the engine's `secrets` renews and revokes it
    internal: Mapping[str, Any] = {}  # kept with the lease, handed back at renewal and revocation
    id: str = ""  # filled in by the core


class WrapInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Where the answer is to be fetched instead."""

    token: str
    accessor: str
    ttl: int
    creation_time: int  # nanoseconds since 1970
    creation_path: str
    wrapped_accessor: str = ""


class Response(msgspec.Struct, kw_only=True):
    """What a handler answers with.

    `data` is what goes below `data`: a dict, ready-encoded `msgspec.Raw`, or None. `status` replaces the usual status
    while the envelope stays. `body` with its `content_type` replaces the envelope. `bare` sends `data` alone.
    `credentials` names the fields of `data` that are credentials, so that the sandbox can later tell whose a value is
    and whether it is still valid: with a lease, for as long as it lasts; else until `Call.superseded` says otherwise.
    """

    data: Any = None
    credentials: tuple[str, ...] = ()
    auth: Auth | None = None
    lease: Lease | None = None
    warnings: list[str] = []
    wrap_ttl: int = 0  # the engine wants its answer wrapped, for so many seconds
    wrap_format: str = ""
    wrapped_accessor: str = ""  # what an answer that is wrapped shows of its content, beside the accessor of a token
    wrap_info: WrapInfo | None = None
    redirect: str = ""
    status: int = 0
    body: bytes | None = None
    content_type: str = "application/json"
    bare: bool = False
    headers: Mapping[str, str] = {}
    mount_type: str = ""  # filled in by the core


Result = Response | dict[str, Any] | msgspec.Raw | None


class Mount(msgspec.Struct, frozen=True, kw_only=True):
    """What a handler may know of the mount it runs in."""

    path: str  # with its trailing slash, and `auth/` in front for auth methods
    type: str
    accessor: str
    uuid: str
    bounds: Bounds
    options: Mapping[str, str] = {}
    token_type: str = "default-service"
    local: bool = False


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """What a handler may know of the token that the request carries."""

    accessor: str
    display_name: str
    entity_id: str
    policies: tuple[str, ...]
    metadata: Mapping[str, str]
    type: str
    cubbyhole_id: str = ""


class Bearer(Protocol):
    """A token, as far as handlers are concerned."""

    def caller(self) -> Caller:
        """What handlers get to know of it."""


class Past(Protocol):
    """A mount's storage as it was at an earlier moment, to be read."""

    def get(self, path: str, kind: type[S], /) -> S | None:
        """The value at a path, or None."""

    def list(self, folder: str = "", /) -> list[str]:
        """The entries of a folder, sorted; folders among them end in a slash."""


@dataclass(slots=True)
class Call:
    """One call of a handler, with all that it needs; it opens nothing.

    `given` holds the names (on the wire) of the fields that the client sent; `raw` is all that it sent, with what the
    path captured laid over it.
    """

    request: "Request"
    operation: str
    path: str  # below the mount
    mount: Mount
    storage: "View"
    clock: "Clock"
    entropy: "Entropy"
    system: "System"
    raw: Mapping[str, Any]
    timers: "MountTimers"
    given: frozenset[str] = frozenset()
    bearer: "Bearer | None" = None
    warnings: list[str] = field(default_factory=list)

    @property
    def profile(self) -> str:
        """Whose behaviour is followed: "vault" or "openbao"."""
        return self.system.profile

    @property
    def caller(self) -> Caller | None:
        """Who calls; None without a token."""
        return None if self.bearer is None else self.bearer.caller()

    @property
    def live(self) -> bool:
        """Whether the engine is to reach its upstream (a database on this machine) rather than to simulate it.

        The mount's option `live` says so ("true"), else the sandbox as a whole.
        """
        return is_live(self.mount.options, sandbox=self.system.live)

    def fake(self, kind: str, field: str = "", part: str = "value", **options: object) -> str:
        """A fresh fake credential of a kind (see `sandboxd.fakes`), or one of its parts; options are the kind's own.

        What belongs together (the two halves of an access key) comes from one call of `fakes`.
        """
        return self.fakes(kind, field, **options)[part]

    def fakes(self, kind: str, field: str = "", **options: object) -> Mapping[str, str]:
        """A fresh fake credential with all of its parts, by name; the value itself is under "value"."""
        from sandboxd.fakes import parts

        return parts(kind, self._source(field), options)

    async def fakes_slowly(self, kind: str, field: str = "", **options: object) -> Mapping[str, str]:
        """As `fakes`, in a thread: for what takes a while, such as an RSA key."""
        from asyncio import to_thread

        from sandboxd.fakes import parts

        return await to_thread(parts, kind, self._source(field), options)

    def _source(self, field: str) -> "Source":
        from sandboxd.fakes import Source

        return Source(seed=self.entropy.bytes(32), path=f"{self.mount.path}{self.path}", field=field)

    def superseded(self, *values: str, grace: int = 0) -> None:
        """Say that a credential without a lease was replaced: it is valid for `grace` more seconds, if at all.

        Its halves (of an access key) go together; an empty value is none.
        """
        self.system.superseded(filter(None, values), path=f"{self.mount.path}{self.path}", grace=grace)

    def warn(self, text: str) -> None:
        """Add a warning to whatever is answered with data."""
        self.warnings.append(text)


C = TypeVar("C", bound=Call, contravariant=True)
A = TypeVar("A", contravariant=True)

Handler = Callable[[C, A], Result | Awaitable[Result]]


@dataclass(frozen=True)
class Path(Generic[C, A]):
    """One path of an engine.

    Args:
        template: see the module.
        args: a frozen dataclass whose `param` fields the path takes.
        help: one line for path-help and OpenAPI; `description` has the rest.
        read, write, create, delete, list, scan, patch: the handlers. `write` serves updates, and creations too unless
            `create` is there.
        exists: tells whether a write updates; without it every write is an update.
        login: needs no token.
        sudo: needs the `sudo` capability.
        folds: what its template captures is the same in any case of letters: OpenBao takes the path in lower case
            before it asks the policies.
        only: the wire names of the fields that the path takes, where it is not all of `args`.
        arbitrary: takes fields that are not declared, as KV does.
        unpublished: left out of OpenAPI.
        profiles: the profiles that have the path.
        operation_ids: OpenAPI operation ids by operation, where the generated one is not the real server's.
    """

    template: str
    args: type[A]
    help: str
    description: str = ""
    read: Handler[C, A] | None = None
    write: Handler[C, A] | None = None
    create: Handler[C, A] | None = None
    delete: Handler[C, A] | None = None
    list: Handler[C, A] | None = None
    scan: Handler[C, A] | None = None
    patch: Handler[C, A] | None = None
    exists: Callable[[C, A], bool] | None = None
    login: bool = False
    sudo: bool = False
    folds: bool = False
    only: tuple[str, ...] = ()
    arbitrary: bool = False
    unpublished: bool = False
    profiles: tuple[str, ...] = ("vault", "openbao")
    query: tuple[str, ...] = ()
    operation_ids: Mapping[str, str] = field(default_factory=dict)

    def handler(self, operation: str) -> "Handler[C, A] | None":
        """The handler of an operation, or None when the path does not serve it."""
        if operation == "update":
            return self.write
        if operation == "create":
            return self.create or self.write
        found: Handler[C, A] | None = getattr(self, operation, None) if operation in SERVED else None
        return found


SERVED = ("read", "delete", "list", "scan", "patch")


@dataclass(frozen=True)
class SecretKind(Generic[C]):
    """A kind of leased secret: how it is renewed and revoked.

    `renew` gets the lease as it was issued and gives it back with new `ttl` and `max_ttl`; None: not renewable.
    `revoke` may raise: the core tries again later.
    """

    type: str
    revoke: Callable[[C, Lease], Awaitable[None] | None]
    renew: Callable[[C, Lease], Awaitable[Lease] | Lease] | None = None


@dataclass(frozen=True)
class Rotates:
    """A kind of object that an engine can rotate, as path templates below the mount in which `{name}` is its name.

    Args:
        object: the object itself ("static-roles/{name}"); timers of its scheduled rotation have this path as name.
        by: where a write rotates it ("rotate-role/{name}").
        read: where apps read the credential ("static-creds/{name}"); empty when they don't.
    """

    object: str
    by: str
    read: str = ""


@dataclass(frozen=True, kw_only=True)
class Backend:
    """What secrets engines and auth methods share.

    Args:
        type: the name to mount it by.
        help: path-help of the mount itself.
        paths: all of its paths.
        unauthenticated, root: path patterns (exact, or with a `*` at the end) that need no token, or sudo, beyond those
            marked on their paths: the real server's lists match whole folders, also where no path answers.
        system: its handlers get a `SystemCall`, which reaches the whole world.
        singleton: mounted by the core, once in each namespace; clients can't.
        initialize: runs once when a mount is made.
        going_back: runs in a live mount before the sandbox goes back to an earlier state; gets the call, and what
            the mount's storage was then. It brings the upstream to where that state takes it to be.
        on_timer: runs when a timer goes off that a handler has set with `call.timers`; gets the call, whose clock shows
            that moment, and the timer's name. A VaultError has it run again ten seconds later.
        option_defaults: the options that a mount has when the client gives none.
    """

    type: str
    help: str
    paths: tuple[Path[Any, Any], ...]
    unauthenticated: tuple[str, ...] = ()
    root: tuple[str, ...] = ()
    system: bool = False
    singleton: bool = False
    version: str = ""
    initialize: Callable[[Any], None] | None = None
    going_back: Callable[[Any, Past], Awaitable[None] | None] | None = None
    on_timer: Callable[[Any, str], Awaitable[None] | None] | None = None
    option_defaults: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Engine(Backend):
    """A secrets engine.

    Args:
        secrets: the kinds of leased secret it issues.
        leased: whether its leases are registered; KV shows a duration, but keeps no lease.
        per_token: its storage is each token's own (cubbyhole).
        rotates: what it can rotate.
    """

    secrets: tuple[SecretKind[Any], ...] = ()
    rotates: tuple[Rotates, ...] = ()
    leased: bool = True
    per_token: bool = False


@dataclass(frozen=True, kw_only=True)
class AuthMethod(Backend):
    """An auth method.

    Args:
        renew: gets the token's `Auth` as it was issued and gives it back with what renewal changes (`ttl`, `max_ttl`,
            `period`), or raises; None leaves the token as it is.
        lockout: whether failed logins lock a user out.
        alias_of: the name of the alias that a login request is about, for the lockout.
        role_of: the role that a request to its `login` is about, for rate limits of roles; None when it has no roles.
            Gets the call and the arguments of that path.
    """

    renew: Callable[[Any, Auth], Awaitable[Auth | None] | Auth | None] | None = None
    lockout: bool = False
    alias_of: Callable[[Any, Any], str] | None = None
    role_of: Callable[[Any, Any], str] | None = None
