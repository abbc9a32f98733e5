"""The control API: what a sandbox can do that the real server can't, below `/_sandboxd/v1/` on the same port.

Reading the status needs nothing, and forward authentication (`forward_auth`) only the credential that it is about;
whatever changes something or tells of values needs the sandbox's root token in `X-Vault-Token`, as the file has it that
`sandboxd up` writes for its owner alone. All of it is about the world that `X-Sandboxd-World` names, or the main one;
ending the process and reading the fixture again concern all of it.
"""

import hmac
import os
from collections.abc import Awaitable, Callable
from functools import partial
from inspect import isawaitable
from typing import Any

import msgspec

from sandboxd.edge import branching, clustering, forward_auth, living
from sandboxd.edge.app import App
from sandboxd.edge.decode import first
from sandboxd.edge.doors import Doors
from sandboxd.edge.encode import encode_errors
from sandboxd.edge.messages import CONTROL, FORWARD_AUTH, Answer, Incoming
from sandboxd.edge.published import CLUSTERS, published
from sandboxd.edge.sandbox import Sandbox
from sandboxd.edge.worlds import Worlds
from sandboxd.vault.clock import NANOSECONDS
from sandboxd.vault.errors import VaultError
from sandboxd.vault.framework.wire import encode


class Value(msgspec.Struct, frozen=True):
    """A value to ask about."""

    value: str


class Control:
    """Answers the control API of one sandbox, or of a world beside it.

    Args:
        stop: ends the process.
        reload: applies the fixture as it is on disk now.
        worlds: the worlds beside the main one, for a control of one of these.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        *,
        stop: Callable[[], None],
        reload: Callable[[], Awaitable[None]],
        worlds: Worlds | None = None,
    ) -> None:
        self._sandbox = sandbox
        self._stop = stop
        self._reload = reload
        self.address = ""
        self.worlds = worlds or Worlds(sandbox, self._door)
        self._with_chaos = False
        self._started = sandbox.world.clock.real_ns() / NANOSECONDS
        self._routes: dict[tuple[str, str], Callable[[Incoming], Any]] = {
            ("GET", "status"): self._status,
            ("POST", "reset"): self._reset,
            ("POST", "reload"): self._reload_fixture,
            ("POST", "verify"): self._verify,
            ("POST", "stop"): self._shut_down,
            **{key: partial(answer, sandbox) for key, answer in living.ROUTES.items()},
            **{key: partial(answer, sandbox) for key, answer in clustering.ROUTES.items()},
            **{key: partial(answer, self.worlds, sandbox) for key, answer in branching.ROUTES.items()},
        }

    def attach(self, doors: Doors) -> None:
        """Have faults at the listeners happen at these."""
        self._sandbox.doors = doors

    async def answer(self, path: str, incoming: Incoming) -> Answer:
        """Answer a request below `/_sandboxd/v1/`."""
        if path == FORWARD_AUTH or path.startswith(f"{FORWARD_AUTH}/"):
            return await forward_auth.answer(self._sandbox, incoming)
        name = path[len(CONTROL) :].rstrip("/")
        if name.startswith(CLUSTERS) and incoming.method == "GET":
            document = published(self._sandbox.world, name, incoming)
            return _refused(404, "no such document") if document is None else Answer(200, encode(document) + b"\n")
        shape = self._shape(name)
        route = self._routes.get((incoming.method, shape))
        if route is None and shape.startswith("chaos") and not self._with_chaos:
            from sandboxd.edge import outages  # with all kinds of faults, which few sandboxes ever see

            self._with_chaos = True
            self._routes.update((key, partial(each, self._sandbox)) for key, each in outages.ROUTES.items())
            shape = self._shape(name)
            route = self._routes.get((incoming.method, shape))
        if route is None:
            known = any(known == shape for _, known in self._routes)
            text = f"no {incoming.method} {CONTROL}{name}" if known else "no such route"
            return _refused(405 if known else 404, text)
        if name != "status":
            given = first(incoming.headers, "x-vault-token").encode("utf-8", "surrogateescape")
            if not hmac.compare_digest(given, self._sandbox.root_token.encode()):
                return _refused(403, "this needs the sandbox's root token in X-Vault-Token; `sandboxd env` has it")
        try:
            result = route(incoming)
            found = await result if isawaitable(result) else result
        except msgspec.DecodeError as error:
            return _refused(400, f"the body is not what this takes: {error}")
        except VaultError as error:
            return Answer(error.status, encode_errors(error.errors))
        return Answer(200, encode(msgspec.to_builtins(found)) + b"\n")

    def _shape(self, name: str) -> str:
        """How a path is listed among the routes: as it is, or with `*` for the name that is its second part."""
        parts = name.split("/")
        if len(parts) == 1 or any(known == name for _, known in self._routes):
            return name
        return "/".join((parts[0], "*", *parts[2:]))

    def _door(self, sandbox: Sandbox) -> App:
        """What answers requests to a world beside the main one."""
        control = Control(sandbox, stop=self._stop, reload=self._reload, worlds=self.worlds)
        control.address = self.address
        for key in (("POST", "reload"), ("POST", "stop")):
            control._routes[key] = self._routes[key]
        return App(sandbox.world, control)

    def _status(self, _incoming: Incoming) -> Any:
        return self._sandbox.report(os.getpid(), self.address, self._started)

    async def _reset(self, _incoming: Incoming) -> Any:
        await self._sandbox.reset()
        return {"reset": True}

    async def _reload_fixture(self, _incoming: Incoming) -> Any:
        await self._reload()
        return {"problems": self._sandbox.problems}

    def _verify(self, incoming: Incoming) -> Any:
        return self._sandbox.verify(msgspec.json.decode(incoming.body, type=Value).value)

    def _shut_down(self, _incoming: Incoming) -> Any:
        self._stop()
        return {"stopping": True}


def _refused(status: int, text: str) -> Answer:
    return Answer(status, encode_errors((text,)))
