import json

import pytest
from unit.helpers import START, call

from sandboxd.edge.app import App
from sandboxd.edge.control import Control
from sandboxd.edge.messages import Incoming
from sandboxd.edge.sandbox import Options, open_sandbox
from sandboxd.vault.clock import NANOSECONDS, Clock


class Setting:
    """A sandbox with its control API, and what was asked of the process."""

    def __init__(self, sandbox) -> None:
        self.sandbox = sandbox
        self.stopped = self.reloaded = 0
        self.control = Control(sandbox, stop=self.stop, reload=self.reload)
        self.control.address = "http://127.0.0.1:1"
        self.app = App(sandbox.world, self.control)

    def stop(self) -> None:
        self.stopped += 1

    async def reload(self) -> None:
        self.reloaded += 1
        self.sandbox.problems = ("shop.yaml:1:1 wrong",)

    async def ask(self, method, name, body=b"", token="root"):
        headers = {"x-vault-token": (token,)} if token else {}
        answer = await self.app.answer(Incoming(method, f"/_sandboxd/v1/{name}", headers, body, "127.0.0.1", 1))
        return answer.status, json.loads(answer.body)


@pytest.fixture
async def setting():
    clock = Clock(lambda: START * NANOSECONDS)
    return Setting(await open_sandbox(Options(root_token="root", name="shop"), clock))


async def test_the_status_needs_no_token(setting):
    status, found = await setting.ask("GET", "status", token="")
    assert status == 200
    assert (found["name"], found["address"], found["started"]) == ("shop", "http://127.0.0.1:1", START)


async def test_the_status_tells_no_token(setting):
    _, found = await setting.ask("GET", "status")
    assert "root" not in json.dumps(found).replace("rooted", "")


@pytest.mark.parametrize("name", ["reset", "reload", "verify", "stop"])
@pytest.mark.parametrize("token", ["", "wrong", "root2", "ro\udcffot"])
async def test_whatever_changes_something_needs_the_root_token(setting, name, token):
    status, found = await setting.ask("POST", name, b'{"value": "x"}', token)
    assert status == 403
    assert found["errors"] == ["this needs the sandbox's root token in X-Vault-Token; `sandboxd env` has it"]
    assert setting.stopped == setting.reloaded == 0


async def test_a_reset_forgets_what_was_written(setting):
    call(setting.sandbox.world, "POST", "cubbyhole/a", {"x": 1})
    assert await setting.ask("POST", "reset") == (200, {"reset": True})
    assert call(setting.sandbox.world, "GET", "cubbyhole/a").status == 404


async def test_a_reload_tells_of_problems(setting):
    assert await setting.ask("POST", "reload") == (200, {"problems": ["shop.yaml:1:1 wrong"]})
    assert setting.reloaded == 1


async def test_stop_stops(setting):
    assert await setting.ask("POST", "stop") == (200, {"stopping": True})
    assert setting.stopped == 1


async def test_a_value_is_verified(setting):
    status, found = await setting.ask("POST", "verify", b'{"value": "hunter2"}')
    assert status == 200
    assert (found["ours"], found["declared"]) == (False, None)
    assert "hunter2" not in json.dumps(found)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"{}", b'{"value": 7}', b"\xff"])
async def test_a_body_that_is_no_question_is_refused_without_showing_it(setting, body):
    status, found = await setting.ask("POST", "verify", body)
    assert status == 400
    assert found["errors"][0].startswith("the body is not what this takes: ")


@pytest.mark.parametrize(
    ("method", "name", "status", "text"),
    [
        ("GET", "nothing", 404, "no such route"),
        ("GET", "", 404, "no such route"),
        ("GET", "reset", 405, "no GET /_sandboxd/v1/reset"),
        ("DELETE", "status", 405, "no DELETE /_sandboxd/v1/status"),
    ],
)
async def test_what_is_not_there_is_said_so(setting, method, name, status, text):
    assert await setting.ask(method, name) == (status, {"errors": [text]})


async def test_a_sandbox_without_control_has_no_such_paths(setting):
    answer = await App(setting.sandbox.world).answer(Incoming("GET", "/_sandboxd/v1/status", {}, b"", "127.0.0.1", 1))
    assert answer.status == 404


async def test_a_reset_that_cannot_be_kept_says_why(setting, monkeypatch):
    class Full:
        def commit(self, batch):
            raise OSError("no space left on device")

    call(setting.sandbox.world, "POST", "cubbyhole/a", {"x": 1})
    setting.sandbox.world.storage._journal = Full()
    status, found = await setting.ask("POST", "reset")
    assert (status, found["errors"]) == (500, ["failed to persist: no space left on device"])
    assert call(setting.sandbox.world, "GET", "cubbyhole/a").status == 200
