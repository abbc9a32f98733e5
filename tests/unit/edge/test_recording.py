from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from unit.helpers import world

from sandboxd.chaos.kinds.http import Status
from sandboxd.chaos.run import Chaos
from sandboxd.edge.app import App
from sandboxd.edge.http1 import Server
from sandboxd.edge.recording import Recorder
from sandboxd.fixtures.scenarios import fault_of
from sandboxd.vault.bootstrap import create_root_token
from sandboxd.vault.inside import inside

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sandboxd.chaos.drill.watch import Call

PATIENCE = 10.0


class Setting:
    """A world whose listener is watched."""

    def __init__(self) -> None:
        self.world = world("vault")
        self.chaos = Chaos(self.world)
        self.recorder = Recorder(self.world, self.chaos.rules)
        self.server = Server(App(self.world), self.world.clock.now, lambda _incoming: None)
        self.server.watcher = self.recorder
        self.port = 0

    @property
    def calls(self) -> list[Call]:
        return self.recorder.seen.calls

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def ask(self, method: str, path: str, data: Any = None, token: str = "root") -> bytes:
        """One request on a connection of its own; gives all that came back."""
        reader, writer = await self.connect()
        writer.write(request(method, path, data, token))
        try:
            return await asyncio.wait_for(reader.read(), PATIENCE)
        except ConnectionResetError:
            return b""
        finally:
            writer.close()

    async def start(self, text: str) -> None:
        await self.chaos.start(fault_of(text, "test"), seed="s")


def request(method: str, path: str, data: Any = None, token: str = "root") -> bytes:
    body = b"" if data is None else json.dumps(data).encode()
    head = f"{method} /v1/{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Vault-Token: {token}\r\n"
    return f"{head}User-Agent: shop/1.0\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@asynccontextmanager
async def watching() -> AsyncIterator[Setting]:
    setting = Setting()
    listening = await asyncio.get_running_loop().create_server(setting.server, "127.0.0.1", 0)
    setting.port = listening.sockets[0].getsockname()[1]
    await setting.ask("POST", "secret/data/app", {"data": {"x": 1}})
    setting.calls.clear()
    try:
        yield setting
    finally:
        await setting.chaos.stop_all()
        setting.recorder.close()
        listening.close()
        await setting.server.close(patience=1.0)


