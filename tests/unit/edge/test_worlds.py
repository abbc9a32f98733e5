"""Worlds beside the main one: apart from it and from each other, found by header or namespace."""

import asyncio
import json

import pytest
from unit.helpers import START
from unit.leasing import lend

from sandboxd.edge import worlds as module
from sandboxd.edge.app import App
from sandboxd.edge.control import Control
from sandboxd.edge.doors import Listener
from sandboxd.edge.messages import Incoming
from sandboxd.edge.runtime import serving
from sandboxd.edge.sandbox import Options, open_sandbox
from sandboxd.vault.clock import NANOSECONDS, Clock

FIXTURE = """
sandbox: shop
secrets:
  secret/app:
    fields:
      user: app
"""


class Setting:
    """A sandbox with its control API, asked as over HTTP."""

    def __init__(self, sandbox, real) -> None:
        self.sandbox = sandbox
        self.real = real
        self.reloaded = 0
        self.control = Control(sandbox, stop=lambda: None, reload=self.reload)
        self.worlds = self.control.worlds
        self.app = App(sandbox.world, self.control, self.worlds)

    async def reload(self) -> None:
        self.reloaded += 1

    async def send(self, method, target, body=None, **headers):
        """The answer, and the headers of the request as the connection has them for it."""
        sent = {"x-vault-token": ("root",)} | {name.replace("_", "-"): (value,) for name, value in headers.items()}
        raw = b"" if body is None else json.dumps(body).encode()
        return await self.app.answer(Incoming(method, target, sent, raw, "127.0.0.1", 1)), sent

    async def ask(self, method, target, body=None, **headers):
        answer, _ = await self.send(method, target, body, **headers)
        return answer.status, json.loads(answer.body) if answer.body else None

    async def control_api(self, method, name, body=None, **headers):
        return await self.ask(method, f"/_sandboxd/v1/{name}", body, **headers)

    async def new(self, name="", **wish):
        status, found = await self.control_api("POST", "worlds", {"name": name, **wish})
        assert status == 200, found
        return found

    async def write(self, value, prefix="", path="secret/data/app", **headers):
        assert (await self.ask("POST", f"/v1/{prefix}{path}", {"data": {"user": value}}, **headers))[0] == 200

    async def read(self, prefix="", path="secret/data/app", **headers):
        status, found = await self.ask("GET", f"/v1/{prefix}{path}", **headers)
        return found["data"]["data"]["user"] if status == 200 else status


class Real:
    """Real time, as a test has it pass."""

    def __init__(self) -> None:
        self.now = START * NANOSECONDS

    def __call__(self) -> int:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += int(seconds * NANOSECONDS)


async def started(tmp_path, **options):
    path = tmp_path / "shop.yaml"
    path.write_text(FIXTURE)
    real = Real()
    return Setting(await open_sandbox(Options(fixture=path, root_token="root", **options), Clock(real)), real)


@pytest.fixture
async def setting(tmp_path):
    made = await started(tmp_path)
    yield made
    await made.worlds.close()


# Which world a request belongs to


async def test_a_new_world_tells_how_it_is_reached(setting):
    found = await setting.new("gw0", ttl="10m")
    assert (found["name"], found["namespace"], found["header"]) == ("gw0", "gw0", "X-Sandboxd-World: gw0")
    assert (found["root_token"], found["from"], found["ttl"]) == ("root", "baseline", 600)


async def test_a_world_is_reached_by_header_by_namespace_and_by_path(setting):
    await setting.new("a")
    await setting.write("inside", x_sandboxd_world="a")
    assert await setting.read(x_sandboxd_world="a") == "inside"
    assert await setting.read(x_vault_namespace="a") == "inside"
    assert await setting.read(x_vault_namespace="/a/") == "inside"
    assert await setting.read("a/") == "inside"
    assert await setting.read("a/", x_sandboxd_world="a") == "inside"
    assert await setting.read() == "app"


async def test_worlds_do_not_see_each_other(setting):
    for name in ("a", "b"):
        await setting.new(name)
        await setting.write(name, f"{name}/")
    assert [await setting.read("a/"), await setting.read("b/"), await setting.read()] == ["a", "b", "app"]


