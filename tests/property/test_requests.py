"""Whatever is sent, the answer is a worded one."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import fields
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandboxd.edge.app import App
from sandboxd.edge.messages import Answer, Incoming
from sandboxd.edge.runtime import make_world
from sandboxd.vault.bootstrap import start_dev
from sandboxd.vault.namespaces import ROOT
from sandboxd.vault.storage import Storage
from sandboxd.vault.world import Settings

if TYPE_CHECKING:
    from sandboxd.vault.world import World

METHODS_OF_PATHS = ("GET", "POST", "POST", "POST", "PUT", "DELETE", "LIST", "PATCH")
METHODS = st.sampled_from(("GET", "POST", "PUT", "DELETE", "LIST", "PATCH", "HEAD", "SCAN", "OPTIONS", "FOO"))
ROUTES = (
    "secret/data/{}",
    "secret/metadata/{}",
    "secret/delete/{}",
    "secret/destroy/{}",
    "secret/undelete/{}",
    "secret/config",
    "secret/subkeys/{}",
    "cubbyhole/{}",
    "auth/token/create",
    "auth/token/lookup",
    "auth/token/renew",
    "auth/token/roles/{}",
    "auth/token/lookup-accessor",
    "auth/approle/role/{}",
    "auth/approle/role/{}/secret-id",
    "auth/approle/login",
    "auth/userpass/users/{}",
    "auth/userpass/login/{}",
    "sys/mounts/{}",
    "sys/mounts/secret/tune",
    "sys/auth/{}",
    "sys/policies/acl/{}",
    "sys/policies/password/{}",
    "sys/leases/lookup",
    "sys/leases/renew",
    "sys/capabilities-self",
    "sys/wrapping/wrap",
    "sys/wrapping/unwrap",
    "sys/wrapping/lookup",
    "sys/namespaces/{}",
    "sys/internal/ui/mounts/{}",
    "sys/quotas/rate-limit/{}",
    "sys/config/cors",
    "sys/tools/random/{}",
    "sys/tools/hash",
    "sys/remount",
    "identity/entity",
    "identity/entity/name/{}",
    "identity/group",
    "identity/entity-alias",
    "identity/lookup/entity",
    "{}",
    "sys/{}",
    "auth/{}",
)
SEGMENTS = st.one_of(
    st.sampled_from(("a", "x/y", "a//b", "..", "%00", "%zz", "%ff", "é", "A" * 300)), st.text(max_size=8)
)
FIELDS = st.sampled_from(
    (
        "type",
        "ttl",
        "policies",
        "policy",
        "data",
        "options",
        "config",
        "cas",
        "versions",
        "name",
        "path",
        "paths",
        "id",
        "token",
        "lease_id",
        "increment",
        "period",
        "num_uses",
        "metadata",
        "password",
        "role_id",
        "secret_id",
        "rate",
        "allowed_origins",
        "input",
        "bytes",
        "from",
        "to",
        "aliases",
        "custom_metadata",
        "max_versions",
        "token_ttl",
    )
)
VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12), st.sampled_from(("1h", "kv", "x"))
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=6,
)
BODIES = st.one_of(
    st.binary(max_size=40),
    st.dictionaries(FIELDS, VALUES, max_size=4).map(lambda found: json.dumps(found).encode()),
    st.sampled_from(
        (b"", b"{}", b"[]", b"null", b'{"a":' + b"[" * 3000, b'{"a":1e999}', b'{"data":{"a":' + b"9" * 400 + b"}}")
    ),
)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "x-vault-wrap-ttl": st.sampled_from(("60s", "-1", "x", "")),
        "x-vault-namespace": st.sampled_from(("", "a", "root", "../x")),
        "content-type": st.sampled_from(("application/json", "application/merge-patch+json", "x")),
        "authorization": st.sampled_from(("Bearer root", "bearer x", "")),
    },
)


@pytest.mark.parametrize("profile", ["vault", "openbao"])
def test_no_request_is_answered_by_a_traceback(profile: str) -> None:
    """Each answer has a status that there is, and a body in the form that its status promises."""
    world = make_world(Settings(profile="openbao" if profile == "openbao" else "vault"), seed="fuzz")
    start_dev(world, "root")
    app = App(world)

    def send(method: str, path: str, headers: dict[str, str], body: bytes, token: str = "root") -> object:
        sent = {"host": ("localhost",), "x-vault-token": (token,)} | {name: (text,) for name, text in headers.items()}
        return asyncio.run(app.answer(Incoming(method, path, sent, body, "127.0.0.1", 1)))

    for kind in ("approle", "userpass"):
        send("POST", f"/v1/sys/auth/{kind}", {}, json.dumps({"type": kind}).encode())

    @settings(max_examples=600, deadline=None, derandomize=True)
    @given(METHODS, st.sampled_from(ROUTES), SEGMENTS, HEADERS, BODIES, st.sampled_from(("root", "root", "bad", "")))
    def check(method: str, route: str, segment: str, headers: dict[str, str], body: bytes, token: str) -> None:
        path = "/v1/" + route.format(segment).replace(" ", "%20")
        answer = send(method, path, headers, body, token)
        status, content, kind = answer.status, answer.body, answer.content_type  # type: ignore[attr-defined]
        assert 200 <= status <= 599
        if content and kind == "application/json":
            found = json.loads(content)
            if status >= 400 and "errors" in found:
                assert all(isinstance(text, str) for text in found["errors"])
                assert not any(word in str(found["errors"]) for word in ("Traceback", "NoneType", "object at 0x"))

    check()


# Values of all kinds that fields have, good and bad, for fields that want another.
ODD = st.sampled_from(
    (
        *(None, True, 0, -1, 2**63, 10**30, 1.5, -0.0, "", "a", "-1", "1h", "1y", "99999999999h", "0x10", "true", "kv"),
        *("root", "a,b", "../x", "x" * 600, "é\u2028", "\x00", '{"a":1}', "YQ==", "hvs.x", "10.0.0.0/8", "::1/200"),
        *([], {}, [1], ["a"], [None], [["a"]], [{}], {"a": "b"}, {"a": None}, {"": ""}, ["a=b"], {"version": 3}),
        *('path "a" { capabilities = ["read"] }', 'path "a" {', "2026-01-01T00:00:00Z", "secret/data/a", "batch"),
    )
)
PLACES = ("a", "b", "a/b", "..", "%ff", "é", "", "self", "root", "A" * 300)


def declared(world: World) -> list[tuple[str, tuple[str, ...]]]:
    """Every path of every mount, and the names of its fields, those that it keeps for itself too."""
    return [
        (
            ("auth/" if mounted.entry.table == "auth" else "") + mounted.entry.path + path.template,
            tuple(field.name for field in fields(path.args)),
        )
        for mounted in world.mounts.list(ROOT)
        for path in mounted.backend.paths
        if path.template not in ("seal", "step-down")
    ]


@pytest.mark.parametrize("profile", ["vault", "openbao"])
def test_no_value_of_any_field_of_any_path_is_answered_by_a_traceback(profile: str) -> None:
    """Nor does it leave lists of storage that are wrong."""
    world = make_world(Settings(profile="openbao" if profile == "openbao" else "vault"), seed="fields")
    start_dev(world, "root")
    app = App(world)

    def send(method: str, target: str, body: object, headers: dict[str, tuple[str, ...]]) -> Answer:
        sent = {"host": ("localhost",), "x-vault-token": ("root",)} | headers
        return asyncio.run(app.answer(Incoming(method, target, sent, json.dumps(body).encode(), "127.0.0.1", 1)))

    for kind in ("approle", "userpass"):
        send("POST", f"/v1/sys/auth/{kind}", {"type": kind}, {})
    paths = declared(world)
    begun = world.snapshot()

    @settings(max_examples=1500)
    @given(st.sampled_from(METHODS_OF_PATHS), st.sampled_from(paths), st.sampled_from(PLACES), st.data())
    def check(method: str, path: tuple[str, tuple[str, ...]], place: str, data: st.DataObject) -> None:
        template, names = path
        target = "/v1/" + re.sub(r"\{[^}]*\}", lambda _: place, template)
        body = data.draw(st.dictionaries(st.sampled_from(names), ODD, max_size=4)) if names else {}
        headers = {"content-type": ("application/merge-patch+json",)} if method == "PATCH" else {}
        answer = send(method, target, body, headers)
        if answer.content_type == "application/json" and answer.body:
            errors = str(json.loads(answer.body).get("errors"))
            assert not any(word in errors for word in ("Traceback", "NoneType", "object at 0x", "Expected `"))
        fresh = Storage()
        fresh.load(world.storage._values)
        assert fresh._children == world.storage._children
        if send("GET", "/v1/auth/token/lookup-self", None, {}).status != 200:  # it took its own token, or sealed
            world.restore(begun)
            world.seal.open()

    check()
