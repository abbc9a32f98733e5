import json

import pytest

from sandboxd.edge.guard import local_host, make_guard
from sandboxd.edge.messages import Incoming
from sandboxd.vault.framework.loopback import is_loopback


def incoming(**headers: str | tuple[str, ...]) -> Incoming:
    found = {name: value if isinstance(value, tuple) else (value,) for name, value in headers.items()}
    return Incoming("GET", "/v1/sys/health", found, b"", "127.0.0.1", 1)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "localhost",
        "LOCALHOST:8200",
        "localhost.:8200",
        "app.localhost",
        "127.0.0.1:8200",
        "127.8.9.10",
        "10.1.2.3:8200",
        "172.17.0.2:8200",
        "192.168.1.5",
        "8.8.8.8",
        "0.0.0.0:8200",
        "[::1]:8200",
        "[::1]",
        "[fe80::1]:8200",
        "[2001:db8::1]:8200",
        "vault:8200",
        "my_vault",
        "host.docker.internal:8200",
        "vault.test",
        "printer.local",
    ],
)
def test_this_machine_containers_and_addresses_are_let_in(host):
    assert make_guard()(incoming(host=host)) is None


def test_a_request_without_a_host_is_let_in():
    assert make_guard()(incoming()) is None


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8200",
        "localhost.evil.example",
        "127.0.0.1.nip.io",
        "127.0.0.1.evil.example:8200",
        "a.localhost.example",
        "notlocalhost.example",
        "user@evil.example",
        "127.0.0.1@evil.example",
        "evil.example..",
        "[::1",
        "[::1].evil.example",
        "[evil.example]",
        ":8200",
    ],
)
def test_names_that_anyone_can_bind_to_this_machine_are_refused(host):
    answer = make_guard()(incoming(host=host))
    assert answer is not None
    assert answer.status == 403
    (text,) = json.loads(answer.body)["errors"]
    assert text.startswith("refused: this is a local sandbox, and the Host header names another machine (")


def test_a_refusal_shows_no_more_of_a_name_than_can_be_printed():
    answer = make_guard()(incoming(host="evil.example\x1b[31m" + "x" * 500))
    assert answer is not None
    assert b"\\u001b" not in answer.body
    assert len(answer.body) < 300


def test_a_listener_may_be_known_by_further_names():
    guard = make_guard(["Vault.Corp.Example"])
    assert guard(incoming(host="vault.corp.example:8200")) is None
    assert guard(incoming(host="other.corp.example:8200")) is not None


def test_the_answer_stays_the_same_for_a_host_that_comes_again():
    guard = make_guard()
    for _ in range(3):
        assert guard(incoming(host="evil.example")) is not None
        assert guard(incoming(host="localhost")) is None


@pytest.mark.parametrize(
    "origin", ["http://app.test", "https://localhost:3000", "http://localhost", "null", "", "http://localhost:82000"]
)
def test_a_page_from_elsewhere_is_refused(origin):
    answer = make_guard()(incoming(host="localhost:8200", origin=origin))
    assert answer is not None
    assert (answer.status, answer.body) == (403, b'{"errors":["origin not allowed"]}\n')


def test_our_own_pages_are_let_in():
    assert make_guard()(incoming(host="localhost:8200", origin="http://localhost:8200")) is None


def test_a_second_origin_counts_too():
    headers = incoming(host="localhost:8200", origin=("http://localhost:8200", "http://evil.example"))
    assert make_guard()(headers) is not None


def test_origins_that_cors_lets_in_are_let_in_as_soon_as_they_are_set():
    origins: list[str] = []
    guard = make_guard((), lambda: origins)
    request = incoming(host="localhost:8200", origin="http://app.test")
    assert guard(request) is not None
    origins.append("http://app.test")
    assert guard(request) is None
    origins[:] = ["*"]
    assert guard(incoming(host="localhost:8200", origin="http://any.example")) is None


def test_cors_does_not_open_the_host():
    assert make_guard((), lambda: ["*"])(incoming(host="evil.example", origin="http://evil.example")) is not None


@pytest.mark.parametrize(("name", "local"), [("", False), (".", False), ("a", True), ("::1", True), ("a.b", False)])
def test_a_name_is_local_when_nobody_else_can_own_it(name, local):
    assert local_host(name) is local


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("", False),
        ("192.168.1.1", False),
        ("vault.test", False),
    ],
)
def test_loopback_is_what_only_this_machine_reaches(host, loopback):
    assert is_loopback(host) is loopback
