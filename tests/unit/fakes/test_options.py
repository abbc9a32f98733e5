"""Options: what they take, and what they say when they are wrong."""

import pytest

from sandboxd.fakes import OptionError, generate, kind, kinds
from sandboxd.fakes.options import Options, decode, option


class Sample(Options):
    length: int = option(30, "How long.", minimum=2, maximum=40)
    style: str = option("a", "Which.", choices=("a", "b"))
    padded: bool = option(default=True, help="Whether padded.")
    names: tuple[str, ...] = option((), "Names.")
    claims: dict[str, object] = option({}, "Claims.")


def test_what_is_not_given_has_its_default():
    chosen = decode(Sample, {"length": 3}, "sample")
    assert (chosen.length, chosen.style, chosen.padded, chosen.names) == (3, "a", True, ())


def test_the_schema_lists_names_types_defaults_and_help():
    assert [(each.name, each.type, each.default, each.help) for each in Sample.declared] == [
        ("length", "integer", 30, "How long."),
        ("style", "string", "a", "Which."),
        ("padded", "boolean", True, "Whether padded."),
        ("names", "array", (), "Names."),
        ("claims", "object", {}, "Claims."),
    ]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"lenght": 3}, "sample has no option 'lenght'; did you mean length?"),
        ({"zzz": 3}, "sample has no option 'zzz'; it has length, style, padded, names, claims"),
        ({"length": "3"}, "sample: length must be a whole number"),
        ({"length": True}, "sample: length must be a whole number"),
        ({"length": 1}, "sample: length must be at least 2"),
        ({"length": 41}, "sample: length must be at most 40"),
        ({"style": "c"}, "sample: style must be one of a, b"),
        ({"padded": 1}, "sample: padded must be true or false"),
        ({"names": "a"}, "sample: names must be a list of texts"),
        ({"names": [1]}, "sample: names must be a list of texts"),
        ({"claims": []}, "sample: claims must be a mapping"),
    ],
)
def test_a_wrong_option_is_an_error_that_says_what_is_taken(given, message):
    with pytest.raises(OptionError) as raised:
        decode(Sample, given, "sample")
    assert str(raised.value) == message


def test_lists_and_mappings_are_taken_as_they_come_from_yaml():
    chosen = decode(Sample, {"names": ["a", "b"], "claims": {"x": 1}}, "sample")
    assert (chosen.names, chosen.claims) == (("a", "b"), {"x": 1})


def test_a_kind_without_options_says_so(source):
    with pytest.raises(OptionError, match=r"github.pat has no option 'length'; it has none"):
        generate("github.pat", source, {"length": 3})


def test_options_given_for_a_sibling_are_checked_too(source):
    with pytest.raises(OptionError):
        generate("aws.access_key_id", source, {"x": 1}, part="secret_access_key")


def test_the_error_never_repeats_a_value(source):
    with pytest.raises(OptionError) as raised:
        generate("password", source, {"characters": "hunter2-hunter2"})
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("each", kinds(), ids=lambda each: each.id)
def test_every_option_has_help_and_a_default_it_would_take(each):
    for declared in each.options:
        assert declared.help[0].isalpha()
        assert declared.help.endswith(".") or ";" in declared.help
        decode(each.form.options, {declared.name: declared.default}, each.name)


def test_editors_see_the_options_of_a_kind():
    assert [each.name for each in kind("password").options] == ["length", "characters"]
