"""Texts were recorded from a running OpenBao 2.7.2."""

import re

import pytest

from sandboxd.edge.gojson import MAX_DEPTH, MAX_STRINGS, Decoder, decode_object
from sandboxd.vault.framework.numbers import Number


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"[]", "json: cannot unmarshal array into Go value of type map[string]interface {}"),
        (b"[1]", "json: cannot unmarshal array into Go value of type map[string]interface {}"),
        (b'"text"', "json: cannot unmarshal string into Go value of type map[string]interface {}"),
        (b"1", "json: cannot unmarshal number into Go value of type map[string]interface {}"),
        (b"-1.5", "json: cannot unmarshal number into Go value of type map[string]interface {}"),
        (b"true", "json: cannot unmarshal bool into Go value of type map[string]interface {}"),
        (b"{", "unexpected EOF"),
        (b"}", "invalid character '}' looking for beginning of value"),
        (b"{]", "invalid character ']' looking for beginning of value"),
        (b"{'a':1}", "invalid character '\\'' looking for beginning of value"),
        (b'{"a":1', "unexpected EOF"),
        (b'{"a":1,}', "invalid character ',' looking for beginning of value"),
        (b'{"a":1,,}', "invalid character ',' looking for beginning of value"),
        (b'{"a":}', "missing value after object key"),
        (b'{"a":]', "invalid character ']' after object key:value pair"),
        (b'{"a"}', "invalid character '}' after object key"),
        (b'{"a" 1}', "invalid character '1' after object key"),
        (b"{1:2}", "object member name must be a string"),
        (b"{true:1}", "object member name must be a string"),
        (b"{[]:1}", "object member name must be a string"),
        (b"{-:1}", "invalid character ':' in numeric literal"),
        (b'{"a":1 "b":2}', "invalid character '\"' after object key:value pair"),
        (b'{"a":[1 2]}', "invalid character '2' after array element"),
        (b'{"a":[1,]}', "invalid character ',' looking for beginning of value"),
        (b'{"a":[,1]}', "invalid character ',' looking for beginning of value"),
        (b'{"a":1}}', "invalid character '}' looking for beginning of value"),
        (b'{"a":1}]', "invalid character ']' looking for beginning of value"),
        (b'{"a":1} trailing', "invalid character 'a' in literal true (expecting 'u')"),
        (b'{"a":1},', "invalid character ',' looking for beginning of value"),
        (b"\xef\xbb\xbf{}", "invalid character '\\ufeff' looking for beginning of value"),
        (b"\x0c{}", "invalid character '\\f' looking for beginning of value"),
        (b'{"a": NaN}', "invalid character 'N' looking for beginning of value"),
        (b'{"a": Infinity}', "invalid character 'I' looking for beginning of value"),
        (b'{"a": 1e400}', "json: cannot unmarshal number 1e400 into Go value of type float64"),
        (b'{"a": -1e400}', "json: cannot unmarshal number -1e400 into Go value of type float64"),
        (b'{"a": 1e}', "invalid character '}' in numeric literal"),
        (b'{"a": 1e+}', "invalid character '}' in numeric literal"),
        (b'{"a": 01}', "invalid character '1' after object key:value pair"),
        (b'{"a": -}', "invalid character '}' in numeric literal"),
        (b'{"a": -x}', "invalid character 'x' in numeric literal"),
        (b'{"a": +1}', "invalid character '+' looking for beginning of value"),
        (b'{"a": .5}', "invalid character '.' looking for beginning of value"),
        (b'{"a": 1.}', "invalid character '}' in numeric literal"),
        (b'{"a": 1.e1}', "invalid character 'e' in numeric literal"),
        (b'{"a": 1x}', "invalid character 'x' after object key:value pair"),
        (b'{"a": tru}', "invalid character '}' in literal true (expecting 'e')"),
        (b'{"a": truE}', "invalid character 'E' in literal true (expecting 'e')"),
        (b'{"a": nul', "unexpected EOF"),
        (b'{"a": fals}', "invalid character '}' in literal false (expecting 'e')"),
        (b'{"a": "\x01"}', "invalid character '\\x01' in string"),
        (b'{"a": "\n"}', "invalid character '\\n' in string"),
        (b'{"a": "\\x"}', "invalid escape sequence `\\x` in string"),
        (b'{"a": "\\u12"}', 'invalid escape sequence `\\u12"}` in string'),
        (b'{"a": "\\u12"', 'invalid escape sequence `\\u12"` in string'),
        (b'{"a": "\\u12g4"}', "invalid escape sequence `\\u12g4` in string"),
        (b'{"a": "\\ud800\\x"}', "invalid escape sequence `\\x` in string"),
        (b'{"a": "unterminated}', "unexpected EOF"),
        (b'{"a": "\\', "unexpected EOF"),
        (b"<xml/>", "invalid character '<' looking for beginning of value"),
        (b"\x00", "invalid character '\\x00' looking for beginning of value"),
        (b"a=b", "invalid character 'a' looking for beginning of value"),
        (b"\xff", "invalid character '\\xff' looking for beginning of value"),
        (b"\xe9x", "invalid character '\\xe9' looking for beginning of value"),
        (b"{\xc3\xa9", "invalid character 'é' looking for beginning of value"),
        (b'{"a": \xe2\x80\xa8}', "invalid character '\\u2028' looking for beginning of value"),
        (b"'", "invalid character '\\'' looking for beginning of value"),
        (b"\\", "invalid character '\\\\' looking for beginning of value"),
        (b'{"a":\x7f}', "invalid character '\\x7f' looking for beginning of value"),
        (b'{"a":1\x80}', "invalid character '\\x80' after object key:value pair"),
        (b'{"a":\xf0\x9f\x98\x80}', "invalid character '😀' looking for beginning of value"),
        (b'{"a":1}\x00', "invalid character '\\x00' looking for beginning of value"),
        (b"// x", "invalid character '/' looking for beginning of value"),
        (b'{"a":/*x*/1}', "invalid character '/' looking for beginning of value"),
        (b'{"a":"\\\xff"}', 'invalid escape sequence "\\\\\\xff" in string'),
        (b'{"a":"\\u\xff"}', 'invalid escape sequence "\\\\u\\xff\\"}" in string'),
        (b'{"a":"\\\xc3\xa9"}', 'invalid escape sequence "\\\\\\xc3" in string'),
        (b'{"a":"\\`"}', 'invalid escape sequence "\\\\`" in string'),
        (b'{"a":"\\ "}', 'invalid escape sequence "\\\\ " in string'),
        (b"\x07{}", "invalid character '\\a' looking for beginning of value"),
        (b'{"a":\x0b}', "invalid character '\\v' looking for beginning of value"),
        (b'{"a":"\\u\n"}', 'invalid escape sequence "\\\\u\\n\\"}" in string'),
        (b'{"a":\xd9\xa3}', "invalid character '٣' looking for beginning of value"),
        (b'{"a":1\xd9\xa3}', "invalid character '٣' after object key:value pair"),
        (b'{"a":-\xd9\xa3}', "invalid character '٣' in numeric literal"),
        (b'{"a": "\\u1', "unexpected EOF"),
        (b'{"a": "\\u', "unexpected EOF"),
        (b'{"a": "\\ud800\\u12"}', 'invalid escape sequence `\\u12"}` in string'),
        (b'{"a":\xed\xa0\x80}', "invalid character '\\xed' looking for beginning of value"),
        (b'{"a":\xf5}', "invalid character '\\xf5' looking for beginning of value"),
        (b"\xf3\xa0\x80\x81", "invalid character '\\U000e0001' looking for beginning of value"),
        (b"\xc2\xad", "invalid character '\\u00ad' looking for beginning of value"),
        (b"{\xc2\xa0}", "invalid character '\\u00a0' looking for beginning of value"),
        (b"{\x85}", "invalid character '\\x85' looking for beginning of value"),
    ],
)
def test_a_body_that_is_no_object_is_refused_in_the_real_servers_words(body, text):
    with pytest.raises(ValueError, match=f"^{re.escape(f'failed to decode JSON input: {text}')}$"):
        decode_object(body)


