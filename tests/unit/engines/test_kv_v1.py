"""The key/value store, version 1. Expected answers were recorded from OpenBao 2.7.2."""

import pytest
from unit.helpers import call, world


@pytest.fixture
def vault():
    return world(kv="1")


def test_a_secret_comes_back_as_it_was_written(vault):
    written = b'{"b":{"z":1e5,"a":1.10},"a":[null,true,12345678901234567890],"path":"mine"}'
    assert call(vault, "POST", "secret/a", written).status == 204
    assert '"data":{"a":[null,true,12345678901234567890],"b":{"a":1.10,"z":1e5},"path":"mine"}' in (
        call(vault, "GET", "secret/a").text
    )


def test_signs_of_html_are_escaped(vault):
    call(vault, "POST", "secret/a", {"<a>": "&\u2028\u2029\x7f"})
    assert r'"data":{"\u003ca\u003e":"\u0026\u2028\u2029' + "\x7f" + '"}' in call(vault, "GET", "secret/a").text


def test_a_secret_may_be_nested_as_deeply_as_a_body(vault):
    written = b'{"a":' + b"[" * 9990 + b"1" + b"]" * 9990 + b"}"
    assert call(vault, "POST", "secret/a", written).status == 204
    assert '"data":' + written.decode() in call(vault, "GET", "secret/a").text


@pytest.mark.parametrize(
    ("hint", "seconds"),
    [
        ({"ttl": "1h"}, 3600),
        ({"ttl": "90"}, 90),
        ({"ttl": 90}, 90),
        ({"ttl": 90.5}, 2764800),
        ({"ttl": ""}, 0),
        ({"ttl": None}, 0),
        ({"ttl": -5}, -5),
        ({"ttl": "x"}, 2764800),
        ({"ttl": True}, 2764800),
        ({"ttl": []}, 2764800),
        ({"ttl": "1d"}, 86400),
        ({"lease": "1h"}, 3600),
        ({"lease": "1h", "ttl": "30m"}, 1800),
        ({"lease": "1h", "ttl": "x"}, 2764800),
        ({"x": 1}, 2764800),
    ],
)
def test_a_ttl_in_a_secret_is_its_lease_duration(vault, hint, seconds):
    call(vault, "POST", "secret/a", hint)
    answer = call(vault, "GET", "secret/a").json
    assert (answer["lease_duration"], answer["renewable"], answer["lease_id"]) == (seconds, False, "")


def test_there_is_nothing_where_nothing_was_written(vault):
    assert call(vault, "GET", "secret/a").status == 404
    assert call(vault, "DELETE", "secret/a").status == 204


def test_a_deleted_secret_is_gone(vault):
    call(vault, "POST", "secret/a", {"x": 1})
    assert call(vault, "DELETE", "secret/a").status == 204
    assert call(vault, "GET", "secret/a").status == 404


@pytest.mark.parametrize(("path", "text"), [("secret", "missing path"), ("secret/a", "missing data fields")])
def test_a_write_needs_a_path_and_data(vault, path, text):
    reply = call(vault, "POST", path, {})
    assert (reply.status, reply.errors) == (400, [text])


def test_lists_are_one_level_deep(vault):
    for path in ("b", "a", "dir/x", "dir/deeper/y", "B", "dir", "dir2/z"):
        call(vault, "POST", f"secret/{path}", {"a": 1})
    assert call(vault, "LIST", "secret").data == {"keys": ["B", "a", "b", "dir", "dir/", "dir2/"]}
    assert call(vault, "LIST", "secret/dir").data == {"keys": ["deeper/", "x"]}


def test_scans_show_a_folder_before_its_folders_and_the_last_of_these_first(vault):
    for path in ("b", "a", "dir/x", "dir/deeper/y", "B", "dir", "dir2/z"):
        call(vault, "POST", f"secret/{path}", {"a": 1})
    assert call(vault, "SCAN", "secret").data == {"keys": ["B", "a", "b", "dir", "dir2/z", "dir/x", "dir/deeper/y"]}
    assert call(vault, "SCAN", "secret/dir").data == {"keys": ["x", "deeper/y"]}


def test_an_empty_list_is_not_there_but_an_empty_scan_is(vault):
    assert call(vault, "LIST", "secret").status == 404
    assert (call(vault, "SCAN", "secret").status, call(vault, "SCAN", "secret").data) == (200, {})


def test_a_query_is_ignored_with_a_warning(vault):
    call(vault, "POST", "secret/a", {"x": 1})
    assert call(vault, "GET", "secret/a?version=1").warnings == [
        "Endpoint ignored these unrecognized parameters: [version]"
    ]


def test_it_takes_no_patch(vault):
    reply = call(vault, "PATCH", "secret/a", {"x": 1})
    assert (reply.status, reply.errors) == (405, ["1 error occurred:\n\t* unsupported operation\n\n"])


def test_vault_has_no_scan():
    assert call(world("vault", kv="1"), "SCAN", "secret").status == 405


def test_a_mount_at_version_2_keeps_what_it_had_at_version_1(vault):
    call(vault, "POST", "secret/a", b'{"x":1e2}')
    call(vault, "POST", "secret/config/b", {"y": 2})
    vault.clock.advance(60)
    assert call(vault, "POST", "sys/mounts/secret/tune", {"options": {"version": "2"}}).status == 200
    assert call(vault, "LIST", "secret/metadata").data == {"keys": ["a", "config/"]}
    assert '"data":{"data":{"x":100},"metadata":{"created_time":"2026-01-01T00:01:00Z"' in (
        call(vault, "GET", "secret/data/a").text
    )
    metadata = call(vault, "GET", "secret/metadata/config/b").data
    assert (metadata["current_version"], metadata["oldest_version"]) == (1, 1)
