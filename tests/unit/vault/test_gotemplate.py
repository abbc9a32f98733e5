"""Go templates: what the real server makes of them, errors word for word (asked of a running OpenBao 2.7.2)."""

import json
from pathlib import Path

import pytest

from sandboxd.vault.clock import Clock
from sandboxd.vault.entropy import Entropy
from sandboxd.vault.framework import usernames
from sandboxd.vault.gotemplate import Record, Template, TemplateError

DATA = Record("rabbitmq.UsernameMetadata", DisplayName="token", RoleName="my-role")


RECORDED = json.loads((Path(__file__).parent / "recorded_templates.json").read_text())
"""Templates, and what an OpenBao 2.7.2 made of them: text, or an error."""

OF_MAPS = json.loads((Path(__file__).parent / "recorded_map_templates.json").read_text())
"""Templates of policies, and what came of them at a JWT login with the claims below: a policy, or an error."""

CLAIMS = {
    "sub": "s",
    "list": ["x", "y", "z"],
    "empty": [],
    "map": {"b": "2", "a": "1"},
    "none": None,
    "yes": True,
    "mixed": ["a", True, None, ["n"], {"k": "v"}],
}


def rendered(text: str, data: object = DATA) -> str:
    return Template.parse(text, {}).run(data)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{.DisplayName}}-{{.RoleName}}", "token-my-role"),
        ("{{ $x := 1 }}{{ $x }}", "1"),
        ("{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}", "2"),
        ("{{range 3}}x{{.}}{{end}}", "x0x1x2"),
        ("{{range $x := 5}}{{if eq $x 2}}{{continue}}{{end}}{{if eq $x 4}}{{break}}{{end}}{{$x}}{{end}}", "013"),
        ("{{range 0}}a{{else}}e{{end}}", "e"),
        ('{{define "x"}}hey {{.}}{{end}}{{template "x" .RoleName}}', "hey my-role"),
        ('{{block "b" .}}{{.RoleName}}{{end}}', "my-role"),
        ("{{.}}", "{token my-role}"),
        ('{{ print 1 2 "a" 3 }}', "1 2a3"),
        (
            "{{ 3 }} {{ 1.5 }} {{ 1e3 }} {{ 'a' }} {{ 0x1F }} {{ true }} {{ 1e21 }}{{ 1i }}",
            "3 1.5 1000 97 31 true 1e+21(0+1i)",
        ),
        ('{{ and 1 0 }}{{ or 0 "x" }}{{ not 1 }}', "0xfalse"),
        ('{{ html "<a>" }}{{ js "\'" }}{{ urlquery "a b" }}', "&lt;a&gt;\\'a+b"),
        ("  {{- 1 -}}  x", "1x"),
        ('{{with ""}}{{.}}{{else with .RoleName}}{{.}}{{end}}', "my-role"),
        ("{{if 0}}a{{else if 0}}b{{else}}c{{end}}", "c"),
        ('{{slice "abc" 1 2}}{{len "é"}}{{index "abc" 1}}', "b298"),
        ("a{{/* c */ -}}  b", "ab"),
    ],
)
def test_a_template_is_filled_in_as_go_does(text: str, expected: str) -> None:
    assert rendered(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ foo }}", 'template: template:1: function "foo" not defined'),
        ("{{", "template: template:1: unclosed action"),
        ("{{\n", "template: template:2: unclosed action started at template:1"),
        ("{{ if }}", "template: template:1: missing value for if"),
        ("{{ if .RoleName }}", "template: template:1: unexpected EOF"),
        ("{{ end }}", "template: template:1: unexpected {{end}}"),
        ("{{ (1 }}", "template: template:1: unclosed left paren"),
        ("{{ ) }}", "template: template:1: unexpected right paren"),
        ('{{ "abc }}', "template: template:1: unterminated quoted string"),
        ("{{ 'a }}", "template: template:1: unterminated character constant"),
        ("{{ `abc }}", "template: template:1: unterminated raw quoted string"),
        ("{{/* x }}", "template: template:1: unclosed comment"),
        ("{{/* x */ }}", "template: template:1: comment ends before closing delimiter"),
        ("{{ $x }}", 'template: template:1: undefined variable "$x"'),
        ("{{ 1 | 2 }}", "template: template:1: non executable command in pipeline stage 2"),
        ("{{break}}", "template: template:1: {{break}} outside {{range}}"),
        ("a\n{{ foo }}", 'template: template:2: function "foo" not defined'),
        ("{{ ~ }}", 'template: template:1: unexpected "~" in command'),
        ("{{ .a~ }}", "template: template:1: bad character U+007E '~'"),
        ("{{ 1a }}", 'template: template:1: bad number syntax: "1a"'),
    ],
)
def test_what_cannot_be_parsed_is_refused_in_go_s_words(text: str, expected: str) -> None:
    with pytest.raises(TemplateError) as error:
        Template.parse(text, {})
    assert str(error.value) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "{{.Nope}}",
            '1:2: executing "template" at <.Nope>: can\'t evaluate field Nope in type rabbitmq.UsernameMetadata',
        ),
        ("{{ nil }}", '1:3: executing "template" at <nil>: nil is not a command'),
        (
            "{{ .RoleName.Foo }}",
            '1:12: executing "template" at <.RoleName.Foo>: can\'t evaluate field Foo in type string',
        ),
        ("{{ 1 2 }}", '1:3: executing "template" at <1>: can\'t give argument to non-function 1'),
        ("{{$x := $x 1}}", '1:8: executing "template" at <$x>: undefined variable: $x'),
        ("{{ len 3 }}", '1:3: executing "template" at <len 3>: error calling len: len of type int'),
        ('{{template "x"}}', '1:11: executing "template" at <{{template "x"}}>: template "x" not defined'),
        (
            "{{range $i, $e := 3}}{{$i}}{{end}}",
            '1:18: executing "template" at <3>: can\'t use 3 to iterate over more than one variable',
        ),
    ],
)
def test_what_goes_wrong_in_a_run_is_told_in_go_s_words(text: str, expected: str) -> None:
    with pytest.raises(TemplateError) as error:
        rendered(text)
    assert str(error.value) == f"template: template:{expected}"


