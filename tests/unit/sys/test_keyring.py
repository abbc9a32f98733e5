"""The storage's key. Answers were recorded from OpenBao 2.7.2."""

import pytest
from unit.helpers import call, world

DAY = 86_400


@pytest.fixture
def vault():
    return world()


def test_the_key_has_a_term_and_the_moment_of_its_installation(vault):
    data = call(vault, "GET", "sys/key-status").data
    assert data["term"] == 1
    assert sorted(data) == ["encryptions", "install_time", "term"]


@pytest.mark.parametrize("path", ["sys/rotate", "sys/rotate/keyring"])
def test_the_key_is_replaced_by_hand(vault, path):
    vault.clock.advance(60)
    assert call(vault, "PUT", path).status == 204
    assert call(vault, "GET", "sys/key-status").data == {
        "term": 2,
        "install_time": "2026-01-01T00:01:00Z",
        "encryptions": 0,
    }


def test_encryptions_are_counted_since_the_key_was_installed(vault):
    call(vault, "PUT", "sys/rotate")
    call(vault, "POST", "secret/data/a", {"data": {"x": 1}})
    assert call(vault, "GET", "sys/key-status").data["encryptions"] > 0


def test_the_key_replaces_itself_as_often_as_its_interval_passes(vault):
    call(vault, "PUT", "sys/rotate")
    assert call(vault, "PUT", "sys/rotate/config", {"interval": "24h"}).status == 204
    vault.clock.advance(3 * DAY + 5)
    data = call(vault, "GET", "sys/key-status").data
    assert (data["term"], data["install_time"]) == (5, "2026-01-04T00:00:00Z")


def test_a_key_that_may_not_replace_itself_stays(vault):
    call(vault, "PUT", "sys/rotate")
    call(vault, "PUT", "sys/rotate/config", {"interval": "24h", "enabled": False})
    vault.clock.advance(3 * DAY)
    assert call(vault, "GET", "sys/key-status").data["term"] == 2


@pytest.mark.parametrize("path", ["sys/rotate/config", "sys/rotate/keyring/config"])
def test_only_what_is_sent_is_changed(vault, path):
    assert call(vault, "GET", path).data == {"enabled": True, "interval": 0, "max_operations": 3865470566}
    call(vault, "PUT", path, {"interval": "25h"})
    call(vault, "PUT", path, {"max_operations": 1000001})
    call(vault, "PUT", path, {"enabled": False})
    assert call(vault, "GET", path).data == {"enabled": False, "interval": "25h0m0s", "max_operations": 1000001}


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"interval": "1h"}, "interval must be greater or equal to 24h0m0s"),
        ({"max_operations": 5}, "max_operations must be in the range [1000000,3865470566]"),
        ({"max_operations": 9999999999}, "max_operations must be in the range [1000000,3865470566]"),
        (
            {"interval": "x"},
            'Field validation failed: error converting input for field "interval": time: invalid duration "x"',
        ),
    ],
)
def test_a_bad_setting_is_refused(vault, body, text):
    reply = call(vault, "PUT", "sys/rotate/config", body)
    assert (reply.status, reply.errors) == (400, [text])


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "sys/key-status"), ("PUT", "sys/rotate"), ("GET", "sys/rotate/config"), ("PUT", "sys/rotate/config")],
)
def test_a_namespace_has_no_key_of_its_own(vault, method, path):
    call(vault, "PUT", "sys/namespaces/n1")
    reply = call(vault, method, path, {} if method == "PUT" else None, headers={"x-vault-namespace": "n1"})
    assert (reply.status, reply.errors) == (400, ["namespace is not sealable"])


def test_vault_has_the_older_paths_alone():
    vault = world("vault")
    assert call(vault, "PUT", "sys/rotate").status == 204
    assert call(vault, "PUT", "sys/rotate/keyring").status == 404
