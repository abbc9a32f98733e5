"""Whatever the text, parsing ends with a tree or a refusal."""

import contextlib

from hypothesis import given
from hypothesis import strategies as st

from sandboxd.vault import hcl
from sandboxd.vault.hcl import decode

SCRAPS = [
    *"{}[]=,:;.+-/#$\\\"'\n\r\t 05xe_é\0\ue123\ud800",
    "path",
    '"a"',
    "true",
    "null",
    "<<EOF",
    "<<-E\n",
    "\n EOF\n",
    "${",
    "/*",
    "*/",
    "\\u12",
    "0x",
    "1.5",
    ".5e",
]
texts = st.lists(st.sampled_from(SCRAPS)).map("".join) | st.text()
words = st.text(st.characters(codec="utf-8", exclude_characters="\0\ue123"), max_size=20)


@given(texts, st.sampled_from(["", "{", '{"a":', "a {"]))
def test_any_text_is_parsed_or_refused(text, start):
    with contextlib.suppress(hcl.HCLError):
        decode.read_element("root", hcl.parse(start + text))


def literal(word):
    return "".join(f"\\U{ord(char):08x}" for char in word)


@given(words)
def test_a_string_written_in_escapes_is_read_back(word):
    assert decode.read_element("root", hcl.parse(f'a = "{literal(word)}"')) == {"a": word}


@given(st.dictionaries(st.from_regex(r"[a-z][a-z0-9_-]*", fullmatch=True), st.integers(-(2**63), 2**63 - 1)))
def test_attributes_are_read_back(values):
    text = "\n".join(f"{key} = {value}" for key, value in values.items() if key not in ("true", "false"))
    expected = {key: value for key, value in values.items() if key not in ("true", "false")}
    assert decode.read_element("root", hcl.parse(text)) == expected
