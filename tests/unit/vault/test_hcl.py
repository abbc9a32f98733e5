"""HCL and its JSON form. Error texts: OpenBao 2.7.2, which shows them for `PUT sys/policies/acl/...`."""

import pytest

from sandboxd.vault import hcl
from sandboxd.vault.hcl import decode


def data(text):
    """What the text says, as plain values."""
    return decode.read_element("root", hcl.parse(text))


def refusal(text):
    with pytest.raises(hcl.HCLError) as caught:
        hcl.parse(text)
    return str(caught.value)


def test_attributes_and_blocks_are_read_in_order_with_their_positions():
    items = hcl.parse('a = 1\npath "x" "y" {\n  b = [true]\n}\n')
    assert [[key.string() for key in item.keys] for item in items] == [["a"], ["path", "x", "y"]]
    assert [(str(item.position), str(item.assign), str(item.value.position)) for item in items] == [
        ("1:1", "1:3", "1:5"),
        ("2:1", "-", "2:14"),
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('a = "x"', "x"),
        ("a = 5", 5),
        ("a = -5", -5),
        ("a = 0x1f", 31),
        ("a = 010", 8),
        ("a = 1.5", 1.5),
        ("a = .5", 0.5),
        ("a = 1e3", 1000.0),
        ("a = true", True),
        ("a = [1, 'x']".replace("'", '"'), [1, "x"]),
        ("a = [1, [2], {b = 3}]", [1, [2], {"b": 3}]),
        ("a = [1,, 2,]", [1, 2]),
        ("a = {b = 1}", [{"b": 1}]),
        ("a { b { c = 1 } }", [{"b": [{"c": 1}]}]),
        ('a "b" { c = 1 }', [{"b": [{"c": 1}]}]),
        ("a {}\na {}", [{}, {}]),
        ("a = [1]\na = [2]", [1, 2]),
        ("a = 1\na = 2", 2),
        ('"a" = 1', 1),
        ("a = 1, b = 2", 1),
        ("a = 1 # b\n// c\n/* d\n*/", 1),
    ],
)
def test_a_value_is_read(text, value):
    assert data(text)["a"] == value


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        (r'"a\n\t\\\"b"', 'a\n\t\\"b'),
        (r'"\x41\101\u0041\U00000041"', "AAAA"),
        (r'"\xc3\xa9"', "é"),
        (r'"\xff"', "\ufffd"),
        (r'"\ud800"', "\ufffd"),
        ('"${a "b" \\n {c}} d"', '${a "b" \\n {c}} d'),
        ('"${\n}"', "${\n}"),
        ('"$a {b}"', "$a {b}"),
        ("<<EOF\nx\n  y\nEOF\n", "x\n  y\n"),
        ("<<EOF\nx\n  EOF\n", "x\n  "),
        ("<<-EOF\n    x\n      y\n    EOF\n", "x\n  y\n"),
        ("<<-EOF\n  x\n y\n  EOF\n", "  x\n y\n"),
        ("<<EOF\r\nx\r\nEOF\r\n", "x\n"),
    ],
)
def test_a_string_means_what_it_says(literal, value):
    assert data(f"a = {literal}")["a"] == value


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("x", "At 1:3: key 'x' expected start of object ('{') or assignment ('=')"),
        ('path "a"', "At 1:9: key 'path \"a\"' expected start of object ('{') or assignment ('=')"),
        ('path "a" {', "At 1:12: object expected closing RBRACE got: EOF"),
        ('path "a" { b', "At 1:14: key 'b' expected start of object ('{') or assignment ('=')"),
        ("a { b }", "At 1:7: key 'b' expected start of object ('{') or assignment ('=')"),
        ('a = ["b"', "At 1:9: error parsing list, expected comma or list end, got: EOF"),
        ('a = ["b" "c"]', "At 1:10: error parsing list, expected comma or list end, got: STRING"),
        ("a = [}", "At 1:6: unexpected token while parsing list: RBRACE"),
        ("a = b", "At 1:5: Unknown token: 1:5 IDENT b"),
        ('a "b" 5', "At 1:7: expected: IDENT | STRING | ASSIGN | LBRACE got: NUMBER"),
        ("=", "At 1:1: no object keys found!"),
        ("}", "At 1:1: expected: IDENT | STRING | ASSIGN | LBRACE got: RBRACE"),
        ("[", "At 1:1: expected: IDENT | STRING | ASSIGN | LBRACE got: LBRACK"),
        ("x y = {}", "At 1:5: nested object expected: LBRACE got: ASSIGN"),
        ("a = 1; b = 2", "At 1:6: illegal char"),
        ('a = "b', "At 1:7: literal not terminated"),
        ('a = "b\nc"', "At 2:3: literal not terminated"),
        (r'"\u12"', "At 1:6: illegal char escape"),
        (r'"\q"', "At 1:3: illegal char escape"),
        ("a = 0x", "At 1:7: illegal hexadecimal number"),
        ("a = 019 ", "At 1:8: illegal octal number"),
        ("a / b", "At 1:3: expected '/' for comment"),
        ("/* a", "At 1:5: comment not terminated"),
        ("a = <EOF", "At 1:6: heredoc expected second '<', didn't see it"),
        ("a = <<\n", "At 1:7: zero-length heredoc anchor"),
        ("a = <<EOF\nx\n", "At 3:1: heredoc not terminated"),
        ("\0", "At 1:1: unexpected null character (0x00)"),
        ("\ue123 = 1", "At 1:1: illegal char"),
        ('a = "\ue123"', "At 1:6: unicode code point U+E123 reserved for internal use"),
    ],
)
def test_a_broken_text_is_refused_in_the_servers_words(text, error):
    assert refusal(text) == error


