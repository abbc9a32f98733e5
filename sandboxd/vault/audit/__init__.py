"""Audit: who asked for what, and what was answered, told to the audit devices that are enabled.

An **entry** is the pair of lines that a request leaves: one before it runs, one with what came of it. Each **device**
gets both, as one line of JSON, with what is secret hashed under its own salt. When no device takes a line, the request
fails: what isn't audited doesn't happen. While no device is enabled, none of this costs anything.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

import msgspec

from sandboxd.vault.audit import entries
from sandboxd.vault.audit.devices import Declared, Device, DeviceEntry, start
from sandboxd.vault.audit.hashing import as_json, encode, hasher
from sandboxd.vault.clock import Clock
from sandboxd.vault.durations import rfc3339
from sandboxd.vault.entropy import Entropy
from sandboxd.vault.errors import InternalError, InvalidWrappingToken, VaultError, listed
from sandboxd.vault.framework.backend import Response
from sandboxd.vault.namespaces import Namespace
from sandboxd.vault.request import Request
from sandboxd.vault.storage import Storage, View

if TYPE_CHECKING:
    from sandboxd.vault.mounts import MountEntry
    from sandboxd.vault.pipeline import Bearer
    from sandboxd.vault.routing import Route

__all__ = ["Audit", "DeviceEntry", "Entry", "Silence"]

_CHANGES_EXISTENCE = ("update", "create")
_NONE: frozenset[str] = frozenset()


class HeaderConfig(msgspec.Struct, frozen=True):
    """A request header that entries show, and whether its values are hashed."""

    hmac: bool


class Silence:
    """The entry of every request while no device is enabled."""

    __slots__ = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        pass

    def about(self, route: "Route", bearer: "Bearer | None" = None, operation: str = "") -> None:
        """Tell where the request goes and who asks, as soon as that is known."""

    def request(self, route: "Route", bearer: "Bearer | None", operation: str = "") -> None:
        """Tell that the request is about to be run. Raises InternalError when no device takes it."""

    def response(self, response: Response | None) -> None:
        """Tell what is about to be answered. Raises InternalError when no device takes it."""


_SILENCE = Silence()


class Entry(Silence):
    """The entry of one request."""

    __slots__ = ("_allowed", "_audit", "_auth", "_bearer", "_closed", "_incoming", "_operation", "_route", "_told")

    def __init__(self, audit: "Audit", incoming: Request) -> None:
        self._audit = audit
        self._incoming = incoming
        self._route: Route | None = None
        self._bearer: Bearer | None = None
        self._operation = ""
        self._auth: Mapping[str, Any] = entries.NOBODY
        self._told = False  # the first line has been written
        self._allowed = False  # it has, and the handler was called
        self._closed = False  # nothing more is to be written

    def about(self, route: "Route", bearer: "Bearer | None" = None, operation: str = "") -> None:
        self._route = route
        self._bearer = bearer or self._bearer
        self._operation = operation or self._operation

    def request(self, route: "Route", bearer: "Bearer | None", operation: str = "") -> None:
        self.about(route, bearer, operation)
        self._decide(allowed=True)
        self._tell()
        self._allowed = True

    def response(self, response: Response | None) -> None:
        auth = self._auth
        if self._route is not None and self._route.login and response is not None and response.auth is not None:
            auth = entries.issued_auth(response.auth)
        self._answer(auth, entries.response_fields(self._incoming, response, self._mount(answering=True)), "")

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if not isinstance(error, VaultError) or self._closed:
            return
        if isinstance(error, InvalidWrappingToken) and not self._told:
            self._closed = True
            with suppress(InternalError):
                self._tell("; ".join(error.errors))
            return
        if self._route is None and not self._told:
            return  # refused for its form, before anyone looked at it
        text, reason = entries.failure(error, self._route, self._bearer)
        if not self._told:
            self._decide(allowed=False)
            with suppress(InternalError):
                self._tell(reason or text)
        auth = self._auth if self._route is None or not self._route.login else entries.NOBODY
        fields = self._mount(answering=True)
        if reason:
            fields["data"] = {"error": reason}
        self._answer(auth, fields, text)

    def _decide(self, *, allowed: bool) -> None:
        bearer, route = self._bearer, self._route
        if route is None:
            return
        if bearer is None:
            self._auth = entries.ALLOWED if allowed else entries.NOBODY
            return
        if route.login:
            decided: Mapping[str, Any] = {"allowed": True}
        else:
            operation = self._operation or self._incoming.operation
            decided = entries.decision(bearer, route, self._incoming, operation, allowed=allowed)
        self._auth = entries.token_auth(bearer, decided=decided, identity_policies=self._audit.identity_of(bearer))

    def _mount(self, *, answering: bool = False) -> dict[str, Any]:
        mounted = None if self._route is None else self._route.mounted
        if mounted is None:
            return {"mount_point": "sys/"} if self._route is None and not answering else {}
        entry = mounted.entry
        return entries.mount_fields(
            entry,
            self._audit.running_version(entry),
            # Looking whether the thing is there, before a write, tells the real server the accessor; so does running.
            accessor=self._allowed or (self._known and self._incoming.operation in _CHANGES_EXISTENCE),
            name="mount_running_plugin_version" if answering else "mount_running_version",
        )

    @property
    def _known(self) -> bool:
        """Whether the request may go on as far as to its handler."""
        return self._bearer is not None or (self._route is not None and self._route.login)

    def _asked(self) -> dict[str, Any]:
        return entries.request_fields(
            self._incoming,
            self._route,
            self._bearer,
            operation=self._operation,
            mount=self._mount(),
            headers=self._audit.chosen(self._incoming),
        )

    def _check(self) -> None:
        trouble = self._incoming.trouble
        if trouble is not None and trouble.blocks_audit:
            raise InternalError

    def _tell(self, error: str = "") -> None:
        self._check()
        self._audit.write("request", self._auth, self._asked(), error=error, spared=self._spared())
        self._told = True

    def _answer(self, auth: Mapping[str, Any], fields: Mapping[str, Any], error: str) -> None:
        self._closed = True
        self._check()
        self._audit.write("response", auth, self._asked(), fields, error=error, spared=self._spared())

    def _spared(self) -> tuple[frozenset[str], frozenset[str]]:
        mounted = None if self._route is None else self._route.mounted
        if mounted is None:
            return _NONE, _NONE
        config = mounted.entry.config
        return frozenset(config.audit_non_hmac_request_keys), frozenset(config.audit_non_hmac_response_keys)


class Audit:
    """The audit devices, and the request headers that they show.

    Attributes:
        running_version: gives the version that the backend of a mount runs with; shown in entries.
        identity_of: gives the policies that a bearer has from its identity.
    """

    def __init__(self, storage: Storage, clock: Clock, entropy: Entropy, profile: str) -> None:
        self._devices_view = View(storage, "core/audit/device/")
        self._headers_view = View(storage, "core/audit/header/")
        self._clock = clock
        self._entropy = entropy
        self._profile = profile
        self._devices: dict[str, Device] = {}
        self._headers: dict[str, HeaderConfig] = {}
        self._declared: set[str] = set()
        self.running_version: Callable[[MountEntry], str] = lambda entry: entry.plugin_version
        self.identity_of: Callable[[Bearer], tuple[str, ...]] = lambda _bearer: ()

    def reload(self) -> None:
        """Read the storage again, after it was restored. A device that can't be started any more is left out."""
        self.close()
        self._headers = {}
        for name in self._headers_view.list():
            found = self._headers_view.get(name, HeaderConfig)
            if found is not None:
                self._headers[name] = found
        for uuid in self._devices_view.list():
            entry = self._devices_view.get(uuid, DeviceEntry)
            if entry is not None:
                with suppress(ValueError):
                    self._devices[entry.path] = start(entry)

    def close(self) -> None:
        """Let go of what the devices have open; they are started again by `reload`."""
        for device in self._devices.values():
            device.sink.close()
        self._devices = {}

    def reopen(self) -> None:
        """Open anew the files of all devices, as a signal asks for after log rotation.

        A device whose file can't be opened tries again with the next line.
        """
        for device in self._devices.values():
            with suppress(OSError):
                device.sink.reopen()

    def entry(self, request: Request) -> Silence:
        """What tells the devices of one request, as a context manager that sees how it ends."""
        if not self._devices and request.trouble is None and not request.path.startswith("sys/audit/"):
            return _SILENCE
        return Entry(self, request)

    def sealing(self, request: Request, bearer: "Bearer") -> None:
        """Tell that someone wants the server sealed, which leaves one line. Raises VaultError when none takes it."""
        if not self._devices:
            return
        auth = entries.token_auth(bearer, decided=None, identity_policies=self.identity_of(bearer))
        asked = entries.request_fields(
            request, None, bearer, operation="", mount={}, headers=self.chosen(request), counted=False
        )
        try:
            self.write("request", auth, asked)
        except InternalError:
            raise VaultError("failed to audit request, cannot continue") from None

    def outside(self, request: Request, answer: Any = None, *, status: int = 0) -> None:
        """Tell of a request outside the usual way, and, with a status, of its answer. Raises VaultError."""
        if not self._devices:
            return
        asked = entries.request_fields(request, None, None, operation="", mount={}, headers=self.chosen(request))
        fields: dict[str, Any] | None = None
        if status:
            headers = {"Cache-Control": ["no-store"], "Content-Type": ["application/json"]}
            fields = entries.compact(data=None if answer is None else as_json(answer), headers=headers)
        try:
            self.write("response" if status else "request", entries.NOBODY, asked, fields)
        except InternalError:
            raise VaultError(
                listed((f"no audit backend succeeded in logging the {'response' if status else 'request'}",))
            ) from None

    def refused(self, request: Request, namespace: Namespace, text: str) -> None:
        """Tell of a request that is refused before anybody looks at its token; it is, too, when none takes it."""
        if not self._devices:
            return
        request = msgspec.structs.replace(request, token="", wrap_ttl=0)
        asked = entries.request_fields(request, None, None, operation="", mount={}, headers=self.chosen(request))
        asked["namespace"] = entries.compact(id=namespace.id, path=namespace.path)
        with suppress(InternalError):
            self.write("request", entries.NOBODY, asked, error=text)

    def write(
        self,
        kind: str,
        auth: Mapping[str, Any],
        asked: Mapping[str, Any],
        answered: Mapping[str, Any] | None = None,
        *,
        error: str = "",
        spared: tuple[frozenset[str], frozenset[str]] = (_NONE, _NONE),
    ) -> None:
        """Give all devices a line. Raises InternalError when there are some, and none takes it."""
        entry: dict[str, Any] = {"time": rfc3339(self._clock.now_ns()), "type": kind, "auth": auth, "request": asked}
        if answered is not None:
            entry["response"] = answered
        if error:
            entry["error"] = error
        taken = not self._devices
        for device in self._devices.values():
            line = encode(entries.for_device(device, entry, spared_in=spared[0], spared_out=spared[1]))
            with suppress(OSError):
                device.sink.write(device.prefix + line)
                taken = True
        if not taken:
            raise InternalError

    def chosen(self, request: Request) -> dict[str, tuple[bool, tuple[str, ...]]]:
        """The request's headers that entries show, each with whether its values are hashed."""
        return {
            name: (config.hmac, request.headers[name])
            for name, config in self._headers.items()
            if name in request.headers
        }

    def __iter__(self) -> Iterator[DeviceEntry]:
        """The devices that are enabled, in the order in which they were."""
        return iter([device.entry for device in self._devices.values()])

    def enable(
        self, path: str, kind: str, *, description: str = "", options: Mapping[str, str], local: bool = False
    ) -> None:
        """Enable a device at a path. Raises ValueError with the real server's text."""
        path = path if path.endswith("/") else f"{path}/"
        for existing in self._devices:
            if existing.startswith(path) or path.startswith(existing):
                raise ValueError("path already in use")
        entry = DeviceEntry(
            path=path,
            type=kind,
            uuid=self._entropy.uuid(),
            salt=self._entropy.uuid(),
            accessor=f"audit_{kind}_{self._entropy.bytes(4).hex()}",
            description=description,
            options=options,
            local=local,
        )
        device = start(entry)
        if options.get("skip_test") != "true":
            try:
                device.sink.write(device.prefix + self._probe())
            except OSError as error:
                device.sink.close()
                raise ValueError(f"audit backend failed test message: {error}") from None
        self._devices_view.put(entry.uuid, entry)
        self._devices[path] = device

    def declare(self, devices: Iterable[Declared]) -> None:
        """Enable the devices of the server's configuration that are not there yet. Raises ValueError."""
        for declared in devices:
            self._declared.add(declared.path)
            if declared.path not in self._devices:
                self.enable(
                    declared.path,
                    declared.type,
                    description=declared.description,
                    options=declared.options,
                    local=declared.local,
                )

    def is_declared(self, path: str) -> bool:
        """Whether a device belongs to the server's configuration, and so is not a client's to disable."""
        return (path if path.endswith("/") else f"{path}/") in self._declared

    def _probe(self) -> bytes:
        asked = {
            "id": self._entropy.uuid(),
            "operation": "update",
            "namespace": {"id": "root"},
            "path": "sys/audit/test",
        }
        now = rfc3339(self._clock.now_ns())
        return encode({"time": now, "type": "request", "auth": entries.NOBODY, "request": asked})

    def disable(self, path: str) -> None:
        """Disable the device at a path, if there is one."""
        device = self._devices.pop(path if path.endswith("/") else f"{path}/", None)
        if device is not None:
            device.sink.close()
            self._devices_view.delete(device.entry.uuid)

    def hash(self, path: str, text: str) -> str:
        """What a text is shown as by the device at a path. Raises LookupError when there is none."""
        device = self._devices[path if path.endswith("/") else f"{path}/"]
        return hasher(device.entry.salt)(text)

    @property
    def headers(self) -> Mapping[str, HeaderConfig]:
        """The request headers that entries show, by name in lower case."""
        return dict(sorted(self._headers.items()))

    def show_header(self, name: str, *, hmac: bool) -> None:
        """Have entries show a request header."""
        config = self._headers[name.lower()] = HeaderConfig(hmac)
        self._headers_view.put(name.lower(), config)

    def hide_header(self, name: str) -> None:
        """Have entries not show a request header any more."""
        self._headers.pop(name.lower(), None)
        self._headers_view.delete(name.lower())