async def test_a_token_of_one_world_is_unknown_in_another(setting):
    for name in ("a", "b"):
        await setting.new(name)
    _, made = await setting.ask("POST", "/v1/a/auth/token/create", {})
    token = made["auth"]["client_token"]
    assert (await setting.ask("GET", "/v1/a/auth/token/lookup-self", x_vault_token=token))[0] == 200
    assert (await setting.ask("GET", "/v1/b/auth/token/lookup-self", x_vault_token=token))[0] == 403
    assert (await setting.ask("GET", "/v1/auth/token/lookup-self", x_vault_token=token))[0] == 403


async def test_an_unknown_world_in_the_header_is_told_as_such(setting):
    status, found = await setting.ask("GET", "/v1/secret/data/app", x_sandboxd_world="nowhere")
    assert (status, found) == (404, {"errors": ['there is no world "nowhere"; it was never made, or it has ended']})


async def test_an_unknown_world_in_the_namespace_is_a_namespace_that_is_not_there(setting):
    assert (await setting.ask("GET", "/v1/secret/data/app", x_vault_namespace="nowhere"))[0] == 404
    await setting.new("a")
    status, found = await setting.ask("GET", "/v1/secret/data/app", x_sandboxd_world="a", x_vault_namespace="b")
    assert (status, found) == (404, {"errors": ["namespace not found"]})


async def test_namespaces_work_below_a_world(setting):
    await setting.new("a")
    assert (await setting.ask("POST", "/v1/sys/namespaces/team", {}, x_vault_namespace="a"))[0] == 200
    mount = {"type": "kv", "options": {"version": "2"}}
    for prefix, headers in (
        ("", {"x_vault_namespace": "a/team"}),
        ("a/team/", {}),
        ("team/", {"x_vault_namespace": "a"}),
        ("", {"x_vault_namespace": "team", "x_sandboxd_world": "a"}),
    ):
        await setting.ask("POST", f"/v1/{prefix}sys/mounts/kv", mount, **headers)
        await setting.write("team", prefix, "kv/data/x", **headers)
        assert await setting.read(prefix, "kv/data/x", **headers) == "team"
    assert (await setting.ask("LIST", "/v1/sys/namespaces", x_vault_namespace="a"))[1]["data"]["keys"] == ["team/"]
    assert (await setting.ask("LIST", "/v1/sys/namespaces"))[0] == 404


async def test_the_answer_repeats_the_namespace_without_the_world(setting):
    await setting.new("a")
    _, sent = await setting.send("GET", "/v1/secret/data/app", x_vault_namespace="a")
    assert "x-vault-namespace" not in sent
    _, sent = await setting.send("GET", "/v1/secret/data/app", x_vault_namespace="a/team")
    assert sent["x-vault-namespace"] == ("team",)
    _, sent = await setting.send("GET", "/v1/secret/data/app", x_vault_namespace="b/team")
    assert sent["x-vault-namespace"] == ("b/team",)


@pytest.mark.parametrize(("sent", "repeated"), [("a", b""), ("a/team", b"team"), ("team", b"team")])
async def test_over_http_the_answer_repeats_the_namespace_without_the_world(setting, sent, repeated):
    async with serving(setting.sandbox.world, [Listener(port=0)], setting.control) as [(_, port)]:
        await setting.new("a")
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        lines = ("GET /v1/sys/mounts HTTP/1.1", "Host: localhost", f"X-Vault-Namespace: {sent}", "Connection: close")
        writer.write("\r\n".join((*lines, "", "")).encode())
        head = (await asyncio.wait_for(reader.read(), 10)).partition(b"\r\n\r\n")[0]
        writer.close()
    told = [line.partition(b": ")[2] for line in head.split(b"\r\n") if line.startswith(b"X-Vault-Namespace")]
    assert told == ([repeated] if repeated else [])
    assert not list(setting.worlds)


async def test_what_only_the_root_namespace_has_is_there_in_a_world(setting):
    await setting.new("a")
    assert (await setting.ask("GET", "/v1/sys/health", x_vault_namespace="a"))[0] == 200
    assert (await setting.ask("GET", "/v1/a/sys/health"))[0] == 200
    assert (await setting.ask("GET", "/v1/sys/health", x_vault_namespace="a/team"))[0] == 400


