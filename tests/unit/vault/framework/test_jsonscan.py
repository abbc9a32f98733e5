"""The tokens of JSON. Texts are those of a running OpenBao 2.7.2, for bodies of requests and texts in fields alike."""

import re

import pytest

from sandboxd.vault.framework.jsonscan import EarlyEnd, Scanner, invalid, kind_of


def failed(text: str, read: str) -> str:
    with pytest.raises(ValueError, match=r"invalid|EOF") as error:
        getattr(Scanner(text), read)()
    return str(error.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"', '"\\/\b\f\n\r\té😀'),
        (r'"\ud800\u0041"', "\ufffdA"),
        (r'"\ude00\ud83d"', "\ufffd\ufffd"),
        (r'"\ud800\ud83d\ude00"', "\ufffd😀"),
        ('"\udcff"', "\ufffd"),
        ('"\x7f\u2028"', "\x7f\u2028"),
    ],
)
def test_a_string_is_read_with_what_is_no_character_as_the_sign_for_that(text: str, value: str) -> None:
    scanner = Scanner(text)
    assert scanner.string() == value
    assert scanner.ended()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('"\\x"', r"`\x`"),
        ('"\\ "', r'"\\ "'),
        ('"\\`"', r'"\\`"'),
        ('"\\\x00"', r'"\\\x00"'),
        ('"\\\x07"', r'"\\\a"'),
        ('"\\é"', r'"\\\xc3"'),
        ('"\\u12"}', r'`\u12"}`'),
        ('"\\u "}', r'"\\u \"}"'),
        ('"\\u12é"', r"`\u12é`"),
        ('"\\u😀"', r"`\u😀`"),
        ('"\\u\ufffd"', '"\\\\u\ufffd\\""'),
        ('"\\ud800\\u12"}', r'`\u12"}`'),
    ],
)
def test_a_bad_escape_is_shown_by_its_bytes_and_quoted_where_it_would_not_print(text: str, shown: str) -> None:
    assert failed(text, "string") == f"invalid escape sequence {shown} in string"


@pytest.mark.parametrize(
    ("char", "shown"),
    [
        *(("\a", r"\a"), ("\b", r"\b"), ("\f", r"\f"), ("\n", r"\n"), ("\v", r"\v"), ("\x00", r"\x00")),
        *(("'", r"\'"), ('"', '"'), ("\\", r"\\"), ("é", "é"), ("\udcff", r"\xff"), ("\u2028", r"\u2028")),
    ],
)
def test_an_invalid_character_is_shown_as_go_quotes_it(char: str, shown: str) -> None:
    assert str(invalid(char, "after array element")) == f"invalid character '{shown}' after array element"


@pytest.mark.parametrize("text", ["0", "-0", "10", "1.50", "1e3", "1E+2", "-2.5e-3"])
def test_a_number_is_given_as_it_is_spelled(text: str) -> None:
    assert Scanner(f"{text},").number() == text
    assert Scanner(f"0{text}").number() == "0"


@pytest.mark.parametrize("text", ["-x", "1.x", "1ex", "1e+x", "-\u0663"])
def test_a_number_goes_on_with_digits(text: str) -> None:
    assert failed(text, "number") == f"invalid character '{text[-1]}' in numeric literal"


def test_words_are_read_to_their_end() -> None:
    assert [Scanner(word).literal() for word in ("true", "false", "null")] == [True, False, None]
    assert failed("trux", "literal") == "invalid character 'x' in literal true (expecting 'e')"


@pytest.mark.parametrize(
    ("text", "read"),
    [("", "char"), (" ", "next"), ("tru", "literal"), ("-", "number"), ("1.", "number"), ('"a', "string")],
)
def test_an_early_end_is_told_from_what_is_wrong(text: str, read: str) -> None:
    with pytest.raises(EarlyEnd, match=f"^{re.escape('unexpected EOF')}$"):
        getattr(Scanner(text), read)()


@pytest.mark.parametrize("text", ['"\\', '"\\u', '"\\u12'])
def test_an_escape_that_is_cut_short_is_an_early_end(text: str) -> None:
    assert failed(text, "string") == "unexpected EOF"


def test_values_are_of_six_kinds_of_which_null_never_misfits() -> None:
    assert [kind_of(value) for value in (True, 1, 1.5, "", [], {})] == (
        ["bool", "number", "number", "string", "array", "object"]
    )
