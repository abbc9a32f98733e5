"""The cubbyhole. Expected answers were recorded from OpenBao 2.7.2."""

import pytest
from unit.helpers import call, world

from sandboxd.vault.bootstrap import create_root_token


@pytest.fixture
def vault():
    return world()


def test_a_document_comes_back_as_it_was_written(vault):
    assert call(vault, "POST", "cubbyhole/a", b'{"x":1.10,"path":"mine","ttl":"1h"}').status == 204
    reply = call(vault, "GET", "cubbyhole/a")
    assert '"lease_duration":0,"data":{"path":"mine","ttl":"1h","x":1.10}' in reply.text


def test_no_other_token_sees_it(vault):
    call(vault, "POST", "cubbyhole/a", {"x": 1})
    other = create_root_token(vault)
    assert call(vault, "GET", "cubbyhole/a", token=other.id).status == 404
    assert call(vault, "LIST", "cubbyhole", token=other.id).status == 404


def test_lists_are_one_level_deep(vault):
    for path in ("b/c", "a", "b/d/e"):
        call(vault, "POST", f"cubbyhole/{path}", {"x": 1})
    assert call(vault, "LIST", "cubbyhole").data == {"keys": ["a", "b/"]}
    assert call(vault, "LIST", "cubbyhole/b").data == {"keys": ["c", "d/"]}


def test_a_deleted_document_is_gone(vault):
    call(vault, "POST", "cubbyhole/a", {"x": 1})
    assert call(vault, "DELETE", "cubbyhole/a").status == 204
    assert call(vault, "GET", "cubbyhole/a").status == 404
    assert call(vault, "DELETE", "cubbyhole/a").status == 204


@pytest.mark.parametrize(
    ("method", "path", "data", "text"),
    [
        ("POST", "cubbyhole/a", {}, "missing data fields"),
        ("POST", "cubbyhole", {"x": 1}, "missing path"),
        ("GET", "cubbyhole/", None, "missing path"),
    ],
)
def test_what_is_missing_is_a_failure_of_the_server(vault, method, path, data, text):
    reply = call(vault, method, path, data)
    assert (reply.status, reply.errors) == (500, [f"1 error occurred:\n\t* {text}\n\n"])


@pytest.mark.parametrize("method", ["SCAN", "PATCH"])
def test_it_takes_neither_scans_nor_patches(vault, method):
    reply = call(vault, method, "cubbyhole/a", {"x": 1} if method == "PATCH" else None)
    assert (reply.status, reply.errors) == (405, ["1 error occurred:\n\t* unsupported operation\n\n"])
