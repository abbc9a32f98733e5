"""Layouts of symbols."""

import pytest

from sandboxd.fakes.alphabets import BASE62, HEX
from sandboxd.fakes.checksums import CRC32_BASE62, CRC32_HEX_LITTLE
from sandboxd.fakes.forms.symbols import Bad, Lit, Mark, Rand, is_marked, symbols, write

LAYOUT = (Lit("tok_"), Rand(20, BASE62), Mark(10, BASE62), Bad(CRC32_BASE62))
HEXADECIMAL = (Lit("AC"), Rand(16, HEX), Mark(16, HEX))


def test_a_form_knows_its_length_bits_and_longest_literal():
    form = symbols(Lit("a"), Rand(4, HEX), Lit("-long-"), Mark(16, HEX))
    assert (form.length, form.bits, form.anchor) == (27, 64.0, "-long-")


def test_a_value_is_marked_for_its_kind_alone(source):
    value = write(LAYOUT, "one", source.stream("one"))
    assert is_marked(LAYOUT, "one", value)
    assert not is_marked(LAYOUT, "two", value)


@pytest.mark.parametrize("value", ["", "tok_", "tok_" + "a" * 36, "x" * 40, "tok_" + "-" * 36, "tok_" + "é" * 36])
def test_other_text_is_not_marked(value):
    assert not is_marked(LAYOUT, "one", value)


def test_hex_may_be_in_capitals_but_other_alphabets_may_not(source):
    value = write(HEXADECIMAL, "h", source.stream("h"))
    assert is_marked(HEXADECIMAL, "h", value.upper())
    token = write(LAYOUT, "one", source.stream("one"))
    assert not is_marked(LAYOUT, "one", token.upper())


def test_the_checksum_is_broken_and_not_genuine(source):
    form = symbols(*LAYOUT)
    value = write(LAYOUT, "one", source.stream("one"))
    assert form.broken(value)
    assert not form.genuine(value)


def test_a_longer_value_of_the_provider_has_its_checksum_at_the_same_end():
    form = symbols(*LAYOUT)
    before = "tok_" + "a" * 50
    assert form.genuine(before + CRC32_BASE62.right(before))


def test_a_form_without_a_checksum_is_neither_broken_nor_genuine(source):
    form = symbols(*HEXADECIMAL)
    value = write(HEXADECIMAL, "h", source.stream("h"))
    assert not form.broken(value)
    assert not form.genuine(value)


def test_the_checksum_of_a_form_may_be_followed_by_a_literal_before_it(source):
    layout = (Lit("gl_"), Rand(8, BASE62), Mark(10, BASE62), Lit("_"), Bad(CRC32_HEX_LITTLE))
    value = write(layout, "k", source.stream("k"))
    assert symbols(*layout).broken(value)
    assert is_marked(layout, "k", value)