def test_the_last_slip_of_the_scanner_is_told_rather_than_the_first():
    assert refusal(r'a = "\q" b = "\q"') == "At 1:16: illegal char escape"


def test_a_key_whose_value_is_missing_at_the_end_is_dropped():
    assert data("a = 1 b =") == {"a": 1}


def test_json_is_known_by_its_brace():
    assert data(' {"a": {"b": [1, 2.5, "c"]}, "d": true, "e": null}') == {
        "a": [{"b": [1, 2.5, "c"]}],
        "d": True,
        "e": "",
    }


def test_json_objects_of_objects_become_labelled_blocks():
    items = hcl.parse('{"path": {"a": {"x": 1}, "b": {"x": 2}}, "path": [{"c": {"x": 3}}]}')
    assert [[key.string() for key in item.keys] for item in items] == [["path", "a"], ["path", "b"], ["path", "c"]]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{", {}),
        ('{"a": 1', {"a": 1}),
        ('{"a": 1] rest', {"a": 1}),
        ('{"a" }', {}),
        ('{"a": }', {}),
        ('{"a": [true, 1, false]}', {"a": [1]}),
        ('{"a": "${"}', {"a": "${"}),
    ],
)
def test_json_is_read_as_laxly_as_the_server_reads_it(text, value):
    assert data(text) == value


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ('{"a": [[1], 2]}', "expected: STRING got: NUMBER"),
        ('{"a": nul}', "1:9: illegal char"),
        ('{"a": /}', "1:7: illegal char: /"),
        ('{"a": 01}', "1:8: numbers cannot start with 0"),
        ('{"a": "b\n"}', "2:3: literal not terminated"),
        (r'{"a": "\/"}', "1:9: illegal char escape"),
        ('{"a": [null]}', "unexpected token while parsing list: NULL"),
        ('{"a": :}', "Expected object value, got unknown token: 1:7 COLON :"),
        ("{5: 1}", "expected: STRING got: NUMBER"),
    ],
)
def test_broken_json_is_refused_in_the_servers_words(text, error):
    assert refusal(text) == error


@pytest.mark.parametrize(
    ("reader", "text", "error"),
    [
        (decode.read_string, "a = true", "At 1:5: root.a: unknown type for string *ast.LiteralType"),
        (decode.read_string, "a = []", "At 1:5: root.a: unknown type for string *ast.ListType"),
        (decode.read_string, "a {}", "At -: root.a: unknown type for string *ast.ObjectList"),
        (decode.read_string, 'a "b" {}', "At 1:3: root.a: unknown type for string *ast.ObjectList"),
        (decode.read_int, "a = 1.5", "At 1:5: root.a: unknown type *ast.LiteralType"),
        (decode.read_int, "a = 08", 'strconv.ParseInt: parsing "08": invalid syntax'),
        (decode.read_int, 'a = " 5"', 'strconv.ParseInt: parsing " 5": invalid syntax'),
        (decode.read_int, 'a = "--0x5"', 'strconv.ParseInt: parsing "--0x5": invalid syntax'),
        (
            decode.read_int,
            'a = "0x99999999999999999999"',
            'strconv.ParseInt: parsing "0x99999999999999999999": value out of range',
        ),
        (decode.read_any, "a = .5e", 'strconv.ParseFloat: parsing ".5e": invalid syntax'),
        (decode.read_any, "a = 1e400", 'strconv.ParseFloat: parsing "1e400": value out of range'),
        (decode.read_any, 'a = 5 a = "1h"', 'strconv.ParseInt: parsing "1h": invalid syntax'),
        (decode.read_bool, 'a = "x"', "At 1:5: root.a: unknown type *ast.LiteralType"),
        (decode.list_of(decode.read_string), 'a = "b"', "At 1:5: unknown slice type: *ast.LiteralType"),
        (decode.list_of(decode.read_string), "a = [[]]", "At 1:6: root.a[0]: unknown type for string *ast.ListType"),
        (
            decode.list_of(decode.read_string),
            "a { b = 1 }",
            "At 1:5: root.a[0]: unknown type for string *ast.ObjectItem",
        ),
        (decode.map_of(decode.read_any), "a = []", "At 1:5: root.a: not an object type for map (*ast.ListType)"),
        (
            decode.map_of(decode.list_of(decode.read_element)),
            'a { x "y" { b = 1 } }',
            "root.a.x[0]: cannot decode into interface: *ast.ObjectItem",
        ),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_in_the_servers_words(reader, text, error):
    with pytest.raises(hcl.HCLError) as caught:
        decode.read_field(hcl.parse(text), "a", reader)
    assert str(caught.value) == error


@pytest.mark.parametrize(
    ("text", "value"), [("a = 7", 7), ('a = "+5"', 5), ('a = "1_000"', 1000), ('a = "0_1"', 1), ('a = "0o7"', 7)]
)
def test_whole_numbers_may_be_written_as_in_go(text, value):
    assert decode.read_field(hcl.parse(text), "a", decode.read_int) == value


@pytest.mark.parametrize("text", [r'"\777" = 1', r'"a\U00110000" = 1'])
def test_an_escape_that_passes_the_scanner_and_means_nothing_is_refused_when_it_is_read(text):
    (item,) = hcl.parse(text)
    with pytest.raises(hcl.HCLError, match="err: invalid syntax"):
        item.keys[0].string()


@pytest.mark.parametrize("opening", ["a = " + "[" * 5000, "a {" * 5000, '{"a":' * 5000])
def test_an_input_nested_too_deep_is_refused(opening):
    assert f"nested more than {hcl.MAX_DEPTH} deep" in refusal(opening)
