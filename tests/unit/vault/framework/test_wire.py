"""JSON as the real server writes it. Expected texts were recorded from OpenBao 2.7.2."""

import pytest

from sandboxd.vault.framework import wire
from sandboxd.vault.framework.numbers import Number


def test_json_is_compact_sorted_and_safe_in_html():
    value = {"<a>": "&\u2028\u2029<>\0\b\f\x7fé😀\t", "b": {"z": 1, "a": None, "\uffff": 1, "😀": 2}}
    assert wire.encode(value).decode() == (
        '{"\\u003ca\\u003e":"\\u0026\\u2028\\u2029\\u003c\\u003e\\u0000\\b\\f\x7fé😀\\t",'
        '"b":{"a":null,"z":1,"\uffff":1,"😀":2}}'
    )


def test_numbers_keep_their_spelling():
    text = b"[1e5,1.10,12345678901234567890123,-0.0,0.1e1]"
    assert wire.decode(text)[0] == Number("1e5")
    assert wire.encode(wire.decode(text)) == text


@pytest.mark.parametrize(
    ("spelled", "shown"),
    [
        ("1e5", "100000"),
        ("1.10", "1.1"),
        ("12345678901234567890", "12345678901234567000"),
        ("9007199254740993", "9007199254740992"),
        ("9007199254740991", "9007199254740991"),
        ("-0", "-0"),
        ("-0.0", "-0"),
        ("0.0000001", "1e-7"),
        ("1e-6", "0.000001"),
        ("1e20", "100000000000000000000"),
        ("1e21", "1e+21"),
        ("100000000000000000000000", "1e+23"),
        ("5e-324", "5e-324"),
        ("1.7976931348623157e308", "1.7976931348623157e+308"),
        ("-9223372036854775808", "-9223372036854776000"),
        ("0.1e1", "1"),
        ("7", "7"),
    ],
)
def test_numbers_can_be_taken_for_floats(spelled, shown):
    assert wire.as_floats(f'{{"a":[{spelled}]}}'.encode()) == f'{{"a":[{shown}]}}'.encode()


def test_digits_in_texts_are_no_numbers():
    text = rb'{"1e5":"1.10 \" 1.10","a\\":["12345678901234567890",1]}'
    assert wire.as_floats(text) == text


def test_values_may_be_nested_as_deeply_as_a_body():
    text = b'{"a":' + b'[{"b":[' * 3000 + b'"<}\\"",-1,1.50,true,null,{},[]' + b"]}]" * 3000 + b',"z":1}'
    assert wire.encode(wire.decode(text)) == text.replace(b"<", b"\\u003c")


def test_bytes_of_a_path_that_are_no_utf8_get_a_sign_each():
    assert wire.encode({"a\udcff": ["\udcfe\udcff", ("x",)]}) == '{"a\ufffd":["\ufffd\ufffd",["x"]]}'.encode()
