"""Whatever is sent to an engine, the answer is a worded one, also after what was sent to it before."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandboxd.edge.app import App
from sandboxd.edge.messages import Incoming
from sandboxd.edge.runtime import make_world
from sandboxd.sys import builtin
from sandboxd.sys.catalog import BuiltIn
from sandboxd.vault.bootstrap import start_dev
from sandboxd.vault.world import Settings

METHODS = ("GET", "POST", "POST", "POST", "DELETE", "LIST")
ODD = st.sampled_from(
    (
        *(None, True, 0, -1, 2**63, 1.5, "", "a", "b", "-1", "1h", "1y", "0x10", "true", "x" * 300, "é\u2028", "\x00"),
        *(
            [],
            {},
            [1],
            ["a"],
            [None],
            {"a": "b"},
            {"": ""},
            ["a=b"],
            '{"a":1}',
            '["a"]',
            "[]",
            "{}",
            "YQ==",
            "a,b",
            "*",
        ),
        *(
            "{{.RoleName}}-{{random 5}}",
            "{{",
            "@daily",
            "0 0 30 2 *",
            "postgresql://{{username}}:{{password}}@localhost/a",
        ),
        *("postgresql-database-plugin", "mysql-database-plugin", "rsa_private_key", "access_token", "client", "user"),
    )
)
PLACES = ("a", "b", "a/b", "..", "%ff", "é")
TYPES = [
    (profile, kind)
    for profile in ("vault", "openbao")
    for kind in BuiltIn().names("mounts")
    if kind != "kv" and builtin.available(profile, "mounts", kind)
]


@pytest.mark.parametrize(("profile", "kind"), TYPES)
def test_no_engine_answers_with_a_traceback(profile: str, kind: str) -> None:
    """Also when time passes in between, and what was made is renewed and revoked."""
    world = make_world(Settings(profile="openbao" if profile == "openbao" else "vault"), seed="engines")
    start_dev(world, "root")
    app = App(world)

    async def send(method: str, target: str, body: object) -> str:
        sent = {"host": ("localhost",), "x-vault-token": ("root",)}
        answer = await app.answer(Incoming(method, target, sent, json.dumps(body).encode(), "127.0.0.1", 1))
        assert 200 <= answer.status <= 599
        return answer.body.decode()

    asyncio.run(send("POST", "/v1/sys/mounts/it", {"type": kind}))
    mounted = world.mounts.find(world.namespaces.at("") or pytest.fail("no root"), "it/x")
    assert mounted is not None, f"{kind} cannot be mounted"
    paths = [
        (path.template, tuple(field.name for field in fields(path.args)))
        for path in mounted[0].backend.paths
        if profile in path.profiles
    ]

    @settings(max_examples=200)
    @given(st.sampled_from(METHODS), st.sampled_from(paths), st.sampled_from(PLACES), st.data())
    def check(method: str, path: tuple[str, tuple[str, ...]], place: str, data: st.DataObject) -> None:
        template, names = path
        target = "/v1/it/" + re.sub(r"\{[^}]*\}", lambda _: place, template).rstrip("/?")
        body = data.draw(st.dictionaries(st.sampled_from(names), ODD, max_size=5)) if names else {}
        text = asyncio.run(send(method, target, body))
        assert not any(
            word in text for word in ("Traceback", "NoneType", "object at 0x", "Expected `", "internal error")
        )
        if data.draw(st.integers(0, 9)) == 0:
            asyncio.run(send("PUT", "/v1/sys/leases/revoke-prefix/it", {"sync": True}))
            asyncio.run(world.timeline.advance(3600))

    check()
