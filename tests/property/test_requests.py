"""Whatever is sent, the answer is a worded one."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandboxd.edge.app import App
from sandboxd.edge.messages import Incoming
from sandboxd.edge.runtime import make_world
from sandboxd.vault.bootstrap import start_dev
from sandboxd.vault.world import Settings

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