def test_a_template_cannot_hold_the_server_up() -> None:
    with pytest.raises(TemplateError, match="more than 100000 steps"):
        rendered("{{range 1000000000}}x{{end}}")
    doubling = '{{$x := "aaaaaaaaaaaaaaaa"}}' + "{{$x = print $x $x}}" * 40
    with pytest.raises(TemplateError, match="bytes"):
        rendered(doubling)
    with pytest.raises(TemplateError, match="exceeded maximum template depth"):
        rendered('{{define "x"}}{{template "x"}}{{end}}{{template "x"}}')
    with pytest.raises(TemplateError, match="max expression depth exceeded"):
        rendered("{{" + "(" * 500 + "1" + ")" * 500 + "}}")


def test_more_than_two_thousand_templates_do_as_recorded() -> None:
    empty = Record(DATA.type_name, DisplayName="", RoleName="")  # a template is tried with that before it is stored
    for text, expected in RECORDED.items():
        try:
            parsed = usernames.Template.parse(text)
            parsed.render(empty, Clock(), Entropy())
            got = {"text": parsed.render(DATA, Clock(), Entropy())}
        except TemplateError as error:
            got = {"error": str(error)}
        assert (text, got) == (text, expected)


def test_templates_of_maps_and_lists_do_as_recorded() -> None:
    for text, expected in OF_MAPS.items():
        try:
            rendered = usernames.Template.parse(text, strict=True).render(CLAIMS, Clock(), Entropy())
            got = {"policy": rendered.strip().lower()}  # as the server has the names of policies
        except TemplateError as error:
            got = {"error": str(error)}
        assert (text, got) == (text, expected)


def test_nothing_at_all_has_no_fields_where_that_is_an_error() -> None:
    with pytest.raises(TemplateError, match='nil data; no entry for key "x"'):
        Template.parse("{{.x}}", {}, strict=True).run(None)


def test_a_pipeline_has_an_end() -> None:
    with pytest.raises(TemplateError, match="pipeline too long"):
        Template.parse("{{1" + "|print" * 1000 + "}}", {})


def test_text_has_an_end() -> None:
    with pytest.raises(TemplateError, match="text of more than 1048576 bytes"):
        rendered('{{$x := printf "%1000000d" 1}}{{$x}}{{$x}}')


def test_a_field_of_nothing_is_nothing() -> None:
    assert rendered("{{.nope.x}}", {}) == "<no value>"
