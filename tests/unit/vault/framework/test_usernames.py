"""Username templates: the functions of the real server's template helper, with the values of its own tests."""

import re

import pytest

from sandboxd.vault.clock import Clock
from sandboxd.vault.entropy import Entropy
from sandboxd.vault.framework.usernames import Record, Template

MOMENT = 1_700_000_000_123_456_789  # 2023-11-14 22:13:20 UTC, a Tuesday


def rendered(text: str, **data: object) -> str:
    clock = Clock(lambda: MOMENT)
    return Template.parse(text).render(Record("UsernameMetadata", **data), clock, Entropy("seed"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{{"foobarbaz" | truncate 5}}', "fooba"),
        ('{{truncate 1 "é"}}', "\N{REPLACEMENT CHARACTER}"),
        ('{{"thisisareallylongstring" | truncate_sha256 9}}', "t4bb25641"),
        ('{{"thisisareallylongstring" | truncate_sha256 22}}', "thisisareallyl7f978be6"),
        ('{{"thisisareallylongstring" | truncate_sha256 23}}', "thisisareallylongstring"),
        ('{{"fOoBaR" | uppercase}}{{"fOoBaR" | lowercase}}', "FOOBARfoobar"),
        ('{{uppercase "straße"}}', "STRAßE"),
        ('{{"banana" | replace "a" "b"}}', "bbnbnb"),
        ('{{sha256 "foobar"}}', "c3ab8ff13720e8ad9047dd39466b3c8974e592c2fa383d4a3960714caef0c4f2"),
        ('{{base64 "foobar"}}{{decode_base64 "YQ=="}}', "Zm9vYmFya"),
        ('{{hex "a"}}{{decode_hex "61"}}', "61a"),
        ('{{glob "a*" "abc"}}{{glob "a" "b"}}', "truefalse"),
        ("{{unix_time}} {{unix_time_millis}}", "1700000000 1700000000123"),
        ('{{timestamp "2006-01-02T15:04:05.000Z07:00"}}', "2023-11-14T22:13:20.123Z"),
        ('{{timestamp "Mon Jan _2 03:04PM MST 06 .999999999"}}', "Tue Nov 14 10:13PM UTC 23 .123456789"),
        ("{{random 0}}", ""),
    ],
)
def test_a_function_gives_what_the_real_one_gives(text: str, expected: str) -> None:
    assert rendered(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{{truncate 0 "a"}}', '<truncate 0 "a">: error calling truncate: max length must be > 0 but was 0'),
        (
            '{{truncate_sha256 8 "a"}}',
            '<truncate_sha256 8 "a">: error calling truncate_sha256: max length must be > 8 but was 8',
        ),
        ("{{random -1}}", "<random -1>: error calling random: runtime error: makeslice: cap out of range"),
        (
            '{{decode_hex "zz"}}',
            "<decode_hex \"zz\">: error calling decode_hex: encoding/hex: invalid byte: U+007A 'z'",
        ),
        ('{{decode_hex "6"}}', '<decode_hex "6">: error calling decode_hex: encoding/hex: odd length hex string'),
        (
            '{{decode_base64 "*"}}',
            '<decode_base64 "*">: error calling decode_base64: illegal base64 data at input byte 0',
        ),
    ],
)
def test_a_function_refuses_in_the_real_one_s_words(text: str, expected: str) -> None:
    with pytest.raises(ValueError, match="unable to apply template") as error:
        rendered(text)
    assert str(error.value) == f'unable to apply template: template: template:1:2: executing "template" at {expected}'


def test_chance_and_time_are_handed_in() -> None:
    text = "{{random 20}} {{uuid}}"
    assert rendered(text) == rendered(text)
    assert re.fullmatch(r"[A-Za-z0-9]{20} [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", rendered(text))


def test_what_does_not_parse_is_refused_with_the_real_server_s_text() -> None:
    with pytest.raises(ValueError, match="unable to parse") as error:
        Template.parse("{{ foo }}")
    assert str(error.value) == 'unable to parse template: template: template:1: function "foo" not defined'
    with pytest.raises(ValueError, match="missing template"):
        Template.parse("")


def test_vault_has_fewer_functions() -> None:
    with pytest.raises(ValueError, match='function "hex" not defined'):
        Template.parse('{{hex "a"}}', profile="vault")


def test_a_missing_key_prints_as_no_value_unless_that_is_an_error() -> None:
    parsed = Template.parse("{{.nope}}", strict=True)
    assert Template.parse("{{.nope}}").render({}, Clock(), Entropy()) == "<no value>"
    with pytest.raises(ValueError, match='map has no entry for key "nope"'):
        parsed.render({}, Clock(), Entropy())


def test_random_text_has_an_end() -> None:
    with pytest.raises(ValueError, match="text of more than 1048576 bytes"):
        rendered("{{random 2000000}}")