async def test_a_redirect_leads_back_into_the_world(setting):
    await setting.new("a")
    answer, _ = await setting.send("GET", "/v1/a//secret/data/app?version=1")
    assert (answer.status, dict(answer.headers)["Location"]) == (307, "/v1/a/secret/data/app?version=1")


async def test_a_wrapped_answer_is_unwrapped_in_its_world(setting):
    await setting.new("a")
    await setting.write("inside", "a/")
    _, wrapped = await setting.ask("GET", "/v1/a/secret/data/app", x_vault_wrap_ttl="60s")
    info = wrapped["wrap_info"]
    assert info["creation_path"] == "secret/data/app"
    assert (await setting.ask("POST", "/v1/sys/wrapping/unwrap", {}, x_vault_token=info["token"]))[0] == 400
    _, found = await setting.ask("POST", "/v1/a/sys/wrapping/unwrap", {}, x_vault_token=info["token"])
    assert found["data"]["data"]["user"] == "inside"


async def test_a_world_can_be_sealed_alone(setting):
    await setting.new("a")
    await setting.ask("POST", "/v1/sys/seal", {}, x_sandboxd_world="a")
    assert await setting.read("a/") == 503
    assert await setting.read() == "app"
    assert (await setting.control_api("POST", "worlds/a/reset"))[0] == 200
    assert await setting.read("a/") == "app"


async def test_an_origin_is_let_in_when_a_world_lets_it_in(setting):
    await setting.new("a")
    assert setting.app.cors_origins() == ()
    origin = "http://localhost:3000"
    await setting.ask("POST", "/v1/a/sys/config/cors", {"allowed_origins": [origin]})
    assert setting.app.cors_origins() == (origin,)
    answer, _ = await setting.send("GET", "/v1/a/secret/data/app", origin=origin)
    assert (answer.status, dict(answer.headers)["Access-Control-Allow-Origin"]) == (200, origin)


# Making, listing, resetting, ending


async def test_a_world_starts_without_what_a_client_wrote_unless_it_is_to(setting):
    await setting.write("changed")
    await setting.new("clean")
    await setting.new("copy", **{"from": "now"})
    assert await setting.read("clean/") == "app"
    assert await setting.read("copy/") == "changed"


async def test_a_world_starts_from_a_snapshot(setting):
    await setting.write("then")
    await setting.control_api("POST", "snapshots", {"name": "s"})
    await setting.write("later")
    await setting.new("a", **{"from": "s"})
    assert await setting.read("a/") == "then"
    await setting.write("changed", "a/")
    await setting.control_api("POST", "worlds/a/reset")
    assert await setting.read("a/") == "then"


async def test_a_reset_of_a_world_is_about_it_alone(setting):
    await setting.new("a")
    await setting.write("main")
    await setting.write("inside", "a/")
    await setting.control_api("POST", "reset", x_sandboxd_world="a")
    assert [await setting.read("a/"), await setting.read()] == ["app", "main"]
    await setting.write("inside", "a/")
    await setting.control_api("POST", "reset")
    assert [await setting.read("a/"), await setting.read()] == ["inside", "app"]


async def test_an_ended_world_is_gone(setting):
    await setting.new("a")
    await setting.new("b")
    assert (await setting.control_api("DELETE", "worlds/a"))[0] == 200
    assert (await setting.control_api("DELETE", "worlds/a"))[0] == 404
    assert await setting.read(x_vault_namespace="a") == 404
    _, found = await setting.control_api("GET", "worlds")
    assert [each["name"] for each in found["worlds"]] == ["b"]
    assert "root_token" not in found["worlds"][0]


async def test_names_are_made_up_that_mean_nothing_else(setting):
    await setting.ask("POST", "/v1/sys/mounts/w2", {"type": "kv"})
    await setting.new("w1")
    assert [(await setting.new())["name"] for _ in range(2)] == ["w3", "w4"]


