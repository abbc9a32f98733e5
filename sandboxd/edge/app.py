"""The edge's application: an HTTP request in, an HTTP answer out. Knows no socket."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, Protocol

from sandboxd.edge import decode as decoding
from sandboxd.edge.decode import Refused, refused, split
from sandboxd.edge.encode import DONE, NOT_FOUND, envelope
from sandboxd.edge.encode import refused as refusal
from sandboxd.edge.gojson import MAX_STRINGS
from sandboxd.edge.messages import CONTROL, FAULT, Answer, Incoming
from sandboxd.sys.help import describe
from sandboxd.sys.routes import BODY_TYPES, DIRECT, UNREAD, root_only
from sandboxd.vault import pipeline
from sandboxd.vault.errors import VaultError
from sandboxd.vault.framework.backend import Response
from sandboxd.vault.framework.wire import encode
from sandboxd.vault.request import Request
from sandboxd.vault.world import World

if TYPE_CHECKING:
    from sandboxd.edge.doors import Doors
    from sandboxd.vault.nodes import Node


class Worlds(Protocol):
    """Answers for other worlds."""

    def elsewhere(self, incoming: Incoming) -> Awaitable[Answer] | None:
        """The answer of another world, or None for a request that is not about one. Raises Refused."""

    def cors_origins(self) -> tuple[str, ...]:
        """The origins that CORS lets in to one of them; `*` for all."""

    async def close(self) -> None:
        """End them."""


class Control(Protocol):
    """Answers what lies below `/_sandboxd/v1/`."""

    @property
    def worlds(self) -> Worlds:
        """The worlds that it is about beside the main one."""

    async def answer(self, path: str, incoming: Incoming) -> Answer:
        """Answer one request."""

    def attach(self, doors: "Doors") -> None:
        """Have faults at the listeners happen at these."""


# Routes whose answers hold their data twice: below `data` and beside it.
_TWICE = frozenset(
    (
        "sys/audit",
        "sys/auth",
        "sys/config/cors",
        "sys/config/auditing/request-headers",
        "sys/capabilities",
        "sys/capabilities-accessor",
        "sys/capabilities-self",
        "sys/ha-status",
        "sys/key-status",
        "sys/mounts",
        "sys/policy",
        "sys/rekey/backup",
        "sys/rekey/recovery-key-backup",
        "sys/rotate/root/backup",
        "sys/rotate/recovery/backup",
        "sys/remount",
        "sys/rotate",
        "sys/rotate/keyring",
        "sys/wrapping/wrap",
    )
)
_TWICE_BELOW = (
    "sys/audit/",
    "sys/audit-hash/",
    "sys/auth/",
    "sys/config/auditing/request-headers/",
    "sys/mounts/",
    "sys/policy/",
)


class App:
    """Answers requests for one world.

    Args:
        control: what a sandbox can do beyond the real server; None for a plain server.
        worlds: other worlds that requests may be about.
        place: gives the node of a cluster that requests come in at; None for a single server.
    """

    def __init__(
        self,
        world: World,
        control: "Control | None" = None,
        worlds: "Worlds | None" = None,
        place: "Callable[[], Node] | None" = None,
    ) -> None:
        self.world = world
        self._place = place
        self.control = control
        self._worlds = worlds
        # Only OpenBao limits the number of strings.
        self._max_strings = MAX_STRINGS if world.profile == "openbao" else 0

    async def answer(self, incoming: Incoming) -> Answer:
        """Answer one request."""
        try:
            if self._worlds is not None and (elsewhere := self._worlds.elsewhere(incoming)) is not None:
                return await elsewhere
            if incoming.target == "*" and incoming.method == "OPTIONS":
                return Answer(200, content_type="", standard=False)
            path, query = split(incoming.target)
            if not path.startswith("/v1/"):
                if self.control is not None and path.startswith(CONTROL):
                    return await self.control.answer(path, incoming)
                return self._outside(path, incoming.method)
            if self._place is not None:
                incoming = incoming._replace(node=self._place())
            if self.world.faults is not None or FAULT in incoming.headers:
                from sandboxd.edge import struck

                return await struck.answer(self, incoming, path, query)
            return await self.served(incoming, path, query)
        except Refused as error:
            return error.answer
        except VaultError as error:
            return refusal(error)

    async def served(self, incoming: Incoming, path: str, query: str) -> Answer:
        """Answer what lies below `/v1/`, whatever else may be going wrong. Raises Refused or VaultError."""
        namespace = decoding.first(incoming.headers, "x-vault-namespace")
        if namespace and path.startswith("/v1/sys/") and root_only(path[8:]):
            raise refused(400, "operation unavailable in namespaces")
        if incoming.node is not None:
            from sandboxd.edge.nodes import gate

            passed = gate(self.world, incoming, path)
            if isinstance(passed, Answer):
                return passed
            incoming = passed
        gated = self.world.quotas.rules or self.world.cors() is not None
        answering = self._gated(incoming, path, query) if gated else self._api(incoming, path, query)
        if incoming.node is not None and self.world.writes is not None:
            from sandboxd.edge.consistency import indexed

            answering = indexed(self.world, path, answering)
        return await answering

    def cors_origins(self) -> tuple[str, ...]:
        """The origins that CORS lets in to any of the worlds; `*` for all."""
        own = self.world.cors_origins()
        return own if self._worlds is None else own + self._worlds.cors_origins()

    async def _gated(self, incoming: Incoming, path: str, query: str) -> Answer:
        """The API behind rate limits and CORS, which few sandboxes have set up."""
        from sandboxd.edge import cors
        from sandboxd.vault import quotas

        headers: tuple[tuple[str, str], ...] = ()
        world = self.world
        if world.quotas.rules:
            name = decoding.listed_path(path[4:], query, incoming.method)
            verdict = quotas.check(
                world,
                path=name,
                namespace=decoding.first(incoming.headers, "x-vault-namespace"),
                address=incoming.remote_address,
                data=lambda: _body(incoming),
            )
            if world.quotas.config.show_headers:
                headers = tuple(verdict.headers.items())
            if not verdict.allowed:
                error = quotas.refusal(name)
                if world.quotas.config.audit_refusals:
                    with suppress(Refused):  # what cannot be read cannot be told
                        quotas.tell(world, self._decoded(incoming, path, query), error)
                return _with(refusal(error), headers)
        config = world.cors()
        if config is not None:
            answer, more = cors.handle(config, incoming, profile=world.profile)
            if answer is not None:
                return _with(answer, headers)
            headers += more
        try:
            return _with(await self._api(incoming, path, query), headers)
        except Refused as refusing:
            return _with(refusing.answer, headers)
        except VaultError as refusing:
            return _with(refusal(refusing), headers)

    async def _api(self, incoming: Incoming, path: str, query: str) -> Answer:
        """What lies below `/v1/`. Raises Refused or VaultError."""
        raw = decoding.origin_form(incoming.target).partition("?")[0]
        moved = decoding.cleaned(path, raw, query, incoming.method)
        if moved is not None:
            return moved
        if "help=" in query and any(decoding.parse_query(query).get("help", ())):
            return await self._help(decoding.decode(incoming._replace(method="GET"), path, "", self._new_id))
        name = path[4:]
        # Go's mux matches segments before their escapes are read: an escaped slash leads to no route of its own.
        plain = "%2f" not in incoming.target.lower()
        direct = DIRECT.get(name) if plain else None
        if direct is not None:
            if incoming.method in ("PATCH", "OPTIONS"):
                raise refused(405)
            if name in UNREAD:
                incoming = incoming._replace(body=b"")
        request = self._decoded(incoming, path, query, "" if direct is None else BODY_TYPES.get(name, ""))
        if direct is not None:
            found = direct(self.world, request)
            status, body = await found if isawaitable(found) else found
            self.world.commit()
            # Go's handler writes no body for the HEAD of a health check.
            return Answer(status, b"" if body is None or incoming.method == "HEAD" else encode(body) + b"\n")
        return self._encoded(request, await pipeline.handle(self.world, request), twice=plain and _twice(name))

    def _decoded(self, incoming: Incoming, path: str, query: str, target: str = "") -> Request:
        return decoding.decode(
            incoming,
            path,
            query,
            self._new_id,
            profile=self.world.profile,
            max_strings=self._max_strings,
            target=target,
        )

    def _new_id(self) -> str:
        return self.world.entropy.uuid()

    def _outside(self, path: str, method: str) -> Answer:
        if path in ("/", "/ui"):
            return decoding.redirect("/ui/", method)
        return NOT_FOUND

    async def _help(self, request: Request) -> Answer:
        found: Response | Awaitable[Response] = describe(self.world, request)
        response = await found if isawaitable(found) else found
        return Answer(200, encode(response.data) + b"\n")

    def _encoded(self, request: Request, response: Response | None, *, twice: bool) -> Answer:
        operation = request.operation
        if response is None:
            return NOT_FOUND if operation in ("read", "header", "list", "scan") else DONE
        if response.body is not None:
            headers = tuple(response.headers.items())
            return Answer(response.status or 200, response.body, headers, response.content_type)
        if response.redirect:
            return decoding.redirect(response.redirect, request.method)
        if response.bare:
            return Answer(response.status or 200, encode(response.data) + b"\n")
        if operation == "list" and response.wrap_info is None and _empty_list(response):
            return NOT_FOUND
        mount_type = response.mount_type if self.world.profile == "vault" else None
        body = envelope(response, request.id, mount_type=mount_type)
        if twice and isinstance(response.data, dict) and response.data and response.wrap_info is None:
            body = encode(response.data)[:-1] + b"," + body[1:]
        # What an engine answers with a status of its own was encoded by it, without Go's line break at the end.
        ending = b"" if response.status else b"\n"
        return Answer(response.status or 200, body + ending, tuple(response.headers.items()))


class ControlOnly:
    """Answers the control API, and nothing else, for an app."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def answer(self, incoming: Incoming) -> Answer:
        """Answer one request."""
        return await self._app.answer(incoming) if incoming.target.startswith(CONTROL) else NOT_FOUND


def _with(answer: Answer, headers: tuple[tuple[str, str], ...]) -> Answer:
    return answer._replace(headers=(*answer.headers, *headers)) if headers else answer


def _body(incoming: Incoming) -> Mapping[str, Any]:
    """The body as far as it can be read, for limits that depend on it."""
    try:
        return decoding.decode_body(incoming.body, decoding.media_type(incoming.headers)) if incoming.body else {}
    except Refused:
        return {}


def _empty_list(response: Response) -> bool:
    data = response.data
    if not data:
        return not response.warnings
    if not isinstance(data, dict) or "keys" not in data:
        return False
    return not data["keys"]


def _twice(path: str) -> bool:
    if not path.startswith("sys/"):
        return False
    return path in _TWICE or path.startswith(_TWICE_BELOW)