async def until(condition: Any) -> None:
    """Let the event loop work until something holds."""
    for _ in range(10_000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came to hold")


async def test_a_request_is_told_with_what_it_asks_and_how_it_went():
    async with watching() as setting:
        raw = await setting.ask("GET", "secret/data/app")
        [call] = setting.calls
        root = setting.world.tokens.lookup("root")
        assert root is not None
        assert (call.method, call.path, call.operation, call.app) == ("GET", "secret/data/app", "read", "shop/1.0")
        assert (call.status, call.outcome, call.accessor, call.token) == (200, "good", root.accessor, "live")
        assert call.sent == call.size == len(raw)


async def test_a_connection_is_told_with_the_number_of_its_requests():
    async with watching() as setting:
        _, writer = await setting.connect()
        await until(lambda: len(setting.recorder.seen.lines) == 2)
        writer.close()
        await until(lambda: setting.recorder.seen.lines[1].closed is not None)
        assert [line.calls for line in setting.recorder.seen.lines] == [1, 0]


async def test_what_a_request_does_is_told_by_its_most_telling_name():
    async with watching() as setting:
        await setting.ask("POST", "auth/token/renew-self", {})
        await setting.ask("LIST", "secret/metadata")
        await setting.ask("POST", "secret/data/app", {"data": {"x": 2}})
        await setting.ask("DELETE", "secret/data/app")
        assert [call.operation for call in setting.calls] == ["renew", "list", "write", "delete"]


async def test_a_login_has_no_token():
    async with watching() as setting:
        await setting.ask("POST", "sys/auth/userpass", {"type": "userpass"})
        await setting.ask("POST", "auth/userpass/login/ann", {"password": "x"}, token="")
        assert (setting.calls[1].operation, setting.calls[1].token) == ("login", "none")


async def test_a_fault_that_strikes_is_told():
    async with watching() as setting:
        await setting.start("status code=503 path=secret/*")
        await setting.ask("GET", "secret/data/app")
        await setting.ask("GET", "sys/seal-status")
        assert [(call.struck, call.status, call.outcome) for call in setting.calls] == [
            ("status", 503, "failed"),
            ("", 200, "good"),
        ]


async def test_strikes_go_on_to_whoever_was_told_of_them_before():
    async with watching() as setting:
        await setting.start("status code=503")
        await setting.ask("GET", "secret/data/app")
        assert len(setting.chaos.rules.struck) == 1


async def test_an_answer_that_is_lost_is_no_answer():
    async with watching() as setting:
        await setting.start("answer-lost")
        await setting.ask("GET", "secret/data/app")
        assert [(call.struck, call.outcome, call.sent) for call in setting.calls] == [("answer-lost", "lost", 0)]


async def test_garbage_is_no_answer():
    async with watching() as setting:
        await setting.start("garbage size=4096")
        await setting.ask("GET", "secret/data/app")
        assert [(call.outcome, call.status) for call in setting.calls] == [("lost", 0)]


async def test_an_answer_in_pieces_is_one():
    async with watching() as setting:
        await setting.start("dribble pieces=3 over=2ms")
        await setting.ask("GET", "secret/data/app")
        assert [(call.outcome, call.struck) for call in setting.calls] == [("good", "dribble")]


async def test_an_app_that_waits_no_longer_has_left():
    async with watching() as setting:
        await setting.start("silent")
        _, writer = await setting.connect()
        writer.write(request("GET", "secret/data/app"))
        await until(lambda: setting.calls)
        assert setting.calls[0].outcome == "open"
        writer.close()
        await until(lambda: setting.calls[0].until is not None)
        assert setting.calls[0].outcome == "left"


async def test_a_token_that_is_gone_is_dead_and_still_known_by_its_accessor():
    async with watching() as setting:
        token = create_root_token(setting.world, leased=True)
        await setting.ask("GET", "secret/data/app", token=token.id)
        await setting.world.leases.revoke_tree(token)
        await setting.ask("GET", "secret/data/app", token=token.id)
        assert [(call.token, call.accessor) for call in setting.calls] == [
            ("live", token.accessor),
            ("dead", token.accessor),
        ]
        assert setting.calls[1].dead


async def test_a_renewal_tells_how_much_time_was_left():
    async with watching() as setting:
        async with inside(setting.world, "test") as requests:
            made = await requests.send("update", "", "auth/token/create", {"ttl": "100s", "no_parent": True})
        assert made is not None
        assert made.auth is not None
        setting.world.clock.advance(75)
        await setting.ask("POST", "auth/token/renew-self", {}, token=made.auth.token)
        assert setting.calls[0].left is not None
        assert round(setting.calls[0].left, 2) == 0.25


async def test_a_write_with_check_and_set_is_guarded():
    async with watching() as setting:
        await setting.ask("POST", "secret/data/app", {"data": {"x": 2}, "options": {"cas": 1}})
        await setting.ask("POST", "secret/data/app", {"data": {"x": 2}})
        assert [call.guarded for call in setting.calls] == [True, False]


async def test_a_redirect_that_leads_here_can_be_followed():
    async with watching() as setting:
        setting.recorder.addresses = ("http://127.0.0.1:1",)
        for host in ("http://127.0.0.1:1", "http://127.0.0.1:2"):
            fault = Status(code=307, headers={"Location": f"{host}/v1/x"}, times=1)
            await setting.chaos.start(fault, seed="s")
            await setting.ask("GET", "secret/data/app")
        assert [(call.outcome, call.followable) for call in setting.calls] == [("moved", True), ("moved", False)]


async def test_tokens_in_paths_are_not_kept():
    async with watching() as setting:
        await setting.ask("POST", f"auth/token/renew/hvs.{'A' * 24}")
        assert setting.calls[0].path == "auth/token/renew/<token>"


async def test_what_is_not_of_the_api_is_not_told():
    async with watching() as setting:
        reader, writer = await setting.connect()
        writer.write(b"GET /ui/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        await asyncio.wait_for(reader.read(), PATIENCE)
        writer.close()
        assert setting.calls == []
        assert setting.recorder.seen.lines[-1].calls == 1


async def test_a_secret_that_changes_is_told_of():
    async with watching() as setting:
        async with inside(setting.world, "test") as requests:
            await requests.write("", "secret/data/app", {"data": {"x": 2}})
        assert [(change.path, change.undone) for change in setting.recorder.seen.changes] == [
            ("secret/data/app", False)
        ]


async def test_a_secret_that_is_as_it_was_before_is_told_so():
    async with watching() as setting:
        storage = setting.world.storage
        [path] = [path for path in storage.snapshot().values if path.endswith("versioned/app")]
        before = storage.get(path)
        assert before is not None
        async with inside(setting.world, "test") as requests:
            await requests.write("", "secret/data/app", {"data": {"x": 2}})
        storage.put(path, before)
        assert [change.undone for change in setting.recorder.seen.changes] == [False, True]


async def test_what_the_app_writes_by_itself_is_no_news_to_it():
    async with watching() as setting:
        await setting.ask("POST", "secret/data/app", {"data": {"x": 2}})
        assert setting.recorder.seen.changes == []


async def test_what_does_not_change_how_a_secret_is_read_is_no_change():
    async with watching() as setting:
        async with inside(setting.world, "test") as requests:
            await requests.write("", "secret/metadata/app", {"max_versions": 5})
        assert setting.recorder.seen.changes == []


async def test_what_was_seen_up_to_a_moment_stays_as_it_was_then():
    async with watching() as setting:
        await setting.start("silent")
        _, writer = await setting.connect()
        writer.write(request("GET", "secret/data/app"))
        await until(lambda: setting.calls)
        kept = setting.recorder.kept()
        writer.close()
        await until(lambda: setting.calls[0].until is not None)
        assert [call.outcome for call in kept.calls] == ["open"]
        assert len(kept.lines) == 2


async def test_when_it_is_closed_it_watches_no_longer():
    async with watching() as setting:
        setting.recorder.close()
        async with inside(setting.world, "test") as requests:
            await requests.write("", "secret/data/app", {"data": {"x": 2}})
        assert setting.recorder.seen.changes == []
