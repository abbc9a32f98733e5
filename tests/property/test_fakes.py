"""What holds of fakes whatever the seed, the options and the text around them."""

import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandboxd.fakes import Nature, Source, Status, find, generate, guard, identify, kinds, verify
from sandboxd.fakes.alphabets import digits, number
from sandboxd.fakes.forms.bech32 import decode, encode
from sandboxd.fakes.forms.chosen import unbase64
from sandboxd.fakes.stream import Stream

# Keys take long to make, and their forms are held by unit tests.
CHEAP = [kind for kind in kinds() if kind.nature is not Nature.KEY and kind.id != "tls_certificate"]
MARKED = [kind for kind in CHEAP if kind.bits]
sources = st.builds(
    Source,
    seed=st.text(min_size=1, max_size=20) | st.binary(min_size=1, max_size=20),
    path=st.text(max_size=30),
    field=st.text(max_size=30),
    version=st.integers(0, 10**6),
)
alphabets = st.sampled_from([string.digits, string.ascii_letters, "01", string.hexdigits.lower()[:16]])


@given(st.sampled_from(MARKED), sources)
def test_every_value_is_recognised_and_let_in(kind, source):
    value = generate(kind, source)
    assert kind.accepted.fullmatch(value)
    assert verify(value).kind.id == kind.id
    assert guard(value, key_name=kind.key, strict=True) is None


@given(st.sampled_from(MARKED), sources, sources)
def test_places_that_differ_have_values_that_differ(kind, first, second):
    same = (first.path, first.field, first.version) == (second.path, second.field, second.version)
    seeds = {seed.encode() if isinstance(seed, str) else seed for seed in (first.seed, second.seed)}
    if not same or len(seeds) > 1:
        assert generate(kind, first) != generate(kind, second)


@given(st.sampled_from([kind for kind in MARKED if kind.form.length and kind.bits > 40]), sources, st.data())
def test_one_changed_symbol_ends_the_mark(kind, source, data):
    value = generate(kind, source)
    at = data.draw(st.integers(0, len(value) - 1))
    symbol = data.draw(st.sampled_from(string.printable[:94]).filter(lambda each: each.lower() != value[at].lower()))
    changed = value[:at] + symbol + value[at + 1 :]
    assert not any(finding.marked for finding in identify(changed))


@pytest.mark.parametrize("kind", [kind for kind in CHEAP if not kind.shapeless], ids=lambda kind: kind.id)
@settings(max_examples=3, suppress_health_check=list(HealthCheck), deadline=None)
@given(data=st.data())
def test_what_a_provider_issues_holds_the_anchor_and_no_mark(kind, data):
    value = data.draw(st.from_regex(rf"\A(?:{kind.real or kind.shape})\Z"))
    assert any(literal in value for literal in kind.literals)
    assert not kind.form.marked(kind.id, value) or kind.bits < 40


@given(st.sampled_from(MARKED), sources, st.text(max_size=40), st.text(max_size=40))
def test_a_value_is_found_in_any_text_that_is_set_off_from_it(kind, source, before, after):
    value = generate(kind, source)
    text = f'{before}\n"{value}"\n{after}'
    assert value in [text[span.start : span.end] for span in find(text) if span.made_here]


@given(st.text(st.characters(exclude_categories=()), max_size=300), st.text(max_size=20), st.booleans())
def test_the_guard_has_an_answer_for_every_text(text, name, strict):
    found = guard(text, key_name=name, strict=strict)
    assert found is None or len(found.fingerprint) == 12


@given(st.text(alphabet='{}[]":,\\ntrue0-=+/ABab\n@.', max_size=80))
def test_broken_json_base64_and_urls_are_no_trouble(text):
    guard(text, key_name="token")
    verify(text)
    find(text)


@given(st.text(max_size=200))
def test_random_text_is_never_ours(text):
    assert verify(text).status is not Status.MADE_HERE
    assert not any(span.made_here for span in find(text))


@given(
    st.integers(16, 256),
    st.sampled_from(["mixed", "alphanumeric", "lowercase", "symbols"]),
    sources,
)
def test_passwords_of_every_length_are_recognised(length, characters, source):
    value = generate("password", source, {"length": length, "characters": characters})
    assert len(value) == length
    assert verify(value).kind.id == "password_marked"


@given(st.integers(0, 2**128), alphabets)
def test_digits_are_read_back(value, alphabet):
    width = 1
    while len(alphabet) ** width <= value:
        width += 1
    assert number(digits(value, alphabet, width), alphabet) == value


@given(st.integers(1, 2**80), st.binary(max_size=8))
def test_numbers_below_a_limit_are_below_it(limit, seed):
    stream = Stream(seed, b"")
    assert all(0 <= stream.below(limit) < limit for _ in range(10))


@given(st.binary(max_size=64))
def test_bech32_is_read_back(content):
    assert decode("x", encode("x", content)) == content


@given(st.text(alphabet=string.ascii_letters + "+/-_=", max_size=40))
def test_two_texts_never_decode_to_the_same_bytes_in_one_alphabet(text):
    content = unbase64(text)
    if content is not None:
        assert len(content) == len(text.rstrip("=")) * 3 // 4