@pytest.mark.parametrize(
    ("name", "status", "text"),
    [
        ("secret", 409, 'a world cannot be called "secret": paths that begin so lead to the mount "secret/"'),
        ("team", 409, 'a world cannot be called "team": paths that begin so lead to the namespace "team"'),
        ("a", 409, 'there is a world "a" already'),
        ("sys", 400, 'a world cannot be called "sys": that name has a meaning of its own'),
        ("AUTH", 400, 'a world cannot be called "AUTH": that name has a meaning of its own'),
        ("a/b", 400, 'a world cannot be called "a/b": a name has up to 64 letters'),
        ("-a", 400, 'a world cannot be called "-a": a name has up to 64 letters'),
        ("a" * 65, 400, "a world cannot be called"),
        ("a\nb", 400, 'a world cannot be called "a?b"'),
    ],
)
async def test_a_name_that_cannot_be_used_is_refused(setting, name, status, text):
    await setting.ask("POST", "/v1/sys/namespaces/team", {})
    await setting.new("a")
    found = await setting.control_api("POST", "worlds", {"name": name})
    assert found[0] == status
    assert found[1]["errors"][0].startswith(text)
    assert len(list(setting.worlds)) == 1


@pytest.mark.parametrize(
    ("wish", "status"), [({"ttl": "soon"}, 400), ({"ttl": -1}, 400), ({"from": "nowhere"}, 404), ({"form": "x"}, 400)]
)
async def test_a_wish_that_makes_no_sense_makes_no_world(setting, wish, status):
    assert (await setting.control_api("POST", "worlds", wish))[0] == status
    assert not list(setting.worlds)


async def test_there_are_no_more_worlds_than_the_sandbox_takes(tmp_path):
    setting = await started(tmp_path, max_worlds=2)
    await setting.new()
    await setting.new()
    status, found = await setting.control_api("POST", "worlds", {})
    assert status == 429
    assert found["errors"][0].startswith("there are 2 worlds already, and this sandbox takes no more")
    await setting.control_api("DELETE", "worlds/w1")
    await setting.new()
    await setting.worlds.close()


async def test_a_world_ends_when_it_was_idle_too_long(tmp_path, monkeypatch):
    setting = await started(tmp_path, world_ttl=60)
    later = []

    def call_later(seconds, call, *arguments):
        later.append((seconds, lambda: call(*arguments)))

    monkeypatch.setattr(asyncio.get_running_loop(), "call_later", call_later)
    await setting.new("a")
    await setting.new("endless", ttl=0)
    setting.real.passes(40)
    await setting.read("a/")
    setting.real.passes(20)
    seconds, call = later.pop()
    assert seconds == 60
    call()
    seconds, call = later.pop()
    assert seconds == 40
    setting.real.passes(40)
    call()
    assert [world.name for world in setting.worlds] == ["endless"]
    await setting.worlds.close()


async def test_a_seed_makes_a_world_of_a_name_repeatable(tmp_path):
    made = []
    for _ in range(2):
        setting = await started(tmp_path, seed="x")
        await setting.new("a")
        await setting.new("b")
        made.append(
            [(await setting.ask("POST", f"/v1/{n}/auth/token/create", {}))[1]["auth"]["client_token"] for n in "ab"]
        )
        await setting.worlds.close()
    assert made[0] == made[1]
    assert len(set(made[0])) == 2


async def test_a_world_keeps_its_fixture_when_the_main_one_gets_another(setting, tmp_path):
    from sandboxd.fixtures import load, make_plan

    await setting.new("a")
    path = tmp_path / "shop.yaml"
    path.write_text(FIXTURE.replace("app\n", "changed\n"))
    await setting.sandbox.fill(make_plan(load(path)))
    await setting.new("b")
    await setting.control_api("POST", "worlds/a/reset")
    assert [await setting.read("a/"), await setting.read("b/"), await setting.read()] == ["app", "changed", "changed"]


async def test_the_end_of_a_world_undoes_in_upstreams_what_was_made_in_it_and_nothing_else(tmp_path):
    setting = await started(tmp_path, live=True, profile="openbao")
    lender = lend(setting.sandbox.world)
    await setting.ask("GET", "/v1/lend/creds/main")
    await setting.new("a", **{"from": "now"})
    await setting.ask("GET", "/v1/a/lend/creds/inside")
    await setting.control_api("DELETE", "worlds/a")
    assert lender.revoked == ["inside"]


