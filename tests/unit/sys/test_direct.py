"""Reading bodies as Go does. Texts were recorded from OpenBao 2.7.2."""

import pytest
from unit.helpers import world

from sandboxd.sys.direct import body_fields, decode_share
from sandboxd.vault.errors import Refusal
from sandboxd.vault.request import Request


def read(profile="openbao", operation="update", **data):
    request = Request(id="1", operation=operation, path="sys/x", data=data)
    return body_fields(
        world(profile), request, "Thing", key=("Key", str), count=("count", int), on=("on", bool), many=("many", list)
    )


def test_what_is_not_sent_is_zero():
    assert read() == {"key": "", "count": 0, "on": False, "many": []}
    assert read(key=None, many=None) == read()


def test_names_are_taken_in_any_case():
    assert read(KEY="a", Count=2, oN=True, MANY=["x", None]) == {"key": "a", "count": 2, "on": True, "many": ("x", "")}


def test_only_a_body_is_read():
    assert read(operation="read", key="a")["key"] == ""


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"KEY": 5}, "cannot unmarshal number into Go struct field Thing.KEY of type string"),
        ({"count": "5"}, "cannot unmarshal string into Go struct field Thing.count of type int"),
        ({"count": True}, "cannot unmarshal bool into Go struct field Thing.count of type int"),
        ({"on": []}, "cannot unmarshal array into Go struct field Thing.on of type bool"),
        ({"many": {}}, "cannot unmarshal object into Go struct field Thing.many of type []string"),
        ({"many": [1]}, "cannot unmarshal number into Go struct field Thing.many of type string"),
    ],
)
def test_another_type_is_refused(data, text):
    with pytest.raises(Refusal) as refusal:
        read(**data)
    assert refusal.value.errors == (f"failed to decode JSON input: json: {text}",)


def test_vault_names_the_field_as_it_is_declared():
    with pytest.raises(Refusal) as refusal:
        read("vault", KEY=5)
    assert refusal.value.errors == (
        "failed to parse JSON input: json: cannot unmarshal number into Go struct field Thing.Key of type string",
    )


def test_a_share_is_read_in_both_notations():
    share = bytes(range(33))
    assert decode_share(share.hex()) == share
    assert decode_share(share.hex().upper()) == share
    assert decode_share("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g") == share


def test_hexadecimal_of_no_shares_length_is_taken_for_base64():
    assert decode_share("aabb") == b"i\xa6\xdb"
    with pytest.raises(ValueError, match=r"^'key' must be a valid hex or base64 string$"):
        decode_share("aa" * 15)