@pytest.mark.parametrize("body", [b"", b" \t\r\n ", b"null", b" null\n"])
def test_an_empty_body_and_null_are_no_object(body):
    assert decode_object(body) is None


@pytest.mark.parametrize("rest", [b"", b"\n", b" {}", b' {"b"', b'"x"', b" [1,2]", b" 7", b" nul"])
def test_what_follows_the_object_has_to_be_json_as_far_as_it_goes(rest):
    assert decode_object(b'{"a":1}' + rest) == {"a": 1}


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a":1,"a":2}', {"a": 2}),
        (b'{"a":1,"A":2}', {"a": 1, "A": 2}),
        (b'{"":null}', {"": None}),
        (b'{"a":[true,false,null,[],{}]}', {"a": [True, False, None, [], {}]}),
        (b'{"a":"\\/\\b\\f\\n\\r\\t\\"\\\\"}', {"a": '/\b\f\n\r\t"\\'}),
        (b'{"a":"\\u00e9\\ud83d\\ude00"}', {"a": "é\U0001f600"}),
        (b'{"a":"\\ud800"}', {"a": "\ufffd"}),
        (b'{"a":"\\ud800\\u0041"}', {"a": "\ufffdA"}),
        (b'{"a":"\\ude00\\ud83d"}', {"a": "\ufffd\ufffd"}),
        (b'{"a":"\xff\xfe"}', {"a": "\ufffd\ufffd"}),
        (b'{"\xff":1}', {"\ufffd": 1}),
        (b'{"a":"\x7f"}', {"a": "\x7f"}),
        ('{"a":"\u2028é"}'.encode(), {"a": "\u2028é"}),
        (b'  {  "a" : [ 1 , 2 ] }  ', {"a": [1, 2]}),
    ],
)
def test_odd_but_good_json_is_read(body, value):
    assert decode_object(body) == value


