"""Requests about tokens and leases go to their own namespace, as seen on OpenBao 2.7.2."""

import pytest
from unit.helpers import START, world

from sandboxd.vault.errors import Refusal
from sandboxd.vault.request import Request
from sandboxd.vault.retarget import retarget
from sandboxd.vault.tokens import Token


@pytest.fixture(params=["openbao", "vault"])
def vault(request):
    return world(request.param)


@pytest.fixture
def inside(vault):
    return vault.namespaces.create(vault.namespaces.get("root"), "a/", {}, id_length=6)


@pytest.fixture
def token(vault, inside):
    return vault.tokens.create(
        Token(id="", policies=("x",), path="auth/token/create", creation_time=START, ttl=60, namespace_id=inside.id)
    )


def target(vault, path, by="root", **data):
    request = Request(id="", operation="update", path=path, token=by, data=data)
    return retarget(vault, request, vault.namespaces.get("root"), path).path


@pytest.mark.parametrize("path", ["auth/token/lookup-self", "auth/token/renew-self", "auth/token/revoke-self"])
def test_a_request_about_the_caller_goes_to_the_callers_namespace(vault, token, path):
    assert target(vault, path, token.id) == "a/"
    assert target(vault, path) == ""


@pytest.mark.parametrize("path", ["lookup", "renew", "revoke", "revoke-orphan"])
def test_a_request_about_a_token_goes_to_that_tokens_namespace(vault, token, path):
    assert target(vault, f"auth/token/{path}", token.id) == ("a/" if path == "lookup" else "")
    assert target(vault, f"auth/token/{path}", token="root") == ""


def test_the_token_in_the_body_decides(vault, token):
    assert target(vault, "auth/token/renew", token=token.id) == "a/"


@pytest.mark.parametrize("given", [5, None, ["a"], {}])
def test_a_token_that_is_no_text_is_refused(vault, given):
    with pytest.raises(Refusal) as caught:
        target(vault, "auth/token/lookup", token=given)
    assert (caught.value.status, caught.value.errors) == (403, ("invalid token",))


def test_a_lease_is_sought_in_its_own_namespace(vault, inside):
    lease_id = f"auth/token/create/habc.{inside.id}"
    assert target(vault, "sys/leases/lookup", lease_id=lease_id) == "a/"
    assert target(vault, f"sys/leases/renew/{lease_id}") == "a/"
    assert target(vault, f"sys/leases/renew/{lease_id}", lease_id="x/y") == ""
    assert target(vault, f"sys/leases/revoke-prefix/{lease_id}") == ""
    assert target(vault, "sys/leases/lookup", lease_id="x/y.nowhere") == ""


@pytest.mark.parametrize("path", ["sys/leases/lookup", "sys/leases/renew", "sys/leases/revoke/x"])
def test_a_lease_id_that_is_no_text_is_refused(vault, path):
    with pytest.raises(Refusal) as caught:
        target(vault, path, lease_id=5)
    assert (caught.value.status, caught.value.errors) == (400, ("invalid lease ID",))


def test_all_else_stays_where_it_was_sent(vault, token):
    assert target(vault, "secret/data/a", token.id) == ""
    assert target(vault, "auth/token/create", token.id) == ""
