"""Hosts that lead nowhere."""

import pytest

from sandboxd.fakes.hosts import is_local, is_reserved, of_url


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "db.localhost", "LOCALHOST", "localhost.", "127.0.0.1", "127.8.9.10", "::1", "[::1]", "a.test",
        "b.c.invalid", "example", "x.example", "example.com", "www.example.org", "192.0.2.7", "198.51.100.1",
        "203.0.113.255", "2001:db8::5", "sandboxd.invalid",
    ],
)  # fmt: skip
def test_loopback_and_reserved_names_lead_nowhere(host):
    assert is_reserved(host)


@pytest.mark.parametrize(
    "host",
    [
        "", "db", "api.stripe.com", "localhost.evil.com", "testing", "mytest", "notexample.com", "10.0.0.1", "8.8.8.8",
        "192.0.3.1", "2001:db9::1", "example.com.attacker.net", "0.0.0.0", "invalid.com",
    ],
)  # fmt: skip
def test_other_hosts_may_lead_somewhere(host):
    assert not is_reserved(host)


@pytest.mark.parametrize(("host", "local"), [("db", True), ("my_db-1", True), ("host.docker.internal", True),
                                             ("127.0.0.1", True), ("db.corp", False),
                                             ("2130706433", False)])  # fmt: skip
def test_a_name_without_dots_is_local(host, local):
    assert is_local(host) is local


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("postgresql://u:p@db.test:5432/x", "db.test"),
        ("http://127.0.0.1/a@b", "127.0.0.1"),
        ("http://[::1]:80/", "[::1]"),
        ("https://a:b@evil.com?x=@localhost", "evil.com"),
        ("not a url", ""),
    ],
)
def test_the_host_of_a_url_is_what_a_client_would_connect_to(url, host):
    assert of_url(url) == host