async def test_an_ended_world_has_no_audit_log_open(setting, tmp_path):
    await setting.new("a")
    await setting.ask("POST", "/v1/a/sys/audit/file", {"type": "file", "options": {"file_path": f"{tmp_path}/log"}})
    audit = setting.worlds.get("a").sandbox.world.audit
    (device,) = audit._devices.values()
    closed = []
    device.sink.close = lambda: closed.append(device.entry.path)
    await setting.control_api("DELETE", "worlds/a")
    assert closed == ["file/"]


# Time


async def test_time_passes_in_each_world_on_its_own(setting):
    await setting.new("a")
    await setting.control_api("POST", "time/advance", {"value": "48h"}, x_sandboxd_world="a")
    day = [
        (await setting.control_api("GET", "time", **headers))[1]["now"][:10]
        for headers in ({}, {"x_sandboxd_world": "a"})
    ]
    assert day == ["2026-01-01", "2026-01-03"]
    await setting.new("b", **{"from": "now"})
    assert (await setting.control_api("GET", "time", x_sandboxd_world="b"))[1]["now"][:10] == "2026-01-01"


async def test_a_world_made_of_a_moved_moment_starts_there(setting):
    await setting.control_api("POST", "time/advance", {"value": "48h"})
    await setting.control_api("POST", "time/freeze")
    await setting.new("a", **{"from": "now"})
    await setting.new("b")
    days = [(await setting.control_api("GET", "time", x_sandboxd_world=name))[1]["now"][:10] for name in "ab"]
    assert days == ["2026-01-03", "2026-01-01"]


async def test_an_answer_is_dated_by_the_time_of_its_world(setting):
    await setting.new("a")
    await setting.control_api("POST", "time/advance", {"value": "48h"}, x_sandboxd_world="a")
    inside, _ = await setting.send("GET", "/v1/a/secret/data/app")
    main, _ = await setting.send("GET", "/v1/secret/data/app")
    assert dict(inside.headers)["Date"] == "Sat, 03 Jan 2026 00:00:00 GMT"
    assert "Date" not in dict(main.headers)


async def test_what_is_due_in_a_world_happens_also_when_nobody_asks(setting, monkeypatch):
    ticked = []

    async def tick(world):
        ticked.append(world)

    monkeypatch.setattr(module, "tick", tick)
    await setting.new("a")
    await setting.worlds.get("a").ticking
    assert ticked == [setting.worlds.get("a").sandbox.world]


# The control API


async def test_the_status_is_that_of_the_world(setting):
    await setting.new("a")
    await setting.ask("POST", "/v1/a/auth/token/create", {})
    reports = [(await setting.control_api("GET", "status", **h))[1] for h in ({}, {"x_sandboxd_world": "a"})]
    assert [report["world"] for report in reports] == ["", "a"]
    assert reports[1]["tokens"] == reports[0]["tokens"] + 1


async def test_the_fixture_is_read_again_for_the_main_world(setting):
    await setting.new("a")
    assert await setting.control_api("POST", "reload", x_sandboxd_world="a") == (200, {"problems": []})
    assert setting.reloaded == 1


async def test_worlds_are_made_from_within_a_world_as_well(setting):
    await setting.new("a")
    assert (await setting.control_api("POST", "worlds", {"name": "b"}, x_sandboxd_world="a"))[0] == 200
    assert [world.name for world in setting.worlds] == ["a", "b"]


@pytest.mark.parametrize("method_and_name", [("GET", "worlds"), ("POST", "worlds"), ("DELETE", "worlds/a")])
async def test_worlds_are_the_owners_matter(setting, method_and_name):
    await setting.new("a")
    assert (await setting.control_api(*method_and_name, x_vault_token="wrong"))[0] == 403
    assert len(list(setting.worlds)) == 1


async def test_without_worlds_a_request_costs_no_look_for_one(setting):
    incoming = Incoming("GET", "/v1/secret/data/app", {}, b"", "127.0.0.1", 1)
    assert setting.worlds.elsewhere(incoming) is None
