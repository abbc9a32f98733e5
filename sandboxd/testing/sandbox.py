"""A sandbox in this process, in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal, Self

from sandboxd.testing.control import Chaos, Control, Nodes

if TYPE_CHECKING:
    from sandboxd.edge.doors import Listener

PATIENCE = 60.0
"""Seconds that it may take to be ready."""


class Sandbox:
    """A sandbox that is up within a `with`, or between `start` and `stop`.

    Args:
        fixture: the file to fill it from; empty without one.
        profile: whose behaviour to follow; as the fixture says without.
        seed: makes every random value repeatable, tokens included.
        root_token: a fresh one without.
        port: any free one without; those that follow for more nodes.
        tls: serve TLS, with a certificate made on the spot by the authority in `ca_file`.
        nodes: how many nodes are one cluster.

    Raises FixtureError for a fixture with mistakes, OSError for a port that is taken.
    """

    def __init__(
        self,
        fixture: Path | str | None = None,
        *,
        profile: Literal["vault", "openbao"] | None = None,
        seed: str = "",
        root_token: str = "",
        port: int = 0,
        tls: bool = False,
        nodes: int = 1,
    ) -> None:
        self._fixture = None if fixture is None else Path(fixture)
        self._profile: Literal["vault", "openbao"] | None = profile
        self._seed = seed
        self._port = port
        self._tls = tls
        self._count = nodes
        self._folder: TemporaryDirectory[str] | None = None
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Event | None = None
        self._control = ""
        self.token = root_token
        """The root token."""
        self.address = ""
        """Where it answers, such as http://127.0.0.1:41297; the first node of a cluster."""
        self.addresses: tuple[str, ...] = ()
        """Where all nodes answer."""
        self.ca_file = ""
        """The certificate authority to trust, with TLS."""

    def __repr__(self) -> str:
        return f"<Sandbox {self.address or 'that is not up'}>"

    def start(self) -> Self:
        """Have it be up."""
        if self._thread is not None:
            raise RuntimeError("the sandbox is up already")
        self._ready.clear()
        self._failure = None
        self._thread = threading.Thread(target=self._run, name="sandboxd", daemon=True)
        self._thread.start()
        if not self._ready.wait(PATIENCE):
            raise TimeoutError(f"the sandbox was not ready after {PATIENCE:.0f} s")
        failure = self._failed()
        if failure is not None:
            self._thread.join()
            self._thread = None
            raise failure
        return self

    def _failed(self) -> BaseException | None:
        return self._failure

    def stop(self) -> None:
        """End it; nothing of it is left."""
        if self._thread is None:
            return
        if self._loop is not None and self._ended is not None:
            self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join()
        self._thread = None
        self.address = self._control = self.ca_file = ""
        self.addresses = ()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.start)

    async def __aexit__(self, *_exception: object) -> None:
        await asyncio.to_thread(self.stop)

    @property
    def control(self) -> Control:
        """The control API."""
        if not self._control:
            raise RuntimeError("the sandbox is not up")
        return Control(self._control, self.token)

    @property
    def chaos(self) -> Chaos:
        """What goes wrong in it."""
        return Chaos(self.control)

    @property
    def nodes(self) -> Nodes:
        """The nodes of the cluster."""
        return Nodes(self.control)

    @property
    def env(self) -> Mapping[str, str]:
        """The variables that point a client at it."""
        found = {"VAULT_ADDR": self.address, "VAULT_TOKEN": self.token}
        if self.ca_file:
            found["VAULT_CACERT"] = self.ca_file
        return found | {key.replace("VAULT_", "BAO_"): value for key, value in found.items()}

    def reset(self) -> None:
        """Go back to the state right after the fixture was applied, with nothing going wrong."""
        self.control.ask("POST", "reset")

    def _run(self) -> None:
        from sandboxd.edge.runtime import run

        try:
            run(self._serve)
        except BaseException as error:  # noqa: BLE001 -- raised where it is waited for
            self._failure = error
        finally:
            self._ready.set()

    def _listener(self) -> Listener:
        from sandboxd.edge.doors import Listener

        if not self._tls:
            return Listener(port=self._port)
        from sandboxd.edge.tls import make_files, server_context
        from sandboxd.vault.clock import Clock

        self._folder = TemporaryDirectory(prefix="sandboxd-")
        files = make_files(Path(self._folder.name), ["127.0.0.1"], Clock())
        self.ca_file = str(files.ca)
        context = server_context(files.certificate, files.key)
        return Listener(port=self._port, tls=context, authority=files.authority)

    async def _serve(self) -> None:
        from sandboxd.edge.control import Control as Desk
        from sandboxd.edge.doors import Listener
        from sandboxd.edge.nodes import Cluster
        from sandboxd.edge.runtime import address_of, controlling, serving
        from sandboxd.edge.sandbox import Options, open_sandbox

        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        options = Options(
            name="test", fixture=self._fixture, profile=self._profile, seed=self._seed, root_token=self.token
        )
        sandbox = await open_sandbox(options)

        async def reload() -> None:
            from sandboxd.fixtures import load, make_plan

            if self._fixture is not None:
                await sandbox.fill(make_plan(load(self._fixture), seed=self._seed))

        listeners = [self._listener()]
        if self._count > 1:
            sandbox.cluster = Cluster(sandbox.world, self._count)
            listeners = [
                replace(listeners[0], node=name, port=self._port and self._port + number)
                for number, name in enumerate(sandbox.cluster.names)
            ]
        try:
            async with AsyncExitStack() as stack:
                desk = Desk(sandbox, stop=self._ended.set, reload=reload)
                found = await stack.enter_async_context(
                    serving(sandbox.world, listeners, desk, cluster=sandbox.cluster)
                )
                own = await stack.enter_async_context(controlling(sandbox.world, Listener(port=0), desk))
                self.token = sandbox.root_token
                self.addresses = tuple(address_of(listeners[0], *each) for each in found)
                self.address = desk.address = sandbox.world.address = self.addresses[0]
                self._control = f"http://{own[0]}:{own[1]}"
                self._ready.set()
                await self._ended.wait()
        finally:
            await sandbox.close()
