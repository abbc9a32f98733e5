"""The control API's routes about time, rotation and events."""

import json
from pathlib import Path

import pytest
from unit.helpers import START

import sandboxd
from sandboxd.edge.app import App
from sandboxd.edge.control import Control
from sandboxd.edge.messages import Incoming
from sandboxd.edge.sandbox import Options, open_sandbox
from sandboxd.vault.clock import NANOSECONDS, Clock
from sandboxd.vault.events import KINDS

FIXTURE = """
sandbox: shop
secrets:
  secret/db: {owner: orders, rotation: {every: 30d, grace: 1d}, fields: {password: {kind: password}}}
namespaces: {team: {mounts: {kv: kv-v2}, secrets: {kv/x: {rotation: 1d, fields: {a: {kind: hex}}}}}}
"""


@pytest.fixture
async def ask(tmp_path):
    file = tmp_path / "shop.yaml"
    file.write_text(FIXTURE)
    sandbox = await open_sandbox(
        Options(root_token="root", fixture=file, profile="openbao"), Clock(lambda: START * NANOSECONDS)
    )
    control = Control(sandbox, stop=lambda: None, reload=sandbox.reset)
    app = App(sandbox.world, control)

    async def asking(method, name, body=None, token="root"):
        headers = {"x-vault-token": (token,)} if token else {}
        sent = b"" if body is None else json.dumps(body).encode()
        answer = await app.answer(
            Incoming(method, name if name.startswith("/") else f"/_sandboxd/v1/{name}", headers, sent, "127.0.0.1", 1)
        )
        return answer.status, json.loads(answer.body) if answer.body else None

    return asking


@pytest.mark.parametrize(
    ("method", "name"), [("GET", "time"), ("POST", "time/advance"), ("POST", "rotate"), ("GET", "events")]
)
async def test_they_need_the_root_token(ask, method, name):
    assert (await ask(method, name, token="wrong"))[0] == 403


async def test_time_is_told_and_moved(ask):
    status, found = await ask("POST", "time/advance", {"value": "1h"})
    assert (status, found["now"], found["offset"]) == (200, "2026-01-01T01:00:00Z", 3600)
    assert (await ask("GET", "time"))[1]["now"] == "2026-01-01T01:00:00Z"


async def test_what_comes_next_is_told_in_words(ask):
    _, found = await ask("GET", "time")
    assert found["next"]["name"] == "the notice before the rotation of team/kv/x"


@pytest.mark.parametrize(
    ("name", "body", "text"),
    [
        ("time/advance", {"value": "-1h"}, "time only moves forward"),
        ("time/scale", {"value": 0}, "above 0"),
        ("time/at", {"value": "2020-01-01"}, "has passed"),
        ("time/advance", {"by": "1h"}, "unknown field"),
        ("time/advance", [], "the body is not what this takes"),
        ("rotate", {"path": "nowhere/x"}, "nothing is mounted"),
        ("rotate", {}, "required field"),
    ],
)
async def test_what_makes_no_sense_is_refused(ask, name, body, text):
    status, found = await ask("POST", name, body)
    assert status == 400
    assert text in found["errors"][0]


async def test_a_rotation_gives_the_new_state(ask):
    status, found = await ask("POST", "rotate", {"path": "secret/db"})
    assert (status, found["version"], found["state"]) == (200, 2, "grace")
    assert found["next"] == "2026-01-31T00:00:00Z"


@pytest.mark.parametrize("namespace", ["team", "team/", "/team"])
async def test_a_namespace_can_be_named(ask, namespace):
    status, found = await ask("POST", "rotate", {"path": "kv/x", "namespace": namespace})
    assert (status, found["namespace"], found["version"]) == (200, "team/", 2)


async def test_everything_that_rotates_is_shown(ask):
    _, rows = await ask("GET", "rotation")
    assert [(row["namespace"], row["path"], row["owner"]) for row in rows] == [
        ("", "secret/db", "orders"),
        ("team/", "kv/x", ""),
    ]


