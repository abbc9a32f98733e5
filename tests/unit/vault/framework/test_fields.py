"""What clients may send for fields of each kind. `recorded_fields.json` was recorded from a running OpenBao 2.7.2.

Each row has the field, what was sent for it, the refusal or null, and what was read back.
"""

import json
from pathlib import Path

import pytest
from unit.helpers import call, world

from sandboxd.vault.framework.lenient import go_type
from sandboxd.vault.framework.numbers import Number

ROWS = json.loads(Path(__file__).with_name("recorded_fields.json").read_text())
ROLE = {"secret_id_num_uses", "bind_secret_id", "secret_id_ttl", "token_policies"}
NAMES = sorted({name for name, *_ in ROWS})


def outcome(made, name, value):
    """The refusal, or else what is read back."""
    if name in ROLE:
        call(made, "DELETE", "auth/approle/role/t")
        extra = {"token_bound_cidrs": "127.0.0.0/8"} if name == "bind_secret_id" else {}
        reply = call(made, "POST", "auth/approle/role/t", {name: value} | extra)
        return reply, lambda: call(made, "GET", "auth/approle/role/t").data[name]
    if name == "custom_metadata":
        call(made, "DELETE", "secret/metadata/t")
        reply = call(made, "POST", "secret/metadata/t", {name: value})
        return reply, lambda: call(made, "GET", "secret/metadata/t").data[name]
    if name == "metadata":
        call(made, "DELETE", "identity/entity/name/t")
        reply = call(made, "POST", "identity/entity", {"name": "t", name: value})
        return reply, lambda: call(made, "GET", "identity/entity/name/t").data[name]
    reply = call(made, "POST", "sys/tools/hash", {name: value, "format": "hex"})
    return reply, lambda: reply.data["sum"]


@pytest.mark.parametrize("name", NAMES)
def test_fields_are_decoded_as_leniently_as_by_the_real_server(name):
    made = world()
    call(made, "POST", "sys/auth/approle", {"type": "approle"})
    for field, value, refusal, kept in ROWS:
        if field == name:
            reply, read = outcome(made, name, value)
            if refusal is None:
                assert reply.status < 300, (value, reply.text)
                assert read() == kept, value
            else:
                assert reply.status >= 400, value
                assert reply.errors == [refusal], value


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (True, "bool"),
        ("", "string"),
        (1, "json.Number"),
        (Number("1.5"), "json.Number"),
        ([], "[]interface {}"),
        ({}, "map[string]interface {}"),
        (None, "<nil>"),
    ],
)
def test_values_are_called_what_go_calls_them(value, name):
    assert go_type(value) == name
