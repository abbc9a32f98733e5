"""Templates of identity tokens, and what Go's encoding/json says of broken JSON."""

import pytest

from sandboxd.sys.oidc_templates import TemplateError, json_fault, parse_object, populate
from sandboxd.vault.identity import Entity, EntityAlias, Group

ALIAS = EntityAlias(id="al", name="a-n", canonical_id="e", mount_accessor="up", metadata={"k": "v"})
ANN = Entity(id="e", name="ann", metadata={"team": 'a"b'}, aliases=(ALIAS,))
DEVS = Group(id="g", name="devs", metadata={"floor": "2"})
NOW = 1000


@pytest.mark.parametrize(
    ("directive", "value"),
    [
        ("identity.entity.id", '"e"'),
        (" identity.entity.name ", '"ann"'),
        ("identity.entity.metadata", '{"team":"a\\"b"}'),
        ("identity.entity.metadata.team", '"a\\"b"'),
        ("identity.entity.metadata.none", '""'),
        ("identity.entity.groups.names", '["devs"]'),
        ("identity.entity.groups.ids", '["g"]'),
        ("identity.entity.aliases.up.name", '"a-n"'),
        ("identity.entity.aliases.up.metadata.k", '"v"'),
        ("identity.entity.aliases.up.custom_metadata", "{}"),
        ("identity.entity.aliases.none.name", '""'),
        ("identity.groups.names.devs.id", "g"),
        ("identity.groups.ids.g.metadata.floor", "2"),
        ("time.now", "1000"),
        ("time.now.plus.1m", "1060"),
        ("time.now.minus.10", "990"),
    ],
)
def test_a_directive_stands_for_a_value(directive: str, value: str) -> None:
    assert populate(f"<{{{{{directive}}}}}>", ANN, [DEVS], NOW) == f"<{value}>"


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{none}}", "no value could be found for one of the template directives"),
        ("{{identity.entity.nope}}", "no value could be found for one of the template directives"),
        ("{{identity.entity.aliases.up}}", "invalid alias selector"),
        ("{{identity.groups.names.ops.id}}", 'entity is not a member of group "ops"'),
        ("{{identity.groups.nope.x.id}}", "invalid groups selector"),
        ("{{time.later}}", 'invalid time selector "later"'),
        ("{{time.now.plus}}", "missing time operand"),
        ("{{time.now.times.1m}}", 'invalid time operator "times"'),
        ("}}", "unbalanced templating characters"),
        ("{{a", "unbalanced templating characters"),
    ],
)
def test_what_stands_for_nothing_is_refused(template: str, text: str) -> None:
    with pytest.raises(TemplateError) as error:
        populate(template, ANN, [DEVS], NOW)
    assert str(error.value) == text


# The texts are those of Go's encoding/json, as a running OpenBao 2.7.2 shows them or as its source has them.
@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{"a": [1, -2.5e3, true, null, "\\u00e9"]} ', ""),
        ("", "unexpected end of JSON input"),
        ('{"a":1', "unexpected end of JSON input"),
        ("{bad", "invalid character 'b' looking for beginning of object key string"),
        ('{"x":""ann""}', "invalid character 'a' after object key:value pair"),
        ('{"a" 1}', "invalid character '1' after object key"),
        ("[1 2]", "invalid character '2' after array element"),
        ("{} {}", "invalid character '{' after top-level value"),
        ("tru3", "invalid character '3' in literal true (expecting 'e')"),
        ("-x", "invalid character 'x' in numeric literal"),
        ('"\\q"', "invalid character 'q' in string escape code"),
        ('"\\u12x4"', "invalid character 'x' in \\u hexadecimal character escape"),
        ('"a\nb"', "invalid character '\\n' in string literal"),
        ("'a'", "invalid character '\\'' looking for beginning of value"),
    ],
)
def test_broken_json_is_named_as_go_does(text: str, fault: str) -> None:
    assert json_fault(text) == fault


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":"\\ud800"}', '{"a":1e999}'])
def test_json_that_no_claim_can_hold_is_refused(text: str) -> None:
    with pytest.raises(TemplateError):
        parse_object(text)


@pytest.mark.parametrize(("text", "kind"), [("[]", "array"), ('"a"', "string"), ("1", "number"), ("true", "bool")])
def test_only_an_object_makes_claims(text: str, kind: str) -> None:
    with pytest.raises(TemplateError) as error:
        parse_object(text)
    assert str(error.value) == f"json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}"