async def test_events_are_told_from_a_number_on(ask):
    await ask("POST", "time/advance", {"value": "2d"})
    _, found = await ask("GET", "events?kinds=rotation.done")
    assert [event["path"] for event in found["events"]] == ["kv/x", "kv/x"]
    _, rest = await ask("GET", f"events?after={found['events'][0]['id']}&kinds=rotation.done,secret.")
    assert len(rest["events"]) == 1


async def test_a_number_from_before_a_restart_starts_over(ask):
    await ask("POST", "rotate", {"path": "secret/db"})
    assert len((await ask("GET", "events?after=99"))[1]["events"]) == 1


async def test_waiting_for_events_ends(ask):
    assert (await ask("GET", "events?wait=0.01"))[1]["events"] == []


async def test_events_need_sensible_numbers(ask):
    assert (await ask("GET", "events?after=x"))[0] == 400


async def test_tokens_that_read_an_old_version_are_named(ask):
    await ask("GET", "/v1/secret/data/db")
    assert (await ask("GET", "rotation"))[1][0]["old_in_use_by"] == []
    await ask("POST", "rotate", {"path": "secret/db"})
    (user,) = (await ask("GET", "rotation"))[1][0]["old_in_use_by"]
    assert (user["name"], user["version"], user["token_alive"]) == ("token", 1, True)
    await ask("GET", "/v1/secret/data/db")
    assert (await ask("GET", "rotation"))[1][0]["old_in_use_by"] == []


async def test_the_keys_of_a_simulated_cluster_are_there_for_everyone(ask):
    await ask("POST", "/v1/sys/mounts/cluster", {"type": "kubernetes"})
    accessor = (await ask("GET", "/v1/sys/mounts/cluster"))[1]["data"]["accessor"]
    config = {"kubernetes_host": "https://127.0.0.1:6443", "disable_local_ca_jwt": True, "service_account_jwt": "x"}
    await ask("POST", "/v1/cluster/config", config)
    role = {"allowed_kubernetes_namespaces": "*", "service_account_name": "app"}
    await ask("POST", "/v1/cluster/roles/app", role)
    status, found = await ask("POST", "/v1/cluster/creds/app", {"kubernetes_namespace": "shop"})
    assert status == 200, found
    status, keys = await ask("GET", f"kubernetes/{accessor}/openid/v1/jwks", token="")
    assert status == 200
    (key,) = keys["keys"]
    assert _verifies(found["data"]["service_account_token"], key)
    _, discovered = await ask("GET", f"kubernetes/{accessor}/.well-known/openid-configuration", token="")
    assert discovered["jwks_uri"].endswith(f"/_sandboxd/v1/kubernetes/{accessor}/openid/v1/jwks")
    assert (await ask("GET", "kubernetes/none/openid/v1/jwks", token=""))[0] == 404


def _verifies(token, key):
    from base64 import urlsafe_b64decode

    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
    from cryptography.hazmat.primitives.hashes import SHA256

    def number(text):
        return int.from_bytes(urlsafe_b64decode(text + "=="), "big")

    signed, _, signature = token.rpartition(".")
    public = RSAPublicNumbers(number(key["e"]), number(key["n"])).public_key()
    public.verify(urlsafe_b64decode(signature + "=="), signed.encode(), PKCS1v15(), SHA256())
    return True


async def test_a_kind_of_event_that_there_is_not_is_refused_with_those_that_there_are(ask):
    status, found = await ask("GET", "events?kinds=lease.,frob")
    assert status == 400
    assert found["errors"][0].startswith('there are no events of the kind "frob"; there are lease.expiring, ')


def test_the_documentation_names_each_kind_of_event():
    told = (Path(sandboxd.__file__).parent.parent / "docs" / "time.md").read_text(encoding="utf-8")
    assert [kind for kind in KINDS if f"`{kind}`" not in told] == []
