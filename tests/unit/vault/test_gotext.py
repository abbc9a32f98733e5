"""Go's %q. Expected literals follow Go's strconv.Quote, as documented."""

import pytest

from sandboxd.vault.gotext import quote


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("", '""'),
        ("plain", '"plain"'),
        ('say "hi"\\', r'"say \"hi\"\\"'),
        ("a\tb\r\n\a\b\f\v", r'"a\tb\r\n\a\b\f\v"'),
        ("\0\x7f", r'"\x00\x7f"'),
        ("Fran & Freddie's Diner\t☺", '"Fran & Freddie\'s Diner\\t☺"'),
        ("\u00a0\u2028\U000e0001", r'"\u00a0\u2028\U000e0001"'),
        ("a\udcff", r'"a\xff"'),
    ],
)
def test_text_is_quoted_as_a_go_literal(text, quoted):
    assert quote(text) == quoted
