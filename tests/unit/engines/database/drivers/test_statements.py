"""How the text of a role's statements is split. Source: go-secure-stdlib's tests and OpenBao's answers."""

from __future__ import annotations

from base64 import b64encode

import pytest

from sandboxd.engines.database.drivers.statements import json_list, split


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", ()),
        ("  ; ;", ()),
        ("a; b ;c;", ("a", "b", "c")),
        ('["a; b", " c "]', ("a; b", "c")),
        ('[1, "a;b"]', ('[1, "a', 'b"]')),
        (b64encode(b"a;b").decode(), ("a", "b")),
        (b64encode(b'["a;b"]').decode(), ("a;b",)),
        ('select "a;b"', ('select "a', 'b"')),
    ],
)
def test_statements_are_told_apart(text: str, pieces: tuple[str, ...]) -> None:
    assert split(text) == pieces


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('["~*", null]', ["~*", ""]),
        ("null", []),
        ("[1]", None),
        ('{"a": 1}', None),
        ("~*", None),
        ("[" * 100_000, None),
    ],
)
def test_a_list_of_texts_is_told_from_anything_else(text: str, found: list[str] | None) -> None:
    assert json_list(text) == found