@pytest.mark.parametrize("text", ["1.0", "1.50", "1e3", "1E+2", "-0", "-0.0", "0.1234567890123456789012345", "1e-400"])
def test_a_number_keeps_its_spelling(text):
    found = decode_object(f'{{"a":{text}}}'.encode())
    assert found is not None
    assert isinstance(found["a"], Number)
    assert found["a"].text == text


@pytest.mark.parametrize("number", [0, -1, 10**40, -(10**300)])
def test_a_whole_number_of_any_size_is_a_number(number):
    assert decode_object(b'{"a":%d}' % number) == {"a": number}


def test_a_body_may_be_ten_thousand_deep():
    depth = MAX_DEPTH - 1
    found = decode_object(b'{"a":' + b"[" * depth + b"]" * depth + b"}")
    assert found is not None
    assert found["a"][0][0] is not None


def test_a_body_may_hold_a_thousand_strings():
    strings = ",".join(['"v"'] * (MAX_STRINGS - 1))
    assert decode_object(f'{{"a":[{strings}]}}'.encode())
    text = r"^refused JSON input due to high complexity: exceeded maximum number of strings$"
    with pytest.raises(ValueError, match=text):
        decode_object(f'{{"a":["v",{strings}]}}'.encode())


def test_some_paths_take_any_number_of_strings():
    strings = ",".join(['"v"'] * (MAX_STRINGS + 1))
    assert Decoder(f"[{strings}]", max_strings=0).decode() == ["v"] * (MAX_STRINGS + 1)


def test_a_body_may_not_take_too_much_memory(monkeypatch):
    monkeypatch.setattr("sandboxd.edge.gojson.MAX_MEMORY", 1000)
    text = r"^refused JSON input due to high complexity: exceeded maximum estimated memory limits$"
    with pytest.raises(ValueError, match=text):
        decode_object(b'{"a":[' + b"1," * 50 + b"1]}")
