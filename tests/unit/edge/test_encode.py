"""Answers as bytes, with the escapes and the order of fields of the real server."""

import json

from sandboxd.edge.encode import encode_auth, encode_errors, envelope, refused
from sandboxd.vault.errors import Refusal
from sandboxd.vault.framework.backend import Auth, Lease, Response, WrapInfo


def test_an_empty_answer_has_every_field():
    assert envelope(Response(), "an-id") == (
        b'{"request_id":"an-id","lease_id":"","renewable":false,"lease_duration":0,"data":null,"wrap_info":null,'
        b'"warnings":null,"auth":null}'
    )


def test_data_has_its_keys_in_order_and_is_safe_in_html():
    body = envelope(Response(data={"b": "<a>&\u2028", "a": [1, None, True]}), "x")
    assert b'"data":{"a":[1,null,true],"b":"\\u003ca\\u003e\\u0026\\u2028"},' in body


def test_a_lease_is_told():
    body = envelope(Response(data={}, lease=Lease(id="kv/a/1", ttl=60, renewable=True)), "x")
    assert b'"lease_id":"kv/a/1","renewable":true,"lease_duration":60,' in body


def test_warnings_are_a_list():
    assert b'"warnings":["a \\"b\\""],' in envelope(Response(warnings=['a "b"']), "x")


def test_a_login_has_its_fields_in_the_real_servers_order():
    found = json.loads(encode_auth(Auth(policies=("default",), token="t", accessor="a", ttl=60)))
    assert [name for name in found if name not in ("token_policies", "identity_policies")] == [
        "client_token",
        "accessor",
        "policies",
        "metadata",
        "lease_duration",
        "renewable",
        "entity_id",
        "token_type",
        "orphan",
        "mfa_requirement",
        "num_uses",
    ]
    assert (found["client_token"], found["policies"], found["lease_duration"]) == ("t", ["default"], 60)


def test_policies_that_are_not_there_are_left_out():
    found = json.loads(encode_auth(Auth(policies=("default",))))
    assert "token_policies" not in found
    assert "identity_policies" not in found


def test_a_wrapped_answer_tells_nothing_but_its_token():
    info = WrapInfo(token="w", accessor="a", ttl=60, creation_time=0, creation_path="kv/a")
    found = json.loads(envelope(Response(wrap_info=info), "an-id"))
    assert found["request_id"] == ""
    assert list(found["wrap_info"]) == ["token", "accessor", "ttl", "creation_time", "creation_path"]
    assert found["wrap_info"]["creation_time"] == "1970-01-01T00:00:00Z"


def test_the_type_of_the_mount_comes_last():
    assert envelope(Response(), "x", mount_type="kv").endswith(b'"auth":null,"mount_type":"kv"}')


def test_a_refusal_is_a_list_of_texts():
    assert encode_errors(()) == b'{"errors":[]}\n'
    assert encode_errors(("<a>", 'b"')) == b'{"errors":["\\u003ca\\u003e","b\\""]}\n'
    answer = refused(Refusal("no", status=404))
    assert (answer.status, answer.body) == (404, b'{"errors":["no"]}\n')
