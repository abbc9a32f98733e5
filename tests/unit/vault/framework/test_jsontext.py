"""JSON texts that are taken whole. Expected texts are those of Go's encoding/json."""

import pytest

from sandboxd.vault.framework.jsontext import check, compact, misfit, whole


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (' {"a": [1, 1.5, "x", null, true]} \n', {"a": [1, 1.5, "x", None, True]}),
        ('"x"', "x"),
        ("12345678901234567890", 12345678901234567890),
        ("1" * 301, float("1" * 301)),
    ],
)
def test_a_text_is_one_value(text, value):
    assert whole(text) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "unexpected end of JSON input"),
        ('{"a":', "unexpected end of JSON input"),
        ("x", "invalid character 'x' looking for beginning of value"),
        ("{} {}", "invalid character '{' after top-level value"),
        ("1 '", "invalid character '\\'' after top-level value"),
        ('1 "', "invalid character '\"' after top-level value"),
        ("1 \x01", "invalid character '\\x01' after top-level value"),
        ("NaN", "invalid character 'N' looking for beginning of value"),
        ("1e999", "json: cannot unmarshal number 1e999 into Go value of type float64"),
    ],
)
def test_what_is_not_one_value_is_refused_in_go_s_words(text, reason):
    with pytest.raises(ValueError) as error:  # noqa: PT011 -- the text is compared
        whole(text)
    assert str(error.value) == reason


def test_blanks_go_except_in_strings():
    assert compact(' { "a b" : [ 1 , "\\" x " ] }\n') == '{"a b":[1,"\\" x "]}'


@pytest.mark.parametrize("number", ["1e999", "1" * 5000])
def test_numbers_that_nobody_asks_for_may_have_any_size(number):
    check(number)
    assert compact(f"[ {number} ]") == f"[{number}]"


@pytest.mark.parametrize(
    ("value", "kind"),
    [(True, "bool"), ("x", "string"), (1, "number"), (1.5, "number"), ([], "array"), ({}, "object")],
)
def test_a_value_of_the_wrong_type_is_named_in_go_s_words(value, kind):
    assert str(misfit(value, "T")) == f"json: cannot unmarshal {kind} into Go value of type T"


def test_a_field_is_named_with_its_struct():
    assert str(misfit(1, "string", "S.F")) == "json: cannot unmarshal number into Go struct field S.F of type string"


def test_what_is_not_one_value_cannot_be_made_compact():
    with pytest.raises(ValueError, match="after top-level value"):
        compact("{}}")
