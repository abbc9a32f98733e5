"""JSON as Go's decoder reads it: texts of a running OpenBao 2.7.2, which reads the permissions of RabbitMQ roles so."""

import re

import pytest

from sandboxd.vault.framework.gojson import DEEPEST, TEXT, ListOf, MapOf, Struct, first_value, unmarshal

SHAPE = MapOf(Struct("rabbitmq.vhostPermission", {"configure": TEXT, "write": TEXT, "read": TEXT}))
BUNDLE = Struct("certutil.CertBundle", {"certificate": TEXT, "ca_chain": ListOf(TEXT)})
USERS = ListOf(Struct("rabbithole.UserInfo", {"name": TEXT}))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{}", {}),
        (" [1, -2.5e3, true, false, null] ", [1, -2500, True, False, None]),
        ('{"a": {"b": []}} x', {"a": {"b": []}}),
        ("null x", None),
        ("01", 0),
        (r'"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"', '"\\/\b\f\n\r\té😀'),
        (r'"\ud800"', "\N{REPLACEMENT CHARACTER}"),
        ("1E+2", 100),
    ],
)
def test_the_first_value_is_read_and_the_rest_is_not(text, value):
    assert first_value(text) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (" ", "EOF"),
        ("{", "unexpected EOF"),
        ("tru", "unexpected EOF"),
        ("-", "unexpected EOF"),
        ("1.", "unexpected EOF"),
        ('"a', "unexpected EOF"),
        ('{"a":"\\', "unexpected EOF"),
        ('{"a":"\\u12', "unexpected EOF"),
        ("x", "invalid character 'x' looking for beginning of value"),
        ("[1,]", "invalid character ']' looking for beginning of value"),
        ("\x00", "invalid character '\\x00' looking for beginning of value"),
        ("\ufeff{}", "invalid character '\\ufeff' looking for beginning of value"),
        ("\U000e0001", "invalid character '\\U000e0001' looking for beginning of value"),
        ("{'a':1}", "invalid character '\\'' looking for beginning of object key string"),
        ('{"a":{},}', "invalid character '}' looking for beginning of object key string"),
        ('{"a" 1}', "invalid character '1' after object key"),
        ('{"a":01}', "invalid character '1' after object key:value pair"),
        ("[1 2]", "invalid character '2' after array element"),
        ('{"a":tru}', "invalid character '}' in literal true (expecting 'e')"),
        ('{"a":1ex}', "invalid character 'x' in numeric literal"),
        ('{"a":"\n"}', "invalid character '\\n' in string"),
        ('{"a":"\\q"}', "invalid escape sequence `\\q` in string"),
        ('{"a":"\\u12x"}', 'invalid escape sequence `\\u12x"` in string'),
    ],
)
def test_what_is_no_json_is_refused_in_go_s_words(text, reason):
    with pytest.raises(ValueError, match=re.escape(reason)) as error:
        first_value(text)
    assert str(error.value) == reason


def test_nesting_has_an_end():
    assert first_value("[" * DEEPEST + "]" * DEEPEST)
    with pytest.raises(ValueError, match="exceeded max depth"):
        first_value("[" * 100_000)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("null", {}),
        ('{"/":null}', {"/": {"configure": "", "write": "", "read": ""}}),
        ('{"/":{"Read":"a","READ":"b","other":[1]}}', {"/": {"configure": "", "write": "", "read": "b"}}),
    ],
)
def test_a_value_is_brought_into_its_shape(text, value):
    assert unmarshal(text, SHAPE) == value


@pytest.mark.parametrize(
    ("text", "shape", "reason"),
    [
        ("[]", SHAPE, "array into Go value of type map[string]rabbitmq.vhostPermission"),
        ('{"/":true}', SHAPE, "bool into Go struct field .~1 of type rabbitmq.vhostPermission"),
        ('{"a~b/c":{"read":1}}', SHAPE, "number into Go struct field .a~0b~1c.read of type string"),
        ('{"a":{"read":{},"write":1}}', SHAPE, "object into Go struct field .a.read of type string"),
        ("{}", USERS, "object into Go value of type []rabbithole.UserInfo"),
        ("[1]", USERS, "number into .0 of type rabbithole.UserInfo"),
        ('{"certificate":1}', BUNDLE, "number into Go struct field CertBundle.certificate of type string"),
        ('{"ca_chain":["a",1]}', BUNDLE, "number into CertBundle.ca_chain.1 of type string"),
        ("[]", BUNDLE, "array into Go value of type certutil.CertBundle"),
        ('[{"name":"a"},{"name":1}]', USERS, "number into Go struct field .1.name of type string"),
    ],
)
def test_what_does_not_fit_its_shape_is_refused_in_go_s_words(text, shape, reason):
    with pytest.raises(ValueError, match="cannot unmarshal") as error:
        unmarshal(text, shape)
    assert str(error.value) == f"json: cannot unmarshal {reason}"
